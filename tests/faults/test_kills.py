"""A bounded share of the kills of ``tests/faults/kills.py``, and kills of what people bring in and of training."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.files import study_lock
from corpus.study import Study, load_study
from corpus.tables import read_table
from corpus.versions import index_sha256
from flows.run_here import run_whole_study
from pipeline.bring_in import bring_all_in
from pipeline.cache import cached, damage_of, stage_dir
from pipeline.kept_models import CURRENT
from pipeline.newest import finished_runs, latest_run
from pipeline.run import LATEST, RunResult, run_study, train_now
from tests.faults.commands import LINUX
from tests.faults.kills import JOBS, kill_many
from tests.faults.prefect_kills import kill_many_flows
from tests.faults.small_study import many_transcripts, write_small_study

pytestmark = pytest.mark.skipif(not LINUX, reason="forks, kills and reads /proc")


def test_run_that_is_killed_at_any_moment_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    told = kill_many(JOBS["run"], write_small_study(tmp_path / "base"), tmp_path, kills=15, seed=1)
    assert (told.n_kills, told.faults) == (15, [])


def test_reading_that_is_killed_at_any_moment_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    told = kill_many(JOBS["ingest"], many_transcripts(tmp_path / "base", 37), tmp_path, kills=10, seed=1)
    assert (told.n_kills, told.faults) == (10, [])


def test_killed_flow_leaves_no_process_and_is_marked_crashed_at_the_next_start(tmp_path: Path) -> None:
    base = write_small_study(tmp_path / "base")
    told = kill_many_flows(base, tmp_path, kills=2, seed=156, n_before=1, finish_share=0)
    assert (told.n_kills, told.faults) == (2, [])


N_BATCHES, PER_BATCH = 12, 5


def bring_in_batches(root: Path, folder: Path, log: int) -> None:
    """Bring codings and a transcript in, time after time; each pair that is in is acknowledged by a byte."""
    for number in range(N_BATCHES):
        study = load_study(root)
        with study_lock(study.root):
            bring_all_in(
                study, [folder / f"batch{number:02d}.csv", folder / f"n{number:02d}.txt"], coder="cyd"
            )
        os.write(log, b"!")


def test_what_was_brought_in_and_acknowledged_survives_a_kill_at_any_moment_and_no_row_is_cut(
    tmp_path: Path,
) -> None:
    moments = random.Random(2)
    for number in range(N_BATCHES):
        rows = [f"t{1 + i % 3},Code {number},{2 * (number + i) + 2}" for i in range(PER_BATCH)]
        text = "\n".join(["transcript,code,turn", *rows, ""])
        (tmp_path / f"batch{number:02d}.csv").write_text(text, encoding="utf-8")
        said = "".join(f"Interviewer: Part {i}?\nP1: Answer {i} of {number}.\n" for i in range(PER_BATCH))
        (tmp_path / f"n{number:02d}.txt").write_text(said, encoding="utf-8")
    seconds = 0.0
    for kill in range(20):
        root = write_small_study(tmp_path / f"study{kill}")
        log_path = tmp_path / f"log{kill}"
        log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        began, pid = time.monotonic(), os.fork()
        if pid == 0:
            bring_in_batches(root, tmp_path, log)
            os._exit(0)
        if kill:
            time.sleep(moments.uniform(0, seconds))
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(log)
        seconds = seconds or time.monotonic() - began
        acknowledged = log_path.stat().st_size
        path = root / "codings" / "cyd.csv"
        table = read_table(path.read_bytes(), file="cyd.csv", for_machines=True) if path.is_file() else None
        n_rows = len(table.rows) if table else 0
        assert n_rows in (acknowledged * PER_BATCH, (acknowledged + 1) * PER_BATCH)
        assert not table or not table.rejected
        brought = sorted((root / "transcripts").glob("n*.txt"))
        assert len(brought) in (acknowledged, acknowledged + 1)
        assert all(new.read_bytes() == (tmp_path / new.name).read_bytes() for new in brought)
        with study_lock(root):
            assert list(root.rglob(".partial-*")) == []


def test_training_that_is_killed_leaves_the_old_model_and_run(tmp_path: Path) -> None:
    study = load_study(write_small_study(tmp_path / "study"))
    old = run_study(study)
    models = below(study.models_dir)
    with (study.codings_dir / "ann.csv").open("a", encoding="utf-8") as stream:
        stream.write("t1,Hope,2\n")
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        import models.crossfit
        import pipeline.train

        fit = pipeline.train.train_theme_model

        def killed_meanwhile(*args: object, **kwargs: object) -> object:
            os.write(tell, b"!")
            return fit(*args, **kwargs) and time.sleep(60)  # type: ignore[arg-type, func-returns-value]

        pipeline.train.train_theme_model = killed_meanwhile  # type: ignore[attr-defined, assignment]
        train_now(load_study(study.root))
        os._exit(0)
    assert os.read(ready, 1) == b"!"
    time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    assert latest_run(study) == old.run_id
    assert (study.runs_dir / LATEST).read_text() == f"{old.run_id}\n"
    assert below(study.models_dir) == models
    train_now(load_study(study.root))
    assert below(study.models_dir).items() > {k: v for k, v in models.items() if k != "current.json"}.items()
    new = run_study(load_study(study.root))
    assert finished_runs(study) == (old.run_id, new.run_id)


def below(folder: Path) -> dict[str, bytes]:
    """Path below a folder -> bytes, of every file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("run", [run_study, run_whole_study])
def test_kill_between_the_run_folder_and_what_is_told_of_it_is_mended_at_the_next_start(
    tmp_path: Path, run: Callable[[Study], RunResult]
) -> None:
    study = load_study(write_small_study(tmp_path / "study"))
    run_id = run_study(study).run_id
    told = [study.runs_dir / LATEST, study.root / CURRENT]
    before = [path.read_bytes() for path in told]
    for path in told:
        path.unlink()
    again = run(study)
    assert (again.run_id, again.unchanged) == (run_id, True)
    assert [path.read_bytes() for path in told] == before


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "emptied"])
def test_damaged_cache_is_named_and_made_again(tmp_path: Path, damage: str, caplog) -> None:
    study = load_study(write_small_study(tmp_path / "study"))

    def fill(folder: Path) -> None:
        (folder / "table.json").write_text(json.dumps({"value": 12345}), encoding="utf-8")
        (folder / "sub").mkdir()
        (folder / "sub" / "other").write_bytes(b"other")

    key = cached(study, "ingest", {"n": 1}, fill)
    folder = stage_dir(study, "ingest", key)
    assert damage_of(folder) == ""
    path = folder / "table.json"
    if damage == "missing":
        path.unlink()
    elif damage == "emptied":
        for file in (path, folder / "sub" / "other", folder / "contents.json"):
            file.unlink()
    else:
        path.write_bytes(path.read_bytes()[:5] if damage == "cut" else path.read_bytes().replace(b"1", b"7"))
    assert cached(study, "ingest", {"n": 1}, fill) == key
    assert json.loads(path.read_bytes()) == {"value": 12345}
    (said,) = caplog.messages
    assert said.startswith(f"cache/ingest/{key} is damaged (")
    assert ("contents.json cannot be read" if damage == "emptied" else "table.json") in said


def test_run_with_a_damaged_cache_gives_the_same_bytes(tmp_path: Path) -> None:
    first = run_study(load_study(write_small_study(tmp_path / "a" / "study")))
    study = load_study(write_small_study(tmp_path / "b" / "study"))
    run_study(study)
    for path in study.cache_dir.rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:100])
    (study.runs_dir / first.run_id / "manifest.json").unlink()
    again = run_study(study)
    assert again.run_id.startswith("0002-")
    manifests = [json.loads((run.run_dir / "manifest.json").read_bytes()) for run in (first, again)]
    assert manifests[0]["outputs"] == manifests[1]["outputs"]
    assert index_sha256(study) == manifests[0]["versions"]
