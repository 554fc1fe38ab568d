"""estimate: what can be told of what nobody has read, code by code, as ``estimates.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.draws import read_draws
from corpus.files import read_json, write_json
from corpus.study import Study
from pipeline.budget import ALPHA, DELTA, Cut, FloatArray, average_cut, sure_cut
from pipeline.cache import cached, stage_dir
from pipeline.predicted import Predicted, read_predicted
from pipeline.prevalence_entries import prevalence_entries
from pipeline.units import read_units

if TYPE_CHECKING:
    from pipeline.stages import Keys

STAGE = "estimate"
SCHEMA = 1
NOT_LEARNED = "not learned yet"
ALL_READ = "there is nothing that nobody has read"
#: The two versions of a budget, as estimates.json names them.
AVERAGE, SURE = "average", "sure"


def estimate(study: Study, keys: Keys) -> str:
    """Estimates for every code of the codebook; the key of what was cached.

    estimates.json: ``schema, groups`` (what was held out together, in words)``, n_unread, budget (recall, confidence,
    n_to_read``, for any of the codes that have a budget on average)``, sample, codes``; a code: ``code, budget,
    prevalence``. For sample and prevalence see ``prevalence_entries``.
    """

    def fill(folder: Path) -> None:
        units = read_units(study, keys.units[0], keys.preprocess)
        predicted = read_predicted(study, keys)
        prevalence = prevalence_entries(study, units, predicted)
        place = {code: i for i, code in enumerate(predicted.codes)} if predicted else {}
        groups = groups_word(study.settings.evaluation.group_by)
        entries = [
            {
                "code": code,
                "budget": code_budget(predicted, place[code], groups=groups)
                if predicted and code in place
                else _no_budget(),
                "prevalence": prevalence["codes"][code],
            }
            for code in units.codes
        ]
        found = {
            "schema": SCHEMA,
            "groups": groups,
            "n_unread": int((~predicted.read).sum()) if predicted else None,
            "budget": {
                "recall": 1 - ALPHA,
                "confidence": 1 - DELTA,
                "n_to_read": _n_to_read(predicted, entries) if predicted else None,
            },
            "sample": prevalence["sample"],
            "codes": entries,
        }
        write_json(folder / "estimates.json", found)

    inputs = {
        "units": keys.units[0],
        "train": keys.train[0],
        "suggest": list(keys.suggest),
        "sample": study.settings.study.sample,
        "seed": study.settings.study.seed,
        "draws": [[draw.transcript, draw.why] for draw in read_draws(study)],
    }
    return cached(study, STAGE, inputs, fill)


def read_estimates(study: Study, key: str) -> dict[str, Any]:
    """What ``estimate`` wrote."""
    found: dict[str, Any] = read_json(stage_dir(study, STAGE, key) / "estimates.json")
    return found


def groups_word(group_by: str) -> str:
    """What was held out together: "transcripts", or "groups (site)" as the setting has it."""
    return "transcripts" if group_by == "transcript" else f"groups ({group_by})"


def code_budget(predicted: Predicted, code: int, *, groups: str) -> dict[str, Any]:
    """``n_groups`` that contain the code, and the two versions "average" and "sure".

    A version: ``fewest`` (groups that it takes)``, cut, n_to_read, reading_share`` (of the segments that nobody has
    read) and ``reason`` ("" where all are known).
    code: place in ``predicted.codes``. groups: what was held out together, in words.
    """
    read = predicted.read
    p, positive = predicted.probabilities[:, code], predicted.positive[:, code]
    known = p[read], positive[read], np.asarray(predicted.groups)[read].tolist()
    cuts = {AVERAGE: average_cut(*known), SURE: sure_cut(*known)}
    return {"n_groups": cuts[AVERAGE].n_groups} | {
        name: _version(cut, p[~read], groups=groups) for name, cut in cuts.items()
    }


def _version(cut: Cut, unread: FloatArray, *, groups: str) -> dict[str, Any]:
    reason = "" if len(unread) else ALL_READ
    if not cut.enough:
        reason = f"not enough: {cut.n_groups} of {cut.fewest} {groups} that contain it"
    n_to_read = int((unread >= cut.value).sum()) if not reason else None
    return {
        "fewest": cut.fewest,
        "cut": None if math.isnan(cut.value) else cut.value,
        "n_to_read": n_to_read,
        "reading_share": None if n_to_read is None else n_to_read / len(unread),
        "reason": reason,
    }


def _n_to_read(predicted: Predicted, entries: Sequence[Mapping[str, Any]]) -> int:
    """Unread segments that reach the cut of any code."""
    cuts = {entry["code"]: entry["budget"][AVERAGE]["cut"] for entry in entries}
    values = np.array([np.inf if cuts[code] is None else cuts[code] for code in predicted.codes])
    return int((predicted.probabilities[~predicted.read] >= values).any(axis=1).sum())


def _no_budget() -> dict[str, Any]:
    none = {"fewest": None, "cut": None, "n_to_read": None, "reading_share": None, "reason": NOT_LEARNED}
    return {"n_groups": None, AVERAGE: none, SURE: none}
