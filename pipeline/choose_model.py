"""train, the stage: the model that a run uses, be it the one in use, be it one that is trained now and no worse.

Its folder holds all that later stages read of a model (``pipeline/train.py``); what was decided is kept apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.files import read_json, write_json
from corpus.study import Study
from models.store import read_model
from models.theme_model import POSITIVE_FROM
from pipeline.cache import cached, stage_dir
from pipeline.compare.basis import first_suggested, silent_about_basis, with_readings
from pipeline.kept_models import VERSION_LENGTH, Standing, copy_model
from pipeline.learned import (
    Learned,
    can_be_asked,
    conditions_of,
    n_new_codings,
    read_codings,
    read_conditions,
    read_learned,
    used_codings,
    what_changed,
)
from pipeline.model_in_use import Now, frozen, read_crossfit, read_now, write_in_use, write_no_model
from pipeline.promotion import Comparison, blind_transcripts, compare_models
from pipeline.receive_model import imported_sha256
from pipeline.retrain import (
    PERSON,
    Decision,
    Due,
    compared_decision,
    is_due,
    kept_decision,
    nothing_new_decision,
    refused_decision,
    replaced_decision,
    unlearned_decision,
)
from pipeline.train import CROSSFIT, FIT, STAGE, fit
from pipeline.units import read_spans, read_stretches, read_study_json

if TYPE_CHECKING:
    from pipeline.stages import Keys, Plan  # stages calls those who decide

DECIDE = "decide"
DECISION = "decision.json"


def train(study: Study, plan: Plan, keys: Keys) -> str:
    """Decide whether to train and what to use; the key of what was cached: the same for one model and one material,
    whether it was trained now or before.
    """
    decision = read_decision(study, plan, keys)
    fitted, version = decision["fit"], decision["version"]
    own: dict[str, Any] = {"version": version, "units": keys.units[0], "encode": list(keys.encode)}
    if not version:
        own = {"fit": fitted, "refused": True} if decision["refused"] else {"fit": fitted}

    def fill(folder: Path) -> None:
        is_kept = version and version == plan.models.in_use
        source = study.models_dir / version if is_kept else stage_dir(study, FIT, fitted)
        if version:
            write_in_use(folder, read_now(study, keys), source)
        elif decision["refused"]:
            write_no_model(folder, read_now(study, keys), source)
        else:
            copy_model(source, folder)

    return cached(study, STAGE, own, fill)


def read_decision(study: Study, plan: Plan, keys: Keys) -> dict[str, Any]:
    """What is to become of the models in a run, as ``Decision``, with ``fit``: the key of the model that was trained.

    ``fit`` is "" if none was. It is made if need be, which trains, and taken from the cache otherwise.
    """
    gold, after, models = study.settings.target.gold, study.settings.retrain.after_codings, plan.models

    def fill(folder: Path) -> None:
        now = read_now(study, keys)
        learned = read_learned(study.models_dir / models.in_use) if models.in_use else None
        n_new = _n_new(now, models) if learned else 0
        conditions = conditions_of(study, now.facts["codebook"], encoder=plan.encoder, unit=plan.unit)
        due = _due(now, models, learned, conditions, n_new=n_new, after=after)
        if not due.train:
            kept = kept_decision(models.in_use, models.tried, n_new=n_new, after=after)
            write_json(folder / DECISION, {**asdict(kept), "fit": ""})
            return
        fitted = fit(study, keys.units[0], keys.preprocess, keys.encode, encoder=plan.encoder, unit=plan.unit)
        # Who holds out other groups, on the command line or in study.toml, wants to see the model scored by them.
        regrouped = learned and learned.conditions["group_by"] != conditions["group_by"]
        asked = PERSON if regrouped else models.asked
        decided = _decide(now, models, learned, fitted, due, asked=asked)
        write_json(folder / DECISION, {**asdict(decided), "fit": fitted})

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


def _n_new(now: Now, models: Standing) -> int:
    spans, gold = read_spans(now.study, now.keys.units[0]), now.study.settings.target.gold
    then = read_codings(now.study.models_dir / models.tried)
    return n_new_codings(then, used_codings(spans, now.units, now.target, gold=gold))


def _due(
    now: Now,
    models: Standing,
    learned: Learned | None,
    conditions: Mapping[str, str],
    *,
    n_new: int,
    after: int,
) -> Due:
    """Whether to train. learned: None without a model in use. conditions: of now."""
    changed, asks = "", False
    if learned:
        folder = now.study.models_dir
        codes = read_json(folder / models.in_use / "model.json")["codes"]
        asks = can_be_asked(learned.conditions, conditions, codes=codes, codebook=now.units.codes)
        # Once a model was trained under them, the conditions are no news, whatever became of it.
        is_news = not asks or what_changed(read_conditions(folder / models.tried), conditions)
        changed = what_changed(learned.conditions, conditions) if is_news else ""
    return is_due(
        in_use=models.in_use,
        lost=models.lost,
        changed=changed,
        can_be_asked=asks,
        asked=bool(models.asked),
        n_new=n_new,
        after=after,
    )


def _decide(
    now: Now, models: Standing, learned: Learned | None, fitted: str, due: Due, *, asked: str
) -> Decision:
    """What becomes of the model that was trained."""
    before = models.in_use or models.lost
    own = (stage_dir(now.study, FIT, fitted) / CROSSFIT).is_file()
    trained = fitted[:VERSION_LENGTH] if own else ""
    if not trained:
        return unlearned_decision(models.in_use, models.lost, due)
    if trained == models.in_use:
        return nothing_new_decision(before)
    if learned and due.compare:
        comparison = _compare(now, models, learned, fitted)
        return compared_decision(before, trained, comparison, asked=asked, changed=due.changed)
    if trained in models.rejected:
        return refused_decision(models.in_use, models.lost, trained, due.why)
    return replaced_decision(before, trained, due.why)


def _compare(now: Now, models: Standing, learned: Learned, fitted: str) -> Comparison:
    """The new model with the old one, on transcripts coded blind of which the old one had seen nothing."""
    sittings = _sittings(now.study, now.keys)
    blind = blind_transcripts(sittings, _suggested(now.study, sittings), now.units.coders)
    units, target = now.units, now.target
    blind -= learned.known_among(units.segments)
    wanted = [units.segments[row].transcript_id in blind for row in target.rows]
    places = np.flatnonzero(np.array(wanted, dtype=bool))
    rows = target.rows[places]
    old = read_model(now.study.models_dir / models.in_use)
    new_codes, by_row = read_crossfit(stage_dir(now.study, FIT, fitted), "probability")
    both = [code for code in old.codes if code in new_codes]
    new = np.array([by_row[segment_id] for segment_id in now.segment_ids(rows)])
    shares = target.shares[places][:, [units.codes.index(code) for code in both]]
    return compare_models(
        [units.segments[row].transcript_id for row in rows],
        shares >= POSITIVE_FROM,
        frozen(now, old, rows)[:, [old.codes.index(code) for code in both]],
        new.reshape(len(rows), len(new_codes))[:, [new_codes.index(code) for code in both]],
    )
