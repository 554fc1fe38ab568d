"""Which flow runs of a study are at work: each holds a lock of its own in the study as long as its process lives.

A run that is killed cannot say so, and Prefect takes it to be running for ever. Its lock is free then, whoever looks:
this machine or another that shares the folder. It lets go when its process ends, not with the study's lock: between
the two Prefect is told how it ended.
"""

from __future__ import annotations

import atexit
import shutil
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

from filelock import FileLock, Timeout

from corpus.files import LOCK_NAME
from corpus.modes import file_mode, make_folder

FOLDER = ".precode.flows"
PLACE = "folder-"
CLAIM_SECONDS = 10
"""Whoever looks whether a lock is free holds it for a moment."""


def begin_work(root: Path, run_id: UUID) -> None:
    """Take the lock of a flow run until this process ends; a folder that is no study, or is read-only, gets none."""
    folder = root / FOLDER / str(run_id)
    with suppress(OSError, Timeout):
        if not (root / "transcripts").is_dir():
            return
        make_folder(folder)
        # Not of this thread only: the lock would go with the thread.
        lock = FileLock(folder / LOCK_NAME, mode=file_mode(root), timeout=CLAIM_SECONDS, thread_local=False)
        lock.acquire()
        atexit.register(_end_work, folder, lock)


def _end_work(folder: Path, lock: FileLock) -> None:
    lock.release()  # first, for Windows deletes no file that is open
    shutil.rmtree(folder, ignore_errors=True)


def known_runs(root: Path) -> dict[UUID, bool]:
    """The flow runs of a study that took their lock and were not forgotten -> whether their process lives."""
    found = {}
    for folder in (root / FOLDER).glob("*"):
        with suppress(ValueError):
            found[UUID(folder.name)] = not _is_free(folder)
    return found


def place_of(root: Path) -> str:
    """A name that tells this folder from any other, also of another machine; "" where none can be kept.

    Its random part stays in the folder, so whoever shares that finds the same; the inode tells a copy from it.
    """
    folder = root / FOLDER
    with suppress(OSError):
        if not any(folder.glob(f"{PLACE}*")):
            (folder / f"{PLACE}{uuid4().hex[:12]}").touch(mode=file_mode(folder))
        return f"{min(path.name for path in folder.glob(f'{PLACE}*'))}-{folder.stat().st_ino:x}"
    return ""


def is_dead_run_left(root: Path) -> bool:
    """Whether the process of a run ended before it could tell Prefect how, and nobody has looked since."""
    return not all(known_runs(root).values())


def _is_free(folder: Path) -> bool:
    try:
        with FileLock(folder / LOCK_NAME, mode=file_mode(folder), timeout=0):
            return True
    except (OSError, Timeout):
        return False


def forget_run(root: Path, run_id: UUID) -> None:
    """Prefect knows how a run ended whose process is dead: nobody needs to look again."""
    shutil.rmtree(root / FOLDER / str(run_id), ignore_errors=True)
