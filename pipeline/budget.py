"""How much must be read to see most of what people would code: a cut on the model's probability, with a guarantee.

A segment is read if its probability reaches the cut. The loss of a group (a transcript, or what ``group_by`` holds
out together) that contains the code is the share of its coded segments below the cut: 0..1, never falling as the
cut rises, and 0 at a cut of 0. One loss a group, because segments of one group resemble each other.

On average: Angelopoulos, Bates, Fisch, Lei & Schuster (2024), Conformal Risk Control, Theorem 1: of n groups and one
more that is exchangeable with them, the expected loss of that one is at most alpha at the largest cut with
n / (n + 1) * mean loss + 1 / (n + 1) <= alpha.

With confidence: Bates, Angelopoulos, Lei, Malik & Jordan (2021), Distribution-free, Risk-controlling Prediction
Sets, section 3.1: with probability 1 - delta over the n groups, the expected loss of another is at most alpha at
the largest cut where the Hoeffding-Bentkus bound on the chance of so small a mean loss is at most delta. It takes
losses between 0 and 1 as they are; an exact binomial bound would have to count a group with one miss among twenty
as a full loss. Where no group has a loss the bound is (1 - alpha)^n, and no valid one is smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: At most this share of what people would code is missed; the confidence of the second version is 1 - DELTA.
ALPHA, DELTA = 0.10, 0.05
# Sums of shares such as 1/3 that are equal but for rounding count as equal.
_ROUNDING = 1e-9

#: (mean losses, number of groups) -> at which of them the guarantee holds; if at one, then at all smaller ones
Holds = Callable[[FloatArray, int], BoolArray]


@dataclass(frozen=True, slots=True)
class Cut:
    """From which probability on to read for a code.

    value: 0..1, nan where there are not enough groups. n_groups: that contain the code. fewest: how many it takes.
    """

    value: float
    n_groups: int
    fewest: int

    @property
    def enough(self) -> bool:
        """Whether there is a cut."""
        return self.n_groups >= self.fewest


def average_cut(
    probabilities: FloatArray, positive: BoolArray, groups: Sequence[str], *, alpha: float = ALPHA
) -> Cut:
    """The cut with which, on average over groups that contain the code, at least 1 - alpha of it is read.

    probabilities, positive, groups: (n,) of the segments that were read, predicted by models that had not seen
    their group.
    """

    def holds(losses: FloatArray, n: int) -> BoolArray:
        return np.asarray(n * losses + 1 <= alpha * (n + 1) + _ROUNDING)

    return _largest_cut(probabilities, positive, groups, holds, fewest=fewest_on_average(alpha))


def sure_cut(
    probabilities: FloatArray,
    positive: BoolArray,
    groups: Sequence[str],
    *,
    alpha: float = ALPHA,
    delta: float = DELTA,
) -> Cut:
    """The cut with which, with confidence 1 - delta, that average is at least 1 - alpha; arguments as above."""

    def holds(losses: FloatArray, n: int) -> BoolArray:
        return np.asarray(hoeffding_bentkus(losses, n, alpha=alpha) <= delta)

    return _largest_cut(probabilities, positive, groups, holds, fewest=fewest_to_be_sure(alpha, delta))


def fewest_on_average(alpha: float = ALPHA) -> int:
    """The least n with 1 / (n + 1) <= alpha."""
    return math.ceil(1 / alpha - _ROUNDING) - 1


def fewest_to_be_sure(alpha: float = ALPHA, delta: float = DELTA) -> int:
    """The least n with (1 - alpha)^n <= delta."""
    return math.ceil(math.log(delta) / math.log1p(-alpha) - _ROUNDING)


def hoeffding_bentkus(losses: FloatArray, n: int, *, alpha: float) -> FloatArray:
    """Bound on the chance that n losses in 0..1 of expectation alpha or more have a mean as small as each of these.

    Bates et al. (2021), equation (7): the smaller of Hoeffding's exp(-n h(mean, alpha)) with the relative entropy h
    of two coins, and Bentkus' e * P(Binomial(n, alpha) <= ceil(n * mean)).
    """
    mean = np.minimum(losses, alpha)
    entropy = _x_log(mean, alpha) + _x_log(1 - mean, 1 - alpha)
    n_lost = np.ceil(n * losses - _ROUNDING)
    return np.asarray(np.minimum(np.exp(-n * entropy), math.e * binom.cdf(n_lost, n, alpha)))


def _x_log(x: FloatArray, y: float) -> FloatArray:
    """x log(x / y), 0 at x = 0."""
    return np.asarray(x * np.log(np.where(x > 0, x, 1) / y))


def _largest_cut(
    probabilities: FloatArray, positive: BoolArray, groups: Sequence[str], holds: Holds, *, fewest: int
) -> Cut:
    """Only the probabilities of coded segments need to be tried: between two of them nothing is won or lost."""
    _, group, size = np.unique(np.asarray(groups)[positive], return_inverse=True, return_counts=True)
    n_groups = len(size)
    if n_groups < fewest:
        return Cut(math.nan, n_groups, fewest)
    cuts, tied = np.unique(probabilities[positive], return_inverse=True)
    weight = np.bincount(tied, weights=1 / size[group])
    missed = np.cumsum(np.append(0, weight[:-1]))
    # At the lowest nothing is missed, so with enough groups there always is one.
    return Cut(float(cuts[np.flatnonzero(holds(missed / n_groups, n_groups))[-1]]), n_groups, fewest)
