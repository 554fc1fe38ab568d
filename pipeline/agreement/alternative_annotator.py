"""Is the model just another coder? The alternative annotator test, for three coders or more.

Source: Calderon, Reichart & Dror (2025), The Alternative Annotator Test for LLM-as-a-Judge, ACL 2025,
pp. 16051-16081 (arXiv 2501.10970), section 3. Each coder h_j is left out in turn, and model f and h_j
are held against the others: W^f = 1 where S(f, x_i, j) >= S(h_j, x_i, j), W^h where <=, so that a tie
counts for both. S, the alignment, is the share of the other coders' cells (coder by code) that match;
for categories, one column each, that orders as the paper's ACC. With rho^f_j and rho^h_j the means
of W^f and W^h, H0: rho^f_j <= rho^h_j - epsilon is tested by Student's t on d = W^h - W^f, one-sided;
Benjamini & Yekutieli (2001) at q over the coders; the winning rate is the share of coders with H0
rejected, and the model passes from 0.5 on. Epsilon is what the model may be worse by, since it costs
less: the paper's advice is 0.2 where the coders are experts, 0.15 skilled, 0.1 crowd workers.

``alternative_annotator_test`` differs from the paper in two ways, alike for the model and the coder left out:

- d, W^f and W^h are averaged within each transcript first, and the test is over transcripts, 10 or
  more (``FEWEST_TRANSCRIPTS``): the units of one interview hang together. Every transcript counts the same.
- Only units at stake enter, those to which a coder who read it or the model gave a code: on the many units
  to which nobody would give a rare code everybody ties, and a model that never gives it would pass.

Where coders agree little even that is not enough: never giving the code may then be closer to the
others than one of them is. So models that never and that always give the code are put to the same test,
and ``constant_passes`` names the one that passes: such a test tells nothing about any model.

``published_test`` is the paper's own: all units, tested over units, coders with fewer than 30 set aside as
in the authors' program. Both follow the paper in that there must be three coders, while a unit needs
the one left out and one other. What q controls is the false discovery rate over the coders of one
code: each code is tested by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.agreement.hypotheses import benjamini_yekutieli, one_sided
from pipeline.agreement.values import IntArray

FEWEST_TRANSCRIPTS = 10
FEWEST_CODERS = 3
FEWEST_UNITS_PUBLISHED = 30
PASSES_FROM = 0.5

BoolArray = NDArray[np.bool_]
DIFFERENCES = (
    "differs from Calderon et al. (2025): differences averaged within transcripts and tested over transcripts; "
    "only units to which a coder or the model gave the code"
)


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


@dataclass(frozen=True, slots=True)
class AlternativeAnnotator:
    """The alternative annotator test of one code, or of several pooled.

    epsilon, q: as the test was asked for. coders: the model against each, also those not tested.
    n_units, n_transcripts: those that enter for at least one coder.
    constant_passes: "never" or "always" where a model that gives the code so would pass, else "".
    differences: from the paper, in words; "" for the paper's own test.
    reason: why the rates are undefined, that is, nan.
    """

    epsilon: float
    q: float
    coders: tuple[LeftOut, ...]
    n_units: int
    n_transcripts: int
    constant_passes: str = ""
    differences: str = ""
    reason: str = ""

    @property
    def tested(self) -> tuple[LeftOut, ...]:
        """The coders against whom the model could be tested; none where the test is undefined."""
        return () if self.reason else tuple(coder for coder in self.coders if not coder.reason)

    @property
    def winning_rate(self) -> float:
        """Share of the tested coders against whom the model wins; 0..1."""
        return _mean([coder.rejected for coder in self.tested])

    @property
    def losing_rate(self) -> float:
        """Share of the tested coders against whom the model loses; 0..1."""
        return _mean([coder.lost for coder in self.tested])

    @property
    def advantage(self) -> float:
        """Mean of rho_f over the tested coders, the paper's average advantage probability; 0..1."""
        return _mean([coder.rho_f for coder in self.tested])

    @property
    def passes(self) -> bool:
        """Whether the model wins against half of the coders or more; False where undefined."""
        return self.winning_rate >= PASSES_FROM

    @property
    def fails(self) -> bool:
        """Whether the model loses against half of the coders or more; False where undefined."""
        return self.losing_rate >= PASSES_FROM


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


def alternative_annotator_test(
    given: ArrayLike,
    read: ArrayLike,
    model: ArrayLike,
    model_seen: ArrayLike,
    transcripts: ArrayLike,
    *,
    epsilon: float,
    q: float = 0.05,
) -> AlternativeAnnotator:
    """The test over transcripts and units at stake, as the module says.

    given (c, n, k), read (c, n), model (n, k), model_seen (n,): boolean; transcripts (n,): integers.
    For one code k is 1; with more, their cells are pooled. epsilon: 0..1; q: 0..1, not 0 nor 1.
    """
    codings = _checked(given, read, model, model_seen, transcripts, epsilon=epsilon, q=q)
    found = _over_transcripts(codings, epsilon=epsilon, q=q)
    if found.reason:
        return found
    always = np.ones_like(codings.model)
    constants = {"never": np.zeros_like(always), "always": always}
    passing = [
        name
        for name, constant in constants.items()
        if _over_transcripts(replace(codings, model=constant), epsilon=epsilon, q=q).passes
    ]
    return replace(found, constant_passes=" and ".join(passing))


def published_test(
    given: ArrayLike,
    read: ArrayLike,
    model: ArrayLike,
    model_seen: ArrayLike,
    *,
    epsilon: float,
    q: float = 0.05,
) -> AlternativeAnnotator:
    """The test as published: over all units, each for itself; arguments as ``alternative_annotator_test``."""
    units = np.arange(np.asarray(model).shape[0])
    codings = _checked(given, read, model, model_seen, units, epsilon=epsilon, q=q)
    found = _test(codings, _usable(codings), epsilon=epsilon, q=q, fewest=FEWEST_UNITS_PUBLISHED, of="units")
    return replace(
        found, n_transcripts=0, coders=tuple(replace(one, n_transcripts=0) for one in found.coders)
    )


def _checked(
    given: ArrayLike,
    read: ArrayLike,
    model: ArrayLike,
    model_seen: ArrayLike,
    transcripts: ArrayLike,
    *,
    epsilon: float,
    q: float,
) -> Codings:
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon is {epsilon}, expected 0..1 (0.2 for experts, 0.15 skilled, 0.1 crowd)")
    if not 0 < q < 1:
        raise ValueError(f"q is {q}, expected a false discovery rate between 0 and 1")
    gave, seen = np.asarray(given, dtype=np.bool_), np.asarray(read, dtype=np.bool_)
    arrays = np.asarray(model, dtype=np.bool_), np.asarray(model_seen, dtype=np.bool_)
    codings = Codings(gave, seen, *arrays, np.asarray(transcripts, dtype=np.int64))
    return replace(codings, given=gave & seen[:, :, None])


def _usable(codings: Codings) -> BoolArray:
    """(c, n): units that the coder, at least one other and the model read."""
    enough: BoolArray = (codings.read.sum(axis=0) >= 2) & codings.model_seen
    return codings.read & enough


def _at_stake(codings: Codings) -> BoolArray:
    """(n,): units to which a coder or the model gave one of the codes."""
    anybody: BoolArray = np.asarray(codings.given.any(axis=(0, 2)), dtype=np.bool_)
    return anybody | codings.model.any(axis=1)


def _over_transcripts(codings: Codings, *, epsilon: float, q: float) -> AlternativeAnnotator:
    usable = _usable(codings) & _at_stake(codings)
    found = _test(codings, usable, epsilon=epsilon, q=q, fewest=FEWEST_TRANSCRIPTS, of="transcripts")
    return replace(found, differences=DIFFERENCES)


def _test(
    codings: Codings, usable: BoolArray, *, epsilon: float, q: float, fewest: int, of: str
) -> AlternativeAnnotator:
    lead = _lead(codings)
    left = [
        _left_out(
            j, lead[j][usable[j]], codings.transcripts[usable[j]], epsilon=epsilon, fewest=fewest, of=of
        )
        for j in range(len(lead))
    ]
    coders = _judged(left, q=q)
    enters = usable.any(axis=0)
    n_units, n_groups = int(enters.sum()), len(np.unique(codings.transcripts[enters]))
    reason = _why_none(coders, n_groups, fewest=fewest, of=of)
    return AlternativeAnnotator(
        epsilon=epsilon, q=q, coders=coders, n_units=n_units, n_transcripts=n_groups, reason=reason
    )


def _lead(codings: Codings) -> IntArray:
    """(c, n): sign of S(f) - S(h_j), from counts of matching cells, so that ties are exact."""
    n_readers, k = codings.read.sum(axis=0), codings.given.shape[2]
    n_gave = codings.given.sum(axis=0)
    n_not = n_readers[:, None] - n_gave
    with_all = np.where(codings.model, n_gave, n_not).sum(axis=1)
    with_left_out = (codings.model == codings.given).sum(axis=2)
    own = np.where(codings.given, n_gave, n_not).sum(axis=2) - k
    lead: IntArray = np.sign(with_all - with_left_out - own)
    return lead


def _left_out(
    coder: int, lead: IntArray, transcripts: IntArray, *, epsilon: float, fewest: int, of: str
) -> LeftOut:
    groups, place = np.unique(transcripts, return_inverse=True)
    n_units, n = len(lead), len(groups)
    if n < fewest:
        reason = f"too few {of}: {n}, at least {fewest} needed"
        reason = reason if n else "no unit that this coder, another coder and the model read"
        return LeftOut(coder, math.nan, math.nan, math.nan, math.nan, n_units, n, reason=reason)
    sizes = np.bincount(place)
    model, human = (np.bincount(place, weights=wins) / sizes for wins in (lead >= 0, lead <= 0))
    p, p_worse = one_sided(human - model, epsilon=epsilon)
    return LeftOut(coder, float(model.mean()), float(human.mean()), p, p_worse, n_units, n)


def _judged(coders: Sequence[LeftOut], *, q: float) -> tuple[LeftOut, ...]:
    tested = [place for place, coder in enumerate(coders) if not coder.reason]
    rejected = benjamini_yekutieli([coders[place].p for place in tested], q=q)
    lost = benjamini_yekutieli([coders[place].p_worse for place in tested], q=q)
    result = list(coders)
    for place, wins, loses in zip(tested, rejected.tolist(), lost.tolist(), strict=True):
        result[place] = replace(coders[place], rejected=wins, lost=loses)
    return tuple(result)


def _why_none(coders: Sequence[LeftOut], n_groups: int, *, fewest: int, of: str) -> str:
    n_reading = sum(coder.n_units > 0 for coder in coders)
    n_tested = sum(not coder.reason for coder in coders)
    if not n_reading:
        return "no unit to which anybody gave the code, read by two coders and the model"
    if n_reading < FEWEST_CODERS:
        return f"too few coders: {n_reading}, at least {FEWEST_CODERS} needed"
    if n_groups < fewest:
        return f"too few {of}: {n_groups}, at least {fewest} needed"
    if n_tested < FEWEST_CODERS:
        return f"too few coders: {n_tested} with {fewest} {of} or more, at least {FEWEST_CODERS} needed"
    return ""


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
