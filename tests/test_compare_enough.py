"""A coder who read little is in no mean over pairs, and is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.compare.enough import enter_means, notes_on_pairs, pairs_left_out, with_means
from pipeline.report import render_audit, render_report
from pipeline.report.beside_view import beside_view
from pipeline.report.tables import read_run

MakeRun = Callable[..., Path]


def pair(a: str, b: str, n_transcripts: int, kind: str = "human-human") -> list[dict[str, Any]]:
    return [{"a": a, "b": b, "kind": kind, "n_units": 10 * n_transcripts, "n_transcripts": n_transcripts}]


@given(st.lists(st.integers(0, 20), min_size=1))
def test_pairs_that_share_eight_enter_and_others_only_where_none_does(shared: list[int]) -> None:
    some = any(n >= 8 for n in shared)
    assert enter_means(shared) == [n >= 8 if some else True for n in shared]


def test_coder_who_shares_little_is_named_with_what_is_shared() -> None:
    pairs = with_means([pair("ann", "bob", 12), pair("ann", "cyd", 1), pair("bob", "cyd", 0)])
    assert [rows[0]["in_means"] for rows in pairs] == [True, False, False]
    assert [(row["a"], row["b"], row["n_transcripts"]) for row in pairs_left_out(pairs)] == [
        ("ann", "cyd", 1)
    ]
    (note,) = notes_on_pairs(pairs)
    assert note.startswith(
        "cyd shares 1 interview with another coder, 8 are needed for an interval: cyd is left out"
    )


def test_pair_of_two_who_share_enough_with_others_is_named_as_a_pair() -> None:
    pairs = with_means([pair("ann", "bob", 12), pair("ann", "cyd", 3), pair("bob", "cyd", 9)])
    assert notes_on_pairs(pairs) == [
        "fewer interviews in common than the 8 that an interval needs: ann and cyd (3); left out of means over pairs "
        "of coders"
    ]


def test_nobody_is_left_out_where_all_share_little() -> None:
    pairs = with_means([pair("ann", "bob", 3), pair("ann", "cyd", 1)])
    assert all(rows[0]["in_means"] for rows in pairs)
    assert notes_on_pairs(pairs) == pairs_left_out(pairs) == []


def test_pairs_of_the_model_and_of_a_machine_are_each_by_themselves() -> None:
    pairs = with_means(
        [
            pair("ann", "model", 3, "model-human"),
            pair("bob", "model", 2, "model-human"),
            pair("ann", "gpt", 12, "machine-human"),
            pair("bob", "gpt", 2, "machine-human"),
        ]
    )
    assert [rows[0]["in_means"] for rows in pairs] == [True, True, True, False]


@pytest.fixture(scope="module")
def third_dir(tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun) -> Path:
    """Two coders of nine interviews who differ here and there, and a third who coded one segment."""
    said = ["we waited in the queue", "the fare went up", "my sister came", "they were kind"]
    files = {
        "codebook.csv": "code,definition\nWaiting,Time lost\nMoney,What it cost\n",
        "study.toml": '[model]\nencoder = "none"\n',
    }
    for t in range(9):
        files[f"transcripts/t{t}.txt"] = "".join(f"P: {said[u % 4]}, {t} and {u}.\n" for u in range(12))
    ann = [
        f"t{t},{code},{u}"
        for t in range(9)
        for code, first in (("Waiting", 1), ("Money", 2))
        for u in (first, first + 4)
    ]
    bob = [row for i, row in enumerate(ann) if i % 6]
    for name, rows in (("ann", ann), ("bob", bob), ("cyd", ["t0,Money,7"])):
        files[f"codings/{name}.csv"] = "\n".join(
            ["transcript,code,turn,basis", *(f"{r},blind" for r in rows), ""]
        )
    return make_run(tmp_path_factory.mktemp("third") / "study", files)


def test_a_third_coder_of_one_segment_does_not_decide_what_two_agree_on(
    third_dir: Path, read_page: Callable[..., Any]
) -> None:
    found = json.loads((third_dir / "agreement.json").read_bytes())
    assert {(r["a"], r["b"]) for r in found["macro"] if r["kind"] == "human-human" and r["in_means"]} == {
        ("ann", "bob")
    }
    (of_two,) = (row for row in found["macro"] if (row["a"], row["b"]) == ("ann", "bob"))
    assert beside_view(read_run(third_dir)).people.text == f"{of_two['macro']['cohen_kappa']:.2f}"
    (of_all, *_) = found["beside"]
    assert of_all["people"] == pytest.approx(of_two["macro"]["cohen_kappa"])
    assert of_all["n_pairs_people"] == 1
    for page in (render_audit(third_dir), render_report(third_dir)):
        assert "cyd shares 1 interview with another coder at most" in read_page(page).words
