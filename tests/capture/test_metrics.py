from __future__ import annotations

import math

import pytest

from twice.capture.metric_lines import MetricLines
from twice.capture.metrics import gather_metrics


def lines(*chunks: bytes) -> list[tuple[str, float | int, int | None]]:
    found: list[tuple[str, float | int, int | None]] = []
    reader = MetricLines(lambda *metric: found.append(metric))
    for chunk in chunks:
        reader.feed(chunk)
    return found


@pytest.mark.parametrize(
    ("line", "metric"),
    [
        (b"accuracy: 0.97", ("accuracy", 0.97, None)),
        (b"  loss :  1e-3  ", ("loss", 1e-3, None)),
        (b"val/loss: 3 (step 7)", ("val/loss", 3, 7)),
        (b"test accuracy: 97.5%", ("test accuracy", 0.975, None)),
        (b"loss: nan\r", ("loss", math.nan, None)),
        (b"words: -inf", ("words", -math.inf, None)),
    ],
)
def test_whole_lines_are_metrics(line: bytes, metric: tuple[str, float, int | None]) -> None:
    (found,) = lines(line + b"\n")
    assert found[0] == metric[0]
    assert found[1] == pytest.approx(metric[1], nan_ok=True)
    assert found[2] == metric[2]


@pytest.mark.parametrize(
    "line",
    [
        b"epoch 3  loss 0.1",
        b"loss=0.1",
        b"loss: 0.1, accuracy: 0.9",
        b"12:30: 5",
        b"see http://x: 80 y",
        b"File: 3 of 4",
        b"one two three four five: 3",
        b"x" * 300 + b": 1",
    ],
)
def test_other_lines_are_not(line: bytes) -> None:
    assert lines(line + b"\n") == []


def test_lines_may_come_in_pieces() -> None:
    assert lines(b"accur", b"acy: 0.", b"5\nlo", b"ss: 2\nunfinished: 3") == [
        ("accuracy", 0.5, None),
        ("loss", 2, None),
    ]


def event(name: str, value: float, step: int | None = None, t: float = 0.0, source: str = "api") -> dict[str, object]:
    return {"kind": "metric", "name": name, "value": value, "step": step, "t": t, "source": source}


def test_summary_and_history() -> None:
    events = [event("loss", 3.0, 0, 10.5), event("loss", 1.0, 1, 11.0), event("loss", 2.0, 2, 12.0)]
    metrics, histories = gather_metrics(events, started_at_s=10.0)
    loss = metrics["loss"]
    assert (loss.last, loss.min, loss.max, loss.mean, loss.count) == (2.0, 1.0, 3.0, 2.0, 3)
    assert (loss.last_step, loss.min_step, loss.max_step) == (2, 1, 0)
    assert [point.time_s for point in histories["loss"]] == [0.5, 1.0, 2.0]


def test_last_is_the_value_of_the_highest_step() -> None:
    metrics, _ = gather_metrics([event("a", 1, 5), event("a", 2, 3), event("a", 4, 5)], 0)
    assert (metrics["a"].last, metrics["a"].last_step) == (4, 5)


def test_without_steps_values_are_numbered() -> None:
    _, histories = gather_metrics([event("a", 1), event("a", 2), event("a", 3, 10), event("a", 4)], 0)
    assert [point.step for point in histories["a"]] == [0, 1, 10, 11]


def test_not_a_number_is_kept_and_does_not_spoil_the_rest() -> None:
    metrics, _ = gather_metrics([event("a", 1.0), event("a", math.nan), event("a", 3.0)], 0)
    assert (metrics["a"].min, metrics["a"].max, metrics["a"].mean) == (1.0, 3.0, 2.0)
    only, _ = gather_metrics([event("a", math.nan)], 0)
    assert math.isnan(only["a"].last) and math.isnan(only["a"].min) and math.isnan(only["a"].mean)


def test_infinities_of_both_signs_have_no_mean() -> None:
    metrics, _ = gather_metrics([event("a", math.inf), event("a", -math.inf)], 0)
    assert math.isnan(metrics["a"].mean)


def test_printed_lines_count_only_without_the_api() -> None:
    printed = event("seed", 3, source="stdout")
    assert gather_metrics([printed], 0)[0]["seed"].source == "stdout"
    metrics, _ = gather_metrics([printed, event("loss", 1.0)], 0)
    assert list(metrics) == ["loss"]
