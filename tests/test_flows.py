"""The whole study as a flow: the same outcome as without Prefect, nothing named or said in Prefect's folder.

Real Prefect, real processes, a small study in which invented names stand wherever names can stand.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus.files import study_lock
from corpus.study import load_study
from pipeline.run import run_study
from pipeline.without_names import study_label
from tests.faults.commands import HANGING, precode, recorded, start
from tests.faults.planted import PLANTED, planted_below, write_planted_study
from tests.faults.small_study import write_small_study

ROOT = Path(__file__).parents[1]
TRAINING = ("decide", "fit", "train")
STAGES = ("ingest", "preprocess", "units", "topics", "train", "suggest", "estimate", "compare", "report")


def outputs(run_dir: Path) -> dict[str, str]:
    """Name -> sha256 of every file of a run."""
    found: dict[str, str] = json.loads((run_dir / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Our folder in the user's home."""
    return tmp_path_factory.mktemp("precode")


@pytest.fixture(scope="module")
def finished(home, tmp_path_factory) -> Iterator[tuple[Path, tuple[int, str, str]]]:
    """A study after ``precode run`` with Prefect's log at DEBUG, and what was said."""
    study_dir = write_planted_study(tmp_path_factory.mktemp("study"))
    told = precode(
        home, "run", study_dir, "--json", PREFECT_LOGGING_LEVEL="DEBUG", PREFECT_SERVER_LOGGING_LEVEL="DEBUG"
    )
    return study_dir, told


def test_flow_ends_with_a_report(finished):
    study_dir, (status, out, err) = finished
    assert status == 0, err
    result = json.loads(out)
    assert (result["n_transcripts"], result["n_read_transcripts"], result["unchanged"]) == (3, 2, False)
    assert (study_dir / "runs" / result["run_id"] / "report.html").is_file()


def test_every_stage_is_a_completed_task_run(finished, home):
    first = "(select id from flow_run order by start_time limit 1)"
    rows = recorded(home, f"select name, state_type from task_run where flow_run_id = {first}")
    assert {name.split()[0] for name, _ in rows} == set(STAGES)
    assert {state for _, state in rows} == {"COMPLETED"}


def test_no_planted_name_is_in_prefects_folder_or_log(finished, home):
    _, (_, _, err) = finished
    assert "Beginning flow run" in err
    assert [name for name in PLANTED if name in err] == []
    assert planted_below(home) == []


def test_flow_gives_the_bytes_that_plain_functions_give(finished, tmp_path):
    study_dir, (_, out, _) = finished
    again = run_study(load_study(write_planted_study(tmp_path / study_dir.name)))
    assert outputs(again.run_dir) == outputs(Path(json.loads(out)["run_dir"]))


def test_unchanged_study_is_told_without_prefect(finished, home):
    study_dir, (_, out, _) = finished
    watching = "import atexit; atexit.register(lambda: print('prefect' in sys.modules, file=sys.stderr))"
    status, told, err = precode(home, "run", study_dir, source=watching)
    assert (status, err.strip()) == (0, "False")
    assert f"Nothing changed since {json.loads(out)['run_id']}" in told


def test_file_that_cannot_be_read_is_listed_to_us_and_counted_to_prefect(finished, home, tmp_path):
    study_dir = Path(shutil.copytree(finished[0], tmp_path / "study"))
    (study_dir / "transcripts" / "Brocklebank.xyz").write_bytes(b"\x00\x01")
    status, out, err = precode(home, "run", study_dir)
    assert status == 3
    assert "3 transcripts" in out
    assert "Set aside: Brocklebank.xyz" in err
    newest = "order by start_time desc limit 1"
    assert recorded(home, f"select state_name from flow_run {newest}") == [("FilesSetAside",)]
    assert planted_below(home) == []


BREAKING = """
import pathlib, pipeline.run
from corpus.errors import StudyError
from corpus.study import load_study
from flows.run_here import run_whole_study
from pipeline.stages import STAGES

def broken(*args, **kwargs):
    raise {error}

for stage in {stages}:
    names, name = (STAGES, stage) if stage in STAGES else (vars(pipeline.run), "write_tables")
    whole, names[name] = names[name], broken
    try:
        run_whole_study(load_study(pathlib.Path(sys.argv[1])))
    except Exception as error:
        print(stage, type(error).__name__, "Quillfeather" in str(error))
    names[name] = whole
raise SystemExit(0)
"""


@pytest.mark.parametrize(
    ("error", "stages"),
    [(f"LookupError('{' '.join(PLANTED)}')", STAGES), (f"StudyError('{' '.join(PLANTED)}')", STAGES[:1])],
)
def test_words_of_an_error_in_any_stage_reach_us_but_not_prefect(error, stages, home, tmp_path):
    study_dir = write_planted_study(tmp_path)
    source = BREAKING.format(stages=stages, error=error)
    status, out, err = precode(home, study_dir, source=source, PREFECT_LOGGING_LEVEL="DEBUG")
    assert status == 0, err
    assert sorted(out.splitlines()) == sorted(f"{stage} {error.split('(')[0]} True" for stage in stages)
    assert recorded(home, "select count(*) from flow_run where state_type = 'FAILED'")[0][0] >= len(stages)
    assert planted_below(home) == []
    assert [name for name in PLANTED if name in err] == []
    assert not (home / "prefect" / "storage").exists()


UNATTENDED = """
from flows.local_server import prefect_api
with prefect_api():
    exec(PATCH)
    from flows import whole_study
    state = whole_study.{flow}(sys.argv[1], return_state=True)
print(state.name + ":", state.message)
raise SystemExit(0)
"""


def unattended(flow: str = "whole_study", *, patch: str = "") -> str:
    """Source that runs a flow for which nobody waits, with Prefect, and shows its state. patch: run before it."""
    return f"PATCH = {patch!r}\n{UNATTENDED.format(flow=flow)}"


FAILING = """
from corpus.errors import StudyError
from pipeline.stages import STAGES

def broken(*args):
    raise {error}

STAGES["train"] = broken
"""


@pytest.mark.parametrize(
    ("error", "to_prefect", "in_the_study"),
    [
        (f"StudyError('{' '.join(PLANTED)}')", "train: StudyError.", " ".join(PLANTED)),
        (f"StudyError('{PLANTED[0]}', reason='no room')", "train: StudyError (no room).", PLANTED[0]),
        (
            f"OSError(28, 'x', '{PLANTED[0]}')", "train: OSError (No space left on device).",
            f"{PLANTED[0]}: x (OSError at flows/stage_tasks.py:",
        ),
        (f"LookupError('{PLANTED[0]}')", "train: LookupError.", "did not foresee: LookupError at flows/"),
    ],
)  # fmt: skip
def test_failure_that_nobody_waits_for_is_told_in_the_study_until_a_run_ends_well(
    error, to_prefect, in_the_study, home, tmp_path
):
    study_dir = write_planted_study(tmp_path)
    status, out, err = precode(home, study_dir, source=unattended(patch=FAILING.format(error=error)))
    kept = study_dir / "runs" / "last-failure-whole-study.txt"
    said = f"{to_prefect} runs/{kept.name} in the study says more."
    assert (status, out.strip()) == (0, f"Failed: {study_dir.name}: {said}"), err
    assert err.strip().endswith(said)
    assert in_the_study in kept.read_text(encoding="utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [name for name in PLANTED if name in err] == []
    assert planted_below(home) == []
    assert precode(home, study_dir, source=unattended("ingest"))[1].startswith("Completed")
    assert kept.is_file()
    assert precode(home, study_dir, source=unattended())[1].startswith("Completed")
    assert not kept.exists()
    kept.write_text("an old one")
    assert precode(home, "run", study_dir)[0] == 0
    assert not kept.exists()


@pytest.mark.parametrize(
    ("study", "more"), [(False, "The study's folder is not there."), (True, "could not be written into")]
)
def test_failure_that_cannot_be_told_in_the_study_is_not_said_to_be_there(study, more, home, tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "runs").write_text("no folder")
    folder = tmp_path / "study" if study else tmp_path / "nowhere"
    _, out, err = precode(home, folder, source=unattended("ingest"))
    assert out.startswith(f"Failed: {folder.name}: ingest: StudyError. "), err
    assert more in out
    assert not (tmp_path / "nowhere").exists()


SLOW_TRAINING = (
    "import time; from pipeline.stages import STAGES; STAGES['train'] = lambda *_: time.sleep(120)"
)


def test_ctrl_c_keeps_finished_stages_and_a_second_run_meanwhile_is_told_who_is_at_work(home, tmp_path):
    study_dir = write_planted_study(tmp_path)
    process = start(home, "run", study_dir, source=SLOW_TRAINING)
    try:
        assert process.stderr is not None
        assert any(line.startswith("topics: done") for line in process.stderr)
        status, _, err = precode(home, "run", study_dir)
        assert status == 1
        assert f"process {process.pid}" in err
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Stopped. Finished stages are kept" in err
    finally:
        process.kill()
    before = {path: path.stat().st_mtime_ns for path in (study_dir / "cache" / "preprocess").iterdir()}
    assert precode(home, "run", study_dir)[0] == 0
    assert {
        path: path.stat().st_mtime_ns for path in (study_dir / "cache" / "preprocess").iterdir()
    } == before


@pytest.mark.parametrize(
    ("flow", "stages"),
    [
        ("ingest", ["ingest"]),
        ("pre_code", ["ingest", "preprocess", "units", *TRAINING, "suggest"]),
        ("retrain", ["ingest", "preprocess", "units", *TRAINING]),
        ("audit", [*STAGES[:-1], "decide", "fit"]),
    ],
)
def test_flow_without_its_decorator_is_plain_python_and_does_what_its_name_says(flow, stages, tmp_path):
    study_dir = write_planted_study(tmp_path / "study")
    status, out, err = precode(tmp_path / "home", study_dir, source=PLAIN.format(flow=flow))
    assert (status, out.split()[:3]) == (0, ["Completed:", "study:", "3"]), err
    assert sorted(path.name for path in (study_dir / "cache").iterdir() if path.is_dir()) == sorted(stages)
    assert not (tmp_path / "home").exists()


PLAIN = """
import flows.whole_study
state = flows.whole_study.{flow}.fn(sys.argv[1])
print(state.name + ":", state.message)
raise SystemExit(0)
"""


def test_flow_that_hangs_is_ended_when_its_time_is_over_and_lets_go_of_the_study(home, tmp_path):
    study_dir = write_planted_study(tmp_path)
    source = HANGING.format(stage="train", sleep=60, timeout=3)
    assert precode(home, study_dir, source=source)[1].split() == ["TimedOut"]
    with study_lock(study_dir):
        assert (study_dir / "cache" / "units").is_dir()
    assert planted_below(home) == []


HOLDS = """
import pathlib, time
import flows.whole_study as whole
outcome = whole.outcome

def wait():
    print("there", flush=True)
    while not pathlib.Path(sys.argv[1], "go on").exists():
        time.sleep(0.1)

def held(*args, **options):
    {before}
    state = outcome(*args, **options)
    {after}
    return state

whole.outcome = held
"""
KILLED = """
import os, signal
from prefect.flow_engine import FlowRunEngine
import flows.whole_study as whole
from pipeline.stages import STAGES

def killed(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

{where} = killed
"""


def is_there(process: subprocess.Popen[str]) -> bool:
    """Wait until a process says so."""
    assert process.stdout is not None
    return any(line.startswith("there") for line in process.stdout)


def states_of(home: Path, folder: Path) -> list[list[str]]:
    """The states through which each run of a study below a folder went, as Prefect was told."""
    rows = recorded(
        home,
        "select f.id, s.name from flow_run f join flow_run_state s on s.flow_run_id = f.id "
        f"where f.parameters like '%/{folder.name}/%' or f.parameters like '%/{folder.name}\"%' "
        "order by f.created, s.timestamp",
    )
    return [[state for run, state in rows if run == one] for one in dict.fromkeys(run for run, _ in rows)]


@pytest.mark.parametrize(
    ("before", "after"),
    [("wait()", "pass"), ("pass", "wait()")],
    ids=["before it takes the study", "after it let go of the study"],
)
def test_run_that_is_alive_is_not_taken_for_dead(before, after, home, tmp_path):
    study_dir = write_planted_study(tmp_path / tmp_path.name)
    process = start(home, study_dir, source=unattended(patch=HOLDS.format(before=before, after=after)))
    try:
        assert is_there(process)
        other = precode(home, study_dir, source=unattended())[1].split(":")[0]
        (study_dir / "go on").touch()
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    ends = [out.split(":")[0], other]
    assert sorted(ends) == ["Completed", "NothingChanged"], err
    assert states_of(home, study_dir) == [["Pending", "Running", end] for end in ends]


@pytest.mark.parametrize(
    ("where", "state"),
    [
        ("FlowRunEngine.begin_run", "Pending"),
        ("whole.begin_work", "Running"),
        ("whole.study_lock", "Running"),
        ("whole.close_dead_runs", "Running"),
        ("STAGES['train']", "Running"),
    ],
)
def test_runs_that_are_killed_are_closed_at_the_next_start_whenever_the_kill_came(
    where, state, home, tmp_path
):
    study_dir = write_planted_study(tmp_path / tmp_path.name)
    (tmp_path / "link").symlink_to(study_dir)
    for typed in (f"{study_dir}/", tmp_path / "link"):
        process = start(home, typed, source=unattended(patch=KILLED.format(where=where)))
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
    tasks = (
        "select count(*) from task_run t join flow_run f on f.id = t.flow_run_id where t.state_type in "
        f"('PENDING', 'RUNNING') and f.parameters like '%/{tmp_path.name}/%'"
    )
    assert states_of(home, tmp_path)[-1][-1] == state
    assert recorded(home, tasks) == [(1 if "STAGES" in where else 0,)]
    assert precode(home, "run", study_dir)[0] == 0
    assert [states[-1] for states in states_of(home, tmp_path)] == ["Crashed", "Crashed", "Completed"]
    assert recorded(home, tasks) == [(0,)]
    assert [path.name[:7] for path in (study_dir / ".precode.flows").iterdir()] == ["folder-"]


def test_run_of_another_machine_with_a_study_at_the_same_path_is_left_alone(home, tmp_path):
    """Two machines that have one server: what one of them has at the path is put aside for a while."""
    study_dir, aside = write_planted_study(tmp_path / tmp_path.name), tmp_path / "of the other machine"
    process = start(home, study_dir, source=unattended(patch=HOLDS.format(before="wait()", after="pass")))
    try:
        assert is_there(process)
        study_dir.rename(aside)
        write_planted_study(study_dir)
        assert precode(home, "run", study_dir)[0] == 0
        assert [states[-1] for states in states_of(home, tmp_path)] == ["Running", "Completed"]
        study_dir.rename(tmp_path / "of this machine")
        aside.rename(study_dir)
        (study_dir / "go on").touch()
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert out.startswith("Completed"), err


def test_run_goes_on_while_a_copy_of_its_study_is_run(home, tmp_path):
    study_dir, copy = write_planted_study(tmp_path / tmp_path.name), tmp_path / "copy"
    process = start(home, study_dir, source=unattended(patch=HOLDS.format(before="wait()", after="pass")))
    try:
        assert is_there(process)
        shutil.copytree(study_dir, copy)
        assert precode(home, "run", copy)[0] == 0
        assert states_of(home, study_dir)[0][-1] == "Running"
        (study_dir / "go on").touch()
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert out.startswith("Completed"), err
    assert [path.name[:7] for path in (copy / ".precode.flows").iterdir()] == ["folder-"]


def test_run_that_another_server_knows_of_is_closed_there_and_forgotten_here(home, tmp_path):
    study_dir = write_planted_study(tmp_path / tmp_path.name)
    process = start(home, study_dir, source=unattended(patch=KILLED.format(where="STAGES['train']")))
    process.communicate(timeout=120)
    assert precode(tmp_path / "other home", "run", study_dir)[0] == 0
    assert [path.name[:7] for path in (study_dir / ".precode.flows").iterdir()] == ["folder-"]
    assert states_of(home, study_dir)[0][-1] == "Running"
    (study_dir / "transcripts/new.txt").write_text("Ann: I could not see it.\n")
    assert precode(home, "run", study_dir)[0] == 0
    assert [states[-1] for states in states_of(home, study_dir)] == ["Crashed", "Completed"]


SLOW = """
import pathlib, time
from pipeline.stages import STAGES
train = STAGES["train"]

def slow(*args):
    print("there", flush=True)
    while not pathlib.Path(sys.argv[1], "go on").exists():
        time.sleep(0.1)
    return train(*args)

STAGES["train"] = slow
"""
TELLING = """
import flows.whole_study as whole
study_lock = whole.study_lock

def telling(root, **options):
    print("there", flush=True)
    return study_lock(root, **options)

whole.study_lock = telling
"""
IMPATIENT = "import flows.whole_study as whole; whole.WAIT_SECONDS = 1"


def test_flow_waits_for_another_run_and_then_finds_nothing_to_do(home, tmp_path):
    study_dir = write_planted_study(tmp_path / tmp_path.name)
    first = start(home, study_dir, source=unattended(patch=SLOW))
    try:
        assert is_there(first)
        held = precode(home, study_dir, source=unattended(patch=IMPATIENT))[1]
        second = start(home, study_dir, source=unattended(patch=TELLING))
        assert is_there(second)
        time.sleep(1)
        (study_dir / "go on").touch()
        told = [process.communicate(timeout=300)[0].split(":")[0] for process in (first, second)]
    finally:
        first.kill()
    said = f"Failed: {study_dir.name}: whole study: StudyHeldError (held by process {first.pid} since 2"
    assert held.startswith(said)
    assert told == ["Completed", "NothingChanged"]
    ends = [states[-1] for states in states_of(home, tmp_path)]
    assert ends == ["Completed", "Failed", "NothingChanged"]


def test_time_to_wait_is_some_minutes_and_far_from_that_of_a_run(home):
    told = "import flows.whole_study as whole; print(whole.WAIT_SECONDS, whole.TIMEOUT_SECONDS); sys.exit()"
    assert precode(home, source=told)[1].split() == ["600", "86400"]


def test_run_that_was_killed_is_marked_at_the_next_start(home, tmp_path):
    study_dir = write_planted_study(tmp_path)
    process = start(home, "run", study_dir, source=SLOW_TRAINING)
    assert process.stderr is not None
    assert any(line.startswith("topics: done") for line in process.stderr)
    process.kill()
    process.communicate()
    ours = f"select state_name from flow_run where parameters like '%{tmp_path.name}\"%' order by start_time"
    assert recorded(home, ours) == [("Running",)]
    assert precode(home, "run", study_dir)[0] == 0
    assert recorded(home, ours) == [("Crashed",), ("Completed",)]


@dataclass(frozen=True)
class Night:
    """What a run for which nobody waits left behind.

    line: the one that it wrote into the log. state, message, name, tags: as Prefect has them. summary: the artifact.
    """

    line: str
    state: str
    message: str
    name: str
    tags: set[str]
    summary: str


def night(home: Path, typed: object) -> Night:
    """One run, as a schedule starts it, and what the newest flow run is by now."""
    status, _, err = precode(home, typed, source=unattended())
    assert status == 0, err
    newest = "from flow_run f join flow_run_state s on s.id = f.state_id order by f.start_time desc limit 1"
    ((name, tags, state, message),) = recorded(home, f"select f.name, f.tags, s.name, s.message {newest}")
    (summary,) = recorded(
        home, "select data from artifact where key like '%-summary' order by created desc limit 1"
    )
    return Night(
        err.strip().splitlines()[-1], state, message, name, set(json.loads(tags)), json.loads(summary[0])
    )


@pytest.fixture(scope="module")
def nights(home, tmp_path_factory) -> Iterator[tuple[Path, list[Night]]]:
    """A study with a file whose encoding is guessed and one that cannot be read: its first run, one without a change,
    and one after a coding was added; reached by a link.
    """
    top = tmp_path_factory.mktemp("nights")
    study_dir = write_small_study(top / "my-study")
    (study_dir / "transcripts" / "guessed.txt").write_bytes(
        "INT: Ça va ?\nP1: Trois cafés.\n".encode("cp1252")
    )
    (study_dir / "transcripts" / "other.xyz").write_bytes(b"\x00\x01")
    (top / "link").symlink_to(study_dir)
    found = [night(home, top / "link"), night(home, top / "link")]
    with (study_dir / "codings" / "ann.csv").open("a", encoding="utf-8") as codings:
        codings.write("t1,Money,2\n")
    yield study_dir, [*found, night(home, top / "link")]
    shutil.rmtree(top)


def test_name_tags_and_message_of_a_run_say_which_study_it_is(nights):
    study_dir, runs = nights
    assert {run.name for run in runs} == {"whole study: my-study"}
    assert all(run.tags >= {"precode", study_label(study_dir)} for run in runs)
    assert all(run.message.startswith("my-study: 1 file(s) set aside, 4 transcripts read") for run in runs)
    assert all(
        "whole study: FilesSetAside: 1 file(s) set aside, 4 transcripts read" in run.line for run in runs
    )


def test_message_and_log_say_which_run_it_was_how_long_it_took_and_what_became_of_the_model(nights):
    study_dir, (first, again, more) = nights
    runs = sorted(path.parent.name for path in (study_dir / "runs").glob("*/manifest.json"))
    manifest = json.loads((study_dir / "runs" / runs[0] / "manifest.json").read_text(encoding="utf-8"))
    model = f"model {manifest['model']['version'][:4]}\N{HORIZONTAL ELLIPSIS}"
    assert f"; {model} in use; run {runs[0]}, took 0:00:" in first.message
    assert f"; {model} in use; nothing changed since run {runs[0]}, took 0:00:" in again.message
    assert f"; {model} was not trained again: 1 of 50 new codings" in more.message
    assert f"; run {runs[1]}, took 0:00:" in more.message
    assert all(run.line.endswith(f": {run.message.removeprefix('my-study: ')}") for run in nights[1])
    assert [code for code in ("Waiting", "Money", "Hope") if code in more.message + more.line] == []


def test_killed_run_is_told_in_a_line_of_the_log_of_the_run_that_closes_it(home, tmp_path):
    study_dir = write_planted_study(tmp_path / "my-study")
    start(home, study_dir, source=unattended(patch=KILLED.format(where="STAGES['train']"))).communicate(
        timeout=120
    )
    ((run_id,),) = recorded(
        home,
        f"select id from flow_run where parameters like '%{tmp_path.name}/my-study%' and state_name = 'Running'",
    )
    _, _, err = precode(home, study_dir, source=unattended())
    (line,) = [line for line in err.splitlines() if "was killed" in line]
    assert f" {study_dir}: run {run_id} (whole study: my-study, begun 20" in line
    assert line.endswith(") was killed; it is marked Crashed")
    assert "was killed" not in precode(home, study_dir, source=unattended())[2]


def test_file_whose_encoding_was_guessed_is_counted_in_message_and_log_and_on_the_terminal(nights, home):
    study_dir, runs = nights
    again = shutil.copytree(study_dir, study_dir.parent / "again", ignore=shutil.ignore_patterns("runs"))
    told = "1 file read with a warning: see the report"
    assert all(f"; {told};" in run.message and f"; {told};" in run.line for run in runs)
    assert told in precode(home, "run", again)[1].splitlines()
    status, out, _ = precode(home, "ingest", study_dir)
    assert (status, "1 file read with a warning" in out) == (3, True)


def test_summary_says_of_a_model_that_it_is_new_only_after_the_run_that_made_it(nights):
    assert ["The model is a new one." in run.summary for run in nights[1]] == [True, False, False]


def test_summary_has_the_path_of_the_page_to_copy_and_no_link_that_a_browser_blocks(nights, home):
    study_dir, runs = nights
    run_id = sorted(path.parent.name for path in (study_dir / "runs").glob("*/manifest.json"))[-1]
    assert f"\n{study_dir / 'runs' / run_id / 'report.html'}\n" in runs[-1].summary
    assert recorded(home, "select count(*) from artifact where data like '%file://%'") == [(0,)]


def test_file_that_is_set_aside_is_told_by_one_event_and_by_the_state_of_every_run(nights, home):
    study_dir, runs = nights
    told = recorded(
        home,
        "select payload from events where event = 'precode.file-set-aside' "
        f"and resource_id = 'precode.study.{study_label(study_dir)}'",
    )
    assert [json.loads(payload) for (payload,) in told] == [{"n_files": 1, "n_set_aside": 1}]
    assert {run.state for run in runs} == {"FilesSetAside"}


KILLED_AFTER_THE_REPORT = """
import os, signal
import flows.whole_study as whole
whole.show_run = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def test_run_that_was_killed_after_its_report_is_closed_by_a_command_that_has_nothing_to_do(home, tmp_path):
    study_dir = write_planted_study(tmp_path / tmp_path.name)
    process = start(home, study_dir, source=unattended(patch=KILLED_AFTER_THE_REPORT))
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert states_of(home, tmp_path)[-1][-1] == "Running"
    watching = "import atexit; atexit.register(lambda: print('prefect' in sys.modules, file=sys.stderr))"
    status, out, err = precode(home, "run", study_dir, source=watching)
    assert (status, out.startswith("Nothing changed since 0001-")) == (0, True), out + err
    assert [states[-1] for states in states_of(home, tmp_path)] == ["Crashed", "NothingChanged"]
    status, out, err = precode(home, "run", study_dir, source=watching)
    assert (status, err.strip()) == (0, "False")
