"""How does one run look?  A page for `twice show`: what ran, from what, what came out, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twice.comparison.two_executions import describe_metric_noise
from twice.display.characters import harmless, in_encoding, pad, shorten
from twice.display.colour import PLAIN, Style
from twice.display.headline import status_text
from twice.display.numbers import show
from twice.display.sparkline import sparkline
from twice.display.tables import Column, draw_table
from twice.record.operations import verdicts
from twice.textforms import format_age, format_distinct, format_duration, format_size, short_id

if TYPE_CHECKING:
    from twice.record.model import Code, DataFile, Environment, Machine, Metric, Noise, Point, Run, Seeds
    from twice.record.operations import Operation

_LABEL_WIDTH = 13
_MOST_ROWS = 40  # of one block, unless all are asked for
_INDENT = "  "

_Rows = Sequence[Sequence[str | None]]


def run_page(
    run: Run,
    *,
    now: datetime | None = None,
    width: int | None = None,
    style: Style = PLAIN,
    encoding: str = "utf-8",
    histories: Mapping[str, Sequence[Point]] | None = None,
    all_rows: bool = False,
    commit: str | None = None,
    id_text: str | None = None,
    operations: Sequence[Operation] = (),
) -> str:
    """The page, with a line end at its end.

    `histories` gives the logged values by metric, `commit` is the run's commit, `id_text` the id as it is shown,
    `operations` what has been said of the run since. Long blocks are cut, and say so, unless `all_rows`.
    """
    page = _Page(width, style, encoding, all_rows)
    execution = run.execution
    lines = [f"run {style.strong(run.id)}  {style.by_state(execution.status, status_text(execution))}"]
    lines += page.facts(_head(run, now, commit))
    lines += page.block("verified", [_verdict_row(verdict) for verdict in verdicts(operations)])
    lines += page.block("params", _param_rows(run))
    lines += page.block("metrics", _metric_rows(run.metrics, histories or {}, encoding))
    lines += page.block("inputs", _file_rows(run.data.inputs))
    lines += page.block("outputs", _file_rows(run.data.outputs))
    lines += ["", style.strong("environment"), *page.facts(_environment(run.environment))]
    lines += ["", style.strong("seeds"), *page.facts(_seeds(run.seeds))]
    lines += page.block("also recorded", _extra_rows(run))
    lines += page.block("warnings", [[warning] for warning in execution.warnings], mark=style.unsure)
    lines += ["", style.strong("repeat it"), *(_INDENT + line for line in _how_to_repeat(run, id_text))]
    return in_encoding("\n".join(lines), encoding) + "\n"


class _Page:
    """How the parts of this page are laid out."""

    def __init__(self, width: int | None, style: Style, encoding: str, all_rows: bool) -> None:
        self.width, self.style, self.encoding, self.all_rows = width, style, encoding, all_rows

    def facts(self, facts: Sequence[tuple[str, str]]) -> list[str]:
        """One line a fact: `label        text`; a label is not said twice in a row."""
        lines, before = [], ""
        for label, text in facts:
            lines.append(pad("" if label == before else label, _LABEL_WIDTH) + harmless(text))
            before = label
        return lines

    def block(self, title: str, rows: _Rows, mark: Any = None) -> list[str]:
        """A title and an indented table; nothing at all for no rows."""
        if not rows:
            return []
        shown = rows if self.all_rows else rows[:_MOST_ROWS]
        longest = 10_000 if self.width is None or self.all_rows else max(24, self.width - 36)
        cells = [["" if cell is None else shorten(harmless(cell), longest) for cell in row] for row in shown]
        columns = [Column("", column) for column in zip(*cells, strict=True) if any(column)]
        text = draw_table(columns, headers=False, encoding=self.encoding).text
        lines = ["", self.style.strong(title), *(_INDENT + (mark or str)(line) for line in text.split("\n"))]
        if len(shown) < len(rows):
            lines.append(self.style.quiet(f"{_INDENT}and {len(rows) - len(shown)} more (--json has all)"))
        return lines


def _head(run: Run, now: datetime | None, commit: str | None) -> list[tuple[str, str]]:
    execution = run.execution
    facts = [("command", shlex.join(execution.command))]
    if execution.directory != ".":
        facts.append(("directory", execution.directory))
    facts.append(("experiment", execution.experiment))
    for label, text in (
        ("name", execution.name),
        ("note", execution.message),
        ("repeats", execution.reproduces),
        ("derived from", execution.derived_from),
    ):
        if text:
            facts.append((label, text))
    if execution.tags:
        facts.append(
            ("tags", ", ".join(f"{name}={value}" if value else name for name, value in execution.tags.items()))
        )
    age = f" ({format_age((now - execution.started_at).total_seconds())} ago)" if now else ""
    when = f"{execution.started_at:%Y-%m-%d %H:%M:%S} UTC{age}, took {format_duration(execution.duration_s)}"
    facts.append(("when", when))
    facts.append(("where", f"{execution.user}@{execution.host}, {execution.repository}"))
    if execution.strict:
        facts.append(("strict", "deterministic algorithms, sorted listings, one thread"))
    used = list(_resources(run))
    if used:
        facts.append(("used", ", ".join(used)))
    facts += [("code", text) for text in _code(execution.code)]
    if commit:
        facts.append(("commit", commit))
    facts.append(("tracer", execution.tracer.name))
    facts += [("cannot see", text) for text in execution.tracer.blind_spots]
    return facts


def _resources(run: Run) -> Iterator[str]:
    used = run.execution.resources
    if used.cpu_user_s is not None:
        yield f"CPU {format_duration(used.cpu_user_s + (used.cpu_system_s or 0))}"
    if used.peak_memory_bytes is not None:
        yield f"peak memory {format_size(used.peak_memory_bytes)}"


def _code(code: Code) -> Iterator[str]:
    base = f"{code.base[:12]} on {code.branch or 'no branch (detached)'}" if code.base else "no commit yet"
    if code.snapshot:
        yield f"{base}, with uncommitted changes (snapshot {code.snapshot[:12]})"
    else:
        yield f"{base}, clean" if code.base else base
    if code.remote:
        yield f"remote {code.remote}"
    for each in code.left_out:
        size = "" if each.size_bytes is None else f", {format_size(each.size_bytes)}"
        yield f"left out: {each.path} ({each.reason}{size})"
    for path in code.changed_during_run:
        yield f"changed during the run: {path}"


def _verdict_row(verdict: Operation) -> Sequence[str | None]:
    """Which way it came out, when, by whom, where, and as which run."""
    facts = {name: value for name, value in verdict.facts.items() if isinstance(value, str)}
    mark = {"reproduced": "✓ ", "diverged": "✗ "}.get(facts.get("outcome", ""), "")
    return [
        mark + facts.get("outcome", "unknown"),
        f"{verdict.at:%Y-%m-%d %H:%M} UTC",
        verdict.by.partition(" <")[0] + (f" on {facts['machine']}" if facts.get("machine") else ""),
        facts["run"],
        facts.get("results"),
    ]


def _param_rows(run: Run) -> _Rows:
    sources = run.params.sources
    return [
        [name, show(value, None), sources.get(name) or sources.get(name.partition(".")[0])]
        for name, value in run.params.flat().items()
    ]


def _metric_rows(metrics: Mapping[str, Metric], histories: Mapping[str, Sequence[Point]], encoding: str) -> _Rows:
    rows = []
    for name, metric in metrics.items():
        last, low, high = format_distinct([metric.last, metric.min, metric.max])
        course = sparkline([point.value for point in histories.get(name, ())], encoding=encoding)
        spread = f"min {low}{_at(metric.min_step)}, max {high}{_at(metric.max_step)}, {metric.count} values"
        rows.append([name, last, course or None, spread if metric.count > 1 else None, _noise(metric.noise)])
    return rows


def _noise(noise: Noise | None) -> str | None:
    """`noisy ±0.003 from step 4`; None where the run was executed once."""
    if noise is None or noise.state != "noisy":
        return None if noise is None else {"missing": "missing the second time"}.get(noise.state, noise.state)
    return f"noisy {describe_metric_noise(noise)}"


def _at(step: int | None) -> str:
    return "" if step is None else f" at step {step}"


def _file_rows(files: Sequence[DataFile]) -> _Rows:
    return [
        [
            each.path + ("/" if each.kind == "folder" and not each.path.endswith("/") else ""),
            None if each.size_bytes is None else format_size(each.size_bytes),
            None if each.files is None else f"{each.files} files",
            f"sha256 {each.sha256[:12]}" if each.sha256 else "not there",
            ", ".join([*each.found, *([f"kept in {each.stored}"] if each.stored else [])]) or None,
            {"missing": "missing the second time", "same content": "same content the second time"}.get(
                each.noise or "", each.noise
            ),
        ]
        for each in files
    ]


def _environment(environment: Environment) -> list[tuple[str, str]]:
    facts = []
    packages = environment.packages
    if packages is None:
        facts.append(("python", "unknown: no Python process reported in"))
    else:
        interpreter = packages.interpreter
        kind = f" ({interpreter.kind})" if interpreter.kind else ""
        facts.append(("python", f"{interpreter.implementation} {interpreter.version}{kind}"))
        elsewhere = [each for each in packages.distributions if each.origin is not None]
        words = f"{len(packages.distributions)} distributions"
        facts.append(("packages", words + (f", {len(elsewhere)} not from an index" if elsewhere else "")))
    if environment.machine:
        facts += list(_machine(environment.machine))
    else:
        facts.append(("machine", "unknown: not recorded"))
    facts += [("variables", f"{name}={value}") for name, value in environment.variables.items()]
    return [(f"{_INDENT}{label}", text) for label, text in facts]


def _machine(machine: Machine) -> Iterator[tuple[str, str]]:
    words = [f"{machine.system} {machine.release} {machine.architecture}", machine.distribution, machine.cpu]
    if machine.cores:
        words.append(f"{machine.cores} cores")
    if machine.memory_bytes:
        words.append(format_size(machine.memory_bytes))
    yield "machine", ", ".join(word for word in words if word)
    for gpu in machine.gpus:
        memory = f", {format_size(gpu.memory_bytes)}" if gpu.memory_bytes else ""
        yield "GPU", gpu.name + memory + (f", driver {gpu.driver}" if gpu.driver else "")
    if machine.cuda:
        yield "CUDA", machine.cuda
    for blas in machine.blas:
        yield "BLAS", blas
    if machine.threads:
        yield "threads", ", ".join(f"{name} {number}" for name, number in machine.threads.items())


def _seeds(seeds: Seeds) -> list[tuple[str, str]]:
    facts = [("root", "none: seeding was switched off" if seeds.root is None else str(seeds.root))]
    groups: dict[str, int] = {}
    for process in seeds.processes:
        seeded = ", ".join(process.seeded) or "nothing"
        groups[seeded] = groups.get(seeded, 0) + 1
    facts += [("seeded", f"{what} in {n} process{'' if n == 1 else 'es'}") for what, n in groups.items()]
    if not seeds.processes and seeds.root is not None:
        facts.append(("seeded", "unknown: no Python process reported in"))
    facts += [("unseeded", reason) for reason in seeds.not_applied]
    return [(f"{_INDENT}{label}", text) for label, text in facts]


def _extra_rows(run: Run) -> _Rows:
    """What a newer twice has recorded that this one has no word for."""
    parts = (run.execution, run.params, run.seeds, run.data)
    return [[name, show(value, None)] for part in parts for name, value in part.extra.items()]


def _how_to_repeat(run: Run, id_text: str | None) -> Iterator[str]:
    yield f"twice reproduce {id_text or short_id(run.id)}"
    if run.code.commit:
        yield f"git worktree add ../{short_id(run.id)} {run.code.commit[:12]}   # the code alone, with plain git"
