"""Where the batches of a study are worked on: a thread of this process, or the workers of a Dask cluster.

To the workers go keys, numbers and the path of the study, which they must see too: everything else they read there.
Importing this file imports neither Prefect nor Dask: a study of kind "threads" does without Dask, and a worker
imports it before Prefect's settings stand.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from corpus.errors import StudyError
from corpus.study import Study
from flows.beside_prefect import hand_over
from flows.local_server import client_settings, send_last_events
from flows.terminal import say
from flows.told import now

if TYPE_CHECKING:
    from distributed import Client
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State
    from prefect.task_runners import TaskRunner

CONNECT_SECONDS = 10
"""How long a scheduler may take to answer, and to have a worker."""
ASK_SECONDS = 5
"""How often a run that waits for a worker asks whether there still is one."""
LOST_SECONDS = 30
"""How long a cluster may have no worker in the middle of a run; one that is started again needs a while."""
REACH_SECONDS = 5
RUN_OF_ITS_OWN = "PREFECT__FLOW_RUN_ID"
"""Prefect sets it for a process that is there for one run."""
INSTEAD = 'kind = "threads" under [engine] in study.toml does the same work on this machine.'


@contextmanager
def task_runner_of(
    study: Study, study_dir: str, plan_key: str, *, n_batches: int, own: TaskRunner[Any]
) -> Iterator[TaskRunner[Any]]:
    """What batches are given to while a flow runs.

    own: the flow's, for a study of kind "threads", and for a single batch, for which no cluster pays.
    Raises StudyError if Dask is not installed, no scheduler answers, or a worker could not do the work.
    """
    if study.settings.engine.kind == "threads":
        yield own
        return
    refuse_without_dask()
    if n_batches == 1:
        yield own
        return
    with hand_over(study, plan_key), dask_runner(study, study_dir) as runner:
        yield runner


def refuse_without_dask() -> None:
    """Raise StudyError if what a cluster needs is not installed."""
    try:
        for name in ("distributed", "prefect_dask"):
            import_module(name)
    except ImportError as error:
        raise StudyError(
            f'study.toml: engine.kind is "dask", but {error.name} cannot be imported here. '
            f"Bring it with: pip install 'precode[dask]'\n{INSTEAD}",
            reason="Dask is not installed",
        ) from error


@contextmanager
def dask_runner(study: Study, study_dir: str) -> Iterator[TaskRunner[Any]]:
    """Prefect's runner for Dask, connected; at its end the workers have told Prefect all that they did."""
    from prefect_dask.task_runners import DaskTaskRunner

    address = study.settings.engine.address
    # Dask tells of a scheduler that does not answer, and of workers that it stops, on the terminal.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    connecting: dict[str, Any] = {"client_kwargs": {"timeout": CONNECT_SECONDS}}
    with DaskTaskRunner(**connecting, **({"address": address} if address else local_cluster())) as runner:
        client: Any = connected(runner, address)
        if address:
            refuse_unfit(client, study_dir)
        else:
            client.run(leave_ctrl_c)
        try:
            yield runner
        finally:
            # A worker that goes on would send what it does for the next run to the Prefect of this one.
            with suppress(Exception):
                client.sync(lambda: client.run(end_of_run, asynchronous=True), callback_timeout=LOST_SECONDS)


def is_lost(cluster: Any, future: Any, given: Sequence[Any]) -> bool:
    """Wait until a worker is done with a task; True if none will be, and then all that was given is cancelled.

    A cluster whose workers died and are not started again would keep a task for ever. So would a scheduler that is
    there and does not answer, which counts as one without workers.
    cluster: Prefect's runner for Dask. future, given: its futures.
    """
    at_dask, seen = future.wrapped_future, time.monotonic()
    while not at_dask.done() and time.monotonic() - seen < LOST_SECONDS:
        future.wait(timeout=ASK_SECONDS)
        with suppress(Exception):
            client = cluster.client
            if client.sync(client.scheduler.ncores, callback_timeout=ASK_SECONDS):
                seen = time.monotonic()
    if not at_dask.done():
        with suppress(Exception):
            cluster.client.cancel([other.wrapped_future for other in given])
        return True
    return bool(at_dask.cancelled())


def leave_ctrl_c() -> None:
    """Ctrl-C is for the process of the run, which then ends its workers; the terminal sends it to all of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def ctrl_c_after() -> Iterator[None]:
    """Ctrl-C comes when this is over: libraries swallow it while they make a message, or take it for their error."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        signal.raise_signal(signal.SIGINT)


def end_if_timed_out(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """End the process of a run whose time is over, if it has one of its own; Prefect calls this when it was told.

    A thread cannot be ended: one that hangs would keep the process, and whoever runs one run after the other (serve,
    a worker) would wait for it for ever. Finished stages are kept, as after any kill.
    """
    if state.name != "TimedOut" or RUN_OF_ITS_OWN not in os.environ:
        return
    say(f"{now()} {flow_run.parameters.get('study_dir', '')}: {flow_run.name}: {state.name}: {state.message}")
    send_last_events()
    os._exit(0)  # anything else, and Prefect would take the run for one that crashed


async def end_of_run() -> None:
    """Send what Prefect has not heard of this worker; in a thread, for it may wait there."""
    await asyncio.to_thread(send_last_events)


def local_cluster() -> dict[str, Any]:
    """Processes on this machine, one a processor, that talk to nobody else.

    Whoever reaches a scheduler can have it do anything, and other users of the machine reach 127.0.0.1 too: hence
    certificates, made for this run and kept in memory.
    """
    return {
        "cluster_kwargs": {
            "threads_per_worker": 1,
            "processes": True,
            "host": "127.0.0.1",
            "security": True,
            "dashboard_address": None,
            "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},  # no page; the port of one may be taken
            "worker_dashboard_address": None,
            "memory_limit": 0,  # nothing but keys is kept in a worker: there is nothing to write to a disk
            "silence_logs": logging.CRITICAL,
        }
    }


def connected(runner: Any, address: str) -> Client:
    """The runner's client, with a worker at least. Raises StudyError if no scheduler or no worker is there."""
    try:
        client: Client = runner.client
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        if not address:
            raise StudyError(
                f"No Dask cluster starts on this machine ({type(error).__name__}). {INSTEAD}",
                reason="no Dask cluster starts",
            ) from error
        what = "has no worker" if "client" in locals() else "does not answer"
        raise StudyError(
            f"study.toml: engine.address: the Dask scheduler at '{address}' {what}. Start it with 'dask scheduler' "
            f"and 'dask worker {address}', or mend the address (tcp://host:port). {INSTEAD}",
            reason=f"the Dask scheduler {what}",
        ) from error
    return client


def refuse_unfit(client: Client, study_dir: str) -> None:
    """Raise StudyError with all that keeps a running worker from the work, of all workers."""
    from prefect.settings import PREFECT_API_URL

    from pipeline.cache import code_version

    settings = {name: value for name, value in client_settings().items() if name != "PREFECT_HOME"}
    try:
        found: Mapping[str, list[str]] = client.run(
            unfit_for, study_dir, code_version(), str(PREFECT_API_URL.value()), settings
        )
    except Exception as error:
        raise StudyError(
            f"The workers of the Dask scheduler cannot import precode ({type(error).__name__}). Install the same "
            f"version there: pip install 'precode[dask]'. {INSTEAD}",
            reason="the Dask workers cannot import precode",
        ) from error
    if lines := [f"  {worker}: {problem}" for worker, problems in found.items() for problem in problems]:
        raise StudyError(
            "\n".join(["Workers of the Dask scheduler cannot work on this study:", *lines, INSTEAD]),
            reason="the Dask workers are not fit for the work",
        )


def unfit_for(study_dir: str, code: str, api_url: str, settings: Mapping[str, str]) -> list[str]:
    """What keeps this process, a worker, from the work; it takes the settings for Prefect that it has not got.

    code: version of precode and its libraries that the run has. api_url: where the run's Prefect is.
    """
    from pipeline.cache import code_version

    for name, value in settings.items():
        os.environ.setdefault(name, value)
    problems = []
    if not (Path(study_dir) / "transcripts").is_dir():
        problems.append(f"it sees no study at {study_dir}; the folder must be shared, at the same path")
    if code_version() != code:
        problems.append("it has another version of precode or of a library; 'pip freeze' on both shows which")
    if not is_reached(api_url):
        problems.append(
            f"it does not reach Prefect at {api_url}. Start 'prefect server start --host' with an address that it "
            "reaches, and set PREFECT_API_URL to that before the run"
        )
    return problems


def is_reached(url: str) -> bool:
    """Whether somebody listens there."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=REACH_SECONDS).close()
    except OSError:
        return False
    return True
