"""What is written reads the same in every YAML reader; what is read is held to the core of YAML 1.2."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from record_strategies import AWKWARD, comparable, texts, values

from twice.errors import RecordError
from twice.record.yaml_text import MAX_BYTES, dump, load

mappings = st.dictionaries(texts, values, max_size=5)


def tricky_texts():
    """Texts made of what numbers, times, words and marks of YAML are made of."""
    return st.text(alphabet="0123456789+-_.:,eExXoOTZ nyo~#'\"\\{}[]\t\n", max_size=10)


@settings(max_examples=400, deadline=None)
@given(st.one_of(mappings, st.dictionaries(tricky_texts(), st.lists(tricky_texts(), max_size=4), max_size=3)))
def test_every_reader_reads_what_is_written(data):
    content = dump(data)
    assert comparable(load(content, "x.yaml")) == comparable(data)
    assert comparable(yaml.load(content, Loader=yaml.SafeLoader)) == comparable(data)
    assert comparable(yaml.load(content, Loader=yaml.CSafeLoader)) == comparable(data)


@pytest.fixture(params=["with libyaml", "without libyaml"])
def libyaml(request, monkeypatch):
    if request.param == "without libyaml":
        monkeypatch.delattr(yaml, "CSafeLoader")


@pytest.mark.usefixtures("libyaml")
@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1e-3", {"a": 1e-3}),
        ("a: 1e3", {"a": 1e3}),
        ("a: .5", {"a": 0.5}),
        ("a: +12", {"a": 12}),
        ("a: 0o17", {"a": 15}),
        ("a: 017", {"a": 17}),
        ("a: 0x1F", {"a": 31}),
        ("a: -.inf", {"a": -math.inf}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("a: no", {"a": "no"}),
        ("a: on", {"a": "on"}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: True", {"a": True}),
        ("a: ~\nb:\nc: Null", {"a": None, "b": None, "c": None}),
        ("a: 'true'\nb: \"1\"", {"a": "true", "b": "1"}),
        ("a: !!str 1", {"a": "1"}),
        ("a: ! 1", {"a": "1"}),
        ("1: a\ntrue: b\n~: c", {"1": "a", "true": "b", "~": "c"}),
        ("<<: a\n=: b", {"<<": "a", "=": "b"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("{a: [1, {b: 2}], c: {}}", {"a": [1, {"b": 2}], "c": {}}),
        ("&anchor a: &other 1", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ("\ufeffa: 1", {"a": 1}),
        ("", None),
        ("# nothing", None),
    ],
)
def test_what_others_write_is_read_as_yaml_1_2_core(text, data):
    assert comparable(load(text.encode(), "x.yaml")) == comparable(data)


@pytest.mark.usefixtures("libyaml")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: &x 1\nb: *x", "x.yaml: line 2, column 4: aliases (*name) are not allowed"),
        (
            b"a: !!python/object/apply:os.system [ls]",
            "x.yaml: line 1, column 4: the tag tag:yaml.org,2002:python/object",
        ),
        (b"a: !mine 1", "x.yaml: line 1, column 4: the tag !mine is not allowed"),
        (b"a: 1\nb: 2\na: 3", "x.yaml: line 3, column 1: the key 'a' is given twice"),
        (b"[a]: 1", "x.yaml: line 1, column 1: a key must be text"),
        (b"a: 1\n---\nb: 2", "x.yaml: holds 2 documents; one is expected"),
        (b"a: \xff", "x.yaml: not UTF-8 at byte 3"),
        (b"a: [1", "x.yaml: line "),
        (b"a: b: c", "x.yaml: line 1, column 5"),
        (b"a:\n\t- b", "x.yaml: line 2, column 1"),
        (b"a: \x01", "x.yaml: "),
        (b"[" * 300, "x.yaml: line 1, column 201: nested more than 200 deep"),
        (b"- " * 300 + b"1", "x.yaml: line 1, column 401: nested more than 200 deep"),
        (b"a: " + b"9" * 5000, "x.yaml: line 1, column 4: a whole number of more than 4,300 digits"),
        (b" " * (MAX_BYTES + 1), "x.yaml: too large: 67108865 bytes; 67108864 are allowed"),
    ],
)
def test_what_is_refused_is_named_with_its_place(content, message):
    with pytest.raises(RecordError) as caught:
        load(content, "x.yaml")
    assert caught.value.message.startswith(message)


def test_an_alias_bomb_is_refused_at_its_first_alias():
    bomb = b"a: &a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n, n, n - 1, n - 1) for n in range(98, 122))
    with pytest.raises(RecordError, match="line 2, column 8: aliases"):
        load(bomb, "x.yaml")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-05, "1.0e-05"),
        (1e16, "1.0e+16"),
        (1.5e-07, "1.5e-07"),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
        (10**30, "1" + "0" * 30),
        ("train.py", "train.py"),
        ("--lr", "--lr"),
        ("../x", "../x"),
        ("2026-11-21", "'2026-11-21'"),
        ("it's", "it's"),
        ("'", "''''"),
        ("\\d", "'\\d'"),
        ("損失", "損失"),
        ("a\nb", '"a\\nb"'),
        ("a\u00a0b", '"a\\u00a0b"'),
        ("\u202etxt.exe", '"\\u202etxt.exe"'),
        ('"\n\\', '"\\"\\n\\\\"'),
    ],
)
def test_one_way_to_write_each_value(value, text):
    assert dump([value]) == f"- {text}\n".encode()


def test_nesting_and_long_keys():
    data = {"a": [[1, [2]], {"b": {"c": []}}], "k" * 1100: {"x": [1]}, "l" * 1100: 2, "s": [{"m" * 1100: {"y": 1}}]}
    content = dump(data)
    assert content.startswith(b"a:\n  - - 1\n    - - 2\n  - b:\n      c: []\n? kkk")
    assert load(content, "x.yaml") == yaml.safe_load(content) == yaml.load(content, Loader=yaml.CSafeLoader) == data


@pytest.mark.parametrize(
    "value", [b"bytes", {1, 2}, {1: 2}, "\udc80", [10**5000], object()], ids=lambda value: type(value).__name__
)
def test_what_yaml_cannot_hold_is_refused(value):
    with pytest.raises(RecordError):
        dump([value])


def test_every_awkward_text_stays_text_as_key_and_as_value():
    data = {text: [text, {text: text}] for text in AWKWARD}
    assert load(dump(data), "x.yaml") == yaml.safe_load(dump(data)) == data
