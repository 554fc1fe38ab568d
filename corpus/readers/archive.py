"""Zip archives from strangers (docx, odt, xlsx): members read by name, under limits; nothing is extracted.

All limits are checked before anything is expanded, and bytes are counted again while they are read. Names of members
never become paths, so a name that climbs out of a folder or a symbolic link leads nowhere.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from corpus.errors import FileError

MAX_MEMBERS = 5_000
#: One member that is read, expanded. A transcript of an hour has about one megabyte.
MAX_MEMBER_BYTES = 12 * 2**20
#: All members that are read, expanded.
MAX_READ_BYTES = 24 * 2**20

SAVE_AGAIN = "Open the file in the program that made it and save it again."
TAKE_PASSWORD_OFF = "Save the file without a password."  # noqa: S105

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_LOCAL_HEADER = 30
_ENCRYPTED = 0x1 | 0x40 | 0x2000
#: What ``zipfile`` raises on archives that are damaged on purpose or by accident.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """A zip archive whose directory has been checked; members are read when they are asked for.

    kind: what the file should be, for messages ("a Word document").
    names: of all members, in the order of the directory. warnings: what is odd but harmless.
    largest, together: bytes that one member, and all that are read, may have when expanded.
    Raises FileError for what is no zip archive, is encrypted, holds more than 5,000 members, or names a member
    twice or lets two members share bytes (programs disagree on what such a file says).
    """

    def __init__(
        self,
        data: bytes,
        *,
        file: str,
        kind: str,
        largest: int = MAX_MEMBER_BYTES,
        together: int = MAX_READ_BYTES,
    ) -> None:
        self.file = file
        self._largest, self._together = largest, together
        _refuse_what_is_no_zip(data, file, kind)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGE:
            raise FileError(file, [f"not {kind}: a damaged or cut zip archive"], SAVE_AGAIN) from None
        members = self._zip.infolist()
        _check_directory(members, data, file)
        self.names = tuple(member.filename for member in members)
        self.warnings = tuple(_case_warnings(self.names))
        self._n_read = 0

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises FileError for a member that is absent, encrypted, damaged, packed in an unusual way, or larger
        than may be, and when the members read so far are too large together.
        """
        if name not in self.names:
            raise FileError(self.file, [f"no {name} in it"], SAVE_AGAIN)
        member = self._zip.getinfo(name)
        if member.compress_type not in _METHODS:
            raise FileError(self.file, [f"{name} is packed by a method that is not used here"], SAVE_AGAIN)
        limit = min(self._largest, self._together - self._n_read)
        if member.file_size > limit:
            raise self._too_large(name, member.file_size)
        try:
            with self._zip.open(member) as stream:
                data = stream.read(limit + 1)
        except _DAMAGE:
            problem = f"damaged member {name}: its length or checksum is not what the archive says"
            raise FileError(self.file, [problem], SAVE_AGAIN) from None
        if len(data) > limit:
            raise self._too_large(name, len(data))
        self._n_read += len(data)
        return data

    def _too_large(self, name: str, n_bytes: int) -> FileError:
        limits = f"one part may have {self._largest // 2**20} MB, all together {self._together // 2**20} MB"
        problem = f"{name} expands to {n_bytes / 2**20:.1f} MB: {limits}"
        return FileError(self.file, [problem], "Split the file, or copy its text into a new one.")


def _refuse_what_is_no_zip(data: bytes, file: str, kind: str) -> None:
    if not data:
        raise FileError(file, ["empty file"])
    if data.startswith(_OLD_OFFICE):
        problem = f"not {kind}: protected by a password, or in the format of Office before 2007"
        raise FileError(file, [problem], f"{TAKE_PASSWORD_OFF[:-1]}, in today's format.")
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise FileError(file, [f"not {kind}: content is no zip archive, or cut"], SAVE_AGAIN)
    n_entries = data.count(_DIRECTORY_ENTRY)  # zipfile makes an object of each before one can ask
    if n_entries > MAX_MEMBERS:
        raise FileError(file, [f"about {n_entries} members: {MAX_MEMBERS} are allowed"], SAVE_AGAIN)


def _check_directory(members: Sequence[zipfile.ZipInfo], data: bytes, file: str) -> None:
    twice = sorted(name for name, n in Counter(member.filename for member in members).items() if n > 1)
    if twice:
        others = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
        problem = f"duplicate members: {ascii(twice[0])[:80]}{others}"
        raise FileError(file, [problem], SAVE_AGAIN)
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise FileError(file, ["encrypted"], TAKE_PASSWORD_OFF)
    spans = sorted((member.header_offset, _end(member, data)) for member in members)
    if any(end > start for (_, end), (start, _) in pairwise(spans)):
        raise FileError(file, ["overlapping members: two of them share bytes"], SAVE_AGAIN)


def _end(member: zipfile.ZipInfo, data: bytes) -> int:
    """Where the bytes of a member end; -1 if its own header lies outside the file (then reading it fails)."""
    at = member.header_offset
    if at < 0 or at + _LOCAL_HEADER > len(data):
        return -1
    n_name, n_extra = struct.unpack_from("<HH", data, at + _LOCAL_HEADER - 4)
    return int(at + _LOCAL_HEADER + n_name + n_extra + member.compress_size)


def _case_warnings(names: Sequence[str]) -> list[str]:
    n_folded = len({name.casefold() for name in names})
    if n_folded == len(names):
        return []
    return ["two members of the archive differ only by case: the one that the file's own list names is read"]
