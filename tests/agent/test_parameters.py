"""The params of a run are what the script's own parser made of its words, defaults included."""

from __future__ import annotations

from typing import Any

import pytest
from interpreters import Ran, Runner

_PARSER = """
import argparse, enum, pathlib, sys
class Mode(enum.Enum):
    FAST = 1
def handle(args): pass
parser = argparse.ArgumentParser()
parser.add_argument("data", type=pathlib.Path)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--layers", type=int, nargs="*", default=[1, 2])
parser.add_argument("--mode", type=lambda name: Mode[name], default=Mode.FAST)
parser.add_argument("--names", type=lambda text: set(text.split(",")), default=frozenset())
parser.add_argument("--flag", action="store_true")
parser.add_argument("--nothing")
parser.add_argument("--out", type=argparse.FileType("w"), default=None)
parser.set_defaults(func=handle, lock=object())
"""


def _values(ran: Ran) -> list[dict[str, Any]]:
    assert ran.of_kind("warning") == []
    return [event["values"] for event in ran.of_kind("params")]


def test_all_values_with_defaults(run: Runner, python: str) -> None:
    ran = run(
        _PARSER + "args = parser.parse_args()",
        "d.csv",
        "--lr",
        "1e-3",
        "--names",
        "b,a",
        "--out",
        "o.txt",
        python=python,
    )
    assert _values(ran) == [
        {
            "data": "d.csv",
            "lr": 0.001,
            "layers": [1, 2],
            "mode": "FAST",
            "names": ["a", "b"],
            "flag": False,
            "nothing": None,
            "out": "o.txt",
        }
    ]
    assert [(event["source"], event["key"]) for event in ran.of_kind("params")] == [("argparse", "main")]


@pytest.mark.parametrize(
    "call", ["parser.parse_known_args()", "parser.parse_intermixed_args()", "parser.parse_args(sys.argv[1:])"]
)
def test_all_ways_to_parse_are_reported_once(run: Runner, python: str, call: str) -> None:
    (values,) = _values(run(_PARSER + call, "d.csv", "--lr", "2", python=python))
    assert (values["data"], values["lr"]) == ("d.csv", 2.0)


_SUBCOMMANDS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
commands = parser.add_subparsers({dest})
train = commands.add_parser("train", aliases=["t"])
train.add_argument("--lr", type=float, default=0.1)
models = train.add_subparsers()
forest = models.add_parser("forest")
forest.add_argument("--trees", type=int, default=10)
print(vars(parser.parse_args()))
"""


@pytest.mark.parametrize(
    ("dest", "words", "expected"),
    [
        ("", ["train", "--lr", "2"], {"seed": 1, "lr": 2.0, "command": "train"}),
        ("", ["train", "forest", "--trees", "3"], {"seed": 1, "lr": 0.1, "trees": 3, "command": "train forest"}),
        ("dest='what'", ["t"], {"seed": 1, "lr": 0.1, "what": "t"}),
        ("", [], {"seed": 1}),
    ],
)
def test_subcommands(run: Runner, python: str, dest: str, words: list[str], expected: dict[str, Any]) -> None:
    assert _values(run(_SUBCOMMANDS.format(dest=dest), *words, python=python)) == [expected]


def test_a_parser_of_a_library_that_reads_something_else_is_not_the_scripts(run: Runner) -> None:
    installed = run.work / "lib/site-packages"
    installed.mkdir(parents=True)
    (installed / "magic.py").write_text(
        "import argparse\ndef parse(words):\n    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('--a')\n    return parser.parse_args(words)\n"
    )
    script = f"import sys; sys.path.append({str(installed)!r}); import magic; magic.parse({{}})"
    assert _values(run(script.format("['--a', '1']"))) == []
    assert _values(run(script.format("None"), "--a", "2")) == [{"a": "2"}]
    assert _values(run(script.format("sys.argv[1:]"), "--a", "3")) == [{"a": "3"}]


def test_a_script_that_gives_the_words_itself_has_params(run: Runner) -> None:
    assert _values(
        run("import argparse; p = argparse.ArgumentParser(); p.add_argument('--a'); p.parse_args(['--a', '1'])")
    ) == [{"a": "1"}]


def test_wrong_words_end_as_ever_and_are_no_params(run: Runner, python: str) -> None:
    script = _PARSER + "parser.parse_args()"
    ran = run(script, "--lr", "x", python=python, code=2)
    plain = run(script, "--lr", "x", python=python, code=2, environ={"TWICE_LIVE": ""})
    assert (ran.output, ran.errors, _values(ran)) == (plain.output, plain.errors, [])


def test_a_subclass_and_a_namespace_of_the_users_own_still_work(run: Runner) -> None:
    script = (
        "import argparse, inspect\n"
        "class Parser(argparse.ArgumentParser):\n"
        "    def parse_known_args(self, args=None, namespace=None):\n"
        "        found, rest = super().parse_known_args(args, namespace)\n"
        "        found.extra = 1\n"
        "        return found, rest\n"
        "class Mine: lr = 5\n"
        "parser = Parser(); parser.add_argument('--a', default=1)\n"
        "mine = Mine(); print(parser.parse_args(namespace=mine) is mine, mine.extra, mine.a)\n"
        "print(inspect.signature(argparse.ArgumentParser.parse_known_args))\n"
    )
    ran = run(script)
    assert ran.output == "True 1 1\n(self, args=None, namespace=None)\n"
    assert _values(ran) == [{"a": 1}]


def test_a_program_reports_its_own_and_a_forked_child_none(run: Runner) -> None:
    script = (
        "import argparse, os, subprocess, sys\n"
        "parser = argparse.ArgumentParser(); parser.add_argument('--rank', default='0'); args = parser.parse_args()\n"
        "if args.rank == '0':\n"
        "    subprocess.run([sys.executable, __file__, '--rank', '1'], check=True)\n"
        "    if os.fork() == 0: parser.parse_args(['--rank', '2']); os._exit(0)\n"
        "    os.wait()\n"
    )
    assert _values(run(script)) == [{"rank": "0"}, {"rank": "1"}]


_CLICK = """
import click, enum, pathlib
@click.group()
@click.option("--seed", default=1)
@click.option("--verbose", is_flag=True)
def main(seed, verbose): pass
@main.command()
@click.argument("data", type=click.Path(path_type=pathlib.Path))
@click.option("--lr", default=0.1)
@click.option("--layers", multiple=True, type=int)
@click.option("--password", default="secret", hide_input=True)
@click.pass_context
def train(ctx, data, lr, layers, password):
    ctx.invoke(report, what="x")
    Inner(["--other", "2"], standalone_mode=False)
@main.command()
@click.option("--what", default="all")
def report(what): pass
@click.command()
@click.option("--other")
def Inner(other): pass
if __name__ == "__main__": main()
"""


def test_click_reports_the_command_with_its_groups(run: Runner) -> None:
    pytest.importorskip("click")
    ran = run(_CLICK, "--seed", "3", "train", "d.csv", "--layers", "1", "--layers", "2")
    assert _values(ran) == [
        {"seed": 3, "verbose": False, "data": "d.csv", "lr": 0.1, "layers": [1, 2], "command": "train"}
    ]
    assert ran.of_kind("params")[0]["source"] == "click"


def test_click_with_wrong_words_ends_as_ever(run: Runner) -> None:
    pytest.importorskip("click")
    ran, plain = (run(_CLICK, "train", "--lr", "x", code=2, environ=e) for e in ({}, {"TWICE_LIVE": ""}))
    assert (ran.output, ran.errors, _values(ran)) == (plain.output, plain.errors, [])
