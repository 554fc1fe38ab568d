from __future__ import annotations

import numpy as np
import pytest

from corpus.records import Segment
from pipeline.leak import find_leak, people_of, similar_elsewhere

LONG = "we waited in the hall until somebody called us in and then they sent us home again"


def test_texts_on_both_sides_are_counted_however_they_are_spelt() -> None:
    found = find_leak(
        ["Did not answer", "did  not ANSWER", "same", "same", "other"], np.array([0, 1, 0, 0, 2])
    )
    assert found.same.tolist() == [True, True, False, False, False]
    assert found.as_json()["share"] == 2 / 5


def test_nothing_read_has_no_share() -> None:
    found = find_leak([], np.zeros(0, dtype=int)).as_json()
    assert (found["share"], found["share_similar"]) == (None, None)


@pytest.mark.parametrize(
    ("other", "is_similar"),
    [
        (LONG.upper() + "!", True),
        (LONG.replace("until", "until,").replace(" and", "... and"), True),
        (f"well {LONG}", True),
        (f"{LONG} it was awful", True),
        (LONG.replace("hall", "garden"), False),
        (" ".join(reversed(LONG.split())), False),
    ],
)
def test_nearly_the_same_words_in_another_fold_are_found(other: str, is_similar: bool) -> None:
    assert similar_elsewhere([LONG, other], np.array([0, 1]))[0] == is_similar


def test_a_text_that_holds_a_short_one_is_not_repeated_by_it() -> None:
    long = f"{LONG} " + " ".join(f"word{i}" for i in range(80))
    assert similar_elsewhere([LONG, long], np.array([0, 1])).tolist() == [True, False]


def test_the_same_fold_does_not_count() -> None:
    assert not similar_elsewhere(
        [LONG, LONG, "something else was said here today"], np.array([0, 0, 1])
    ).any()


@pytest.mark.parametrize(
    ("text", "counts"), [("yes", False), ("I don't know", False), ("that is all I have", True)]
)
def test_short_answers_are_repeated_word_for_word_only(text: str, counts: bool) -> None:
    found = find_leak([text, text + "."], np.array([0, 1]))
    assert found.similar.tolist() == [counts, counts]
    assert not found.same.any()


def test_many_texts_are_compared_in_blocks_with_the_same_result() -> None:
    texts = [f"{LONG} number {i} of them" for i in range(700)] + ["x" * 9] * 2
    folds = np.arange(702) % 5
    assert similar_elsewhere(texts, folds)[:700].all()
    assert not similar_elsewhere(texts, folds)[700:].any()


def said(transcript: str, speaker: str) -> Segment:
    return Segment(f"{transcript}#0-1", transcript, 1, speaker, 0, 1, "x")


def test_a_person_is_known_by_column_or_by_a_label_that_names_somebody() -> None:
    segments = [
        said("t1", "P1"),
        said("t2", "Participant"),
        said("t3", "Maria K"),
        said("t4", "MARIA K"),
        said("t5", "Interviewer 2"),
        said("t6", "Dr Ito"),
        said("t7", "P"),
    ]
    participants = {"t1": {"participant": "017", "site": "A"}, "t2": {"participant": " "}}
    found = people_of(segments, participants, ["interviewer", "dr ito"])
    assert found == ["participant 017", "", "speaker maria k", "speaker maria k", "", "", ""]


def test_a_person_in_two_folds_is_counted_with_the_transcripts() -> None:
    found = find_leak(
        ["a", "b", "c", "d", "e"],
        np.array([0, 1, 1, 2, 2]),
        people=["ann", "ann", "bob", "bob", ""],
        transcripts=["t1", "t2", "t2", "t3", "t4"],
    )
    assert found.person.tolist() == [True, True, True, True, False]
    assert (found.n_people, found.n_transcripts) == (2, 3)
    assert found.clean.tolist() == [False, False, False, False, True]


def test_people_nobody_knows_do_not_leak() -> None:
    found = find_leak(["a", "b"], np.array([0, 1]), people=["", ""], transcripts=["t1", "t2"])
    assert (found.n_people, found.person.any()) == (0, False)
