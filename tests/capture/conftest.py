"""Real environments, made without a network."""

from real_environments import make_environment, make_project, make_wheel

__all__ = ["make_environment", "make_project", "make_wheel"]
