"""Two tables of the same run: rows by line or by what names them, cells by figures, flags of the model counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.tables import Row, read_table
from pipeline.compare.cells_table import PEOPLE_COLUMNS
from pipeline.compare.columns import MODEL
from pipeline.compare.disagreements import NO, YES
from pipeline.compare_rule import DIFFERS, MOST_FLAGS, WITHIN, Compared, Difference, Rule, judged

SUGGESTIONS, DISAGREEMENTS, CELLS = "suggestions.csv", "disagreements.csv", "cells.csv"
Key = tuple[str, ...]
Rows = Mapping[Key, Row]
_ADDRESS = ("transcript", "start", "end", "code")
#: What names a row where the order of rows, or whether there is one, follows from figures.
KEYS: Mapping[str, Key] = {
    SUGGESTIONS: _ADDRESS,
    DISAGREEMENTS: _ADDRESS,
    CELLS: _ADDRESS,
    "reading.csv": _ADDRESS,
}
#: Told beside a suggestion: a choice of the few that weigh most, which a last digit can turn.
REASONS = ("evidence", "nearest", "nearest_not")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class _Flags:
    """Flags of one table. differ: those that do. n: of how many then."""

    differ: tuple[Difference, ...]
    n: int


def compare_tables(then: Path, here: Path, rule: Rule) -> Compared:
    """One file; of a table with flags these by their address and code."""
    (before, old), (now, new) = rows_of(then), rows_of(here)
    if here.name in FLAGGED:
        return FLAGGED[here.name](before, now, old, new, rule)
    found = [*_columns_differ(before, now)]
    if here.name in KEYS:
        found += _rows_differ(old, new)
    elif len(old) != len(new):
        found.append(Difference("number of rows", len(old), len(new)))
    return judged(here.name, (*found, *_cells_differ(_both(old, new), before, rule)))


def n_flags_of(path: Path) -> int | None:
    """How many flags a table holds; None for one without."""
    return N_FLAGS[path.name](rows_of(path)[1].values()) if path.name in N_FLAGS else None


def _of_suggestions(before: Key, now: Key, old: Rows, new: Rows, rule: Rule) -> Compared:
    """A row is a flag; of those on both sides the figures and texts are compared, the reasons only counted."""
    flags = _Flags(tuple(_rows_differ(old, new)), _n_rows(old.values()))
    both = _both(old, new)
    columns = [name for name in before if name not in REASONS]
    found = [*_columns_differ(before, now), *_cells_differ(both, columns, rule)]
    n_reasons = sum(any(a.cells.get(c) != b.cells.get(c) for c in REASONS) for a, b in both)
    return _judged_flags(SUGGESTIONS, found, flags, rule, n_reasons)


def _of_disagreements(before: Key, now: Key, old: Rows, new: Rows, rule: Rule) -> Compared:
    """What the model says of a cell is a flag; the rows are people's."""
    both = _both(old, new)
    turned = [pair for pair in both if pair[0].cells.get(MODEL) != pair[1].cells.get(MODEL)]
    flags = _Flags(tuple(_turned(turned)), _n_said(old.values()))
    found = [
        *_columns_differ(before, now),
        *_rows_differ(old, new),
        *_cells_differ(both, [name for name in before if name != MODEL], rule),
    ]
    return _judged_flags(DISAGREEMENTS, found, flags, rule)


def _of_cells(before: Key, now: Key, old: Rows, new: Rows, rule: Rule) -> Compared:
    """What the model says of a code is a flag, also where a row stands on one side alone for nobody else gave it.

    Whether the model was asked at all is none: then a cell is empty on one side.
    """
    both = _both(old, new)
    turned = [pair for pair in both if {pair[0].cells.get(MODEL), pair[1].cells.get(MODEL)} == {YES, NO}]
    alone = {key: row for key, row in {**old, **new}.items() if (key in old) != (key in new)}
    made_by_model = {key: row for key, row in alone.items() if _model_alone(key, row)}
    flags = _Flags((*_turned(turned), *_rows_differ_of(made_by_model, old)), _n_said(old.values()))
    of_others = {key: row for key, row in alone.items() if key not in made_by_model}
    asked = [pair for pair in both if pair not in turned]
    found = [
        *_columns_differ(before, now),
        *_rows_differ_of(of_others, old),
        *_cells_differ(asked, before, rule),
        *_cells_differ(turned, [name for name in before if name != MODEL], rule),
    ]
    return _judged_flags(CELLS, found, flags, rule)


def _model_alone(key: Key, row: Row) -> bool:
    """Whether a row of cells.csv is there for the model gave a code that nobody else gave."""
    said = (word for name, word in row.cells.items() if name.startswith(PEOPLE_COLUMNS))
    return all(key) and row.cells.get(MODEL) == YES and YES not in said


def _turned(pairs: Iterable[tuple[Row, Row]]) -> Iterator[Difference]:
    for then, _ in sorted(pairs, key=lambda pair: _order(_address(pair[0]))):
        yield Difference(_told(_address(then)), what="the model says otherwise here")


def _address(row: Row) -> Key:
    return tuple(row.cells[name] for name in _ADDRESS)


def _n_rows(rows: Iterable[Row]) -> int:
    return len(list(rows))


def _n_said(rows: Iterable[Row]) -> int:
    """Of how many cells the model says something."""
    return sum(row.cells.get(MODEL) in (YES, NO) and bool(row.cells["transcript"]) for row in rows)


def _judged_flags(
    name: str, found: Sequence[Difference], flags: _Flags, rule: Rule, n_reasons: int = 0
) -> Compared:
    # Divided by nothing, a share is undefined: then no flag may differ.
    too_many = len(flags.differ) > (MOST_FLAGS if rule.tolerance else 0) * flags.n
    verdict = DIFFERS if found or too_many else WITHIN
    return Compared(name, verdict, tuple(found), flags.differ, flags.n, n_reasons)


FLAGGED: Mapping[str, Callable[[Key, Key, Rows, Rows, Rule], Compared]] = {
    SUGGESTIONS: _of_suggestions,
    DISAGREEMENTS: _of_disagreements,
    CELLS: _of_cells,
}
N_FLAGS: Mapping[str, Callable[[Iterable[Row]], int]] = {
    SUGGESTIONS: _n_rows,
    DISAGREEMENTS: _n_said,
    CELLS: _n_said,
}


def rows_of(path: Path) -> tuple[Key, dict[Key, Row]]:
    """Columns; and the rows by what names them: their key, or their place."""
    table = read_table(path.read_bytes(), file=path.name, for_machines=True)
    key = KEYS.get(path.name, ())
    named = {
        tuple(row.cells[name] for name in key) if key else (str(place),): row
        for place, row in enumerate(table.rows)
    }
    return table.columns, named


def _both(old: Rows, new: Rows) -> list[tuple[Row, Row]]:
    return [(row, new[key]) for key, row in old.items() if key in new]


def _rows_differ(old: Rows, new: Rows) -> Iterator[Difference]:
    """Rows that stand on one side alone."""
    return _rows_differ_of(old.keys() ^ new.keys(), old)


def _rows_differ_of(keys: Iterable[Key], old: Rows) -> Iterator[Difference]:
    for key in sorted(keys, key=_order):
        yield Difference(_told(key), what="only then" if key in old else "only here")


def _order(key: Key) -> tuple[str, int, Key]:
    """A row of cells.csv on a code alone stands nowhere."""
    return key[0], int(key[1] or 0), key[2:]


def _told(key: Key) -> str:
    transcript, start, end, code = key
    return f"{transcript} {start}-{end} {code}" if transcript else code


def _columns_differ(then: Sequence[str], here: Sequence[str]) -> Iterator[Difference]:
    if tuple(then) != tuple(here):
        yield Difference("columns", len(then), len(here), "their names or order are others")


def _cells_differ(
    pairs: Sequence[tuple[Row, Row]], columns: Sequence[str], rule: Rule
) -> Iterator[Difference]:
    for old, new in pairs:
        for name in columns:
            then, here = old.cells.get(name, ""), new.cells.get(name, "")
            if then == here:
                continue
            before, now = _number(then), _number(here)
            where = f"line {old.line}, {name}"
            if before is None or now is None:
                yield Difference(where, before, now, _words(then, here))
            elif not rule.allows(name, before, now):
                yield Difference(where, before, now)


def _words(then: str, here: str) -> str:
    """Of two cells that are not both numbers."""
    if not then or not here:
        return "empty here" if not here else "empty then"
    return "another text"


def _number(cell: str) -> float | None:
    return float(cell) if _NUMBER.fullmatch(cell) else None
