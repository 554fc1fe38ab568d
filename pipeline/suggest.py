"""suggest: codes for segments that no human has read, each with its probability and its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.records import Segment
from corpus.study import Study
from models.explain import nearest_rows, speaking_words
from models.linear import Rows
from models.members import WORDS
from models.theme_model import ThemeModel
from pipeline.cache import cached, stage_dir, write_parquet
from pipeline.preprocess import read_preprocessed
from pipeline.target import POSITIVE_FROM, make_target
from pipeline.train import make_views, read_knowledge
from pipeline.units import read_units

STAGE = "suggest"
N_WORDS = 5
N_NEAREST = 3

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
}
"""evidence: "word +1.20; word +0.70", in logits; nearest: ids of segments joined by "; "."""


@dataclass(frozen=True, slots=True)
class _Background:
    """What suggestions are made from.

    known: segments that were learned from, features: (m, d) of equal length, positive: (m, k) for the codes
    of the model. unread: ids of segments that get suggestions.
    """

    model: ThemeModel
    known: tuple[Segment, ...]
    features: Rows
    positive: npt.NDArray[np.bool_]
    unread: frozenset[str]


def suggest(
    study: Study, units_key: str, preprocess_keys: Sequence[str], train_key: str, *, batch: str
) -> str:
    """Suggest codes for the unread segments of one preprocessed batch; the key of what was cached.

    batch: one of ``preprocess_keys``.
    """

    def fill(folder: Path) -> None:
        background = _background(study, units_key, tuple(preprocess_keys), train_key)
        rows: list[Mapping[str, object]] = []
        if background is not None:
            here = read_preprocessed(study, [batch]).segments
            rows = _suggest(
                background, [segment for segment in here if segment.segment_id in background.unread]
            )
        columns = {name: [row[name] for row in rows] for name in SUGGESTION_TYPES}
        write_parquet(folder / "suggestions.parquet", columns, SUGGESTION_TYPES)

    return cached(study, STAGE, {"units": units_key, "train": train_key, "batch": batch}, fill)


@lru_cache(maxsize=1)
def _background(
    study: Study, units_key: str, preprocess_keys: tuple[str, ...], train_key: str
) -> _Background | None:
    """Read once for all batches of a run; None if no code could be learned."""
    model = read_knowledge(study, train_key).model
    if model is None:
        return None
    units = read_units(study, units_key, preprocess_keys)
    target = make_target(units, gold=study.settings.target.gold)
    known = tuple(units.segments[row] for row in target.rows)
    unread = ~units.read[units.is_human].any(axis=0) & ~units.context
    return _Background(
        model=model,
        known=known,
        features=_features(model, known),
        positive=target.shares[:, target.learnable] >= POSITIVE_FROM,
        unread=frozenset(units.segments[row].segment_id for row in np.flatnonzero(unread)),
    )


def _features(model: ThemeModel, segments: Sequence[Segment]) -> Rows:
    return model.words.features(make_views(model, [segment.text for segment in segments])[WORDS])


def _suggest(background: _Background, segments: Sequence[Segment]) -> list[Mapping[str, object]]:
    if not segments:
        return []
    model = background.model
    probabilities = model.probabilities(make_views(model, [segment.text for segment in segments]))
    shown = probabilities >= model.thresholds
    features = _features(model, segments)
    rows: list[Mapping[str, object]] = []
    for place in np.flatnonzero(shown.any(axis=1)).tolist():
        for code in np.flatnonzero(shown[place]).tolist():
            words = speaking_words(model, segments[place].text, code, most=N_WORDS)
            rows.append(
                {
                    "segment_id": segments[place].segment_id,
                    "transcript_id": segments[place].transcript_id,
                    "start": segments[place].start,
                    "end": segments[place].end,
                    "speaker": segments[place].speaker,
                    "text": segments[place].text,
                    "code": model.codes[code],
                    "probability": float(probabilities[place, code]),
                    "evidence": "; ".join(f"{word} {value:+.2f}" for word, value in words),
                    "nearest": "; ".join(_nearest(background, features[place], code)),
                }
            )
    return rows


def _nearest(background: _Background, query: Rows, code: int) -> list[str]:
    """Ids of the nearest segments that people coded so."""
    rows = np.flatnonzero(background.positive[:, code])
    found = nearest_rows(query, background.features[rows], most=N_NEAREST)[0]
    return [background.known[row].segment_id for row in rows[found]]


def suggestions_path(study: Study, key: str) -> Path:
    """The table of one batch."""
    return stage_dir(study, STAGE, key) / "suggestions.parquet"
