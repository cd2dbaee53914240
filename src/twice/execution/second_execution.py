"""Which results of a run are noisy?  It is executed a second time, in a worktree of its snapshot, and compared.

    run --twice:   the command, as ever → before it is sealed: the same again elsewhere → each result marked → sealed

The run is that of the first execution; the second one leaves nothing but the marks. Whatever goes wrong with it is a
warning in the run, never an error: the first result must not be lost.
"""

from __future__ import annotations

from dataclasses import replace

from twice.comparison.tolerance import EXACT
from twice.comparison.two_executions import describe_noise, mark_noise
from twice.errors import TwiceError
from twice.execution.output_contents import attached_outputs, find_same_content
from twice.execution.recording import record_run
from twice.execution.reproduction import Surroundings, Wishes, made_ready
from twice.record.model import Attachments, Run


def execute_again(run: Run, attachments: Attachments, run_id: str, around: Surroundings) -> Run:
    """The run with the noise of its results; `run_id` is for the second execution while it goes on."""
    if run.execution.status != "finished":
        return _unmarked(run, f"the first execution {run.execution.status}")
    try:
        return _marked(run, attachments, run_id, around)
    except TwiceError as error:
        return _unmarked(run, "; ".join((error.message, *error.details)))


def _marked(run: Run, attachments: Attachments, run_id: str, around: Surroundings) -> Run:
    wishes = Wishes(id=run_id, environment="current", tolerance=EXACT)
    with made_ready(run, run, attachments.manifests.get, wishes, around) as ready:
        around.tell("a second execution, to learn what is noise")
        done = record_run(
            replace(ready.request, kept=False, reproduces=None),
            around.repository,
            ready.place,
            around.configuration,
            around.clock,
            ready.variables,
            show_on=2,  # stdout is the first execution's
        )
        if done.run is None or done.attachments is None:
            return _unmarked(run, done.problem.message if done.problem else "nothing is known of it")
        if done.run.execution.status != "finished":
            return _unmarked(run, f"it {done.run.execution.status} with exit code {done.exit_code}")
        histories = {run.id: attachments.histories, done.run.id: done.attachments.histories}
        same_content = find_same_content(
            attached_outputs(run, attachments, around.repository.root),
            attached_outputs(done.run, done.attachments, ready.place.tree.root),
        )
    marked = mark_noise(run, done.run, histories, same_content)
    around.tell(describe_noise(marked))
    return marked


def _unmarked(run: Run, reason: str) -> Run:
    warning = f"nothing is known of noise, for the second execution failed: {reason}"
    return replace(run, execution=replace(run.execution, warnings=(*run.execution.warnings, warning)))
