"""Studies on a schedule: one process of ours, Prefect's runner in it, a process of its own for each run.

Importing this file imports no Prefect: its settings must stand before.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from filelock import FileLock, Timeout

from corpus.modes import OWNER_FILE
from corpus.study import load_study
from flows.local_server import client_settings, environment, make_home, prefect_api, prefect_home
from flows.terminal import error_message, say

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.runner import Runner

TOP = Path(__file__).resolve().parent.parent
LOCALTIME = Path("/etc/localtime")
ENTRYPOINT = "flows.served_run.whole_study"
ALIVE = "PRECODE_SERVE_ALIVE"
"""Names, to the process of a run, the file that is locked while serve lives."""
POLL_SECONDS = 0.5
STOPPED = "precode serve was stopped; finished stages are kept."
CRON_EXAMPLE = (
    'Five parts: minute, hour, day of the month, month, day of the week. "0 2 * * *" is every night at two, '
    '"30 6 * * mon-fri" half past six on working days.'
)


def serve_studies(study_dirs: Sequence[Path], *, cron: str, timezone: str, now: bool) -> None:
    """Run each study when its time has come, one after the other, until somebody stops it.

    One that cannot be read now (a network folder that is not there yet, a typing error in study.toml) is served all
    the same, for each run reads its study anew. now: run each at once as well.
    Raises typer.BadParameter before anything starts if ``cron`` or ``timezone`` mean nothing.
    """
    make_home(prefect_home())  # before Prefect is imported, which warns where it is not there
    with environment(client_settings()):
        schedule = schedule_of(cron, timezone)
    with alive() as alive_path, environment(for_runs(alive_path)), prefect_api(scheduling=True) as url:
        roots = list(dict.fromkeys(study_dir.resolve() for study_dir in study_dirs))
        runner, made = registered(roots, schedule)
        for root, deployment in zip(roots, made, strict=True):
            say(f"{root}: {cron} ({timezone})")
            warn_of_unfit(root)
            if now:
                run_now(deployment)
        say(f"Waiting; Prefect at {url}. Ctrl-C stops.")
        try:
            until_stopped(runner)
        finally:
            pause(made)


def warn_of_unfit(root: Path) -> None:
    """Say so if a study cannot be read, and why; whatever the reason, it stops no other study."""
    try:
        load_study(root)
    except Exception as error:
        say(f"{root} cannot be read now; each of its runs fails until that is mended. {error_message(error)}")


@contextmanager
def alive() -> Iterator[Path]:
    """A file that is locked for as long as this process lives, whatever ends it.

    A lock is let go by the system itself, on every system; the number of a process is given to another one, and
    Windows never says that a parent is gone.
    """
    for left in prefect_home().glob("serving-*.lock"):  # of a serve that was killed
        with suppress(OSError, Timeout), FileLock(left, timeout=0):
            left.unlink()
    path = prefect_home() / f"serving-{os.getpid()}.lock"
    try:
        with FileLock(path, mode=OWNER_FILE):
            yield path
    finally:
        path.unlink(missing_ok=True)


def end_with_serve() -> None:
    """End this process, the one of a run, as soon as serve is gone: nobody would hear of it, nor end it.

    As after any kill, finished stages are kept, and the study's lock is free.
    """
    path = os.environ[ALIVE]

    def wait() -> None:
        with FileLock(path).acquire(poll_interval=POLL_SECONDS):
            os._exit(1)

    threading.Thread(target=wait, name="end-with-serve", daemon=True).start()


def for_runs(alive_path: Path) -> dict[str, str]:
    """What processes of runs need: our rooms, how to know that serve lives, nothing of where it was started."""
    return {
        ALIVE: str(alive_path),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(TOP), os.environ.get("PYTHONPATH")))),
        "PYTHONSAFEPATH": "1",
    }


def schedule_of(cron: str, timezone: str) -> Any:
    """The schedule as Prefect has it."""
    from prefect.client.schemas.schedules import CronSchedule
    from pydantic import ValidationError

    try:
        return CronSchedule(cron=cron, timezone=timezone)
    except ValidationError as error:
        if any("timezone" in problem["loc"] for problem in error.errors()):
            raise typer.BadParameter(
                f"{timezone!r} is no time zone; Europe/London is one", param_hint="--timezone"
            ) from None
        raise typer.BadParameter(f"{cron!r} is no time table. {CRON_EXAMPLE}", param_hint="--cron") from None


def registered(roots: Sequence[Path], schedule: Any) -> tuple[Runner, list[UUID]]:
    """A runner that knows a deployment for each study; the name tells two studies of one name apart."""
    from prefect.runner import Runner
    from prefect.types.entrypoint import EntrypointType

    from flows.whole_study import whole_study
    from pipeline.without_names import study_label

    # One run at a time: the stages use all processors by themselves, and memory is that of one study. A limit
    # of the deployment's own would be worse: a killed run keeps its place in it until its lease ends (5 minutes).
    runner, made = Runner(name="precode", limit=1, pause_on_shutdown=False), []
    for root in roots:
        deployment: Any = whole_study.to_deployment(
            name=study_label(root),
            parameters={"study_dir": str(root)},
            schedule=schedule,
            tags=["precode"],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        deployment.entrypoint = ENTRYPOINT
        made_here: Any = runner.add_deployment(deployment)  # an id here, where no event loop runs
        made.append(made_here)
    return runner, made


def run_now(deployment: Any) -> None:
    """Ask for a run at once."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        client.create_flow_run_from_deployment(deployment, tags=["precode"])


def pause(made: Sequence[UUID]) -> None:
    """No more runs of these deployments: nobody would start them. Serving them again undoes it.

    Prefect's runner does the same, but of several deployments only the first when it is stopped (3.8.8).
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for deployment in made:
            client.pause_deployment(deployment)


def until_stopped(runner: Runner) -> None:
    """Wait for Ctrl-C or SIGTERM; a run that is at work is cancelled, its finished stages are kept."""
    # A shell that starts us in the background has us ignore it, and SIGTERM with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Its own answer to SIGTERM never awaits what it calls, and leaves by SystemExit (Prefect 3.8.8).
    vars(runner)["handle_sigterm"] = lambda *_: signal.raise_signal(signal.SIGINT)
    # Its own also calls a run cancelled that has come to its end and whose process is just going (3.8.8).
    vars(runner)["cancel_all"] = partial(cancel_runs, runner)
    try:
        asyncio.run(serving(runner))
    except KeyboardInterrupt:
        say("Stopped. Runs that were at work are cancelled; their finished stages are kept.")


async def serving(runner: Runner) -> None:
    """What the runner does until this is cancelled, as Ctrl-C does; a second Ctrl-C does not wait for the runs."""
    at_work = asyncio.create_task(runner.start())
    try:
        await asyncio.shield(at_work)
    except asyncio.CancelledError:
        if runner.started:
            await runner.astop()
        while not at_work.done():  # a run that was about to begin has a process now
            await runner.cancel_all()
            await asyncio.wait([at_work], timeout=POLL_SECONDS)
        raise


async def cancel_runs(runner: Runner) -> None:
    """End the runs that this runner is at; Prefect is told that they are cancelled, for nothing failed.

    Those of another serve of the same study, one that takes over from this, go on.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.states import Cancelled

    at_work = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING])
    poller = vars(runner).get("_scheduled_run_poller")  # once it is started
    own = list(vars(poller)["_submitting_flow_run_ids"]) if poller else []
    if not own:
        return
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(any_=own), state=FlowRunFilterState(type=at_work)
            )
        )
        # First: a run whose process is not ready to hear of it yet would be taken for crashed.
        for run in runs:
            await client.set_flow_run_state(run.id, Cancelled(message=STOPPED), force=True)
    for run in runs:
        await vars(runner)["_cancellation_manager"].cancel(run, STOPPED)


def own_timezone() -> str:
    """The time zone of this machine, or UTC if it does not say."""
    if named := os.environ.get("TZ", "").lstrip(":"):
        return named
    _, found, name = os.path.realpath(LOCALTIME).partition("zoneinfo/")
    return name if found else "UTC"
