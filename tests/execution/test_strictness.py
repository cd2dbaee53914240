"""What `--strict` sets before the start: one thread, and the same addresses where the system lets us."""

from __future__ import annotations

import subprocess
import sys

import pytest

from twice.execution.strictness import fixed_addresses, strict_variables

_ADDRESSES = "print([line.split('-')[0] for line in open('/proc/self/maps') if '[stack]' in line or 'libc' in line])"


def test_one_thread_whatever_the_user_set() -> None:
    variables = strict_variables({"OMP_NUM_THREADS": "8", "HOME": "/home/ada"})
    assert (variables["OMP_NUM_THREADS"], variables["MKL_NUM_THREADS"], variables["HOME"]) == ("1", "1", "/home/ada")


def test_addresses_are_the_same_each_time() -> None:
    fix = fixed_addresses()
    if fix is None:
        pytest.skip("this system does not let addresses be fixed")
    shown = {
        subprocess.run([sys.executable, "-c", _ADDRESSES], preexec_fn=fix, capture_output=True, check=True).stdout
        for _ in range(3)
    }
    assert len(shown) == 1


def test_asking_changes_nothing_for_others() -> None:
    if sys.platform != "linux":
        pytest.skip("there is no personality(2)")
    fixed_addresses()
    shown = {
        subprocess.run([sys.executable, "-c", _ADDRESSES], capture_output=True, check=True).stdout for _ in range(5)
    }
    assert len(shown) > 1
