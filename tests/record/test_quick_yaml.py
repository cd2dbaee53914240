"""The quick reader: what it reads, libyaml reads the same; what it does not, it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_runs import make_run
from twice.errors import RecordError
from twice.record import yaml_text
from twice.record.files import to_documents
from twice.record.quick_yaml import load_quickly

KEYS = st.text(min_size=1, max_size=6) | st.sampled_from(
    ["a", "a b", "1", "null", "a: b", "#x", "- a", "'", '"', "é", "-x", "./a"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "no",
            "1e3",
            "a # b",
            "a: b",
            "a:b",
            "-- x",
            "--x",
            " a",
            "it's",
            'say "x"',
            "\t",
            "\u2028",
            "数据",
            "[]",
            "/x",
            "../y",
        ]
    )
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def quickly(text: str) -> Any:
    try:
        return load_quickly(text, yaml_text._bare_value)
    except ValueError:
        return None


def by_libyaml(text: str) -> Any:
    """What `load` gives when the quick reader declines."""
    content = text.encode("utf-8", "surrogatepass")
    quick, yaml_text._load_quickly = yaml_text._load_quickly, lambda content: None
    try:
        return yaml_text.load(content, "x.yaml")
    finally:
        yaml_text._load_quickly = quick


def writable(data: Any) -> str | None:
    try:
        return yaml_text.dump(data).decode()
    except (RecordError, UnicodeEncodeError):
        return None


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS)
def test_what_is_written_is_read_the_same(data: dict[str, Any]) -> None:
    text = writable(data)
    if text is not None:
        found = quickly(text)
        assert found is None or repr(found) == repr(by_libyaml(text))


@settings(deadline=None, max_examples=300)
@given(
    DOCUMENTS,
    st.lists(
        st.tuples(st.integers(0, 10_000), st.sampled_from([*list(" -:#'\"\n\t&*!|>%@`{}[],?~\r\\ax1."), ""])),
        max_size=3,
    ),
)
def test_what_was_changed_is_read_the_same_or_not_at_all(data: dict[str, Any], edits: list[tuple[int, str]]) -> None:
    text = writable(data) or "a: 1\n"
    for position, character in edits:
        position %= len(text) or 1
        text = text[:position] + character + text[position + (character == "") :]
    found = quickly(text)
    if found is not None:
        assert repr(found) == repr(by_libyaml(text))


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            ["a", "b", ":", ": ", "- ", "  ", "\n", "'", '"', "x y", "#", " #", "1", "{}", "[]", "|", "---", ".", "é"]
        ),
        max_size=14,
    )
)
def test_any_text_is_read_the_same_or_not_at_all(parts: list[str]) -> None:
    text = "".join(parts) + "\n"
    found = quickly(text)
    if found is not None:
        assert repr(found) == repr(by_libyaml(text))


def test_the_documents_of_records_are_read_quickly() -> None:
    golden = Path(__file__).parent / "golden"
    texts = [path.read_text(encoding="utf-8") for path in golden.rglob("*.yaml")]
    texts += [yaml_text.dump(document).decode() for document in to_documents(make_run()).values()]
    for text in texts:
        assert repr(quickly(text)) == repr(by_libyaml(text))


@pytest.mark.parametrize(
    "text",
    ["", "a: 1", "# a\n", "a: &x 1\n", "a: *x\n", "a: |\n  b\n", "a:\n- 1\n", "a:\n    b: 1\n", "a: 1\na: 2\n", "a: [1]\n",
     "a:\n", "a: b\n  c\n", "- 1\n", "a: 'b\n", "a: 1\n---\nb: 2\n", "a: 1\r\nb: 2\n", "? a\n: b\n", "a: " + "9" * 5000 + "\n"],
)  # fmt: skip
def test_what_it_leaves_alone(text: str) -> None:
    assert quickly(text) is None
