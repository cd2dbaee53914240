"""`.twice/README.md` shows a run on a forge; nothing that a user or a script chose can format it or run in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from record_strategies import runs

from twice.record.model import Code, Metric, Params, Resources, Run
from twice.record.readme import render

GOLDEN = Path(__file__).parent / "golden" / "format-1" / "README.md"


def test_the_whole_page(example_run):
    assert render(example_run).decode() == GOLDEN.read_text(encoding="utf-8")


def test_a_run_with_hardly_any_facts(example_run):
    execution = replace(
        example_run.execution,
        command=("make",),
        name=None,
        message=None,
        status="finished",
        exit_code=0,
        signal=None,
        reproduces=None,
        directory=".",
        resources=Resources(),
        code=Code(tree="4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
        warnings=(),
    )
    assert (
        render(Run(execution=execution)).decode()
        == """\
# `make`

**Finished** after 12.4 s · 2026-11-21 14:22:33 UTC · experiment `train` · run `20261121-142233-k7q2m9`

## What ran

- **Code:** tree `4b825dc642cb`

## Repeat it

```sh
twice reproduce 20261121-142233-k7q2m9
```
"""
    )


def _cells(run: Run, name: str) -> str:
    (line,) = [line for line in render(run).decode().splitlines() if line.startswith(f"| `{name}`")]
    return line


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("plain", "`plain`"),
        ("a|b", "`a\\|b`"),
        ("a\\|b", "`a\\\\|b`"),
        ("`x`", "`` `x` ``"),
        ("a``b", "```a``b```"),
        ("<script>alert(1)</script>", "`<script>alert(1)</script>`"),
        ("@everyone #1 **bold**", "`@everyone #1 **bold**`"),
        ("one\r\ntwo", "`one\\r\\ntwo`"),
        ("\u202eevil\x1b[31m", "`\\u202eevil\\u001b[31m`"),
        ("", '`""`'),
        (" a ", '`" a "`'),
        ("x" * 500, f"`{'x' * 119}…`"),
        ([1, "a|b"], '`[1, "a\\|b"]`'),
    ],
)
def test_a_value_is_shown_and_does_nothing_else(example_run, value, cell):
    run = replace(example_run, params=Params(values={"p": value}))
    assert _cells(run, "p") == f"| `p` | {cell} |  |"


def test_names_are_escaped_like_values(example_run):
    run = replace(example_run, metrics={"a|b\n": Metric(last=0.1 + 0.2, min=1e-9, max=10**20, mean=1)})
    assert "| `a\\|b\\n` | `0.3` | `1e-09` | `100000000000000000000` | `1` |" in render(run).decode().splitlines()


def test_long_tables_end_with_where_the_rest_is(example_run):
    page = render(replace(example_run, params=Params(values={f"p{number}": number for number in range(10_000)})))
    assert b"\xe2\x80\xa6 and 9900 more, in [params.yaml](params.yaml)." in page
    assert page.count(b"\n| `p") == 100


def test_a_command_of_several_lines_stays_one_command(example_run):
    execution = replace(example_run.execution, command=("python", "-c", "import this\nprint('```')"))
    page = render(replace(example_run, execution=execution)).decode()
    assert page.startswith("# ````python -c 'import this\\nprint('\"'\"'```'\"'\"')'````\n")
    assert "\n````sh\ngit fetch" in page
    assert "\npython -c 'import this\nprint('\"'\"'```'\"'\"')'\n````\n" in page


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(runs)
def test_every_block_is_closed_and_every_section_is_outside_of_them(run):
    fence, headings = "", []
    for line in render(run).decode().split("\n"):
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if fence:
            fence = "" if line == fence else fence
        elif len(ticks) >= 3 and line == f"{ticks}sh":
            fence = ticks
        elif line.startswith("#"):
            headings.append(line)
    assert not fence
    assert headings[0].startswith("# `")
    assert headings[-2:] == ["## What ran", "## Repeat it"]
    assert set(headings[1:-2]) <= {"## Metrics", "## Params"}
