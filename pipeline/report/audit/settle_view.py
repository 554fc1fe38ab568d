"""Where coders differ, segment by segment, what settling it changes most first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from pipeline.agreement.verdict import NOT_SUGGESTED
from pipeline.report.tables import Disputed, RunTables
from pipeline.report.wording import count_of, percent, shorten

#: So many segments are on the page; all are in disagreements.csv.
MOST_SEGMENTS = 20
QUOTE_LENGTH = 700


@dataclass(frozen=True, slots=True)
class DisputedCode:
    """A code on which coders differ. model: what the model says, in words, or ""."""

    code: str
    gave: str
    declined: str
    model: str


@dataclass(frozen=True, slots=True)
class DisputedSegment:
    """A segment with all codes on which coders differ. agreed: what all who read it gave, or ""."""

    transcript: str
    speaker: str
    quote: str
    agreed: str
    codes: tuple[DisputedCode, ...]


@dataclass(frozen=True, slots=True)
class SettleView:
    """n_cells, n_segments: of disagreements.csv; n_left_out: segments that are not on the page."""

    segments: tuple[DisputedSegment, ...]
    n_cells: str
    n_segments: str
    n_left_out: int


def settle_view(run: RunTables) -> SettleView:
    """From disagreements.csv, in its order."""
    grouped = [list(rows) for _, rows in groupby(run.disagreements, key=_place)]
    return SettleView(
        segments=tuple(_segment(rows) for rows in grouped[:MOST_SEGMENTS]),
        n_cells=count_of(len(run.disagreements), "decision"),
        n_segments=count_of(len(grouped), "segment"),
        n_left_out=max(0, len(grouped) - MOST_SEGMENTS),
    )


def _place(row: Disputed) -> tuple[str, int, int]:
    return row.transcript, row.start, row.end


def _segment(rows: list[Disputed]) -> DisputedSegment:
    first = rows[0]
    return DisputedSegment(
        transcript=first.transcript,
        speaker=first.speaker,
        quote=shorten(first.quote, most=QUOTE_LENGTH),
        agreed=first.agreed,
        codes=tuple(_codes(rows)),
    )


def _codes(rows: Iterable[Disputed]) -> Iterable[DisputedCode]:
    for row in rows:
        said = "" if row.probability is None else f"{percent(row.probability)}: {_words(row.model)}"
        yield DisputedCode(row.code, row.gave, row.declined, said)


def _words(model: str) -> str:
    if model == NOT_SUGGESTED:
        return "it does not suggest this code"
    return "it would suggest it" if model == "yes" else "it would not suggest it"
