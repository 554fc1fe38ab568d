"""What changed between two runs: when quality counts as lost, and what may be told of a run outside the study."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from corpus.study import Study, load_study
from pipeline.changes import Change, changes_json, changes_lines, changes_since, previous_run
from pipeline.newest import finished_runs, latest_run, run_number
from pipeline.run import RunResult, run_study
from pipeline.without_names import code_rows, study_label, summary_of

WriteRun = Callable[..., Path]


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Number, average precision by code, alpha, model -> a run folder with the files that are compared."""

    def write(
        number: int, scores: Mapping[str, float | None], alpha: float | None, model: str = "m1"
    ) -> Path:
        folder = tmp_path / "runs" / f"{number:04d}-abcd1234"
        codes = [{"code": code, "average_precision": score} for code, score in scores.items()]
        overall = [{"code": "x", "krippendorff_alpha": alpha}, {"code": None, "krippendorff_alpha": 0.1}]
        files: dict[str, Any] = {
            "evaluation.json": {"scopes": {"all": {"codes": codes}}},
            "agreement.json": {"overall": overall},
            "manifest.json": {"model": {"version": model} if model else {}},
        }
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
        return folder

    return write


@pytest.mark.parametrize(
    ("before", "after", "fell"),
    [
        (0.70, 0.66, True),
        (0.70, 0.69, False),
        (0.70, 0.6899, True),
        (0.70, 0.75, False),
        (math.nan, 0.1, False),
        (0.70, math.nan, False),
    ],
)
def test_figure_fell_if_it_is_lower_by_more_than_a_hundredth_and_both_are_defined(before, after, fell):
    assert Change("", before, after, 1).fell is fell


def test_code_learned_since_does_not_move_the_average_precision(write_run):
    previous = write_run(1, {"a": 0.8, "b": 0.6, "gone": 0.1}, 0.7)
    this = write_run(2, {"a": 0.8, "b": 0.6, "new": 0.1, "unscored": None}, 0.7)
    found = changes_since(previous, this)
    assert (found.average_precision.n_codes, found.average_precision.before) == (2, pytest.approx(0.7))
    assert not found.quality_fell


@pytest.mark.parametrize(
    ("scores", "alpha", "told"),
    [
        ({"a": 0.8}, 0.66, "alpha between people, mean over 1 codes of both runs, 0.70 -> 0.66 (it fell)"),
        (
            {"a": 0.7},
            0.7,
            "average precision of the model, mean over 1 codes of both runs, 0.80 -> 0.70 (it fell)",
        ),
    ],
)
def test_what_fell_is_told_in_words_and_for_machines(scores, alpha, told, write_run):
    found = changes_since(write_run(3, {"a": 0.8}, 0.7), write_run(4, scores, alpha))
    assert found.quality_fell and changes_json(found)["quality_fell"]
    assert f"Since 0003-abcd1234: {told}" in changes_lines(found)


def test_first_run_has_a_new_model_and_nothing_to_compare(write_run):
    this = write_run(1, {"a": 0.8}, 0.7)
    found = changes_since(previous_run(this), this)
    assert (found.since, found.new_model, found.quality_fell, changes_lines(found)) == ("", True, False, [])
    undefined = {"since": "", "before": None, "after": None, "n_codes": 0, "fell": False}
    assert changes_json(found)["alpha"] == undefined


@pytest.mark.parametrize(
    ("before", "after", "new"), [("m1", "m1", False), ("m1", "m2", True), ("m1", "", False)]
)
def test_model_is_new_if_its_version_is_another(before, after, new, write_run):
    previous = write_run(1, {}, None, before)
    assert changes_since(previous, write_run(2, {}, None, after)).new_model is new


def test_previous_run_is_the_last_finished_one_before(write_run):
    runs = [write_run(number, {}, None) for number in (1, 2, 9, 10)]
    (runs[2] / "manifest.json").unlink()
    assert [previous_run(run) for run in (runs[0], runs[1], runs[3])] == [None, runs[0], runs[1]]


@pytest.mark.parametrize("figure", ["average_precision", "alpha"])
def test_fall_that_is_small_from_night_to_night_is_told_whenever_a_hundredth_is_lost(figure, write_run):
    told = []
    for night in range(7):
        value = 0.8 - 0.009 * night
        run = write_run(night + 1, {"a": value if figure == "average_precision" else 0.5}, value)
        if figure == "average_precision":
            (run / "agreement.json").write_text(json.dumps({"overall": []}), encoding="utf-8")
        found = changes_since(previous_run(run), run)
        told.append(found.quality_fell)
        assert found.quality_fell == getattr(found, figure).fell
    # Lost since it was told last: .009, .018 (told), .009, .018 (told), ...
    assert told == [False, False, True, False, True, False, True]


def test_fall_that_was_told_is_not_told_again_and_one_from_a_new_height_is(write_run):
    runs = [
        write_run(number, {"a": value}, None)
        for number, value in enumerate((0.80, 0.70, 0.70, 0.705, 0.78, 0.775, 0.765), start=1)
    ]
    found = [changes_since(previous_run(run), run) for run in runs]
    assert [one.quality_fell for one in found] == [False, True, False, False, False, False, True]
    assert found[-1].average_precision.since == runs[4].name
    assert changes_lines(found[-1]) == [
        "Since 0005-abcd1234: average precision of the model, mean over 1 codes of both runs, "
        "0.78 -> 0.77 (it fell)"
    ]
    assert found[-1].since == runs[5].name, "the run before"


@pytest.mark.parametrize("file", ["evaluation.json", "agreement.json", "manifest.json"])
@pytest.mark.parametrize(
    "damage", [None, b"", b"{", b"[]", b'{"scopes": [], "overall": 3, "model": 1}', b"\xff"]
)
def test_damaged_earlier_run_is_passed_over(file, damage, write_run):
    runs = [write_run(number, {"a": 0.8}, 0.7 if number < 3 else 0.5) for number in (1, 2, 3)]
    whole, broken, this = runs
    if damage is None:
        (broken / file).unlink()
    else:
        (broken / file).write_bytes(damage)
    assert previous_run(this) == whole
    for previous in (whole, broken):
        found = changes_since(previous, this)
        assert (found.since, found.alpha.fell, found.new_model) == (whole.name, True, False)


@pytest.fixture
def two_runs(tmp_path, write_planted_tiny_study) -> tuple[RunResult, RunResult]:
    """A study before and after its second coder's codings have come to stand elsewhere."""
    folder = write_planted_tiny_study(tmp_path / "study")
    first = run_study(load_study(folder))
    path = folder / "codings" / "bob.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    other = [row if "Money" in row else row.rpartition(",")[0] + ",4" for row in rows]
    path.write_text("\n".join([header, *dict.fromkeys(other)]) + "\n", encoding="utf-8")
    return first, run_study(load_study(folder))


def test_real_runs_are_compared_and_their_summary_names_nothing(two_runs, planted_in, tmp_path):
    first, second = two_runs
    found = changes_since(previous_run(second.run_dir), second.run_dir)
    assert found.since == first.run_id
    assert found.alpha.fell and found.quality_fell
    assert not found.new_model, "so few new codings train no new model"
    told = tmp_path / "told"
    told.mkdir()
    (told / "it").write_text(
        summary_of(second, found) + json.dumps(code_rows(second.run_dir)), encoding="utf-8"
    )
    assert planted_in(told) == []
    assert "| files set aside | 1 |" in (told / "it").read_text(encoding="utf-8")


def test_code_has_the_number_of_its_row_in_the_table_of_codes(two_runs):
    run_dir = two_runs[0].run_dir
    with (run_dir / "codes.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    rows = code_rows(run_dir)
    assert [row["code"] for row in rows] == [f"code {number}" for number in range(1, len(table) + 1)]
    shown = [row["average precision"] for row in rows]
    assert [float("nan") if score == "undefined" else score for score in shown] == pytest.approx(
        [float(row["average_precision"] or "nan") for row in table], abs=1e-4, nan_ok=True
    )


def test_two_studies_of_one_name_have_labels_of_their_own_made_of_small_letters():
    labels = {study_label(Path(path)) for path in ("/a/My Study", "/b/My Study", "/b/Études", "/b/研究")}
    assert len(labels) == 4
    assert all(set(label) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for label in labels)


# Which run is the newest


def test_runs_are_ordered_by_their_numbers_also_beyond_four_figures(tmp_path, write_run):
    study = new_study(tmp_path)
    for number in (2, 9999, 10000):
        write_run(number, {"a": 0.8}, 0.7)
    assert finished_runs(study) == ("0002-abcd1234", "9999-abcd1234", "10000-abcd1234")
    assert latest_run(study) == "10000-abcd1234"
    previous = previous_run(study.runs_dir / "10000-abcd1234")
    assert previous == study.runs_dir / "9999-abcd1234"


@pytest.mark.parametrize("name", ["2024 backup", "0003-abcd1234 copy", "-1", ""])
def test_folder_that_no_run_made_is_no_run_and_has_no_number(name, tmp_path, write_run):
    study = new_study(tmp_path)
    made = write_run(2, {"a": 0.8}, 0.7)
    if name:
        shutil.copytree(made, study.runs_dir / name)
    assert run_number(name) == -1
    assert finished_runs(study) == (made.name,)


def test_number_of_a_run_is_what_its_id_begins_with():
    assert [run_number(run_id) for run_id in ("0001-a1b2c3d4", "10000-00000000")] == [1, 10000]


def new_study(root: Path) -> Study:
    (root / "transcripts").mkdir()
    return load_study(root)
