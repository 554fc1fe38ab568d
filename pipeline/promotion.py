"""Whether a newly trained model takes the place of the one in use: it must be no worse where both saw nothing.

The two are compared on transcripts that were coded blind since the old one was trained: the old one as it is, the new
one cross-fitted, so that neither had seen what it is scored on. (Where ``group_by`` holds out larger groups, the old
one may have seen other transcripts of the group: the comparison then leans towards the old one.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

from pipeline.compare.basis import is_blind

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FEWEST_TRANSCRIPTS = 5
#: A mean difference from here on counts as no worse.
NO_WORSE = -0.01
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new model less the old one.

    n_transcripts: that could be scored. difference: mean over them of the difference in average precision, in -1..1;
    nan without any.
    """

    n_transcripts: int
    difference: float

    @property
    def enough(self) -> bool:
        """Whether it says anything."""
        return self.n_transcripts >= FEWEST_TRANSCRIPTS

    @property
    def no_worse(self) -> bool:
        """Whether it speaks for the new model; False where there are too few transcripts."""
        return self.enough and self.difference >= NO_WORSE - _ROUNDING

    def as_json(self) -> dict[str, Any]:
        """For the history of the models."""
        undefined = math.isnan(self.difference)
        return {
            "score": "average precision over the segments and codes of a transcript",
            "n_transcripts": self.n_transcripts,
            "difference": None if undefined else self.difference,
            "reason": "no transcript was coded blind since" if undefined else "",
        }


def compare_models(
    transcripts: Sequence[str], truth: BoolArray, old: FloatArray, new: FloatArray
) -> Comparison:
    """The mean paired difference over transcripts.

    transcripts: (n,), of each segment. truth: (n, k), of the codes that both know. old, new: (n, k) probabilities.
    """
    names = np.array(transcripts, dtype=object)
    differences = [
        b - a
        for name in sorted(set(transcripts))
        if not math.isnan(a := transcript_score(truth[names == name], old[names == name]))
        and not math.isnan(b := transcript_score(truth[names == name], new[names == name]))
    ]
    return Comparison(len(differences), float(np.mean(differences)) if differences else math.nan)


def transcript_score(truth: BoolArray, probabilities: FloatArray) -> float:
    """Average precision over the cells (segment, code) of one transcript; nan if none of the codes was given there.

    A mean over codes would be undefined for nearly every code of a single transcript, and a count of errors would
    depend on thresholds that were chosen on other transcripts; the ranking of all cells needs one that is positive.
    """
    return float(average_precision_score(truth.ravel(), probabilities.ravel())) if truth.any() else math.nan


def blind_transcripts(
    sittings: Sequence[Mapping[str, Any]], suggested: Mapping[str, str], kinds: Mapping[str, str]
) -> frozenset[str]:
    """Transcripts that everybody who read them coded blind.

    sittings: with those of whoever read and coded nothing. suggested: transcript -> when first suggested for. kinds:
    coder -> kind; a machine does not read.
    """
    blind: dict[str, bool] = {}
    for sitting in sittings:
        if kinds.get(sitting["coder"]) != "machine":
            name = sitting["transcript_id"]
            blind[name] = blind.get(name, True) and is_blind(sitting, suggested.get(name, ""))
    return frozenset(name for name, so in blind.items() if so)
