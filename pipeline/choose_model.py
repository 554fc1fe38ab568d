"""train, the stage: the model that a run uses, be it the one in use, be it one that is trained now and no worse.

Its folder holds all that later stages read of a model (``pipeline/train.py``), and ``decision.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.files import read_json, write_json
from corpus.study import Study
from models.store import read_model
from models.theme_model import POSITIVE_FROM, Scored, ThemeModel
from pipeline.cache import cached, read_parquet, stage_dir
from pipeline.compare.basis import first_suggested, silent_about_basis, with_readings
from pipeline.evaluate import not_scored
from pipeline.kept_models import VERSION_LENGTH, Standing, copy_model
from pipeline.learned import (
    Learned,
    conditions_of,
    n_new_codings,
    read_codings,
    read_learned,
    sha256_of_words,
    used_codings,
    what_changed,
)
from pipeline.promotion import Comparison, blind_transcripts, compare_models
from pipeline.receive_model import imported_sha256
from pipeline.retrain import Decision, Due, compared_decision, is_due, kept_decision, replaced_decision
from pipeline.target import Target, make_target
from pipeline.train import CROSSFIT, FIT, STAGE, fit, write_crossfit
from pipeline.units import Units, read_spans, read_stretches, read_study_json, read_units
from pipeline.views import context_of, views_of

DECISION = "decision.json"
NEXT_TIME = "can be learned by now: it is when the model is trained again ('precode train STUDY')"
#: In place of a fold: the model in use had not seen the group, for it was trained before.
UNSEEN = -1

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Now:
    """What there is to learn from. sittings: as ``with_readings`` has them; suggested: see ``blind_transcripts``."""

    study: Study
    units: Units
    target: Target
    facts: Mapping[str, Any]
    sittings: Sequence[Mapping[str, Any]]
    suggested: Mapping[str, str]
    units_key: str
    preprocess_keys: Sequence[str]
    encode_keys: Sequence[str]

    def segment_ids(self, rows: IntArray) -> list[str]:
        """Of some segments."""
        return [self.units.segments[row].segment_id for row in rows]


def train(
    study: Study,
    units_key: str,
    preprocess_keys: Sequence[str],
    encode_keys: Sequence[str],
    *,
    encoder: str,
    unit: str,
    models: Standing,
) -> str:
    """Decide whether to train and what to use; the key of what was cached.

    encode_keys, encoder: empty for words only. unit: "turn" or "passage". models: what the run started with.
    decision.json: as ``Decision``, with ``fit``: the key of the model that was trained, "" if none was.
    """
    gold, after = study.settings.target.gold, study.settings.retrain.after_codings
    facts = read_study_json(study, units_key)
    read = read_stretches(study, units_key)
    sittings = with_readings(facts["sittings"], zip(read["coder"], read["transcript"], strict=True))
    silent = silent_about_basis(sittings)
    suggested = {name: when for name, when in first_suggested(study).items() if name in silent}

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        now = _Now(
            study,
            units,
            make_target(units, gold=gold),
            facts,
            sittings,
            suggested,
            units_key,
            preprocess_keys,
            encode_keys,
        )
        learned = read_learned(study.models_dir / models.in_use) if models.in_use else None
        n_new = _n_new(now, models) if learned else 0
        conditions = conditions_of(study, facts["codebook"], encoder=encoder, unit=unit)
        due = is_due(
            in_use=models.in_use,
            lost=models.lost,
            changed=what_changed(learned.conditions, conditions) if learned else "",
            asked=models.asked,
            n_new=n_new,
            after=after,
        )
        fitted = (
            fit(study, units_key, preprocess_keys, encode_keys, encoder=encoder, unit=unit)
            if due.train
            else ""
        )
        decision = (
            _decide(now, models, learned, fitted, due)
            if due.train
            else kept_decision(models.in_use, models.tried, n_new=n_new, after=after)
        )
        if learned and decision.version == models.in_use:
            _write_kept(folder, now, study.models_dir / models.in_use, learned)
        else:
            copy_model(stage_dir(study, FIT, fitted), folder)
        write_json(folder / DECISION, {**asdict(decision), "fit": fitted})

    inputs = {
        "units": units_key,
        "encode": list(encode_keys),
        "encoder": encoder,
        "unit": unit,
        "gold": gold,
        "seed": study.settings.study.seed,
        "group_by": study.settings.evaluation.group_by,
        "imported": imported_sha256(study),
        "after_codings": after,
        "suggested": suggested,
        "models": {**models.as_json(), "asked": models.asked, "files": dict(models.files)},
    }
    return cached(study, STAGE, inputs, fill)


def read_decision(study: Study, train_key: str) -> dict[str, Any]:
    """What ``train`` decided, and the key of what it trained."""
    found: dict[str, Any] = read_json(stage_dir(study, STAGE, train_key) / DECISION)
    return found


def _n_new(now: _Now, models: Standing) -> int:
    spans, gold = read_spans(now.study, now.units_key), now.study.settings.target.gold
    then = read_codings(now.study.models_dir / models.tried)
    return n_new_codings(then, used_codings(spans, now.units, now.target, gold=gold))


def _decide(now: _Now, models: Standing, learned: Learned | None, fitted: str, due: Due) -> Decision:
    """What becomes of the model that was trained."""
    before = models.in_use or models.lost
    own = (stage_dir(now.study, FIT, fitted) / CROSSFIT).is_file()
    trained = fitted[:VERSION_LENGTH] if own else ""
    if trained and trained == models.in_use:
        return Decision(before, before, trained, "nothing new to learn from", "")
    if learned is None or not trained or not due.compare:
        return replaced_decision(before, trained, due.why)
    return compared_decision(before, trained, _compare(now, models, learned, fitted), asked=models.asked)


def _compare(now: _Now, models: Standing, learned: Learned, fitted: str) -> Comparison:
    """The new model with the old one, on transcripts coded blind of which the old one had seen nothing."""
    blind = blind_transcripts(now.sittings, now.suggested, now.units.coders) - learned.transcripts
    units, target = now.units, now.target
    wanted = [units.segments[row].transcript_id in blind for row in target.rows]
    places = np.flatnonzero(np.array(wanted, dtype=bool))
    rows = target.rows[places]
    old = read_model(now.study.models_dir / models.in_use)
    new_codes, by_row = _read_crossfit(stage_dir(now.study, FIT, fitted), "probability")
    both = [code for code in old.codes if code in new_codes]
    new = np.array([by_row[segment_id] for segment_id in now.segment_ids(rows)])
    shares = target.shares[places][:, [units.codes.index(code) for code in both]]
    return compare_models(
        [units.segments[row].transcript_id for row in rows],
        shares >= POSITIVE_FROM,
        _frozen(now, old, rows)[:, [old.codes.index(code) for code in both]],
        new.reshape(len(rows), len(new_codes))[:, [new_codes.index(code) for code in both]],
    )


def _frozen(now: _Now, model: ThemeModel, rows: IntArray) -> FloatArray:
    """(m, k) probabilities of some segments by a model as it is."""
    if not len(rows):
        return np.zeros((0, len(model.codes)))
    segments = [now.units.segments[row] for row in rows]
    context = context_of(now.study, now.preprocess_keys, now.encode_keys)
    return model.probabilities(views_of(model.words.vocabulary, segments, context))


def _read_crossfit(folder: Path, column: str) -> tuple[tuple[str, ...], dict[str, FloatArray]]:
    """Codes (k,), and segment id -> (k,) figures of a model that was cross-fitted."""
    table = read_parquet(folder / CROSSFIT)
    codes = tuple(dict.fromkeys(table["code"]))
    figures = table[column].to_numpy(dtype=np.float64).reshape(-1, max(1, len(codes)))
    return codes, dict(zip(table["segment_id"][:: max(1, len(codes))], figures, strict=True))


def _write_kept(folder: Path, now: _Now, source: Path, learned: Learned) -> None:
    """The model in use, with what is known by now beside it."""
    copy_model(source, folder)
    model = read_model(folder)
    evaluation = read_json(source / "evaluation.json")
    evaluation["not_scored"] = _not_learned(now, model)
    write_json(folder / "evaluation.json", evaluation)
    _write_honest(folder, now, source, learned, model)


def _not_learned(now: _Now, model: ThemeModel) -> list[dict[str, Any]]:
    """Codes that the model does not know, counted anew."""
    target, codes = now.target, now.units.codes
    waiting = [
        {
            "code": codes[place],
            "n_positive": int(target.n_positive[place]),
            "n_groups": int(target.n_groups[place]),
            "reason": NEXT_TIME,
        }
        for place in target.learnable
        if codes[place] not in model.codes
    ]
    rows = [row for row in not_scored(target, codes) if row["code"] not in model.codes]
    return sorted([*rows, *waiting], key=lambda row: codes.index(str(row["code"])))


def _write_honest(folder: Path, now: _Now, source: Path, learned: Learned, model: ThemeModel) -> None:
    """What the model says of segments that were read, without having seen their group.

    Cross-fitted where it learned from them; plainly where it knew nothing of their group. Others (edited
    since, or read since in a group that it had seen) are left out: what it says of them is not honest.
    """
    codes, probabilities = _read_crossfit(source, "probability")
    thresholds, folds = (_read_crossfit(source, column)[1] for column in ("threshold", "fold"))
    segments = now.units.segments
    rows = now.target.rows
    as_then = np.array(
        [learned.words.get(segments[row].segment_id) == sha256_of_words(segments[row].text) for row in rows],
        dtype=bool,
    )
    fresh = np.array([group not in learned.groups for group in now.target.groups], dtype=bool)
    figures = np.full((len(rows), len(codes)), np.nan)
    from_here = np.tile(model.thresholds, (len(rows), 1))
    fold = np.full(len(rows), UNSEEN, dtype=np.intp)
    for place in np.flatnonzero(as_then):
        segment_id = segments[rows[place]].segment_id
        figures[place], from_here[place] = probabilities[segment_id], thresholds[segment_id]
        fold[place] = int(folds[segment_id][0])
    fresh &= ~as_then
    figures[fresh] = _frozen(now, model, rows[fresh])
    known = np.flatnonzero(as_then | fresh)
    write_crossfit(
        folder / CROSSFIT,
        now.segment_ids(rows[known]),
        codes,
        Scored(figures[known], from_here[known], fold[known]),
        now.target.shares[known][:, [now.units.codes.index(code) for code in codes]],
    )
