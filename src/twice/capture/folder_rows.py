"""What is known of the files in one folder?  Stamps and sha256 in the order of the names, packed, not one object a file.

What is compared, kept and handed on is whole folders; with 100,000 files an object for each would cost more than to look at
the files themselves.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from twice.capture.small_files import NO_STAMP, STAMP_BYTES


class FolderRow(NamedTuple):
    """What is known of the files in one folder: names in order, and 32 bytes for each of them in both other fields.

    Where nothing is known of a name, stamp and digest are zeros.
    """

    names: Sequence[bytes]
    stamps: bytes
    digests: bytes

    def find(self, name: bytes, stamp: bytes) -> bytes | None:
        """The digest of the file with this name, if it has this stamp."""
        number = bisect_left(self.names, name)
        at = STAMP_BYTES * number
        if number == len(self.names) or self.names[number] != name or self.stamps[at : at + STAMP_BYTES] != stamp:
            return None
        return self.digests[at : at + STAMP_BYTES]

    def of(self, names: Sequence[bytes]) -> FolderRow:
        """The same for these names alone, in this order."""
        if names == self.names:
            return self
        place = {name: STAMP_BYTES * number for number, name in enumerate(self.names)}
        places = [place.get(name, len(self.stamps)) for name in names]
        stamps, digests = self.stamps + NO_STAMP, self.digests + NO_STAMP
        return FolderRow(
            names,
            b"".join([stamps[at : at + STAMP_BYTES] for at in places]),
            b"".join([digests[at : at + STAMP_BYTES] for at in places]),
        )

    def over(self, older: FolderRow) -> FolderRow:
        """What this row knows, and of other names what an older one does."""
        others = set(older.names).difference(self.names)
        if not others:
            return self
        names = sorted([*self.names, *others])
        new, old = self.of(names), older.of(names)
        rows = [(old if name in others else new, STAMP_BYTES * number) for number, name in enumerate(names)]
        return FolderRow(
            names,
            b"".join([row.stamps[at : at + STAMP_BYTES] for row, at in rows]),
            b"".join([row.digests[at : at + STAMP_BYTES] for row, at in rows]),
        )

    def known(self) -> FolderRow:
        """The same without the names of which nothing is known."""
        stamps = [self.stamps[at : at + STAMP_BYTES] for at in range(0, len(self.stamps), STAMP_BYTES)]
        return self.of([name for name, stamp in zip(self.names, stamps, strict=True) if stamp != NO_STAMP])
