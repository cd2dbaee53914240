from __future__ import annotations

from typing import Any

from twice.capture.params import gather_params
from twice.capture.request import Request

ENTRY = {"kind": "process", "pid": 7, "key": "main", "orig_argv": ["python", "train.py"]}


def request(*words: str, **params: Any) -> Request:
    return Request(
        id="20261121-142233-k7q2m9", command=words, experiment="train", entry_point="train.py", params=params
    )


def parsed(values: dict[str, Any], pid: int = 7, source: str = "argparse") -> dict[str, Any]:
    return {"kind": "params", "pid": pid, "source": source, "values": values}


def test_the_scripts_own_parser_wins_over_the_words() -> None:
    found = gather_params(request("python", "train.py", "--lr", "1"), [ENTRY, parsed({"lr": 1.0, "epochs": 5})], ENTRY)
    assert found.values == {"lr": 1.0, "epochs": 5}
    assert found.sources == {"lr": "argparse", "epochs": "argparse"}


def test_without_a_parser_the_words_after_the_script_are_read() -> None:
    found = gather_params(request("python", "-X", "train.py", "--lr", "1", "seed=3"), [ENTRY], ENTRY)
    assert found.values == {"lr": 1, "seed": 3}
    assert set(found.sources.values()) == {"command line"}


def test_a_parser_that_only_looked_ahead_is_completed_by_the_next() -> None:
    found = gather_params(request(), [parsed({"config": "a.yaml"}), parsed({"config": "b.yaml", "lr": 2})], ENTRY)
    assert found.values == {"config": "b.yaml", "lr": 2}


def test_another_process_is_not_the_entry() -> None:
    assert gather_params(request(), [parsed({"jobs": 3}, pid=8)], ENTRY).values == {}


def test_what_says_most_wins() -> None:
    logged = {"kind": "param", "pid": 9, "name": "lr", "value": 3}
    found = gather_params(request("x", lr=4, note="by hand"), [parsed({"lr": 1, "b": 2}), logged], ENTRY)
    assert found.values == {"lr": 4, "b": 2, "note": "by hand"}
    assert found.sources == {"lr": "option", "b": "argparse", "note": "option"}


def test_secrets_are_masked() -> None:
    assert gather_params(request(), [parsed({"api_key": "abc", "n_tokens": 3})], ENTRY).values == {
        "api_key": "***",
        "n_tokens": 3,
    }


def launched(program: str, *words: str) -> list[dict[str, Any]]:
    """What a launcher and two workers report; the second worker is the quicker one."""
    workers = [
        {"kind": "process", "pid": 9, "key": "main/popen-10", "orig_argv": ["python", "-u", "-W", "error", *words]},
        {"kind": "process", "pid": 8, "key": "main/popen-2", "orig_argv": ["python", "-u", "-W", "error", *words]},
    ]
    launcher = {**ENTRY, "orig_argv": ["python", *program.split()]}
    return [launcher, *workers, parsed({"nproc": 2}), parsed({"lr": 0.1, "rank": 1}, pid=9), parsed({"lr": 0.1}, pid=8)]


def test_of_a_launcher_the_first_process_with_the_script_speaks() -> None:
    for program, words in (("/bin/torchrun", ("torchrun",)), ("-m launch", ("python", "-m", "launch"))):
        events = launched(program, "train.py")
        assert gather_params(request(*words, "train.py"), events, events[0]).values == {"lr": 0.1}


def test_a_script_that_starts_helpers_speaks_for_itself() -> None:
    events = launched("train.py", "helper.py")
    assert gather_params(request("python", "train.py"), events, events[0]).values == {"nproc": 2}
    events = launched("-m train", "helper.py")
    assert gather_params(request("python", "-m", "train"), events, events[0]).values == {"nproc": 2}
