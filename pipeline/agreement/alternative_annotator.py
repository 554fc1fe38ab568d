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
- Only units at stake enter, those to which a coder who read it or the model gave the code: on the many units
  to which nobody would give a rare code everybody ties, and a model that never gives it would pass.

Of several codes W^f and W^h are averaged within each transcript over the units at stake of each code, and then over
the codes at stake there, so that each counts the same. Pooled over cells the frequent codes would decide: a model
that gives the one code that is nearly everywhere, and nothing else, would pass.

Where coders agree little even that is not enough, for two reasons:

- Never giving the code may then be closer to the others than one of them is. So models that never and that always
  give the code are put to the same test (with several codes also those that always give one code that coders gave
  to more than half of the units, or all such codes), and ``constant_passes`` names those that pass.
- Coders who draw lots are no standard: a model that draws lots too cannot be told from them, and passes rightly.
  So ``coders_low`` is the lower bound of their own alpha, mean over the codes (``chance``); unless it lies above 0
  the test tells nothing about any model (``coders_agree``).

``published_test`` is the paper's own: all units, tested over units, coders with fewer than 30 set aside as
in the authors' program. Both follow the paper in that there must be three coders, while a unit needs
the one left out and one other. What q controls is the false discovery rate over the coders of one
code: each code is tested by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from pipeline.agreement.chance import least_alpha
from pipeline.agreement.left_out import (
    BoolArray,
    Codings,
    LeftOut,
    at_stake,
    checked,
    judged,
    lead,
    left_out,
    rates_of,
    rates_of_codes,
    usable,
)
from pipeline.agreement.values import FloatArray

FEWEST_TRANSCRIPTS = 10
FEWEST_CODERS = 3
FEWEST_UNITS_PUBLISHED = 30
PASSES_FROM = 0.5
#: Models that do not look, as they give each code.
NEVER, ALWAYS, FREQUENT = "never", "always", "as most segments have it (always or never)"
FREQUENT_FROM = 0.5

DIFFERENCES = (
    "differs from Calderon et al. (2025): differences averaged within transcripts and tested over transcripts; "
    "only units to which a coder or the model gave the code; several codes by their mean"
)


@dataclass(frozen=True, slots=True)
class AlternativeAnnotator:
    """The alternative annotator test of one code, or the mean of several.

    epsilon, q: as the test was asked for. coders: the model against each, also those not tested.
    n_units, n_transcripts: those that enter for at least one coder.
    n_codes: how many codes it is the mean of.
    constant_passes: NEVER, ALWAYS or FREQUENT where a model that gives codes so would pass, joined by "or", else "".
    coders_low: lower bound of the 95 % interval of the coders' alpha, mean over codes; nan where it has none.
    differences: from the paper, in words; "" for the paper's own test.
    reason: why the rates are undefined, that is, nan.
    """

    epsilon: float
    q: float
    coders: tuple[LeftOut, ...]
    n_units: int
    n_transcripts: int
    n_codes: int = 1
    constant_passes: str = ""
    coders_low: float = math.nan
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
    def coders_agree(self) -> bool:
        """Whether the coders are shown to agree better than chance; False where that is not known."""
        return self.coders_low > 0

    @property
    def fails(self) -> bool:
        """Whether the model loses against half of the coders or more; False where undefined."""
        return self.losing_rate >= PASSES_FROM


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
    With several codes each counts the same, as the module says; of one it is that code's test.
    epsilon: 0..1; q: 0..1, not 0 nor 1.
    """
    codings = checked(given, read, model, model_seen, transcripts, epsilon=epsilon, q=q)
    found = _over_transcripts(codings, epsilon=epsilon, q=q)
    if found.reason:
        return found
    passing = dict.fromkeys(
        name
        for name, constant in _constants(codings)
        if _over_transcripts(replace(codings, model=constant), epsilon=epsilon, q=q).passes
    )
    low = least_alpha(codings.given, codings.read & codings.model_seen, codings.transcripts)
    return replace(found, constant_passes=" or ".join(passing), coders_low=low)


def published_test(
    given: ArrayLike,
    read: ArrayLike,
    model: ArrayLike,
    model_seen: ArrayLike,
    *,
    epsilon: float,
    q: float = 0.05,
) -> AlternativeAnnotator:
    """The test as published: over all units, each for itself; arguments as ``alternative_annotator_test``.

    With several codes their cells are pooled, as the paper's score does with values of one column each.
    """
    units = np.arange(np.asarray(model).shape[0])
    codings = checked(given, read, model, model_seen, units, epsilon=epsilon, q=q)
    enter = usable(codings)
    rates = rates_of(lead(codings), enter, codings.transcripts)
    found = _test(codings, rates, enter, epsilon=epsilon, q=q, fewest=FEWEST_UNITS_PUBLISHED, of="units")
    return replace(
        found, n_transcripts=0, coders=tuple(replace(one, n_transcripts=0) for one in found.coders)
    )


def _over_transcripts(codings: Codings, *, epsilon: float, q: float) -> AlternativeAnnotator:
    stake = usable(codings) & at_stake(codings)
    rates = rates_of_codes(codings)
    found = _test(codings, rates, stake, epsilon=epsilon, q=q, fewest=FEWEST_TRANSCRIPTS, of="transcripts")
    return replace(found, differences=DIFFERENCES)


def _test(
    codings: Codings, rates: FloatArray, enter: BoolArray, *, epsilon: float, q: float, fewest: int, of: str
) -> AlternativeAnnotator:
    """rates: (2, c, groups), as ``rates_of_codes`` has them. enter: (c, n), the units that they are of."""
    left = [
        left_out(j, rates[:, j], int(enter[j].sum()), epsilon=epsilon, fewest=fewest, of=of)
        for j in range(len(enter))
    ]
    coders = judged(left, q=q)
    units = enter.any(axis=0)
    n_groups = len(np.unique(codings.transcripts[units]))
    return AlternativeAnnotator(
        epsilon=epsilon,
        q=q,
        coders=coders,
        n_units=int(units.sum()),
        n_transcripts=n_groups,
        n_codes=codings.given.shape[2],
        reason=_why_none(coders, n_groups, fewest=fewest, of=of),
    )


def _constants(codings: Codings) -> Iterator[tuple[str, BoolArray]]:
    """Models that do not look, and what to call them; (n, k)."""
    never = np.zeros_like(codings.model)
    yield NEVER, never
    yield ALWAYS, ~never
    if never.shape[1] > 1:
        frequent: list[int] = np.flatnonzero(_shares_given(codings) > FREQUENT_FROM).tolist()
        for code in frequent:
            yield FREQUENT, _always(never, [code])
        if len(frequent) > 1:
            yield FREQUENT, _always(never, frequent)


def _always(never: BoolArray, codes: Sequence[int]) -> BoolArray:
    constant = never.copy()
    constant[:, codes] = True
    return constant


def _shares_given(codings: Codings) -> FloatArray:
    """(k,): how often coders gave each code, of what they and the model read; 0 if nothing."""
    enter = usable(codings)
    gave = np.array([(codings.given[..., code] & enter).sum() for code in range(codings.given.shape[2])])
    return gave / max(int(enter.sum()), 1)


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
