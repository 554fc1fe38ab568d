"""Prefect on one laptop: its settings, and a server that lives and dies with this process.

Nothing here imports Prefect before its settings stand, for it reads them once, at its import.
What was measured with Prefect 3.8.8 is said where it matters.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import StudyError
from corpus.modes import OWNER_FOLDER, make_folder, set_mode
from flows.versions_known import refuse_broken

if TYPE_CHECKING:
    import uvicorn

STARTUP_SECONDS = 120
"""How long the server may take: 1 s as a rule, 8 s when it makes its database, far more under load."""

ANSWER_SECONDS = 10
"""How long the user's own server may take for an answer."""
INSTEAD = "Without PREFECT_API_URL precode brings a server of its own."


def prefect_home() -> Path:
    """The folder in which Prefect keeps its database: the user's own if they named one, else ours.

    It is not the usual ``~/.prefect``: a profile there may point to a server on the internet, and a run of
    precode must stay on this machine unless its environment says otherwise.
    """
    if named := os.environ.get("PREFECT_HOME"):
        return Path(named).expanduser().absolute()
    own = os.environ.get("PRECODE_HOME") or "~/.precode"
    return Path(own).expanduser().absolute() / "prefect"


def client_settings() -> dict[str, str]:
    """Settings that hold whatever server is used; the level of Prefect's own log is the user's."""
    return {
        # Prefect reports its use to its makers unless told not to.
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Logs go to the terminal at most: Prefect would store them beside the runs.
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_TASKS_DEFAULT_PERSIST_RESULT": "false",
        # A failed stage is told once, by us; without this Prefect prints it with a traceback, twice.
        "PREFECT_LOGGING_LEVEL": os.environ.get("PREFECT_LOGGING_LEVEL", "CRITICAL"),
        "PREFECT_HOME": str(prefect_home()),
    }


def server_settings(port: int) -> dict[str, str]:
    """Settings of our own server on a port of 127.0.0.1, with a password of its own for each run."""
    password = f"precode:{secrets.token_urlsafe(24)}"
    return {
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        # Other users of the machine reach 127.0.0.1 too.
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_API_AUTH_STRING": password,
        # A key for Prefect's cloud is none of our server's business.
        "PREFECT_API_KEY": "",
        "PREFECT_SERVER_LOGGING_LEVEL": os.environ.get("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL"),
        # Blocks are not used; to register them takes 2 s of the first start.
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        # A killed task keeps its place in a limit until its lease ends (60 s) or the next run of its study marks it
        # crashed. Leases are kept on disk: in memory, as Prefect has them by default, they die with the server
        # while the count of places taken stays in the database, and nobody ever frees those (3.8.8).
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # Runs that ended 90 days ago, in a server that goes on: Prefect by itself keeps them for ever.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_UI_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    }


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, show them to a Prefect that was imported earlier, and put all back."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        reread_settings()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        reread_settings()


def reread_settings() -> None:
    """Make Prefect read its settings again, if it was imported already (in a notebook, say)."""
    if "prefect.context" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


@contextmanager
def prefect_api(*, scheduling: bool = False) -> Iterator[str]:
    """Give the address of the Prefect API for a flow: the user's own server, or one in this process.

    scheduling: the one in this process also makes the runs of schedules.

    Prefect's own temporary server is a second process: it takes 4 s where a thread takes 1 s, Ctrl-C ends it
    before the flow can report to it, and after a kill it stays behind for ever. A thread cannot.
    """
    make_home(prefect_home())
    with environment(client_settings()):
        if own := os.environ.get("PREFECT_API_URL"):
            refuse_unreachable(own)
            yield own
            return
        refuse_broken(scheduling=scheduling)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            settings = server_settings(listening.getsockname()[1])
            with environment(settings), server_thread(listening, scheduling=scheduling), no_heartbeat():
                yield settings["PREFECT_API_URL"]


def refuse_unreachable(url: str) -> None:
    """Ask the user's own server for something that it gives to no stranger.

    Raises StudyError if nothing answers there, or no Prefect, or one that refuses the password.
    """
    import httpx
    from prefect.client.orchestration import get_client

    try:
        with get_client(httpx_settings={"timeout": ANSWER_SECONDS}, sync_client=True) as client:
            client.read_flows(limit=1)
    except (httpx.HTTPStatusError, ValueError) as error:
        # A ValueError is an answer that is not in the words of the API.
        status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else httpx.codes.OK
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise StudyError(
                f"The Prefect server at {shown(url)} refuses the password (PREFECT_API_AUTH_STRING). It is the one "
                "with which the server was started, as user:password (PREFECT_SERVER_API_AUTH_STRING there)."
            ) from error
        raise StudyError(
            f"What answers at {shown(url)} (PREFECT_API_URL) is no Prefect API, or is not well (status {status:d}). "
            f"The address ends in /api. {INSTEAD}"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise StudyError(
            f"No Prefect server answers at {shown(url)} (PREFECT_API_URL). Start it with 'prefect server start', "
            f"or mend the address. {INSTEAD}"
        ) from error


def shown(url: str) -> str:
    """An address without the user and the password that may stand in it."""
    return re.sub(r"//[^/@]*@", "//", url)


@contextmanager
def server_thread(listening: socket.socket, *, scheduling: bool) -> Iterator[None]:
    """Serve Prefect's API on a socket that is already bound (so no port is lost to another) until the end."""
    server = make_server(scheduling=scheduling)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="prefect-server", daemon=True
    )
    with starting_alone(prefect_home()):
        thread.start()
        try:
            wait_until_started(server, thread)
        except BaseException:
            server.should_exit = True
            raise
    try:
        yield
    finally:
        send_last_events()
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def no_heartbeat() -> Iterator[None]:
    """Switch Prefect's heartbeat off: nobody listens to it here, and to stop it takes up to 1 s of each flow.

    No environment variable can say "none", hence the context.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def make_home(home: Path) -> None:
    """Make Prefect's folder, readable by its owner only, also if it was there; one that the user named is theirs."""
    make_folder(home)
    if not os.environ.get("PREFECT_HOME"):
        set_mode(home, OWNER_FOLDER)


def make_server(*, scheduling: bool) -> uvicorn.Server:
    """A server with a fresh application: one that was started before would skip its start-up."""
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=not scheduling, ignore_cache=True)
    return uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="auto"))


@contextmanager
def starting_alone(home: Path) -> Iterator[None]:
    """One start at a time: two that make the database together would trip over each other."""
    from filelock import FileLock

    with FileLock(home / "starting.lock", timeout=STARTUP_SECONDS):
        yield


def wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    """Wait for the server; a server that gives up or takes too long is an error that says where to look."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise StudyError(
                f"Prefect's server did not start (its folder: {prefect_home()}). PREFECT_SERVER_LOGGING_LEVEL="
                "DEBUG before the command shows why; 'precode report STUDY' does the same job without Prefect."
            )
        time.sleep(0.02)


def send_last_events() -> None:
    """Hand the last events over before the server stops: the states of task runs travel as events.

    Without this the last dozen task runs of a flow stay RUNNING in the database.
    """
    from prefect.events.worker import EventsWorker

    # It would warn of each event that still waits, which is what we wait for.
    logging.getLogger("EventsWorker").setLevel(logging.ERROR)
    EventsWorker.drain_all(timeout=10, at_exit=False)
