"""What merging two codes into one would do to agreement, scored anew and not guessed.

A segment has the merged code where it has either. People: Krippendorff's alpha of all human coders. The model: F1 and
Cohen's kappa of its cross-fitted flags against coders; it is not trained again, so a model taught the merged code
may do better or worse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.agreement import many
from pipeline.agreement.intervals import (
    FEWEST,
    FEWEST_FOR_BOOTSTRAP,
    Interval,
    interval_of,
    leave_one_out,
    no_interval,
    pair_measure,
)
from pipeline.agreement.pairs import cohen_kappa, f1, four_cells
from pipeline.agreement.resamples import resample_sums
from pipeline.compare.columns import BoolArray, FloatArray, IntArray, Panel, by_transcript, transcripts_of
from pipeline.compare.confusions import NOBODY_IN_COMMON, common_rows, pairs_with_model
from pipeline.compare.confusions import why_none as why_no_pair
from pipeline.compare.overall import reader_sums, shared_rows
from pipeline.compare.rows import LEVEL, interval_row, number

HOW_PEOPLE = (
    "Krippendorff's alpha (nominal, given or not) of all human coders, on segments that two or more of them read; "
    "merged: a coder gave either code; all: every code of the codebook together, the two as two or as one"
)
HOW_MODEL = (
    "the model's flags of transcripts that it did not learn from, against coders, the counts of all of them added "
    "up; merged: either code was flagged; the model was not trained again; all: every code that it knows together"
)
#: Fewer than elsewhere: every finding has nine differences.
N_RESAMPLES = 1999
HOLDING_EITHER = "transcripts with either code"
VALUES = ("first", "second", "merged", "all_before", "all_after")
DIFFERENCES = ("merged_minus_first", "merged_minus_second", "all_after_minus_before")
_UNDEFINED = {
    "krippendorff_alpha": "nobody gave it, or everybody gave it throughout",
    "f1": "neither the coders nor the model gave it",
    "cohen_kappa": "neither varied: both never gave it, or both always",
}

Pairs = Sequence[tuple[int, int]]
Function = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What transcripts add to a coefficient, of k codes and then of p merged ones.

    sums: (t, k + p, s). codes: (k,) places of the codes in the panel. pairs: p, places in ``codes``.
    """

    sums: FloatArray
    codes: IntArray
    pairs: Pairs
    n_units: int
    n_coders: int


def people_sums(panel: Panel, pairs: Pairs) -> Sums:
    """Sums as ``many`` of agreement has them, on the segments that two or more human coders read.

    pairs: places in the panel.
    """
    humans, codes = panel.humans, np.flatnonzero(panel.usable)
    local = _local(codes, pairs)
    rows = shared_rows(panel)
    given = [_with_merged(human.given[np.ix_(rows, codes)], local) for human in humans]
    shape = (len(humans), len(rows), len(codes) + len(local))
    sums = reader_sums(panel, rows, np.array(given, dtype=np.bool_).reshape(shape))
    n_coders = sum(bool(human.seen[rows].any()) for human in humans)
    return Sums(sums, codes, local, len(rows), n_coders)


def model_sums(panel: Panel, pairs: Pairs) -> Sums:
    """Counts as ``pairs`` of agreement has them, coder first, of all coders with the model together."""
    beside = pairs_with_model(panel)
    codes = np.flatnonzero(panel.usable & beside[0][1].codes) if beside else np.zeros(0, dtype=np.intp)
    local = _local(codes, pairs)
    total = np.zeros((len(panel.transcripts), len(codes) + len(local), 4))
    for person, model in beside:
        rows, x, y = common_rows(person, model)
        x, y = _with_merged(x[:, codes], local), _with_merged(y[:, codes], local)
        total[transcripts_of(panel, rows)] += by_transcript(panel, rows, four_cells(x, y))
    held = total.any(axis=(1, 2))
    n_units = sum(int((person.seen & model.seen).sum()) for person, model in beside)
    return Sums(total[held], codes, local, n_units, len(beside))


def _local(codes: IntArray, pairs: Pairs) -> list[tuple[int, int]]:
    place = {int(code): i for i, code in enumerate(codes)}
    return [(place[x], place[y]) for x, y in pairs if x in place and y in place]


def _with_merged(given: BoolArray, pairs: Pairs) -> BoolArray:
    """(m, k) -> (m, k + p): each pair as one code after the others."""
    merged = [given[:, x] | given[:, y] for x, y in pairs]
    return np.column_stack([given, *merged])


def merge_effects(panel: Panel, pairs: Pairs, *, seed: int) -> list[dict[str, Any]]:
    """What merging each pair would do: ``people`` (alpha) and ``model`` (f1, kappa), each with a reason if nothing.

    pairs: places of codes in the panel. Differences have intervals over transcripts, where there are enough.
    """
    people, model = people_sums(panel, pairs), model_sums(panel, pairs)
    alpha = _scored(people, {"krippendorff_alpha": many.krippendorff_alpha}, seed=seed)
    beside = _scored(model, {"f1": f1, "cohen_kappa": cohen_kappa}, seed=seed)
    found = []
    for x, y in pairs:
        of_people = {
            "how": HOW_PEOPLE,
            **_size(people),
            "reason": _why_not(panel, people, (x, y), of_model=False),
        }
        of_model = {"how": HOW_MODEL, **_size(model), "reason": _why_not(panel, model, (x, y), of_model=True)}
        if not of_people["reason"]:
            of_people |= alpha[x, y]
        if not of_model["reason"]:
            of_model |= beside[x, y]
        found.append({"people": of_people, "model": of_model})
    return found


def _size(sums: Sums) -> dict[str, int]:
    return {"n_units": sums.n_units, "n_transcripts": len(sums.sums), "n_coders": sums.n_coders}


def _why_not(panel: Panel, sums: Sums, pair: tuple[int, int], *, of_model: bool) -> str:
    if not sums.n_units:
        return why_no_pair(panel, of_model=of_model) or NOBODY_IN_COMMON
    missing = [panel.codes[code] for code in pair if code not in sums.codes]
    who = "the model has not learned" if of_model else "a heading, that nobody gives:"
    return f"{who} {' nor '.join(map(repr, missing))}" if missing else ""


def _scored(
    sums: Sums, coefficients: Mapping[str, Function], *, seed: int
) -> dict[tuple[int, int], dict[str, Any]]:
    """Places of two codes in the panel -> each coefficient before and after, and differences with intervals."""
    found: dict[tuple[int, int], dict[str, Any]] = {
        (int(sums.codes[x]), int(sums.codes[y])): {} for x, y in sums.pairs
    }
    if not found:
        return found
    drawn = None
    if len(sums.sums) >= FEWEST_FOR_BOOTSTRAP:
        drawn = resample_sums(sums.sums, seed=seed, n_resamples=N_RESAMPLES)
    for key, coefficient in coefficients.items():
        values = coefficient(_before_after(sums.sums.sum(axis=0), sums.pairs))
        spread = _intervals(sums, drawn, key, coefficient)
        for row, value, interval in zip(found.values(), values, spread, strict=True):
            row[key] = _told(value, interval, key)
    return found


def _told(values: FloatArray, spread: Sequence[Interval], key: str) -> dict[str, Any]:
    """values: (5,), as VALUES names them; spread: an interval for each of DIFFERENCES."""
    named = dict(zip(VALUES, values, strict=True))
    return {
        **{name: number(value) for name, value in named.items()},
        "undefined": {name: _UNDEFINED[key] for name, value in named.items() if np.isnan(value)},
        "differences": {
            name: {"value": number(value), **interval_row(interval)}
            for name, value, interval in zip(DIFFERENCES, _differences(values), spread, strict=True)
        },
    }


def _before_after(total: FloatArray, pairs: Pairs) -> FloatArray:
    """(..., k + p, s) -> (..., p, 5, s), as VALUES names them."""
    n_codes = total.shape[-2] - len(pairs)
    first, second = (total[..., [pair[i] for pair in pairs], :] for i in (0, 1))
    merged = total[..., n_codes:, :]
    before = np.broadcast_to(total[..., :n_codes, :].sum(axis=-2, keepdims=True), merged.shape)
    return np.stack([first, second, merged, before, before - first - second + merged], axis=-2)


def _differences(values: FloatArray) -> FloatArray:
    """(..., 5) -> (..., 3), as DIFFERENCES names them."""
    first, second, merged, before, after = np.moveaxis(values, -1, 0)
    return np.stack([merged - first, merged - second, after - before], axis=-1)


def _intervals(sums: Sums, drawn: FloatArray | None, key: str, coefficient: Function) -> list[list[Interval]]:
    """For each pair and difference, by the rules of ``agreement.intervals``.

    drawn: (n_resamples, k + p, s) or None. A transcript counts only if it says anything of one of the two codes, as
    the interval of either has it: a merge changes nothing elsewhere. The difference from one of the two needs as many
    transcripts with that one as an interval of its own would.
    """

    def differences_of(total: FloatArray) -> FloatArray:
        return _differences(coefficient(_before_after(total, sums.pairs)))

    theta = differences_of(sums.sums.sum(axis=0))
    without = leave_one_out(sums.sums, differences_of)
    resampled = None if drawn is None else differences_of(drawn)
    weighty = _weighty(sums.sums, key)
    found = []
    for i, pair in enumerate(sums.pairs):
        each = weighty[:, list(pair)]
        holds = each.any(axis=1)
        drawn_of = resampled if holds.sum() >= FEWEST_FOR_BOOTSTRAP else None
        of_pair = [
            interval_of(
                float(theta[i, j]),
                without[holds, i, j],
                None if drawn_of is None else drawn_of[:, i, j],
                scale="difference",
                level=LEVEL,
                of=HOLDING_EITHER,
            )
            for j in range(len(DIFFERENCES))
        ]
        found.append(_enough_of_each(of_pair, each.sum(axis=0).tolist()))
    return found


def _enough_of_each(of_pair: Sequence[Interval], n_each: Sequence[int]) -> list[Interval]:
    """None for the difference from a code that too few transcripts hold, however many hold the other.

    of_pair: as DIFFERENCES names them. n_each: transcripts that say anything of the first and of the second.
    """
    result = list(of_pair)
    for j, (which, n) in enumerate(zip(("first", "second"), n_each, strict=True)):
        if n < FEWEST and not result[j].reason:
            reason = f"too few transcripts with the {which} code: {n}, at least {FEWEST} needed"
            result[j] = no_interval(reason, level=LEVEL, n=n)
    return result


def _weighty(sums: FloatArray, key: str) -> BoolArray:
    """(t, k): which transcripts say anything of each code, by the coefficient."""
    measure = (many.many_measure if key == "krippendorff_alpha" else pair_measure)(sums, key)
    return np.ones(sums.shape[:2], dtype=np.bool_) if measure.weighty is None else measure.weighty
