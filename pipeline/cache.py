"""Stages are functions of a key: the same inputs, settings and source give the same folder in ``cache/``."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from pyarrow.fs import LocalFileSystem

from corpus.files import digest, make_folder_whole, read_json, remove_folder, sha256_of, write_json
from corpus.study import Study

# Libraries whose version can change a text or a figure.
LIBRARIES = (
    "gensim",
    "lxml",
    "numpy",
    "openpyxl",
    "pandas",
    "pyarrow",
    "pypdf",
    "scikit-learn",
    "scipy",
    "spacy",
    "spacy-lookups-data",
)
ROOMS = ("corpus", "models", "pipeline")
#: Lists the files of a cached folder with their hashes.
CONTENTS = "contents.json"
KEPT_DAYS = 30
"""Inputs may come back (a setting that was tried, a file that was put aside), and their figures with them."""
LOG = logging.getLogger("precode")


@cache
def code_version() -> str:
    """Digest of precode's own source and of the versions of the libraries that make figures."""
    return digest({"source": source_hashes(), "libraries": library_versions()})


@cache
def source_hashes() -> Mapping[str, str]:
    """File of precode's own source -> sha256, of the rooms that make figures."""
    top = Path(__file__).parent.parent
    files = sorted(
        path for room in ROOMS for path in (top / room).rglob("*") if path.suffix in (".py", ".html", ".css")
    )
    return {str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def library_versions() -> dict[str, str]:
    """Name -> version of the libraries that make figures, and of precode."""
    return {name: version(name) for name in (*LIBRARIES, "precode")}


def cached(study: Study, stage: str, inputs: Mapping[str, object], fill: Callable[[Path], None]) -> str:
    """Key of ``cache/<stage>/<key>/``, which ``fill`` has written, now or before.

    A folder that is not as it was written (a disk's fault, somebody's tidying) is named, removed and made again.
    inputs: everything that the stage depends on (keys of earlier stages, settings), JSON-like.
    """
    key = digest({"stage": stage, "code": code_version(), **inputs})
    folder = stage_dir(study, stage, key)
    if folder.is_dir() and (damage := damage_of(folder)):
        LOG.warning("cache/%s/%s is damaged (%s): it is made again.", stage, key, damage)
        remove_folder(folder)
    if folder.is_dir():
        with suppress(OSError):  # another user's
            os.utime(folder / CONTENTS)  # asked for now: see drop_unused
    else:
        make_folder_whole(folder, lambda partial: _fill_and_list(partial, fill))
    return key


def drop_unused(study: Study) -> None:
    """Remove what nothing has asked for in ``KEPT_DAYS``: a study that runs each night shall not fill the disk.

    Call it under the study's lock after a run, which has asked for all that it uses.
    """
    oldest = time.time() - KEPT_DAYS * 24 * 60 * 60
    for folder in study.cache_dir.glob("*/[0-9a-f]*"):
        with suppress(OSError):  # another user's, or somebody is looking into it
            if (folder / CONTENTS).stat().st_mtime < oldest:
                remove_folder(folder)


def _fill_and_list(folder: Path, fill: Callable[[Path], None]) -> None:
    fill(folder)
    write_json(folder / CONTENTS, _contents(folder))


def _contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CONTENTS)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def damage_of(folder: Path) -> str:
    """What of a cached folder is not as it was written, in a few words; "" if nothing."""
    try:
        written = read_json(folder / CONTENTS)
    except (OSError, ValueError):
        return f"{CONTENTS} cannot be read"
    found = _contents(folder)
    missing, changed = sorted(set(written) - set(found)), [n for n in found if written.get(n) != found[n]]
    named = [*(f"{name} is missing" for name in missing), *(f"{name} has changed" for name in changed)]
    return "; ".join(named)


def stage_dir(study: Study, stage: str, key: str) -> Path:
    """Where a stage's files of this key are."""
    return study.cache_dir / stage / key


def write_parquet(path: Path, columns: Mapping[str, Iterable[object]], types: Mapping[str, str]) -> None:
    """A table with stated columns and pandas types."""
    frame = pd.DataFrame({name: pd.Series(list(columns[name]), dtype=kind) for name, kind in types.items()})
    frame.to_parquet(path, index=False)


def read_parquet(path: Path) -> pd.DataFrame:
    """A table that ``write_parquet`` wrote.

    Arrow opens the file itself: with a file of Python's, which pandas gives it, one process in a hundred that ended
    soon after was aborted at its exit by one of Arrow's threads (pyarrow 22; apache/arrow#34314).
    """
    return pd.read_parquet(path, filesystem=LocalFileSystem())
