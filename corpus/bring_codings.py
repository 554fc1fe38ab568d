"""Codings from a table that another tool or person made, for any number of coders, into ``codings/``."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.addresses import AddressError, resolve_address
from corpus.codebook import read_codebook
from corpus.codings import CODING_COLUMNS
from corpus.errors import FileError, StudyError
from corpus.names import fold_code, fold_name, is_models, shown_name, spelling_warnings, tidy_name
from corpus.records import Transcript
from corpus.study import Study, coder_files
from corpus.tables import Row, Table, read_table, write_table

#: What other tools call the column that we call ``transcript``, ``code``, ``coder``.
ALIASES = {
    "transcript": ("transcript", "doc_id", "document", "doc", "file"),
    "code": ("code", "tag", "name"),
    "coder": ("coder", "user", "annotator"),
}
WRITTEN_COLUMNS = ("transcript", "code", "start", "end", "quote", "memo", "coded_at", "basis")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file.

    kind: "transcripts", "codebook", "codings" or "participants". n_new: what was not there before.
    rejected: rows that were not taken, each with its line and reason.
    """

    file: str
    kind: str
    n_new: int
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


def find_column(table: Table, wanted: str) -> str:
    """The table's column for what we call ``wanted``, or ""."""
    return next((name for name in ALIASES[wanted] if name in table.columns), "")


def import_codings(
    study: Study, path: Path, table: Table, transcripts: Mapping[str, Transcript], coder: str
) -> Imported:
    """Add the codings of a table to the files of their coders; rows that cannot be used are listed.

    coder: who coded, if no column says so. Raises FileError if nothing does.
    """
    column = find_column(table, "coder")
    if not column and not coder:
        raise FileError(
            path.name, ["no column says who coded"], "Name the coder: precode import STUDY FILE --coder NAME"
        )
    spell = _Spelling(study)
    rejected, rows = list(table.rejected), defaultdict[str, list[list[str]]](list)
    for row in table.rows:
        who = coder or row.cells.get(column, "")
        try:
            cells = _coding_cells(row, table, transcripts)
        except AddressError as error:
            rejected.append(f"line {row.line}: {error}")
            continue
        if not tidy_name(who):
            rejected.append(f"line {row.line}: no coder")
            continue
        cells["code"] = spell.code(cells["code"])
        rows[spell.coder(who)].append([cells.get(name, "") for name in WRITTEN_COLUMNS])
    for name in rows:
        _refuse_damaged(study, name)
    n_new = sum(_append(study, name, new) for name, new in rows.items())
    warnings = [*table.notes, *table.warnings, *spell.warnings()]
    if not table.rows and not rejected:
        warnings.append("0 codings")
    return Imported(path.name, "codings", n_new, tuple(warnings), tuple(rejected))


def _coding_cells(row: Row, table: Table, transcripts: Mapping[str, Transcript]) -> dict[str, str]:
    """Our columns of a row, its address resolved to start, end and quote."""
    name = tidy_name(row.cells[find_column(table, "transcript")])
    transcript = transcripts.get(name)
    if transcript is None:
        raise AddressError(f"no transcript {shown_name(name)}")
    cells = {column: row.cells.get(column, "") for column in CODING_COLUMNS}
    cells |= {"transcript": name, "code": row.cells[find_column(table, "code")]}
    if cells["code"].strip():
        start, end = resolve_address(cells, transcript)
        cells |= {"start": str(start), "end": str(end), "quote": transcript.text[start:end]}
    return cells


class _Spelling:
    """One spelling for names that differ only by case or form: the one that the study has, else the first."""

    def __init__(self, study: Study) -> None:
        self._coders = {fold_name(path.stem): tidy_name(path.stem) for path in coder_files(study)}
        self._known = set(self._coders.values())
        path = study.root / "codebook.csv"
        names = read_codebook(path.read_bytes()).codebook.names if path.is_file() else ()
        self._codes = {fold_code(name): name for name in names}
        self._has_codebook = bool(names)
        self._exact = {*self._known, *names}
        self._said: dict[str, None] = {}

    def coder(self, name: str) -> str:
        if any(sign in name for sign in '/\\:*?"<>|') or name.strip().startswith("."):
            raise StudyError(
                f"coder '{tidy_name(name)[:40]}' cannot be a file's name in codings/; give another with --coder"
            )
        if is_models(name):
            raise StudyError(
                f"coder '{tidy_name(name)}' is the model's own name; give another with --coder, for example llm"
            )
        kept = self._keep(self._coders, name, "coder")
        if kept not in self._known:
            self._known.add(kept)
            self._said[f"coder '{kept}' is new: codings/{kept}.csv was made"] = None
        return kept

    def code(self, name: str) -> str:
        if not name.strip():
            return ""
        known = fold_code(name) in self._codes
        kept = self._keep(self._codes, name, "code")
        if self._has_codebook and not known:
            self._said[f"code '{kept}' is not in codebook.csv: its codings are kept but not used"] = None
        return kept

    def _keep(self, names: dict[str, str], raw: str, kind: str) -> str:
        tidy = tidy_name(raw)
        kept = (
            tidy
            if tidy in self._exact
            else names.setdefault((fold_code if kind == "code" else fold_name)(raw), tidy)
        )
        if kept != tidy:
            self._said[f"{kind} '{tidy}' is taken for '{kept}'"] = None
        elif unicodedata.normalize("NFC", raw) != raw:
            self._said[f"{kind} '{tidy}' is written in two Unicode forms: taken as one"] = None
        return kept

    def warnings(self) -> list[str]:
        look_alike = [w for w in spelling_warnings(self._codes.values(), kind="code") if "look alike" in w]
        return [*self._said, *look_alike]


def _refuse_damaged(study: Study, coder: str) -> None:
    """A coder's file is written anew with what is added: rows that cannot be read would be lost."""
    path = study.codings_dir / f"{coder}.csv"
    if path.is_file() and (rejected := read_table(path.read_bytes(), file=path.name).rejected):
        problems = [f"codings/{path.name}, to which it belongs, {problem}" for problem in rejected]
        raise FileError(path.name, problems, "Mend that file first; nothing was added.")


def _append(study: Study, coder: str, rows: Sequence[Sequence[str]]) -> int:
    """Add rows to a coder's file that are not in it; returns how many."""
    path = study.codings_dir / f"{coder}.csv"
    columns, old = list(WRITTEN_COLUMNS), []
    if path.is_file():
        table = read_table(path.read_bytes(), file=f"codings/{path.name}", for_machines=True)
        columns = [*table.columns, *(name for name in WRITTEN_COLUMNS if name not in table.columns)]
        old = [[row.cells.get(name, "") for name in columns] for row in table.rows]
    there = {tuple(row) for row in old}
    given = [dict(zip(WRITTEN_COLUMNS, row, strict=True)) for row in rows]
    new = dict.fromkeys(tuple(row.get(name, "") for name in columns) for row in given)
    added = [list(row) for row in new if row not in there]
    if added or not path.is_file():
        write_table(path, columns, [*old, *added])
    return len(added)
