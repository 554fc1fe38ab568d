"""Where agreement is better and worse: over time, by what is known of participants, by transcript, by coder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.compare.cells import KINDS, PairCells, alpha_difference, figures, pool, pool_pairs
from pipeline.compare.columns import Panel

#: An attribute with more values than this (a date) tells participants apart and nothing else; so does one whose
#: values stand in fewer transcripts than this on average: names do. A value of fewer says who was interviewed.
MOST_VALUES, FEWEST_WITH_VALUE = 12, 2
#: Periods hold at least so many transcripts; there are at most so many periods.
FEWEST_IN_PERIOD, MOST_PERIODS = 4, 4

Participants = Mapping[str, Mapping[str, str]]


def slices(
    panel: Panel,
    cells: Sequence[PairCells],
    *,
    participants: Participants,
    attributes: Sequence[str],
    sittings: Sequence[Mapping[str, Any]],
    seed: int,
) -> dict[str, Any]:
    """``slices`` of agreement.json: time, attributes, transcripts, coders; pairs of people and with the model apart.

    panel: of all that was coded, for who coded how much; cells: of what was coded blind, for how far they agree.
    sittings: as ``corpus.records.Sitting`` has them.
    """
    days = _days(panel, sittings)
    by_kind = {kind: [pair for pair in cells if pair.kind == kind] for kind in KINDS}
    by_kind = {kind: pairs for kind, pairs in by_kind.items() if pairs}
    return {
        "time": [_over_time(kind, pairs, days, seed=seed) for kind, pairs in by_kind.items()],
        "attributes": [
            _by_attribute(kind, pairs, panel, name, participants, seed=seed)
            for name in attributes
            for kind, pairs in by_kind.items()
        ],
        "transcripts": _by_transcript(panel, by_kind, days),
        "coders": _by_coder(panel, by_kind, sittings, seed=seed),
    }


def _days(panel: Panel, sittings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """(t,), the last day on which a human coder coded each transcript, or ""."""
    humans = {column.name for column in panel.humans}
    last: dict[str, str] = {}
    for sitting in sittings:
        if sitting["coder"] in humans:
            last[sitting["transcript_id"]] = max(last.get(sitting["transcript_id"], ""), sitting["last"])
    return tuple(last.get(name, "") for name in panel.transcripts)


def _over_time(kind: str, pairs: Sequence[PairCells], days: Sequence[str], *, seed: int) -> dict[str, Any]:
    """Periods of equally many transcripts in the order of their days, and the last against the first."""
    pooled = pool(pairs)
    n_units = pooled.n_units
    dated = np.array([bool(day) for day in days], dtype=bool)
    order = sorted(np.flatnonzero((n_units > 0) & dated).tolist(), key=lambda t: (days[t], t))
    row: dict[str, Any] = {"kind": kind, "n_undated": int(((n_units > 0) & ~dated).sum()), "periods": []}
    parts = _periods([days[t] for t in order])
    if len(parts) < 2:
        return row | {"last_less_first": None, "reason": _why_no_periods(len(order))}
    periods = [order[first:last] for first, last in parts]
    row["periods"] = [
        {"from": days[at[0]], "to": days[at[-1]], **figures(pooled.at(at), seed=seed)} for at in periods
    ]
    names = ("the first period", "the last period")
    change = alpha_difference(pooled.at(periods[0]), pooled.at(periods[-1]), names=names)
    return row | {"last_less_first": change, "reason": ""}


def _why_no_periods(n_dated: int) -> str:
    needed = 2 * FEWEST_IN_PERIOD
    if n_dated < needed:
        return f"too few transcripts with a date in coded_at: {n_dated}, at least {needed} needed for two periods"
    return f"{n_dated} transcripts with a date in coded_at, on too few days for two periods"


def _periods(days: Sequence[str]) -> list[tuple[int, int]]:
    """Places where equal periods begin and end; what was coded on one day stays in one period.

    days: of the transcripts, ascending. A border that would leave a period too few transcripts is left out.
    """
    n_periods = min(MOST_PERIODS, len(days) // FEWEST_IN_PERIOD)
    if n_periods < 2:
        return []
    borders = [0]
    for number in range(1, n_periods):
        place = len(days) * number // n_periods
        while place < len(days) and days[place] == days[place - 1]:
            place += 1
        if min(place - borders[-1], len(days) - place) >= FEWEST_IN_PERIOD:
            borders.append(place)
    return list(pairwise([*borders, len(days)]))


def _by_attribute(
    kind: str,
    pairs: Sequence[PairCells],
    panel: Panel,
    name: str,
    participants: Participants,
    *,
    seed: int,
) -> dict[str, Any]:
    """Each value of a column of participants.csv, and how it differs from all others together."""
    pooled = pool(pairs)
    of = np.array([participants.get(t, {}).get(name, "") for t in panel.transcripts], dtype=object)
    here = pooled.n_units > 0
    values = sorted(set(of[here]))
    row: dict[str, Any] = {"kind": kind, "attribute": name, "n_too_small": 0, "values": []}
    if reason := _why_no_groups(of[here]):
        return row | {"reason": reason}
    for value in values:
        mine, others = here & (of == value), here & (of != value)
        if mine.sum() < FEWEST_WITH_VALUE:
            row["n_too_small"] += 1
            continue
        row["values"].append(
            {
                "value": value,
                **figures(pooled.at(mine), seed=seed),
                "less_others": alpha_difference(
                    pooled.at(others), pooled.at(mine), names=("the others", "this value")
                ),
            }
        )
    return row | {"reason": ""}


def _why_no_groups(of: npt.NDArray[np.object_]) -> str:
    """Why the values of an attribute, one a transcript that is compared, are not shown, or ""."""
    n_values = len(set(of))
    if not n_values:
        return "no segment of which both said something, coders blind"
    if n_values == 1:
        return "all transcripts that are compared have the same value"
    if n_values > MOST_VALUES:
        return f"{n_values} values: more than {MOST_VALUES} are no groups"
    told = of[of != ""]
    n_values = len(set(told))
    if len(told) < FEWEST_WITH_VALUE * n_values:
        few = f"too many for groups of {FEWEST_WITH_VALUE} on average"
        return f"{n_values} values in {len(told)} transcripts: {few}"
    return ""


def _by_transcript(
    panel: Panel, by_kind: Mapping[str, Sequence[PairCells]], days: Sequence[str]
) -> list[dict[str, Any]]:
    """Each transcript by itself, in the order of its days; without intervals, for it is one."""
    pooled = {kind: pool(pairs) for kind, pairs in by_kind.items()}
    rows = []
    for t in sorted(range(len(panel.transcripts)), key=lambda t: (days[t], t)):
        found = {
            kind: figures(of.at([t]), seed=0, with_interval=False)
            for kind, of in pooled.items()
            if of.n_units[t]
        }
        if found:
            rows.append({"transcript": panel.transcripts[t], "day": days[t], **found})
    return rows


def _by_coder(
    panel: Panel,
    by_kind: Mapping[str, Sequence[PairCells]],
    sittings: Sequence[Mapping[str, Any]],
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Who read and coded how much, and how far each agrees with all others and with the model.

    With all others by pairs of whom the coder is one: alpha of all readers of what a coder read says little of the
    coder, and is the same for all who read the same.
    """
    rows = []
    for column in panel.columns:
        if column.kind == "model":
            continue
        mine = [sitting for sitting in sittings if sitting["coder"] == column.name]
        days = sorted(day for sitting in mine for day in (sitting["first"], sitting["last"]) if day)
        row: dict[str, Any] = {
            "coder": column.name,
            "kind": column.kind,
            "n_transcripts": len(np.unique(panel.place[column.seen])),
            "n_units": int(column.seen.sum()),
            "n_given": int(column.given[column.seen].sum()),
            "n_units_with_code": int(column.given[column.seen].any(axis=1).sum()),
            "n_codes_used": int(column.given[column.seen].any(axis=0).sum()),
            "from": days[0] if days else "",
            "to": days[-1] if days else "",
        }
        for kind, pairs in by_kind.items():
            own = [pair for pair in pairs if column.name in (pair.a.name, pair.b.name) and pair.shared.any()]
            row[kind] = figures(pool_pairs(own), seed=seed) if own else None
        rows.append(row)
    return rows
