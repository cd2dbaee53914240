"""How is a run's environment handed to other tools?  A run in, the text of a file that they install from out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from twice.capture.lock import lock_text
from twice.environments.indexes import Indexes, configured_indexes, with_default_index
from twice.environments.matching import Match, find_match
from twice.environments.pylock import conda_text, pylock_text
from twice.environments.simple_index import find_offers
from twice.environments.web import Unreachable, Web
from twice.errors import ReproductionError
from twice.record.model import Distribution, Packages, Run

Format = Literal["requirements", "pylock", "conda"]
_AT_ONCE = 8
_OFFLINE_HINT = "`--format requirements` needs no index: it pins the versions, without hashes"


def export_environment(run: Run, form: Format, environ: Mapping[str, str], tell: Callable[[str], None]) -> str:
    """The text of the file.  Raises ReproductionError when the environment cannot be said in this form."""
    packages = run.environment.packages
    if packages is None:
        raise ReproductionError("no Python process reported in from the run: its environment is not known")
    if form == "requirements":
        return run.environment.lock or lock_text(packages)
    conda = [one.name for one in packages.distributions if one.origin is not None and one.origin.kind == "conda"]
    if form == "conda":
        return _conda(packages, conda)
    if conda:
        raise ReproductionError(
            f"{len(conda)} packages were installed by conda, which a pylock.toml cannot say",
            hint="use --format conda",
        )
    _check_archives(packages)
    indexes = with_default_index(configured_indexes(environ), environ)
    return pylock_text(packages, match_all(packages, indexes, environ, tell), run.id)


def _conda(packages: Packages, conda: list[str]) -> str:
    if not conda:
        raise ReproductionError(
            "the environment was not made by conda: none of its packages has an address there",
            hint="use --format requirements or --format pylock",
        )
    bare = [one.name for one in packages.distributions if one.name in conda and one.origin and not one.origin.url]
    if len(bare) == len(conda):
        raise ReproductionError("conda noted no address for any of the packages of this environment", details=bare[:10])
    return conda_text(packages)


def _check_archives(packages: Packages) -> None:
    bare = [
        f"{one.name} {one.version}: {one.origin.url}"
        for one in packages.distributions
        if one.origin is not None and one.origin.kind == "archive" and not one.origin.sha256
    ]
    if bare:
        raise ReproductionError("the hash of an archive was not recorded", details=bare, hint=_OFFLINE_HINT)


def match_all(
    packages: Packages, indexes: Indexes, environ: Mapping[str, str], tell: Callable[[str], None]
) -> dict[str, Match]:
    """The file of every distribution that came from an index, by name.

    Raises ReproductionError, naming all for which none was found and why.
    """
    wanted = [one for one in packages.distributions if one.origin is None]
    tell(f"looking for the files of {len(wanted)} distributions")
    web = Web(environ)
    found: dict[str, Match] = {}
    unreachable: list[str] = []
    unmatched: list[str] = []

    def look(one: Distribution) -> Match | Unreachable | None:
        places = indexes if one.index is None else Indexes(index=one.index, no_index=indexes.no_index)
        try:
            offers = find_offers(one.name, places, web)
            if one.index is not None and not offers:
                offers = find_offers(one.name, indexes, web)
            return find_match(one, offers, packages.interpreter.version, web)
        except Unreachable as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for one, match in zip(wanted, pool.map(look, wanted), strict=True):
            if isinstance(match, Unreachable):
                unreachable.append(f"{one.name} {one.version}: {match}")
            elif match is None:
                unmatched.append(f"{one.name} {one.version}: no file that is offered is what was installed")
            else:
                found[one.name] = match
                if match.built:
                    tell(f"{one.name} {one.version} was built on its machine: its source distribution is named")
    if unreachable:
        raise ReproductionError(
            "no hashes for these: their index does not answer", details=unreachable, hint=_OFFLINE_HINT
        )
    if unmatched:
        raise ReproductionError(
            "no hashes for these: they were changed after their installation, or their index no longer has them",
            details=unmatched,
            hint=_OFFLINE_HINT,
        )
    return found
