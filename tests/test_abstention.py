"""A code that was learned but is no better than its base rate is not suggested, and the reason is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from corpus.sample_study import copy_sample
from corpus.study import load_study
from corpus.tables import read_table
from models.store import read_model
from models.theme_model import NEVER
from pipeline.evaluate import no_better
from pipeline.run import run_study


@pytest.mark.parametrize("skill", [0.0, -0.1, None])
def test_code_without_skill_has_a_reason(skill: float | None) -> None:
    assert no_better(skill).startswith("not suggested: ")


def test_code_with_skill_has_none() -> None:
    assert no_better(0.01) == ""


def test_study_suggests_just_the_codes_with_skill(tmp_path: Path) -> None:
    copy_sample(tmp_path / "study")
    study = load_study(tmp_path / "study")
    run_dir = run_study(study).run_dir
    scored = json.loads((run_dir / "evaluation.json").read_text())["scopes"]["all"]["codes"]
    abstained = {row["code"] for row in scored if row["brier_skill"] <= 0}
    assert abstained, "the sample study, with words only, has a code that is no better than its base rate"
    (model_dir,) = study.models_dir.glob("*/")
    model = read_model(model_dir)
    assert {model.codes[i] for i in np.flatnonzero(model.thresholds == NEVER)} == abstained
    for name in ("codes.csv", "suggestions.csv"):
        rows = [row.cells for row in read_table((run_dir / name).read_bytes(), file=name).rows]
        if name == "suggestions.csv":
            assert not abstained & {row["code"] for row in rows}
        else:
            assert {row["code"] for row in rows if row["status"] == no_better(0)} == abstained
