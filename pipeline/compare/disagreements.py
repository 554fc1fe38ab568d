"""Every cell in which human coders differ, sorted by what settling it would change: disagreements.csv."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.records import Segment
from corpus.tables import write_table
from pipeline.agreement.alpha import alpha_of
from pipeline.agreement.verdict import NOT_SUGGESTED
from pipeline.compare.columns import CONSENSUS, MODEL, BoolArray, Column, FloatArray, IntArray, Panel
from pipeline.compare.rows import cell, number

DISAGREEMENT_COLUMNS = (
    "transcript",
    "start",
    "end",
    "speaker",
    "quote",
    "code",
    "gave",
    "declined",
    "agreed",
    "probability",
    "model",
    "would_change",
    "decision",
    "note",
)
YES, NO = "yes", "no"
#: Orders are the same on every machine if the last digits of a sum do not count.
_DIGITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Readers:
    """How many human coders read each segment, and how many of them gave each code.

    n_readers: (n,). n_gave: (n, k).
    """

    n_readers: IntArray
    n_gave: IntArray

    @property
    def common(self) -> BoolArray:
        """(n,), two human coders or more read the segment."""
        return np.asarray(self.n_readers >= 2)

    @property
    def agreed(self) -> BoolArray:
        """(n, k), all who read a common segment gave the code."""
        return np.asarray(self.common[:, None] & (self.n_gave == self.n_readers[:, None]))

    @property
    def disputed(self) -> BoolArray:
        """(n, k), some who read the segment gave the code and others declined it."""
        return np.asarray((self.n_gave > 0) & (self.n_gave < self.n_readers[:, None]))


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A segment and a code on which human coders differ.

    gave, declined: their names. agreed: codes that all readers of the segment gave.
    probability: the model's, nan if it said nothing; model: whether it flags the code, None likewise and where it
        does not suggest the code anywhere, though it has learned it: not_suggested.
    would_change: as ``would_change`` has it. settled: what the consensus says, None if it has not read the segment.
    """

    segment: Segment
    code: str
    gave: tuple[str, ...]
    declined: tuple[str, ...]
    agreed: tuple[str, ...]
    probability: float
    model: bool | None
    would_change: float
    settled: bool | None
    not_suggested: bool = False


def count_readers(seen: BoolArray, given: BoolArray) -> Readers:
    """seen: (c, n), given: (c, n, k), of the human coders."""
    return Readers(seen.sum(axis=0), (given & seen[:, :, None]).sum(axis=0))


def would_change(readers: Readers) -> FloatArray:
    """(n, k): how far the code's alpha is expected to rise if the coders agreed on this one cell.

    alpha: Krippendorff's for nominal values, of one code over all human coders and all segments that two of them
    read. With two values it is alpha = 1 - (n - 1) o_01 / (n_0 n_1), Krippendorff (2011), sec. A, where n_1 of the n
    values are given and n_0 declined, and o_01 = sum_u g_u (m_u - g_u) / (m_u - 1), sec. C, where g_u of the m_u
    readers of segment u gave the code.

    Settled as given, a cell has m values 1, settled as declined m values 0; both alphas are computed exactly, all
    other cells as they are. The rise is their mean less the present alpha, each weighted by the share of readers
    who are on its side: what is to be expected if a reader drawn at random convinces the others. It can be below
    0, where one outcome would make a rare code rarer.
    nan where coders do not differ, and where one of the outcomes leaves no variation, so that no alpha is defined.
    """
    m, g = (
        np.where(readers.common, readers.n_readers, 0)[:, None],
        np.where(readers.disputed, readers.n_gave, 0),
    )
    all_gave = np.where(readers.common[:, None], readers.n_gave, 0).sum(axis=0)
    mixed = g * np.where(readers.disputed, m - g, 0) / np.maximum(m - 1, 1)
    n, o = m.sum(), mixed.sum(axis=0)

    def alpha(o_01: FloatArray, n_1: IntArray) -> FloatArray:
        return alpha_of(n, o_01, n_1 * (n - n_1))

    share = g / np.maximum(m, 1)
    settled = share * alpha(o - mixed, all_gave + m - g) + (1 - share) * alpha(o - mixed, all_gave - g)
    return np.where(readers.disputed, settled - alpha(o, all_gave), np.nan)


def find_disagreements(panel: Panel) -> list[Disagreement]:
    """All of them, those of one segment together; first the segments whose settling would change most.

    That is the sum of ``would_change`` over the disputed codes of a segment (an undefined one adds nothing): by so
    much the sum of all codes' alphas would rise. Ties: where the model is surest (its probability farthest from one
    half), then the order of the corpus. Segments that the consensus has read come last.
    """
    humans = panel.humans
    if not humans:
        return []
    readers = count_readers(np.stack([c.seen for c in humans]), np.stack([c.given for c in humans]))
    rises = would_change(readers)
    disputed = np.flatnonzero(readers.disputed.any(axis=1))
    totals = np.round(np.nansum(rises[disputed], axis=1), _DIGITS)
    sureness = np.where(readers.disputed, np.nan_to_num(np.abs(panel.probability - 0.5), nan=-1.0), -1.0)
    surest = sureness[disputed].max(axis=1) if len(panel.codes) else totals
    open_first = _settled(panel)[disputed]
    order = np.lexsort((disputed, -surest, -totals, open_first))
    return [
        _disagreement(panel, humans, readers, rises, row, code)
        for row in disputed[order]
        for code in _codes_in_order(readers.disputed[row], rises[row])
    ]


def _settled(panel: Panel) -> BoolArray:
    """(n,), the consensus has read the segment."""
    found = [column.seen for column in panel.of_kind(CONSENSUS)]
    return found[0] if found else np.zeros(len(panel.segments), dtype=bool)


def _codes_in_order(disputed: BoolArray, rises: FloatArray) -> Sequence[int]:
    """Places of the disputed codes of one segment, the largest rise first, undefined ones last."""
    places: list[int] = np.flatnonzero(disputed).tolist()
    return sorted(places, key=lambda place: -np.nan_to_num(rises[place], nan=-np.inf).round(_DIGITS))


def _disagreement(
    panel: Panel, humans: Sequence[Column], readers: Readers, rises: FloatArray, row: int, code: int
) -> Disagreement:
    here = [column for column in humans if column.seen[row]]
    return Disagreement(
        segment=panel.segments[row],
        code=panel.codes[code],
        gave=tuple(column.name for column in here if column.given[row, code]),
        declined=tuple(column.name for column in here if not column.given[row, code]),
        agreed=tuple(panel.codes[place] for place in np.flatnonzero(readers.agreed[row])),
        probability=float(panel.probability[row, code]),
        model=_says(panel.of_kind(MODEL), row, code),
        would_change=float(rises[row, code]),
        settled=_says(panel.of_kind(CONSENSUS), row, code),
        not_suggested=panel.codes[code] in panel.not_suggested,
    )


def _says(columns: Sequence[Column], row: int, code: int) -> bool | None:
    said = [bool(column.given[row, code]) for column in columns if column.seen[row] and column.codes[code]]
    return said[0] if said else None


def write_disagreements(path: Path, panel: Panel) -> None:
    """disagreements.csv: a row a disagreement; ``decision`` is empty, or what the consensus says already.

    Names and codes in one cell are joined by "; " for reading: nothing is read back from them.
    """
    write_table(path, DISAGREEMENT_COLUMNS, [_cells(found) for found in find_disagreements(panel)])


def _cells(found: Disagreement) -> list[str | float]:
    segment = found.segment
    return [
        segment.transcript_id,
        segment.start,
        segment.end,
        segment.speaker,
        segment.text,
        found.code,
        "; ".join(found.gave),
        "; ".join(found.declined),
        "; ".join(found.agreed),
        cell(number(found.probability)),
        NOT_SUGGESTED if found.not_suggested else _word(found.model),
        cell(number(found.would_change)),
        _word(found.settled),
        "",
    ]


def _word(says: bool | None) -> str:
    return "" if says is None else YES if says else NO
