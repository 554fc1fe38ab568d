"""Runs that were killed: at the next start Prefect is told that they crashed, for a dead process cannot.

Each run holds a lock on a file of its own in Prefect's folder, and its flow run bears the file's name as a tag.
The system lets go of the lock when the process ends, however it ends. So a file that can be locked belongs to a run
that is over, and a flow run that is still called running under its name was killed. Other people's runs on a server
of the user's own, and runs on other machines, have no file in this folder: they are left alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from corpus.modes import make_folder
from flows.local_server import prefect_home, starting_alone

FOLDER = "running"
MOST = 200
"""How many runs or tasks Prefect is asked for at a time: the most that it gives, far more than one thread leaves."""


@contextmanager
def told_of_kills() -> Iterator[str]:
    """While a flow runs, on an API that answers: mark what was killed earlier, and make this run known by a tag."""
    from prefect import tags

    folder = prefect_home() / FOLDER
    make_folder(folder)
    with starting_alone(prefect_home()):  # else another start could take our file for a dead run's
        dead = list(_dead_runs(folder))
        path = folder / f"precode-{secrets.token_hex(8)}"
        lock = FileLock(path, timeout=0)
        lock.acquire()
    try:
        for other, held in dead:
            mark_crashed(other.name)
            other.unlink(missing_ok=True)
            held.release()
        with tags(path.name):
            yield path.name
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def _dead_runs(folder: Path) -> Iterator[tuple[Path, FileLock]]:
    """The files of runs that are over, with a lock held on each."""
    for path in sorted(folder.glob("precode-*")):
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue
        yield path, lock


def mark_crashed(tag: str) -> int:
    """Mark the flow runs under a tag that are called unfinished, and their tasks, as crashed; how many flow runs."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import State, StateType
    from prefect.states import Crashed

    unfinished = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    over: State[None] = Crashed(message="Its process was killed.")
    with get_client(sync_client=True) as client:
        flows = client.read_flow_runs(
            flow_run_filter=filters.FlowRunFilter(
                tags=filters.FlowRunFilterTags(all_=[tag]),
                state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=unfinished)),
            ),
            limit=MOST,
        )
        for run in flows:
            client.set_flow_run_state(run.id, over, force=True)
            of_run = filters.FlowRunFilter(id=filters.FlowRunFilterId(any_=[run.id]))
            tasks = client.read_task_runs(
                flow_run_filter=of_run,
                task_run_filter=filters.TaskRunFilter(
                    state=filters.TaskRunFilterState(type=filters.TaskRunFilterStateType(any_=unfinished))
                ),
                limit=MOST,
            )
            for task in tasks:
                client.set_task_run_state(task.id, over, force=True)
    return len(flows)
