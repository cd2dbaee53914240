"""What time is it?  The two clocks that a run is timed by, handed down from the edge as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from twice.frozen import frozen


@frozen
class Clock:
    """The wall's clock, for people, and one that never jumps, for durations."""

    now: Callable[[], datetime]
    monotonic_s: Callable[[], float] = time.monotonic
