"""curve: how good the model becomes with more excerpts, from training on parts of what is coded; ``curve.json``.

It costs about as much as training and is made by ``precode next`` alone, so that runs stay as fast as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits

from corpus.files import read_json, study_lock, write_json
from corpus.study import Study
from models.crossfit import N_THREADS, assign_folds
from models.members import Member, mean_logits
from models.theme_model import POSITIVE_FROM
from models.told import Told
from pipeline.cache import cached, stage_dir
from pipeline.forecast import Curve, Gain, backtest, fit_slopes, gain, log_step
from pipeline.run import plan_run
from pipeline.stages import OnStage, one_by_one, quiet, run_stages
from pipeline.target import make_target
from pipeline.train import STAGE as TRAIN_STAGE
from pipeline.train import read_knowledge
from pipeline.units import read_study_json, read_units
from pipeline.views import codebook_examples, context_of, members_of

STAGE = "curve"
SCHEMA = 1
PARTS = (0.25, 0.5, 1.0)
N_DRAWS = 3
MOST_BLOCKS = 20
FEWEST_GROUPS = 5
TOO_FEW = f"cannot say: a learning curve takes {FEWEST_GROUPS} groups"
NO_BETTER = (
    "cannot say: forecast from half of what is coded, the rest came no nearer than by saying 'no change'"
)
FLAT = "cannot say: its curve is flat, or too noisy as yet"

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
NEEDED = ("ingest", "preprocess", "encode", "units", "train")
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CurveSoFar:
    """The learning curve of a study as it stands.

    curve: what is in curve.json. average_precision: code -> as evaluation.json has it.
    """

    curve: Mapping[str, Any]
    average_precision: Mapping[str, float]

    @property
    def codes(self) -> list[dict[str, Any]]:
        """The codes of the curve with their ``average_precision`` now; no gain goes beyond 0 or 1."""
        now = self.average_precision
        return [
            possible(row, now[row["code"]]) | {"average_precision": now[row["code"]]}
            for row in self.curve["codes"]
        ]

    @property
    def macro(self) -> dict[str, Any]:
        """The mean over codes."""
        now = list(self.average_precision.values())
        return possible(self.curve["macro"], float(np.mean(now)) if now else 0.0)


def possible(row: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A forecast whose gain, low and high leave a figure that is ``now`` between 0 and 1."""
    kept = ("gain", "low", "high")
    return {
        name: min(max(value, -now), 1 - now) if name in kept and value is not None else value
        for name, value in row.items()
    }


def curve_so_far(study: Study, *, on_stage: OnStage = quiet) -> CurveSoFar:
    """Train if need be, and make the curve or take it from the cache; under the study's lock.

    on_stage hears of both alone: what comes before, the draw has told.
    """

    def hear(stage: str, done: int, total: int) -> None:
        if stage == TRAIN_STAGE:
            on_stage(stage, done, total)

    with study_lock(study.root):
        plan = plan_run(study)
        keys = run_stages(plan, one_by_one(study, plan, hear), wanted=NEEDED)
        on_stage(STAGE, 0, 1)
        key = learning_curve(
            study, keys.units[0], keys.preprocess, keys.encode, keys.train[0], encoder=plan.encoder
        )
        on_stage(STAGE, 1, 1)
        evaluation: Mapping[str, Any] = read_knowledge(study, keys.train[0]).evaluation
        rows = evaluation["scopes"].get("all", {}).get("codes", [])
        return CurveSoFar(read_curve(study, key), {row["code"]: row["average_precision"] for row in rows})


def learning_curve(
    study: Study,
    units_key: str,
    preprocess_keys: Sequence[str],
    encode_keys: Sequence[str],
    train_key: str,
    *,
    encoder: str,
) -> str:
    """Train on parts, score on whole groups that were held out, forecast; the key of what was cached.

    curve.json: ``schema, reason`` ("" if there are forecasts)``, backtest (forecast, no_change)``: mean absolute
    errors``, macro (gain, low, high, reason), codes``; a code: ``code, n_excerpts, parts`` (of ``n,
    average_precision``)``, gain, low, high, reason``. Gains are of average precision, for 20 more excerpts.
    """

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        target = make_target(units, gold=study.settings.target.gold)
        model = read_knowledge(study, train_key).model
        # What can be learned only since the model was trained has no figure yet from which it could rise.
        learned = [place for place in target.learnable if model and units.codes[place] in model.codes]
        if not learned or model is None:  # one that was imported says nothing of learning here
            write_json(folder / "curve.json", _nothing("no code is learned yet"))
            return
        if len(set(target.groups)) < FEWEST_GROUPS:
            write_json(folder / "curve.json", _nothing(TOO_FEW))
            return
        segments = [units.segments[row] for row in target.rows]
        codes = [units.codes[place] for place in learned]
        examples = codebook_examples(read_study_json(study, units_key)["codebook"], codes)
        context = context_of(study, preprocess_keys, encode_keys)
        members = members_of(segments, context, examples, encoder=encoder)
        curve = make_curve(
            members,
            model.shares,
            target.shares[:, learned],
            target.groups,
            told=examples.told(segments),
            seed=study.settings.study.seed,
        )
        write_json(folder / "curve.json", forecasts(curve, codes, target.n_positive[learned]))

    return cached(study, STAGE, {"train": train_key}, fill)


def read_curve(study: Study, key: str) -> dict[str, Any]:
    """What ``learning_curve`` wrote."""
    found: dict[str, Any] = read_json(stage_dir(study, STAGE, key) / "curve.json")
    return found


def make_curve(
    members: Mapping[str, Member],
    shares: Mapping[str, float],
    targets: FloatArray,
    groups: Sequence[str],
    *,
    told: Told,
    seed: int,
    n_draws: int = N_DRAWS,
) -> Curve:
    """Train on parts of the groups of each training side, ``n_draws`` draws, and score on the folds held out.

    members: their views end with what the codebook says, ``told``. shares: how much each counts. targets: (n, k) in
    0..1; groups: (n,). The parts of a draw lie one in the other.
    """
    folds = assign_folds(groups)
    truth = targets >= POSITIVE_FROM
    n, k = targets.shape
    taught = np.vstack([targets, told.targets])
    jobs = [
        (fold, part, draw)
        for fold in range(int(folds.max()) + 1)
        for part in range(len(PARTS))
        for draw in range(n_draws if PARTS[part] < 1 else 1)
    ]
    logits = np.full((len(PARTS), n_draws, n, k), np.nan)
    counts = np.zeros((len(PARTS), n_draws, k))

    def train(job: tuple[int, int, int]) -> tuple[FloatArray, FloatArray]:
        fold, part, draw = job
        rows = part_rows(folds != fold, groups, PARTS[part], np.random.default_rng([seed, fold, draw]))
        lessons = told.beside(rows)
        held = np.flatnonzero(folds == fold)
        found = mean_logits(members, lessons, taught[lessons], held, seed=seed, shares=shares)
        return found, truth[rows].sum(axis=0).astype(np.float64)

    with threadpool_limits(1), ThreadPoolExecutor(N_THREADS) as threads:
        for (fold, part, draw), (found, n_given) in zip(jobs, threads.map(train, jobs), strict=True):
            draws = [draw] if PARTS[part] < 1 else list(range(n_draws))
            for one in draws:
                logits[part, one, folds == fold] = found
                counts[part, one] += n_given / (folds.max() + 1)
    return _scored(logits, counts, truth, groups, seed=seed)


def part_rows(
    is_training: BoolArray, groups: Sequence[str], share: float, random: np.random.Generator
) -> IntArray:
    """Rows of a share of the training groups, one group at least."""
    names = np.asarray(groups)
    there = random.permutation(np.unique(names[is_training]))
    chosen = there[: max(1, round(share * len(there)))]
    return np.flatnonzero(is_training & np.isin(names, chosen))


def _scored(
    logits: FloatArray, counts: FloatArray, truth: BoolArray, groups: Sequence[str], *, seed: int
) -> Curve:
    names, number = np.unique(np.asarray(groups), return_inverse=True)
    n_blocks = min(len(names), MOST_BLOCKS)
    block = (np.random.default_rng(seed).permutation(len(names)) % n_blocks)[number]
    blocks = [_average_precisions(logits, truth, block != left_out) for left_out in range(n_blocks)]
    everything = np.ones(len(truth), dtype=bool)
    return Curve(counts, _average_precisions(logits, truth, everything), np.array(blocks))


def _average_precisions(logits: FloatArray, truth: BoolArray, rows: BoolArray) -> FloatArray:
    """(p, d, k) of some rows; nan for a code without a positive among them. All draws of the last part are one."""
    found = np.full((*logits.shape[:2], truth.shape[1]), np.nan)
    for part in range(len(found)):
        for draw in range(found.shape[1]):
            if PARTS[part] == 1 and draw:
                found[part, draw] = found[part, 0]
                continue
            for code in np.flatnonzero(truth[rows].any(axis=0)):
                found[part, draw, code] = average_precision_score(
                    truth[rows, code], logits[part, draw, rows, code]
                )
    return found


def forecasts(curve: Curve, codes: Sequence[str], n_excerpts: IntArray) -> dict[str, Any]:
    """What is in curve.json. codes: (k,); n_excerpts: (k,) that are coded now."""
    slopes, tested = fit_slopes(curve), backtest(curve)
    n, ap = curve.n.mean(axis=1), curve.ap.mean(axis=1)
    steps = log_step(n_excerpts.astype(np.float64))
    entries = []
    for i, code in enumerate(codes):
        expected = gain(
            float(slopes.values[i]), float(slopes.errors[i]), step=float(steps[i]), noise=tested.noise
        )
        parts = [{"n": float(n[p, i]), "average_precision": _or_none(ap[p, i])} for p in range(len(n))]
        entries.append(
            {"code": code, "n_excerpts": int(n_excerpts[i]), "parts": parts}
            | _gain_cells(expected, useful=tested.is_better)
        )
    macro = gain(slopes.mean, slopes.mean_error, step=float(steps.mean()), noise=tested.macro_noise)
    return {
        "schema": SCHEMA,
        "reason": "",
        "backtest": {"forecast": _or_none(tested.forecast), "no_change": _or_none(tested.no_change)},
        "macro": _gain_cells(macro, useful=tested.is_better),
        "codes": entries,
    }


def _gain_cells(expected: Gain, *, useful: bool) -> dict[str, Any]:
    reason = NO_BETTER if not useful else FLAT if expected.is_flat else ""
    shown = {"gain": expected.value, "low": expected.low, "high": expected.high}
    return {name: None if reason else value for name, value in shown.items()} | {"reason": reason}


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _nothing(reason: str) -> dict[str, Any]:
    none = {"gain": None, "low": None, "high": None, "reason": reason}
    return {"schema": SCHEMA, "reason": reason, "backtest": None, "macro": none, "codes": []}
