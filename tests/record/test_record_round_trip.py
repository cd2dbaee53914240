"""run → files → run is identity, and the same facts give the same bytes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from record_strategies import attachments, comparable, points, runs

from twice.record.files import from_documents, history_path, parse_history, read_run, to_documents, to_files
from twice.record.histories import write_history
from twice.record.model import Attachments, Params, Run

thorough = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


@thorough
@given(runs, attachments)
def test_a_run_reads_back_from_its_files_as_it_was(run, bulk):
    files = to_files(run, bulk)
    again = read_run(files.get)
    assert comparable(again) == comparable(run)
    assert to_files(again, bulk) == files


@thorough
@given(runs)
def test_a_run_reads_back_from_its_documents_as_it_was(run):
    assert comparable(from_documents(to_documents(run), run.environment.lock)) == comparable(run)


@thorough
@given(runs, attachments)
def test_every_file_is_text_with_a_line_end_at_its_end(run, bulk):
    for path, content in to_files(run, bulk).items():
        if path.endswith(".yaml") or path == "README.md":
            text = content.decode("utf-8")
            assert text.endswith("\n")
            assert "\r" not in text


@thorough
@given(runs)
def test_the_order_of_metrics_tags_variables_and_threads_does_not_show(run):
    def reverse(mapping):
        return dict(reversed(mapping.items()))

    environment = run.environment
    machine = environment.machine and replace(environment.machine, threads=reverse(environment.machine.threads))
    turned = Run(
        execution=replace(run.execution, tags=reverse(run.execution.tags)),
        params=replace(run.params, sources=reverse(run.params.sources)),
        metrics=reverse(run.metrics),
        seeds=run.seeds,
        data=run.data,
        environment=replace(environment, machine=machine, variables=reverse(environment.variables)),
    )
    assert to_files(turned, Attachments()) == to_files(run, Attachments())


def test_params_keep_the_order_they_were_given_in(example_run):
    files = to_files(replace(example_run, params=Params(values={"b": 1, "a": {"d": 1, "c": 2}})), Attachments())
    assert files["params.yaml"] == b"values:\n  b: 1\n  a:\n    d: 1\n    c: 2\n"


@thorough
@given(points.map(lambda point: (point,)))
def test_a_history_reads_back_as_it_was(history):
    assert comparable(parse_history(write_history(history))) == comparable(
        tuple(replace(point, time_s=float(point.time_s)) for point in history)
    )


def test_ten_thousand_params_with_awkward_names(example_run):
    odd = ("{}", "a.{}", "a/{}", "a:{}", "--lr{}", "{}e5", "0x{}", "é{}", "{} ", "n{}\n")
    values = {odd[number % len(odd)].format(number): number / 7 for number in range(10_000)}
    run = replace(example_run, params=Params(values=values))
    again = read_run(to_files(run, Attachments()).get)
    assert list(again.params.values.items()) == list(values.items())


def test_a_history_lies_where_its_metrics_name_says(example_run, example_attachments):
    files = to_files(example_run, example_attachments)
    for metric, history in example_attachments.histories.items():
        assert parse_history(files[history_path(metric)]) == history
