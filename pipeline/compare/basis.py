"""Coded blind, or with a suggestion in view: kept apart, both shown, the difference named (anchoring)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from corpus.study import Study
from pipeline.compare.cells import KINDS, PairCells, figures, pool, second_less_first
from pipeline.compare.columns import BoolArray, Panel
from pipeline.compare.spans import Marked
from pipeline.newest import newest_manifest, suggested

BLIND, SEEN = "blind", "seen"
#: Runs are dated in UTC, codings by the coder's own calendar, which may be so far behind.
FURTHEST_BEHIND = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Bases:
    """Which transcripts each coder coded blind.

    blind: coder -> (t,); False where a suggestion was in view, or where that cannot be excluded.
    n_blind, n_seen: sittings (a coder and a transcript) of human coders that were blind, and that were not.
    n_stated, n_assumed: of the sittings of human coders, those whose rows say it, and those that were decided by when
        suggestions were first made.
    """

    blind: Mapping[str, BoolArray]
    n_blind: int
    n_seen: int
    n_stated: int
    n_assumed: int


def first_suggested(study: Study) -> dict[str, str]:
    """Transcript -> when a finished run first suggested something for it (ISO 8601, UTC)."""
    return suggested(newest_manifest(study)[1])


def with_readings(
    sittings: Sequence[Mapping[str, Any]], readings: Iterable[tuple[str, str]]
) -> list[Mapping[str, Any]]:
    """The sittings, and one that says nothing for each coder and transcript that was read without leaving a row.

    coverage.csv has neither days nor a basis: to code nothing may also have been a suggestion's doing.
    readings: (coder, transcript).
    """
    known = {(sitting["coder"], sitting["transcript_id"]) for sitting in sittings}
    silent = sorted(set(readings) - known)
    return [
        *sittings,
        *(
            {"coder": coder, "transcript_id": name, "bases": [""], "first": "", "last": "", "n_undated": 0}
            for coder, name in silent
        ),
    ]


def silent_about_basis(sittings: Sequence[Mapping[str, Any]]) -> set[str]:
    """Transcripts with rows that do not say whether a suggestion was in view."""
    return {sitting["transcript_id"] for sitting in sittings if "" in sitting["bases"]}


def is_blind(sitting: Mapping[str, Any], suggested_at: str) -> bool:
    """Whether a coder coded a transcript without seeing suggestions.

    One row that says seen or accepted means that they were in view all through the transcript. Rows that say nothing
    count as blind only if nothing was ever suggested there, or all were made on days before the first suggestion,
    wherever the coder's clock stands: a day of theirs may begin 12 hours after that of UTC.
    """
    if {"seen", "accepted"} & set(sitting["bases"]):
        return False
    if "" not in sitting["bases"] or not suggested_at:
        return True
    if sitting["n_undated"] or not sitting["last"]:
        return False
    earliest = datetime.fromisoformat(suggested_at) - FURTHEST_BEHIND
    return bool(sitting["last"] < earliest.date().isoformat())


def bases_of(panel: Panel, sittings: Sequence[Mapping[str, Any]], suggested: Mapping[str, str]) -> Bases:
    """What each human coder coded blind. suggested: as ``first_suggested`` has it."""
    number_of = {name: t for t, name in enumerate(panel.transcripts)}
    blind = {column.name: np.ones(len(panel.transcripts), dtype=bool) for column in panel.humans}
    mine = [s for s in sittings if s["coder"] in blind and s["transcript_id"] in number_of]
    for sitting in mine:
        name = sitting["transcript_id"]
        blind[sitting["coder"]][number_of[name]] = is_blind(sitting, suggested.get(name, ""))
    n_blind = sum(bool(blind[s["coder"]][number_of[s["transcript_id"]]]) for s in mine)
    n_silent = sum("" in s["bases"] for s in mine)
    return Bases(blind, n_blind, len(mine) - n_blind, len(mine) - n_silent, n_silent)


def marked_blind(marked: Sequence[Marked], bases: Bases) -> tuple[Marked, ...]:
    """(t,), what was marked blind: who had a suggestion in view has read nothing of the transcript."""
    found = []
    for t, one in enumerate(marked):
        seen = [name for name, blind in bases.blind.items() if not blind[t]]
        found.append(replace(one, read={**one.read, **dict.fromkeys(seen, ())}) if seen else one)
    return tuple(found)


def basis_rows(cells: Sequence[PairCells], bases: Bases, *, seed: int) -> dict[str, Any]:
    """``basis`` of agreement.json: pairs of people and with the model, blind and seen, and seen less blind."""
    rows = []
    for kind in KINDS:
        pairs = [pair for pair in cells if pair.kind == kind]
        if pairs:
            rows.append({"kind": kind, **_apart(pairs, bases, seed=seed)})
    counts = {name: getattr(bases, name) for name in ("n_blind", "n_seen", "n_stated", "n_assumed")}
    return {**counts, "kinds": rows}


def _apart(pairs: Sequence[PairCells], bases: Bases, *, seed: int) -> dict[str, Any]:
    """What two coded blind, and what two coded with a suggestion in view; the model always says blind.

    Where one coder was blind and another not, what they say is in neither, for it is no agreement of either kind.
    """
    blind = pool(pairs, readings=bases.blind)
    seen = pool(pairs, readings={name: ~which for name, which in bases.blind.items()})
    n_between = _n_between(pairs, bases)
    row: dict[str, Any] = {
        BLIND: figures(blind, seed=seed),
        SEEN: figures(seen, seed=seed),
        "n_units_between": n_between,
    }
    if reason := _why_not_apart(row[BLIND]["n_units"], row[SEEN]["n_units"], n_between):
        return row | {"seen_less_blind": None, "reason": reason}
    names = ("coded blind", "with a suggestion in view")
    return row | {"seen_less_blind": second_less_first(blind, seen, seed=seed, names=names), "reason": ""}


def _n_between(pairs: Sequence[PairCells], bases: Bases) -> int:
    """Segments that one coder coded blind and another with a suggestion in view."""
    between = np.zeros(len(pairs[0].shared), dtype=bool)
    for pair in pairs:
        if pair.a.name in bases.blind and pair.b.name in bases.blind:
            between |= pair.shared & (bases.blind[pair.a.name] ^ bases.blind[pair.b.name])[pair.place]
    return int(between.sum())


def _why_not_apart(n_blind: int, n_seen: int, n_between: int) -> str:
    if n_blind and n_seen:
        return ""
    if n_between and not n_blind and not n_seen:
        return "of each two coders of a segment one coded blind and the other with a suggestion in view"
    if n_blind:
        return "no segment that two coded with a suggestion in view" if n_between else "all was coded blind"
    if n_seen:
        return "no segment that two coded blind" if n_between else "nothing was coded blind"
    return "no segment of which both said something"
