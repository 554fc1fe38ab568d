"""The stage from a study to agreement.json: settings, degenerate studies, real material."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest

import pipeline.compare.columns as columns
from corpus.files import read_json
from corpus.study import Study, load_study
from corpus.tables import read_table
from pipeline.compare.pairs import FIGURES
from pipeline.compare.stage import compare
from pipeline.run import plan_run, run_study
from pipeline.stages import Keys, one_by_one, quiet, run_stages
from pipeline.units import read_study_json, read_units

MakeStudy = Callable[..., Study]
Files = dict[str, str]
NO_ENCODER = '[model]\nencoder = "none"\n'


def refuse_constant(name: str) -> float:
    raise AssertionError(f"{name} in JSON")


def agreement_of(folder: Path) -> dict[str, Any]:
    """agreement.json, refused if it holds NaN or Infinity."""
    text = (folder / "agreement.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text, parse_constant=refuse_constant)
    return found


def intervals_in(found: Any) -> Iterator[Mapping[str, Any]]:
    """Every interval anywhere in it."""
    if isinstance(found, dict):
        if {"low", "high", "method"} <= found.keys() and "verdict" not in found:
            yield found
        for value in found.values():
            yield from intervals_in(value)
    elif isinstance(found, list):
        for value in found:
            yield from intervals_in(value)


def check(found: Mapping[str, Any]) -> None:
    """No number without meaning: what is null has a reason, and what has a reason is null."""
    for row in found["comparisons"]:
        assert {key for key in FIGURES if row[key] is None} == set(row["undefined"])
        assert all(row["undefined"].values())
        if not row["n_units"]:
            assert all(row[key] is None for key in FIGURES)
    for row in found["overall"]:
        assert all(row["undefined"].values())
        assert all(row[key] is not None or row["undefined"][key] for key in row["ci"])
    for interval in intervals_in(found):
        assert (interval["low"] is None) == (interval["high"] is None) == bool(interval["reason"])
        assert bool(interval["method"]) != bool(interval["reason"])
    for row in found["sample_size"]:
        assert (row["n_needed"] is None) == bool(row["reason"])
    for row in found["verdicts"]:
        assert row["verdict"]
        assert row["why"]


def interviews(n: int = 3) -> Files:
    """Interviews of three answers each."""
    said = ["we waited so long for it", "the bus fare went up", "my sister came along"]
    text = "".join(f"Interviewer: And then?\nP1: {words}\n" for words in said)
    files = {f"transcripts/t{t}.txt": text.replace("long", f"long{t}") for t in range(n)}
    return files | {"study.toml": NO_ENCODER, "codebook.csv": "code\nWaiting\nMoney\n"}


def coded(*names: str, turns: str = "2 4", only: range = range(3)) -> Files:
    """Codings of these files, all the same: Waiting in the first turn, Money in the second."""
    first, second = turns.split()
    rows = [f"t{t},Waiting,{first}\nt{t},Money,{second}" for t in only]
    return {f"codings/{name}.csv": "\n".join(["transcript,code,turn", *rows, ""]) for name in names}


#: Pooled alpha where two people share something; None where it is undefined there too.
ALPHA: dict[str, float | None] = {
    "two coders who gave no code": None,
    "two coders, everybody the same": 1,
    "three coders, one without overlap": 1,
    "two coders, consensus and machine": 1,
    # Of six cells the second gave two that the first did not: 1 - 11 * 2 / (2 * 10).
    "codes outside the codebook": -0.1,
}
DEGENERATE: dict[str, Files] = {
    "nobody": {},
    "nobody, and no codebook": {"codebook.csv": "code\n"},
    "one coder": coded("a"),
    "one coder who gave no code": {"codings/a.csv": "transcript,code,turn\nt0,,\nt1,,\nt2,,\n"},
    "two coders who gave no code": {
        f"codings/{name}.csv": "transcript,code,turn\nt0,,\nt1,,\nt2,,\n" for name in "ab"
    },
    "two coders without a transcript in common": coded("a", only=range(1)) | coded("b", only=range(1, 3)),
    "two coders, everybody the same": coded("a", "b"),
    "three coders, one without overlap": coded("a", "b", only=range(2)) | coded("c", only=range(2, 3)),
    "the consensus alone": coded("consensus"),
    "a machine alone": coded("old") | {"coders.csv": "coder,kind\nold,machine\n"},
    "one coder and a machine": coded("a", "old") | {"coders.csv": "coder,kind\nold,machine\n"},
    "two coders, consensus and machine": coded("a", "b", "consensus", "old")
    | {"coders.csv": "coder,kind\nold,machine\n"},
    "codes outside the codebook": {"codings/a.csv": "transcript,code,turn\nt0,Hope,2\n"} | coded("b"),
    "nobody but the interviewer speaks": {
        "study.toml": NO_ENCODER + '[speakers]\ncontext = ["Interviewer", "P1"]\n'
    }
    | coded("a", "b"),
}


@pytest.mark.parametrize("kind", DEGENERATE)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_degenerate_study_has_reasons_and_no_wrong_number(make_study: MakeStudy, kind: str) -> None:
    found = agreement_of(run_study(make_study(interviews() | DEGENERATE[kind])).run_dir)
    check(found)
    assert bool(found["overall"]) == (kind in ALPHA)
    for interval in intervals_in(found):
        assert interval["low"] is None, "three interviews have no interval"
    assert all(row["verdict"].startswith("too few") for row in found["verdicts"])
    for row in found["overall"][:1]:
        expected = ALPHA[kind]
        assert row["krippendorff_alpha"] == (None if expected is None else pytest.approx(expected))
    assert found["sample_size"] == [] or all(row["n_more"] is None for row in found["sample_size"])


def test_one_transcript_is_too_few_for_everything_but_the_figures(make_study: MakeStudy) -> None:
    files = interviews(1) | coded("a", only=range(1)) | coded("b", turns="2 6", only=range(1))
    found = agreement_of(run_study(make_study(files)).run_dir)
    check(found)
    pooled = found["comparisons"][0]
    assert (pooled["n_units"], pooled["n_transcripts"]) == (3, 1)
    # Six cells: both gave Waiting to the first answer, each Money to another one.
    assert pooled["percent_agreement"] == pytest.approx(4 / 6)
    assert pooled["ci"]["cohen_kappa"]["reason"] == "too few transcripts with the code: 1, at least 8 needed"


@pytest.mark.parametrize("line", ["margin = 0.3", "epsilon = 0.1", "width = 0.5"])
def test_settings_of_the_audit_are_part_of_the_key(make_study: MakeStudy, line: str) -> None:
    files = interviews() | coded("a", "b")
    plain = run_study(make_study(files))
    changed = run_study(make_study(files | {"study.toml": f"{NO_ENCODER}[audit]\n{line}\n"}, at="changed"))
    keys = [read_json(run.run_dir / "manifest.json")["stages"] for run in (plain, changed)]
    assert keys[0]["train"] == keys[1]["train"]
    assert keys[0]["compare"] != keys[1]["compare"]


def test_width_in_study_toml_is_that_of_the_sample_size(make_study: MakeStudy) -> None:
    files = interviews() | coded("a", "b") | {"study.toml": f"{NO_ENCODER}[audit]\nwidth = 0.5\n"}
    found = agreement_of(run_study(make_study(files)).run_dir)
    assert {row["width"] for row in found["sample_size"]} == {0.5}


def test_second_run_from_an_empty_cache_gives_the_same_bytes(make_study: MakeStudy) -> None:
    study = make_study(interviews(9) | coded("a", only=range(6)) | coded("b", only=range(3)))
    first = run_study(study)
    shutil.rmtree(study.cache_dir)
    (first.run_dir / "report.html").unlink()  # else nothing would have changed
    second = run_study(study)
    assert second.run_dir != first.run_dir
    for name in ("agreement.json", "agreement.csv", "doctor.json"):
        assert (second.run_dir / name).read_bytes() == (first.run_dir / name).read_bytes()


# Real material


def compared(source: Path, root: Path) -> tuple[Study, Keys, dict[str, Any]]:
    """A copy of a study up to units, compared without a model."""
    shutil.copytree(source, root)
    study = load_study(root)
    plan = plan_run(study)
    keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=("ingest", "preprocess", "units"))
    key = compare(study, keys.units[0], keys.preprocess, "none", encoder="")
    return study, keys, agreement_of(study.cache_dir / "compare" / key)


def pooled_alpha(study: Study, keys: Keys) -> tuple[float, int]:
    """Alpha of the package krippendorff over all cells of the human coders; coders."""
    units = read_units(study, keys.units[0], keys.preprocess)
    panel = columns.read_panel(study, units, "none", read_study_json(study, keys.units[0])["codebook"])
    codes = np.flatnonzero(panel.usable)
    table = [
        np.where(column.seen[:, None], column.given[:, codes].astype(float), np.nan).ravel()
        for column in panel.humans
    ]
    alpha = krippendorff.alpha(
        reliability_data=np.array(table), level_of_measurement="nominal", value_domain=[0, 1]
    )
    return float(alpha), len(table)


def test_sample_study_has_the_alpha_of_the_package_krippendorff(tmp_path: Path) -> None:
    study, keys, found = compared(Path(columns.__file__).parents[2] / "corpus" / "sample", tmp_path / "study")
    check(found)
    alpha, n_coders = pooled_alpha(study, keys)
    assert found["overall"][0]["krippendorff_alpha"] == pytest.approx(alpha, abs=1e-9)
    assert n_coders == 2
    assert found["verdicts"] == []


def test_ten_coders_make_45_pairs_and_their_alpha_is_that_of_the_package(
    shared_dir: Path, tmp_path: Path
) -> None:
    study, keys, found = compared(shared_dir / "data" / "annomi_ten_coders", tmp_path / "study")
    check(found)
    pairs = {(row["a"], row["b"]) for row in found["comparisons"]}
    assert len(pairs) == 45
    alpha, n_coders = pooled_alpha(study, keys)
    assert n_coders == 10
    assert found["overall"][0]["krippendorff_alpha"] == pytest.approx(alpha, abs=1e-9)


def test_ten_coders_and_the_model_are_too_few_transcripts_for_a_verdict(
    shared_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(shared_dir / "data" / "annomi_ten_coders", tmp_path / "study")
    run_dir = run_study(load_study(tmp_path / "study")).run_dir
    found, codes = agreement_of(run_dir), read_table((run_dir / "codes.csv").read_bytes(), file="").rows
    check(found)
    pairs = {(row["a"], row["b"], row["kind"]) for row in found["comparisons"]}
    assert len(pairs) == 55
    not_suggested = [
        row.cells["code"] for row in codes if row.cells["status"].startswith("not suggested: no better")
    ]
    for row in found["verdicts"]:
        if row["code"] in not_suggested:
            assert row["verdict"] == "not suggested"
            continue
        # Of a rare code only those transcripts count in which somebody gave it.
        few = row["n_units"] < 10
        word, n = ("units", row["n_units"]) if few else ("transcripts", row["n_transcripts"])
        assert row["verdict"] == f"too few {word} (n = {n})"
        assert row["n_transcripts"] <= 7
    assert found["verdicts"][0]["verdict"] == "too few transcripts (n = 7)"
