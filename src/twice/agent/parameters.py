"""Which parameters did the script get, as its own parser understood them?

The outermost parse of argparse or click in each program is reported as a `params` event: all values, those of defaults
and subcommands included. Function objects and other values that have no plain form are left out.

A parser that belongs to a library and reads something else than the command line (a magic of a notebook, a file of options)
is not the script's.
"""

from __future__ import annotations

import sys
from _thread import get_ident

from . import import_hooks, process_keys, protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_outermost: dict[int, Any] = {}  # thread → the parser that is at work there
_commands: dict[int, list[str]] = {}  # thread → the subcommands that its subparsers stand for


def _report(source: str, found: dict[str, Any]) -> None:
    from .plain_values import plain  # not before something is parsed

    values = {}
    for name, value in found.items():
        try:
            values[str(name)] = plain(value)
        except Exception:
            continue  # no plain form, or a property of a strange object that raises: not a parameter
    journal = protocol.run_journal()
    # A forked child that parses words of its own is not the script any more; what a launcher started may be.
    if journal is not None and values and process_keys.is_program(process_keys.current()):
        journal.write("params", source=source, values=values, key=process_keys.current())


def watch_argparse(module: Any) -> None:
    """Report what the two methods return that all ways to parse end in."""
    for name in ("parse_known_args", "parse_known_intermixed_args"):
        _watch_parsing(module, name)


def _watch_parsing(module: Any, name: str) -> None:
    original = getattr(module.ArgumentParser, name)

    def parse(self: Any, args: Any = None, namespace: Any = None) -> Any:
        thread = get_ident()
        outermost = _outermost.get(thread)
        if outermost is not None:
            _note_subcommand(module, thread, outermost, self)
            return original(self, args, namespace)
        # Before parsing: an action may change sys.argv.
        is_ours = _is_of_the_script(args, sys._getframe(1), module.__file__)
        _outermost[thread], _commands[thread] = self, []
        try:
            result = original(self, args, namespace)
        finally:
            _outermost.pop(thread, None)
            commands = _commands.pop(thread, [])
        try:
            if is_ours:
                found = dict(vars(result[0]))
                if commands:
                    found.setdefault("command", " ".join(commands))
                _report("argparse", found)
        except Exception:
            pass  # a result of another shape: some subclass has its own idea of parsing
        return result

    setattr(module.ArgumentParser, name, import_hooks.look_like(parse, original))


def _note_subcommand(module: Any, thread: int, outer: Any, inner: Any) -> None:
    """Remember under which word the outer parser knows the inner one: without a `dest` the result does not say it."""
    try:
        for action in outer._actions:
            if isinstance(action, module._SubParsersAction):
                names = [name for name, parser in action.choices.items() if parser is inner]
                if names:
                    _outermost[thread] = inner
                    if action.dest == module.SUPPRESS:
                        _commands[thread].append(names[0])
                    return
    except Exception:
        return


def _is_of_the_script(args: Any, frame: Any, argparse_file: str) -> bool:
    """Whether the words to parse are the command line's, or the caller is no installed library."""
    if args is None:
        return True
    if isinstance(args, (list, tuple)) and list(args) == sys.argv[1:]:
        return True
    while frame is not None and frame.f_code.co_filename == argparse_file:
        frame = frame.f_back
    file = frame.f_code.co_filename.replace("\\", "/") if frame is not None else ""
    library = argparse_file.replace("\\", "/").rpartition("/")[0] + "/"
    return not ("/site-packages/" in file or "/dist-packages/" in file or file.startswith(library))


def watch_click(module: Any) -> None:
    """Report the parameters of the command that click is about to run, with those of its groups."""
    original = module.Command.invoke

    def invoke(self: Any, ctx: Any) -> Any:
        thread = get_ident()
        if thread in _outermost:
            return original(self, ctx)
        try:
            # A group with a subcommand to come has its say with that one.
            if not getattr(ctx, "invoked_subcommand", None):
                _report("click", _click_values(ctx))
        except Exception:
            pass  # a context of another shape
        _outermost[thread] = self
        try:
            return original(self, ctx)
        finally:
            _outermost.pop(thread, None)

    invoke.__doc__, invoke.__qualname__, invoke.__module__ = (
        original.__doc__,
        original.__qualname__,
        original.__module__,
    )
    module.Command.invoke = invoke


def _click_values(ctx: Any) -> dict[str, Any]:
    contexts: list[Any] = []
    while ctx is not None:
        contexts.insert(0, ctx)
        ctx = ctx.parent
    found: dict[str, Any] = {}
    for context in contexts:
        hidden = {param.name for param in context.command.params if getattr(param, "hide_input", False)}
        found.update((name, value) for name, value in context.params.items() if name not in hidden)
    if len(contexts) > 1:
        found.setdefault("command", " ".join(str(context.info_name) for context in contexts[1:]))
    return found
