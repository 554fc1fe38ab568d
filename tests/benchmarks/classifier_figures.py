"""The figures of ``classifier.py``, and what lies between two methods, with its interval over groups.

Every figure is that of ``pipeline.evaluate``; intervals go by the rules of ``pipeline.evaluate_intervals``.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.metrics import label_ranking_average_precision_score

from models.theme_model import Scored
from pipeline.agreement.intervals import (
    FEWEST_FOR_BOOTSTRAP,
    Interval,
    bca_interval,
    jackknife_interval,
    why_none,
)
from pipeline.evaluate import RECALL_AT, calibration_error, macro_average_precision, recall_at
from pipeline.evaluate_intervals import (
    LEVEL,
    Values,
    _average_precisions,
    _draws,
    _f1_figures,
    whole_figures,
)
from tests.benchmarks.classifier_material import Bools

#: Figures whose difference is given with its interval; the first two are the criterion.
COMPARED = ("macro AP, all", "macro AP, coded", "micro F1", "macro F1")


@dataclass(frozen=True, slots=True)
class Truth:
    """What people say of the scored rows: positive (n, k); coded (n,): carries any code; groups (n,)."""

    positive: Bools
    coded: Bools
    groups: Sequence[str]


@dataclass(slots=True)
class Cost:
    """seconds of wall clock; peak of the process's memory meanwhile in MB, nan where the system does not say."""

    seconds: float = math.nan
    peak: float = math.nan


@dataclass(frozen=True, slots=True)
class Row:
    """A method, as it decided."""

    method: str
    decision: str
    scored: Scored
    cost: Cost = field(default_factory=Cost)
    is_probability: bool = True

    @property
    def name(self) -> str:
        return f"{self.method}, {self.decision}" if self.decision else self.method


@contextmanager
def measured() -> Iterator[Cost]:
    """Seconds and peak memory of what is done meanwhile. Linux forgets an earlier peak when asked; others do not."""
    cost, started = Cost(), time.perf_counter()
    forgets = _forget_peak()
    yield cost
    cost.seconds = time.perf_counter() - started
    cost.peak = _peak() if forgets else math.nan


def _forget_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _peak() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def figures(truth: Truth, row: Row) -> dict[str, float]:
    """Figure -> value, nan where undefined. "said" is the mean probability, "right" the share that is."""
    y, p, coded = truth.positive, row.scored.probabilities, truth.coded
    some = y.any(axis=1)
    flags, whole = row.scored.flags, whole_figures(y, row.scored, truth.groups)
    return {
        "macro AP, all": macro_average_precision(y, p),
        "macro AP, coded": macro_average_precision(y[coded], p[coded]),
        "LRAP": float(label_ranking_average_precision_score(y[some], p[some])),
        f"recall at {RECALL_AT}": _or_nan(recall_at(y, p, RECALL_AT)),
        "micro F1": _or_nan(whole["micro_f1"]),
        "macro F1": _or_nan(whole["macro_f1"]),
        "ECE": _or_nan(calibration_error(y, p)) if row.is_probability else math.nan,
        "said of suggested": float(p[flags].mean()) if row.is_probability and flags.any() else math.nan,
        "right of suggested": float(y[flags].mean()) if flags.any() else math.nan,
    }


def figures_table(truth: Truth, rows: Sequence[Row]) -> str:
    """Markdown: a line a method and decision."""
    lines: list[list[str]] = []
    for row in rows:
        found = figures(truth, row)
        cost = [_number(row.cost.seconds, ".0f"), _number(row.cost.peak, ",.0f")]
        lines.append([row.method, row.decision or "-", *(_number(v, ".3f") for v in found.values()), *cost])
    head = ["method", "decision", *figures(truth, rows[0]), "seconds", "peak MB"]
    return markdown(head, lines)


def difference_table(truth: Truth, ours: Row, others: Sequence[Row], *, seed: int) -> str:
    """Markdown: ours minus each other row on the same segments, with its 95 % interval over groups."""
    spread = Spread(truth, seed=seed)
    mine = spread.values(ours)
    lines, methods = [], set()
    for other in others:
        theirs = spread.values(other)
        line = [other.name]
        for name in COMPARED:
            found = interval_of_difference(mine[name], theirs[name], spread.n_groups)
            theta = float(mine[name].whole[0] - theirs[name].whole[0])
            line.append(f"{theta:+.3f} ({_span(found)})")
            # The acceleration of BCa takes many groups in blocks: what was drawn are the groups themselves.
            of_groups = found.method.replace(
                f"{found.n_transcripts} transcripts", f"{spread.n_groups:,} groups"
            )
            methods.add(of_groups or f"no interval: {found.reason}")
        lines.append(line)
    table = markdown([f"{ours.name} minus", *COMPARED], lines)
    return f"{table}\n\n95 % intervals over groups: {'; '.join(sorted(methods))}."


class Spread:
    """Figures of all groups, without each, and of drawn groups: the same draws for every method."""

    def __init__(self, truth: Truth, *, seed: int) -> None:
        self.truth = truth
        names, self.place = np.unique(truth.groups, return_inverse=True)
        self.n_groups = len(names)
        self.draws = _draws(self.n_groups, seed=seed)

    def values(self, row: Row) -> dict[str, Values]:
        """Figure -> its values."""
        y, p, coded = self.truth.positive, row.scored.probabilities, self.truth.coded
        f1 = _f1_figures(y, row.scored, self.place, self.n_groups)
        return {
            "macro AP, all": self._of_codes(_average_precisions(y, p, self.place)),
            "macro AP, coded": self._of_codes(_average_precisions(y[coded], p[coded], self.place[coded])),
            "micro F1": Values(*(f1["micro_f1"](times) for times in self.draws)),
            "macro F1": Values(*(f1["macro_f1"](times) for times in self.draws)),
        }

    def _of_codes(self, statistic: Callable) -> Values:
        return Values(*(statistic(times) for times in self.draws)).over_codes()


def interval_of_difference(ours: Values, theirs: Values, n_groups: int) -> Interval:
    """Of ours minus theirs, each from the same groups left out and drawn."""
    both = [(ours.whole, theirs.whole), (ours.without, theirs.without), (ours.drawn, theirs.drawn)]
    whole, without, drawn = (a - b for a, b in both)
    theta = float(whole[0])
    if reason := why_none(theta, without, n_groups, of="groups"):
        return Interval(math.nan, math.nan, LEVEL, "", n_groups, reason)
    if n_groups < FEWEST_FOR_BOOTSTRAP:
        return jackknife_interval(theta, without, scale="coefficient", level=LEVEL)
    return bca_interval(theta, without, drawn, level=LEVEL)


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _span(interval: Interval) -> str:
    return f"{interval.low:+.3f} to {interval.high:+.3f}" if interval.defined else "no interval"


def _number(value: float, style: str) -> str:
    return "-" if math.isnan(value) else f"{value:{style}}"


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
