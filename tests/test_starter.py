from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.starter import LARGEST_SHARE, MOST_SUGGESTED, cut_for
from models.theme_model import NEVER
from pipeline.run import run_study
from pipeline.target import headings
from pipeline.views import codebook_examples

Files = dict[str, str]
ROW = {"parent": "", "definition": "", "include": "", "exclude": "", "example": ""}

CODEBOOK = """code,parent,definition,include,exclude,example
Logistics,,What had to be organised.,,,
Waiting,Logistics,Time lost in a queue,We waited for hours,The room was cold,
Money,Logistics,What it cost,Paid for the taxi or parking,,
"""


@given(st.lists(st.floats(0, 1), max_size=400))
def test_no_more_than_allowed_reach_the_cut_and_one_more_would_be_too_many(scores: list[float]) -> None:
    found = np.array(scores)
    cut, allowed = cut_for(found), min(MOST_SUGGESTED, np.ceil(LARGEST_SHARE * len(found)))
    assert (found >= cut).sum() <= allowed
    below = found[found < cut]
    # One more would be too many, but for scores so close that storing a model could turn them.
    if len(below) and (gaps := np.diff(np.unique([0.0, *found]))).size and gaps.min() > 1e-5:
        assert (found >= below.max()).sum() > allowed


def test_cut_holds_after_a_model_was_stored() -> None:
    """Weights are stored as float32: no score may lie on the cut."""
    scores = np.random.default_rng(0).random(300)
    assert np.abs(scores - cut_for(scores)).min() > 1e-6


def test_scores_that_are_all_the_same_suggest_nothing() -> None:
    assert cut_for(np.full(50, 0.3)) == NEVER


def test_nothing_asked_suggests_nothing() -> None:
    assert cut_for(np.zeros(0)) == NEVER


def test_codebook_teaches_what_a_code_is_and_what_it_is_not() -> None:
    trust = ROW | {"name": "Trust", "definition": "Relying on people.", "include": "faith", "exclude": "fear"}
    found = codebook_examples([trust, ROW | {"name": "Money", "example": "It was dear."}], ["Money", "Trust"])
    assert found.texts == ("Money.", "It was dear.", "Trust. Relying on people.", "faith", "fear")
    assert found.shares.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]]


def test_heading_is_a_parent_that_nobody_gave() -> None:
    book = [ROW | {"name": "A"}, ROW | {"name": "B", "parent": "A"}, ROW | {"name": "C", "parent": "B"}]
    assert headings(book, [0, 4, 0]) == {"A"}


def suggested(folder: Path) -> list[dict[str, str]]:
    with (folder / "suggestions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def first(tmp_path: Path, tiny_study_files: Files, make_study: Callable) -> list[dict[str, str]]:
    """What is suggested of the tiny study with a fuller codebook and no codings."""
    files = {name: text for name, text in tiny_study_files.items() if not name.startswith("codings/")}
    study = make_study(files | {"codebook.csv": CODEBOOK})
    return suggested(run_study(study).run_dir)


def test_codebook_alone_finds_what_it_speaks_of(first: list[dict[str, str]]) -> None:
    signs = {
        "Waiting": ("waited", "queue", "late", "waiting"),
        "Money": ("paid", "cost", "taxi", "parking", "money"),
    }
    assert {row["code"] for row in first} == set(signs)
    for row in first:
        assert row["probability"] == ""
        assert row["evidence"]
        assert any(sign in row["quote"] for sign in signs[row["code"]])


def test_first_suggestions_are_few(first: list[dict[str, str]]) -> None:
    """72 segments can be coded: 5 % are 3.6, so 4 at most."""
    for code in ("Waiting", "Money"):
        assert 0 < sum(row["code"] == code for row in first) <= 4


def test_code_that_is_learned_has_percentages_beside_one_that_is_not(
    tiny_study_files: Files, make_study: Callable
) -> None:
    result = run_study(make_study(tiny_study_files))
    known = {row["code"]: bool(row["probability"]) for row in suggested(result.run_dir)}
    assert known["Waiting"] is known["Money"] is True
    assert known.get("Hope", False) is False


def test_one_excerpt_counts_beside_the_codebook(tiny_study_files: Files, make_study: Callable) -> None:
    """A code whose name says nothing finds what its only excerpt is like."""
    files = {name: text for name, text in tiny_study_files.items() if not name.startswith("codings/")}
    files |= {
        "codebook.csv": "code\nXQ\nZV\n",
        "coverage.csv": "coder,transcript,start,end\nann,t1,0,400\n",
        "codings/ann.csv": "transcript,code,quote\nt1,XQ,\n",
    }
    said = files["transcripts/t1.txt"]
    line = next(text for text in said.split("\n") if "garden" in text).removeprefix("P1: ")
    files["codings/ann.csv"] = f'transcript,code,quote\nt1,XQ,"{line}"\n'
    files["coverage.csv"] = f"coder,transcript,start,end\nann,t1,0,{len(said)}\n"
    found = [row for row in suggested(run_study(make_study(files)).run_dir) if row["code"] == "XQ"]
    shared = set(line.lower().replace(".", "").split())
    assert found
    assert all(len(shared & set(row["quote"].lower().replace(".", "").split())) >= 5 for row in found)
