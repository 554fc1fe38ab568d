"""``precode import``: bring transcripts, codebooks and codings into a study folder, losing nothing in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corpus.bring_codings import ALIASES, Imported, find_column, import_codings
from corpus.codebook import CODEBOOK_COLUMNS, codebook_of, read_codebook
from corpus.codings import bindings_name, read_codings
from corpus.coverage import COVERAGE, coverage_of
from corpus.errors import FileError, StudyError
from corpus.files import write_whole
from corpus.names import tidy_name
from corpus.readers import READERS, read_table_file, read_transcripts
from corpus.readers.exchange import read_exchange
from corpus.records import Transcript
from corpus.study import Study, coder_files, transcript_files
from corpus.tables import Table, shown_column, write_table
from corpus.versions import MadeOn, bindings_of, earlier_versions, keep_bindings

#: Of a table that holds nothing we know, so many columns are named.
MOST_COLUMNS_SHOWN = 12
#: Endings of tables, whose columns say what they hold, and of documents that may hold codings beside their words.
TABLES = (".csv", ".xlsx")
DOCUMENTS = (".json", ".jsonl")


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """What came of all files: one line for each that came, and file -> reason for what did not, whole or in part."""

    brought: tuple[str, ...]
    set_aside: Mapping[str, str]


def bring_files_in(study: Study, files: Sequence[Path], *, coder: str = "") -> BroughtIn:
    """Bring files in, transcripts before what points to them; a file that is refused does not stop the others."""
    brought: list[str] = []
    set_aside: dict[str, str] = {}
    transcripts_brought: set[str] = set()
    transcripts = _transcripts_of(study)
    for path in sorted(files, key=_comes_first):
        if path.name in transcripts_brought:
            set_aside[path.name] = "another file of this name was brought in just now; rename one of them"
            continue
        try:
            found = import_file(study, path, transcripts, coder=coder)
        except StudyError as error:
            set_aside[path.name] = "; ".join(error.problems) if isinstance(error, FileError) else str(error)
            continue
        if found.kind == "transcripts":
            transcripts_brought.add(path.name)
            transcripts |= _ids(study.transcripts_dir / path.name, path.name)
        brought.append(f"{found.file}: {found.n_new} new {found.kind}")
        brought += [f"{found.file}: {warning}" for warning in found.warnings]
        if found.rejected:
            set_aside[found.file] = "; ".join(found.rejected)
    return BroughtIn(tuple(brought), set_aside)


def _comes_first(path: Path) -> int:
    """Transcripts, then tables: codebooks before codings."""
    if path.suffix.lower() not in TABLES:
        return 0
    try:
        columns = set(read_table_file(path, file=path.name).columns)
    except (OSError, FileError):
        return 3
    if "text" in columns:
        return 0
    return 2 if columns & set(ALIASES["transcript"]) else 1


def _transcripts_of(study: Study) -> dict[str, Transcript]:
    """Transcripts of the study by id; files that cannot be read have none."""
    found: dict[str, Transcript] = {}
    for name in transcript_files(study):
        with suppress(FileError):
            found |= _ids(study.transcripts_dir / name, name)
    return found


def _ids(path: Path, source: str) -> dict[str, Transcript]:
    return {found.transcript_id: found for found in read_transcripts(path, source=source).transcripts}


def import_file(
    study: Study, path: Path, transcripts: Mapping[str, Transcript], *, coder: str = ""
) -> Imported:
    """Bring one file in; what it is follows from its ending and, for a table, from its columns.

    transcripts: those that the study holds already, by id; codings are checked against them.
    coder: who coded, for a table of codings without a column that says so.
    Raises FileError for a file that cannot be taken; then nothing of it is stored.
    """
    if not path.is_file():
        raise FileError(path.name, ["no such file"])
    if path.suffix.lower() in DOCUMENTS:
        return _import_documents(study, path, transcripts, coder)
    if path.suffix.lower() not in TABLES:
        return _import_transcripts(study, path, transcripts)
    table = read_table_file(path, file=path.name)
    return _importer(table, path)(study, path, table, transcripts, coder)


_Importer = Callable[[Study, Path, Table, Mapping[str, Transcript], str], Imported]


def _importer(table: Table, path: Path) -> _Importer:
    columns = set(table.columns)
    transcript, code = find_column(table, "transcript"), find_column(table, "code")
    if {"speaker", "text"} <= columns and transcript:
        return lambda study, path, table, transcripts, coder: _import_transcripts(study, path, transcripts)
    # A column "name" beside transcripts is a code only where something is addressed: else it is a person's.
    if transcript and code and (code != "name" or columns & {"start", "turn", "quote"}):
        return import_codings
    if code and not transcript:
        return _import_codebook
    if transcript:
        return _import_participants
    raise FileError(
        path.name,
        [f"its columns are {_shown(table.columns)}: no transcripts, codings, codebook or participants"],
        "A table of ratings, one unit a row and one coder a column, is read by 'precode audit FILE'.",
    )


def _shown(columns: Sequence[str]) -> str:
    """The first columns; of a file that is no table they are not its words, nor its bytes."""
    named = [
        shown_column(name) if name.isprintable() else "(no text)" for name in columns[:MOST_COLUMNS_SHOWN]
    ]
    more = len(columns) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def _import_documents(
    study: Study, path: Path, transcripts: Mapping[str, Transcript], coder: str
) -> Imported:
    """Transcripts in JSON and, where their file holds codings too, these."""
    found = _import_transcripts(study, path, transcripts)
    try:
        exchange = read_exchange(path.read_bytes(), source=path.name)
    except FileError:  # a machine's transcript, without codings
        return found
    if not exchange.codings.rows and not exchange.codings.rejected:
        return found
    here = {**transcripts, **{transcript.transcript_id: transcript for transcript in exchange.transcripts}}
    codings = import_codings(study, path, exchange.codings, here, coder)
    told = [warning for warning in found.warnings if "codings" not in warning]
    return Imported(
        found.file,
        found.kind,
        found.n_new,
        (*told, f"{codings.n_new} new codings", *codings.warnings),
        (*found.rejected, *codings.rejected),
    )


def _import_transcripts(study: Study, path: Path, transcripts: Mapping[str, Transcript]) -> Imported:
    if path.suffix.lower() not in READERS:
        raise FileError(path.name, [f"no reader for '{path.suffix}' (known: {', '.join(sorted(READERS))})"])
    reading = read_transcripts(path, source=path.name)
    target = study.transcripts_dir / path.name
    data = path.read_bytes()
    if target.is_file() and target.read_bytes() == data:
        return Imported(
            path.name,
            "transcripts",
            0,
            (*reading.warnings, "this file is in the study already"),
            reading.rejected,
        )
    _refuse_ids_of_other_files(path, reading.transcripts, transcripts)
    warnings = [*reading.warnings, *_same_text_elsewhere(path, reading.transcripts, transcripts)]
    if target.is_file():
        coded = _remember_versions(study, transcripts)
        told = "a new version of a transcript that was there"
        if any(transcript.transcript_id in coded for transcript in reading.transcripts):
            told += ": its codings go with their words where these stand once; the next run lists the others"
        warnings.append(told)
    write_whole(target, data)
    return Imported(path.name, "transcripts", len(reading.transcripts), tuple(warnings), reading.rejected)


def _remember_versions(study: Study, transcripts: Mapping[str, Transcript]) -> set[str]:
    """Keep the version of each transcript that codings refer to, before one is replaced; ids of those coded.

    Rows and files that cannot be used are no obstacle: what they refer to is not known.
    """
    earlier = earlier_versions(study, transcripts.values())
    made_on: dict[str, MadeOn] = {}
    for path in coder_files(study):
        name = bindings_name(tidy_name(path.stem))
        with suppress(FileError):
            made_on[name] = read_codings(
                path.read_bytes(), file=name, coder="", transcripts=transcripts, earlier=earlier.get(name)
            ).made_on
    with suppress(FileError):
        made_on[COVERAGE] = coverage_of(study, transcripts, earlier.get(COVERAGE, {}), notes=[]).made_on
    bindings = {file: bindings_of(rows) for file, rows in made_on.items()}
    keep_bindings(study, bindings, list(transcripts.values()))
    return {name for rows in made_on.values() for name in rows}


def _refuse_ids_of_other_files(
    path: Path, found: Sequence[Transcript], transcripts: Mapping[str, Transcript]
) -> None:
    """A run refuses two files that give the same transcript: better to say so before there are two."""
    names = [transcript.transcript_id for transcript in found]
    homes = {name: transcripts[name].source for name in names if name in transcripts}
    problems = [
        f"transcript '{name}' is in {home} already" for name, home in homes.items() if home != path.name
    ]
    if problems:
        raise FileError(path.name, problems, "Rename the file, or remove the other one.")


def _same_text_elsewhere(
    path: Path, found: Sequence[Transcript], transcripts: Mapping[str, Transcript]
) -> list[str]:
    """A copy under another name, or one that differs only in blank lines at its end, is said."""
    ours = {transcript.text.strip() for transcript in found}
    homes = {other.source: None for other in transcripts.values() if other.text.strip() in ours}
    return [f"the same words stand in {home} already" for home in homes if home != path.name]


def _import_codebook(
    study: Study, path: Path, table: Table, transcripts: Mapping[str, Transcript], coder: str
) -> Imported:
    target = study.root / "codebook.csv"
    reading = codebook_of(table, file=path.name, code_column=find_column(table, "code"))
    if target.is_file() and read_codebook(target.read_bytes()).codebook.codes:
        raise FileError(
            path.name,
            ["the study has a codebook.csv already"],
            "Merge the two by hand, or remove the old one.",
        )
    rows = [
        [getattr(code, "name" if c == "code" else c) for c in CODEBOOK_COLUMNS]
        for code in reading.codebook.codes
    ]
    write_table(target, CODEBOOK_COLUMNS, rows)
    return Imported(path.name, "codebook", len(rows), reading.warnings)


def _import_participants(
    study: Study, path: Path, table: Table, transcripts: Mapping[str, Transcript], coder: str
) -> Imported:
    target = study.root / "participants.csv"
    if target.is_file():
        raise FileError(path.name, ["the study has a participants.csv already"], "Merge the two by hand.")
    write_table(target, table.columns, [[row.cells.get(c, "") for c in table.columns] for row in table.rows])
    return Imported(path.name, "participants", len(table.rows), table.warnings, table.rejected)
