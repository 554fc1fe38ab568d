"""Do topics hang together, do they come back in other transcripts, and how many are there?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from gensim.corpora import Dictionary
from gensim.models import CoherenceModel
from scipy.optimize import linear_sum_assignment

from models.topic_rows import Rows
from models.topics import N_TOP_WORDS, Documents, FloatArray, IntArray, NmfTopics, TopicModel, top_words

N_RESAMPLES = 8
STABLE_FROM = 0.5
"""Stability from which a topic counts as come back. Measured on 17 real interviews with 15 NMF topics and four
seeds: when halves of the transcripts are drawn 5 to 9 topics reach it, and 0 or 1 once the words are shuffled and
there is nothing to find; when 80 % are drawn, as Greene et al. do, 12 to 15 and 9 to 15: no telling them apart.
Smoothed over neighbours: 10 or 11 of 15, and 2 or 3 when the shuffled words are encoded (14 and 1 of 20)."""
ENOUGH_BACK = 2 / 3
CANDIDATES = (3, 4, 6, 8, 10, 15, 20, 30)
"""Numbers of topics that are tried; two topics come back in shuffled words too, for words differ in frequency."""
DOCUMENTS_A_TOPIC = 20
FEWEST_TRANSCRIPTS = 2

MakeModel = Callable[[int], TopicModel]
"""Seed -> a model that is not fitted yet."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What asking for so many topics gave: how many of them came back, and the mean stability of all."""

    n_topics: int
    n_back: int
    mean_stability: float


def draw_halves(groups: Sequence[str], *, seed: int) -> list[npt.NDArray[np.bool_]]:
    """N_RESAMPLES random halves of the groups (transcripts), as masks (n,) over their texts."""
    rng = np.random.default_rng(seed)
    names, member_of = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    size = (len(names) + 1) // 2
    return [np.isin(member_of, rng.permutation(len(names))[:size]) for _ in range(N_RESAMPLES)]


def measure_stability(model: TopicModel, make_model: MakeModel, rows: Rows, *, seed: int) -> FloatArray:
    """(k,) mean likeness, 0..1, of each topic to the one that takes its place when half the transcripts are fitted.

    model: fitted on all documents. make_model: the same, not fitted; it gets another seed for each half.
    After Greene, O'Callaghan & Cunningham (2014), who draw 80 % and average over topics.
    """
    wanted = top_words(model.topic_words_)
    refits = [
        _fit_words(make_model((seed + number) % 2**32), half)
        for number, half in enumerate(rows.halves, start=1)
    ]
    return np.asarray(np.mean([match_topics(wanted, refit) for refit in refits], axis=0))


def _fit_words(model: TopicModel, rows: sp.csr_matrix) -> list[IntArray]:
    return top_words(model.fit(rows).topic_words_) if rows.shape[0] else []


def match_topics(wanted: Sequence[IntArray], found: Sequence[IntArray]) -> FloatArray:
    """(len(wanted),) likeness of each topic to its partner in the best one-to-one matching, 0 without a partner.

    Likeness is the average Jaccard index of the first 1, 2, ... 10 words (Greene et al. 2014), so the
    heaviest words count most. wanted, found: columns of the top words of each topic.
    """
    likeness = np.zeros(len(wanted))
    if wanted and found:
        pairs = average_jaccard(_padded(wanted, -1), _padded(found, -2))
        rows, columns = linear_sum_assignment(-pairs)
        likeness[rows] = pairs[rows, columns]
    return likeness


def _padded(topics: Sequence[IntArray], filler: int) -> IntArray:
    """(k, 10): a topic with fewer words is filled up with what equals no word."""
    table = np.full((len(topics), N_TOP_WORDS), filler, dtype=np.intp)
    for row, words in zip(table, topics, strict=True):
        row[: len(words)] = words
    return table


def average_jaccard(left: IntArray, right: IntArray) -> FloatArray:
    """(k, m) average Jaccard index over depths 1..t of ranked words, left (k, t) and right (m, t)."""
    equal = left[:, None, :, None] == right[None, :, None, :]
    depths = np.arange(left.shape[1])
    shared = equal.cumsum(axis=2).cumsum(axis=3)[:, :, depths, depths]
    return np.asarray((shared / (2 * (depths + 1) - shared)).mean(axis=2))


def measure_coherence(topics: Sequence[IntArray], documents: Documents) -> list[float | None]:
    """gensim's c_npmi of each topic's top words, -1..1, windows of 10 words (Aletras & Stevenson 2013).

    None for a topic with fewer than two words: it has no pair to measure.
    """
    measured = [i for i, topic in enumerate(topics) if len(topic) > 1]
    found: list[float | None] = [None] * len(topics)
    if measured:
        model = CoherenceModel(
            topics=[[documents.words[column] for column in topics[i]] for i in measured],
            texts=documents.tokens,
            dictionary=Dictionary([documents.words]),
            coherence="c_npmi",
            topn=N_TOP_WORDS,
            processes=1,
        )
        for i, value in zip(measured, model.get_coherence_per_topic(), strict=True):
            found[i] = float(value)
    return found


def why_no_topics(documents: Documents, n_groups: int) -> str:
    """Why there is too little for topics, or ""."""
    fewest = CANDIDATES[0] * DOCUMENTS_A_TOPIC
    if len(documents.row_of) < fewest or len(documents) < fewest:
        return (
            f"too few segments for topics: {len(documents.row_of)}, of which {len(documents)} differ and have words "
            f"that recur; at least {fewest} such segments are needed"
        )
    if n_groups < FEWEST_TRANSCRIPTS:
        return (
            f"too few transcripts for topics: {n_groups}; whether a topic comes back needs at least "
            f"{FEWEST_TRANSCRIPTS}"
        )
    n_words, least = len(documents.words), CANDIDATES[0] * N_TOP_WORDS
    return (
        f"too few words for topics: {n_words} recur, at least {least} are needed" if n_words < least else ""
    )


def try_numbers(rows: Rows, *, seed: int) -> tuple[Candidate, ...]:
    """How stable NMF of these rows is for each number of topics that leaves 20 documents and 10 words to each."""
    n_documents, n_words = rows.whole.shape
    most = min(n_documents // DOCUMENTS_A_TOPIC, n_words // N_TOP_WORDS)
    return tuple(_try_number(n, rows, seed=seed) for n in CANDIDATES if n <= most)


def _try_number(n_topics: int, rows: Rows, *, seed: int) -> Candidate:
    model = NmfTopics(n_topics, seed=seed).fit(rows.whole)
    stability = measure_stability(model, lambda other: NmfTopics(n_topics, seed=other), rows, seed=seed)
    return Candidate(n_topics, int((stability >= STABLE_FROM).sum()), float(stability.mean()))


def choose_number(candidates: Sequence[Candidate]) -> int:
    """The largest number of which at least two thirds come back; without one, that with the greatest share.

    The fewer topics if shares are equal.
    """
    enough = [tried.n_topics for tried in candidates if tried.n_back >= ENOUGH_BACK * tried.n_topics]
    if enough:
        return max(enough)
    return max(candidates, key=lambda tried: (tried.n_back / tried.n_topics, -tried.n_topics)).n_topics
