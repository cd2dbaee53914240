"""Does what the code stood on differ?  Interpreter, distributions and variables; and the machine below them.

Two installs of one version are the same when the digests of their RECORD files (PEP 376) say so: then installer, index
and wheel tags do not matter. An editable install is not described by its RECORD, its source tree is. What has no digest
is unknown, not identical.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from twice.comparison.sections import (
    Difference,
    Section,
    compare_mappings,
    count,
    describe_text,
    enumerate_some,
    make_section,
)

if TYPE_CHECKING:
    from twice.record.model import Distribution, Environment, Machine, Packages, Run


def compare_environment(a: Run, b: Run) -> Section:
    """The environment section: interpreter, distributions and recorded variables."""
    differences: list[Difference] = []
    unknown: list[str] = []
    compared = []
    if a.environment.packages is None or b.environment.packages is None:
        unknown.append(_no_packages(a.environment, b.environment))
    else:
        found, doubts = _compare_packages(a.environment.packages, b.environment.packages)
        differences += found
        unknown += doubts
        compared.append(count(len(a.environment.packages.distributions), "distribution"))
    variables = compare_mappings(a.environment.variables, b.environment.variables)
    differences += [_renamed(difference, f"variable {difference.name}") for difference in variables]
    if a.environment.variables:
        compared.append(count(len(a.environment.variables), "variable"))
    return make_section("environment", differences, same=", ".join(compared), unknown=unknown, describe=describe_text)


def compare_machine(a: Run, b: Run) -> Section:
    """The machine section: every fact of machine.yaml, unknown ones included."""
    was, now = a.environment.machine, b.environment.machine
    if was is None or now is None:
        where = "either run" if was is now else "the first run" if was is None else "the second run"
        return make_section("machine", (), unknown=[f"the machine of {where} was not recorded"])
    return make_section("machine", compare_mappings(_machine_facts(was), _machine_facts(now)), describe=describe_text)


def _no_packages(a: Environment, b: Environment) -> str:
    if a.packages is None and b.packages is None:
        return "no Python process reported in"
    return f"no Python process reported in from the {'first' if a.packages is None else 'second'} run"


def _compare_packages(a: Packages, b: Packages) -> tuple[list[Difference], list[str]]:
    interpreter = compare_mappings(_interpreter_facts(a), _interpreter_facts(b))
    of_a, of_b = ({each.name: each for each in side.distributions} for side in (a, b))
    differences, unverified = [], []
    for name in sorted(of_a.keys() | of_b.keys()):
        was, now = of_a.get(name), of_b.get(name)
        if was is None or now is None:
            version = (was or now).version  # type: ignore[union-attr]  # one of them has it
            differences.append(
                Difference(name=name, kind="added", b=version)
                if was is None
                else Difference(name=name, kind="removed", a=version)
            )
            continue
        difference = _compare_distribution(was, now)
        if difference:
            differences.append(difference)
        elif not _is_verified(was, now):
            unverified.append(name)
    doubts = []
    if unverified:
        doubts.append(f"same versions, but no digest tells whether {enumerate_some(unverified)} had the same content")
    return interpreter + differences + compare_mappings(a.extra, b.extra), doubts


def _interpreter_facts(packages: Packages) -> dict[str, Any]:
    """What of the interpreter decides results; whether it sat in a venv does not."""
    interpreter = packages.interpreter
    facts = {interpreter.implementation: interpreter.version, "abi": interpreter.abi, **interpreter.extra}
    return {name: value for name, value in facts.items() if value is not None}


def _compare_distribution(a: Distribution, b: Distribution) -> Difference | None:
    if a.version != b.version:
        return Difference(name=a.name, kind="changed", a=a.version, b=b.version)
    editable = "editable" in (a.origin and a.origin.kind, b.origin and b.origin.kind)
    if not editable and a.record_sha256 and b.record_sha256:
        if a.record_sha256 == b.record_sha256:
            return None
        was, now = (f"{a.version} (RECORD {sha256[:12]})" for sha256 in (a.record_sha256, b.record_sha256))
        return Difference(name=a.name, kind="changed", a=was, b=now)
    was, now = (f"{a.version} ({_origin(each)})" for each in (a, b))
    return None if was == now else Difference(name=a.name, kind="changed", a=was, b=now)


def _origin(distribution: Distribution) -> str:
    origin = distribution.origin
    if origin is None:
        return f"from {distribution.index or 'an index'}"
    words = [origin.kind, origin.url, origin.commit, origin.subdirectory, origin.sha256]
    words.append("with uncommitted changes" if origin.dirty else None)
    return " ".join(word for word in words if word)


def _is_verified(a: Distribution, b: Distribution) -> bool:
    """Whether equal facts of the two installs prove equal content."""
    if a.origin is not None and a.origin.kind == "editable":
        inside = a.origin.url is not None and not a.origin.url.startswith(("/", "file:")) and "://" not in a.origin.url
        return inside or (a.origin.commit is not None and a.origin.dirty is False)
    if a.record_sha256 and b.record_sha256:
        return True
    return a.origin is not None and (a.origin.sha256 is not None or a.origin.commit is not None)


def _renamed(difference: Difference, name: str) -> Difference:
    return Difference(
        name=name,
        kind=difference.kind,
        a=difference.a,
        b=difference.b,
        delta=difference.delta,
        note=difference.note,
    )


def _machine_facts(machine: Machine) -> dict[str, Any]:
    """machine.yaml as name → value, mappings and GPUs spread out; what is not known is left out."""
    facts: dict[str, Any] = {}
    for field in fields(machine):
        value = getattr(machine, field.name)
        if field.name == "gpus":
            for index, gpu in enumerate(value):
                driver = f", driver {gpu.driver}" if gpu.driver else ""
                memory = f", {gpu.memory_bytes} bytes" if gpu.memory_bytes else ""
                facts[f"gpu {index}"] = f"{gpu.name}{memory}{driver}"
                facts.update({f"gpu {index} {name}": each for name, each in gpu.extra.items()})
        elif field.name == "extra":
            facts.update(value)
        elif isinstance(value, Mapping):
            facts.update({f"{name} {field.name}": each for name, each in value.items()})
        elif field.name == "cpu_flags":
            facts.update({f"cpu flag {flag}": None for flag in value})
        elif isinstance(value, tuple):
            facts.update({field.name: ", ".join(value)} if value else {})
        elif value is not None:
            facts[field.name.replace("_", " ")] = value
    return facts
