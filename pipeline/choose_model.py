"""train, the stage: the model that a run uses, be it the one in use, be it one that is trained now and no worse.

Its folder holds all that later stages read of a model (``pipeline/train.py``); what was decided is kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    known_again,
    n_new_codings,
    read_codings,
    read_learned,
    sha256_of_words,
    used_codings,
    what_changed,
)
from pipeline.promotion import Comparison, blind_transcripts, compare_models
from pipeline.receive_model import imported_sha256
from pipeline.retrain import (
    Decision,
    Due,
    compared_decision,
    is_due,
    kept_decision,
    nothing_new_decision,
    replaced_decision,
)
from pipeline.target import Target, make_target
from pipeline.train import CROSSFIT, FIT, STAGE, fit, write_crossfit
from pipeline.units import Units, read_spans, read_stretches, read_study_json, read_units
from pipeline.views import context_of, views_of

if TYPE_CHECKING:
    from pipeline.stages import Keys, Plan  # stages calls those who decide

DECIDE = "decide"
DECISION = "decision.json"
NEXT_TIME = "can be learned by now: it is when the model is trained again ('precode train STUDY')"
#: In place of a fold: the model in use had not seen the group, for it was trained before.
UNSEEN = -1

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Now:
    """What there is to learn from, and what was learned from where."""

    study: Study
    keys: Keys
    units: Units
    target: Target
    facts: Mapping[str, Any]

    def segment_ids(self, rows: IntArray) -> list[str]:
        """Of some segments."""
        return [self.units.segments[row].segment_id for row in rows]


def train(study: Study, plan: Plan, keys: Keys) -> str:
    """Decide whether to train and what to use; the key of what was cached: the same for one model and one material,
    whether it was trained now or before.
    """
    decision = read_decision(study, plan, keys)
    fitted, version = decision["fit"], decision["version"]
    own = {"version": version, "units": keys.units[0], "encode": list(keys.encode)}

    def fill(folder: Path) -> None:
        is_kept = version and version == plan.models.in_use
        source = study.models_dir / version if is_kept else stage_dir(study, FIT, fitted)
        if version:
            _write_in_use(folder, _now(study, keys), source)
        else:
            copy_model(source, folder)

    return cached(study, STAGE, own if version else {"fit": fitted}, fill)


def read_decision(study: Study, plan: Plan, keys: Keys) -> dict[str, Any]:
    """What is to become of the models in a run, as ``Decision``, with ``fit``: the key of the model that was trained.

    ``fit`` is "" if none was. It is made if need be, which trains, and taken from the cache otherwise.
    """
    gold, after, models = study.settings.target.gold, study.settings.retrain.after_codings, plan.models

    def fill(folder: Path) -> None:
        now = _now(study, keys)
        learned = read_learned(study.models_dir / models.in_use) if models.in_use else None
        n_new = _n_new(now, models) if learned else 0
        conditions = conditions_of(study, now.facts["codebook"], encoder=plan.encoder, unit=plan.unit)
        due = is_due(
            in_use=models.in_use,
            lost=models.lost,
            changed=what_changed(learned.conditions, conditions) if learned else "",
            asked=models.asked,
            n_new=n_new,
            after=after,
        )
        if not due.train:
            kept = kept_decision(models.in_use, models.tried, n_new=n_new, after=after)
            write_json(folder / DECISION, {**asdict(kept), "fit": ""})
            return
        fitted = fit(study, keys.units[0], keys.preprocess, keys.encode, encoder=plan.encoder, unit=plan.unit)
        write_json(folder / DECISION, {**asdict(_decide(now, models, learned, fitted, due)), "fit": fitted})

    inputs = {
        "units": keys.units[0],
        "encode": list(keys.encode),
        "encoder": plan.encoder,
        "unit": plan.unit,
        "gold": gold,
        "seed": study.settings.study.seed,
        "group_by": study.settings.evaluation.group_by,
        "imported": imported_sha256(study),
        "after_codings": after,
        "suggested": _suggested(study, _sittings(study, keys)),
        "models": {**models.as_json(), "asked": models.asked, "files": dict(models.files)},
    }
    key = cached(study, DECIDE, inputs, fill)
    found: dict[str, Any] = read_json(stage_dir(study, DECIDE, key) / DECISION)
    return found


def _sittings(study: Study, keys: Keys) -> list[Mapping[str, Any]]:
    """Those of whoever read and coded nothing included."""
    read = read_stretches(study, keys.units[0])
    readings = zip(read["coder"], read["transcript"], strict=True)
    return with_readings(read_study_json(study, keys.units[0])["sittings"], readings)


def _suggested(study: Study, sittings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """When something was first suggested for the transcripts where that matters."""
    silent = silent_about_basis(sittings)
    return {name: when for name, when in first_suggested(study).items() if name in silent}


def _now(study: Study, keys: Keys) -> _Now:
    units = read_units(study, keys.units[0], keys.preprocess)
    target = make_target(units, gold=study.settings.target.gold)
    return _Now(study, keys, units, target, read_study_json(study, keys.units[0]))


def _n_new(now: _Now, models: Standing) -> int:
    spans, gold = read_spans(now.study, now.keys.units[0]), now.study.settings.target.gold
    then = read_codings(now.study.models_dir / models.tried)
    return n_new_codings(then, used_codings(spans, now.units, now.target, gold=gold))


def _decide(now: _Now, models: Standing, learned: Learned | None, fitted: str, due: Due) -> Decision:
    """What becomes of the model that was trained."""
    before = models.in_use or models.lost
    own = (stage_dir(now.study, FIT, fitted) / CROSSFIT).is_file()
    trained = fitted[:VERSION_LENGTH] if own else ""
    if trained and trained == models.in_use:
        return nothing_new_decision(before)
    if learned is None or not trained or not due.compare:
        return replaced_decision(before, trained, due.why)
    return compared_decision(before, trained, _compare(now, models, learned, fitted), asked=models.asked)


def _compare(now: _Now, models: Standing, learned: Learned, fitted: str) -> Comparison:
    """The new model with the old one, on transcripts coded blind of which the old one had seen nothing."""
    sittings = _sittings(now.study, now.keys)
    blind = blind_transcripts(sittings, _suggested(now.study, sittings), now.units.coders)
    blind -= learned.transcripts
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
    context = context_of(now.study, now.keys.preprocess, now.keys.encode)
    return model.probabilities(views_of(model.words.vocabulary, segments, context))


def _read_crossfit(folder: Path, column: str) -> tuple[tuple[str, ...], dict[str, FloatArray]]:
    """Codes (k,), and segment id -> (k,) figures of a model that was cross-fitted."""
    table = read_parquet(folder / CROSSFIT)
    codes = tuple(dict.fromkeys(table["code"]))
    figures = table[column].to_numpy(dtype=np.float64).reshape(-1, max(1, len(codes)))
    return codes, dict(zip(table["segment_id"][:: max(1, len(codes))], figures, strict=True))


def _write_in_use(folder: Path, now: _Now, source: Path) -> None:
    """A model of the study's own, with what is known by now beside it. source: a folder with what it learned from."""
    copy_model(source, folder)
    model = read_model(folder)
    evaluation = read_json(source / "evaluation.json")
    evaluation["not_scored"] = _not_learned(now, model)
    write_json(folder / "evaluation.json", evaluation)
    _write_honest(folder, now, source, read_learned(source), model)


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
    rows = now.target.rows
    segments = [now.units.segments[row] for row in rows]
    keys = known_again(
        [segment.transcript_id for segment in segments],
        [sha256_of_words(segment.text) for segment in segments],
    )
    then = [learned.segment_ids.get(key, "") for key in keys]
    as_then = np.array([bool(segment_id) for segment_id in then], dtype=bool)
    fresh = np.array([group not in learned.groups for group in now.target.groups], dtype=bool)
    figures = np.full((len(rows), len(codes)), np.nan)
    from_here = np.tile(model.thresholds, (len(rows), 1))
    fold = np.full(len(rows), UNSEEN, dtype=np.intp)
    for place in np.flatnonzero(as_then):
        segment_id = then[place]
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
