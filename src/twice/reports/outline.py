"""What does a report say, before it is Markdown or HTML?  A `Review` in, a verdict line, a table and parts out, as text.

Plain text only: whoever renders it escapes it. Rows and parts come in a fixed order, so that two reports can be compared.
A minus is an ASCII one, so that numbers can be copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twice.comparison.files import short_sha
from twice.comparison.noise import Sample
from twice.comparison.sections import Difference, Section, count
from twice.display.characters import shorten
from twice.display.numbers import show_column, show_delta, show_sample
from twice.frozen import frozen
from twice.reports.review import WHY_UNKNOWN, Judged, Review, headline_metric, judge_metrics, noise_known, outcome
from twice.textforms import format_number

MOST_METRICS = 12
_MOST_ROWS = 100  # of one part
_LONGEST = 160  # characters of one value
_MOST_PATCH = 16_000  # characters


@frozen
class Part:
    """A folded part: a table, a listing, or both; the note stands below them."""

    name: str
    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    listing: str = ""
    language: str = ""
    note: str = ""
    curves: bool = False  # the courses of the metrics go here


@frozen
class Outline:
    """The report as text: `subject` are the two runs, `finding` what the first line says of them.

    In the rows all cells but the first, and in the context everything, are twice's own words and numbers.
    """

    subject: tuple[str, str]  # b, a
    metric: str | None  # that the first line names
    finding: str
    outcome: str
    sides: tuple[tuple[str, str, str], ...]  # of A and B: letter and id, branch, how many replicates
    context: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    notes: tuple[str, ...]  # in twice's own words: nothing in them comes from outside
    parts: tuple[Part, ...]


def outline(review: Review) -> Outline:
    """The outline of a report."""
    judged = judge_metrics(review)
    word = outcome(review, judged)
    head = headline_metric(judged)
    return Outline(
        subject=(_label(review, "b"), _label(review, "a")),
        metric=head.difference.name if head else None,
        finding=_finding(review, head),
        outcome=word,
        sides=tuple(_sides(review)),
        context=_context(review),
        columns=("metric", "A", "B", "change", "seed noise", ""),
        rows=tuple(_metric_row(one) for one in judged[:MOST_METRICS]),
        notes=tuple(_notes(review, judged)),
        parts=tuple(_parts(review)),
    )


def plain(text: str) -> str:
    """The text with ASCII minus signs."""
    return text.replace("−", "-")


def _label(review: Review, side: str) -> str:
    run = review.a if side == "a" else review.b
    short = review.ids[run.id]
    if review.of_work_tree and side == "b":
        return short
    return f"{run.execution.name} ({short})" if run.execution.name else f"{run.experiment}/{short}"


def _finding(review: Review, head: Judged | None) -> str:
    """`+0.021 (seed noise ±0.006, n=5)`; of what stands before it."""
    if review.of_work_tree:
        state = "differs" if review.comparison.differs else "identical"
        return ", ".join(each.name for each in review.comparison.sections if each.state == state) or "nothing is known"
    if head is None:
        return "no metric" if not review.b.metrics else "all metrics equal"
    text = show_delta(head.delta) or head.difference.kind
    noise = head.noise
    if noise is None or noise.margin is None:
        return f"{text} (seed noise unknown)"
    numbers = str(noise.a.n) if noise.a.n == noise.b.n else f"{noise.a.n} and {noise.b.n}"
    return f"{text} (seed noise ±{format_number(noise.margin, 2)}, n={numbers})"


def _sides(review: Review) -> Iterator[tuple[str, str, str]]:
    for letter, run, group in (("A", review.a, review.replicates.a), ("B", review.b, review.replicates.b)):
        amount = f"({count(len(group), 'run')})" if len(group) > 1 else ""
        yield f"{letter} {review.ids[run.id]}", run.code.branch or "", amount


def _context(review: Review) -> str:
    """`changed: code 2 files, params 1 · same: data, seeds · unknown: environment`."""
    sections = [each for each in review.comparison.sections if each.name != "metrics"]
    changed = [_amount(each) for each in sections if each.state == "differs"]
    parts = []
    for word, names in (
        ("changed", changed),
        ("same", [each.name for each in sections if each.state == "identical"]),
        ("unknown", [each.name for each in sections if each.state == "unknown"]),
    ):
        if names:
            parts.append(f"{word}: {', '.join(names)}")
    return " · ".join(parts)


def _amount(section: Section) -> str:
    if section.name == "code":
        return f"code {count(len(section.differences), 'file')}"
    return f"{section.name} {len(section.differences)}"


def _metric_row(one: Judged) -> tuple[str | None, ...]:
    difference, noise = one.difference, one.noise
    was, now = _pair(difference)
    if noise is not None and noise.margin is not None and not noise.same:
        was, now = (_sample_text(text, each) for text, each in ((was, noise.a), (now, noise.b)))
    margin = f"±{format_number(noise.margin, 2)}" if noise and noise.margin is not None else "unknown"
    word: str = one.outcome if one.outcome != "changed" else ""
    if one.outcome in ("better", "worse") and one.delta:
        word = f"{'▲' if one.delta > 0 else '▼'} {one.outcome}"
    if difference.kind != "changed":
        word, margin = ("only in A" if difference.kind == "removed" else "only in B"), "-"
    return (difference.name, was, now, show_delta(one.delta) or "-", margin, word or plain(difference.note) or "-")


def _sample_text(text: str | None, each: Sample) -> str | None:
    return f"{show_sample(each)} (n={each.n})" if each.n > 1 else text


def _notes(review: Review, judged: Sequence[Judged]) -> Iterator[str]:
    if review.of_work_tree:
        yield "params, metrics and outputs are not known before it is run"
        return
    if len(judged) > MOST_METRICS:
        yield f"and {len(judged) - MOST_METRICS} more metrics differ"
    same = len(review.a.metrics.keys() & review.b.metrics.keys()) - sum(
        one.difference.kind == "changed" for one in judged
    )
    if judged and same > 0:
        yield f"{count(same, 'metric')} equal"
    if review.replicates.same:
        yield "the two runs differ in the seed alone"
    elif judged and not noise_known(review):
        yield f"seed noise {WHY_UNKNOWN}"
    if review.b.execution.status != "finished":
        yield f"run B {review.b.execution.status}, exit code {review.b.execution.exit_code}"


# ---------------------------------------------------------------------------------------------------------- parts


def _parts(review: Review) -> Iterator[Part]:
    sections: dict[str, Section] = {each.name: each for each in review.comparison.sections}
    params = sections.get("params")
    if params is not None and params.differences:
        amount = f"{len(params.differences)} of {max(len(review.a.params.flat()), len(review.b.params.flat()))} changed"
        yield _table("params", amount, params, ("param", "A", "B"))
    command = sections.get("command")
    if command is not None and command.differences:
        yield _table("command", _after_differs(command), command, ("", "A", "B"))
    code = sections["code"]
    if code.differences:
        yield _code_part(review, code)
    for name in ("environment", "machine", "data", "outputs", "seeds", "execution"):
        section = sections.get(name)
        if section is not None and section.differences:
            yield _table(name, _after_differs(section), section, ("", "A", "B"))
    unknown = [each for each in review.comparison.sections if each.state == "unknown"]
    if unknown:
        rows = tuple((each.name, plain(each.summary.removeprefix("unknown: "))) for each in unknown)
        title = f"unknown: {', '.join(each.name for each in unknown)}"
        yield Part(name="unknown", title=title, columns=("", "why"), rows=rows)
    if review.courses:
        yield Part(name="curves", title=f"curves: {', '.join(list(review.courses)[:4])}", curves=True)
    yield _how_to_reproduce(review)


def _after_differs(section: Section) -> str:
    return shorten(plain(section.summary.removeprefix("differs: ")), 120)


def _table(name: str, amount: str, section: Section, columns: tuple[str, ...]) -> Part:
    shown = section.differences[:_MOST_ROWS]
    noted = any(each.note for each in shown)
    rows = []
    for each in shown:
        was, now = _hashes(each) if name in ("data", "outputs") else _pair(each, texts=name not in ("params", "seeds"))
        row: tuple[str | None, ...] = (shorten(each.name, _LONGEST), was, now)
        rows.append((*row, plain(each.note) or None) if noted else row)
    more = len(section.differences) - len(shown)
    return Part(
        name=name,
        title=f"{name}: {amount}",
        columns=(*columns, "note") if noted else columns,
        rows=tuple(rows),
        note=f"and {more} more" if more else "",
    )


def _code_part(review: Review, code: Section) -> Part:
    listing = "\n".join(
        shorten(f"{each.kind:<8} {each.name}{f'  {plain(each.note)}' if each.note else ''}", 2 * _LONGEST)
        for each in code.differences[:_MOST_ROWS]
    )
    added, removed = _counted(review.patch)
    title = f"code: {count(len(code.differences), 'file')} +{added} -{removed}"
    patch = review.patch
    runs = (review.a,) if review.of_work_tree else (review.a, review.b)
    whole = f"twice diff {' '.join(review.ids[run.id] for run in runs)} --code"
    note = ""
    if len(patch) > _MOST_PATCH:
        patch = patch[:_MOST_PATCH].rpartition("\n")[0] or patch[:_MOST_PATCH]
        note = f"cut; the whole: {whole}"
    elif not patch:
        return Part(name="code", title=title, listing=listing, note=f"the patch: {whole}")
    return Part(name="code", title=title, listing=patch, language="diff", note=note)


def _counted(patch: str) -> tuple[int, int]:
    """Lines added and removed; the lines that name files begin with three marks and come before the first hunk."""
    added = removed = 0
    in_hunk = False
    for line in patch.split("\n"):
        if line.startswith("diff --git "):
            in_hunk = False
        elif line.startswith("@@"):
            in_hunk = True
        elif in_hunk:
            added += line.startswith("+")
            removed += line.startswith("-")
    return added, removed


def _how_to_reproduce(review: Review) -> Part:
    run = review.a.id if review.of_work_tree else review.b.id
    lines = [f"twice pull origin {run}   # if it is not here yet", f"twice reproduce {run}"]
    return Part(name="reproduce", title="reproduce", listing="\n".join(lines), language="sh")


def _pair(difference: Difference, *, texts: bool = False) -> tuple[str | None, str | None]:
    """The two values as they are shown, None where a run has none."""
    values = [difference.a, difference.b]
    if texts:
        was, now = ("" if value is None else shorten(str(value), _LONGEST) for value in values)
    else:
        if difference.kind != "changed":
            values = [difference.a if difference.kind == "removed" else difference.b] * 2
        was, now = show_column(values, _LONGEST)
    return None if difference.kind == "added" else was, None if difference.kind == "removed" else now


def _hashes(difference: Difference) -> tuple[str | None, str | None]:
    was, now = (short_sha(value) if value else None for value in (difference.a, difference.b))
    return was, now
