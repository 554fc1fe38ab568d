"""The whole study as a flow: the same outcome as without Prefect, nothing named or said in Prefect's folder.

Real Prefect, real processes, a small study in which invented names stand wherever names can stand.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.files import study_lock
from corpus.study import load_study
from pipeline.run import run_study
from tests.faults.commands import recorded
from tests.faults.planted import PLANTED, planted_below, write_planted_study

ROOT = Path(__file__).parents[1]
TRAINING = ("decide", "fit", "train")
STAGES = ("ingest", "preprocess", "units", "topics", "train", "suggest", "estimate", "compare", "report")


def start(source: str, home: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, after a bit of source that may break a stage."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "PRECODE"))}
    command = (
        f"import sys; sys.argv = ['precode', *sys.argv[1:]]\n{source}\nfrom flows.cli import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", command, *map(str, arguments)],
        cwd=ROOT,
        env={**clean, "PRECODE_HOME": str(home), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def precode(home: Path, *arguments: object, source: str = "", **environment: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    process = start(source, home, *arguments, **environment)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


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


def test_ctrl_c_keeps_finished_stages_and_a_second_run_meanwhile_is_told_who_is_at_work(home, tmp_path):
    study_dir = write_planted_study(tmp_path)
    slow = "import time; from pipeline.stages import STAGES; STAGES['train'] = lambda *_: time.sleep(120)"
    process = start(slow, home, "run", study_dir)
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
    assert (status, out.split()[:2]) == (0, ["Completed:", "3"]), err
    assert sorted(path.name for path in (study_dir / "cache").iterdir() if path.is_dir()) == sorted(stages)
    assert not (tmp_path / "home").exists()


PLAIN = """
import flows.whole_study
state = flows.whole_study.{flow}.fn(sys.argv[1])
print(state.name + ":", state.message)
raise SystemExit(0)
"""
HANGING = """
import pathlib, time
from corpus.study import load_study
from flows.local_server import prefect_api
from pipeline.stages import STAGES
STAGES["train"] = lambda *_: time.sleep(60)
with prefect_api():
    from flows.whole_study import whole_study
    state = whole_study.with_options(timeout_seconds=3)(sys.argv[1], return_state=True)
print(state.name)
raise SystemExit(0)
"""


def test_flow_that_hangs_is_ended_when_its_time_is_over_and_lets_go_of_the_study(home, tmp_path):
    study_dir = write_planted_study(tmp_path)
    assert precode(home, study_dir, source=HANGING)[1].split() == ["TimedOut"]
    with study_lock(study_dir):
        assert (study_dir / "cache" / "units").is_dir()
    assert planted_below(home) == []


def test_run_that_was_killed_is_marked_at_the_next_start(home, tmp_path):
    study_dir = write_planted_study(tmp_path)
    process = start(
        "import time; from pipeline.stages import STAGES; STAGES['train'] = lambda *_: time.sleep(120)",
        home, "run", study_dir,
    )  # fmt: skip
    assert process.stderr is not None
    assert any(line.startswith("topics: done") for line in process.stderr)
    process.kill()
    process.communicate()
    ours = f"select state_name from flow_run where parameters like '%{tmp_path.name}\"%' order by start_time"
    assert recorded(home, ours) == [("Running",)]
    assert precode(home, "run", study_dir)[0] == 0
    assert recorded(home, ours) == [("Crashed",), ("Completed",)]
