"""Which runs may be replicates of a run?  A run's id in, the refs of those that the index cannot tell from it but by a seed.

The index narrows thousands of runs to a few; whether these are replicates, their records say (`comparison.replicates`).
"""

from __future__ import annotations

import json
from collections.abc import Callable

from twice.store.run_index import RunIndex

_STATEMENT = """
SELECT other.ref FROM runs AS one, runs AS other
WHERE one.id = :id
  AND other.experiment = one.experiment AND other.status = 'finished' AND other.entry_point IS one.entry_point
  AND NOT EXISTS (
    SELECT 1 FROM json_each(:names) AS name
    LEFT JOIN words AS mine ON mine.name = name.value AND mine.run = one.key
    LEFT JOIN words AS its ON its.name = name.value AND its.run = other.key
    WHERE mine.text IS NOT its.text OR mine.number IS NOT its.number
  )
ORDER BY other.started_us DESC, other.id DESC LIMIT :most
"""


def similar_refs(index: RunIndex, run_id: str, is_seed: Callable[[str], bool], most: int) -> list[str]:
    """The refs of at most so many finished runs of the same experiment and entry point, the newest first.

    All their params are those of the run, but for those that `is_seed` names.
    """
    known = index.fetch("SELECT key, name FROM names WHERE family = 'param'")
    names = json.dumps([key for key, name in known if not is_seed(name)])
    return [ref for (ref,) in index.fetch(_STATEMENT, {"id": run_id, "names": names, "most": most})]
