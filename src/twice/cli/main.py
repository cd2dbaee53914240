"""What did the user type?  The group of commands, and the one place where an error becomes text and an exit code.

A command is imported when it is asked for: `twice --help` reads this file's table only.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from twice import __version__
from twice.errors import TwiceError

COMMANDS = {
    "run": "Run a command and record it as a run",
    "ls": "List the runs",
    "show": "Show one run",
    "best": "Show the run with the best value of a metric",
    "importance": "Rank the params by how much of a metric goes with them",
    "diff": "Show what differs between two runs",
    "compare": "Show runs side by side",
    "plot": "Draw charts of runs",
    "report": "Review runs, for a pull request or CI",
    "log": "Show the commits, and beside each its runs",
    "reproduce": "Run a run again and say what is the same",
    "apply": "Bring a run's code into the work tree",
    "branch": "Make a git branch of a run's code",
    "push": "Push runs to a git remote",
    "pull": "Pull runs from a git remote",
    "data": "List, check, restore and drop the data of runs",
    "env": "Export the environment of a run, prune rebuilt ones",
    "recover": "Seal the runs that were cut off",
    "claims": "Check the numbers in documents against runs",
    "init": "Add to git's configuration what makes runs nicer to read there",
    "textconv": "Print a record's file as lines of key = value",
    "demo": "See it all on a small example",
    "completion": "Print the completion script for a shell",
}
"""Name → help's first line; a test holds each to its command's own."""


# Python looks for cycles after 700 new objects; a command makes few cycles, many objects, and ends. 3 ms of `twice ls`.
_OBJECTS_BEFORE_GC = 50_000


class Commands(click.Group):
    """The commands, each in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"twice.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `twice run python train.py`, or see it all with `twice demo`.",
)
@click.version_option(__version__, prog_name="twice")
def cli() -> None:
    """Runs as git commits: a result you can get once, you can get twice."""


def main(words: Sequence[str] | None = None) -> None:
    """The `twice` command; ends the process."""
    gc.set_threshold(_OBJECTS_BEFORE_GC)
    _force_utf8()
    sys.exit(run_cli(words))


def run_cli(words: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; whatever goes wrong is told on stderr, in three parts."""
    try:
        result: Any = cli.main(args=None if words is None else list(words), prog_name="twice", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return 130
    except click.UsageError as error:
        hint = f"twice {error.ctx.info_name} --help" if error.ctx and error.ctx.parent else "twice --help"
        return _tell(TwiceError(error.format_message(), hint=hint))
    except click.ClickException as error:
        return _tell(TwiceError(error.format_message()))
    except TwiceError as error:
        return _tell(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `twice ls | head`: nobody reads on. Python would complain once more while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        bug = TwiceError(
            f"{type(error).__name__}: {error}",
            details=["this is a bug in twice"],
            hint="TWICE_DEBUG=1 shows where; nothing that was recorded is lost",
        )
        bug.__cause__ = error
        _tell(bug)
        return 3


def _tell(error: TwiceError) -> int:
    if os.environ.get("TWICE_DEBUG") == "1":
        traceback.print_exception(error)
    sys.stdout.flush()
    print(error_text(error), file=sys.stderr)
    return error.exit_code


def error_text(error: TwiceError) -> str:
    """The three parts: what happened, where, what to do next."""
    lines = [f"error: {error.message}", *(f"  {detail}" for detail in error.details)]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)


def _force_utf8() -> None:
    """Ids, params and paths are UTF-8 whatever the locale says; a byte that is not is passed on as it came."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            encoding = stream.encoding if os.name == "nt" and stream.isatty() else "utf-8"
            reconfigure(encoding=encoding, errors="surrogateescape" if encoding == "utf-8" else "replace")


if __name__ == "__main__":
    main()
