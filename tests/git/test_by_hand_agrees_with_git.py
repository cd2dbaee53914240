"""Random work trees: the tree taken without a git executable is the one that `git add -A && git write-tree` gives.

Every disagreement must be an error, never another tree.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from twice.errors import RepositoryError
from twice.git import snapshot
from twice.git.repository import Repository

# The same trees each time; whoever looks for new ones raises the number and takes `derandomize` away.
trees = settings(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

# Few names, so that patterns, folders and files meet often; some that patterns must quote.
NAMES = ["a", "b", "ab", "abc", "x", "a.o", "b.o", "x y", "a ", "#a", "!b", "A", "a[b", "a*", "é", "-", "a\\b", "..a"]
PIECES = [
    "a", "b", "x", "c", "o", ".", "*", "**", "?", "/", "/", "/**/", "**/", "/**", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]",
    "[a", "[[:alpha:]]", "[[:nope:]]", "[z-a]", "[a-]", "\\a", "\\*", "\\[", "\\", " ", "\\ ", "#", "!", "\\#", "\\!", "é",
    "[[:upper:][:digit:]]", "[\\]a]", "[/]", "[b/x]", "A", "\t",
]  # fmt: skip
LINES = [
    "",
    "#",
    "!",
    "/",
    "//",
    "*",
    "**",
    "/*",
    "*/",
    "**/",
    "/**",
    "a/",
    "!a",
    "!a/",
    "a/*",
    "!a/b",
    "*.o",
    "!*.o",
    "x/",
]

pattern = st.one_of(
    st.sampled_from(LINES),
    st.tuples(st.sampled_from(["", "", "!", "/", "!/"]), st.lists(st.sampled_from(PIECES), min_size=1, max_size=5)).map(
        lambda parts: parts[0] + "".join(parts[1])
    ),
)
exclude_file = st.tuples(
    st.lists(st.tuples(pattern, st.sampled_from(["", "", "", " ", "  ", "\r", "/"])).map("".join), max_size=6),
    st.sampled_from(["\n", "\n", ""]),
    st.sampled_from(["", "", "", "\ufeff"]),
).map(lambda parts: (parts[2] + "\n".join(parts[0]) + parts[1]).encode())
folder = st.lists(st.sampled_from(NAMES), max_size=3).map("/".join)
file = st.tuples(folder, st.sampled_from(NAMES)).map(lambda parts: "/".join(filter(None, parts)))
content = st.sampled_from([b"", b"1\n", b"2\n", b"1\r\n2\r\n", b"1\n2\r\n", b"\0\r\n", b"x\ry\r\n", b"long\n" * 50])

edit = st.one_of(
    st.tuples(st.just("write"), file, content),
    st.tuples(st.just("write"), file, content),
    st.tuples(st.just("link"), file, st.sampled_from(["a", "1\n", "missing"])),
    st.tuples(st.just("remove"), st.one_of(file, folder.filter(bool)), st.just(b"")),
    st.tuples(st.just("executable"), file, st.booleans()),
    st.tuples(st.just("ignore"), folder, exclude_file),
    st.tuples(st.just("stage"), file, st.sampled_from(["add", "add -f", "rm --cached", "add -N"])),
    st.tuples(st.just("touch"), file, st.just(b"")),
)


def apply(root: Path, action: str, path: str, value: object) -> None:
    """Make one edit; what is in its way is removed."""
    target = root / path
    if action == "link" and target.name == value:
        return  # a link to itself: git status does not name what used to be below it, `git add -A` drops it
    if action == "ignore":
        target = target / ".gitignore"
    if action in ("write", "link", "ignore"):
        for part in [*reversed(target.relative_to(root).parents[:-1])]:
            if (root / part).is_symlink() or (root / part).is_file():
                (root / part).unlink()
        remove(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if action == "link":
            target.symlink_to(str(value))
        else:
            assert isinstance(value, bytes)
            target.write_bytes(value)
    elif action == "remove":
        remove(target)
    elif action == "executable" and target.is_file() and not target.is_symlink():
        target.chmod(0o755 if value else 0o644)
    elif action == "touch" and target.is_file():
        os.utime(target, (1_500_000_000, 1_500_000_000))
    elif action == "stage":
        run(root, *str(value).split(), "--", path, check=False)


def remove(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    elif os.path.lexists(target):
        target.unlink()


def run(root: Path, *words: str, check: bool = True, index: Path | None = None) -> str:
    environ = {**os.environ, "GIT_LITERAL_PATHSPECS": "1", **({"GIT_INDEX_FILE": str(index)} if index else {})}
    done = subprocess.run(["git", *words], cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def configure(root: Path, values: dict[str, str]) -> None:
    with (root / ".git/config").open("a") as file:
        for key, value in values.items():
            section, _, rest = key.partition(".")
            subsection, _, name = rest.rpartition(".")
            head = f'[{section} "{subsection}"]' if subsection else f"[{section}]"
            file.write(f'{head}\n\t{name} = "{value}"\n')


def tree_of_git(root: Path) -> str:
    copy = root.parent / "index"
    copy.unlink(missing_ok=True)
    if (root / ".git/index").exists():
        shutil.copy2(root / ".git/index", copy)
    run(root, "-c", "core.safecrlf=false", "add", "-A", index=copy)
    return run(root, "write-tree", index=copy).strip()


def tree_by_hand(root: Path) -> str:
    with Repository.open(root, {**os.environ, "TWICE_GIT": "none"}) as repository:
        return snapshot.write_tree(repository, snapshot.scan(repository))


def paths_by_hand(root: Path) -> dict[str, str]:
    with Repository.open(root, {**os.environ, "TWICE_GIT": "none"}) as repository:
        return {change.path: change.state for change in snapshot.scan(repository).changes}


def paths_of_git(root: Path) -> set[str]:
    entries = run(root, "status", "--porcelain", "-z", "-uall", "--no-renames").split("\0")
    return {entry[3:] for entry in entries if entry}


@trees
@given(
    committed=st.lists(edit, max_size=8),
    edits=st.lists(edit, max_size=8),
    excludes=exclude_file,
    user_excludes=exclude_file,
)
def test_random_ignore_rules_and_edits(
    committed: list[tuple[str, str, object]],
    edits: list[tuple[str, str, object]],
    excludes: bytes,
    user_excludes: bytes,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "r")
        root.mkdir()
        run(root, "init", "-q")
        Path(folder, "excludes").write_bytes(user_excludes)
        configure(root, {"core.excludesFile": "../excludes", "core.safecrlf": "false"})
        for action in committed:
            apply(root, *action)
        run(root, "add", "-A")
        run(root, "commit", "-q", "--allow-empty", "-m", "first")
        (root / ".git/info").mkdir(exist_ok=True)
        (root / ".git/info/exclude").write_bytes(excludes)
        for action in edits:
            apply(root, *action)
        expected = tree_of_git(root)
        try:
            found = tree_by_hand(root)
        except RepositoryError as error:
            assert "versions of git disagree" in error.message
            event("refused")
            return
        assert found == expected
        assert set(paths_by_hand(root)) == paths_of_git(root)


WORDS = [
    "text", "-text", "!text", "text=auto", "text=input", "text=odd", "eol=lf", "eol=crlf", "-eol", "binary", "-binary",
    "!binary", "crlf", "-crlf", "crlf=input", "ident", "-ident", "mine", "-mine", "!mine", "theirs", "filter=up",
    "filter=none", "-filter", "!filter", "diff", "-bad-", "--bad", "=bad",
]  # fmt: skip
attribute_line = st.tuples(
    st.sampled_from(
        [
            "*",
            "*.o",
            "a",
            "/a",
            "a/*",
            "a/",
            "**/b",
            '"x y"',
            '"a\\142"',
            "#",
            "!a",
            "[attr]mine",
            "[attr]theirs",
            "b/**",
        ]
    ),
    st.lists(st.sampled_from(WORDS), max_size=4),
    st.sampled_from([" ", "\t", "  "]),
).map(lambda parts: parts[2].join([parts[0], *parts[1]]))
attributes = st.tuples(
    st.lists(attribute_line, min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"])
).map(lambda parts: (parts[2] + parts[1].join(parts[0])).encode())
lines = st.lists(
    st.sampled_from([b"a", b"\n", b"\r\n", b"\r\n", b"\r", b"\0", b"\x1a", b"\x01", b"$Id$", b"$Id: 1 $", b"text" * 40, b"\xe9"]),
    max_size=6,
).map(b"".join)  # fmt: skip
few = st.sampled_from(["a", "b", "a.o", "x y", "ab", "b.c"])
file_of_few = st.tuples(st.sampled_from(["", "", "a/", "b/", "b/a/"]), few).map("".join)
contents_edit = st.one_of(
    st.tuples(st.just("write"), file_of_few, lines),
    st.tuples(st.just("write"), file_of_few, lines),
    st.tuples(st.just("attributes"), st.sampled_from(["", "a", "b"]), attributes),
    st.tuples(st.just("touch"), file_of_few, st.just(b"")),
)
configuration = st.fixed_dictionaries(
    {
        "core.autocrlf": st.sampled_from(["false", "true", "input"]),
        "core.eol": st.sampled_from(["native", "lf", "crlf"]),
        "filter.up.clean": st.sampled_from(["tr a-z A-Z", "tr a-z A-Z", "printf %f", "false", ""]),
    }
).filter(lambda values: (values["core.autocrlf"], values["core.eol"]) != ("input", "crlf"))  # git refuses that


def write_attributes(root: Path, actions: list[tuple[str, str, bytes]]) -> None:
    for action, path, value in actions:
        if action == "attributes":
            apply(root, "write", f"{path}/.gitattributes" if path else ".gitattributes", value)
        else:
            apply(root, action, path, value)


@trees
@given(
    committed=st.lists(contents_edit, max_size=8),
    edits=st.lists(contents_edit, max_size=8),
    before=configuration,
    after=configuration,
    info=attributes,
)
def test_random_attributes_and_contents(
    committed: list[tuple[str, str, bytes]],
    edits: list[tuple[str, str, bytes]],
    before: dict[str, str],
    after: dict[str, str],
    info: bytes,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "r")
        root.mkdir()
        run(root, "init", "-q")
        configure(root, {"core.safecrlf": "false", **before})
        write_attributes(root, committed)
        run(root, "add", "-A")
        run(root, "commit", "-q", "--allow-empty", "-m", "first")
        configure(root, after)
        (root / ".git/info").mkdir(exist_ok=True)
        (root / ".git/info/attributes").write_bytes(info)
        write_attributes(root, edits)
        assert tree_by_hand(root) == tree_of_git(root)
