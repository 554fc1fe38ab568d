"""suggest: codes for segments that no human has read, each with its probability and its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from corpus.records import Segment
from corpus.study import Study
from models.linear import Rows
from models.members import CONTEXT, WORDS
from models.theme_model import ThemeModel
from models.views import own_part
from pipeline.cache import cached, stage_dir, write_parquet
from pipeline.preprocess import read_preprocessed
from pipeline.reasons import Encode, encode_with, evidence_cells, named_words, nearest_known
from pipeline.target import make_target, unread_rows
from pipeline.train import read_knowledge
from pipeline.units import read_units
from pipeline.views import context_of, views_of

STAGE = "suggest"

SUGGESTION_TYPES = {
    "segment_id": "str",
    "transcript_id": "str",
    "start": "int64",
    "end": "int64",
    "speaker": "str",
    "text": "str",
    "code": "str",
    "probability": "float64",
    "evidence": "str",
    "nearest": "str",
    "nearest_not": "str",
}
"""probability: nan for a code that is not learned yet. evidence: "word +1.20; word +0.70; [meaning] +0.30", in
logits; nearest: ids of segments joined by "; "; nearest_not: the id of one, or ""."""

UNREAD_TYPES = {"segment_id": "str", "transcript_id": "str"}
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Background:
    """What suggestions of one model are made from.

    is_proven: its probabilities were scored; those of the starter only rank. known: segments that were learned from,
    similar: (d, m) what nearness is measured on, a column of equal length each, shares: (m, k) of those who read, who
    gave each code of the model. unread: ids of segments that get suggestions.
    """

    model: ThemeModel
    is_proven: bool
    known: tuple[Segment, ...]
    similar: Rows
    shares: FloatArray
    unread: frozenset[str]


def suggest(
    study: Study,
    units_key: str,
    preprocess_keys: Sequence[str],
    encode_keys: Sequence[str],
    train_key: str,
    *,
    encoder: str,
    batch: int,
) -> str:
    """Suggest codes for the unread segments of one preprocessed batch; the key of what was cached.

    encode_keys, encoder: empty for words only. batch: place in ``preprocess_keys``.
    """

    def fill(folder: Path) -> None:
        rows: list[Mapping[str, object]] = []
        here = read_preprocessed(study, [preprocess_keys[batch]]).segments
        context = context_of(study, [preprocess_keys[batch]], encode_keys[batch : batch + 1])
        for background in _backgrounds(
            study, units_key, tuple(preprocess_keys), tuple(encode_keys), train_key
        ):
            unread = [segment for segment in here if segment.segment_id in background.unread]
            views = views_of(background.model.words.vocabulary, unread, context) if unread else {}
            probabilities = _probabilities(background.model, views)
            rows += _suggest(background, unread, views, probabilities, encode_with(encoder))
            if background.is_proven:
                _write_unread(folder / "unread.parquet", unread, probabilities)
        columns = {name: [row[name] for row in rows] for name in SUGGESTION_TYPES}
        write_parquet(folder / "suggestions.parquet", columns, SUGGESTION_TYPES)

    inputs = {"units": units_key, "train": train_key, "batch": preprocess_keys[batch]}
    return cached(study, STAGE, inputs, fill)


@lru_cache(maxsize=1)
def _backgrounds(
    study: Study,
    units_key: str,
    preprocess_keys: tuple[str, ...],
    encode_keys: tuple[str, ...],
    train_key: str,
) -> tuple[_Background, ...]:
    """Read once for all batches of a run: of the codes that were learned, and of those that were not."""
    knowledge = read_knowledge(study, train_key)
    units = read_units(study, units_key, preprocess_keys)
    target = make_target(units, gold=study.settings.target.gold)
    known = tuple(units.segments[row] for row in target.rows)
    unread = frozenset(units.segments[row].segment_id for row in unread_rows(units, target))
    context = context_of(study, preprocess_keys, encode_keys)

    def background(model: ThemeModel, *, is_proven: bool) -> _Background:
        views = views_of(model.words.vocabulary, known, context)
        places = [units.codes.index(code) for code in model.codes]
        similar = _similar(model, views).T
        similar = similar.tocsr() if sp.issparse(similar) else similar
        return _Background(model, is_proven, known, similar, target.shares[:, places], unread)

    models = ((knowledge.model, True), (knowledge.starter, False))
    return tuple(background(model, is_proven=proven) for model, proven in models if model is not None)


def _similar(model: ThemeModel, views: Mapping[str, Rows]) -> Rows:
    """What nearness is measured on: the meaning of the segment itself where there is an encoder, else its words."""
    return own_part(views[CONTEXT]) if CONTEXT in views else model.words.features(views[WORDS])


def _probabilities(model: ThemeModel, views: Mapping[str, Rows]) -> FloatArray:
    return model.probabilities(views) if views else np.zeros((0, len(model.codes)))


def _write_unread(path: Path, segments: Sequence[Segment], probabilities: FloatArray) -> None:
    """All probabilities, also those below the thresholds: a row a segment, a column a code, by its number."""
    codes = [str(code) for code in range(probabilities.shape[1])]
    columns: dict[str, Sequence[object]] = {
        "segment_id": [segment.segment_id for segment in segments],
        "transcript_id": [segment.transcript_id for segment in segments],
    }
    columns |= {code: column.tolist() for code, column in zip(codes, probabilities.T, strict=True)}
    write_parquet(path, columns, UNREAD_TYPES | dict.fromkeys(codes, "float64"))


def _suggest(
    background: _Background,
    segments: Sequence[Segment],
    views: Mapping[str, Rows],
    probabilities: FloatArray,
    encode: Encode | None,
) -> list[Mapping[str, object]]:
    model = background.model
    cells = [(place, code) for place, code in np.argwhere(probabilities >= model.thresholds).tolist()]
    if not cells:
        return []
    texts = [segment.text for segment in segments]
    words = named_words(model, texts, views, cells, before=probabilities, encode=encode)
    evidence = evidence_cells(model, views, cells, words)
    nearest = nearest_known(_similar(model, views), background.similar, background.shares, cells)
    return [
        _segment_cells(segments[place])
        | {
            "code": model.codes[code],
            "probability": float(probabilities[place, code]) if background.is_proven else np.nan,
            "evidence": told,
            "nearest": "; ".join(background.known[row].segment_id for row in so),
            "nearest_not": "; ".join(background.known[row].segment_id for row in other),
        }
        for (place, code), told, (so, other) in zip(cells, evidence, nearest, strict=True)
    ]


def _segment_cells(segment: Segment) -> dict[str, object]:
    names = ("segment_id", "transcript_id", "start", "end", "speaker", "text")
    return {name: getattr(segment, name) for name in names}


def suggestions_path(study: Study, key: str) -> Path:
    """The table of one batch."""
    return stage_dir(study, STAGE, key) / "suggestions.parquet"


def unread_path(study: Study, key: str) -> Path:
    """All probabilities of one batch; not there if no code was learned."""
    return stage_dir(study, STAGE, key) / "unread.parquet"
