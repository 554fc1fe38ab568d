"""One basis on the whole page: what is said of agreement is of what was coded blind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.tables import read_table
from pipeline.report import render_audit, render_report
from pipeline.report.audit.methods import methods
from pipeline.report.audit.told import audit_lines
from pipeline.report.audit.trust_view import trust_view
from pipeline.report.reference import read_by_two
from pipeline.report.tables import read_run

MakeRun = Callable[..., Path]
SAID = ("we waited so long", "the fare went up", "my sister came along", "they were kind")
N_BLIND, N_SEEN = 9, 3
#: Findings of the doctor on who gave a code at all.
OF_USE = ("unused", "hardly used")
#: A coefficient, as the page has it; not the limits of Krippendorff.
NONE_BY_TWO = "no segment was coded by two coders"
FIGURE = re.compile(r"(?<![\d.])\d\.\d\d(?!\d)")


def interviews(n: int) -> dict[str, str]:
    """Interviews of twelve answers."""
    return {
        f"transcripts/t{t:02d}.txt": "".join(
            f"P: {SAID[i % 4]} number {t} and {i}, {'queue' if i % 4 == 0 else 'garden'}.\n"
            for i in range(12)
        )
        for t in range(n)
    }


def rows_of(coder: int, t: int, basis: str) -> list[str]:
    """Codings of one transcript; of what was seen both give the same, of the rest they differ on every second."""
    found = [f"t{t:02d},Waiting,{turn},{basis}" for turn in (1, 5, 9)]
    if basis == "blind" and coder:
        found = [found[0], f"t{t:02d},Waiting,{2 + t % 3},{basis}"]
    return [*found, *([f"t{t:02d},Money,2,{basis}"] if basis == "seen" else [])]


def study_of(n_blind: int, n_seen: int, *, coders: int = 2) -> dict[str, str]:
    files = interviews(n_blind + n_seen) | {
        "codebook.csv": "code,definition\nWaiting,Time lost\nMoney,What it cost\n",
        "study.toml": '[model]\nencoder = "none"\n',
    }
    for coder, name in enumerate(("ann", "bob")[:coders]):
        rows = [
            row
            for t in range(n_blind + n_seen)
            for row in rows_of(coder, t, "blind" if t < n_blind else "seen")
        ]
        files[f"codings/{name}.csv"] = "\n".join(["transcript,code,turn,basis", *rows, ""])
    return files


def section_of(page: str, name: str) -> str:
    return re.search(f'<section id="{name}".*?</section>', page, flags=re.DOTALL)[0]  # type: ignore[index]


def loaded(run_dir: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / name).read_bytes())
    return found


@pytest.fixture(scope="module")
def mixed_dir(tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun) -> Path:
    """Nine interviews that both coded blind and three with suggestions in view."""
    return make_run(tmp_path_factory.mktemp("mixed") / "study", study_of(N_BLIND, N_SEEN))


@pytest.fixture(scope="module")
def blind_dir(tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun) -> Path:
    """The same, as if nobody had coded the three."""
    files = study_of(N_BLIND, 0) | interviews(N_BLIND + N_SEEN)
    return make_run(tmp_path_factory.mktemp("blind") / "study", files)


@pytest.fixture(scope="module", params=[1, 2])
def seen_dir(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun
) -> Path:
    """Nothing was coded blind, by one coder or by two."""
    return make_run(tmp_path_factory.mktemp("seen") / "study", study_of(0, 8, coders=request.param))


# What two say of each other, which the codings of the three could change


@pytest.mark.parametrize("part", ["overall", "overall_mean"])
def test_what_is_said_of_coders_together_is_as_if_nothing_had_been_seen(
    part: str, mixed_dir: Path, blind_dir: Path
) -> None:
    assert loaded(mixed_dir, "agreement.json")[part] == loaded(blind_dir, "agreement.json")[part]


def test_pairs_of_coders_are_as_if_nothing_had_been_seen(mixed_dir: Path, blind_dir: Path) -> None:
    found = []
    for folder in (mixed_dir, blind_dir):
        agreement = loaded(folder, "agreement.json")
        for part in ("comparisons", "macro"):
            found.append([row for row in agreement[part] if row["kind"] == "human-human"])
        table = read_table((folder / "agreement.csv").read_bytes(), file="")
        found.append([row.cells for row in table.rows if row.cells["kind"] == "human-human"])
    assert found[:3] == found[3:]
    assert {row["n_transcripts"] for row in found[0]} == {N_BLIND}


def test_confusions_of_coders_are_as_if_nothing_had_been_seen(mixed_dir: Path, blind_dir: Path) -> None:
    mixed, blind = (loaded(folder, "agreement.json")["confusions"] for folder in (mixed_dir, blind_dir))
    assert mixed["people"] == blind["people"]


def test_slices_of_coders_are_as_if_nothing_had_been_seen_but_for_who_coded_how_much(
    mixed_dir: Path, blind_dir: Path
) -> None:
    mixed, blind = (loaded(folder, "agreement.json")["slices"] for folder in (mixed_dir, blind_dir))
    for slices in (mixed, blind):
        assert len(slices["transcripts"]) == N_BLIND
    for one, other in zip(mixed["coders"], blind["coders"], strict=True):
        assert one["human-human"] == other["human-human"]
        assert (one["n_transcripts"], other["n_transcripts"]) == (N_BLIND + N_SEEN, N_BLIND)


def test_doctor_finds_in_coders_what_it_would_find_if_nothing_had_been_seen(
    mixed_dir: Path, blind_dir: Path
) -> None:
    mixed, blind = (
        [row for row in loaded(folder, "doctor.json")["findings"] if row["kind"] not in OF_USE]
        for folder in (mixed_dir, blind_dir)
    )
    assert mixed == blind
    assert mixed


def test_code_that_was_given_in_view_of_suggestions_alone_is_not_called_unused(
    mixed_dir: Path, blind_dir: Path, seen_dir: Path
) -> None:
    """Of three interviews, which is not hardly either."""
    unused, *others = (
        [
            (row["kind"], row["codes"])
            for row in loaded(folder, "doctor.json")["findings"]
            if row["kind"] in OF_USE
        ]
        for folder in (blind_dir, mixed_dir, seen_dir)
    )
    assert unused == [("unused", ["Money"])]
    assert others == [[], []]


def test_doctor_says_that_what_stands_together_was_not_looked_for_where_nothing_is_blind(
    seen_dir: Path,
) -> None:
    reasons = {row["kind"]: row["reason"] for row in loaded(seen_dir, "doctor.json")["not_examined"]}
    assert reasons["always together"] == "no code was given blind"
    assert not set(OF_USE) & set(reasons)


def test_model_is_compared_with_what_was_coded_blind(mixed_dir: Path) -> None:
    agreement = loaded(mixed_dir, "agreement.json")
    with_model = [row for row in agreement["comparisons"] if row["kind"] == "model-human"]
    assert {row["n_transcripts"] for row in with_model} == {N_BLIND}
    assert agreement["confusions"]["model"]["n_units"] == 2 * 12 * N_BLIND


def test_seen_codings_stand_beside_the_blind_and_among_the_cells(mixed_dir: Path) -> None:
    people = loaded(mixed_dir, "agreement.json")["basis"]["kinds"][0]
    assert (people["blind"]["n_transcripts"], people["seen"]["n_transcripts"]) == (N_BLIND, N_SEEN)
    assert people["seen"]["krippendorff_alpha"] == 1
    rows = [row.cells for row in read_table((mixed_dir / "cells.csv").read_bytes(), file="").rows]
    read = [row for row in rows if row["transcript"] and not row["code"]]
    assert {row["coder: ann"] for row in read if row["transcript"] >= f"t{N_BLIND:02d}"} == {"seen"}
    assert {row["coder: ann"] for row in read if row["transcript"] < f"t{N_BLIND:02d}"} == {"read"}


# In words


def test_page_says_on_what_it_stands_near_the_top_and_nowhere_another(
    mixed_dir: Path, read_page: Callable[..., Any]
) -> None:
    page = render_audit(mixed_dir)
    assert (
        f"{2 * N_SEEN} of {2 * (N_BLIND + N_SEEN)} times that a coder coded a transcript a suggestion was in view"
        in read_page(section_of(page, "trust")).words
    )
    assert "left out of every figure of agreement on this page" in read_page(section_of(page, "trust")).words
    for name in ("pairs", "slices", "doctor"):
        assert "coded blind" in read_page(section_of(page, name)).words
    assert "also what was coded with a suggestion in view" in read_page(section_of(page, "settle")).words


def test_page_of_a_study_without_suggestions_does_not_speak_of_what_was_seen(
    blind_dir: Path, read_page: Callable[..., Any]
) -> None:
    words = read_page(render_audit(blind_dir)).words
    assert "left out of every figure" not in words
    assert "also what was coded with a suggestion in view" not in words


# Nothing blind


def test_study_of_which_all_was_seen_is_told_so_and_gets_no_number(
    seen_dir: Path, read_page: Callable[..., Any]
) -> None:
    run, page = read_run(seen_dir), render_audit(seen_dir)
    trust = read_page(section_of(page, "trust")).words
    assert "Nothing was coded blind" in trust
    assert not FIGURE.search(trust)
    assert not any(row.model.text for row in trust_view(run).rows)
    for name in ("people", "slices", "more", "pairs"):
        assert not FIGURE.search(read_page(section_of(page, name)).words)
    assert "nobody has given a code yet" not in read_page(page).words
    assert "Nothing was coded blind" in " ".join(audit_lines(seen_dir))
    n_shared = read_by_two(run)
    none = (
        f"{n_shared} segments were coded by two coders, but none by both blind" if n_shared else NONE_BY_TWO
    )
    assert none in " ".join(methods(run).split())
    assert bool(n_shared) == (sum(kind == "human" for _, kind in run.summary["coders"]) == 2)
    assert not FIGURE.search(methods(run).split("Figures were computed")[0])


def test_first_page_of_a_study_of_which_all_was_seen_shows_no_kappa(
    seen_dir: Path, read_page: Callable[..., Any]
) -> None:
    words = read_page(section_of(render_report(seen_dir), "agreement")).words
    assert not FIGURE.search(words)
    assert "blind" in words
