"""evaluate: how good the model is on groups that it has not seen, as ``evaluation.json``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, label_ranking_average_precision_score

from models.theme_model import POSITIVE_FROM, Scored
from pipeline.evaluate_intervals import evaluation_intervals, whole_figures
from pipeline.leak import Leak
from pipeline.target import FEWEST_GROUPS, FEWEST_POSITIVE, Target

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SCHEMA = 1
N_BINS = 10
RECALL_AT = 3


def evaluate(
    target: Target, scored: Scored, leak: Leak, *, codes: Sequence[str], seed: int
) -> dict[str, object]:
    """The evaluation of cross-fitted predictions.

    codes: all codes of the codebook. ``scored`` holds the learnable codes only.
    """
    learned = target.learnable
    truth = target.shares[:, learned] >= POSITIVE_FROM
    coded = (target.shares >= POSITIVE_FROM).any(axis=1)
    names = [codes[place] for place in learned]
    intervals = evaluation_intervals(truth, scored, target.groups, seed=seed)
    cis = intervals.average_precision
    return {
        "schema": SCHEMA,
        "split": {
            "unit": "group",
            "n_folds": int(scored.folds.max()) + 1,
            "rule": "whole groups held out; features, shares of members, calibration and thresholds learned inside "
            "the training part",
        },
        "n_groups": len(set(target.groups)),
        "scopes": {
            "all": {
                **_ranking(truth, scored.probabilities),
                **whole_figures(truth, scored, target.groups),
                "ece": calibration_error(truth, scored.probabilities),
                "reliability": reliability(truth, scored.probabilities),
                "suggested": suggested(truth, scored),
                "ci": intervals.overall,
                "codes": [
                    _code(name, truth[:, i], scored, i, target) | {"ci": {"average_precision": cis[i]}}
                    for i, name in enumerate(names)
                ],
            },
            "coded": _ranking(truth[coded], scored.probabilities[coded]),
        },
        "not_scored": not_scored(target, codes),
        "leak": _leaking(leak, truth, scored.probabilities),
    }


def not_scored(target: Target, codes: Sequence[str]) -> list[dict[str, object]]:
    """Codes with too few positive segments or groups, with the reason."""
    missing = sorted(set(range(len(codes))) - set(target.learnable.tolist()))
    return [
        {
            "code": codes[place],
            "n_positive": int(target.n_positive[place]),
            "n_groups": int(target.n_groups[place]),
            "reason": abstention(int(target.n_positive[place]), int(target.n_groups[place])),
        }
        for place in missing
    ]


def abstention(n_positive: int, n_groups: int) -> str:
    """Why the model says nothing of a code."""
    segments = f"{n_positive} segment{'s' * (n_positive != 1)}"
    groups = f"{n_groups} group{'s' * (n_groups != 1)}"
    return f"not learned yet: {segments} in {groups} (needs {FEWEST_POSITIVE} in {FEWEST_GROUPS})"


def _leaking(leak: Leak, truth: BoolArray, probabilities: FloatArray) -> dict[str, object]:
    """What leaks, and the ranking figures without it; None where nothing leaks or nothing is left."""
    some = 0 < leak.clean.sum() < len(truth)
    return leak.as_json() | {
        "without": _ranking(truth[leak.clean], probabilities[leak.clean]) if some else None
    }


def _ranking(truth: BoolArray, probabilities: FloatArray) -> dict[str, object]:
    some = truth.any(axis=1)
    return {
        "n_units": len(truth),
        "n_codes": truth.shape[1],
        "macro_average_precision": _or_null(macro_average_precision(truth, probabilities)),
        "lrap": float(label_ranking_average_precision_score(truth[some], probabilities[some]))
        if some.any()
        else None,
        "recall_at_3": recall_at(truth, probabilities, RECALL_AT),
    }


def macro_average_precision(truth: BoolArray, probabilities: FloatArray) -> float:
    """Mean over codes of average precision; a code without a positive unit here is left out; nan if none is left."""
    values = [average_precision_score(y, p) for y, p in zip(truth.T, probabilities.T, strict=True) if y.any()]
    return float(np.mean(values)) if values else float("nan")


def recall_at(truth: BoolArray, probabilities: FloatArray, n: int) -> float | None:
    """Share of all given codes that are among the n most probable of their unit; None without any."""
    if not truth.any():
        return None
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :n]
    return float(np.take_along_axis(truth, top, axis=1).sum() / truth.sum())


def calibration_error(truth: BoolArray, probabilities: FloatArray) -> float | None:
    """Expected calibration error over all cells: 10 bins of equal width, weighted by size (Naeini et al. 2015)."""
    if not truth.size:
        return None
    _, predicted, observed = _binned(truth, probabilities)
    return float(np.abs(predicted - observed).sum() / truth.size)


def reliability(truth: BoolArray, probabilities: FloatArray) -> list[dict[str, object]]:
    """What was predicted beside what was observed, of all cells in 10 bins of equal width.

    mean_predicted, observed: shares, None for a bin without a cell.
    """
    rows = zip(*_binned(truth, probabilities), strict=True)
    return [
        {
            "low": i / N_BINS,
            "high": (i + 1) / N_BINS,
            "n": int(n),
            "mean_predicted": float(predicted / n) if n else None,
            "observed": float(observed / n) if n else None,
        }
        for i, (n, predicted, observed) in enumerate(rows)
    ]


def suggested(truth: BoolArray, scored: Scored) -> dict[str, object]:
    """Of all cells that the model would have suggested: how many, their mean probability, the share that is right.

    Codes that it abstains from are left out.
    """
    skills = [brier_skill(y, p) for y, p in zip(truth.T, scored.probabilities.T, strict=True)]
    flags = scored.flags & np.array([not no_better(skill) for skill in skills], dtype=bool)
    n = int(flags.sum())
    return {
        "n": n,
        "mean_predicted": float(scored.probabilities[flags].mean()) if n else None,
        "observed": float(truth[flags].mean()) if n else None,
    }


def _binned(truth: BoolArray, probabilities: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of each bin: cells, the sum of their probabilities, how many are positive."""
    p, y = probabilities.ravel(), truth.ravel()
    bins = np.minimum((p * N_BINS).astype(int), N_BINS - 1)
    weights = np.ones(len(p)), p, y.astype(np.float64)
    n, predicted, observed = (np.asarray(np.bincount(bins, w, N_BINS), dtype=np.float64) for w in weights)
    return n, predicted, observed


def _code(name: str, y: BoolArray, scored: Scored, i: int, target: Target) -> dict[str, object]:
    p, flags = scored.probabilities[:, i], scored.flags[:, i]
    rate, both = float(y.mean()), int((y & flags).sum())
    place, skill = int(target.learnable[i]), brier_skill(y, p)
    return {
        "code": name,
        "n_positive": int(y.sum()),
        "n_groups": int(target.n_groups[place]),
        "prevalence": rate,
        "threshold": float(np.median(scored.thresholds[:, i])),
        "precision": both / int(flags.sum()) if flags.any() else None,
        "recall": both / int(y.sum()),
        "f1": 2 * both / (int(flags.sum()) + int(y.sum())),
        "average_precision": float(average_precision_score(y, p)),
        "brier_skill": skill,
        "abstains": no_better(skill),
    }


def no_better(skill: float | None) -> str:
    """Why the model does not suggest a code that it has learned; "" if it does."""
    if skill is not None and skill > 0:
        return ""
    return "not suggested: no better than saying how common it is, on groups that the model had not seen"


def brier_skill(y: BoolArray, p: FloatArray) -> float | None:
    """1 - Brier score / that of always saying the prevalence; None where everything or nothing is positive."""
    rate = y.mean()
    reference = rate * (1 - rate)
    return float(1 - ((p - y) ** 2).mean() / reference) if reference else None


def _or_null(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
