"""Several processes at one study, a task done twice, a clock that goes back."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from corpus.study import load_study, transcript_files
from corpus.tables import read_table
from flows.versions_known import BROKEN, BROKEN_ON_SCHEDULE, refuse_broken, untried
from pipeline.newest import finished_runs, latest_run
from pipeline.run import run_study
from tests.faults.commands import TOP, precode, recorded, start
from tests.faults.left_behind import fingerprint
from tests.faults.lowest import PYPROJECT, lowest_versions
from tests.faults.small_study import write_small_study

PER_WRITER = 150


def test_four_writers_at_once_lose_no_row_and_each_keeps_their_order(tmp_path: Path) -> None:
    root = tmp_path / "study"
    (root / "transcripts").mkdir(parents=True)
    lines = [f"Interviewer: Part {i}?\nP1: Answer number {i}." for i in range(2 * PER_WRITER)]
    (root / "transcripts" / "t1.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    writers = []
    for number, coder in enumerate(("cyd", "cyd", "dee", "eve")):
        rows = [f"t1,Code {number},{2 * i + 2}" for i in range(PER_WRITER)]
        table = tmp_path / f"table{number}.csv"
        table.write_text("\n".join(["transcript,code,turn", *rows, ""]), encoding="utf-8")
        writers.append(start(tmp_path / "home", "import", root, table, "--coder", coder))
    told = [process.communicate(timeout=300) for process in writers]
    assert [process.returncode for process in writers] == [0, 0, 0, 0], told
    found: dict[str, list[int]] = {}
    for path in (root / "codings").iterdir():
        for row in read_table(path.read_bytes(), file=path.name, for_machines=True).rows:
            found.setdefault(row.cells["code"], []).append(int(row.cells["start"]))
    assert sorted(found) == ["Code 0", "Code 1", "Code 2", "Code 3"]
    assert sum(map(len, found.values())) == 600
    assert all(places == sorted(places) for places in found.values())


def test_same_file_brought_in_by_two_processes_at_once_is_there_once(tmp_path: Path) -> None:
    study = load_study(write_small_study(tmp_path / "study"))
    new = tmp_path / "t9.txt"
    new.write_text("Interviewer: And?\nP1: Nothing that anybody said before.\n", encoding="utf-8")
    both = [start(tmp_path / "home", "import", study.root, new) for _ in range(2)]
    told = sorted(process.communicate(timeout=300)[0].splitlines()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert told == ["t9.txt: 0 new transcripts", "t9.txt: 1 new transcripts"]
    assert [name for name in transcript_files(study) if "t9" in name] == ["t9.txt"]


FAILS_ONCE = """
from {where} import {what} as whole
import {where}
failed = []
def fails_once(*args, **options):
    made = whole(*args, **options)
    if not failed:
        failed.append(made)
        raise TimeoutError(110, "after the write")
    return made
{where}.{what} = fails_once
"""


@pytest.mark.parametrize(
    ("task", "what"),
    [
        ("preprocess", "preprocess"),
        ("report", "make_folder_whole"),
        ("report", "write_current"),
        ("report", "write_whole"),
    ],
)
def test_task_that_fails_after_a_write_is_tried_again_and_nothing_is_there_twice(
    tmp_path: Path, task: str, what: str
) -> None:
    once = write_small_study(tmp_path / "a" / "study")
    run_study(load_study(once))
    again = write_small_study(tmp_path / "b" / "study")
    where = "pipeline.stages" if task == what else "pipeline.run"
    status, _, err = precode(
        tmp_path / "home", "run", again, source=FAILS_ONCE.format(where=where, what=what)
    )
    assert status == 0, err
    tasks = f"select run_count from task_run where name like '{task}%'"
    assert recorded(tmp_path / "home", tasks) == [(2,)]
    assert fingerprint(again) == fingerprint(once)


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#define YEAR (365L * 24 * 3600)
int clock_gettime(clockid_t clock, struct timespec *found) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, found);
    if (clock == CLOCK_REALTIME) found->tv_sec -= YEAR;
    return status;
}
"""
RUN = """
import sys
from datetime import datetime
from pathlib import Path
from corpus.study import load_study
from pipeline.run import run_study
print(datetime.now().year, run_study(load_study(Path(sys.argv[1]))).run_id)
"""


@pytest.mark.skipif(
    not shutil.which("gcc") or sys.platform != "linux", reason="gcc makes a clock that is a year late"
)
def test_run_with_a_clock_one_year_back_is_the_newest_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "clock.c").write_text(CLOCK, encoding="utf-8")
    library = tmp_path / "clock.so"
    command = ["gcc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "clock.c"), "-ldl"]
    subprocess.run(command, check=True)
    study = load_study(write_small_study(tmp_path / "study"))
    first = run_study(study).run_id
    with (study.codings_dir / "ann.csv").open("a", encoding="utf-8") as stream:
        stream.write("t1,Hope,2\n")
    late = subprocess.run(
        [sys.executable, "-c", RUN, str(study.root)],
        cwd=TOP,
        env={"LD_PRELOAD": str(library), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    year, second = late.stdout.split()
    made = (study.runs_dir / second / "manifest.json").read_text()
    assert f'"created_at": "{year}-' in made
    assert f'"created_at": "{year}-' not in (study.runs_dir / first / "manifest.json").read_text()
    assert finished_runs(study) == (first, second)
    assert latest_run(study) == second
    assert run_study(study).unchanged


@pytest.fixture
def newer_fastapi(tmp_path: Path) -> Path:
    """A folder that says that a version of fastapi is installed with which Prefect's server does not start."""
    folder = tmp_path / "site" / "fastapi-0.155.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: fastapi\nVersion: 0.155.0\n")
    return folder.parent


def test_version_that_is_known_not_to_work_is_named_with_what_to_do(tmp_path, newer_fastapi) -> None:
    root = write_small_study(tmp_path / "study")
    status, _, err = precode(tmp_path / "home", "run", root, PYTHONPATH=str(newer_fastapi))
    assert status == 1
    assert "fastapi 0.155.0 is installed, with which Prefect's server does not start" in err
    assert "pip install 'fastapi" in err
    assert "precode report STUDY" in err
    assert not (root / "cache").exists()


def test_versions_that_nobody_asked_for_are_named_beside_an_error_that_was_not_foreseen(
    tmp_path, newer_fastapi
) -> None:
    source = "import corpus.study\ndef broken(*a, **k): raise LookupError\ncorpus.study.load_study = broken"
    root = write_small_study(tmp_path / "study")
    _, _, err = precode(tmp_path / "home", "report", root, source=source, PYTHONPATH=str(newer_fastapi))
    assert "LookupError" in err
    assert "Installed is fastapi 0.155.0 (asked for: " in err


def test_installed_versions_are_those_that_are_asked_for_and_none_of_them_is_known_to_be_broken() -> None:
    refuse_broken(scheduling=True)
    assert untried() == []
    asked = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    allowed = {one.name.lower(): one.specifier for one in map(Requirement, asked)}
    broken = {name: first for name, (first, _) in (BROKEN | BROKEN_ON_SCHEDULE).items()}
    assert [name for name, first in broken.items() if allowed[name].contains(first)] == []


def test_lowest_versions_are_the_lower_bounds_and_one_without_is_refused() -> None:
    assert lowest_versions('[project]\ndependencies = ["b>=1.2,<2", "a[x] >= 3"]\n') == ["a==3", "b==1.2"]
    with pytest.raises(ValueError, match="c<2: no lowest version"):
        lowest_versions('[project]\ndependencies = ["c<2"]\n')
    assert len(lowest_versions(PYPROJECT.read_text(encoding="utf-8"))) > 20
