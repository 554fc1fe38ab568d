"""``names-to-check.csv``: words of a model that may be names, for its owner to look through before it is shared.

They are participants' words, so they are written into the study and nowhere else. Whoever looks through them marks in
the column ``keep`` what is no name; marks stay when the file is written again.
"""

from __future__ import annotations

from collections.abc import Mapping

from corpus.identifying import bare
from corpus.study import Study
from corpus.tables import read_table, write_table

NAMES_FILE = "names-to-check.csv"
COLUMNS = ("word", "why", "keep")


def read_kept(study: Study) -> dict[str, str]:
    """Word -> the mark of a person who says that it is no name. Raises FileError for a damaged file."""
    path = study.root / NAMES_FILE
    if not path.is_file():
        return {}
    table = read_table(
        path.read_bytes(), file=path.name, required=["word"], optional=COLUMNS[1:], for_machines=True
    )
    marks = {bare(row.cells["word"].strip()): row.cells.get("keep", "").strip() for row in table.rows}
    return {word: mark for word, mark in marks.items() if word and mark}


def write_names(study: Study, found: Mapping[str, str], kept: Mapping[str, str]) -> None:
    """found: word -> why it may be a name. kept: as ``read_kept`` gives it; those not found now stay too."""
    rows = [[word, why, kept.get(word, "")] for word, why in found.items()]
    rows += [[word, "", mark] for word, mark in sorted(kept.items()) if word not in found]
    write_table(study.root / NAMES_FILE, COLUMNS, rows)
