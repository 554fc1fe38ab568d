"""The sample study that comes with precode: invented, and copied before anyone works on it."""

from __future__ import annotations

import shutil
from pathlib import Path

from corpus.errors import StudyError

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
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True)
    return True
