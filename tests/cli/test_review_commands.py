"""Comparing and reviewing as a user does it: compare, report, plot, claims, log, init, and a run against the work tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from commands import Git, Twice
from copies import made_once

SCRIPT = """\
import argparse, random
import twice

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
for step in range(5):
    twice.log_metric("loss", 1 / (step + 1), step=step)
twice.log_metric("accuracy", 0.5 + args.lr + random.random() / 1000)
open("data.txt").read()
"""
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def work(repository: Path, git: Git) -> Path:
    (repository / "train.py").write_text(SCRIPT)
    (repository / "data.txt").write_text("1\n")
    (repository / ".gitignore").write_text("*.html\n*.md\n*.txt\n*.xml\n*.png\n")
    git("add", "-f", "data.txt", cwd=repository)
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "a script", cwd=repository)
    return repository


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "repository"


@pytest.fixture
def runs(work: Path, twice: Twice, kept: Path) -> Path:
    """Two seeds of one thing, two of another."""

    def make() -> None:
        for options in ([], ["--lr", "0.3"]):
            for seed in ("1", "2"):
                twice("run", "--seed", seed, "python", "train.py", *options)

    made_once(work, kept, make)
    return work


def ref(twice: Twice, selector: str) -> str:
    run = json.loads(twice("show", selector, "--json").out)
    return f"refs/experiments/{run['experiment']}/{run['id']}"


def test_compare_shows_what_differs_and_knows_replicates(runs: Path, twice: Twice) -> None:
    page = twice("compare", "@~3", "@").out
    assert re.search(r"^ +lr +0.1 +0.3$", page, re.MULTILINE)
    assert re.search(r"accuracy +0.60\d+ ± 0\.\d+ +0.80\d+ ± 0\.\d+  \+0\.2\d* ▲ better", page)
    assert (
        "(n=2)" in page and "loss" not in page.partition("the same in all")[0].partition("metrics\n")[2].split("\n")[1]
    )
    assert "█" in twice("compare", "@~3", "@", "--all").out
    shape = json.loads(twice("compare", "@~3", "@~2", "@", "--json").out)
    assert [(len(group["runs"]), group["n"]) for group in shape["groups"]] == [(2, 2), (1, 2)]
    assert "| <code>lr</code> | 0.1 | 0.3 |" in twice("compare", "@~3", "@", "--md").out
    assert "it takes 2 to 50" in twice("compare", "@", "@", expect=2).err
    found = json.loads(twice("compare", "-f", "params.lr > 0.2", "--json").out)
    assert len(found["runs"]) == 2 and len(found["groups"]) == 1


def test_diff_says_whether_it_is_noise(runs: Path, twice: Twice) -> None:
    assert "beyond seed noise" in twice("diff", "@~3", "@", expect=1).out
    assert "the two differ in the seed alone" in twice("diff", "@~1", "@", expect=1).out
    shape = json.loads(twice("diff", "@~3", "@", "--json", expect=1).out)
    assert shape["seed_noise"]["accuracy"]["state"] == "beyond"
    assert shape["seed_noise"]["accuracy"]["a"]["n"] == 2


def test_diff_in_the_manner_of_git(runs: Path, twice: Twice) -> None:
    assert twice("diff", "--quiet", expect=1).out == ""
    assert twice("diff", "--exit-code", expect=1).out == twice("diff", "--no-exit-code").out != ""
    assert twice("diff", "@", "@~0", "-q").out == ""
    assert twice("diff", "--md", expect=1).out.startswith("<!-- twice:report v1 key=train..train -->\n### twice: ")
    assert twice("diff", "--html", expect=1).out.startswith("<!doctype html>")


def test_diff_against_the_work_tree(runs: Path, twice: Twice, git: Git) -> None:
    before = git("for-each-ref", cwd=runs)
    assert json.loads(twice("diff", "@", "--json", expect=None).out)["b"] == "work tree"
    (runs / "train.py").write_text(SCRIPT + "\n# later\n")
    (runs / "new.py").write_text("pass\n")
    (runs / "data.txt").write_text("2\n")
    done = twice("diff", "@", expect=1)
    assert "→ work tree" in done.out
    assert "changed  train.py" in done.out and "added    new.py" in done.out and "data.txt" in done.out
    names = {section["name"] for section in json.loads(twice("diff", "@", "--json", expect=1).out)["sections"]}
    assert names == {"code", "environment", "data"}
    assert "+# later" in twice("diff", "@", "--code", expect=1).out
    report = twice("diff", "@", "--md", expect=1).out
    assert report.startswith("<!-- twice:report v1 key=train..work tree -->\n### twice: <code>work tree</code> vs ")
    assert "- code, data: **changed**" in report and "\n+# later\n" in report and "<code>data.txt</code>" in report
    assert "metrics and outputs are not known before it is run" in report and "| metric |" not in report
    assert "work tree vs train/" in twice("diff", "@", "--html", expect=1).out
    assert "choose one" in twice("diff", "@", "--md", "--json", expect=2).err
    assert "choose one" in twice("diff", "@~1", "@", "--code", "--html", expect=2).err
    assert git("for-each-ref", cwd=runs) == before


def test_the_patch_follows_renames_and_leaves_outputs_out(work: Path, twice: Twice, git: Git) -> None:
    (work / "train.py").write_text(SCRIPT + "\nopen('model.bin', 'w').write(str(random.random()))\n")
    (work / "helper.py").write_text("".join(f"LINE = {number}\n" for number in range(30)))
    for _ in range(2):
        twice("run", "python", "train.py")
    assert twice("diff", "@~1", "@", "--code").out == ""
    (work / "helper.py").rename(work / "renamed.py")
    (work / "renamed.py").write_text((work / "renamed.py").read_text() + "LINE = 30\n")
    twice("run", "python", "train.py")
    for patch in (twice("diff", "@~1", "@", "--code", expect=1).out, twice("diff", "@~1", "@", "--md", expect=1).out):
        assert "rename from helper.py\nrename to renamed.py\n" in patch and "\n+LINE = 30\n" in patch
        assert "LINE = 5" not in patch and "diff --git a/model.bin" not in patch
    assert twice("diff", "@", "--code").out == ""


def test_difftool_gets_the_two_trees(runs: Path, twice: Twice, git: Git) -> None:
    (runs / "train.py").write_text(SCRIPT + "\n# later\n")
    git("config", "diff.tool", "mine", cwd=runs)
    git("config", "difftool.mine.cmd", 'diff -r "$LOCAL" "$REMOTE" > "$TWICE_TEST_SEEN"', cwd=runs)
    seen = runs.parent / "seen"
    twice("diff", "@", "--difftool", expect=1, env={"TWICE_TEST_SEEN": str(seen)})
    assert "> # later" in seen.read_text()


def test_a_stale_output_does_not_part_replicates(work: Path, twice: Twice) -> None:
    (work / "train.py").write_text(SCRIPT + "\nopen('model.bin', 'w').write(str(random.random()))\n")
    for seed in ("1", "2", "3"):
        twice("run", "--seed", seed, "python", "train.py")
    assert json.loads(twice("compare", "@", "@~1", "--json").out)["groups"][0]["n"] == 3


# ---------------------------------------------------------------------------------------------------------- report


def test_report_and_its_gate(runs: Path, twice: Twice) -> None:
    done = twice("report", "@~3..@", "--fail-if", "accuracy < base - noise")
    assert done.out.startswith("<!-- twice:report v1 key=@~3..@ -->\n") and "passed" in done.err
    assert "**better**" in done.out and "twice reproduce 2" in done.out
    done = twice("report", "@..@~3", "--fail-if", "accuracy < base - noise", expect=1)
    assert "**failed**" in done.out and "failed: fail if accuracy < base - noise (accuracy 0.6" in done.err
    done = twice("report", "--fail-if", "acuracy < 1", expect=2)
    assert "did you mean `accuracy`?" in done.err and "^" in done.err
    assert "nothing to be held against" in twice("report", "@", expect=2).err
    assert "3 runs side by side" in twice("report", "@", "@~1", "@~2").out
    assert "2 runs side by side" in twice("report", "-f", "lr < 0.2").out


def test_report_for_machines(runs: Path, twice: Twice, tmp_path: Path) -> None:
    metrics = twice("report", "--gitlab").out
    assert re.fullmatch(r"accuracy 0\.8\d+\nloss 0\.2\n# EOF\n", metrics)
    tests = ET.fromstring(twice("report", "--junit", "--fail-if", "loss > 0", expect=1).out)
    assert tests.get("failures") == "1"
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    done = twice("report", "@~3..@", "--github", env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert done.out == "::notice file=train.py,line=5,title=twice: param changed::lr 0.1 → 0.3\n"
    assert summary.read_text().startswith("before\n<!-- twice:report")
    assert "GITHUB_STEP_SUMMARY" in twice("report", "--github", env={"GITHUB_STEP_SUMMARY": ""}, expect=2).err
    twice("report", "--html", "-o", "report.html")
    assert (runs / "report.html").read_text().endswith("</html>\n")


def test_reports_of_many_runs(runs: Path, twice: Twice, tmp_path: Path) -> None:
    three = ("@~3", "@~1", "@")
    report = twice("report", *three).out
    assert report.startswith("<!-- twice:report v1 key=@~3 @~1 @ -->\n### twice: 3 runs side by side\n")
    assert report.index("| metric |") < report.index("| replicates |") < report.index("| param |")
    key = re.compile(r"<!-- twice:report v1 key=filter-[0-9a-f]{8} -->")
    assert key.match(twice("report", "-f", "lr > 0.2").out)[0] != key.match(twice("report", "-f", "lr < 0.2").out)[0]
    page = twice("report", *three, "--html").out
    assert page.startswith("<!doctype html>") and page.count("<svg") >= 3 and "accuracy by lr" in page
    tests = ET.fromstring(twice("report", *three, "--junit").out)
    assert (tests.get("tests"), tests.get("failures")) == ("3", "0")
    twice("run", "-n", "named", "python", "train.py")
    metrics = twice("report", "@", *three, "--gitlab").out
    assert (
        re.search(r'^accuracy\{run="named"\} 0\.6\d+$', metrics, re.MULTILINE) and metrics.count("accuracy{run=") == 3
    )
    assert re.fullmatch(r"accuracy 0\.6\d+\nloss 0\.2\n# EOF\n", twice("report", "@", "--gitlab").out)
    summary = tmp_path / "summary.md"
    assert twice("report", *three, "--github", env={"GITHUB_STEP_SUMMARY": str(summary)}).out == ""
    assert "3 runs side by side" in summary.read_text()
    assert "name two: A..B" in twice("report", *three, "--fail-if", "loss > 1", expect=2).err


def test_the_templates_for_ci_call_twice_with_words_that_it_has(twice: Twice, repository: Path) -> None:
    action = yaml.safe_load((EXAMPLES / "ci/github/action.yml").read_text())
    template = yaml.safe_load((EXAMPLES / "ci/gitlab/twice.gitlab-ci.yml").read_text())
    assert action["runs"]["using"] == "composite"
    steps = "\n".join(step["run"] for step in action["runs"]["steps"])
    assert "${{" not in steps, "an input in a script could end it: inputs go through the environment"
    assert all(step["shell"] == "bash" for step in action["runs"]["steps"])
    assert set(re.findall(r"inputs\.([\w-]+)", json.dumps(action))) == action["inputs"].keys()
    job = template[".twice-review"]
    script = "\n".join(job["script"])
    assert job["artifacts"]["reports"] == {"metrics": "metrics.txt", "junit": "twice-junit.xml"}
    known = twice("report", "--help").out
    for option in set(re.findall(r"--(?!paginate|jq|method|field)[a-z-]+", steps + script)):
        assert option in known, option


def test_the_steps_of_the_action_run(runs: Path, twice: Twice, tmp_path: Path) -> None:
    """All but the pull and the comment, in the shell that the runner takes."""
    action = yaml.safe_load((EXAMPLES / "ci/github/action.yml").read_text())
    steps = {step["name"]: step["run"] for step in action["runs"]["steps"]}
    environ = {
        **os.environ,
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "RUNS": "@~3..@",
        "CONDITIONS": "loss > 1\n\naccuracy < base - noise\n",
    }
    for name, code in (("Write the report", 0), ("Summarise, annotate, judge", 0)):
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", steps[name]], cwd=runs, env=environ, check=False)
        assert done.returncode == code
    assert (tmp_path / "summary").read_text().count("passed: fail if") == 2
    environ["CONDITIONS"] = "loss > 0"
    judge = ["bash", "-eo", "pipefail", "-c", steps["Summarise, annotate, judge"]]
    assert subprocess.run(judge, cwd=runs, env=environ, check=False).returncode == 1


# ------------------------------------------------------------------------------------------------ plot, show, claims


@pytest.mark.parametrize("kind", ["curves", "scatter", "parallel", "importance"])
def test_plots_as_one_file_of_html(runs: Path, twice: Twice, kind: str) -> None:
    assert "wrote p.html" in twice("plot", "--kind", kind, "-o", "p.html").err
    page = (runs / "p.html").read_text()
    assert page.count("<svg") >= 1 and not re.search(r"(?:\bsrc|href)=", page)


def test_a_plot_on_standard_output(runs: Path, twice: Twice) -> None:
    assert twice("plot", "-o", "-", "-e", "train").out.startswith("<!doctype html>")


def test_mistakes_in_plots_are_told(runs: Path, twice: Twice) -> None:
    assert "what form of image" in twice("plot", "-o", "p.xyz", expect=2).err
    assert "none of these runs has a metric `nope`" in twice("plot", "-m", "nope", "-o", "p.html", expect=2).err
    assert "no run is found" in twice("plot", "-e", "nope", "-o", "p.html", expect=2).err
    twice("compare", "@", "@~3", "--plot", "p.html")
    page = (runs / "p.html").read_text()
    assert page.count("<svg") == 3 and "accuracy by lr" in page and "accuracy and 1 more" in page


def test_a_plot_in_the_terminal(runs: Path, twice: Twice) -> None:
    assert "min 0.2 at step 4, max 1 at step 0" in twice("show", "@", "-m", "loss").out
    points = json.loads(twice("show", "@", "-m", "loss", "--json").out)["points"]
    assert [point["step"] for point in points] == [0, 1, 2, 3, 4]
    assert "did you mean `loss`?" in twice("show", "@", "-m", "los", expect=2).err


def test_claims_are_checked_and_mended(runs: Path, twice: Twice) -> None:
    paper = runs / "paper.md"
    paper.write_bytes(b"loss <!-- twice: @ loss -->0.20\r\nbest <!-- twice: @ loss.max -->**0.5** \xff\n")
    done = twice("claims", "paper.md", expect=1)
    assert done.out.startswith("paper.md:2: loss.max of ") and done.out.endswith(" is 1.0, the document says 0.5\n")
    assert "2 claims: 1 right, 0 mended, 1 wrong" in done.err
    twice("claims", "--fix", "paper.md")
    assert paper.read_bytes() == b"loss <!-- twice: @ loss -->0.20\r\nbest <!-- twice: @ loss.max -->**1.0** \xff\n"
    assert twice("claims", "paper.md").out == ""
    paper.write_text("<!-- twice: nope loss -->1 <!-- twice: @ nope -->2\n")
    done = twice("claims", "--fix", "paper.md", expect=1)
    assert "no run `nope`" in done.out and "has no number `nope`" in done.out
    assert json.loads(twice("claims", "--json", "paper.md", expect=1).out)["ok"] is False
    assert "cannot be read" in twice("claims", "missing.md", expect=2).err


# -------------------------------------------------------------------------------------------------- git integration


def test_the_log_has_the_runs_beside_their_commits(runs: Path, twice: Twice, git: Git) -> None:
    git("checkout", "-q", "-b", "side", cwd=runs)
    git("commit", "-q", "--allow-empty", "-m", "on the side", cwd=runs)
    (runs / "train.py").write_text(SCRIPT + "\n# later\n")
    twice("run", "python", "train.py")
    lines = twice("log").out.splitlines()
    assert [line[:2] for line in lines] == ["* ", "| ", "* ", "| ", "| ", "| ", "| ", "* "]
    assert "(HEAD -> side) on the side" in lines[0] and "uncommitted changes" in lines[1]
    assert "finished" in lines[3] and "--lr 0.3" in lines[3] and "accuracy 0.8" in lines[3]
    assert "refs/experiments" not in "".join(lines)
    assert len(twice("log", "-n", "1", "main").out.splitlines()) == 5
    everything = twice("log", "--all").out
    assert everything.count("* ") == int(git("rev-list", "--count", "--exclude=refs/experiments/*", "--all", cwd=runs))
    assert "bad revision" in twice("log", "nope", expect=2).err


def test_init_says_what_it_adds_and_takes_it_back(
    runs: Path, twice: Twice, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("remote", "add", "origin", "/nowhere", cwd=runs)
    attributes = runs / ".git/info/attributes"
    attributes.write_text("*.bin binary\n")
    before = (runs / ".git/config").read_bytes(), attributes.read_bytes()
    planned = twice("init", "--dry-run").out
    assert ((runs / ".git/config").read_bytes(), attributes.read_bytes()) == before
    assert twice("init").out == planned and planned.count("add: ") == 5
    assert "nothing to add" in twice("init").err
    assert git("config", "--get-all", "remote.origin.fetch", cwd=runs).split() == [
        "+refs/heads/*:refs/remotes/origin/*",
        "refs/experiments/*:refs/experiments/*",
    ]
    a, b = ref(twice, "@~3"), ref(twice, "@")
    assert "+lr = 0.3" in git("diff", a, b, cwd=runs)
    with monkeypatch.context() as elsewhere:
        folder = runs.parent / "bin"  # where no `twice` is
        folder.mkdir()
        for program in ("git", "sh", "cat"):
            (folder / program).symlink_to(str(shutil.which(program)))
        elsewhere.setenv("PATH", str(folder))
        assert "+  lr: 0.3" in git("diff", a, b, cwd=runs)
    assert "refs/experiments" not in git("log", "--all", "--decorate=full", cwd=runs)
    twice("init", "--undo")
    assert git("config", "--list", "--local", cwd=runs) == git("config", "--list", "-f", ".git/config", cwd=runs)
    assert attributes.read_bytes() == before[1]
    assert set((runs / ".git/config").read_bytes().split(b"\n")) - set(before[0].split(b"\n")) == set()
    assert "+  lr: 0.3" in git("diff", a, b, cwd=runs)


def test_git_diff_of_two_runs_reads_as_it_is(runs: Path, twice: Twice, git: Git) -> None:
    a, b = ref(twice, "@~3"), ref(twice, "@")
    lines = git("diff", a, b, "--", ".twice/params.yaml", cwd=runs).split("\n")
    changed = [line for line in lines if re.match(r"[-+](?![-+])", line)]
    assert changed == ["-  lr: 0.1", "+  lr: 0.3"]
