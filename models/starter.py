"""A model of codes that cannot be scored yet: it ranks from what the codebook says and the few excerpts there are.

The same members learn from the same kinds of rows as those of a theme model; what cannot be learned from so little,
how much each counts, probabilities and thresholds, is not pretended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from models.calibration import STRAIGHT, Calibration
from models.linear import Rows
from models.members import Member
from models.theme_model import NEVER, ThemeModel

FloatArray = npt.NDArray[np.float64]

#: So many segments are suggested for a code that is not learned, and no larger share of those that are asked.
MOST_SUGGESTED, LARGEST_SHARE = 5, 0.05
_LEAST_GAP = 1e-5


def start_theme_model(
    members: Mapping[str, Member],
    targets: FloatArray,
    *,
    codes: Sequence[str],
    seed: int,
    asked: Mapping[str, Iterable[Rows]],
) -> ThemeModel:
    """A ThemeModel whose members count the same and whose probabilities only rank.

    targets: (n, n_codes) of all rows that the views hold, examples of the codebook among them; a row that nobody
        has read counts as one without the code. asked: views of the segments to suggest for, in parts, to
        bound memory; of each code at most MOST_SUGGESTED of them, and at most LARGEST_SHARE, reach its threshold.
    """
    rows = np.arange(len(targets))
    with threadpool_limits(1):
        fitted = {name: member.fit(rows, targets, seed=seed) for name, member in members.items()}
        n_codes = len(codes)
        shares = dict.fromkeys(fitted, 1 / len(fitted))
        calibration = Calibration(np.ones(n_codes), np.zeros(n_codes), STRAIGHT)
        parts = [
            shares[name] * np.vstack([member.logits(view) for view in asked[name]])
            for name, member in fitted.items()
        ]
        scores = calibration.probabilities(np.asarray(np.sum(parts, axis=0)))
    thresholds = np.array([cut_for(column) for column in scores.T])
    return ThemeModel(tuple(codes), fitted, shares, calibration, thresholds)


def cut_for(scores: FloatArray) -> float:
    """The lowest cut that no more than the allowed number of rows reach; NEVER if there is none.

    scores: (n,) in 0..1. Rows of the same score, as repeated texts have, are all in or all out; so are those that
    differ by less than what storing a model changes. The cut lies half-way to the next lower score.
    """
    allowed = min(MOST_SUGGESTED, int(np.ceil(LARGEST_SHARE * len(scores))))
    values, counts = np.unique(scores, return_counts=True)
    reached = np.cumsum(counts[::-1])[::-1]
    below = np.concatenate([[0.0], values[:-1]])
    found = np.flatnonzero((reached <= allowed) & (values - below > _LEAST_GAP))
    return float((values[found[0]] + below[found[0]]) / 2) if len(found) else NEVER
