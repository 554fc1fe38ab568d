"""The sample study that comes with precode: invented, and copied before anyone works on it."""

from __future__ import annotations

import shutil
from pathlib import Path

from corpus.errors import StudyError
from corpus.modes import folder_mode, make_folder, set_mode, set_modes_below

SAMPLE = Path(__file__).parent / "sample"


def copy_sample(folder: Path) -> bool:
    """Copy the sample study; whether anything was copied. An earlier copy is left as it is.

    Raises StudyError if something else stands there.
    """
    readme = folder / "README.md"
    if readme.is_file() and readme.read_bytes() == (SAMPLE / "README.md").read_bytes():
        return False
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"{folder}: is there already and is no sample study. Name a new folder.")
    make_folder(folder)
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    set_mode(folder, folder_mode(folder.parent))  # copytree gives it the rights of what it copies
    set_modes_below(folder)
    return True
