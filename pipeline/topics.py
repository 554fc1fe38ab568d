"""topics: what the people interviewed talk about, as two models see it, and whether that comes back.

Documents are the segments whose speaker is not context. A topic is a distribution of words, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
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
from models.topic_rows import (
    N_NEIGHBOURS,
    SHARE_OF_NEIGHBOURS,
    MakeRows,
    Rows,
    Vectors,
    count_rows,
    make_rows,
    smoothed_rows,
    weighted_rows,
)
from models.topics import (
    N_TOP_WORDS,
    Documents,
    LdaTopics,
    NmfTopics,
    TopicModel,
    make_documents,
    top_words,
)
from models.views import PARTS, context_view
from pipeline.cache import cached, stage_dir, write_parquet
from pipeline.encode import read_embeddings
from pipeline.preprocess import read_preprocessed
from pipeline.topic_entries import Fitted, describe_model, main_topic, rounded, spoken_forms
from pipeline.units import Units, read_units

STAGE = "topics"
SCHEMA = 1
SHARE_TYPES = {"segment_id": "str", "model": "str", "topic": "int64", "share": "float64"}
HOW_NMF = "non-negative matrix factorisation of TF-IDF (scikit-learn, nndsvda start)"
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
class Kind:
    """A kind of topic model: how it is made, what it is fitted to, in how many halves it is fitted again."""

    make: Callable[..., TopicModel]
    make_rows: MakeRows
    n_resamples: int
    how: str


def kinds(meanings: Vectors | None) -> dict[str, Kind]:
    """Name -> the kinds of models that a study gets, the default first.

    meanings: (n, v) of the segments that are documents; None without a sentence encoder.
    """
    # LDA takes about ten times as long, and its topics are seldom near the limit.
    lda = Kind(
        LdaTopics,
        count_rows,
        5,
        "latent Dirichlet allocation of word counts (gensim, online variational Bayes)",
    )
    if meanings is None:
        return {"nmf": Kind(NmfTopics, weighted_rows, 8, HOW_NMF), "lda": lda}
    how = (
        f"{HOW_NMF}; each segment's words count for {1 - SHARE_OF_NEIGHBOURS:.0%}, those of the {N_NEIGHBOURS} "
        f"segments nearest in meaning for {SHARE_OF_NEIGHBOURS:.0%}; near means that the sentence encoder finds "
        "them, and what was said around them, alike"
    )
    smoothed = Kind(NmfTopics, partial(smoothed_rows, vectors=meanings), 8, how)
    return {"smoothed nmf": smoothed, "lda": lda}


def topics(
    study: Study, units_key: str, preprocess_keys: Sequence[str], encode_keys: Sequence[str] = ()
) -> str:
    """Estimate topics by NMF and LDA, with coherence and stability; the key of what was cached.

    Writes topics.json, and topic_shares.parquet with the main topic of every segment by each model. With too
    little to go on there are no topics and ``reason`` says why.
    encode_keys: one for each of ``preprocess_keys``, or none for words only.
    """
    seed = study.settings.study.seed
    inputs = {
        "units": units_key,
        "preprocess": list(preprocess_keys),
        "encode": list(encode_keys),
        "seed": seed,
    }

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        _fill(folder, units, read_meanings(study, preprocess_keys, encode_keys), seed)

    return cached(study, STAGE, inputs, fill)


def read_meanings(study: Study, preprocess_keys: Sequence[str], encode_keys: Sequence[str]) -> Vectors | None:
    """(n, 2 * width): of each segment its embedding, and the weighted sum of those around it; None without."""
    found = []
    for preprocess_key, encode_key in zip(preprocess_keys, encode_keys, strict=bool(encode_keys)):
        segments = read_preprocessed(study, [preprocess_key]).segments
        view = context_view(
            read_embeddings(study, [encode_key]), [segment.transcript_id for segment in segments]
        )
        parts = view.reshape(len(segments), len(PARTS), view.shape[1] // len(PARTS))
        found.append(np.hstack([parts[:, 0], parts[:, 1:].sum(axis=1)]))
    return np.concatenate(found) if found else None


def read_topics(study: Study, key: str) -> dict[str, Any]:
    """What ``topics`` wrote: schema, reason, counts, candidates, how_computed, models."""
    found: dict[str, Any] = read_json(stage_dir(study, STAGE, key) / "topics.json")
    return found


def _fill(folder: Path, units: Units, meanings: Vectors | None, seed: int) -> None:
    said = np.flatnonzero(~units.context)
    segments = [units.segments[i] for i in said]
    documents = make_documents([units.lemmas[i] for i in said])
    groups = [segment.transcript_id for segment in segments]
    reason = why_no_topics(documents, len(set(groups)))
    known = kinds(None if meanings is None else meanings[said])
    fitted: dict[str, Fitted] = {}
    candidates: tuple[Candidate, ...] = ()
    if not reason:
        candidates, fitted = _fit_all(known, documents, groups, seed=seed)
    spoken = spoken_forms(units, said)
    described = {
        name: {
            "how_computed": kind.how,
            "n_resamples": kind.n_resamples if name in fitted else 0,
            **describe_model(fitted.get(name), documents, segments, spoken),
        }
        for name, kind in known.items()
    }
    write_json(
        folder / "topics.json",
        {
            "schema": SCHEMA,
            "reason": reason,
            "default": next(iter(known)),
            "n_segments": len(segments),
            "n_documents": len(documents),
            "n_words": len(documents.words),
            "candidates": [
                asdict(tried) | {"mean_stability": rounded(tried.mean_stability)} for tried in candidates
            ],
            "how_computed": HOW_COUNTED,
            "models": described,
        },
    )
    _write_shares(folder / "topic_shares.parquet", fitted, segments)


def _fit_all(
    known: Mapping[str, Kind], documents: Documents, groups: Sequence[str], *, seed: int
) -> tuple[tuple[Candidate, ...], dict[str, Fitted]]:
    """The numbers of topics that were tried with the first kind, and every kind with the one chosen."""
    halves = draw_halves(groups, seed=seed)
    candidates: tuple[Candidate, ...] = ()
    fitted: dict[str, Fitted] = {}
    for name, kind in known.items():
        rows = make_rows(documents, halves[: kind.n_resamples], kind.make_rows)
        candidates = candidates or try_numbers(rows, seed=seed)
        fitted[name] = _fit(kind.make, choose_number(candidates), documents, rows, seed=seed)
    return candidates, fitted


def _fit(
    make: Callable[..., TopicModel], n_topics: int, documents: Documents, rows: Rows, *, seed: int
) -> Fitted:
    model = make(n_topics, seed=seed).fit(rows.whole)
    stability = measure_stability(model, lambda other: make(n_topics, seed=other), rows, seed=seed)
    # Segments without a document have place -1: the row of zeros at the end.
    shares = np.vstack([model.transform(rows.whole), np.zeros(n_topics)])[documents.row_of]
    n_segments = np.bincount(main_topic(shares) + 1, minlength=n_topics + 1)[1:]
    order = np.argsort(-n_segments, kind="stable")
    words = top_words(model.topic_words_[order])
    coherence = measure_coherence(words, documents)
    return Fitted(words, model.topic_words_[order], stability[order], coherence, shares[:, order])


def _write_shares(path: Path, fitted: Mapping[str, Fitted], segments: Sequence[Segment]) -> None:
    columns: dict[str, list[object]] = {name: [] for name in SHARE_TYPES}
    for name, model in fitted.items():
        main = model.main
        for place in np.flatnonzero(main >= 0).tolist():
            columns["segment_id"].append(segments[place].segment_id)
            columns["model"].append(name)
            columns["topic"].append(int(main[place]) + 1)
            columns["share"].append(rounded(model.shares[place, main[place]]))
    write_parquet(path, columns, SHARE_TYPES)
