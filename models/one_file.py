"""A model as one file that can be given away: a zip of its files, the same bytes for the same model."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from corpus.errors import FileError
from corpus.readers.archive import Archive
from models.store import LIMITS, ModelFileError, shown

README = "README.txt"
_LIMITS = {**LIMITS, README: 2**16}
_LARGEST, _TOGETHER = max(_LIMITS.values()), sum(_LIMITS.values())
_WHEN = (1980, 1, 1, 0, 0, 0)


def pack(files: Mapping[str, bytes]) -> bytes:
    """The file; it says nothing of when and by whom it was made."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, _WHEN)
            member.create_system, member.compress_type = 3, zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return stream.getvalue()


def read_packed(path: Path) -> bytes:
    """Its bytes. Raises ModelFileError for a file that is not there or larger than may be."""
    if not path.is_file():
        raise ModelFileError(path.name, ["no such file"], "Look at how its name is spelt.")
    if path.stat().st_size > _TOGETHER:
        raise ModelFileError(path.name, [f"larger than {_TOGETHER // 2**20} MB"])
    return path.read_bytes()


def unpack(data: bytes, *, file: str) -> dict[str, bytes]:
    """File name -> bytes, README left out; nothing is written anywhere.

    Raises ModelFileError unless it holds the files of a model and README.txt, within their limits, and nothing else.
    """
    try:
        archive = Archive(data, file=file, kind="a model file", largest=_LARGEST, together=_TOGETHER)
        problems = [f"{name} is missing" for name in _LIMITS if name not in archive]
        problems += [f"{shown(name)} is not known here" for name in archive.names if name not in _LIMITS]
        if problems:
            raise ModelFileError(file, problems)
        files = {name: archive.read(name) for name in _LIMITS}
    except ModelFileError:
        raise
    except FileError as error:
        raise ModelFileError(file, error.problems) from None
    if large := [name for name, content in files.items() if len(content) > _LIMITS[name]]:
        raise ModelFileError(file, [f"{name} is larger than {_LIMITS[name] / 2**20:g} MB" for name in large])
    return {name: content for name, content in files.items() if name != README}
