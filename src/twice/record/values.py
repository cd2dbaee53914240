"""Of which kinds are the values of facts?  The names that the type hints of a record's dataclasses use for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

Scalar = str | int | float | bool | None
Value = Any
"""What YAML and JSON both hold: a Scalar, a list of Values, or a mapping from str to Value."""

Extra = Mapping[str, Any]

FilePath = Annotated[str, "path"]
"""A path: in the files as `textforms.quote_path` writes it."""

Word = Annotated[str, "word"]
r"""A word of a command, or a variable's value: as it is, unless it starts with a double quote or is not UTF-8; then
quoted as a path is. All other text is text: bytes that are not UTF-8 are written as `\xNN` and stay so."""
