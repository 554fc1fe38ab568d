"""A team's way: a real Prefect server with a password, prefect.yaml, a worker, an automation that notifies.

The commands are those of the README; the server listens on a port of 127.0.0.1 that was free, and what it
notifies is another one of the test's own.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.without_names import study_label
from tests.faults.commands import precode, start
from tests.faults.small_study import write_small_study

ROOT = Path(__file__).parents[1]
PASSWORD = "team:not-a-secret-of-anyone"
PREFECT = [sys.executable, "-m", "prefect"]
NO_BLOCK = "00000000-0000-0000-0000-000000000000"
SAVE_BLOCK = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock

block = CustomWebhookNotificationBlock(
    name="precode", url=sys.argv[1], json_data={"subject": "{{subject}}", "body": "{{body}}"}
)
print(block.save("precode", overwrite=True))
"""

TRAINS_FOR_EVER = """
import time
from pipeline.stages import STAGES

def waiting(*_):
    print("at work", flush=True)
    time.sleep(600)

STAGES["train"] = waiting
"""
LEASE_SECONDS = 60
"""For how long a place in a limit is a task's own without a word of it (Prefect 3.8.8)."""


@dataclass
class Team:
    """A server, a worker and a study; what was notified, as it came."""

    environment: dict[str, str]
    url: str
    home: Path
    study_dir: Path
    notified: list[dict[str, str]] = field(default_factory=list)

    def prefect(self, *arguments: str) -> str:
        """Standard output of a command of Prefect's, or of Python where the first argument is -c."""
        command = [sys.executable] if arguments[0] == "-c" else PREFECT
        finished = subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def api(self, path: str, body: Any = None) -> Any:
        """What the API answers: to a GET, or to a POST where there is a body."""
        request = urllib.request.Request(f"{self.url}{path}", method="GET" if body is None else "POST")
        request.add_header("Authorization", f"Basic {base64.b64encode(PASSWORD.encode()).decode()}")
        request.add_header("Content-Type", "application/json")
        content = None if body is None else json.dumps(body).encode()
        return until(lambda: answer_to(request, content), seconds=60)[0]

    def run(self, run_id: str) -> dict[str, Any]:
        """A flow run when it has come to its end."""
        return until(lambda: ended(self.api(f"/flow_runs/{run_id}")), seconds=120)


def answer_to(request: urllib.request.Request, content: bytes | None) -> tuple[Any] | None:
    """What the server answers; None where it is busy, as its own clients take a 503."""
    try:
        with urllib.request.urlopen(request, content, timeout=30) as answer:
            return (json.loads(answer.read() or b"null"),)
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return None


def ended(run: dict[str, Any]) -> dict[str, Any] | None:
    return run if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None


def until(look: Callable[[], Any], *, seconds: float) -> Any:
    """What ``look`` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing within {seconds} s: {look}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is told to end, and is ended with all of its session if it does not."""
    with log.open("wb") as out:
        started = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGINT)
        try:
            started.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


@contextmanager
def heard(notified: list[dict[str, str]]) -> Iterator[str]:
    """The address of a small server that keeps what it is sent."""

    class Hearing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notified.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hearing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def team(tmp_path_factory, write_planted_tiny_study) -> Iterator[Team]:
    """Everything that the README has a team do, on an empty home."""
    home, port = tmp_path_factory.mktemp("team"), free_port()
    study_dir = write_planted_tiny_study(tmp_path_factory.mktemp("shared") / "study")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    found = Team(
        environment={
            **clean,
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
            "PREFECT_API_AUTH_STRING": PASSWORD,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",
            "PRECODE_STUDY": str(study_dir),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        },
        url=f"http://127.0.0.1:{port}/api",
        home=home,
        study_dir=study_dir,
    )
    serving = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    working = [*PREFECT, "worker", "start", "--pool", "precode", "--limit", "1"]
    with heard(found.notified) as address, process(serving, found.environment, home / "server.log"):
        until(lambda: answers(found), seconds=120)
        found.prefect("work-pool", "create", "precode", "--type", "process")
        found.prefect("--no-prompt", "deploy", "--all")
        block = found.prefect("-c", SAVE_BLOCK, address).split()[-1]
        automations = home / "automations.yaml"
        automations.write_text((ROOT / "automations.yaml").read_text().replace(NO_BLOCK, block))
        found.prefect("automation", "create", "--from-file", str(automations))
        with process(working, found.environment, home / "worker.log"):
            yield found


def answers(team: Team) -> bool:
    try:
        return bool(team.api("/health"))
    except OSError:
        return False


@pytest.fixture(scope="module")
def scheduled(team: Team) -> dict[str, Any]:
    """The first run of the deployment "nightly", made by a schedule whose time comes at once."""
    deployment = team.api("/deployments/name/precode-whole-study/nightly")
    soon = datetime.now(UTC) + timedelta(seconds=15)
    # Once in three weeks, for the schedule of the night is active beside it.
    schedule = {"schedule": {"interval": 21 * 86400, "anchor_date": soon.isoformat()}, "active": True}
    team.api(f"/deployments/{deployment['id']}/schedules", [schedule])
    around = [(soon + timedelta(seconds=seconds)).isoformat() for seconds in (-2, 2)]
    due = {"expected_start_time": {"after_": around[0], "before_": around[1]}}
    (first,) = until(lambda: team.api("/flow_runs/filter", {"flow_runs": due}), seconds=60)
    return team.run(first["id"])


@pytest.fixture(scope="module")
def fallen(team: Team, scheduled: dict[str, Any]) -> dict[str, Any]:
    """A second run of it, asked for by hand, after one coder's codings have come to stand elsewhere."""
    path = team.study_dir / "codings" / "bob.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    other = [row if "Money" in row else row.rpartition(",")[0] + ",4" for row in rows]
    path.write_text("\n".join([header, *dict.fromkeys(other)]) + "\n", encoding="utf-8")
    told = team.prefect("deployment", "run", "precode-whole-study/nightly")
    found = re.search(r"UUID: (\S+)", told)
    assert found, told
    return team.run(found[1])


def events_of(team: Team, names: str) -> list[dict[str, Any]]:
    body = {"filter": {"event": {"prefix": [names]}}, "limit": 50}
    return list(team.api("/events/filter", body)["events"])


def test_every_flow_is_deployed_and_one_of_them_every_night(team):
    found = {deployment["name"]: deployment for deployment in team.api("/deployments/filter", {})}
    assert found.keys() == {"nightly", "ingest", "pre-code", "retrain", "audit"}
    assert {str(deployment["parameters"]) for deployment in found.values()} == {
        str({"study_dir": str(team.study_dir)})
    }
    assert [s["schedule"].get("cron") for s in found["nightly"]["schedules"]][:1] == ["0 2 * * *"]


def test_server_asks_for_the_password(team):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{team.url}/flows/count", data=b"{}", timeout=30)


@pytest.mark.parametrize("command", ["serve", "run"])
def test_wrong_password_is_named_and_what_to_do(team, tmp_path, command):
    settings = {"PREFECT_API_URL": team.url, "PREFECT_API_AUTH_STRING": "team:another"}
    status, out, err = precode(tmp_path, command, write_small_study(tmp_path / "study"), **settings)
    assert (status, out) == (1, "")
    assert f"The Prefect server at {team.url} refuses the password (PREFECT_API_AUTH_STRING)" in err
    assert "another" not in err


def test_address_that_is_not_the_one_of_the_api_is_named(team, tmp_path):
    url = team.url.removesuffix("/api")
    settings = {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": PASSWORD}
    status, _, err = precode(tmp_path, "run", write_small_study(tmp_path / "study"), **settings)
    assert status == 1
    assert f"What answers at {url} (PREFECT_API_URL) is no Prefect API" in err


def test_scheduled_run_happens_and_its_state_says_what_to_look_at(team, scheduled):
    assert scheduled["auto_scheduled"]
    assert (scheduled["state_type"], scheduled["state_name"]) == ("COMPLETED", "FilesSetAside")
    assert scheduled["state"]["message"].startswith("study: 1 file(s) set aside, 6 transcripts read")
    assert (team.study_dir / "runs" / "latest").is_file()


def test_run_shows_a_summary_scores_progress_and_the_path_of_the_page(team, scheduled):
    found = team.api("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [scheduled["id"]]}}})
    label = study_label(team.study_dir.resolve())
    by_key = {artifact["key"].removeprefix(f"{label}-"): artifact["data"] for artifact in found}
    run_dir = team.study_dir / "runs" / (team.study_dir / "runs" / "latest").read_text().strip()
    assert by_key.keys() == {"summary", "codes", "progress"}
    assert "| transcripts | 6 |" in by_key["summary"] and "| files set aside | 1 |" in by_key["summary"]
    assert [row["code"] for row in json.loads(by_key["codes"])] == ["code 1", "code 2", "code 3"]
    evaluation = json.loads((run_dir / "evaluation.json").read_text())
    scores = {row["average_precision"] for row in evaluation["scopes"]["all"]["codes"]}
    assert scores == {row["average precision"] for row in json.loads(by_key["codes"])} - {"undefined"}
    assert by_key["progress"] == 100
    assert str(run_dir / "report.html") in by_key["summary"]


def test_lower_agreement_ends_in_a_state_of_its_own_and_in_an_event(team, fallen):
    assert (fallen["state_type"], fallen["state_name"]) == ("COMPLETED", "QualityFell"), fallen["state"]
    (event,) = until(lambda: events_of(team, "precode.agreement-fell"), seconds=20)
    assert event["payload"]["before"] - event["payload"]["after"] > 0.01
    assert (
        event["resource"]["prefect.resource.id"] == f"precode.study.{study_label(team.study_dir.resolve())}"
    )


@pytest.mark.parametrize("event", ["file-set-aside", "agreement-fell", "new-model", "ended as QualityFell"])
def test_automation_notifies_by_prefects_own_block(event, team, fallen):
    heard = until(lambda: [note for note in team.notified if event in note["subject"]], seconds=30)
    assert heard[0]["subject"].startswith("precode")


def test_note_that_calls_somebody_names_the_run_and_says_what_came_of_it(team, fallen):
    subject = f"precode: {fallen['name']} ended as QualityFell"
    (note,) = until(lambda: [note for note in team.notified if note["subject"] == subject], seconds=30)
    assert note["body"] == fallen["state"]["message"]


@pytest.mark.parametrize(
    ("number", "subject"), [(0, "precode.new-model: test"), (1, "precode: test ended as Failed")]
)
def test_a_note_can_be_tried_by_the_command_in_the_file_of_automations(team, number, subject):
    head = (ROOT / "automations.yaml").read_text(encoding="utf-8").replace("\n#", "\n").replace("\\\n", " ")
    written = re.findall(r"prefect (event emit (?:[^'\n]|'[^']*')+)", head)
    team.prefect(*shlex.split(written[number]))
    until(lambda: [note for note in team.notified if note["subject"] == subject], seconds=30)


def test_nothing_named_or_said_is_in_what_prefect_keeps_or_tells(team, fallen, planted_in):
    assert fallen["state_name"] == "QualityFell"
    assert events_of(team, "precode.")
    assert planted_in(team.home) == []
    (team.home / "notified.json").write_text(json.dumps(team.notified))
    assert planted_in(team.home) == []


def training_of(team: Team, study_dir: Path) -> list[dict[str, Any]]:
    """The task runs that train a study's model, as the server has them."""
    runs = {
        run["id"]
        for run in team.api("/flow_runs/filter", {})
        if run["parameters"].get("study_dir") == str(study_dir.resolve())
    }
    tagged = team.api("/task_runs/filter", {"task_runs": {"tags": {"all_": ["precode-train"]}}})
    return [task for task in tagged if task["flow_run_id"] in runs]


def test_second_study_waits_for_a_place_to_train_and_gets_it_after_the_lease_of_one_that_was_killed(
    team, tmp_path
):
    team.prefect("concurrency-limit", "create", "precode-train", "1")
    settings = {name: value for name, value in team.environment.items() if name.startswith("PREFECT")}
    studies = [write_small_study(tmp_path / name) for name in ("first", "second")]
    first = start(tmp_path, "run", studies[0], source=TRAINS_FOR_EVER, merged=True, **settings)
    second = None
    try:
        assert first.stdout is not None
        assert any("at work" in line for line in first.stdout)
        second = start(tmp_path, "run", studies[1], merged=True, **settings)
        until(lambda: training_of(team, studies[1]), seconds=60)
        time.sleep(5)
        assert [task["state_type"] for task in training_of(team, studies[1])] == ["PENDING"]
        first.kill()
        killed = datetime.now(UTC)
        out, _ = second.communicate(timeout=LEASE_SECONDS + 60)
    finally:
        for process_of_ours in filter(None, (first, second)):
            process_of_ours.kill()
    assert second.returncode == 0, out
    (task,) = until(lambda: [t for t in training_of(team, studies[1]) if ended(t)], seconds=20)
    waited = (datetime.fromisoformat(task["start_time"]) - killed).total_seconds()
    assert task["state_type"] == "COMPLETED" and 0 < waited < LEASE_SECONDS + 10
