"""Stages as Prefect tasks: of a batch each, in a thread of this process or on the workers of a Dask cluster.

Between tasks go keys and numbers of batches, never text and never a name below the study: Prefect stores what
it sees. Importing this file imports Prefect, whose settings must stand before (``flows.local_server``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner
from prefect.tasks import Task

from corpus.errors import StudyError
from corpus.study import Study, load_study
from flows.beside_prefect import can_pass, group_by_asked, handed_over, tell_stage, without_words
from flows.engine import INSTEAD, LOST_SECONDS, ctrl_c_after, is_lost
from flows.shown import close_lost_tasks
from flows.terminal import say
from pipeline.retrain import SCHEDULE
from pipeline.run import asked_to_train, finish_run, plan_run
from pipeline.stages import STAGES, Each, Keys, Plan


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
    return without_words(stage, lambda: part_of(stage, number, study_dir, plan_key, keys))


def part_of(stage: str, number: int, study_dir: str, plan_key: str, keys: Keys) -> str:
    """What a stage's task does, in whatever process it is."""
    return STAGES[stage](*planned(study_dir, plan_key), keys, number)


@task(name="report", task_run_name="report", **SHELL)
def report_task(study_dir: str, plan_key: str, keys: Keys) -> str:
    """Write the run folder; its id, for the rest of the result names files."""
    return without_words("report", lambda: finish_run(*planned(study_dir, plan_key), keys).run_id)


TAGGED = frozenset({"encode", "train"})
"""The stages that take most of the time. To ask for a limit costs a task 0.1 s, so the others have no tag."""

# A tag lets a team bound what runs at once: prefect concurrency-limit create precode-train 1
STAGE_TASKS: dict[str, Task[..., str]] = {
    stage: stage_task.with_options(name=stage, tags=[f"precode-{stage}"] if stage in TAGGED else [])
    for stage in STAGES
}


def as_tasks(
    runner: TaskRunner[Any], here: TaskRunner[Any], study_dir: str, plan_key: str, advance: Callable[[], None]
) -> Each:
    """Call stages as tasks: batches by the task runner, a single part in the main thread, where Ctrl-C reaches it.

    here: the runner of this process, which goes on when a cluster is lost; the same where there is no cluster.
    """

    def each(stage: str, keys: Keys, n_parts: int) -> Sequence[str]:
        nonlocal runner
        shell, found = STAGE_TASKS[stage], list[str]()
        more = {"stage": stage, "study_dir": study_dir, "plan_key": plan_key, "keys": keys}
        parts: list[dict[str, Any]] = [{"number": number, **more} for number in range(n_parts)]

        def take(came: Iterable[str]) -> None:
            for key in came:
                found.append(key)
                tell_stage(stage, len(found), n_parts)
                advance()

        tell_stage(stage, 0, n_parts)
        if n_parts == 1:
            take([shell(**parts[0])])
            return found
        lost: list[UUID] = []
        try:
            if runner is not here:
                take(by_workers(runner, here, shell, parts, lost))
                if len(found) < n_parts:
                    say(
                        f"{stage}: the Dask cluster has no worker any more, so this machine goes on alone. {INSTEAD}"
                    )
                    runner = here
            with ctrl_c_after():
                given = [here.submit(shell, part) for part in parts[len(found) :]]
            take(future.result() for future in given)
        finally:  # again: of one that was just begun Prefect may not have heard until now
            close_lost_tasks(lost)
        return found

    return each


def by_workers(
    cluster: TaskRunner[Any],
    here: TaskRunner[Any],
    shell: Task[..., str],
    parts: Sequence[dict[str, Any]],
    lost: list[UUID],
) -> Iterator[str]:
    """What the workers of a cluster give, in order; it ends early if the cluster is lost.

    lost: takes the task runs that no worker will finish.
    """
    try:
        with ctrl_c_after():
            given = [cluster.submit(shell, part) for part in parts]
    except Exception:  # its scheduler went while it had nothing of ours
        return
    for number, (future, part) in enumerate(zip(given, parts, strict=True)):
        if is_lost(cluster, future, given):
            lost += [later.task_run_id for later in given[number:]]
            close_lost_tasks(lost)
            return
        yield of_worker(future, shell.name, partial(done_by, here, shell, part), lost)


def done_by(runner: TaskRunner[Any], shell: Task[..., str], part: dict[str, Any]) -> str:
    """What a runner gives for a part."""
    key: str = runner.submit(shell, part).result()
    return key


def of_worker(future: PrefectFuture[str], stage: str, again: Callable[[], str], lost: list[UUID]) -> str:
    """What a worker gave. If it failed, that is done here: its words would stay there, and this may do better."""
    with suppress(Exception):
        return future.result(timeout=LOST_SECONDS)
    lost.append(future.task_run_id)
    close_lost_tasks(lost)  # before it is done here: it may hold a place in a limit
    planned.cache_clear()
    key = again()
    say(
        f"{stage}: a worker of the Dask cluster failed where this machine does not, so the work was done here. "
        f"What it says itself, and its scheduler, tells more. {INSTEAD}"
    )
    return key


@lru_cache(maxsize=4)
def planned(study_dir: str, plan_key: str) -> tuple[Study, Plan]:
    """The study and the plan of a run, read once in each process.

    Raises StudyError if the study is no longer the one that was planned for.
    """
    asked = group_by_asked() or handed_over(Path(study_dir), plan_key)
    study = load_study(Path(study_dir), group_by=asked)
    plan = plan_run(study)
    for here in (plan, asked_to_train(plan), asked_to_train(plan, by=SCHEDULE)):
        if here.key == plan_key:
            return study, here
    raise StudyError(f"{study.root.name}: files changed while the run read them. Run it again.")
