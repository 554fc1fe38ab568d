"""Disks that are full or may not be written, folders with strange names, a study copied while a run is at work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.errors import StudyError
from corpus.files import study_lock
from corpus.study import load_study
from flows.terminal import error_message
from pipeline.bring_in import bring_all_in
from pipeline.newest import finished_runs
from pipeline.run import run_study
from pipeline.share_model import look_at_model, share_model
from tests.faults.commands import LINUX, TOP
from tests.faults.left_behind import fingerprint, finished_folders, partial_files
from tests.faults.small_study import many_transcripts, write_small_study

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Options -> a folder that is a file system of its own in memory; skipped where that needs other rights."""
    mounted: list[Path] = []

    def make(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "precode-test", str(folder)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a file system in memory cannot be mounted here: that needs Linux and root")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill_up(folder: Path, *, leave: int) -> None:
    """Take all room on a disk but a few bytes."""
    free = os.statvfs(folder)
    (folder / "ballast").write_bytes(b"\0" * max(0, free.f_bavail * free.f_frsize - leave))


def test_run_on_a_full_disk_says_so_keeps_what_is_finished_and_goes_on_when_there_is_room(
    tmp_path: Path, mount: Mount
) -> None:
    whole = fingerprint(run_study(load_study(write_small_study(tmp_path / "study"))).run_dir.parents[1])
    disk = mount("size=1m")
    study = load_study(write_small_study(disk / "study"))
    fill_up(disk, leave=300_000)
    with pytest.raises(OSError, match="No space left") as caught:
        run_study(study)
    assert "Make room on that disk; then the same command goes on" in error_message(caught.value)
    kept = finished_folders(study.root)
    assert kept
    assert partial_files(study.root) == []
    assert finished_runs(study) == ()
    made = {name: (study.cache_dir / name).stat().st_mtime_ns for name in kept}
    remount(disk, "size=64m")
    run_study(study)
    assert fingerprint(study.root) == whole
    assert {name: (study.cache_dir / name).stat().st_mtime_ns for name in kept} == made


def test_export_on_a_full_disk_leaves_the_older_export(own_named_study, mount: Mount) -> None:
    disk = mount("size=1m")
    path = disk / "given.precode-model"
    path.write_bytes(older := b"PK\x03\x04 older export")
    fill_up(disk, leave=0)
    with pytest.raises((OSError, StudyError)):
        share_model(own_named_study, look_at_model(own_named_study), path, without_names=False)
    assert path.read_bytes() == older
    assert sorted(file.name for file in disk.iterdir()) == ["ballast", path.name]


def test_import_on_a_full_disk_leaves_the_codings_that_were_there(tmp_path: Path, mount: Mount) -> None:
    disk = mount("size=1m")
    study = load_study(write_small_study(disk / "study"))
    before = fingerprint(study.root)
    rows = [f"t1,Waiting,{2 + 2 * (i % 30)},{'memo ' * 40}{i}" for i in range(400)]
    table = tmp_path / "ann.csv"
    table.write_text("\n".join(["transcript,code,turn,memo", *rows, ""]), encoding="utf-8")
    fill_up(disk, leave=12_288)
    with study_lock(study.root), pytest.raises(OSError, match="No space left"):
        bring_all_in(study, [table], coder="ann")
    assert fingerprint(study.root) == before
    assert partial_files(study.root) == []


def test_study_on_a_disk_that_may_only_be_read_is_said_before_work_starts(mount: Mount) -> None:
    disk = mount("size=4m")
    study = load_study(write_small_study(disk / "study"))
    before = fingerprint(study.root)
    remount(disk, "ro")
    stages: list[str] = []
    with pytest.raises(StudyError, match="study: cannot write into the study folder"):
        run_study(study, on_stage=lambda stage, done, total: stages.append(stage))
    assert stages == []
    assert fingerprint(study.root) == before


@pytest.mark.skipif(not LINUX or os.geteuid() != 0, reason="becomes another user, which only root can")
def test_study_of_another_user_is_said_before_work_starts(tmp_path: Path) -> None:
    study = load_study(write_small_study(tmp_path / "study"))
    for folder in (study.root, *tmp_path.parents[:-1], tmp_path):
        if not folder.stat().st_mode & 0o005:
            folder.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            run_study(study)
        except StudyError as error:
            os._exit(0 if "cannot write into the study folder (Permission denied)" in str(error) else 2)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


COPYING = """
import sys, time
from pathlib import Path
from corpus.study import load_study
from pipeline.run import run_until
run_until(load_study(Path(sys.argv[1])), "preprocess", on_stage=lambda *told: print(*told, flush=True))
"""


@pytest.mark.skipif(not LINUX, reason="copies with cp")
def test_copy_made_while_a_run_is_at_work_opens_and_names_the_unfinished_run(tmp_path: Path, caplog) -> None:
    root = many_transcripts(tmp_path / "study", 40, turns=6)
    process = subprocess.Popen(
        [sys.executable, "-c", COPYING, str(root)], cwd=TOP, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ingest 0")
    time.sleep(0.03)
    copy = tmp_path / "copied" / "study"
    copy.parent.mkdir()
    subprocess.run(["cp", "-r", str(root), str(copy)], capture_output=True, check=False)
    assert process.poll() is None
    process.communicate(timeout=120)
    run_study(load_study(copy))
    (said,) = caplog.messages
    assert said.startswith(f"A run did not finish (process {process.pid} on ")
    assert partial_files(copy) == []
    caplog.clear()
    run_study(load_study(root))
    assert caplog.messages == []
    assert fingerprint(copy) == fingerprint(root)


def test_transcript_that_is_too_long_is_set_aside_with_the_limit_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    root = write_small_study(tmp_path / "study")
    line = "P1: And then we waited again, for hours.\n"
    (root / "transcripts" / "long.txt").write_text(line * (10_000_000 // len(line) + 1), encoding="utf-8")
    result = run_study(load_study(root))
    ((file, reason),) = result.set_aside
    assert file == "long.txt"
    assert "transcript 'long' has 10 million characters: 10 million are allowed. Split it." in reason
    assert result.n_transcripts == 3
