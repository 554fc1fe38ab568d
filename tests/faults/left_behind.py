"""What a killed process left in a study: its files by hash, and what it said of the steps that it began and ended."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from corpus.files import LOCK_NAME, OWNER_NAME, PARTIAL_PREFIX
from flows.at_work import FOLDER

#: The files that say when something was done, and nothing else in which two runs of one study differ.
TELL_WHEN = ("manifest.json", "current.json")
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


def fingerprint(root: Path) -> dict[str, str]:
    """Path below the study -> sha256 of every file that counts as finished; what tells when, without that."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(_bytes_of(path)).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not _is_at_work(path, root) and not _is_partial(path, root)
    }


def _is_at_work(path: Path, root: Path) -> bool:
    """Whether it says who is at work where, and nothing of the study."""
    return path.name in (LOCK_NAME, OWNER_NAME) or path.is_relative_to(root / FOLDER)


def _bytes_of(path: Path) -> bytes:
    data = path.read_bytes()
    return MOMENT.sub(b"", data) if path.name in TELL_WHEN else data


def _is_partial(path: Path, root: Path) -> bool:
    return any(part.startswith(PARTIAL_PREFIX) for part in path.relative_to(root).parts)


def partial_files(root: Path) -> list[str]:
    """What unfinished work left."""
    return [str(path.relative_to(root)) for path in root.rglob(f"{PARTIAL_PREFIX}*")]


def finished_folders(root: Path) -> set[str]:
    """Folders that are there whole or not at all: "train/<key>", "runs/<id>", "models/<version>"."""
    found = [*root.glob("cache/*/*"), *root.glob("runs/[0-9]*"), *root.glob("models/*")]
    return {
        f"{path.parent.name}/{path.name}" for path in found if path.is_dir() and not _is_partial(path, root)
    }


def torn(found: Mapping[str, str], whole: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """What is wrong with files that count as finished, beside the undisturbed result and what people had made."""
    strange = [f"{name}: not in the undisturbed result" for name in found if name not in whole]
    changed = [f"{name}: other bytes" for name in found if name in whole and found[name] != whole[name]]
    lost = [f"{name}: lost" for name in before if name not in found]
    return [*strange, *changed, *lost]


def write_to_log(path: Path) -> None:
    """From now on this process notes in a file which folders it begins and ends; a kill loses no line of it."""
    import corpus.files
    import pipeline.cache
    import pipeline.kept_models
    import pipeline.run

    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    whole = corpus.files.make_folder_whole
    at_work: list[str] = []

    def noted(folder: Path, fill) -> None:  # type: ignore[no-untyped-def]
        name = f"{folder.parent.name}/{folder.name}"
        os.write(log, f"{'within' if at_work else 'begin'} {name}\n".encode())
        at_work.append(name)
        whole(folder, fill)
        at_work.pop()
        os.write(log, f"end {name}\n".encode())

    pipeline.cache.make_folder_whole = noted  # type: ignore[attr-defined]
    pipeline.kept_models.make_folder_whole = noted  # type: ignore[attr-defined]
    pipeline.run.make_folder_whole = noted  # type: ignore[attr-defined]


def read_log(path: Path, skip: int = 0) -> list[tuple[str, str]]:
    """("begin", "within" a step that is at work, or "end"; folder) of every line after the first ``skip``."""
    lines = path.read_text().splitlines()[skip:] if path.exists() else []
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]
