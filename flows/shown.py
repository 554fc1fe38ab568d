"""What Prefect's UI shows of a run, and the events that can drive an automation: counts and scores, no names.

Outside of a flow run nothing is shown. What cannot be shown does not fail a run whose folder is written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterId,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.states import Crashed

from corpus.files import read_json
from corpus.study import Study
from flows.at_work import PLACE, forget_run, known_runs, place_of
from flows.terminal import say
from flows.told import minute, now
from pipeline.changes import Changes, previous_run
from pipeline.run import RunResult
from pipeline.without_names import code_rows, study_label, summary_of

OURS = FlowFilter.model_validate({"name": {"like_": "precode-"}})
UNFINISHED = FlowRunFilterState(
    type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
)
TASK_UNFINISHED = TaskRunFilterState(type=TaskRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING]))
MOST_TASKS = 200
"""As many as Prefect's API gives at a time."""
BEGIN_SECONDS = 3
"""A run that Prefect was told of takes its lock within this time, else it is dead."""


def show_study(root: Path) -> None:
    """Tag the flow run with its study's label, under which its artifacts and events are too, and with its folder."""

    def tag(context: FlowRunContext) -> None:
        if run := context.flow_run:
            tags = {*run.tags, "precode", study_label(root), place_of(root)} - {""}
            with get_client(sync_client=True) as client:
                client.update_flow_run(run.id, tags=sorted(tags))

    if context := FlowRunContext.get():
        in_a_flow(lambda: tag(context))


def show_run(study: Study, result: RunResult, changes: Changes, page: str) -> None:
    """Summary with the path of the page, scores of the codes by number; events, if the run is a new one."""
    label = study_label(study.root)
    # Of a run that found nothing to do the model is no new one, though it was to the run that made the folder.
    known = replace(changes, new_model=changes.new_model and not result.unchanged)

    def show() -> None:
        markdown = f"{summary_of(result, known)}\n\n{to_copy(result.run_dir / page)}"
        create_markdown_artifact(markdown, key=f"{label}-summary", description="the run")
        create_table_artifact(code_rows(result.run_dir), key=f"{label}-codes", description="scores of codes")
        if not result.unchanged:
            tell_events(label, result, changes)

    in_a_flow(show)


def to_copy(path: Path) -> str:
    """A path in Markdown, by itself. No link: a browser opens none to a file of its machine from a server's page."""
    return f"```\n{path}\n```"


def show_counts(study: Study, *, n_transcripts: int, n_set_aside: int) -> None:
    """The summary of a flow that makes no run folder; it knows of no earlier one, so it tells of each file anew."""
    label = study_label(study.root)

    def show() -> None:
        markdown = (
            f"| | n |\n|---|---:|\n| transcripts | {n_transcripts} |\n| files set aside | {n_set_aside} |"
        )
        create_markdown_artifact(markdown, key=f"{label}-summary", description="what was read")
        if n_set_aside:
            tell_event(label, "file-set-aside", {"n_files": n_set_aside})

    in_a_flow(show)


def tell_events(label: str, result: RunResult, changes: Changes) -> None:
    """One event for each thing that somebody may want to hear of.

    A file that is set aside is told once, by the first run that sets it aside: an event drives a notification, and
    whoever leaves the file as it is wants no other each night. The state of every run says that it is still there.
    """
    if n_new := n_newly_set_aside(result):
        tell_event(label, "file-set-aside", {"n_files": n_new, "n_set_aside": len(result.set_aside)})
    if changes.new_model:
        tell_event(label, "new-model", {"n_codes": result.n_learned})
    for name, change in (("agreement-fell", changes.alpha), ("model-fell", changes.average_precision)):
        if change.fell:
            tell_event(label, name, {"before": change.before, "after": change.after})


def n_newly_set_aside(result: RunResult) -> int:
    """How many files a run set aside that the run before it did not; all of them if that one cannot be read."""
    before, files = previous_run(result.run_dir), []
    if before:
        with suppress(OSError, ValueError, KeyError):
            files = read_json(before / "summary.json")["files"]
    known = {file["file"] for file in files if not file["n_transcripts"]}
    return sum(file not in known for file, _ in result.set_aside)


def tell_event(label: str, name: str, counts: dict[str, Any]) -> None:
    """An event of ours about a study."""
    resource = {"prefect.resource.id": f"precode.study.{label}", "prefect.resource.name": label}
    emit_event(f"precode.{name}", resource=resource, payload=counts)


def show_progress(study: Study, n_parts: int) -> Callable[[], None]:
    """A progress bar in the UI; call what it gives when a part is done. It moves by whole percents."""
    made: list[Any] = []
    done = [0]

    def make() -> None:
        key = f"{study_label(study.root)}-progress"
        made.append(create_progress_artifact(0.0, key=key, description=f"{n_parts} parts"))

    def advance() -> None:
        done[0] += 1
        percents = [100 * n // n_parts for n in (done[0] - 1, done[0])]
        if made and percents[0] != percents[1]:
            in_a_flow(lambda: update_progress_artifact(made[0], progress=float(percents[1])))

    in_a_flow(make)
    return advance


def close_dead_runs(study: Study) -> None:
    """Mark runs of this study as crashed that Prefect takes to be at work and whose process is dead.

    Call it with the study's lock, so that one process at a time looks.
    """

    def close() -> None:
        context = FlowRunContext.get()
        own = context.flow_run.id if context and context.flow_run else None
        with get_client(sync_client=True) as client:
            left = left_behind(client, study.root, own)
            if not all(run and is_finished(run) for run in left.values()):
                time.sleep(BEGIN_SECONDS)
                again = left_behind(client, study.root, own)
                left = {run_id: run for run_id, run in again.items() if run_id in left}
            for run_id, run in left.items():
                if run:
                    close_run(client, study.root, run)
                forget_run(study.root, run_id)

    in_a_flow(close)


def left_behind(client: SyncPrefectClient, root: Path, own: UUID | None) -> dict[UUID, FlowRun | None]:
    """Runs of a study whose process does not live: those that hold no lock of theirs; by their id, without our own.

    A run that took no lock was killed before it could, or is about to take it. One that a worker has not started yet
    is the worker's. None: this server knows of no such run here; one that does finds it by its tag.
    """
    known = known_runs(root)
    dead = [run_id for run_id, lives in known.items() if not lives]
    took_a_lock = (
        client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=dead))) if dead else []
    )
    took_none = [
        run
        for run in client.read_flow_runs(flow_filter=OURS, flow_run_filter=FlowRunFilter(state=UNFINISHED))
        if run.id not in known and not (run.deployment_id and run.state_type == StateType.PENDING)
    ]
    left = {run.id: run for run in (*took_a_lock, *took_none) if is_of(run, root)}
    return {run_id: run for run_id, run in (dict.fromkeys(dead) | left).items() if run_id != own}


def is_of(run: FlowRun, root: Path) -> bool:
    """Whether a run is one of the study at ``root``, however its folder was typed, and of no other machine's there.

    A run tells its folder as soon as it has its lock; before that, the path is all there is to go by.
    """
    if told := {tag for tag in run.tags if tag.startswith(PLACE)}:
        return told == {place_of(root)}
    return Path(os.path.realpath(str(run.parameters.get("study_dir", "")))) == root


def is_finished(run: FlowRun) -> bool:
    """Whether Prefect knows how a run ended."""
    return bool(run.state and run.state.is_final())


def close_run(client: SyncPrefectClient, root: Path, run: FlowRun) -> None:
    """Tell Prefect of a run whose process is dead, unless it knows how the run ended, and of its tasks.

    The log hears of it too: the killed run could write no line of its own.
    """
    if not is_finished(run):
        client.set_flow_run_state(run.id, killed(), force=True)
        begun = f", begun {minute(run.start_time)}" if run.start_time else ""
        say(f"{now()} {root}: run {run.id} ({run.name}{begun}) was killed; it is marked Crashed")
    close_tasks(client, run.id)


def close_lost_tasks(lost: Sequence[UUID]) -> None:
    """Mark tasks of this flow run as crashed that a worker was at and is not any more."""

    def close(context: FlowRunContext) -> None:
        if run := context.flow_run:
            with get_client(sync_client=True) as client:
                close_tasks(client, run.id, TaskRunFilterId(any_=list(lost)))

    if lost and (context := FlowRunContext.get()):
        in_a_flow(lambda: close(context))


def close_tasks(client: SyncPrefectClient, run_id: UUID, those: TaskRunFilterId | None = None) -> None:
    """Mark what was at work where a process was killed: a stage, or as many batches as ran at once.

    those: of these tasks only.
    """
    tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
        task_run_filter=TaskRunFilter(state=TASK_UNFINISHED, id=those),
        limit=MOST_TASKS,
    )
    for task in tasks:
        client.set_task_run_state(task.id, killed(), force=True)


def killed() -> State[Any]:
    """The state of what a killed process was at."""
    return Crashed(message="The process was killed; its finished stages are kept.")


def in_a_flow(show: Callable[[], object]) -> None:
    """Call it in a flow run only; an error of it is said and passes."""
    if not FlowRunContext.get():
        return
    try:
        show()
    except Exception as error:
        say(f"Prefect could not be told of the run ({type(error).__name__}); the run goes on.")
