"""Which files does an index offer for a distribution?  Addresses of indexes and a name in, `Offer`s out.

The simple repository API in its two forms, JSON (PEP 691) and HTML (PEP 503), whichever the server speaks; and pip's
`find-links`: a folder, or a page of links. Names of files as in the binary distribution format (PEP 427) and PEP 625.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from twice.capture.origins import local_path
from twice.environments.indexes import Indexes
from twice.environments.web import Unreachable, Web
from twice.frozen import frozen
from twice.textforms import normalise_name

_WHEEL = re.compile(
    r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-(?P<build>\d[^-]*))?-(?P<tags>[^-]+-[^-]+-[^-]+)\.whl", re.IGNORECASE
)
_SDIST = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.(?:tar\.gz|zip|tar\.bz2|tgz)", re.IGNORECASE)


@frozen
class Offer:
    """One file that an index offers."""

    filename: str
    url: str
    version: str  # as the file's name spells it
    tags: tuple[str, ...] = ()  # of a wheel, sorted, compressed sets written out; empty: a source distribution
    sha256: str | None = None
    size_bytes: int | None = None
    index: str | None = None  # the index's address; None for find-links
    yanked: bool = False


def find_offers(name: str, indexes: Indexes, web: Web) -> list[Offer]:
    """Every wheel and source distribution of a name, index by index.

    An index that does not know the name offers nothing; raises Unreachable when none could be asked.
    """
    found: list[Offer] = []
    silent: list[Unreachable] = []
    places: list[tuple[str | None, str]] = [(index, f"{index.rstrip('/')}/{name}/") for index in indexes.all_urls()]
    places += [(None, place) for place in indexes.find_links]
    for index, url in places:
        try:
            found += [one for one in _offers_at(url, index, web) if one is not None and _is_of(one, name)]
        except Unreachable as error:
            if error.code != 404 and not url.startswith("file:"):
                silent.append(error)
    if not found and silent:
        raise silent[0]
    return found


def _offers_at(url: str, index: str | None, web: Web) -> Iterable[Offer | None]:
    folder = local_path(url) or (Path(url) if "://" not in url else None)
    if folder is not None and folder.is_dir():
        page = folder / "index.html"
        if not page.is_file():
            return [_offer(path.name, path.as_uri(), index) for path in sorted(folder.iterdir())]
        url = page.as_uri()
    kind, text, url = web.page(url)
    if kind.endswith("json"):
        return _read_json(text, url, index)
    links = _Links()
    links.feed(text)
    return [_of_link(urljoin(url, href), index, yanked) for href, yanked in links.found]


def _read_json(text: str, url: str, index: str | None) -> list[Offer | None]:
    try:
        files = json.loads(text)["files"]
        return [
            _offer(
                one["filename"],
                urljoin(url, one["url"]),
                index,
                one.get("hashes", {}).get("sha256"),
                one.get("size"),
                bool(one.get("yanked")),
            )
            for one in files
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreachable(f"{url}: not the simple API: {error}") from error


def _of_link(link: str, index: str | None, yanked: bool) -> Offer | None:
    url, fragment = urldefrag(link)
    algorithm, _, digest = fragment.partition("=")
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return _offer(name, url, index, digest if algorithm == "sha256" else None, None, yanked)


def _offer(
    filename: str,
    url: str,
    index: str | None,
    sha256: str | None = None,
    size_bytes: int | None = None,
    yanked: bool = False,
) -> Offer | None:
    wheel, sdist = _WHEEL.fullmatch(filename), _SDIST.fullmatch(filename)
    match = wheel or sdist
    if match is None:
        return None
    return Offer(
        filename=filename,
        url=url,
        version=match["version"],
        tags=file_tags(wheel["tags"]) if wheel is not None else (),
        sha256=sha256,
        size_bytes=size_bytes,
        index=index,
        yanked=yanked,
    )


def file_tags(tags: str) -> tuple[str, ...]:
    """The tags in a wheel's file name, compressed sets written out, sorted."""
    sets = (part.split(".") for part in tags.split("-"))
    return tuple(sorted("-".join(parts) for parts in itertools.product(*sets)))


def _is_of(one: Offer, name: str) -> bool:
    match = _WHEEL.fullmatch(one.filename) or _SDIST.fullmatch(one.filename)
    return match is not None and normalise_name(match["name"]) == name


class _Links(HTMLParser):
    """The links of a page: address, and whether the file was yanked."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a link."""
        values = dict(attrs)
        if tag == "a" and (href := values.get("href")):
            self.found.append((href, "data-yanked" in values))
