"""``next.csv``: which transcripts were proposed for coding, when, and why; the random order is drawn once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from corpus.addresses import AddressError, whole_number
from corpus.errors import FileError
from corpus.names import fold_name, shown_name, tidy_name
from corpus.study import DRAWS, Study
from corpus.tables import Row, read_table, write_table

DRAW_COLUMNS = ("transcript", "draw", "why", "number")
READ_BEFORE, RANDOM, TEACHES_MOST = "read before", "random", "teaches most"
REMEDY = (
    "next.csv is written by 'precode next' and best left as it is. Mend the lines, or put back a copy. Deleted, "
    "it is begun anew: all that has been read by then counts as read before."
)
_WRITTEN_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Draw:
    """A transcript, and the draw that proposed it.

    draw: 0 if all of it was read before the first draw, else 1, 2 ... in the order of the draws.
    why: "read before" (draw 0 alone), "random" or "teaches most".
    number: its permanent random number, in (0, 1).
    """

    transcript: str
    draw: int
    why: str
    number: float


def permanent_number(seed: int, transcript_id: str) -> float:
    """A transcript's permanent random number (Ohlsson 1995), in (0, 1); it depends on nothing else in the study.

    The transcripts with the smallest numbers are a simple random sample; one that comes later finds its place in the
    same order, and what was drawn stays drawn.
    """
    found = hashlib.sha256(f"{seed}\n{transcript_id}".encode()).digest()
    return ((int.from_bytes(found[:8], "big") >> 12) + 0.5) / 2**52


def read_draws(study: Study) -> tuple[Draw, ...]:
    """The rows of the study's ``next.csv``, in its order; none without the file.

    Transcripts that are not in the study (any more) are among them: whoever knows the transcripts tells of them.
    Raises FileError with every row that cannot be used, also where a number is not what the study's seed gives.
    """
    path = study.root / DRAWS
    if not path.is_file():
        return ()
    table = read_table(path.read_bytes(), file=DRAWS, required=DRAW_COLUMNS, optional=(), for_machines=True)
    draws, problems, lines = list[Draw](), list(table.rejected), dict[str, int]()
    for row in table.rows:
        try:
            draw = _draw(row, study.settings.study.seed)
        except AddressError as error:
            problems.append(f"line {row.line}: {error}")
            continue
        if draw.transcript in lines:
            first = lines[draw.transcript]
            problems.append(
                f"lines {first}, {row.line}: transcript {shown_name(draw.transcript)} stands twice"
            )
        lines.setdefault(draw.transcript, row.line)
        draws.append(draw)
    if problems:
        raise FileError(DRAWS, problems, REMEDY)
    return tuple(draws)


def _draw(row: Row, seed: int) -> Draw:
    name, why = tidy_name(row.cells["transcript"]), fold_name(row.cells["why"])
    if not name:
        raise AddressError("no transcript")
    if why not in (READ_BEFORE, RANDOM, TEACHES_MOST):
        raise AddressError(f"why is none of {READ_BEFORE}, {RANDOM}, {TEACHES_MOST}")
    draw = whole_number(row.cells, "draw")
    if draw < 0:
        raise AddressError(f"draw {draw} is negative")
    if (draw == 0) != (why == READ_BEFORE):
        raise AddressError(f"draw 0 and '{READ_BEFORE}' belong together")
    number = permanent_number(seed, name)
    if not math.isclose(_share(row.cells["number"]), number, abs_tol=10**-_WRITTEN_DIGITS):
        raise AddressError(
            f"the number of {shown_name(name)} is not what [study] seed = {seed} gives; was the seed changed since?"
        )
    return Draw(name, draw, why, number)


def _share(cell: str) -> float:
    """A number as a spreadsheet may have left it; nan if it is none."""
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        return math.nan


def write_draws(study: Study, draws: Iterable[Draw]) -> None:
    """Write ``next.csv`` whole, rows in the order given; for whoever holds the study's lock."""
    rows = [[d.transcript, str(d.draw), d.why, f"{d.number:.{_WRITTEN_DIGITS}f}"] for d in draws]
    write_table(study.root / DRAWS, DRAW_COLUMNS, rows)
