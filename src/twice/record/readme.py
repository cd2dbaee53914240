"""What does a person on a forge see of a run?  `.twice/README.md`: one page, generated, never read back.

In: the facts of a run. Out: GitHub-flavoured Markdown, the same bytes for the same facts. Whatever a user or a script
chose is shown as code, so that it cannot format the page, mention people or run HTML. The page ends with how to repeat
the run, with `twice` and with plain git.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from datetime import timezone

from twice.record.model import Code, DataFile, Environment, Execution, Run
from twice.record.plain import clean_text
from twice.textforms import format_duration, format_number, format_size, format_value, quote_path

_MAX_ROWS = 100
_MAX_TEXT = 120

_OUTCOMES = {"finished": "Finished", "failed": "Failed", "killed": "Killed", "interrupted": "Interrupted"}


def render(run: Run) -> bytes:
    """The page of a run."""
    sections = [
        f"# {_code(shlex.join(run.execution.command))}",
        _status(run.execution),
        *([_code(run.execution.message)] if run.execution.message else []),
        *(f"**Warning:** {_code(warning)}" for warning in run.execution.warnings),
        *_table("Metrics", ("metric", "last", "min", "max", "values"), _metric_rows(run)),
        *_table("Params", ("param", "value", "from"), _param_rows(run)),
        "## What ran",
        "\n".join([*_code_lines(run.code), *_environment_lines(run.environment), *_data_lines(run)]),
        "## Repeat it",
        _repetition(run),
    ]
    return ("\n\n".join(sections) + "\n").encode()


# ------------------------------------------------------------------------------------------------------- sections


def _status(execution: Execution) -> str:
    outcome = f"**{_OUTCOMES[execution.status]}**"
    if execution.signal:
        outcome += f" by {_code(execution.signal)}"
    elif execution.exit_code:
        outcome += f" with exit code {execution.exit_code}"
    parts = [
        f"{outcome} after {format_duration(execution.duration_s)}",
        f"{execution.started_at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
        f"experiment {_code(execution.experiment)}",
        f"run {_code(execution.id)}",
        *([f"named {_code(execution.name)}"] if execution.name else []),
        *([f"repeats {_code(execution.reproduces)}"] if execution.reproduces else []),
        *([f"derived from {_code(execution.derived_from)}"] if execution.derived_from else []),
    ]
    return " · ".join(parts)


def _metric_rows(run: Run) -> list[Sequence[str]]:
    return [
        (name, format_number(metric.last), format_number(metric.min), format_number(metric.max), str(metric.count))
        for name, metric in sorted(run.metrics.items())
    ]


def _param_rows(run: Run) -> list[Sequence[str]]:
    sources = run.params.sources
    return [
        (name, format_value(value, None), sources.get(name) or sources.get(name.partition(".")[0], ""))
        for name, value in run.params.flat().items()
    ]


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    if not rows:
        return
    lines = [_row(header), "|" + " --- |" * len(header)]
    lines += [_row([_code(cell, in_table=True) for cell in row]) for row in rows[:_MAX_ROWS]]
    yield f"## {title}"
    yield "\n".join(lines)
    if len(rows) > _MAX_ROWS:
        yield f"… and {len(rows) - _MAX_ROWS} more, in [{title.lower()}.yaml]({title.lower()}.yaml)."


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _code_lines(code: Code) -> Iterable[str]:
    text = f"tree {_code(code.tree[:12])}"
    if code.snapshot:
        text = f"commit {_code(code.snapshot[:12])}, the uncommitted changes on top of "
        text += _code(code.base[:12]) if code.base else "nothing"
    elif code.base:
        text = f"commit {_code(code.base[:12])}, with no uncommitted changes"
    if code.branch:
        text += f", on {_code(code.branch)}"
    if code.remote:
        text += f", from {_code(code.remote)}"
    yield f"- **Code:** {text}"
    if code.left_out:
        yield f"- **Not in the code:** {_listed([quote_path(one.path) for one in code.left_out])}"
    if code.changed_during_run:
        yield f"- **Changed while it ran:** {_listed([quote_path(path) for path in code.changed_during_run])}"


def _environment_lines(environment: Environment) -> Iterable[str]:
    parts = []
    if environment.packages:
        interpreter = environment.packages.interpreter
        parts.append(f"{_code(f'{interpreter.implementation} {interpreter.version}')}")
        parts.append(_count(len(environment.packages.distributions), "distribution"))
    if machine := environment.machine:
        parts.append(_code(f"{machine.system} {machine.architecture}"))
        parts += [_code(text) for text in (machine.cpu, *(gpu.name for gpu in machine.gpus)) if text]
    if parts:
        yield f"- **Environment:** {', '.join(parts)}"


def _data_lines(run: Run) -> Iterable[str]:
    if run.data.inputs or run.data.outputs:
        yield f"- **Data:** {_amount(run.data.inputs, 'input')}, {_amount(run.data.outputs, 'output')}"


def _amount(files: Sequence[DataFile], noun: str) -> str:
    size = sum(file.size_bytes or 0 for file in files)
    return _count(len(files), noun) + (f" ({format_size(size)})" if files else "")


def _repetition(run: Run) -> str:
    blocks = [_block(f"twice reproduce {run.id}")]
    if run.code.commit:
        blocks += ["Or with plain git, the code and its environment by hand:", _block(_by_hand(run))]
    return "\n\n".join(blocks)


def _by_hand(run: Run) -> str:
    ref = f"refs/experiments/{run.experiment}/{run.id}"
    folder = f"../{run.id}"
    lines = [
        *([f"git fetch origin {shlex.quote(f'{ref}:{ref}')}"] if run.code.remote else []),
        f"git worktree add --detach {folder} {shlex.quote(f'{ref}^')}",
        f"cd {folder}",
    ]
    if run.environment.lock is not None:
        lines += [
            f"git show {shlex.quote(f'{ref}:.twice/environment/requirements.lock')} > requirements.lock",
            "python -m venv .venv && . .venv/bin/activate",
            "pip install -r requirements.lock",
        ]
    if run.execution.directory != ".":
        lines.append(f"cd {shlex.quote(run.execution.directory)}")
    return "\n".join([*lines, shlex.join(run.execution.command)])


# ---------------------------------------------------------------------------------------------------------- words


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(paths: Sequence[str], most: int = 5) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(_code(path) for path in paths[:most]) + more


def _code(text: str, *, in_table: bool = False) -> str:
    """The text as a code span (CommonMark 6.1; in a table a bar needs a backslash even there); nothing for no text."""
    text = _one_line(text)
    if not text:
        return ""
    if len(text) > _MAX_TEXT:
        text = text[: _MAX_TEXT - 1] + "…"
    fence = "`" * (1 + max((len(ticks) for ticks in re.findall("`+", text)), default=0))
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return fence + pad + (text.replace("|", "\\|") if in_table else text) + pad + fence


def _block(text: str) -> str:
    lines = "\n".join(_one_line(line) for line in clean_text(text).split("\n"))
    fence = "`" * max(3, 1 + max((len(ticks) for ticks in re.findall("`+", lines)), default=0))
    return f"{fence}sh\n{lines}\n{fence}"


def _one_line(text: str) -> str:
    """The text without line ends and other characters that a page would not show."""
    return re.sub(
        r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]",
        lambda match: {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(match[0]) or f"\\u{ord(match[0]):04x}",
        clean_text(text),
    )
