"""The whole study as a Prefect flow: thin shells around the stages of ``pipeline``, over batches.

Between tasks go keys and numbers of batches, never text and never a name below the study: Prefect stores what
it sees. Importing this file imports Prefect, whose settings must stand before (``flows.local_server``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

from corpus.errors import StudyError
from corpus.files import study_lock
from corpus.study import Study, load_study
from flows.beside_prefect import can_pass, failure_message, group_by_asked, tell_stage, without_words
from pipeline.run import RunResult, earlier_result, finish_run, plan_run
from pipeline.stages import STAGES, Each, Keys, Plan, run_stages

# One thread: the stages hold Python's lock nearly all the time and use threads of their own where they do not.
# Measured on 156 transcripts in 10 batches with 2 cores: two threads took 10 % more work and no less time.
ONE_THREAD: Any = ThreadPoolTaskRunner(max_workers=1)


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


@task(name="stage", task_run_name="{stage} {number}", **SHELL)
def stage_task(stage: str, number: int, study_dir: str, plan_key: str, keys: Keys) -> str:
    """One stage, of one batch where it goes by batches; the key of what it cached."""
    return without_words(stage, lambda: STAGES[stage](*planned(study_dir, plan_key), keys, number))


@task(name="report", task_run_name="report", **SHELL)
def report_task(study_dir: str, plan_key: str, keys: Keys) -> str:
    """Write the run folder; its id, for the rest of the result names files."""
    return without_words("report", lambda: finish_run(*planned(study_dir, plan_key), keys).run_id)


STAGE_TASKS: dict[str, Task[..., str]] = {stage: stage_task.with_options(name=stage) for stage in STAGES}


@flow(
    name="precode-whole-study",
    flow_run_name="whole study",
    task_runner=ONE_THREAD,
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
    study = load_study(Path(study_dir), group_by=group_by_asked())
    with study_lock(study.root):
        plan = plan_run(study)
        if plan.unchanged_since:
            return earlier_result(study, plan.unchanged_since)
        keys = run_stages(plan, as_tasks(study_dir, plan.key))
        tell_stage("report", 0, 1)
        run_id = report_task(study_dir, plan.key, keys)
        tell_stage("report", 1, 1)
        return earlier_result(study, run_id, unchanged=False)


def as_tasks(study_dir: str, plan_key: str) -> Each:
    """Call stages as tasks: batches by the task runner, a single part in the main thread, where Ctrl-C reaches it."""

    def each(stage: str, keys: Keys, n_parts: int) -> Sequence[str]:
        shell, here = STAGE_TASKS[stage], (study_dir, plan_key, keys)
        tell_stage(stage, 0, n_parts)
        if n_parts == 1:
            found = [shell(stage, 0, *here)]
            tell_stage(stage, 1, 1)
            return found
        found = []
        for future in [shell.submit(stage, number, *here) for number in range(n_parts)]:
            found.append(future.result())
            tell_stage(stage, len(found), n_parts)
        return found

    return each


@lru_cache(maxsize=4)
def planned(study_dir: str, plan_key: str) -> tuple[Study, Plan]:
    """The study and the plan of a run, read once in each process.

    Raises StudyError if the study is no longer the one that was planned for.
    """
    study = load_study(Path(study_dir), group_by=group_by_asked())
    plan = plan_run(study)
    if plan.key != plan_key:
        raise StudyError(f"{study.root.name}: files changed while the run read them. Run it again.")
    return study, plan
