"""How common each code is, as ``estimates.json`` has it: what was counted, and the share of all where it is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.draws import read_draws
from corpus.study import Study
from models.theme_model import POSITIVE_FROM
from pipeline.predicted import Predicted
from pipeline.prevalence import LEVEL, Cases, Share, share_of
from pipeline.prevalence_sample import Sample, random_sample
from pipeline.target import make_target
from pipeline.units import Units

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

DECLARED = "random"
# Probabilities of 1 are possible in floats; their logarithm of not holding the code is not.
_ALMOST_SURE = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Counts:
    """Transcripts that can hold a code, and what was found in them.

    names: (t,). n_segments, n_read: (t,) segments that can be coded, and that were read. n_with: (t, k) those that
    count as coded, codes as in ``Units``.
    expected, chance: (t, l) by the model, for the codes of ``learned``: segments with the code, and the chance that
    there is one (as if segments did not hang together; what is wrong with it, the drawn transcripts show).
    """

    names: tuple[str, ...]
    n_segments: FloatArray
    n_read: FloatArray
    n_with: FloatArray
    learned: Mapping[str, int]
    expected: FloatArray
    chance: FloatArray

    @property
    def whole(self) -> BoolArray:
        """(t,): all that can be coded was read."""
        return np.asarray(self.n_read == self.n_segments)


def prevalence_entries(study: Study, units: Units, predicted: Predicted | None) -> dict[str, Any]:
    """``sample`` (n_interviews, n_read, n_in_part, n_drawn, n_known, level, reason) and ``codes``: one entry a code.

    An entry has ``segments`` and ``interviews``: ``n_with, n_read`` (counted), ``share, low, high`` (of all; null
    where that is not known)``, method, power, reason``. An interview counts as read here if any of it was.
    """
    counts = count_by_transcript(units, predicted, gold=study.settings.target.gold)
    settings = study.settings.study
    sample = random_sample(
        counts.names,
        counts.whole,
        read_draws(study),
        declared=settings.sample == DECLARED,
        seed=settings.seed,
    )
    return {
        "sample": {
            "n_interviews": len(counts.names),
            "n_read": int((counts.n_read > 0).sum()),
            "n_in_part": int(((counts.n_read > 0) & ~counts.whole).sum()),
            "n_drawn": int(sample.drawn.sum()),
            "n_known": int(sample.known.sum()),
            "level": LEVEL,
            "reason": "" if counts.whole.all() else sample.why,
        },
        "codes": {code: code_prevalence(counts, sample, k, code) for k, code in enumerate(units.codes)},
    }


def count_by_transcript(units: Units, predicted: Predicted | None, *, gold: str) -> Counts:
    """Add up what people coded and what the model expects; context speakers left out."""
    target = make_target(units, gold=gold)
    rows = np.flatnonzero(~units.context)
    ids = [units.segments[row].transcript_id for row in rows]
    names = tuple(dict.fromkeys(ids))
    number = {name: t for t, name in enumerate(names)}
    of = np.zeros(len(units.segments), dtype=np.intp)
    of[rows] = [number[name] for name in ids]
    chance, expected = _by_model(units, predicted, of, n=len(names))
    return Counts(
        names=names,
        n_segments=np.bincount(of[rows], minlength=len(names)).astype(np.float64),
        n_read=np.bincount(of[target.rows], minlength=len(names)).astype(np.float64),
        n_with=_added(of[target.rows], (target.shares >= POSITIVE_FROM).astype(np.float64), n=len(names)),
        learned={code: i for i, code in enumerate(predicted.codes)} if predicted else {},
        expected=expected,
        chance=chance,
    )


def _by_model(
    units: Units, predicted: Predicted | None, of: npt.NDArray[np.intp], *, n: int
) -> tuple[FloatArray, FloatArray]:
    """(t, l) chance of a transcript to hold the code, and (t, l) how often it is expected.

    A segment for which the model says nothing (read, but not by those whose codings are learned from) gets the mean.
    """
    if predicted is None:
        return np.zeros((n, 0)), np.zeros((n, 0))
    row = {segment.segment_id: i for i, segment in enumerate(units.segments)}
    p = np.tile(predicted.probabilities.mean(axis=0), (len(units.segments), 1))
    p[[row[segment_id] for segment_id in predicted.segment_ids]] = predicted.probabilities
    rows = np.flatnonzero(~units.context)
    none = _added(of[rows], np.log1p(-np.minimum(p[rows], _ALMOST_SURE)), n=n)
    return -np.expm1(none), _added(of[rows], p[rows], n=n)


def _added(of: npt.NDArray[np.intp], values: FloatArray, *, n: int) -> FloatArray:
    """(n, k): the rows of ``values`` added up by the number that ``of`` gives them."""
    found = np.zeros((n, values.shape[1]))
    np.add.at(found, of, values)
    return found


def code_prevalence(counts: Counts, sample: Sample, k: int, code: str) -> dict[str, Any]:
    """The entry of one code. k: its place in the codebook."""
    cases = {
        "segments": segment_cases(counts, sample, k, code),
        "interviews": interview_cases(counts, sample, k, code),
    }
    n_read = {"segments": counts.n_read.sum(), "interviews": (counts.n_read > 0).sum()}
    return {
        unit: {
            "n_with": int(found.count.sum()),
            "n_read": int(n_read[unit]),
            **_as_json(share_of(found), sample.why),
        }
        for unit, found in cases.items()
    }


def segment_cases(counts: Counts, sample: Sample, k: int, code: str) -> Cases:
    """Segments as cases."""
    learned = counts.learned.get(code)
    return Cases(
        size=counts.n_segments,
        count=counts.n_with[:, k],
        unread=counts.n_segments - counts.n_read,
        predicted=None if learned is None else counts.expected[:, learned],
        drawn=sample.drawn,
        known=sample.known,
    )


def interview_cases(counts: Counts, sample: Sample, k: int, code: str) -> Cases:
    """Transcripts as cases: one holds the code if one of its segments does."""
    learned = counts.learned.get(code)
    found = counts.n_with[:, k] > 0
    return Cases(
        size=np.ones(len(counts.names)),
        count=found.astype(np.float64),
        unread=(~found & ~counts.whole).astype(np.float64),
        predicted=None if learned is None else counts.chance[:, learned],
        drawn=sample.drawn,
        known=sample.known,
    )


def _as_json(share: Share, why: str) -> dict[str, Any]:
    """nan becomes null; where no transcript was drawn, ``why`` says it better."""
    numbers = {name: getattr(share, name) for name in ("value", "low", "high")}
    found = {name: None if math.isnan(value) else value for name, value in numbers.items()}
    return {
        "share": found["value"],
        "low": found["low"],
        "high": found["high"],
        "method": share.method if found["value"] is not None else "",
        "power": share.power,
        "reason": why if why and found["value"] is None else share.reason,
    }
