"""`python -m twice`: the same as the `twice` command."""

from twice.cli.main import main

main()
