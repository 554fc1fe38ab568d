"""Two run folders of the same inputs, file by file: the same bytes, or the same figures.

What is told of a difference is where it stands and both numbers, never the words of a cell.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.tables import Row, read_table

#: Largest absolute difference of a figure between two machines.
TOLERANCE = 1e-3
#: Largest share of suggested flags that may differ between two machines, of the flags of the run verified.
MOST_FLAGS = 1e-3
SAME, WITHIN, DIFFERS = "same bytes", f"figures within {TOLERANCE}", "differs"
RENDERED = "rendered from the tables, not compared"
SUGGESTIONS, DISAGREEMENTS = "suggestions.csv", "disagreements.csv"
_ADDRESS = ("transcript", "start", "end", "code")
#: What names a row where the order of rows follows from figures.
KEYS: Mapping[str, tuple[str, ...]] = {
    SUGGESTIONS: _ADDRESS,
    DISAGREEMENTS: _ADDRESS,
    "reading.csv": _ADDRESS,
}
#: Of disagreements: whether the model gives the code there, a flag as those of suggestions.csv are.
SAYS = "model"
#: Told beside a suggestion: a choice of the few that weigh most, which a last digit can turn.
REASONS = ("evidence", "nearest", "nearest_not")
#: Counts of flags: they may differ by as many as flags do.
COUNTS = ("n_suggestions", "n_first_suggestions")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
# 0.1234 and 0.1244 are 0.001 apart as written, a little more in binary.
_WRITTEN = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in one file that is not as it was.

    where: line and column of a table, path in a JSON file, address and code of a flag.
    then, here: both numbers, None where there is none. what: in words, if numbers do not say it.
    """

    where: str
    then: float | None = None
    here: float | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing one file gave.

    verdict: one of SAME, WITHIN, RENDERED, DIFFERS or, of a model's files, a reason why they are not compared.
    differences: those that count against it. flags: those that differ; n_flags: of how many then (None: no flags
    in this file). n_reasons: of suggestions whose words or nearest excerpts are others, which counts for nothing.
    """

    file: str
    verdict: str
    differences: tuple[Difference, ...] = ()
    flags: tuple[Difference, ...] = ()
    n_flags: int | None = None
    n_reasons: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the file is as the rule wants it."""
        return self.verdict != DIFFERS


@dataclass(frozen=True, slots=True)
class Rule:
    """How far apart figures may be. tolerance: absolute. n_flags: flags that differ, by which their counts may."""

    tolerance: float
    n_flags: int = 0

    def allows(self, name: str, then: float, here: float) -> bool:
        """Whether two figures of this name agree."""
        most = max(self.tolerance, self.n_flags) if name in COUNTS else self.tolerance
        return abs(then - here) <= most * (1 + _WRITTEN)


def compare_folders(then: Path, here: Path, names: Sequence[str], *, by_bytes: bool) -> tuple[Compared, ...]:
    """Every file of these names and every other in ``here``: by bytes, or else by figures.

    then, here: folders. names: what the run had made.
    """
    every = sorted(
        {*names, *(path.name for path in here.iterdir())}, key=lambda name: (name != SUGGESTIONS, name)
    )
    found: list[Compared] = []
    n_flags = 0
    for name in every:
        compared = compare_file(then / name, here / name, by_bytes=by_bytes, n_flags=n_flags)
        n_flags += len(compared.flags) if name == SUGGESTIONS and not by_bytes else 0
        found.append(compared)
    return tuple(sorted(found, key=lambda compared: compared.file))


def compare_file(then: Path, here: Path, *, by_bytes: bool, n_flags: int = 0) -> Compared:
    """One file; n_flags: how many flags of the run differ, known once suggestions.csv is compared."""
    name = here.name
    if not here.is_file() or not then.is_file():
        where = "only then" if then.is_file() else "only here"
        return Compared(name, DIFFERS, (Difference("the file", what=where),))
    if then.read_bytes() == here.read_bytes():
        return Compared(name, SAME, n_flags=_n_flags(name, _rows(then)[1]) if name in FLAGGED else None)
    found = _by_content(then, here, Rule(0.0 if by_bytes else TOLERANCE, n_flags))
    if not by_bytes or found.verdict == DIFFERS:
        return found
    only = Difference("the file", what="bytes differ, the figures in it do not")
    return Compared(name, DIFFERS, (only,), n_flags=found.n_flags, n_reasons=found.n_reasons)


def _by_content(then: Path, here: Path, rule: Rule) -> Compared:
    name = here.name
    if name in FLAGGED:
        return FLAGGED[name](then, here, rule)
    if name.endswith(".json"):
        return _judged(name, _json_differences(_read(then), _read(here), rule))
    if name.endswith(".csv"):
        return _judged(name, _table_differences(then, here, rule))
    if name.endswith(".html"):
        return Compared(name, RENDERED)
    return Compared(name, DIFFERS, (Difference("the file", what="bytes differ"),))


def _judged(name: str, found: Iterator[Difference]) -> Compared:
    differences = tuple(found)
    return Compared(name, DIFFERS if differences else WITHIN, differences)


def _compare_flags(then: Path, here: Path, rule: Rule) -> Compared:
    """Flags by address and code; of those on both sides the figures and texts, the reasons only counted."""
    (before, old), (now, new) = _rows(then), _rows(here)
    flags = tuple(_rows_differ(old, new))
    both = [(old[key], new[key]) for key in old if key in new]
    columns = [name for name in before if name not in REASONS]
    found = [*_columns_differ(before, now), *_cells_differ(both, columns, rule)]
    n_reasons = sum(any(a.cells.get(c) != b.cells.get(c) for c in REASONS) for a, b in both)
    return _judged_flags(SUGGESTIONS, found, flags, _n_flags(SUGGESTIONS, old), rule, n_reasons)


def _compare_disagreements(then: Path, here: Path, rule: Rule) -> Compared:
    """Cells by address and code, for their order follows from a figure; what the model says of them as flags."""
    (before, old), (now, new) = _rows(then), _rows(here)
    both = {key: (row, new[key]) for key, row in old.items() if key in new}
    flags = tuple(
        Difference(_told(key), what="the model says otherwise here")
        for key, (a, b) in sorted(both.items(), key=lambda pair: _order(pair[0]))
        if a.cells.get(SAYS) != b.cells.get(SAYS)
    )
    columns = [name for name in before if name != SAYS]
    found = [
        *_columns_differ(before, now),
        *_rows_differ(old, new),
        *_cells_differ(list(both.values()), columns, rule),
    ]
    return _judged_flags(DISAGREEMENTS, found, flags, _n_flags(DISAGREEMENTS, old), rule)


def _n_flags(name: str, rows: Mapping[tuple[str, ...], Row]) -> int:
    """Suggestions, or disagreements of which the model says something."""
    return len(rows) if name == SUGGESTIONS else sum(bool(row.cells.get(SAYS)) for row in rows.values())


def _judged_flags(
    name: str,
    found: Sequence[Difference],
    flags: tuple[Difference, ...],
    n_flags: int,
    rule: Rule,
    n_reasons: int = 0,
) -> Compared:
    # Divided by nothing, a share is undefined: then no flag may differ.
    too_many = len(flags) > (MOST_FLAGS if rule.tolerance else 0) * n_flags
    verdict = DIFFERS if found or too_many else WITHIN
    return Compared(name, verdict, tuple(found), flags, n_flags, n_reasons)


FLAGGED: Mapping[str, Callable[[Path, Path, Rule], Compared]] = {
    SUGGESTIONS: _compare_flags,
    DISAGREEMENTS: _compare_disagreements,
}


def _table_differences(then: Path, here: Path, rule: Rule) -> Iterator[Difference]:
    (before, old), (now, new) = _rows(then), _rows(here)
    yield from _columns_differ(before, now)
    if then.name in KEYS:
        yield from _rows_differ(old, new)
    elif len(old) != len(new):
        yield Difference("number of rows", len(old), len(new))
    yield from _cells_differ([(old[key], new[key]) for key in old if key in new], before, rule)


def _rows(path: Path) -> tuple[tuple[str, ...], dict[tuple[str, ...], Row]]:
    """Columns; and the rows by what names them: their key, or their place."""
    table = read_table(path.read_bytes(), file=path.name, for_machines=True)
    key = KEYS.get(path.name, ())
    named = {
        tuple(row.cells[name] for name in key) if key else (str(place),): row
        for place, row in enumerate(table.rows)
    }
    return table.columns, named


def _rows_differ(
    old: Mapping[tuple[str, ...], Row], new: Mapping[tuple[str, ...], Row]
) -> Iterator[Difference]:
    """Rows that stand on one side alone."""
    for key in sorted(old.keys() ^ new.keys(), key=_order):
        yield Difference(_told(key), what="only then" if key in old else "only here")


def _order(key: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
    return key[0], int(key[1]), key[2:]


def _told(key: tuple[str, ...]) -> str:
    transcript, start, end, code = key
    return f"{transcript} {start}-{end} {code}"


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


def _read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _json_differences(
    then: Any, here: Any, rule: Rule, path: str = "", name: str = ""
) -> Iterator[Difference]:
    """Depth first, in the order of the file. name: the nearest key above, which tells counts of flags."""
    where = path or "the file"
    if isinstance(then, dict) and isinstance(here, dict):
        for key in sorted(then.keys() | here.keys()):
            if key not in then or key not in here:
                yield Difference(
                    f"{path}.{key}".lstrip("."), what="only then" if key in then else "only here"
                )
            else:
                yield from _json_differences(then[key], here[key], rule, f"{path}.{key}".lstrip("."), key)
    elif isinstance(then, list) and isinstance(here, list):
        if len(then) != len(here):
            yield Difference(where, len(then), len(here), "entries")
        for place, (old, new) in enumerate(zip(then, here, strict=False)):
            yield from _json_differences(old, new, rule, f"{path}[{place}]", name)
    elif _is_figure(then) and _is_figure(here):
        if not rule.allows(name, then, here):
            yield Difference(where, then, here)
    elif type(then) is not type(here) or then != here:
        numbers = [float(value) if _is_figure(value) else None for value in (then, here)]
        yield Difference(where, numbers[0], numbers[1], _kinds(then, here))


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _kinds(then: Any, here: Any) -> str:
    if then is None or here is None:
        return "undefined here" if here is None else "undefined then"
    return "another text" if isinstance(then, str) and isinstance(here, str) else "another value"
