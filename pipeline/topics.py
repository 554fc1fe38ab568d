"""topics: what the people interviewed talk about, as two models see it, and whether that comes back.

Documents are the segments whose speaker is not context. A topic is a distribution of words, no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.files import read_json, write_json
from corpus.records import Segment
from corpus.study import Study
from models.topic_quality import (
    DOCUMENTS_A_TOPIC,
    ENOUGH_BACK,
    STABLE_FROM,
    Candidate,
    choose_number,
    draw_halves,
    measure_coherence,
    measure_stability,
    try_numbers,
    why_no_topics,
)
from models.topics import (
    N_TOP_WORDS,
    Documents,
    FloatArray,
    IntArray,
    LdaTopics,
    NmfTopics,
    TopicModel,
    make_documents,
    top_words,
)
from pipeline.cache import cached, read_parquet, stage_dir, write_parquet
from pipeline.units import Units, read_units

STAGE = "topics"
SCHEMA = 1
N_EXAMPLES = 3
#: A segment with fewer known words is an example only where no longer one speaks of the topic.
WORDS_OF_EXAMPLE = 5
DIGITS = 12
SHARE_TYPES = {"segment_id": "str", "model": "str", "topic": "int64", "share": "float64"}

MODELS: Mapping[str, Callable[..., TopicModel]] = {"nmf": NmfTopics, "lda": LdaTopics}
#: LDA takes about ten times as long, and its topics are seldom near the limit.
N_RESAMPLES_OF = {"nmf": 8, "lda": 5}
HOW_FITTED = {
    "nmf": "non-negative matrix factorisation of TF-IDF (scikit-learn, nndsvda start)",
    "lda": "latent Dirichlet allocation of word counts (gensim, online variational Bayes)",
}
HOW_COUNTED = {
    "documents": "segments whose speaker is not context; segments of the same words count as one when topics are "
    "estimated, and each by itself in n_segments; words that are rare or in more than half are left out",
    "n_topics": f"the largest number of NMF topics of which at least {ENOUGH_BACK:.0%} come back, else the number "
    f"with the greatest share; at least {DOCUMENTS_A_TOPIC} documents a topic; LDA gets the same number",
    "coherence": f"gensim c_npmi of the {N_TOP_WORDS} heaviest words, windows of 10 words, -1 to 1",
    "stability": "mean average Jaccard index (Greene et al. 2014) of a topic's heaviest words and those of its "
    "partner when random halves of the transcripts are fitted, 0 to 1",
    "shown": f"stability of {STABLE_FROM} or more: the topic comes back in other transcripts",
    "n_segments": "segments whose main topic it is; share is of all segments that have a main topic",
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """One model's topics in the order of their numbers: the topic of most segments first.

    words: of each topic its heaviest columns; weights: (k, w). stability: (k,). shares: (n, k) over segments.
    """

    words: list[IntArray]
    weights: FloatArray
    stability: FloatArray
    coherence: list[float | None]
    shares: FloatArray

    @property
    def main(self) -> IntArray:
        """(n,) index of each segment's main topic, -1 where no topic has its words."""
        return _main_topic(self.shares)


def topics(study: Study, units_key: str, preprocess_keys: Sequence[str]) -> str:
    """Estimate topics by NMF and LDA, with coherence and stability; the key of what was cached.

    Writes topics.json, and topic_shares.parquet with the main topic of every segment by each model. With too
    little to go on there are no topics and ``reason`` says why.
    """
    seed = study.settings.study.seed
    inputs = {"units": units_key, "preprocess": list(preprocess_keys), "seed": seed}
    return cached(
        study,
        STAGE,
        inputs,
        lambda folder: _fill(folder, read_units(study, units_key, preprocess_keys), seed),
    )


def read_topics(study: Study, key: str) -> dict[str, Any]:
    """What ``topics`` wrote: schema, reason, counts, candidates, how_computed, models."""
    found: dict[str, Any] = read_json(stage_dir(study, STAGE, key) / "topics.json")
    return found


def read_main_topics(study: Study, key: str) -> list[tuple[str, str, int, float]]:
    """Segment id, model, number of its main topic, share of the segment; hidden topics too."""
    table = read_parquet(stage_dir(study, STAGE, key) / "topic_shares.parquet")
    return list(table.itertuples(index=False, name=None))


def _fill(folder: Path, units: Units, seed: int) -> None:
    said = np.flatnonzero(~units.context)
    segments = [units.segments[i] for i in said]
    documents = make_documents([units.lemmas[i] for i in said])
    groups = [segment.transcript_id for segment in segments]
    reason = why_no_topics(documents, len(set(groups)))
    fitted: dict[str, Fitted] = {}
    candidates: tuple[Candidate, ...] = ()
    if not reason:
        halves = draw_halves(groups, seed=seed)
        candidates = try_numbers(documents, halves, seed=seed)
        n_topics = choose_number(candidates)
        for name, make in MODELS.items():
            fitted[name] = _fit(make, n_topics, documents, halves[: N_RESAMPLES_OF[name]], seed=seed)
    spoken = _spoken_forms(units, said)
    described = {name: _describe(name, fitted.get(name), documents, segments, spoken) for name in MODELS}
    write_json(
        folder / "topics.json",
        {
            "schema": SCHEMA,
            "reason": reason,
            "n_segments": len(segments),
            "n_documents": len(documents),
            "n_words": len(documents.words),
            "candidates": [_rounded(asdict(tried)) for tried in candidates],
            "how_computed": HOW_COUNTED,
            "models": described,
        },
    )
    _write_shares(folder / "topic_shares.parquet", fitted, segments)


def _fit(
    make: Callable[..., TopicModel],
    n_topics: int,
    documents: Documents,
    halves: Sequence[Any],
    *,
    seed: int,
) -> Fitted:
    model = make(n_topics, seed=seed).fit(documents.counts)
    stability = measure_stability(
        model, lambda other: make(n_topics, seed=other), documents, halves, seed=seed
    )
    # Segments without a document have place -1: the row of zeros at the end.
    shares = np.vstack([model.transform(documents.counts), np.zeros(n_topics)])[documents.row_of]
    n_segments = np.bincount(_main_topic(shares) + 1, minlength=n_topics + 1)[1:]
    order = np.argsort(-n_segments, kind="stable")
    words = top_words(model.topic_words_[order])
    coherence = measure_coherence(words, documents)
    return Fitted(words, model.topic_words_[order], stability[order], coherence, shares[:, order])


def _main_topic(shares: FloatArray) -> IntArray:
    return np.where(shares.any(axis=1), shares.argmax(axis=1), -1)


def _describe(
    name: str,
    fitted: Fitted | None,
    documents: Documents,
    segments: Sequence[Segment],
    spoken: Mapping[str, str],
) -> dict[str, object]:
    """A model's entry in topics.json; no topics if it was not fitted."""
    found = _describe_topics(fitted, documents, segments, spoken) if fitted else []
    coherences = [value for value in fitted.coherence if value is not None] if fitted else []
    return {
        "how_computed": HOW_FITTED[name],
        "n_resamples": N_RESAMPLES_OF[name] if fitted else 0,
        "n_topics": len(found),
        "n_hidden": sum(not topic["shown"] for topic in found),
        "mean_coherence": _round(float(np.mean(coherences))) if coherences else None,
        "mean_stability": _round(float(fitted.stability.mean())) if fitted else None,
        "n_segments_without_topic": int((fitted.main < 0).sum()) if fitted else len(segments),
        "topics": found,
    }


def _spoken_forms(units: Units, rows: IntArray) -> dict[str, str]:
    """Lemma -> the form in which it was said most often (ties by spelling): lookup lemmas can read oddly."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts.update(zip(units.lemmas[row].split(), units.surfaces[row].split(), strict=True))
    ordered = sorted(counts.items(), key=lambda item: (item[1], item[0]))
    return {lemma: surface for (lemma, surface), _ in ordered}


def _as_spoken(words: str, spoken: Mapping[str, str]) -> str:
    return " ".join(spoken.get(word, word) for word in words.split())


def _describe_topics(
    fitted: Fitted, documents: Documents, segments: Sequence[Segment], spoken: Mapping[str, str]
) -> list[dict[str, Any]]:
    main = fitted.main
    n_with_topic = int((main >= 0).sum())
    found = []
    for i, columns in enumerate(fitted.words):
        n_segments = int((main == i).sum())
        found.append(
            {
                "number": i + 1,
                "words": [
                    [_as_spoken(documents.words[column], spoken), _round(fitted.weights[i, column])]
                    for column in columns
                ],
                "coherence": None if (value := fitted.coherence[i]) is None else _round(value),
                "stability": _round(fitted.stability[i]),
                "shown": bool(fitted.stability[i] >= STABLE_FROM),
                "n_segments": n_segments,
                "share": _round(n_segments / n_with_topic) if n_with_topic else None,
                "segment_ids": _examples(np.flatnonzero(main == i), fitted.shares[:, i], documents, segments),
            }
        )
    return found


def _examples(
    places: IntArray, shares: FloatArray, documents: Documents, segments: Sequence[Segment]
) -> list[str]:
    """Up to 3 segments with the highest share, each of another transcript and other words, short ones last."""
    n_words = np.diff(documents.counts.indptr)[documents.row_of[places]]
    order = np.lexsort((places, -n_words, -shares[places], n_words < WORDS_OF_EXAMPLE))
    chosen: list[int] = []
    seen: set[object] = set()
    for place in places[order].tolist():
        marks = {segments[place].transcript_id, int(documents.row_of[place])}
        if not marks & seen and len(chosen) < N_EXAMPLES:
            chosen.append(place)
            seen |= marks
    return [segments[place].segment_id for place in chosen]


def _write_shares(path: Path, fitted: Mapping[str, Fitted], segments: Sequence[Segment]) -> None:
    columns: dict[str, list[object]] = {name: [] for name in SHARE_TYPES}
    for name, model in fitted.items():
        main = model.main
        for place in np.flatnonzero(main >= 0).tolist():
            columns["segment_id"].append(segments[place].segment_id)
            columns["model"].append(name)
            columns["topic"].append(int(main[place]) + 1)
            columns["share"].append(_round(model.shares[place, main[place]]))
    write_parquet(path, columns, SHARE_TYPES)


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _round(value) if isinstance(value, float) else value for name, value in row.items()}


def _round(value: float) -> float:
    """To 12 significant digits: the last bits may differ with the number of threads."""
    return float(f"{value:.{DIGITS}g}")
