"""The whole study as a Prefect flow: thin shells around the stages of ``pipeline``, over batches.

Between tasks go keys and numbers of batches, never text and never a name below the study: Prefect stores what
it sees. Importing this file imports Prefect, whose settings must stand before (``flows.local_server``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

from corpus.errors import StudyError
from corpus.files import study_lock
from corpus.study import Study, load_study
from flows.beside_prefect import can_pass, failure_message, tell_stage, without_words
from pipeline import compare, ingest, preprocess, run, suggest, topics, train, units
from pipeline.run import Keys, Plan, RunResult

T = TypeVar("T")
SIDE_BY_SIDE: Any = ThreadPoolTaskRunner(max_workers=2)


def is_worth_a_retry(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task is tried again: for what can pass, never for a study that must be mended."""
    return can_pass(state.data)


SHELL: dict[str, Any] = {
    # Prefect's own cache and store of results stay off: stages have theirs, and a result here is but a key.
    "persist_result": False,
    "cache_policy": NO_CACHE,
    "log_prints": False,
    "retries": 2,
    "retry_delay_seconds": [1, 10],
    "retry_condition_fn": is_worth_a_retry,
}


@task(name="ingest", task_run_name="ingest {number}", **SHELL)
def ingest_task(study_dir: str, plan_key: str, number: int) -> str:
    """Read one batch of transcripts."""
    return in_study(
        "ingest", study_dir, plan_key, lambda study, plan: ingest.ingest(study, plan.batches[number])
    )


@task(name="preprocess", task_run_name="preprocess {number}", **SHELL)
def preprocess_task(study_dir: str, plan_key: str, number: int, key: str) -> str:
    """Cut one batch into segments."""
    return in_study(
        "preprocess",
        study_dir,
        plan_key,
        lambda study, plan: preprocess.preprocess(study, key, unit=plan.unit),
    )


@task(name="units", task_run_name="units", **SHELL)
def units_task(study_dir: str, plan_key: str, ingested: Sequence[str], segments: Sequence[str]) -> str:
    """Join segments and what people coded."""
    return in_study(
        "units", study_dir, plan_key, lambda study, _: units.make_units(study, ingested, segments)
    )


@task(name="topics", task_run_name="topics", **SHELL)
def topics_task(study_dir: str, plan_key: str, joined: str, segments: Sequence[str]) -> str:
    """Estimate topics."""
    return in_study("topics", study_dir, plan_key, lambda study, _: topics.topics(study, joined, segments))


@task(name="train", task_run_name="train", **SHELL)
def train_task(study_dir: str, plan_key: str, joined: str, segments: Sequence[str]) -> str:
    """Train the model and score it."""
    return in_study("train", study_dir, plan_key, lambda study, _: train.train(study, joined, segments))


@task(name="suggest", task_run_name="suggest {number}", **SHELL)
def suggest_task(
    study_dir: str, plan_key: str, number: int, joined: str, segments: Sequence[str], trained: str
) -> str:
    """Suggest codes for one batch."""

    def work(study: Study, _: Plan) -> str:
        return suggest.suggest(study, joined, segments, trained, batch=segments[number])

    return in_study("suggest", study_dir, plan_key, work)


@task(name="compare", task_run_name="compare", **SHELL)
def compare_task(study_dir: str, plan_key: str, joined: str, segments: Sequence[str], trained: str) -> str:
    """Compare people with each other and the model with people."""
    return in_study(
        "compare", study_dir, plan_key, lambda study, _: compare.compare(study, joined, segments, trained)
    )


@task(name="report", task_run_name="report", **SHELL)
def report_task(study_dir: str, plan_key: str, keys: Keys) -> str:
    """Write the run folder; its id, for the rest of the result names files."""
    return in_study(
        "report", study_dir, plan_key, lambda study, plan: run.finish_run(study, plan, keys).run_id
    )


@flow(
    name="precode-whole-study",
    flow_run_name="whole study",
    task_runner=SIDE_BY_SIDE,
    persist_result=False,
    log_prints=False,
)
def whole_study(study_dir: str) -> State[Any]:
    """Every stage of the study in order; the state says in counts what came of it, its result is the run's id.

    It returns a failure and never raises one, for Prefect pickles the exceptions that leave a flow.
    """
    try:
        result = all_stages(study_dir)
    except Exception as error:
        return Failed(message=failure_message("whole study", error))
    if result.set_aside:
        message = f"{len(result.set_aside)} file(s) set aside, {result.n_transcripts} transcripts read"
        return Completed(name="FilesSetAside", message=message, data=result.run_id)
    return Completed(message=f"{result.n_transcripts} transcripts read", data=result.run_id)


def all_stages(study_dir: str) -> RunResult:
    """What ``pipeline.run.run_study`` does, with a task for each stage and batch."""
    study = load_study(Path(study_dir))
    with study_lock(study.root):
        plan = run.plan_run(study)
        if plan.unchanged_since:
            return run.earlier_result(study, plan.unchanged_since)
        here = (study_dir, plan.key)
        numbers = list(range(len(plan.batches)))
        ingested = each(ingest_task, *spread(*here), numbers)
        segments = each(preprocess_task, *spread(*here), numbers, ingested)
        joined = alone(units_task, *here, ingested, segments)
        found = alone(topics_task, *here, joined, segments)
        trained = alone(train_task, *here, joined, segments)
        suggested = each(suggest_task, *spread(*here), numbers, *spread(joined, segments, trained))
        compared = alone(compare_task, *here, joined, segments, trained)
        keys = Keys(ingested, segments, joined, found, trained, suggested, compared)
        return run.earlier_result(study, alone(report_task, *here, keys), unchanged=False)


def spread(*values: object) -> list[Any]:
    """Values that every mapped task gets whole."""
    return [unmapped(value) for value in values]


def each(shell: Task[..., str], *arguments: Any) -> tuple[str, ...]:
    """One task a batch, side by side; their keys in the order of the batches."""
    futures: list[PrefectFuture[str]] = list(shell.map(*arguments))
    keys: list[str] = []
    for future in futures:
        tell_stage(shell.name, len(keys), len(futures))
        keys.append(future.result())
    tell_stage(shell.name, len(keys), len(futures))
    return tuple(keys)


def alone(shell: Task[..., str], *arguments: Any) -> str:
    """One task for all batches, in the main thread, where Ctrl-C reaches it."""
    tell_stage(shell.name, 0, 1)
    key = shell(*arguments)
    tell_stage(shell.name, 1, 1)
    return key


def in_study(stage: str, study_dir: str, plan_key: str, work: Callable[[Study, Plan], T]) -> T:
    """What a stage makes of the study that was planned for; its errors reach Prefect without their words."""
    return without_words(stage, lambda: work(*planned(study_dir, plan_key)))


@lru_cache(maxsize=4)
def planned(study_dir: str, plan_key: str) -> tuple[Study, Plan]:
    """The study and the plan of a run, read once in each process.

    Raises StudyError if the study is no longer the one that was planned for.
    """
    study = load_study(Path(study_dir))
    plan = run.plan_run(study)
    if plan.key != plan_key:
        raise StudyError(f"{study.root.name}: files changed while the run read them. Run it again.")
    return study, plan
