"""What became better or worse since the run before: the one place that says when quality is lost.

Two figures are watched: the model's average precision on what it has not seen, and the agreement between
people. Both are read from the files of two run folders, so any two runs can be laid beside each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.files import read_json
from pipeline.newest import MANIFEST, finished_in, run_number

MOST_LOST = 0.01
"""By how much a figure may be lower than in the run before without a word of alarm."""


@dataclass(frozen=True, slots=True)
class Change:
    """A mean over codes in two runs; nan where no code has it in both.

    figure: what it is, in words. n_codes: over how many codes.
    """

    figure: str
    before: float
    after: float
    n_codes: int

    @property
    def fell(self) -> bool:
        """Whether it is lower by more than ``MOST_LOST``; False where one of the two is undefined."""
        return self.before - self.after > MOST_LOST + 1e-9  # what floats add to a hundredth is no fall


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from one run to a later one.

    since: id of the earlier run, "" if there is none. new_model: the later run has another model, or the
    first. average_precision: of the model; alpha: Krippendorff's of all human coders, of blind codings. Both are
    means over the codes for which both runs have one, so that a code learned since does not move them.
    """

    since: str
    new_model: bool
    average_precision: Change
    alpha: Change

    @property
    def quality_fell(self) -> bool:
        """Whether one of the two figures fell."""
        return self.average_precision.fell or self.alpha.fell


def previous_run(run_dir: Path) -> Path | None:
    """The finished run before one, in the same folder of runs; None if it is the first."""
    this = run_number(run_dir.name)
    earlier = [name for name in finished_in(run_dir.parent) if run_number(name) < this]
    return run_dir.parent / earlier[-1] if earlier else None


def changes_since(previous: Path | None, this: Path) -> Changes:
    """Compare a run folder with that of an earlier run, or with none."""
    model = model_version(this)
    return Changes(
        since=previous.name if previous else "",
        new_model=bool(model) and model != model_version(previous),
        average_precision=_change("average precision of the model", scores(previous), scores(this)),
        alpha=_change("alpha between people", alphas(previous), alphas(this)),
    )


def _change(figure: str, before: Mapping[str, float], after: Mapping[str, float]) -> Change:
    both = sorted(before.keys() & after.keys())
    return Change(
        figure, mean([before[code] for code in both]), mean([after[code] for code in both]), len(both)
    )


def scores(run_dir: Path | None) -> dict[str, float]:
    """Code -> average precision, of the codes for which a run has one."""
    if not run_dir:
        return {}
    codes = read_json(run_dir / "evaluation.json")["scopes"].get("all", {}).get("codes", [])
    return {row["code"]: row["average_precision"] for row in codes if row["average_precision"] is not None}


def alphas(run_dir: Path | None) -> dict[str, float]:
    """Code -> alpha of all human coders, of the codes for which a run has one."""
    if not run_dir:
        return {}
    rows = read_json(run_dir / "agreement.json").get("overall", [])
    defined = (row for row in rows if row["code"] is not None and row["krippendorff_alpha"] is not None)
    return {row["code"]: row["krippendorff_alpha"] for row in defined}


def model_version(run_dir: Path | None) -> str:
    """The version of the model that a run used, "" without one."""
    model = read_json(run_dir / MANIFEST).get("model") if run_dir else None
    return str(model["version"]) if model else ""


def mean(values: list[float]) -> float:
    """nan of nothing."""
    return sum(values) / len(values) if values else math.nan


def changes_lines(changes: Changes) -> list[str]:
    """What a person is told of figures that both runs have; nothing if there is no earlier run.

    >>> alpha = Change("alpha between people", 0.7, 0.66, 9)
    >>> changes_lines(Changes("0003-a1b2c3d4", False, Change("", math.nan, math.nan, 0), alpha))
    ['Since 0003-a1b2c3d4: alpha between people, mean over 9 codes of both runs, 0.70 -> 0.66 (it fell)']
    """
    said = []
    for change in (changes.alpha, changes.average_precision):
        if math.isnan(change.before) or math.isnan(change.after):
            continue
        over = f"mean over {change.n_codes} codes of both runs"
        fell = " (it fell)" if change.fell else ""
        said.append(f"{change.figure}, {over}, {change.before:.2f} -> {change.after:.2f}{fell}")
    return [f"Since {changes.since}: {line}" for line in said]


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
        "n_codes": change.n_codes,
        "fell": change.fell,
    }
