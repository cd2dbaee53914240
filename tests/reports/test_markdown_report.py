"""The report in Markdown: as it reads, that no value breaks out of its place, and that it is never too long."""

from __future__ import annotations

import itertools
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reviews import PATCH, make_review

from sample_runs import PACKAGES, Change, distribution, file, make_run, metric, points
from twice.comparison.gates import GateResult
from twice.record.model import Data, Distribution, Environment, Interpreter, Packages, Params, Run, Seeds
from twice.reports.markdown_report import markdown_report

WHOLE = """\
<!-- twice:report v1 key=@~1..@ -->
### twice: <code>wide (m4x9)</code> vs <code>train/k7q2</code> - <code>accuracy</code> +0.06 (seed noise ±0.023, n=3): **failed**

<sub>A k7q2 <code>main</code> (3 runs) → B m4x9 <code>a&#124;b</code> (3 runs) · changed: code 1 file, params 1, seeds 1 \
· same: command, environment, machine, data, outputs, execution</sub>

| metric | A | B | change | seed noise |  |
| --- | --: | --: | --: | --: | --- |
| <code>accuracy</code> | 0.910 ± 0.010 (n=3) | 0.970 ± 0.010 (n=3) | +0.06 | ±0.023 | ▲ better |
| <code>loss</code> | 0.5 | 0.7 | +0.2 | unknown | ▲ worse |

**failed**: fail if <code>loss &#62; base</code> (<code>loss 0.7, base.loss 0.5</code>)

<details><summary>params: <code>1 of 2 changed</code></summary>

| param | A | B |
| --- | --- | --- |
| <code>lr</code> | 0.1 | 0.2 |

</details>

<details><summary>code: <code>1 file +1 -1</code></summary>

```diff
diff --git a/train.py b/train.py
index 1..2 100644
--- a/train.py
+++ b/train.py
@@ -1 +1 @@
-lr = 0.1
+lr = 0.2
```

</details>

<details><summary>seeds: <code>each run drew its own root seed</code></summary>

|  | A | B | note |
| --- | --- | --- | --- |
| <code>root seed</code> | 0 | 1 | <code>each run draws a fresh one unless told otherwise</code> |

</details>

<details><summary>curves: <code>loss</code></summary>

```mermaid
%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#0072b2, #d55e00"}}}}%%
xychart-beta
    title "loss"
    x-axis "step" 0 --> 2
    y-axis "loss" 0.5 --> 2
    line [2, 1, 0.5]
    line [2, 1.5, 0.7]
```

A is blue, B is orange.

| metric | A | B |
| --- | --- | --- |
| <code>loss</code> | █▃▁ | █▅▁ |

</details>

<details><summary>reproduce</summary>

```sh
twice pull origin 20261121-142233-m4x9aa   # if it is not here yet
twice reproduce 20261121-142233-m4x9aa
```

</details>
"""


def group(prefix: str, values: list[float], **facts: Any) -> list[Run]:
    return [
        make_run(f"{prefix}{tail}", seeds=Seeds(root=root), metrics={"accuracy": metric(value)}, **facts)
        for root, (tail, value) in enumerate(zip(("q2m9", "q3m9", "q4m9"), values, strict=True))
    ]


def test_the_whole_report() -> None:
    ones = group("k7", [0.9, 0.91, 0.92])
    twos = group("m4", [0.96, 0.97, 0.98], params=Params(values={"lr": 0.2, "model": {"layers": 2}}), tree="8" * 40)
    a = make_run("k7q2m9", seeds=Seeds(root=0), metrics={"accuracy": metric(0.9), "loss": metric(0.5)})
    b = make_run(
        "m4x9aa",
        seeds=Seeds(root=1),
        name="wide",
        branch="a|b",
        params=Params(values={"lr": 0.2, "model": {"layers": 2}}),
        metrics={"accuracy": metric(0.97), "loss": metric(0.7)},
        tree="8" * 40,
    )
    gate = GateResult(condition="loss > base", failed=True, reason="loss 0.7, base.loss 0.5")
    review = make_review(
        a,
        b,
        [*ones[1:], twos[0], twos[2]],
        [Change("train.py")],
        [gate],
        patch=PATCH,
        courses={"loss": (points(2, 1, 0.5), points(2, 1.5, 0.7))},
    )
    assert markdown_report(review) == WHOLE


def test_equal_runs_say_so() -> None:
    text = markdown_report(make_review(make_run(), make_run("m4x9aa")))
    assert "all metrics equal: **same**" in text and "<details><summary>params" not in text


# ------------------------------------------------------------------------------------------------------ escaping

HOSTILE = st.one_of(
    st.text(min_size=1, max_size=40),
    st.lists(
        st.sampled_from(
            [
                "@team",
                "#123",
                "!45",
                "|",
                "||",
                "`",
                "```",
                "````",
                "~~~",
                "<b>",
                "</code>",
                "</details>",
                "-->",
                "<!--",
                "\n",
                "\r\n",
                "\u2028",
                "\x1b[31m",
                "\\",
                "\\|",
                "_a_",
                "**x**",
                "[a](b)",
                "![i](http://x)",
                "http://evil.example",
                "www.evil.example",
                "a@b.example",
                "&lt;",
                "&#64;",
                "$x$",
                ":+1:",
                "###",
                "---",
                "|",
                "---",
                "|",
                "1.",
                "-",
                ">",
                "\t",
                "\u202e",
                "\x00",
                "�",
                "GH-1",
                "org/repo#1",
                "3f2a11c",
                "{{x}}",
                "%0A",
                "::error::",
                "%%{init}%%",
                '"',
                "'",
            ]
        ),
        min_size=1,
        max_size=6,
    ).map("".join),
)


def hostile_review(text: str) -> Any:
    """A review in which the text stands wherever something of the user's can."""
    other = text + "2"
    a = make_run(
        metrics={text: metric(1), "loss": metric(2)},
        params=Params(values={text: text, "same": 1}),
        branch=text,
        environment=environment(text),
        data=Data(inputs=(file(text),), outputs=(file("o"),)),
        command=("python", text),
        name=text,
        tree="6" * 40,
    )
    b = make_run(
        "m4x9aa",
        metrics={text: metric(3), "loss": metric(1)},
        params=Params(values={text: other, "same": 1}),
        branch=other,
        environment=environment(other),
        data=Data(inputs=(file(text, "b"),), outputs=(file("o"),)),
        command=("python", other),
        name=other,
        changed_during_run=(text,),
    )
    gate = GateResult(condition=text, failed=True, reason=text)
    return make_review(
        a,
        b,
        (),
        [Change(f"x{text}")],
        [gate],
        key=text,
        patch=f"diff --git a/x b/x\n@@ -1 +1 @@\n+{text}\n-{other}\n",
        courses={text: (points(1, 2, 3), points(3, 2, 1)), "loss": (points(1, 2), ())},
    )


def environment(text: str) -> Environment:
    interpreter = Interpreter(implementation="CPython", version=text)
    packages = Packages(interpreter=interpreter, distributions=(Distribution(name="numpy", version=text),))
    return Environment(packages=packages, variables={"VARIABLE": text})


def skeleton(report: str) -> list[str]:
    """The lines outside of fences, with what is in code taken out: where Markdown's own marks stand."""
    lines, closing = [], None
    for line in report.split("\n"):
        if closing is not None:
            if line == closing:
                closing = None
                lines.append("fence")
            continue
        opening = re.match(r"`{3,}", line)
        if opening:
            closing = opening[0]
            lines.append("fence")
            continue
        lines.append(re.sub(r"<code>[^<>]*</code>", "<code/>", line))
    assert closing is None
    return lines


# Only these may stand in code: nothing that begins or ends anything, for Markdown, for HTML, or for a forge.
IN_CODE = re.compile(r"(?:&#\d+;|[^&<>|`@#*_~\[\]\\!$\"'{}\x00-\x1f\x7f])*")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE)
def test_no_value_breaks_out_of_its_place(text: str) -> None:
    report = markdown_report(hostile_review(text))
    for inside in re.findall(r"<code>(.*?)</code>", report, re.DOTALL):
        assert IN_CODE.fullmatch(inside), inside
    lines = skeleton(report)
    assert sum(line.startswith("<!--") for line in lines) == 1
    assert re.fullmatch(r"<!-- twice:report v1 key=[A-Za-z0-9@~^:=./_ -]*-->", lines[0]) and "--" not in lines[0][4:-3]
    assert not re.search(r"@\w", lines[0])
    for line in lines[1:]:
        assert not re.search(r"(?<!&)[@#]\w|\bwww\.|https?://", line.removeprefix("###")), line
        cells = line.count("|")
        assert cells == 0 or (line.startswith("| ") and line.endswith(" |"))
    assert sum(line.startswith("<details><summary>") for line in lines) == sum(line == "</details>" for line in lines)
    for before, line in itertools.pairwise(lines):
        assert line == "" or not before.startswith("<details>")
    tables = [line.count("|") for line in lines if line.startswith("| ")]
    bland = [line.count("|") for line in skeleton(markdown_report(hostile_review("bland"))) if line.startswith("| ")]
    assert tables == bland


def test_the_characters_that_show_nothing_are_written_out() -> None:
    report = markdown_report(hostile_review("a\u202eb\x1b[31m\u200bc"))
    assert not re.search("[\x1b\u202e\u200b]", report)


def test_minus_signs_are_ascii() -> None:
    report = markdown_report(make_review(make_run(tree="6" * 40), make_run("m4x9aa"), (), [Change("x.py", added=4)]))
    assert "−" not in report and "+4 -1" in report


# -------------------------------------------------------------------------------------------------------- length


def huge_review() -> Any:
    many = {f"param {number} " + "`|@<" * 40: "x" * 300 for number in range(200)}
    metrics = {f"metric {number} " + "|" * 200: metric(number, count=9) for number in range(100)}
    changed = {name: metric(each.last + 1, count=9) for name, each in metrics.items()}
    packages = Environment(
        packages=Packages(
            interpreter=PACKAGES.interpreter, distributions=tuple(distribution(f"p{n}", "1") for n in range(300))
        )
    )
    a = make_run(params=Params(values=many), metrics=metrics, environment=packages, tree="6" * 40)
    b = make_run("m4x9aa", params=Params(values=dict.fromkeys(many, "y" * 300)), metrics=changed)
    courses = {name: (points(*range(50)), points(*range(50))) for name in list(metrics)[:12]}
    patch = "@@ -1 +1 @@\n" + "+" + "`" * 15_900 + "\n" + "-line\n" * 9000
    return make_review(a, b, (), [Change("x.py")], patch=patch, courses=courses)


def test_a_report_is_cut_by_whole_parts_the_last_first_and_says_so() -> None:
    review = huge_review()
    whole = markdown_report(review, 10**9)
    assert len(whole) > 60_000
    cut = markdown_report(review)
    assert len(cut) <= 60_000
    names = re.findall(r"<details><summary>(\w+)", whole)
    kept = re.findall(r"<details><summary>(\w+)", cut)
    assert kept == names[: len(kept)] and len(kept) < len(names)
    assert f"left out, for there is no room: {', '.join(names[len(kept) :])}" in cut
    skeleton(cut)


def test_the_head_alone_always_fits() -> None:
    head = markdown_report(huge_review(), 0)
    assert "<details>" not in head and len(head) < 60_000


def test_the_same_review_gives_the_same_bytes() -> None:
    assert markdown_report(huge_review()) == markdown_report(huge_review())
