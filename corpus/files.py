"""Writes that are whole or not at all, hashes, and the lock of a study."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from corpus.errors import StudyError, StudyHeldError
from corpus.modes import file_mode, folder_mode, make_folder, set_mode, set_modes_below

LOCK_NAME = ".precode.lock"
OWNER_NAME = ".precode.lock.owner"
UNFINISHED_NAME = ".precode.unfinished"
PARTIAL_PREFIX = ".partial-"
ASKED = "cache/asked-{}.json"
"""What a run was asked for, as long as it lasts; by the key of its plan."""
WRITTEN_INTO = (
    "", "transcripts/**/", "codings/", "cache/", "cache/*/", "runs/", "models/", "versions/", "decisions/",
)  # fmt: skip
"""Folders of a study in which something is written beside what is there, and then put in its place."""
LOG = logging.getLogger("precode")


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(value: object) -> str:
    """Hex digest of a JSON-like value; equal values give equal digests."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no nan, so that the same value is the same bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False, indent=1) + "\n"


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` or leave what stood there: temporary file, fsync, rename, fsync of the folder.

    A file that stood there keeps its rights; a new one is its owner's, or the group's that shares the folder.
    """
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=PARTIAL_PREFIX, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():  # colleagues who share the folder may read it as before
            shutil.copymode(path, name)
        else:
            set_mode(Path(name), file_mode(path.parent))
        Path(name).replace(path)
        _sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_together(root: Path, files: Mapping[str, bytes]) -> None:
    """Put several files of a study in place, all of them or none; the caller holds the study's lock.

    files: by their path below the study, UTF-8. What they are to hold is kept in one file first: if the process ends
    before all are written, whoever gets the lock next writes the others.
    """
    kept = {
        name: {"before": _sha256_or_none(root / name), "after": data.decode()} for name, data in files.items()
    }
    write_json(root / UNFINISHED_NAME, kept)
    _finish_together(root)


def _finish_together(root: Path) -> None:
    """Raises StudyError, and writes nothing, if somebody changed one of the files in between."""
    path = root / UNFINISHED_NAME
    if not path.is_file():
        return
    try:
        kept = {name: (file["before"], file["after"].encode()) for name, file in read_json(path).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = {}
    if not kept or any(Path(name).is_absolute() or ".." in Path(name).parts for name in kept):
        raise StudyError(f"{root.name}: {UNFINISHED_NAME} is not of precode's making, or damaged. Delete it.")
    now = {name: _sha256_or_none(root / name) for name in kept}
    after = {name: hashlib.sha256(data).hexdigest() for name, (_, data) in kept.items()}
    changed = [name for name, (before, _) in kept.items() if now[name] not in (before, after[name])]
    if changed:
        raise StudyError(
            f"{root.name}: writing {', '.join(kept)} was interrupted, and {', '.join(changed)} changed since. Take "
            f"them from a backup, or see that they fit each other; then delete {UNFINISHED_NAME}."
        )
    for name, (_, data) in kept.items():
        if now[name] != after[name]:
            write_whole(root / name, data)
    path.unlink()
    _sync_folder(root)


def _sha256_or_none(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None


def write_json(path: Path, value: object) -> None:
    """``canonical_json`` of a value, written whole."""
    write_whole(path, canonical_json(value).encode())


def read_json(path: Path) -> Any:
    """The value of a JSON file that precode itself wrote."""
    return json.loads(path.read_bytes())


def make_folder_whole(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write into an empty folder beside ``path``, then rename it to ``path``.

    A folder that exists already is kept: whoever comes second throws their own away.
    """
    make_folder(path.parent)
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=path.parent))
    try:
        set_mode(partial, folder_mode(path.parent))
        fill(partial)
        set_modes_below(partial)
        for file in partial.rglob("*"):
            if file.is_file():
                _sync_file(file)
        _sync_folder(partial)
        try:
            partial.rename(path)
        except OSError:
            if not path.is_dir():
                raise
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove what ``make_folder_whole`` made: there whole, or gone; what a kill leaves goes at the next lock."""
    partial = path.with_name(f"{PARTIAL_PREFIX}{path.name}")
    path.rename(partial)
    shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def study_lock(root: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the one lock of a study; a lock of a dead process is free by itself.

    Whoever gets the lock says that a run did not finish, removes what writes that were killed left half done, and
    finishes ``write_together``.
    wait_seconds: how long to wait for another process that holds it.
    Raises StudyHeldError that says which process holds it and since when, StudyError if the folder cannot be written.
    """
    lock = FileLock(str(root / LOCK_NAME), timeout=wait_seconds, mode=file_mode(root))
    owner = root / OWNER_NAME
    try:
        lock.acquire()
    except Timeout:
        raise _held(root) from None
    except OSError as error:
        raise StudyError(
            f"{root.name}: cannot write into the study folder ({error.strerror})",
            reason=f"cannot write into the study folder: {os.strerror(error.errno or 0)}",
        ) from None
    try:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        if owner.exists():
            # A killed process left it, or the study was copied while one was at work on it.
            LOG.warning("A run did not finish%s. What it finished is kept.", _describe_owner(owner))
        _remove_partial(root)
        _finish_together(root)
        write_json(owner, {"process": os.getpid(), "machine": socket.gethostname(), "since": started})
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _remove_partial(root: Path) -> None:
    for pattern in (*(f"{folder}{PARTIAL_PREFIX}*" for folder in WRITTEN_INTO), ASKED.format("*")):
        for left in root.glob(pattern):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _held(root: Path) -> StudyHeldError:
    held = _read_owner(root / OWNER_NAME)
    reason = f"held by process {held['process']} since {held['since']}" if held else "held by another process"
    return StudyHeldError(
        f"{root.name}: another run holds this study{_describe_owner(root / OWNER_NAME)}", reason=reason
    )


def _describe_owner(owner: Path) -> str:
    held = _read_owner(owner)
    return f" (process {held['process']} on {held['machine']}, since {held['since']})" if held else ""


def _read_owner(owner: Path) -> dict[str, Any]:
    """Who has the lock, or left it behind; nothing if the file is gone by now or is none of ours."""
    try:
        held = read_json(owner)
        return {"process": int(held["process"]), "machine": held["machine"], "since": held["since"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _sync_file(path: Path) -> None:
    with path.open("r+b") as stream:  # Windows flushes no file that is open for reading only
        os.fsync(stream.fileno())


def _sync_folder(path: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
