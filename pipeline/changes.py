"""What became better or worse since earlier runs: the one place that says when quality is lost.

Two figures are watched: the model's average precision on what it has not seen, and the agreement between
people. Both are read from the files of run folders, so any runs can be laid beside each other.

A run is held against the best run since a fall was last told, and against the run before. So a figure that
loses a little every night is told whenever the losses come to more than ``MOST_LOST``, and a fall that was told
is not told again the next night. (The run in which the model in use came would be no measure: the model's figure
stays what it was when it was trained, and agreement between people does not depend on the model.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from corpus.files import read_json
from pipeline.newest import MANIFEST, finished_in, run_number

MOST_LOST = 0.01
"""By how much a figure may be lower than in an earlier run without a word of alarm."""

LOOKED_BACK = 30
"""How many earlier runs are read."""


@dataclass(frozen=True, slots=True)
class Change:
    """A mean over codes in two runs; nan where no code has it in both.

    figure: what it is, in words. n_codes: over how many codes. since: id of the earlier run, "" if there is none.
    """

    figure: str
    before: float
    after: float
    n_codes: int
    since: str = ""

    @property
    def lost(self) -> float:
        """By how much it is lower; -inf where one of the two is undefined."""
        lost = self.before - self.after
        return -math.inf if math.isnan(lost) else lost

    @property
    def fell(self) -> bool:
        """Whether it is lower by more than ``MOST_LOST``; False where one of the two is undefined."""
        return self.lost > MOST_LOST + 1e-9  # what floats add to a hundredth is no fall


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from earlier runs to a later one.

    since: id of the run before, "" if there is none. new_model: the later run has another model than that one, or the
    first. average_precision: of the model; alpha: Krippendorff's of all human coders, of blind codings. Both are
    means over the codes for which both runs have one, so that a code learned since does not move them, and each names
    the run that it is held against.
    """

    since: str
    new_model: bool
    average_precision: Change
    alpha: Change

    @property
    def quality_fell(self) -> bool:
        """Whether one of the two figures fell."""
        return self.average_precision.fell or self.alpha.fell


@dataclass(frozen=True, slots=True)
class _Read:
    """What is compared of a run: version of its model ("" without one), and code -> figure."""

    run_id: str
    model: str
    average_precision: Mapping[str, float]
    alpha: Mapping[str, float]


def _read(run_dir: Path) -> _Read:
    return _Read(run_dir.name, model_version(run_dir), scores(run_dir), alphas(run_dir))


def _read_if_whole(run_dir: Path) -> _Read | None:
    """None if a file is missing or is not what a run wrote: somebody may have deleted some of an old run."""
    try:
        return _read(run_dir)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def previous_run(run_dir: Path) -> Path | None:
    """The last finished run before one, in the same folder of runs, that can be read; None if there is none."""
    this = run_number(run_dir.name)
    earlier = [run_dir.parent / name for name in finished_in(run_dir.parent) if run_number(name) < this]
    return next((path for path in reversed(earlier) if _read_if_whole(path)), None)


def changes_since(previous: Path | None, this: Path) -> Changes:
    """Compare a run folder with that of an earlier run and those before it, or with none.

    Earlier ones that cannot be read are passed over.
    """
    runs = [*(_up_to(previous) if previous else []), _read(this)]
    before, now = (runs[-2] if len(runs) > 1 else None), runs[-1]
    return Changes(
        since=before.run_id if before else "",
        new_model=bool(now.model) and now.model != (before.model if before else ""),
        average_precision=_watched(
            "average precision of the model", [(run.run_id, run.average_precision) for run in runs]
        ),
        alpha=_watched("alpha between people", [(run.run_id, run.alpha) for run in runs]),
    )


def _up_to(run_dir: Path) -> list[_Read]:
    """A run and the last ones before it, oldest first."""
    last = run_number(run_dir.name)
    names = [name for name in finished_in(run_dir.parent) if run_number(name) <= last]
    found = (_read_if_whole(run_dir.parent / name) for name in names[-LOOKED_BACK:])
    return [run for run in found if run]


def _watched(figure: str, runs: Sequence[tuple[str, Mapping[str, float]]]) -> Change:
    """What is told of the last run, by going over those before it as if each were told of.

    runs: (id, code -> figure), oldest first.
    """
    best, change = runs[0], Change(figure, math.nan, math.nan, 0)
    for before, this in pairwise(runs):
        since_best = _change(figure, best, this)
        change = max(since_best, _change(figure, before, this), key=lambda held: held.lost)
        if this[1] and (change.fell or since_best.lost <= 0):
            best = this
    return change


def _change(
    figure: str, earlier: tuple[str, Mapping[str, float]], later: tuple[str, Mapping[str, float]]
) -> Change:
    (since, before), (_, after) = earlier, later
    both = sorted(before.keys() & after.keys())
    means = [mean([values[code] for code in both]) for values in (before, after)]
    return Change(figure, means[0], means[1], len(both), since)


def scores(run_dir: Path) -> dict[str, float]:
    """Code -> average precision, of the codes for which a run has one."""
    codes = read_json(run_dir / "evaluation.json")["scopes"].get("all", {}).get("codes", [])
    return {
        row["code"]: float(row["average_precision"]) for row in codes if row["average_precision"] is not None
    }


def alphas(run_dir: Path) -> dict[str, float]:
    """Code -> alpha of all human coders, of the codes for which a run has one."""
    rows = read_json(run_dir / "agreement.json").get("overall", [])
    defined = (row for row in rows if row["code"] is not None and row["krippendorff_alpha"] is not None)
    return {row["code"]: float(row["krippendorff_alpha"]) for row in defined}


def model_version(run_dir: Path) -> str:
    """The version of the model that a run used, "" without one."""
    model = read_json(run_dir / MANIFEST).get("model")
    return str(model["version"]) if model else ""


def mean(values: list[float]) -> float:
    """nan of nothing."""
    return sum(values) / len(values) if values else math.nan


def changes_lines(changes: Changes) -> list[str]:
    """What a person is told of figures that both runs have; nothing if there is no earlier run.

    >>> alpha = Change("alpha between people", 0.7, 0.66, 9, "0003-a1b2c3d4")
    >>> changes_lines(Changes("0004-9e8d7c6b", False, Change("", math.nan, math.nan, 0), alpha))
    ['Since 0003-a1b2c3d4: alpha between people, mean over 9 codes of both runs, 0.70 -> 0.66 (it fell)']
    """
    said = []
    for change in (changes.alpha, changes.average_precision):
        if math.isnan(change.before) or math.isnan(change.after):
            continue
        over = f"mean over {change.n_codes} codes of both runs"
        fell = " (it fell)" if change.fell else ""
        figures = f"{change.before:.2f} -> {change.after:.2f}{fell}"
        said.append(f"Since {change.since}: {change.figure}, {over}, {figures}")
    return said


def changes_json(changes: Changes) -> dict[str, Any]:
    """The same for machines; null where a figure is undefined."""
    return {
        "since": changes.since,
        "new_model": changes.new_model,
        "quality_fell": changes.quality_fell,
        "average_precision": _pair(changes.average_precision),
        "alpha": _pair(changes.alpha),
    }


def _pair(change: Change) -> dict[str, Any]:
    values = {"before": change.before, "after": change.after}
    return {name: None if math.isnan(value) else value for name, value in values.items()} | {
        "since": change.since,
        "n_codes": change.n_codes,
        "fell": change.fell,
    }
