"""train: one model of every segment that a human has read, and its score on groups it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus.files import read_json, write_json
from corpus.study import Study
from models.store import model_files, read_model
from models.theme_model import NEVER, Scored, ThemeModel, train_theme_model
from pipeline.cache import cached, stage_dir, write_parquet
from pipeline.evaluate import SCHEMA, evaluate, not_scored
from pipeline.leak import find_leak, people_of
from pipeline.model_card import make_card
from pipeline.target import FEWEST_GROUPS, Target, make_target
from pipeline.units import Units, read_study_json, read_units
from pipeline.views import Embedding, context_of, definition_texts, members_of

STAGE = "train"
CROSSFIT_TYPES = {
    "segment_id": "str",
    "code": "str",
    "probability": "float64",
    "threshold": "float64",
    "share": "float64",
    "fold": "int64",
}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a trained model may be asked: None where no code can be learned yet."""

    model: ThemeModel | None
    evaluation: dict[str, object]


def train(
    study: Study, units_key: str, preprocess_keys: Sequence[str], encode_keys: Sequence[str], *, encoder: str
) -> str:
    """Train, score, cache; the key of what was cached.

    encode_keys, encoder: empty for words only.
    Writes evaluation.json always, and model.json, model.npz, card.json, crossfit.parquet if any code has
    enough segments in enough groups.
    """
    gold, seed = study.settings.target.gold, study.settings.study.seed
    group_by = study.settings.evaluation.group_by

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        target = make_target(units, gold=gold)
        if len(target.learnable) == 0 or len(set(target.groups)) < FEWEST_GROUPS:
            write_json(folder / "evaluation.json", _nothing_learned(target, units))
            return
        context = context_of(study, preprocess_keys, encode_keys)
        _train(folder, units, target, context, read_study_json(study, units_key), encoder=encoder, seed=seed)

    inputs = {
        "units": units_key,
        "encode": list(encode_keys),
        "gold": gold,
        "seed": seed,
        "group_by": group_by,
    }
    return cached(study, STAGE, inputs, fill)


def _train(
    folder: Path,
    units: Units,
    target: Target,
    context: Mapping[str, Embedding],
    facts: Mapping[str, Any],
    *,
    encoder: str,
    seed: int,
) -> None:
    codebook = facts["codebook"]
    learned = target.learnable
    codes = [units.codes[place] for place in learned]
    segments = [units.segments[row] for row in target.rows]
    members = members_of(segments, context, definition_texts(codebook, codes), encoder=encoder)
    trained = train_theme_model(
        members, target.shares[:, learned], target.groups, codes=codes, seed=seed, definitions=True
    )
    leak = find_leak(
        [segment.text for segment in segments],
        trained.scored.folds,
        people=people_of(segments, facts["participants"], facts["context"]),
        transcripts=[segment.transcript_id for segment in segments],
    )
    evaluation = evaluate(target, trained.scored, leak, codes=units.codes, seed=seed)
    files = model_files(_abstaining(trained.model, evaluation))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    write_json(folder / "evaluation.json", evaluation)
    write_json(folder / "card.json", make_card(target, codes, codebook, files, encoder=encoder))
    _write_crossfit(folder / "crossfit.parquet", units, target, trained.scored, codes)


def _abstaining(model: ThemeModel, evaluation: Mapping[str, Any]) -> ThemeModel:
    """The model without suggestions of codes for which its evaluation shows no skill."""
    abstains = [bool(row["abstains"]) for row in evaluation["scopes"]["all"]["codes"]]
    return replace(model, thresholds=np.where(abstains, NEVER, model.thresholds))


def _nothing_learned(target: Target, units: Units) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "split": None,
        "n_groups": len(set(target.groups)),
        "scopes": {},
        "not_scored": not_scored(target, units.codes),
        "leak": None,
    }


def _write_crossfit(path: Path, units: Units, target: Target, scored: Scored, codes: Sequence[str]) -> None:
    m, k = scored.probabilities.shape
    ids = [units.segments[row].segment_id for row in target.rows]
    columns = {
        "segment_id": np.repeat(ids, k),
        "code": np.tile(codes, m),
        "probability": scored.probabilities.ravel(),
        "threshold": scored.thresholds.ravel(),
        "share": target.shares[:, target.learnable].ravel(),
        "fold": np.repeat(scored.folds, k),
    }
    write_parquet(path, columns, CROSSFIT_TYPES)


def read_knowledge(study: Study, train_key: str) -> Knowledge:
    """The model and its evaluation."""
    folder = stage_dir(study, STAGE, train_key)
    has_model = (folder / "model.json").is_file()
    return Knowledge(read_model(folder) if has_model else None, read_json(folder / "evaluation.json"))
