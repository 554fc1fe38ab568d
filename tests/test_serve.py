"""``precode serve``: studies on a schedule with our own server, in real processes; how it starts and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.without_names import study_label
from tests.faults.commands import LINUX, listening_addresses, members, precode, recorded, start
from tests.faults.small_study import write_small_study

SCHEDULES = "select schedule from deployment_schedule"
FIRED = "select state_name from flow_run where auto_scheduled and start_time and parameters like '%/slow%'"
SLOW = """
import os
if "PREFECT__FLOW_RUN_ID" in os.environ:
    import time
    from pipeline.stages import STAGES
    train = STAGES["train"]
    def waiting(study, *rest):
        if study.root.name == "slow":
            print("at work", flush=True)
            time.sleep(300)
        return train(study, *rest)
    STAGES["train"] = waiting
"""
"""In the process of a run: the study "slow" never comes to the end of its training."""
IGNORING_CTRL_C = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""As a shell starts what it is to leave in the background."""
SERVED = ("gone", "broken", "a/study", "b/study", "slow")
"""In the order in which they are run; there is no folder of the first."""


@dataclass(frozen=True)
class Served:
    """What was seen while three studies were served, and after they were told to end.

    said: lines of both streams. heard_on: addresses on which a process of it listened.
    """

    status: int
    said: list[str]
    heard_on: set[str]
    left: list[int]
    folder: Path
    home: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of Prefect's database."""
        return recorded(self.home, query)


def serve(
    home: Path, *arguments: object, site: Path | None = None, before: Sequence[str] = (), **more: str
) -> subprocess.Popen[str]:
    """``precode serve``; site: a folder with a sitecustomize.py for its runs. before: as in start."""
    search = {"PYTHONPATH": os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))}
    more = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", **(search if site else {}), **more}
    return start(home, "serve", *arguments, merged=True, before=before, **more)


def end_session(process: subprocess.Popen[str]) -> None:
    """Whatever a test left at work."""
    process.kill()
    for pid in members(process.pid):
        os.kill(pid, signal.SIGKILL)


def heard_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """What it says, to the first line that holds some words."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.rstrip())
        if words in line:
            return said
    raise AssertionError("\n".join(said))


def seconds_until(come: Callable[[], bool], *, most: float) -> float:
    """How long it took until something had come; ``most`` if it never did."""
    began = time.monotonic()
    while not come() and time.monotonic() - began < most:
        time.sleep(0.05)
    return min(time.monotonic() - began, most)


@dataclass(frozen=True)
class Killed:
    """What was seen of a serve that was killed while its run trained, and of the one that was started after it.

    seconds: until no process of the first was left. used: slots of the limit that were taken, as Prefect had it,
    after the kill and at the end. status: of the second, when it was told to end.
    """

    status: int

    seconds: float
    used: tuple[float, float]
    said: list[str]
    home: Path


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Iterator[Killed]:
    """A study that is killed in training, with one place for training; then the same on a schedule of each minute."""
    folder, home = tmp_path_factory.mktemp("killed"), tmp_path_factory.mktemp("home")
    study_dir = write_small_study(folder / "slow")
    limit_training(home)
    first = serve(home, study_dir, "--now", site=slowed(folder))
    try:
        heard_until(first, "at work")
        first.kill()
        first.wait()
        seconds = seconds_until(lambda: not members(first.pid), most=60)
        used = used_slots(home)
    finally:
        end_session(first)
    second = serve(home, study_dir, "--cron", "* * * * *", before=IGNORING_CTRL_C)
    too_long = threading.Timer(300, end_session, [second])
    too_long.start()
    try:
        said = heard_until(second, "whole study:")
        # A run says what came of it before Prefect is told; one that is stopped in between is cancelled.
        seconds_until(lambda: bool(recorded(home, f"{FIRED} and state_type = 'COMPLETED'")), most=30)
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=60)
    finally:
        too_long.cancel()
        end_session(second)
    yield Killed(second.returncode, seconds, (used, used_slots(home)), said, home)
    shutil.rmtree(folder)


def limit_training(home: Path) -> None:
    """One place for training, in the folder of serve's own Prefect."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    settings = {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    command = [sys.executable, "-m", "prefect", "concurrency-limit", "create", "precode-train", "1"]
    subprocess.run(command, env={**clean, **settings, "DO_NOT_TRACK": "1"}, check=True, capture_output=True)


def used_slots(home: Path) -> float:
    ((used,),) = recorded(
        home, "select active_slots from concurrency_limit_v2 where name = 'tag:precode-train'"
    )
    return float(used)


def slowed(folder: Path) -> Path:
    """A folder whose sitecustomize.py holds the training of "slow"."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(SLOW, encoding="utf-8")
    return folder / "site"


@pytest.fixture(scope="module")
def served(tmp_path_factory, write_planted_tiny_study) -> Iterator[Served]:
    """Two that cannot be read, two studies of one name, the second without a transcript, and one that is told to end
    while it is at work; one of them is named twice."""
    folder, home = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("home")
    for name in ("a/study", "slow"):
        write_planted_tiny_study(folder / name)
    for name in ("b/study", "broken"):
        (folder / name / "transcripts").mkdir(parents=True)
    (folder / "broken" / "study.toml").write_text("[model]\nencoder = 4\n", encoding="utf-8")
    studies = [folder / name for name in (*SERVED, "b/../a/study")]
    process = serve(
        home, *studies, "--now", "--timezone", "Europe/London", site=slowed(folder),
        PREFECT_LOGGING_LEVEL="DEBUG",
    )  # fmt: skip
    try:
        said = heard_until(process, "at work")
        heard_on = {address for pid in members(process.pid) for address in listening_addresses(pid)}
        # To the process alone, as a service manager does; Ctrl-C reaches the runs by itself.
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        said += out.splitlines()
        left = members(process.pid)
    finally:
        process.kill()
    yield Served(process.returncode, said, heard_on, left, folder, home)
    shutil.rmtree(folder)


def test_each_study_is_run_and_one_that_fails_stops_no_other(served):
    ended = {
        json.loads(parameters)["study_dir"].removeprefix(f"{served.folder.resolve()}/"): state
        for parameters, state in served.rows("select parameters, state_name from flow_run where start_time")
    }
    unfit = dict.fromkeys(("gone", "broken", "b/study"), "Failed")
    assert ended == {**unfit, "a/study": "FilesSetAside", "slow": "Cancelled"}
    assert (served.folder / "a/study" / "runs" / "latest").is_file()


@pytest.mark.parametrize(
    ("name", "reason"), [("gone", "no such study folder"), ("broken", "study.toml"), ("slow", "")]
)
def test_study_that_cannot_be_read_is_served_with_a_warning_that_says_why(served, name, reason):
    began = next(n for n, line in enumerate(served.said) if line.startswith("Waiting"))
    line = f"{(served.folder / name).resolve()}: 0 2 * * * (Europe/London)"
    after = served.said[served.said.index(line) + 1 : began]
    assert (f"{(served.folder / name).resolve()} cannot be read now" in " ".join(after[:1])) == bool(reason)
    assert reason in "".join(after)
    assert bool(reason) == any(
        f"{line.partition(': ')[0]}: whole study: Failed" in told for told in served.said
    )


def test_tasks_of_a_run_that_was_stopped_are_at_an_end(served):
    query = "select distinct state_type from task_run where state_type in ('PENDING', 'RUNNING')"
    assert served.rows(query) == []


def test_two_studies_of_one_name_have_deployments_of_their_own(served):
    found = [name for (name,) in served.rows("select name from deployment")]
    roots = [(served.folder / name).resolve() for name in SERVED]
    assert sorted(found) == sorted(map(study_label, roots))
    assert len(set(found)) == len(SERVED)


def test_study_that_is_named_twice_is_run_once(served):
    query = "select count(*) from flow_run where start_time and parameters like '%a/study%'"
    assert served.rows(query) == [(1,)]


def test_schedule_is_the_one_asked_for_and_no_run_is_due_when_nobody_serves(served):
    schedules = {(s["cron"], s["timezone"]) for s in (json.loads(text) for (text,) in served.rows(SCHEDULES))}
    assert schedules == {("0 2 * * *", "Europe/London")}
    assert served.rows("select distinct paused from deployment") == [(1,)]
    assert served.rows("select count(*) from flow_run where state_type = 'SCHEDULED' and auto_scheduled") == [
        (0,)
    ]


def test_it_stops_when_told_and_leaves_no_process(served):
    assert served.status == 0, "\n".join(served.said)
    assert served.said[-1].startswith("Stopped.")
    assert served.left == []
    assert not list(served.home.rglob("serving-*"))


@pytest.mark.skipif(not LINUX, reason="sockets are looked up in /proc")
def test_it_listens_on_this_machine_only(served):
    assert served.heard_on == {"127.0.0.1"}


def test_run_that_was_stopped_keeps_its_finished_stages_and_another_goes_on_from_there(served):
    slow = served.folder / "slow"
    done = {path: path.stat().st_mtime_ns for path in (slow / "cache" / "preprocess").iterdir()}
    assert done
    status, _, err = precode(served.home, "run", slow)
    assert status == 3, err
    assert {path: path.stat().st_mtime_ns for path in (slow / "cache" / "preprocess").iterdir()} == done
    states = served.rows("select state_name from flow_run where start_time and parameters like '%/slow%'")
    assert sorted(states) == [("Cancelled",), ("FilesSetAside",)]


def test_nothing_named_or_said_is_in_prefects_folder_or_in_what_serve_says(served, planted_in, tmp_path):
    assert any("whole study: FilesSetAside: 1 file(s) set aside" in line for line in served.said)
    (tmp_path / "said").write_text("\n".join(served.said), encoding="utf-8")
    assert planted_in(tmp_path) == []
    assert planted_in(served.home) == []


@pytest.mark.parametrize("words", ["at work", "Waiting"])
def test_run_is_cancelled_by_ctrl_c_also_while_it_is_about_to_begin(tmp_path, words):
    process = serve(tmp_path / "home", write_small_study(tmp_path / "slow"), "--now", site=slowed(tmp_path))
    query = "select state_type from flow_run where state_type != 'SCHEDULED'"
    try:
        heard_until(process, words)
        until_begun = seconds_until(lambda: recorded(tmp_path / "home", query) != [], most=60)
        assert until_begun < 60
        # To all of the session, as a terminal does.
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        end_session(process)
    assert process.returncode == 0, out
    assert recorded(tmp_path / "home", query) == [("CANCELLED",)], out
    assert recorded(tmp_path / "home", "select event from events where event like '%flow-run.Crashed'") == []


@pytest.mark.parametrize("command", ["serve", "run"])
def test_server_that_does_not_answer_is_named_and_what_to_do(command, make_study, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api"
    study = make_study({"transcripts/t1.txt": "Ann: Hello.\n"})
    status, out, err = precode(tmp_path / "home", command, study.root, PREFECT_API_URL=url)
    assert (status, out) == (1, "")
    assert f"No Prefect server answers at {url} (PREFECT_API_URL)" in err
    assert "prefect server start" in err


class AnyPage(BaseHTTPRequestHandler):
    """A server that says yes to everything, in its own words."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html></html>")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_page_that_is_no_prefect_api_is_named(make_study, tmp_path):
    study = make_study({"transcripts/t1.txt": "Ann: Hello.\n"})
    with HTTPServer(("127.0.0.1", 0), AnyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        status, out, err = precode(tmp_path / "home", "run", study.root, PREFECT_API_URL=url)
        server.shutdown()
    assert (status, out) == (1, "")
    assert f"What answers at {url} (PREFECT_API_URL) is no Prefect API, or is not well (status 200)" in err


@pytest.mark.skipif(not LINUX, reason="processes are counted in /proc")
def test_kill_of_serve_leaves_no_process_of_a_run(killed):
    assert killed.seconds < 5


def test_schedule_fires_and_makes_a_run_of_its_own(killed):
    assert recorded(killed.home, FIRED) == [("Completed",)], killed.said


def test_killed_run_is_marked_crashed_by_the_next(killed):
    query = "select state_name from flow_run where not auto_scheduled"
    assert recorded(killed.home, query) == [("Crashed",)]


def test_it_stops_when_told_also_if_it_was_started_to_ignore_ctrl_c(killed):
    assert killed.status == 0


def test_nothing_is_left_that_says_that_serve_lives(killed):
    assert list(killed.home.rglob("serving-*")) == []


def test_what_a_run_imports_does_nothing_to_serve_where_prefect_looks_for_hooks(tmp_path):
    source = "import threading, flows.served_run; print(threading.active_count()); sys.exit()"
    status, out, err = precode(tmp_path / "home", source=source)
    assert (status, out.strip()) == (0, "1"), err


def test_place_in_a_limit_that_a_killed_run_held_is_free_again(killed):
    assert killed.used == (1, 0)


def test_runs_of_last_quarter_are_removed_from_prefects_database(tmp_path):
    home, study_dir = tmp_path / "home", write_small_study(tmp_path / "study")
    assert precode(home, "run", study_dir)[0] == 0
    with (study_dir / "codings" / "ann.csv").open("a", encoding="utf-8") as codings:
        codings.write("t1,Money,2\n")
    assert precode(home, "run", study_dir)[0] == 0
    (old,), (new,) = recorded(home, "select id from flow_run order by created")
    (database,) = home.rglob("*.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "update flow_run set end_time = datetime(end_time, '-91 days') where id = ?", [old]
        )
    process = serve(
        home, study_dir, "--cron", "0 0 29 2 *", PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS="1"
    )
    try:
        heard_until(process, "Ctrl-C stops")
        left = " union ".join(
            f"select flow_run_id from {table} where flow_run_id is not null"
            for table in ("task_run", "flow_run_state", "artifact")
        )
        seconds_until(lambda: recorded(home, left) == [(new,)], most=60)
        assert recorded(home, left) == recorded(home, "select id from flow_run") == [(new,)]
    finally:
        end_session(process)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--cron", "0 25 * * *"), '"0 2 * * *" is every night at two'),
        (("--cron", "nightly"), '"0 2 * * *" is every night at two'),
        (("--timezone", "Mars"), "Europe/London"),
    ],
)
def test_wrong_time_table_is_refused_with_an_example_before_anything_starts(
    arguments, told, make_study, tmp_path
):
    process = serve(tmp_path / "home", make_study().root, *arguments)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told in " ".join(out.split())
    assert out.startswith("Usage: precode serve"), "a machine on which Prefect never ran is warned of nothing"
    assert not list((tmp_path / "home").rglob("*.db"))
