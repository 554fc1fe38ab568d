"""Coded blind or with a suggestion in view: which is which, and what stands apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from corpus.errors import FileError
from corpus.study import Study, load_study
from pipeline.agreement.pairs import count_pairs, krippendorff_alpha
from pipeline.compare.basis import bases_of, basis_rows, first_suggested, is_blind, silent_about_basis
from pipeline.compare.cells import cells_of
from pipeline.compare.columns import Panel
from pipeline.run import run_study
from pipeline.verify import verify

MakePanel = Callable[..., Panel]
MakeCoders = Callable[..., list[np.ndarray]]

SUGGESTED = "2026-03-10T14:00:00+00:00"
BASES = [subset for n in range(1, 5) for subset in combinations(["", "accepted", "blind", "seen"], n)]
DAYS = {"before": "2026-03-09", "same day": "2026-03-10", "after": "2026-03-11", "never": ""}


def sitting(
    bases: Sequence[str], *, last: str = "", n_undated: int = 0, coder: str = "a", transcript: str = "t00"
) -> dict[str, Any]:
    return {
        "coder": coder,
        "transcript_id": transcript,
        "bases": list(bases),
        "first": last,
        "last": last,
        "n_undated": n_undated,
    }


@pytest.mark.parametrize("bases", BASES)
@pytest.mark.parametrize("when", DAYS)
@pytest.mark.parametrize("n_undated", [0, 1])
@pytest.mark.parametrize("suggested_at", ["", SUGGESTED])
def test_blind_is_what_is_stated_else_what_was_coded_before_any_suggestion(
    bases: tuple[str, ...], when: str, n_undated: int, suggested_at: str
) -> None:
    found = is_blind(sitting(bases, last=DAYS[when], n_undated=n_undated), suggested_at)
    if "seen" in bases or "accepted" in bases:
        assert not found
    elif bases == ("blind",) or not suggested_at:
        assert found
    else:
        assert found == (when == "before" and not n_undated)


@pytest.mark.parametrize(
    ("suggested_at", "last", "blind"),
    [
        ("2026-03-10T12:00:00+00:00", "2026-03-09", True),
        # It may still have been the 9th where the coder sat.
        ("2026-03-10T11:59:00+00:00", "2026-03-09", False),
        ("2026-03-10T00:00:00+00:00", "2026-03-08", True),
    ],
)
def test_day_of_the_coder_may_be_twelve_hours_behind(suggested_at: str, last: str, blind: bool) -> None:
    assert is_blind(sitting([""], last=last), suggested_at) == blind


def test_only_transcripts_with_silent_rows_wait_for_suggestions() -> None:
    rows = [sitting(["blind"], transcript="t00"), sitting(["", "blind"], transcript="t01")]
    assert silent_about_basis(rows) == {"t01"}


def test_newest_manifest_alone_says_what_was_first_suggested_when(make_study: Callable[..., Study]) -> None:
    first, second = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
    runs = {
        "runs/0001-a/manifest.json": {"created_at": first, "suggested": {"t1": first, "t9": first}},
        "runs/0002-b/manifest.json": {"created_at": second, "suggested": {"t1": first, "t2": second}},
    }
    study = make_study({name: json.dumps(manifest) for name, manifest in runs.items()})
    assert first_suggested(study) == {"t1": first, "t2": second}


@pytest.mark.parametrize("left", ["", '{"key": ', "[]", '{"suggested": 3, "created_at": ""}', "\x00"])
def test_damaged_newest_manifest_is_named_with_what_to_do(
    make_study: Callable[..., Study], left: str
) -> None:
    study = make_study({"runs/0001-a/manifest.json": "{}", "runs/0002-b/manifest.json": left})
    with pytest.raises(FileError, match=r"runs/0002-b/manifest\.json: 1 problem\n  damaged.*\n.*delete"):
        first_suggested(study)


def test_damaged_older_manifest_stops_nothing(make_study: Callable[..., Study]) -> None:
    study = make_study({"runs/0001-a/manifest.json": "{", "runs/0002-b/manifest.json": "{}"})
    assert first_suggested(study) == {}


def two_coders(make_panel: MakePanel, make_coders: MakeCoders, n_transcripts: int) -> Panel:
    place = np.repeat(np.arange(n_transcripts), 10)
    a, b, model = make_coders((len(place), 2), 3, noise=0.15, seed=7)
    return make_panel({"a": a, "b": b, "model": model}, place=place.tolist())


def test_seen_and_blind_are_kept_apart_and_the_difference_is_of_their_alphas(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    panel = two_coders(make_panel, make_coders, 20)
    rows = [
        sitting(["seen"] if t >= 11 else ["blind"], coder=coder, transcript=f"t{t:02d}")
        for t in range(20)
        for coder in "ab"
    ]
    bases = bases_of(panel, rows, {})
    assert (bases.n_blind, bases.n_seen, bases.n_stated, bases.n_assumed) == (22, 18, 40, 0)
    people, with_model = basis_rows(cells_of(panel), bases, seed=1)["kinds"]
    a, b = (column.given for column in panel.humans)
    alphas = [
        float(krippendorff_alpha(count_pairs(a[part].ravel(), b[part].ravel())))
        for part in (slice(0, 110), slice(110, 200))
    ]
    assert people["blind"]["krippendorff_alpha"] == pytest.approx(alphas[0])
    assert people["seen"]["krippendorff_alpha"] == pytest.approx(alphas[1])
    assert people["seen_less_blind"]["difference"] == pytest.approx(alphas[1] - alphas[0])
    interval = people["seen_less_blind"]["ci"]
    assert interval["low"] < alphas[1] - alphas[0] < interval["high"]
    assert people["blind"]["n_units"] == 110
    # Two coders beside the model share the same segments, which count once.
    assert (with_model["blind"]["n_units"], with_model["seen"]["n_units"]) == (110, 90)


@pytest.mark.parametrize(("n_seen", "which"), [(2, "with a suggestion in view"), (18, "coded blind")])
def test_few_transcripts_on_one_side_have_a_difference_without_interval(
    make_panel: MakePanel, make_coders: MakeCoders, n_seen: int, which: str
) -> None:
    panel = two_coders(make_panel, make_coders, 20)
    rows = [sitting(["seen"], coder=coder, transcript=f"t{t:02d}") for t in range(n_seen) for coder in "ab"]
    people = basis_rows(cells_of(panel), bases_of(panel, rows, {}), seed=1)["kinds"][0]
    assert people["seen_less_blind"]["difference"] is not None
    assert people["seen_less_blind"]["ci"]["low"] is None
    assert people["seen_less_blind"]["ci"]["reason"] == f"{which}: too few transcripts: 2, at least 8 needed"


@pytest.mark.parametrize(
    ("basis", "reason"), [("blind", "all was coded blind"), ("seen", "nothing was coded blind")]
)
def test_where_all_is_of_one_kind_there_is_no_difference(
    make_panel: MakePanel, make_coders: MakeCoders, basis: str, reason: str
) -> None:
    panel = two_coders(make_panel, make_coders, 9)
    rows = [sitting([basis], coder=coder, transcript=f"t{t:02d}") for t in range(9) for coder in "ab"]
    people = basis_rows(cells_of(panel), bases_of(panel, rows, {}), seed=1)["kinds"][0]
    assert people["seen_less_blind"] is None
    assert people["reason"] == reason


@pytest.mark.parametrize(
    ("seen_by_both", "reason"),
    [
        (0, "of each two coders of a segment one coded blind and the other with a suggestion in view"),
        (4, "no segment that two coded blind"),
    ],
)
def test_pair_of_whom_one_saw_suggestions_is_neither_blind_nor_seen(
    make_panel: MakePanel, make_coders: MakeCoders, seen_by_both: int, reason: str
) -> None:
    panel = two_coders(make_panel, make_coders, 9)
    rows = [
        sitting(
            ["seen" if coder == "a" or t < seen_by_both else "blind"], coder=coder, transcript=f"t{t:02d}"
        )
        for t in range(9)
        for coder in "ab"
    ]
    people = basis_rows(cells_of(panel), bases_of(panel, rows, {}), seed=1)["kinds"][0]
    assert (people["blind"]["n_units"], people["seen"]["n_units"]) == (0, 10 * seen_by_both)
    assert people["n_units_between"] == 90 - 10 * seen_by_both
    assert people["reason"] == reason


def test_where_nothing_is_shared_that_is_the_reason(make_panel: MakePanel) -> None:
    flags, at = np.ones((8, 1), dtype=bool), np.arange(8)
    panel = make_panel({"a": flags, "b": flags}, place=[0] * 8, seen={"a": at < 4, "b": at >= 4})
    (people,) = basis_rows(cells_of(panel), bases_of(panel, [], {}), seed=1)["kinds"]
    assert people["reason"] == "no segment of which both said something"
    assert people["blind"]["krippendorff_alpha"] is None


# End to end


def agreement_of(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_study(study).run_dir / "agreement.json").read_text())
    return found


@pytest.fixture(scope="module")
def suggested_once(tmp_path_factory: pytest.TempPathFactory, tiny_study_files: dict[str, str]) -> Path:
    """The tiny study, of which one run has suggested something for t5 and t6."""
    root = tmp_path_factory.mktemp("suggested") / "study"
    for name, content in tiny_study_files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    run_study(load_study(root))
    return root


@pytest.mark.parametrize(
    ("coded_at", "basis", "n_seen"),
    [
        ("2999-01-01", "", 1),
        ("", "", 1),
        ("2000-01-01", "", 0),
        ("2999-01-01", "blind", 0),
        ("", "blind", 0),
        ("2000-01-01", "seen", 1),
        ("2000-01-01", "accepted", 1),
    ],
)
def test_what_a_run_suggested_and_a_person_coded_later_counts_as_seen(
    suggested_once: Path, make_study: Callable[..., Study], coded_at: str, basis: str, n_seen: int
) -> None:
    files = {
        path.relative_to(suggested_once).as_posix(): path.read_bytes()
        for path in suggested_once.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    assert set(first_suggested(load_study(suggested_once))) == {"t5", "t6"}
    rows = files["codings/bob.csv"].decode().splitlines()
    files["codings/bob.csv"] = "\n".join(
        [
            f"{rows[0]},coded_at,basis",
            *(f"{row},," for row in rows[1:]),
            f"t5,Waiting,2,{coded_at},{basis}",
            "",
        ]
    ).encode()
    basis_found = agreement_of(make_study(files))["basis"]
    # Ann read t1 to t4 and Bob t1 and t2, for which nothing was ever suggested: blind without saying so.
    assert (basis_found["n_blind"], basis_found["n_seen"]) == (7 - n_seen, n_seen)
    assert basis_found["n_assumed"] == 6 + (basis == "")


def test_deleting_an_older_run_changes_nothing(
    suggested_once: Path, make_study: Callable[..., Study]
) -> None:
    """Bob codes t5, for which the first run suggested and the second no more; then the first is deleted."""
    files = {
        path.relative_to(suggested_once).as_posix(): path.read_bytes()
        for path in suggested_once.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    (first,) = (name for name in files if name.startswith("runs/0001") and name.endswith("manifest.json"))
    when = json.loads(files[first])["suggested"]
    files["codings/bob.csv"] += b"t5,Waiting,2\n"
    found = {}
    for name in ("kept", "deleted"):
        study = make_study(files, at=name)
        second = run_study(study)
        manifest = json.loads((second.run_dir / "manifest.json").read_bytes())
        assert manifest["suggested"] == when
        assert manifest["created_at"] > max(when.values())
        if name == "deleted":
            shutil.rmtree(study.root / Path(first).parent)
            assert verify(study).verified
        (study.codings_dir / "ann.csv").write_bytes(files["codings/ann.csv"] + b"t5,Waiting,2\n")
        found[name] = agreement_of(study)
    assert found["kept"]["basis"]["n_seen"] == 2
    assert found["kept"] == found["deleted"]


def test_run_over_a_damaged_newest_manifest_says_what_to_do(
    suggested_once: Path, make_study: Callable[..., Study]
) -> None:
    files = {
        path.relative_to(suggested_once).as_posix(): path.read_bytes()
        for path in suggested_once.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    study = make_study(files | {"runs/0002-aaaaaaaa/manifest.json": "{"})
    with pytest.raises(FileError, match=r"runs/0002-aaaaaaaa/manifest\.json: 1 problem"):
        run_study(study)


def test_transcript_read_without_a_row_after_a_suggestion_is_not_taken_for_blind(
    suggested_once: Path, make_study: Callable[..., Study]
) -> None:
    files = {
        path.relative_to(suggested_once).as_posix(): path.read_bytes()
        for path in suggested_once.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    rows = [f"ann,t{t},," for t in range(1, 6)]
    files["coverage.csv"] = "\n".join(["coder,transcript,start,end", *rows, ""]).encode()
    found = agreement_of(make_study(files))["basis"]
    assert (found["n_blind"], found["n_seen"], found["n_assumed"]) == (6, 1, 7)


def test_people_beside_each_other_are_those_of_the_tiny_study(suggested_once: Path) -> None:
    (first,) = suggested_once.glob("runs/0001-*")
    rows = json.loads((first / "agreement.json").read_text())["comparisons"]
    (waiting,) = [row for row in rows if row["code"] == "Waiting" and row["kind"] == "human-human"]
    ann = [i % 3 == 0 for i in range(12)] * 2
    bob = [i % 3 == 0 and i % 5 != 0 for i in range(12)] * 2
    assert waiting["cohen_kappa"] == pytest.approx(cohen_kappa_score(ann, bob))
