"""Prefect's server inside our process: what it leaves behind, whom it hears, what it stores.

Real Prefect in real processes; a toy flow made of our own helpers stands for the study.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.faults.commands import members, recorded

ROOT = Path(__file__).parents[1]
LINUX = Path("/proc/self/stat").exists()
WORDS = "Marjorie Quillfeather"
"""Stands for a participant's words: nowhere in Prefect's folder."""

TOY = """
import json, os, sys, time

heard = []
WATCHED = {"socket.bind", "socket.connect", "socket.sendto", "socket.getaddrinfo"}

def watch(event, arguments):
    if event in WATCHED:
        heard.append((event, str(arguments[0]) if event == "socket.getaddrinfo" else str(arguments[1])))

sys.addaudithook(watch)
from flows.local_server import prefect_api
from flows.beside_prefect import listening, without_words, can_pass

with prefect_api() as url, listening(None) as kept:
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE
    from prefect.states import Failed

    attempts = []

    def work(number):
        attempts.append(number)
        if MODE == "fails":
            raise ValueError("{words}")
        if MODE == "fails once" and len(attempts) == 1:
            raise TimeoutError(110, "{words}")
        if MODE == "waits":
            print("at work", flush=True)
            time.sleep(60)
        return number

    @task(persist_result=False, cache_policy=NO_CACHE, retries=1,
          retry_condition_fn=lambda task, run, state: can_pass(state.data))
    def toy_task(number):
        return without_words("toy", lambda: work(number))

    @flow(persist_result=False)
    def toy_flow(study_dir: str):
        print("started", url, flush=True)
        try:
            return toy_task(1)
        except RuntimeError as error:
            return Failed(message=str(error))

    state = toy_flow("study", return_state=True)
    ended = {"state": state.type.value, "message": state.message, "attempts": len(attempts)}
print("ended", json.dumps({**ended, "kept": [str(error) for _, error in kept], "heard": heard}), flush=True)
"""


def start(mode: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    """The toy flow in a process of its own; ``home``: our folder in the user's."""
    source = f"MODE = {mode!r}\n" + TOY.replace("{words}", WORDS)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    return subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=ROOT,
        env={**clean, "PRECODE_HOME": str(home), "HOME": str(home / "user"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen[str], word: str) -> str:
    """The first line of output that begins with a word."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return line
    raise AssertionError(f"{word!r} never said")


def states(home: Path) -> list[str]:
    """State of the newest flow run and of its task run."""
    newest = "from flow_run order by created desc limit 1"
    (flow,) = recorded(home, f"select state_type {newest}")
    tasks = recorded(home, f"select state_type from task_run where flow_run_id = (select id {newest})")
    return [*flow, *(state for (state,) in tasks)]


def stored_in(home: Path, word: str) -> list[str]:
    """Files below a folder whose bytes hold a word, also as base64 of a pickle."""
    spellings = [word.encode(), *(base64.b64encode(b" " * skip + word.encode())[4:-4] for skip in range(3))]
    return [
        str(path)
        for path in home.rglob("*")
        if path.is_file() and any(s in path.read_bytes() for s in spellings)
    ]


@pytest.fixture(scope="module")
def prefect_home(tmp_path_factory) -> Path:
    """Our folder in the user's home; its database is made once for all tests here."""
    return tmp_path_factory.mktemp("precode")


@pytest.fixture(scope="module")
def toy(prefect_home) -> Callable[[str], dict[str, Any]]:
    """Run the toy flow to its end, once for each mode; what it tells, and what Prefect recorded of it."""

    @cache
    def run(mode: str) -> dict[str, Any]:
        process = start(mode, prefect_home, PREFECT_LOGGING_LEVEL="DEBUG")
        outcome = json.loads(wait_for(process, "ended").removeprefix("ended "))
        assert process.wait(timeout=30) == 0
        return {**outcome, "recorded": states(prefect_home), "left": members(process.pid)}

    return run


@pytest.mark.parametrize(
    ("mode", "state", "attempts"),
    [("works", "COMPLETED", 1), ("fails", "FAILED", 1), ("fails once", "COMPLETED", 2)],
)
def test_flow_and_its_task_are_recorded_and_only_what_can_pass_is_tried_again(mode, state, attempts, toy):
    outcome = toy(mode)
    assert (outcome["state"], outcome["attempts"]) == (state, attempts)
    assert outcome["recorded"] == [state, state]


def test_error_is_told_to_prefect_without_its_words_and_to_us_with_them(toy):
    outcome = toy("fails")
    assert outcome["message"] == "toy: ValueError. The terminal in which the run was started says more."
    assert outcome["kept"] == [WORDS]


def test_words_of_an_error_are_nowhere_in_prefects_folder(toy, prefect_home):
    toy("fails"), toy("fails once")
    assert stored_in(prefect_home, "toy_task")
    assert stored_in(prefect_home, WORDS) == []


def test_no_result_is_pickled(toy, prefect_home):
    toy("works"), toy("fails")
    assert not (prefect_home / "prefect" / "storage").exists()


def test_only_this_machine_is_spoken_to(toy):
    heard = [tuple(event) for event in toy("works")["heard"]]
    assert any(event == "socket.bind" for event, _ in heard)
    assert [said for said in heard if not re.search(r"127\.0\.0\.1|^localhost$", said[1])] == []


def test_prefects_folder_is_the_owners_alone_and_not_the_usual_one(toy, prefect_home):
    toy("works")
    assert (prefect_home / "prefect").stat().st_mode & 0o077 == 0
    assert not (prefect_home / "user").exists()


@pytest.mark.skipif(not LINUX, reason="processes are counted in /proc")
@pytest.mark.parametrize("mode", ["works", "fails"])
def test_no_process_stays_behind(mode, toy):
    assert toy(mode)["left"] == []


@pytest.mark.skipif(not LINUX, reason="processes are counted in /proc")
@pytest.mark.parametrize(
    ("kill", "recorded"),
    [(signal.SIGINT, "CRASHED"), (signal.SIGTERM, "CRASHED"), (signal.SIGKILL, "RUNNING")],
)
def test_no_process_stays_behind_when_stopped(kill, recorded, prefect_home):
    process = start("waits", prefect_home)
    try:
        wait_for(process, "at work")
        assert members(process.pid) == [process.pid]
        os.killpg(process.pid, kill)
        process.communicate(timeout=30)
        assert members(process.pid) == []
    finally:
        process.kill()
    assert states(prefect_home)[0] == recorded


def test_server_asks_for_the_password_of_its_run(prefect_home):
    process = start("waits", prefect_home)
    try:
        address = wait_for(process, "started").split()[1]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{address}/flows/count", data=b"{}", timeout=30)
    finally:
        process.kill()
        process.communicate()


def test_server_that_cannot_start_is_said_with_what_to_do(tmp_path):
    (tmp_path / "prefect" / "prefect.db").mkdir(parents=True)
    told, _ = start("works", tmp_path).communicate(timeout=60)
    assert "StudyError: Prefect's server did not start" in told
    assert "precode report STUDY" in told
