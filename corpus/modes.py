"""Who may read what precode makes: its owner alone, unless the study folder is shared with a group.

A folder counts as shared if its group may write into it or hands itself down (setgid): then what is made in it
gets the rights that the group has on the folder, so that colleagues can go on with each other's runs. What
others than owner and group may do is never widened. Windows has no such rights; there nothing happens.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

OWNER_FILE, OWNER_FOLDER = 0o600, 0o700


def folder_mode(parent: Path) -> int:
    """Rights of a folder that is made in ``parent``."""
    mode = parent.stat().st_mode
    return OWNER_FOLDER | _group_rights(mode) | (mode & stat.S_ISGID if _is_shared(mode) else 0)


def file_mode(parent: Path) -> int:
    """Rights of a file that is made in ``parent``: nobody may execute it."""
    return OWNER_FILE | (_group_rights(parent.stat().st_mode) & 0o060)


def _is_shared(mode: int) -> bool:
    return bool(mode & (stat.S_ISGID | stat.S_IWGRP))


def _group_rights(mode: int) -> int:
    return mode & 0o070 if _is_shared(mode) else 0


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; one that is there is left as it is."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True, mode=OWNER_FOLDER)
        set_mode(folder, folder_mode(folder.parent))


def set_modes_below(folder: Path) -> None:
    """Give everything in a folder the rights that follow from the folder's own."""
    for path in sorted(folder.rglob("*")):  # a folder comes before what is in it
        set_mode(path, (folder_mode if path.is_dir() else file_mode)(path.parent))


def set_mode(path: Path, mode: int) -> None:
    """Set a file's or folder's rights, where the system has them."""
    if os.name == "posix":
        path.chmod(mode)
