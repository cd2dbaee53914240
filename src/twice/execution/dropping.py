"""How are objects freed that were kept for some runs, without taking any from others?

An object stays while another run's record names its sha256, in whatever role, or while the user's own refs lead to a Git
LFS pointer to it: then git-lfs has it to look after. The store is held alone meanwhile, so no run is sealed in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial

from twice.capture.manifests import read_manifest
from twice.execution.run_data import data_items, loose_objects
from twice.frozen import frozen
from twice.git.lfs_pointer import Pointer, write_pointer
from twice.git.reachable import reachable_blobs
from twice.git.repository import Repository
from twice.record.model import Run
from twice.store.data_store import DataStore
from twice.store.run_store import RunStore


@frozen
class Dropped:
    """How many objects went and how many bytes that freed; how many others still need, and how many git-lfs does."""

    objects: int = 0
    freed_bytes: int = 0
    needed: int = 0
    left_to_lfs: int = 0


def drop_data(runs: Mapping[str, Run], others: Mapping[str, Run], repository: Repository) -> Dropped:
    """Free the objects kept for `runs` (commit → run) that no run of `others` names.  Raises RepositoryError.

    The caller holds the store (`DataStore.held`) and has read the refs since.
    """
    store = DataStore.of(repository)
    record = RunStore(repository)
    candidates: set[str] = set()
    for commit, run in runs.items():
        candidates |= loose_objects(data_items(run, partial(record.manifest, commit)))
    candidates = {sha256 for sha256 in candidates if store.has(sha256)}
    needed = candidates & _named(others, record) if candidates else set()
    free = candidates - needed
    of_lfs = _pointed_to(free, store, repository)
    store.release(of_lfs)
    free -= of_lfs
    return Dropped(objects=len(free), freed_bytes=store.drop(sorted(free)), needed=len(needed), left_to_lfs=len(of_lfs))


def _named(runs: Mapping[str, Run], record: RunStore) -> set[str]:
    """Every sha256 that the runs' records name; a manifest that several runs share is read once."""
    found: set[str] = set()
    for commit, run in runs.items():
        found |= {one.sha256 for one in run.code.left_out if one.sha256 is not None}
        for entry in (*run.data.inputs, *run.data.outputs):
            if entry.sha256 is None or entry.sha256 in found:
                continue
            found.add(entry.sha256)
            if entry.kind == "folder":
                found.update(read_manifest(record.manifest(commit, entry.path) or b"").values())
    return found


def _pointed_to(objects: Iterable[str], store: DataStore, repository: Repository) -> set[str]:
    """The objects that the user's refs lead to a pointer of: the same content is always the same blob."""
    blobs = {}
    for sha256 in objects:
        pointer = write_pointer(Pointer(sha256, store.size(sha256) or 0))
        blobs[hashlib.new(repository.object_format, b"blob %d\0" % len(pointer) + pointer).hexdigest()] = sha256
    return {blobs[blob] for blob in reachable_blobs(repository, blobs)}
