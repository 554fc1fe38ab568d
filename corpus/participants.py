"""``participants.csv``: what is known of those who were interviewed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from corpus.errors import FileError
from corpus.names import tidy_name
from corpus.records import Transcript
from corpus.study import Study
from corpus.tables import read_table

REMEDY = "One row a transcript, or one a transcript and speaker."


def read_participants(
    study: Study, by_id: Mapping[str, Transcript], *, notes: list[str]
) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Transcript id -> attribute -> value, and the attributes in order.

    A transcript with a row for each speaker has those attributes on which all of its rows agree; the others are
    empty and told. Raises FileError with every row that cannot be used.
    """
    path = study.root / "participants.csv"
    if not path.is_file():
        return {}, ()
    table = read_table(path.read_bytes(), file=path.name, required=["transcript"], for_machines=True)
    attributes = tuple(column for column in table.columns if column not in ("transcript", "speaker"))
    rows: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    speakers: set[tuple[str, str]] = set()
    problems = list(table.rejected)
    for row in table.rows:
        name, speaker = tidy_name(row.cells["transcript"]), tidy_name(row.cells.get("speaker", ""))
        if (name, speaker) in speakers:
            problems.append(f"line {row.line}: transcript '{name}' has two rows; name the speaker in a group")
        speakers.add((name, speaker))
        rows[name].append(row.cells)
    if problems:
        raise FileError(path.name, problems, REMEDY)
    _tell(rows, by_id, attributes, notes)
    return {name: _shared(found, attributes) for name, found in rows.items()}, attributes


def participant_cells(study: Study) -> list[str]:
    """Every cell, also of rows and attributes that ``read_participants`` leaves out; none without the file."""
    path = study.root / "participants.csv"
    if not path.is_file():
        return []
    table = read_table(path.read_bytes(), file=path.name, for_machines=True)
    return [cell for row in table.rows for cell in row.cells.values()]


def _shared(rows: Sequence[Mapping[str, str]], attributes: Sequence[str]) -> dict[str, str]:
    """What all rows of a transcript say alike; a row without a speaker speaks for all."""
    whole = [row for row in rows if not row.get("speaker", "").strip()] or rows
    values = {column: {row[column].strip() for row in whole} for column in attributes}
    return {column: found.pop() if len(found) == 1 else "" for column, found in values.items()}


def _tell(
    rows: Mapping[str, Sequence[Mapping[str, str]]],
    by_id: Mapping[str, Transcript],
    attributes: Sequence[str],
    notes: list[str],
) -> None:
    if missing := sum(name not in rows for name in by_id):
        notes.append(f"participants.csv: {missing} transcripts have no row")
    if strange := [name for name in rows if name not in by_id]:
        shown = ", ".join(f"'{name}'" for name in strange[:3]) + (" ..." if len(strange) > 3 else "")
        notes.append(f"participants.csv: {len(strange)} rows for transcripts that are not here ({shown})")
    for column in attributes:
        differ = sum(
            len({row[column].strip() for row in found}) > 1 for found in rows.values() if len(found) > 1
        )
        if differ:
            notes.append(
                f"participants.csv: in {differ} transcripts the speakers differ in '{column}': left empty"
            )
