"""A model of every segment that a human has read, and its score on groups it has not seen.

Whether it is trained, and whether it is used then, is decided in ``pipeline/choose_model.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.files import read_json, write_json
from corpus.study import Study
from models.store import model_files, read_model
from models.theme_model import NEVER, Scored, ThemeModel, train_theme_model
from pipeline.cache import cached, stage_dir, write_parquet
from pipeline.evaluate import SCHEMA, evaluate, not_scored
from pipeline.leak import find_leak, people_of
from pipeline.learned import conditions_of, used_codings, write_learned
from pipeline.model_card import make_card
from pipeline.receive_model import USED, Received, imported_model, imported_sha256, imported_status
from pipeline.start import start
from pipeline.target import Target, make_target
from pipeline.units import Units, read_spans, read_study_json, read_units
from pipeline.views import Embedding, codebook_examples, context_of, members_of

#: What the other stages read: the model in use. FIT: what was trained, used or not.
STAGE = "train"
FIT = "fit"
STARTER = "starter"
CROSSFIT = "crossfit.parquet"
FloatArray = npt.NDArray[np.float64]

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
    """What there is to ask.

    model: of the codes that were learned, None if none was. starter: of those that were not, it ranks and no more.
    """

    model: ThemeModel | None
    starter: ThemeModel | None
    evaluation: dict[str, object]


def fit(
    study: Study,
    units_key: str,
    preprocess_keys: Sequence[str],
    encode_keys: Sequence[str],
    *,
    encoder: str,
    unit: str,
) -> str:
    """Train, score, cache; the key of what was cached.

    encode_keys, encoder: empty for words only. unit: "turn" or "passage".
    Writes evaluation.json always; model.json, model.npz and card.json if any code has enough segments in enough
    groups, or else a model was imported that fits; crossfit.parquet and what it learned from (see
    ``pipeline/learned.py``) in the first case only; and in the folder STARTER a model of the codes that none of these
    knows.
    """
    gold, seed = study.settings.target.gold, study.settings.study.seed
    group_by = study.settings.evaluation.group_by

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        target = make_target(units, gold=gold)
        context = context_of(study, preprocess_keys, encode_keys)
        facts = read_study_json(study, units_key)
        codebook = facts["codebook"]
        if len(target.learnable):
            _train(folder, units, target, context, facts, encoder=encoder, seed=seed)
            codings = used_codings(read_spans(study, units_key), units, target, gold=gold)
            conditions = conditions_of(study, codebook, encoder=encoder, unit=unit)
            write_learned(folder, units, target, codings, conditions)
            known = [units.codes[place] for place in target.learnable]
        else:
            imported = imported_model(study, codebook, encoder=encoder)
            _take_imported(folder, imported, target, units)
            known = list(imported.model.codes) if isinstance(imported, Received) else []
        starter = start(units, target, context, codebook, known=known, encoder=encoder, seed=seed)
        if starter is not None:
            _write_model(folder / STARTER, starter, target, codebook, encoder=encoder)

    inputs = {
        "units": units_key,
        "encode": list(encode_keys),
        "gold": gold,
        "seed": seed,
        "group_by": group_by,
        "imported": imported_sha256(study),
    }
    return cached(study, FIT, inputs, fill)


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
    examples = codebook_examples(codebook, codes)
    members, told = members_of(segments, context, examples, encoder=encoder), examples.told(segments)
    trained = train_theme_model(
        members, target.shares[:, learned], target.groups, codes=codes, seed=seed, told=told
    )
    leak = find_leak(
        [segment.text for segment in segments],
        trained.scored.folds,
        people=people_of(segments, facts["participants"], facts["context"]),
        transcripts=[segment.transcript_id for segment in segments],
    )
    leak = replace(leak, n_quoted=told.n_quoted)
    evaluation = evaluate(target, trained.scored, leak, codes=units.codes, seed=seed)
    _write_model(folder, _abstaining(trained.model, evaluation), target, codebook, encoder=encoder)
    write_json(folder / "evaluation.json", evaluation)
    write_crossfit(
        folder / CROSSFIT,
        [segment.segment_id for segment in segments],
        codes,
        trained.scored,
        target.shares[:, learned],
    )


def _write_model(
    folder: Path,
    model: ThemeModel,
    target: Target,
    codebook: Sequence[Mapping[str, str]],
    *,
    encoder: str,
) -> None:
    folder.mkdir(exist_ok=True)
    files = model_files(model)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    write_json(folder / "card.json", make_card(target, model.codes, codebook, files, encoder=encoder))


def _abstaining(model: ThemeModel, evaluation: Mapping[str, Any]) -> ThemeModel:
    """The model without suggestions of codes for which its evaluation shows no skill."""
    abstains = [bool(row["abstains"]) for row in evaluation["scopes"]["all"]["codes"]]
    return replace(model, thresholds=np.where(abstains, NEVER, model.thresholds))


def _take_imported(folder: Path, imported: Received | str | None, target: Target, units: Units) -> None:
    """Where nothing can be learned, the model that was imported is the study's, unscored."""
    evaluation = _nothing_learned(target, units)
    if isinstance(imported, str):
        evaluation["imported"] = imported
    elif imported is not None:
        for name, content in imported.files.items():
            (folder / name).write_bytes(content)
        evaluation["imported"] = USED
        evaluation["not_scored"] = [
            {**row, "reason": imported_status(imported.model, str(row["code"]), str(row["reason"]))}
            for row in not_scored(target, units.codes)
        ]
    write_json(folder / "evaluation.json", evaluation)


def _nothing_learned(target: Target, units: Units) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "split": None,
        "n_groups": len(set(target.groups)),
        "scopes": {},
        "not_scored": not_scored(target, units.codes),
        "leak": None,
    }


def write_crossfit(
    path: Path, segment_ids: Sequence[str], codes: Sequence[str], scored: Scored, shares: FloatArray
) -> None:
    """What a model says of segments whose group it had not seen: a row a segment and a code.

    segment_ids: (m,). codes: (k,). shares: (m, k).
    """
    columns = {
        "segment_id": np.repeat(segment_ids, len(codes)),
        "code": np.tile(codes, len(segment_ids)),
        "probability": scored.probabilities.ravel(),
        "threshold": scored.thresholds.ravel(),
        "share": shares.ravel(),
        "fold": np.repeat(scored.folds, len(codes)),
    }
    write_parquet(path, columns, CROSSFIT_TYPES)


def read_knowledge(study: Study, train_key: str) -> Knowledge:
    """The models and the evaluation."""
    folder = stage_dir(study, STAGE, train_key)
    model, starter = (
        read_model(place) if (place / "model.json").is_file() else None
        for place in (folder, folder / STARTER)
    )
    return Knowledge(model, starter, read_json(folder / "evaluation.json"))
