"""What a run has of the model in use: the model as it is, and beside it what is known of it by now.

What it says of segments without having seen them is what later stages compare with people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from corpus.files import read_json, write_json
from corpus.study import Study
from models.store import read_model
from models.theme_model import Scored, ThemeModel
from pipeline.cache import read_parquet
from pipeline.evaluate import SCHEMA, not_scored
from pipeline.kept_models import copy_model
from pipeline.learned import Learned, known_again, read_learned, sha256_of_words
from pipeline.target import Target, make_target
from pipeline.train import CROSSFIT, STARTER, write_crossfit
from pipeline.units import Units, read_study_json, read_units
from pipeline.views import context_of, views_of

if TYPE_CHECKING:
    from pipeline.stages import Keys  # stages calls those who decide

NEXT_TIME = "can be learned by now: it is when the model is trained again ('precode train STUDY')"
#: In place of a fold: the model in use had not seen the group, for it was trained before.
UNSEEN = -1

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Now:
    """What there is to learn from, and what was learned from where."""

    study: Study
    keys: Keys
    units: Units
    target: Target
    facts: Mapping[str, Any]

    def segment_ids(self, rows: IntArray) -> list[str]:
        """Of some segments."""
        return [self.units.segments[row].segment_id for row in rows]


def read_now(study: Study, keys: Keys) -> Now:
    """As the stages before have made it."""
    units = read_units(study, keys.units[0], keys.preprocess)
    target = make_target(units, gold=study.settings.target.gold)
    return Now(study, keys, units, target, read_study_json(study, keys.units[0]))


def frozen(now: Now, model: ThemeModel, rows: IntArray) -> FloatArray:
    """(m, k) probabilities of some segments by a model as it is."""
    if not len(rows):
        return np.zeros((0, len(model.codes)))
    segments = [now.units.segments[row] for row in rows]
    context = context_of(now.study, now.keys.preprocess, now.keys.encode)
    return model.probabilities(views_of(model.words.vocabulary, segments, context))


def read_crossfit(folder: Path, column: str) -> tuple[tuple[str, ...], dict[str, FloatArray]]:
    """Codes (k,), and segment id -> (k,) figures of a model that was cross-fitted."""
    table = read_parquet(folder / CROSSFIT)
    codes = tuple(dict.fromkeys(table["code"]))
    figures = table[column].to_numpy(dtype=np.float64).reshape(-1, max(1, len(codes)))
    return codes, dict(zip(table["segment_id"][:: max(1, len(codes))], figures, strict=True))


def write_in_use(folder: Path, now: Now, source: Path) -> None:
    """A model of the study's own, with what is known by now beside it. source: a folder with what it learned from."""
    copy_model(source, folder)
    model = read_model(folder)
    evaluation = read_json(source / "evaluation.json")
    evaluation["not_scored"] = _not_learned(now, model.codes)
    write_json(folder / "evaluation.json", evaluation)
    _write_honest(folder, now, source, read_learned(source), model)


def write_no_model(folder: Path, now: Now, source: Path) -> None:
    """No model, although codes can be learned; of what was trained only first suggestions of other codes are used."""
    if (source / STARTER).is_dir():
        (folder / STARTER).mkdir()
        copy_model(source / STARTER, folder / STARTER)
    evaluation: dict[str, Any] = {
        "schema": SCHEMA,
        "split": None,
        "n_groups": len(set(now.target.groups)),
        "scopes": {},
        "not_scored": _not_learned(now, ()),
        "leak": None,
    }
    write_json(folder / "evaluation.json", evaluation)


def _not_learned(now: Now, known: Sequence[str]) -> list[dict[str, Any]]:
    """Codes that the model does not know, counted anew. known: those that it knows."""
    target, codes = now.target, now.units.codes
    waiting = [
        {
            "code": codes[place],
            "n_positive": int(target.n_positive[place]),
            "n_groups": int(target.n_groups[place]),
            "reason": NEXT_TIME,
        }
        for place in target.learnable
        if codes[place] not in known
    ]
    rows = [row for row in not_scored(target, codes) if row["code"] not in known]
    return sorted([*rows, *waiting], key=lambda row: codes.index(str(row["code"])))


def _write_honest(folder: Path, now: Now, source: Path, learned: Learned, model: ThemeModel) -> None:
    """What the model says of segments that were read, without having seen their group.

    Cross-fitted where it learned from them; plainly where it knew nothing of their group. Others (edited
    since, or read since in a group that it had seen) are left out: what it says of them is not honest.
    """
    codes, probabilities = read_crossfit(source, "probability")
    thresholds, folds = (read_crossfit(source, column)[1] for column in ("threshold", "fold"))
    rows = now.target.rows
    segments = [now.units.segments[row] for row in rows]
    keys = known_again(
        [segment.transcript_id for segment in segments],
        [sha256_of_words(segment.text) for segment in segments],
    )
    then = [learned.segment_ids.get(key, "") for key in keys]
    as_then = np.array([bool(segment_id) for segment_id in then], dtype=bool)
    seen = _seen_groups(now, learned)
    fresh = np.array([group not in seen for group in now.target.groups], dtype=bool)
    figures = np.full((len(rows), len(codes)), np.nan)
    from_here = np.tile(model.thresholds, (len(rows), 1))
    fold = np.full(len(rows), UNSEEN, dtype=np.intp)
    for place in np.flatnonzero(as_then):
        segment_id = then[place]
        figures[place], from_here[place] = probabilities[segment_id], thresholds[segment_id]
        fold[place] = int(folds[segment_id][0])
    fresh &= ~as_then
    figures[fresh] = frozen(now, model, rows[fresh])
    known = np.flatnonzero(as_then | fresh)
    if not len(known):  # later stages take the file to have rows
        (folder / CROSSFIT).unlink()
        return
    write_crossfit(
        folder / CROSSFIT,
        now.segment_ids(rows[known]),
        codes,
        Scored(figures[known], from_here[known], fold[known]),
        now.target.shares[known][:, [now.units.codes.index(code) for code in codes]],
    )


def _seen_groups(now: Now, learned: Learned) -> frozenset[str]:
    """Groups of which the model has learned from a transcript, whatever they or it were called then."""
    known, segments = learned.known_among(now.units.segments), now.units.segments
    places = zip(segments, now.units.groups, strict=True)
    return learned.groups | {group for segment, group in places if segment.transcript_id in known}
