"""A test that takes `environ` is run in both ways: with the git executable, and without."""

from __future__ import annotations

import pytest
from ways import WAYS, environ_for


@pytest.fixture(params=WAYS)
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    return environ_for(request.param)
