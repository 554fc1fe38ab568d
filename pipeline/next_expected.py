"""What the transcripts that nobody has read may hold, by a model of all codes, and which of them teach most.

A learning curve is about straight in the logarithm of the number of excerpts, so excerpts of rare codes teach more,
and the second transcript of a kind less than the first. What counts is what a transcript teaches for each word that
has to be read: tests/benchmarks/next.py compares ways to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from threadpoolctl import threadpool_limits

from corpus.records import Segment
from corpus.study import Study
from models.members import mean_logits
from pipeline.target import headings, make_target, unread_rows
from pipeline.units import Units, read_study_json
from pipeline.views import codebook_examples, context_of, members_of

if TYPE_CHECKING:
    from pipeline.stages import Keys

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
#: Opening a transcript and deciding costs as much as reading so many words: else answers of one word teach most.
OPENING = 20
_FAR, _HALVINGS = 50.0, 60


@dataclass(frozen=True, slots=True)
class Expected:
    """How many unread segments of a transcript carry a code, as the model has it.

    transcripts: (t,) those with something unread. codes: (k,). counts: (t, k). n_excerpts: (k,) that people coded.
    n_words: (t,) to be read for it.
    """

    transcripts: tuple[str, ...]
    codes: tuple[str, ...]
    counts: FloatArray
    n_excerpts: FloatArray
    n_words: FloatArray

    def gains(self, transcript: str) -> FloatArray:
        """(k,): what a transcript would add to log(excerpts + 1) of each code."""
        return np.log1p(self.of(transcript) / (self.n_excerpts + 1))

    def of(self, transcript: str) -> FloatArray:
        """(k,): expected excerpts of each code in one transcript."""
        return np.asarray(self.counts[self.transcripts.index(transcript)])


def expected_excerpts(study: Study, units: Units, keys: Keys, *, encoder: str) -> Expected | None:
    """Train on all that is read, codes with few excerpts too; None while nothing is coded.

    A heading, which is never coded itself, is left out. The members count alike, for a code with few excerpts cannot
    say which is better.
    """
    target = make_target(units, gold=study.settings.target.gold)
    codebook = read_study_json(study, keys.units[0])["codebook"]
    above = headings(codebook, target.n_positive.tolist())
    chosen = [i for i, code in enumerate(units.codes) if code not in above]
    unread = unread_rows(units, target)
    if not target.n_positive.any() or not len(unread):
        return None
    codes = tuple(units.codes[i] for i in chosen)
    context = context_of(study, keys.preprocess, keys.encode)
    n_read, n_asked = len(target.rows), len(unread)
    segments = [units.segments[row] for row in (*target.rows, *unread)]
    examples = codebook_examples(codebook, codes)
    members = members_of(segments, context, examples, encoder=encoder)
    lessons = np.concatenate([np.arange(n_read), n_read + n_asked + np.arange(len(examples.texts))])
    taught = np.vstack([target.shares[:, chosen], examples.shares])
    asked = n_read + np.arange(n_asked)
    with threadpool_limits(1):
        logits = mean_logits(members, lessons, taught, asked, seed=study.settings.study.seed)
    probabilities = as_common_as_read(logits, target.n_positive[chosen], len(target.rows))
    n_excerpts = target.n_positive[chosen].astype(np.float64)
    return summed([units.segments[row] for row in unread], codes, probabilities, n_excerpts)


def as_common_as_read(logits: FloatArray, n_positive: IntArray, n_read: int) -> FloatArray:
    """Probabilities (n, k) of unread segments whose mean is how common each code is among those read, smoothed.

    Logits of balanced classes tell which segments are likelier, not how many there are; with few excerpts nothing
    tells that better than what was read.
    """
    rates = (n_positive + 0.5) / (n_read + 1)
    low, high = np.full(logits.shape[1], -_FAR), np.full(logits.shape[1], _FAR)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_many = expit(logits + middle).mean(axis=0) > rates
        low, high = np.where(too_many, low, middle), np.where(too_many, middle, high)
    return np.asarray(expit(logits + (low + high) / 2))


def summed(
    segments: Sequence[Segment], codes: Sequence[str], probabilities: FloatArray, n_excerpts: FloatArray
) -> Expected:
    """Probabilities of unread segments, (n, k), summed over each transcript."""
    names = np.array([segment.transcript_id for segment in segments], dtype=object)
    transcripts, number = np.unique(names, return_inverse=True)
    counts = np.zeros((len(transcripts), len(codes)))
    np.add.at(counts, number, probabilities)
    n_words = np.bincount(number, [len(segment.text.split()) for segment in segments]).astype(np.float64)
    return Expected(tuple(transcripts.tolist()), tuple(codes), counts, n_excerpts, n_words)


def teach_most(expected: Expected, free: Sequence[str], n: int) -> list[str]:
    """At most n of the free transcripts, each the one that adds most to the sum over codes of log(excerpts + 1), a
    word that has to be read.

    What those chosen before are expected to bring counts as had, so that they do not teach the same. Ties go to the
    name that comes first.
    """
    place = {name: row for row, name in enumerate(expected.transcripts)}
    left, chosen = [place[name] for name in sorted(set(free) & set(place))], list[str]()
    have = expected.n_excerpts + 1
    while left and len(chosen) < n:
        gains = np.log1p(expected.counts[left] / have).sum(axis=1) / (expected.n_words[left] + OPENING)
        best = left.pop(int(np.argmax(gains)))
        chosen.append(expected.transcripts[best])
        have = have + expected.counts[best]
    return chosen
