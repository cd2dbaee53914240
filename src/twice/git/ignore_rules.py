"""Is an untracked path ignored?

In: the text of the exclude files.  Out: yes or no for one entry of a folder, given that the folder itself is not ignored:
as git does, the caller walks down from the top and never looks into an ignored folder, where no rule can bring a path back.

Specification: gitignore(5). The deepest .gitignore that has a matching pattern decides, then info/exclude, then
core.excludesFile; within one file the last matching pattern does.
"""

from __future__ import annotations

from twice.git.path_pattern import PathPattern

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_patterns(text: bytes, *, fold_case: bool = False) -> list[PathPattern]:
    """The patterns of one exclude file, in order."""
    found = []
    for line in text.removeprefix(_BYTE_ORDER_MARK).split(b"\n"):
        if line and not line.startswith(b"#"):
            line = line.removesuffix(b"\r").partition(b"\0")[0]
            found.append(PathPattern(_without_trailing_spaces(line), fold_case=fold_case))
    return found


def _without_trailing_spaces(line: bytes) -> bytes:
    """The line without the spaces at its end, but for one that a backslash quotes."""
    kept = line.rstrip(b" ")
    if len(kept) == len(line):
        return line
    backslashes = len(kept) - len(kept.rstrip(b"\\"))
    return kept + b" " if backslashes % 2 else kept


class RuleFile:
    """The patterns of one exclude file, sorted by how they are looked up.

    Most are plain names (`build/`), plain paths (`/docs/html`) or endings (`*.o`), or at least start with plain letters:
    those are found without trying each pattern in turn.
    """

    __slots__ = ("_by_name", "_by_path", "_by_start_of_name", "_by_start_of_path", "_endings", "_others", "_patterns")

    def __init__(self, patterns: list[PathPattern]) -> None:
        self._patterns = patterns
        self._by_name: dict[bytes, list[int]] = {}
        self._by_path: dict[bytes, list[int]] = {}
        self._by_start_of_name: dict[bytes, list[int]] = {}  # by the first byte
        self._by_start_of_path: dict[bytes, list[int]] = {}
        self._endings: list[tuple[bytes, int]] = []
        self._others: list[int] = []
        for position, pattern in enumerate(patterns):
            if pattern.literal_name is not None:
                self._by_name.setdefault(pattern.literal_name, []).append(position)
            elif pattern.literal_path is not None:
                self._by_path.setdefault(pattern.literal_path, []).append(position)
            elif pattern.literal_suffix is not None:
                self._endings.append((pattern.literal_suffix, position))
            elif pattern.literal_start:
                by_start = self._by_start_of_name if pattern.last_part_only else self._by_start_of_path
                by_start.setdefault(pattern.literal_start[:1], []).append(position)
            else:
                self._others.append(position)

    def decide(self, path: bytes, name: bytes, is_directory: bool) -> bool | None:
        """Whether this file ignores the path (relative to the file's folder); None when no pattern matches."""
        candidates = [
            *self._by_name.get(name, ()),
            *self._by_path.get(path, ()),
            *self._by_start_of_name.get(name[:1], ()),
            *self._by_start_of_path.get(path[:1], ()),
            *(position for ending, position in self._endings if name.endswith(ending)),
            *self._others,
        ]
        candidates.sort(reverse=True)
        for position in candidates:
            pattern = self._patterns[position]
            if pattern.matches(path, name, is_directory):
                return not pattern.negated
        return None


class IgnoreRules:
    """The rules that hold in one folder: its own .gitignore on top of those above it and the repository's own."""

    __slots__ = ("_fold_case", "_levels")

    def __init__(self, levels: tuple[tuple[int, RuleFile], ...] = (), *, fold_case: bool = False) -> None:
        self._levels = levels  # deciding first: (length of the folder's path with its slash, rules)
        self._fold_case = fold_case

    @classmethod
    def of_repository(cls, info_exclude: bytes, excludes_file: bytes, *, fold_case: bool = False) -> IgnoreRules:
        """The rules above any .gitignore; a file that does not exist is empty."""
        texts = (info_exclude, excludes_file)
        files = [RuleFile(read_patterns(text, fold_case=fold_case)) for text in texts if text]
        return cls(tuple((0, file) for file in files), fold_case=fold_case)

    def below(self, folder: bytes, gitignore: bytes) -> IgnoreRules:
        """The rules inside `folder` (empty for the root, else with a slash at its end), which has this .gitignore."""
        file = RuleFile(read_patterns(gitignore, fold_case=self._fold_case))
        return IgnoreRules(((len(folder), file), *self._levels), fold_case=self._fold_case)

    def ignore(self, path: bytes, name: bytes, is_directory: bool) -> bool:
        """Whether the entry `path`, whose last part is `name`, is ignored. A symlink is not a directory."""
        if self._fold_case:
            path, name = path.lower(), name.lower()
        for length, file in self._levels:
            decision = file.decide(path[length:], name, is_directory)
            if decision is not None:
                return decision
        return False
