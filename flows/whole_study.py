"""The flows: thin shells around the stages of ``pipeline``; one table says what each flow wants.

Importing this file imports Prefect, whose settings must stand before (``flows.local_server``).
Outside of a flow run (``whole_study.fn(study_dir)``) the stages are called as they are, without Prefect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from corpus.files import study_lock
from corpus.study import Study, load_study
from flows.at_work import begin_work
from flows.beside_prefect import (
    FLOW_RUN,
    TERMINAL,
    failure_message,
    group_by_asked,
    listening,
    somebody_listens,
    tell_stage,
)
from flows.engine import end_if_timed_out, task_runner_of
from flows.shown import close_dead_runs, show_counts, show_progress, show_run, show_study
from flows.stage_tasks import as_tasks, report_task
from flows.told import (
    WHOLE_STUDY,
    counts_told,
    forget_failure,
    keep_failure,
    lasted,
    run_told,
    study_name,
    tell_unattended,
    warnings_told,
)
from pipeline.changes import changes_since, previous_run
from pipeline.choose_model import read_decision
from pipeline.ingest import read_ingested
from pipeline.retrain import SCHEDULE
from pipeline.run import RunResult, asked_to_train, earlier_result, finish_training, plan_run
from pipeline.stages import STAGES, Keys, Plan, n_parts_of, needed_for, one_by_one, run_stages
from pipeline.train import STAGE as TRAIN_STAGE

TIMEOUT_SECONDS = 24 * 60 * 60
"""A run that takes longer than a day hangs: Prefect ends it, and what it finished is kept."""

WAIT_SECONDS = 10 * 60
"""How long a flow for which nobody waits does so itself, for an import or another run that has the study."""

JOBS: Mapping[str, tuple[str, str]] = {
    "ingest": ("ingest", ""),
    "pre-code": ("suggest", ""),
    "retrain": (TRAIN_STAGE, ""),
    "audit": ("report", "audit.html"),
    WHOLE_STUDY: ("report", "report.html"),
}
"""Flow -> the last stage that it wants, and the page to look at of the run folder in which the report ends."""


# One thread: the stages hold Python's lock nearly all the time and use threads of their own where they do not.
# Measured on 156 transcripts in 10 batches with 2 cores: two threads took 10 % more work and no less time.
ONE_THREAD: Any = ThreadPoolTaskRunner(max_workers=1)

STUDY_FLOW: dict[str, Any] = {
    "task_runner": ONE_THREAD,
    "persist_result": False,
    "log_prints": False,
    "timeout_seconds": TIMEOUT_SECONDS,
    "on_failure": [end_if_timed_out],
}


def run_name(job: str) -> str:
    """What a flow run is called as soon as it starts: the flow and the name of the study's folder."""
    context = FlowRunContext.get()
    study_dir = (context.parameters or {}).get("study_dir", "") if context else ""
    return f"{job}: {study_name(str(study_dir))}"


@flow(name="precode-ingest", flow_run_name=partial(run_name, "ingest"), **STUDY_FLOW)
def ingest(study_dir: str) -> State[Any]:
    """Read the transcripts that are new or changed."""
    return carried_out("ingest", study_dir)


@flow(name="precode-pre-code", flow_run_name=partial(run_name, "pre-code"), **STUDY_FLOW)
def pre_code(study_dir: str) -> State[Any]:
    """Suggest codes for what nobody has read yet."""
    return carried_out("pre-code", study_dir)


@flow(name="precode-retrain", flow_run_name=partial(run_name, "retrain"), **STUDY_FLOW)
def retrain(study_dir: str) -> State[Any]:
    """Train now on what people coded, however little is new; used from the next run on if shown to be no worse."""
    return carried_out("retrain", study_dir)


@flow(name="precode-audit", flow_run_name=partial(run_name, "audit"), **STUDY_FLOW)
def audit(study_dir: str) -> State[Any]:
    """Compare people with each other and the model with people; ends in a run folder with audit.html."""
    return carried_out("audit", study_dir)


@flow(name="precode-whole-study", flow_run_name=partial(run_name, WHOLE_STUDY), **STUDY_FLOW)
def whole_study(study_dir: str) -> State[Any]:
    """Every stage of the study in order; ends in a run folder with report.html."""
    return carried_out(WHOLE_STUDY, study_dir)


def carried_out(job: str, study_dir: str) -> State[Any]:
    """What every flow does: its stages in order; the state says in counts what came of it.

    It returns a failure and never raises one, for Prefect pickles the exceptions that leave a flow. Where
    nobody waits for the flow, it says itself what came of it, on the terminal of whatever started it, and leaves the
    words of a failure in the study. To Prefect the state also says which study it was: a notification holds no more.
    """
    began = time.monotonic()
    context = FlowRunContext.get()
    if context and context.flow_run:
        begin_work(Path(study_dir).resolve(), context.flow_run.id)
        show_study(Path(study_dir).resolve())
    kept = None
    if somebody_listens():
        state = outcome(job, study_dir, keep=lambda _: TERMINAL)
    else:
        with listening(None, more=FLOW_RUN) as kept:
            keep = partial(keep_failure, study_dir, job)
            state = outcome(job, study_dir, keep=keep, wait_seconds=WAIT_SECONDS)
    message = str(state.message)
    if state.is_completed():
        message += f", {lasted(time.monotonic() - began)}"
        forget_failure(study_dir, job)
    if kept is not None:
        tell_unattended(study_dir, job, f"{state.name}: {message}", [error for _, error in kept])
    return state.model_copy(update={"message": f"{study_name(study_dir)}: {message}"})


def outcome(
    job: str, study_dir: str, *, keep: Callable[[list[Exception]], str], wait_seconds: float = 0.0
) -> State[Any]:
    """The state in which a flow ends.

    keep: takes the errors of a flow that failed, and says where they are. wait_seconds: for another that is at work.
    """
    try:
        with study_lock(load_study(Path(study_dir)).root, wait_seconds=wait_seconds):
            study = load_study(Path(study_dir), group_by=group_by_asked())  # as whoever was at work left it
            close_dead_runs(study)
            last, page = JOBS[job]
            return whole_run(study, study_dir, page) if page else up_to(study, study_dir, last)
    except Exception as error:
        return Failed(message=failure_message(job, error, keep))


def up_to(study: Study, study_dir: str, last: str) -> State[Any]:
    """Fill the cache up to a stage, as ``pipeline.run`` does, with a task for each stage and batch."""
    plan, wanted = plan_run(study), needed_for(last)
    if last == TRAIN_STAGE:
        plan = asked_to_train(plan, by=SCHEDULE)
    keys = called(study, study_dir, plan, show_progress(study, n_parts_of(plan, wanted)), wanted=wanted)
    note = finish_training(study, plan, keys) if last == TRAIN_STAGE else ""
    read = read_ingested(study, keys.ingest)
    counts = {"n_transcripts": len(read.transcripts), "n_set_aside": len(read.set_aside)}
    show_counts(study, **counts)
    warned = warnings_told(file.warnings for file in read.files if file.n_transcripts)
    told = [counts_told(**counts), *warned, *filter(None, [note])]
    return ended("; ".join(told), last, n_set_aside=len(read.set_aside))


def whole_run(study: Study, study_dir: str, page: str) -> State[Any]:
    """What ``pipeline.run.run_study`` does, with a task for each stage and batch."""
    result, note = run_result(study, study_dir)
    changes = changes_since(previous_run(result.run_dir), result.run_dir)
    show_run(study, result, changes, page)
    fallen = changes.quality_fell and not result.unchanged
    told = run_told(result, note, fallen=fallen)
    return ended(
        told, result.run_id, n_set_aside=len(result.set_aside), fallen=fallen, unchanged=result.unchanged
    )


def run_result(study: Study, study_dir: str) -> tuple[RunResult, str]:
    """The run folder, made now or there already; what was decided of the models now, "" for nothing."""
    plan = plan_run(study)
    if plan.unchanged_since:
        return earlier_result(study, plan.unchanged_since), ""
    advance = show_progress(study, n_parts_of(plan, tuple(STAGES)) + 1)
    keys = called(study, study_dir, plan, advance)
    # Before the run folder is there, which counts among what the next decision depends on.
    note = str(read_decision(study, plan, keys)["note"])
    tell_stage("report", 0, 1)
    write = report_task if FlowRunContext.get() else report_task.fn
    run_id = write(study_dir, plan.key, keys)
    tell_stage("report", 1, 1)
    advance()
    return earlier_result(study, run_id, unchanged=False), note


def ended(
    told: str, came: str, *, n_set_aside: int, fallen: bool = False, unchanged: bool = False
) -> State[Any]:
    """The state of a flow that reached its end, named for what somebody should look at. told: its message."""
    name = "NothingChanged" if unchanged else "Completed"
    if n_set_aside:
        name = "FilesSetAside"
    return Completed(name="QualityFell" if fallen else name, message=told, data=came)


def called(
    study: Study,
    study_dir: str,
    plan: Plan,
    advance: Callable[[], None],
    *,
    wanted: Sequence[str] = tuple(STAGES),
) -> Keys:
    """The keys of the wanted stages: called as tasks of the flow run, or outside of one as they are."""
    flow_run = FlowRunContext.get()
    if not flow_run:
        return run_stages(plan, one_by_one(study, plan, tell_stage), wanted=wanted)
    with task_runner_of(
        study, study_dir, plan.key, n_batches=len(plan.batches), own=flow_run.task_runner
    ) as runner:
        return run_stages(
            plan, as_tasks(runner, flow_run.task_runner, study_dir, plan.key, advance), wanted=wanted
        )
