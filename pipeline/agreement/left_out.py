"""The model against each coder who is left out: who is closer to the coders who remain, unit by unit.

What ``alternative_annotator`` is made of; symbols as there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.agreement.hypotheses import benjamini_yekutieli, one_sided
from pipeline.agreement.values import FloatArray, IntArray, divide, mean_of_defined

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The model against one coder, by the coders who remain.

    coder: place among the coders. rho_f, rho_h: how often the model, and the coder, is as close to the
        others as the other of the two or closer; 0..1, ties count for both.
    p: of H0 rho_f <= rho_h - epsilon; p_worse: of its opposite, rho_f >= rho_h - epsilon.
    rejected: H0 falls at q, the model wins; lost: the opposite falls, the model loses.
    n_units, n_transcripts: those that enter; reason: why the coder is not tested, with nan in the numbers.
    """

    coder: int
    rho_f: float
    rho_h: float
    p: float
    p_worse: float
    n_units: int
    n_transcripts: int
    rejected: bool = False
    lost: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Codings:
    """What coders and model gave, checked.

    given: (c, n, k), c coders, n units, k codes; counted only where read (c, n).
    model: (n, k); counted only where model_seen (n,).
    transcripts: (n,), integer place of each unit's transcript.
    """

    given: BoolArray
    read: BoolArray
    model: BoolArray
    model_seen: BoolArray
    transcripts: IntArray

    def __post_init__(self) -> None:
        if self.given.ndim != 3:
            raise ValueError(f"given has shape {self.given.shape}, expected (n_coders, n_units, n_codes)")
        c, n, k = self.given.shape
        expected = {"read": (c, n), "model": (n, k), "model_seen": (n,), "transcripts": (n,)}
        for name, shape in expected.items():
            if (found := getattr(self, name).shape) != shape:
                raise ValueError(f"{name} has shape {found}, expected {shape} as given is {(c, n, k)}")


def checked(
    given: ArrayLike,
    read: ArrayLike,
    model: ArrayLike,
    model_seen: ArrayLike,
    transcripts: ArrayLike,
    *,
    epsilon: float,
    q: float,
) -> Codings:
    """The arguments as arrays, transcripts as places from 0; refused: an epsilon or q that is none."""
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon is {epsilon}, expected 0..1 (0.2 for experts, 0.15 skilled, 0.1 crowd)")
    if not 0 < q < 1:
        raise ValueError(f"q is {q}, expected a false discovery rate between 0 and 1")
    gave, seen = np.asarray(given, dtype=np.bool_), np.asarray(read, dtype=np.bool_)
    arrays = np.asarray(model, dtype=np.bool_), np.asarray(model_seen, dtype=np.bool_)
    _, place = np.unique(np.asarray(transcripts), return_inverse=True)
    codings = Codings(gave, seen, *arrays, place.astype(np.int64))
    return replace(codings, given=gave & seen[:, :, None])


def usable(codings: Codings) -> BoolArray:
    """(c, n): units that the coder, at least one other and the model read."""
    enough: BoolArray = (codings.read.sum(axis=0) >= 2) & codings.model_seen
    return codings.read & enough


def at_stake(codings: Codings) -> BoolArray:
    """(n,): units to which a coder or the model gave one of the codes."""
    anybody: BoolArray = np.asarray(codings.given.any(axis=(0, 2)), dtype=np.bool_)
    return anybody | codings.model.any(axis=1)


def rates_of_codes(codings: Codings) -> FloatArray:
    """(2, c, t): W^f and W^h of each coder, mean within transcripts over units at stake, then over codes.

    nan where nothing of a transcript is at stake. A unit is at stake for each code by itself.
    """
    enter, n_codes = usable(codings), codings.given.shape[2]
    each = []
    for k in range(n_codes):
        one = replace(codings, given=codings.given[..., [k]], model=codings.model[:, [k]])
        each.append(rates_of(lead(one), enter & at_stake(one), codings.transcripts))
    if not each:
        return rates_of(np.zeros(enter.shape, dtype=np.int64), np.zeros_like(enter), codings.transcripts)
    return mean_of_defined(np.stack(each, axis=-1))


def rates_of(lead: IntArray, enter: BoolArray, transcripts: IntArray) -> FloatArray:
    """(2, c, t): how often the model, and the coder, is as close as the other or closer, in each transcript.

    lead, enter: (c, n), as ``lead`` has it, and which units enter; nan where none of a transcript does.
    """
    t = int(transcripts.max(initial=-1)) + 1

    def counted(which: BoolArray) -> FloatArray:
        return np.array([np.bincount(transcripts[row], minlength=t) for row in which], dtype=np.float64)

    sizes = counted(enter)
    return np.stack([divide(counted(enter & wins), sizes) for wins in (lead >= 0, lead <= 0)])


def lead(codings: Codings) -> IntArray:
    """(c, n): sign of S(f) - S(h_j), from counts of matching cells, so that ties are exact."""
    n_readers, k = codings.read.sum(axis=0), codings.given.shape[2]
    n_gave = codings.given.sum(axis=0)
    n_not = n_readers[:, None] - n_gave
    with_all = np.where(codings.model, n_gave, n_not).sum(axis=1)
    with_left_out = (codings.model == codings.given).sum(axis=2)
    own = np.where(codings.given, n_gave, n_not).sum(axis=2) - k
    ahead: IntArray = np.sign(with_all - with_left_out - own)
    return ahead


def left_out(coder: int, rates: FloatArray, n_units: int, *, epsilon: float, fewest: int, of: str) -> LeftOut:
    """The test against one coder. rates: (2, groups), of the model and the coder; nan where nothing enters."""
    model, human = rates[:, ~np.isnan(rates[0])]
    n = len(model)
    if n < fewest:
        reason = f"too few {of}: {n}, at least {fewest} needed"
        reason = reason if n else "no unit that this coder, another coder and the model read"
        return LeftOut(coder, math.nan, math.nan, math.nan, math.nan, n_units, n, reason=reason)
    p, p_worse = one_sided(human - model, epsilon=epsilon)
    return LeftOut(coder, float(model.mean()), float(human.mean()), p, p_worse, n_units, n)


def judged(coders: Sequence[LeftOut], *, q: float) -> tuple[LeftOut, ...]:
    """Who wins and who loses, with control over all coders who are tested."""
    tested = [place for place, coder in enumerate(coders) if not coder.reason]
    rejected = benjamini_yekutieli([coders[place].p for place in tested], q=q)
    lost = benjamini_yekutieli([coders[place].p_worse for place in tested], q=q)
    result = list(coders)
    for place, wins, loses in zip(tested, rejected.tolist(), lost.tolist(), strict=True):
        result[place] = replace(coders[place], rejected=wins, lost=loses)
    return tuple(result)
