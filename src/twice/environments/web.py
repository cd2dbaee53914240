"""How are bytes had from an address?  Whole, or only the parts of a large file that are asked for (HTTP ranges, RFC 9110).

`https:` and `http:` with the user's proxies and certificates, and `file:`. Credentials in an address are sent as Basic
authentication, which urllib alone would not do.
"""

from __future__ import annotations

import base64
import http.client
import io
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

_BLOCK_BYTES = 64 * 1024
_LIMIT_S = 30.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_SIMPLE = "application/vnd.pypi.simple.v1+json, text/html;q=0.2, */*;q=0.01"


class Unreachable(Exception):
    """An address that does not answer, or answers with an error (`code`, if it came that far)."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Web:
    """The way out, with the certificates that the user's variables name."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        names = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
        self._certificates = next((environ[name] for name in names if environ.get(name)), None)

    def page(self, url: str) -> tuple[str, str, str]:
        """A page of the simple API: its content type, its text, and the address it was finally found at."""
        content, headers, where = self._get(url, {"Accept": _SIMPLE})
        return headers.get_content_type(), content.decode("utf-8", "replace"), where

    def file(self, url: str) -> RemoteFile:
        """A file that reads by ranges where the server can, else whole."""
        return RemoteFile(self, url)

    def part(self, url: str, range_: str | None = None) -> tuple[bytes, tuple[int, int] | None]:
        """Some bytes of a file, where they begin and the size of it all; everything and None without ranges.

        `range_` is as in the header: `0-99`, or `-100` for the last hundred.
        """
        wanted = {"Range": f"bytes={range_}"} if range_ is not None and not url.startswith("file:") else {}
        content, headers, _ = self._get(url, {"Accept-Encoding": "identity", **wanted})
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range") or "") if wanted else None
        return content, (int(match[1]), int(match[2])) if match is not None else None

    def _get(self, url: str, headers: dict[str, str]) -> tuple[bytes, Any, str]:
        address, login = _without_login(url)
        request = urllib.request.Request(address, headers={"User-Agent": "twice", **headers})
        if login is not None:
            request.add_header("Authorization", f"Basic {login}")
        try:
            with urllib.request.urlopen(request, timeout=_LIMIT_S, context=_context(self._certificates)) as answer:
                return answer.read(), answer.headers, answer.url
        except urllib.error.HTTPError as error:
            raise Unreachable(f"{address}: {error.code} {error.reason}", error.code) from error
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            raise Unreachable(f"{address}: {getattr(error, 'reason', error)}") from error


class RemoteFile(io.RawIOBase):
    """A seekable file on a server; what was read is kept, in blocks, or whole where the server speaks no ranges."""

    def __init__(self, web: Web, url: str) -> None:
        self._web, self._url = web, url
        self._position = 0
        self._blocks: dict[int, bytes] = {}
        self._whole: bytes | None = None
        self.size_bytes = self._find_size()

    def whole(self) -> bytes:
        """All bytes of the file."""
        if self._whole is None:
            self._whole, _ = self._web.part(self._url)
        return self._whole

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to another position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read on from the position."""
        view = memoryview(buffer).cast("B")
        if self._whole is not None:
            found = self._whole[self._position : self._position + len(view)]
        else:
            number, begin = divmod(self._position, _BLOCK_BYTES)
            found = self._block(number)[begin : begin + len(view)]
        view[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _find_size(self) -> int:
        # The end of a zip file is its table of contents: asking for the last block answers the size as well.
        content, place = self._web.part(self._url, f"-{_BLOCK_BYTES}")
        if place is None:
            self._whole = content
            return len(content)
        first, total = place
        number, rest = divmod(first, _BLOCK_BYTES)
        if rest and number + 1 <= (total - 1) // _BLOCK_BYTES:
            self._blocks[number + 1] = content[_BLOCK_BYTES - rest :]
        elif not rest:
            self._blocks[number] = content
        return total

    def _block(self, number: int) -> bytes:
        first = number * _BLOCK_BYTES
        if first >= self.size_bytes:
            return b""
        if number not in self._blocks:
            last = min(first + _BLOCK_BYTES, self.size_bytes) - 1
            content, place = self._web.part(self._url, f"{first}-{last}")
            if place is None:
                self._whole = content
                return content[first : last + 1]
            self._blocks[number] = content
        return self._blocks[number]


def _without_login(url: str) -> tuple[str, str | None]:
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    name, _, word = login.partition(":")
    token = base64.b64encode(f"{unquote(name)}:{unquote(word)}".encode()).decode("ascii")
    return urlunsplit(parts._replace(netloc=host)), token


@lru_cache(maxsize=2)
def _context(certificates: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates)
