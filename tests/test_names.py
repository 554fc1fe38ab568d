from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.names import fold_name, fold_speaker, spelling_warnings, tidy_name


@given(st.text())
def test_name_is_the_same_in_both_unicode_forms(name: str) -> None:
    assert tidy_name(unicodedata.normalize("NFD", name)) == tidy_name(unicodedata.normalize("NFC", name))


@given(st.text())
def test_tidying_a_tidy_name_changes_nothing(name: str) -> None:
    assert tidy_name(tidy_name(name)) == tidy_name(name)


@given(st.text())
def test_folding_a_folded_name_changes_nothing(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)


@pytest.mark.parametrize("name", ["Care", " care ", "CARE", "Ｃａｒｅ", "care\u00a0"])
def test_spellings_of_one_name_fold_alike(name: str) -> None:
    assert fold_name(name) == "care"


@pytest.mark.parametrize(
    ("label", "folded"),
    [
        ("Interviewer 2", "interviewer"),
        ("INTERVIEWER:", "interviewer"),
        ("Interviewer 2:", "interviewer"),
        ("INT1", "int"),
        ("Int #3", "int"),
        ("moderator_12", "moderator"),
        ("P-04", "p"),
        ("I", "i"),
        ("  Anna   Maria ", "anna maria"),
        ("17", "17"),
        ("2nd moderator", "2nd moderator"),
        ("", ""),
    ],
)
def test_speaker_label_is_compared_without_case_and_trailing_number(label: str, folded: str) -> None:
    assert fold_speaker(label) == folded


def test_names_that_differ_by_case_are_named_together() -> None:
    (warning,) = spelling_warnings(["trust", "Trust", "TRUST", "care"], kind="code")
    assert all(f"'{name}'" in warning for name in ("trust", "Trust", "TRUST"))
    assert "care" not in warning
    assert warning.startswith("codes ")


@pytest.mark.parametrize(
    ("latin", "other"), [("Care", "Сare"), ("Access", "Αccess"), ("hope", "hоpe"), ("Mix", "Міx")]
)
def test_names_with_letters_that_look_alike_are_named(latin: str, other: str) -> None:
    (warning,) = spelling_warnings([latin, other], kind="code")
    assert f"'{latin}'" in warning
    assert f"'{other}'" in warning
    assert "look alike" in warning


def test_look_alike_letters_are_seen_in_another_case_too() -> None:
    assert len(spelling_warnings(["Care", "сare"], kind="code")) == 1


def test_names_that_are_different_raise_no_warning() -> None:
    assert spelling_warnings(["care", "cure", "caring", "забота"], kind="code") == []


def test_a_name_that_stands_twice_raises_no_warning() -> None:
    assert spelling_warnings(["care", "care"], kind="coder") == []
