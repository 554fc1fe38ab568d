"""``versions/``: the text of every transcript version that codings refer to, and which row refers to which.

A transcript that is edited is a new version. A row of a person's file that stood there before (the same address
and code) refers to the version on which it was made, until the researcher gives it another address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.errors import FileError
from corpus.files import canonical_json, digest, read_json, sha256_of, write_json, write_whole
from corpus.names import tidy_name
from corpus.records import Transcript, Turn
from corpus.study import Study

INDEX = "index.json"
SCHEMA = 1
SHORT = 16
ADDRESS_COLUMNS = ("transcript", "start", "end", "quote", "turn")
REMEDY = (
    "Bring it back from a backup, or delete versions/ if every row is right for the transcripts as they are."
)

#: File of a person's ("codings/ann.csv") -> transcript -> digest of a row -> id of a version.
Bindings = Mapping[str, Mapping[str, Mapping[str, str]]]
#: For one file: transcript -> digest of a row -> the version that the row was made on.
MadeOn = Mapping[str, Mapping[str, Transcript]]


def version_of(transcript: Transcript) -> str:
    """Id of a transcript's version: what its text is and where its turns stand, for addresses name both."""
    return digest(_facts(transcript))


def _facts(transcript: Transcript) -> dict[str, Any]:
    turns = [[turn.number, turn.start, turn.end] for turn in transcript.turns]
    return {"text": transcript.sha256, "turns": turns}


def row_digest(cells: Mapping[str, str], columns: Sequence[str] = ADDRESS_COLUMNS) -> str:
    """What tells the rows of a file apart: address and code, not memo nor date. Begins with ``address_digest``."""
    return address_digest(cells, columns) + _short_digest([tidy_name(cells.get("code", ""))])


def address_digest(cells: Mapping[str, str], columns: Sequence[str] = ADDRESS_COLUMNS) -> str:
    """Digest of a row's address as it was written."""
    return _short_digest([tidy_name(cells.get(name, "")) for name in columns])


def _short_digest(cells: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:SHORT]


def address_part(row: str) -> str:
    """The address in a row's digest."""
    return row[:SHORT]


def bindings_of(made_on: MadeOn) -> dict[str, dict[str, str]]:
    """What the index says of one file."""
    ids: dict[int, str] = {}

    def version_id(transcript: Transcript) -> str:
        if id(transcript) not in ids:
            ids[id(transcript)] = version_of(transcript)
        return ids[id(transcript)]

    return {name: {row: version_id(made) for row, made in rows.items()} for name, rows in made_on.items()}


def read_bindings(study: Study) -> Bindings:
    """What ``versions/index.json`` records; nothing if it is not there. Raises FileError if it is damaged."""
    path = study.versions_dir / INDEX
    if not path.is_file():
        return {}
    try:
        found = read_json(path)
        if found["schema"] == SCHEMA:
            return {
                file: {
                    name: {row: version for version, rows in versions.items() for row in rows}
                    for name, versions in per_transcript.items()
                }
                for file, per_transcript in found["refer"].items()
            }
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise FileError(f"versions/{INDEX}", ["damaged, or written by another version of precode"], REMEDY)


def index_sha256(study: Study) -> str:
    """Hash of the index, "" if there is none."""
    path = study.versions_dir / INDEX
    return sha256_of(path) if path.is_file() else ""


def changed_bindings(study: Study, transcripts: Iterable[Transcript]) -> dict[str, dict[str, dict[str, str]]]:
    """The bindings to other versions than the transcripts now have: what a reading of people's files depends on.

    Empty as long as no transcript that is coded was changed.
    """
    here = {transcript.transcript_id: transcript for transcript in transcripts}
    now: dict[str, str] = {}
    found: dict[str, dict[str, dict[str, str]]] = {}
    for file, per_transcript in read_bindings(study).items():
        for name, rows in per_transcript.items():
            if name not in here:
                continue
            now[name] = now.get(name) or version_of(here[name])
            if old := {row: version for row, version in rows.items() if version != now[name]}:
                found.setdefault(file, {})[name] = old
    return found


def earlier_versions(study: Study, transcripts: Iterable[Transcript]) -> dict[str, MadeOn]:
    """File -> transcript -> digest of a row -> the version that it refers to, where that is not the present one.

    Raises FileError if the text of such a version is not there or not what it was.
    """
    known: dict[tuple[str, str], Transcript] = {}

    def version(name: str, version_id: str) -> Transcript:
        if (name, version_id) not in known:
            known[name, version_id] = _read_version(study, name, version_id)
        return known[name, version_id]

    return {
        file: {
            name: {row: version(name, version_id) for row, version_id in rows.items()}
            for name, rows in per_transcript.items()
        }
        for file, per_transcript in changed_bindings(study, transcripts).items()
    }


def _read_version(study: Study, name: str, version_id: str) -> Transcript:
    path = study.versions_dir / f"{version_id}.json"
    try:
        facts = read_json(path)
        path = _text_path(study, facts["text"])
        turns = tuple(Turn(number, "", start, end) for number, start, end in facts["turns"])
        found = Transcript(name, path.read_bytes().decode(), turns)
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found is None or version_of(found) != version_id:
        problem = "missing or damaged: rows of people's files refer to this version of a transcript"
        raise FileError(f"versions/{path.name}", [problem], REMEDY)
    return found


def _text_path(study: Study, sha256: str) -> Path:
    return study.versions_dir / f"{sha256}.txt"


def keep_bindings(study: Study, found: Bindings, transcripts: Sequence[Transcript]) -> None:
    """Bring ``versions/`` up to date with a reading of people's files: the texts first, then the index.

    found: every binding that the reading gave. transcripts: all that it knew; what the index says of others, and
    of files that were not read, stays as it is. Kept texts are never removed. Nothing is written if nothing is new.
    """
    keep_texts(study, found, transcripts)
    if data := index_with(study, found, transcripts):
        write_whole(study.versions_dir / INDEX, data)


def keep_texts(study: Study, found: Bindings, transcripts: Sequence[Transcript]) -> None:
    """Keep the texts to which rows are bound; without the index nothing refers to them."""
    here = {transcript.transcript_id: transcript for transcript in transcripts}
    for name in sorted({name for per_transcript in found.values() for name in per_transcript}):
        in_use = {
            version for per_transcript in found.values() for version in per_transcript.get(name, {}).values()
        }
        _keep_version(study, here[name], in_use)


def index_with(study: Study, found: Bindings, transcripts: Sequence[Transcript]) -> bytes:
    """The index with these bindings, as ``keep_bindings`` writes it; empty if it says all of them already."""
    here = {transcript.transcript_id for transcript in transcripts}
    before = read_bindings(study)
    after = dict(before)
    for file, per_transcript in found.items():
        others = {name: rows for name, rows in before.get(file, {}).items() if name not in here}
        after[file] = others | dict(per_transcript)
    after = {file: per_transcript for file, per_transcript in after.items() if per_transcript}
    if after == before:
        return b""
    refer = {
        file: {name: _by_version(rows) for name, rows in per_transcript.items()}
        for file, per_transcript in after.items()
    }
    return canonical_json({"schema": SCHEMA, "refer": refer}).encode()


def _keep_version(study: Study, transcript: Transcript, in_use: set[str]) -> None:
    if version_of(transcript) not in in_use:
        return
    facts = study.versions_dir / f"{version_of(transcript)}.json"
    text = _text_path(study, transcript.sha256)
    if not text.is_file():
        write_whole(text, transcript.text.encode())
    if not facts.is_file():
        write_json(facts, _facts(transcript))


def _by_version(rows: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in sorted(rows):
        found.setdefault(rows[row], []).append(row)
    return found
