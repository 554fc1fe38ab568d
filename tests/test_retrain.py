"""When a model is trained again, and when a new one takes the place of the old: the rules, without a study."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.records import Segment
from pipeline.learned import (
    Learned,
    n_new_codings,
    read_learned,
    used_codings,
    what_changed,
    write_learned,
)
from pipeline.promotion import Comparison, blind_transcripts, compare_models, transcript_score
from pipeline.retrain import (
    PERSON,
    SCHEDULE,
    compared_decision,
    is_due,
    kept_decision,
    refused_decision,
    replaced_decision,
    replaces,
    signed,
    unlearned_decision,
)
from pipeline.target import make_target
from pipeline.units import Units

CALM = {
    "in_use": "a" * 12,
    "lost": "",
    "changed": "",
    "can_be_asked": True,
    "asked": False,
    "n_new": 0,
    "after": 50,
}
CODEBOOK = {"changed": "the codebook changed"}


@pytest.mark.parametrize(
    ("case", "train", "compare"),
    [
        ({}, False, False),
        ({"n_new": 49}, False, False),
        ({"n_new": 50}, True, True),
        ({"n_new": 1, "after": 1}, True, True),
        ({"asked": True}, True, True),
        (CODEBOOK, True, True),
        ({**CODEBOOK, "n_new": 70, "asked": True}, True, True),
        ({**CODEBOOK, "can_be_asked": False}, True, False),
        ({"in_use": ""}, True, False),
        ({"in_use": "", "lost": "b" * 12}, True, False),
    ],
)
def test_model_is_trained_when_there_is_a_reason_and_compared_when_it_can_be(case, train, compare) -> None:
    due = is_due(**{**CALM, **case})
    assert (due.train, due.compare) == (train, compare)
    assert bool(due.why) is train


@pytest.mark.parametrize(
    ("n", "difference", "asked", "used"),
    [
        (5, 0.012, "", True),
        (5, 0.0, "", True),
        (5, -0.01, "", True),
        (5, -0.0101, "", False),
        (4, 0.5, "", False),
        (0, math.nan, "", False),
        (0, math.nan, PERSON, True),
        (4, -0.5, PERSON, True),
        (5, -0.0101, PERSON, False),
        (5, -0.01, PERSON, True),
        (0, math.nan, SCHEDULE, False),
        (4, 0.5, SCHEDULE, False),
        (5, -0.0101, SCHEDULE, False),
        (5, -0.01, SCHEDULE, True),
    ],
)
def test_new_model_is_used_if_shown_to_be_no_worse_or_a_person_asks_and_it_is_not_shown_to_be_worse(
    n, difference, asked, used
) -> None:
    comparison = Comparison(n, difference)
    assert replaces(comparison, asked=asked) is used
    decision = compared_decision("old" * 4, "new" * 4, comparison, asked=asked)
    assert decision.version == ("new" if used else "old") * 4
    assert ("replaces" in decision.note) is used
    assert ("--use newn'" in decision.note) is not used


def test_run_says_by_how_much_and_over_how_many_transcripts() -> None:
    better = compared_decision("91bc00000000", "3fa200000000", Comparison(6, 0.0121), asked="")
    assert better.note == "new model 3fa2… replaces 91bc…: +.012 over 6 transcripts coded blind"
    worse = compared_decision("91bc00000000", "3fa200000000", Comparison(6, -0.034), asked="")
    assert worse.note.startswith(
        "new model 3fa2… is not used, 91bc… stays: -.034 over 6 transcripts coded blind, at least -.010 is asked"
    )
    few = compared_decision("91bc00000000", "3fa200000000", Comparison(1, 0.2), asked="", **CODEBOOK)
    assert "91bc… stays: the codebook changed; 1 transcript coded blind since it was" in few.note


def test_run_that_trains_nothing_says_how_many_codings_are_new() -> None:
    assert "12 of 50 new codings" in kept_decision("a" * 12, "a" * 12, n_new=12, after=50).note
    assert kept_decision("a" * 12, "a" * 12, n_new=0, after=50).note == ""
    assert "aaaa…, not bbbb…" in kept_decision("a" * 12, "b" * 12, n_new=0, after=50).note


def test_first_model_needs_no_words() -> None:
    assert replaced_decision("", "a" * 12, "it is the first").note == ""


@pytest.mark.parametrize("case", [{"n_new": 70}, CODEBOOK, {**CODEBOOK, "can_be_asked": False}])
def test_model_in_use_stays_where_nothing_can_be_learned(case) -> None:
    decision = unlearned_decision("a" * 12, "", is_due(**{**CALM, **case}))
    asked = case.get("can_be_asked", True)
    assert (decision.version, decision.rests) == (("a" * 12, "") if asked else ("", "a" * 12))
    assert "no code can be learned from the codings there are" in decision.note
    assert ("the codebook changed" in decision.note) is not asked


def test_model_that_was_not_used_when_it_was_compared_is_not_used_for_want_of_another() -> None:
    decision = refused_decision("", "a" * 12, "b" * 12, "the files of aaaa… are missing")
    assert (decision.version, decision.trained) == ("", "")
    assert "new model bbbb… is not used (the files of aaaa… are missing)" in decision.note
    assert "--use bbbb'" in decision.note


@given(st.floats(-1, 1))
def test_signed_difference_has_a_sign_and_three_figures(value: float) -> None:
    told = signed(value)
    assert told[0] in "+-"
    assert float(told) == pytest.approx(value, abs=0.00051)


# What is new


CODING = st.tuples(*[st.sampled_from(["a", "b"])] * 4)


@given(st.lists(CODING), st.lists(CODING), st.randoms())
def test_new_codings_are_those_that_came_and_those_that_went(before, after, random) -> None:
    n = n_new_codings(before, after)
    assert n == n_new_codings(after, before)
    assert (n == 0) is (sorted(before) == sorted(after))
    assert n_new_codings(before, [*before, *after]) == len(after)
    shuffled = list(after)
    random.shuffle(shuffled)
    assert n_new_codings(before, shuffled) == n


def units_of(texts: list[str], *, given: list[tuple[str, int, int]], context: tuple[int, ...] = ()) -> Units:
    """One transcript "t", a segment a text, two codes, two coders who read everything; given: coder, row, code."""
    segments, at = [], 0
    for i, text in enumerate(texts):
        segments.append(Segment(f"t#{at}-{at + len(text)}", "t", i + 1, "P", at, at + len(text), text))
        at += len(text) + 1
    coders = {"ann": "human", "llm": "machine"}
    marks = np.zeros((2, len(texts), 2), dtype=bool)
    for coder, row, code in given:
        marks[list(coders).index(coder), row, code] = True
    return Units(
        segments=tuple(segments),
        lemmas=tuple(texts),
        surfaces=tuple(texts),
        context=np.array([i in context for i in range(len(texts))]),
        codes=("wait", "cost"),
        coders=coders,
        read=np.ones((2, len(texts)), dtype=bool),
        given=marks,
        groups=("t",) * len(texts),
    )


def spans_of(units: Units, rows: list[tuple[str, str, int, int]]) -> pd.DataFrame:
    """coder, code, first and last segment of a coding."""
    s = units.segments
    found = [("t", coder, code, s[first].start, s[last].end) for coder, code, first, last in rows]
    return pd.DataFrame(found, columns=["transcript", "coder", "code", "start", "end"])


def used(units: Units, rows: list[tuple[str, str, int, int]]) -> list[tuple[str, str, str, str]]:
    return used_codings(spans_of(units, rows), units, make_target(units, gold="share"), gold="share")


def test_codings_count_as_people_marked_them_and_only_those_that_are_learned_from() -> None:
    given = [("ann", 0, 0), ("ann", 1, 0), ("ann", 2, 1), ("llm", 1, 1)]
    units = units_of(["we waited", "and waited", "who asks?"], given=given, context=(2,))
    # Over two segments; on a context speaker; of a machine.
    rows = [("ann", "wait", 0, 1), ("ann", "cost", 2, 2), ("llm", "cost", 1, 1)]
    assert [row[:3] for row in used(units, rows)] == [("t", "ann", "wait")]


def test_edit_elsewhere_in_a_transcript_makes_no_new_codings_and_one_of_the_words_does() -> None:
    before = units_of(["we waited", "it cost"], given=[("ann", 1, 1)])
    edited = units_of(["we waited for ever", "it cost"], given=[("ann", 1, 1)])
    reworded = units_of(["we waited", "it cost a lot"], given=[("ann", 1, 1)])
    rows = [("ann", "cost", 1, 1)]
    assert n_new_codings(used(before, rows), used(edited, rows)) == 0
    assert n_new_codings(used(before, rows), used(reworded, rows)) == 2


def test_what_changed_is_said_in_words() -> None:
    now = dict.fromkeys(("codebook", "encoder", "gold", "group_by", "seed", "unit"), "x")
    assert what_changed(now, now) == ""
    assert (
        what_changed({**now, "gold": "any", "seed": "1"}, now)
        == "[target] gold changed, [study] seed changed"
    )


LONG = "we sat there for hours and nobody told us anything"
SHORT = "I do not know"


def learned_from(tmp_path: Path, said: dict[str, list[str]]) -> Learned:
    """What a model knows again that learned from these transcripts, each a group of its own."""
    units = spoken(said)
    write_learned(tmp_path, units, make_target(units, gold="share"), [], {})
    return read_learned(tmp_path)


def spoken(said: dict[str, list[str]]) -> Units:
    """Transcript -> what is said there, all read by Ann."""
    segments = [
        Segment(f"{name}#{i}", name, i + 1, "P", 100 * i, 100 * i + len(text), text)
        for name, texts in said.items()
        for i, text in enumerate(texts)
    ]
    n = len(segments)
    return Units(
        segments=tuple(segments),
        lemmas=("",) * n,
        surfaces=("",) * n,
        context=np.zeros(n, dtype=bool),
        codes=("wait",),
        coders={"ann": "human"},
        read=np.ones((1, n), dtype=bool),
        given=np.zeros((1, n, 1), dtype=bool),
        groups=tuple(segment.transcript_id for segment in segments),
    )


@pytest.mark.parametrize(
    ("now", "known"),
    [
        ({"t1": ["all of it was written anew since it was learned"]}, {"t1"}),
        ({"renamed": [SHORT, "this was edited", LONG]}, {"renamed"}),
        ({"renamed": [LONG.upper()]}, set()),
        ({"other": [SHORT, "yes"]}, set()),
        ({"other": ["what was the first thing that came to your mind?"]}, set()),
        ({"t2": [SHORT], "renamed": [LONG], "other": ["yes"]}, {"t2", "renamed"}),
    ],
)
def test_model_knows_a_transcript_by_its_name_or_by_words_that_it_alone_held(tmp_path, now, known) -> None:
    asked = "what was the first thing that came to your mind?"
    learned = learned_from(tmp_path, {"t1": [LONG, SHORT, asked], "t2": ["yes", asked]})
    assert learned.known_among(spoken(now).segments) == known


# Which is better


def test_score_of_a_transcript_is_the_average_precision_of_its_cells() -> None:
    truth = np.array([[True, False], [False, True]])
    # Ranked: right, wrong, right, wrong. (1/1 + 2/3) / 2.
    probabilities = np.array([[0.9, 0.8], [0.1, 0.5]])
    assert transcript_score(truth, probabilities) == pytest.approx((1 + 2 / 3) / 2)
    assert math.isnan(transcript_score(np.zeros((2, 2), dtype=bool), probabilities))


def test_difference_is_the_mean_over_transcripts_however_long_and_leaves_out_those_without_a_code() -> None:
    truth = np.array([[True], [False], [False], [False], [True], [False], [False]])
    names = ["a", "a", "a", "a", "b", "b", "c"]
    good = np.array([[0.9], [0.1], [0.1], [0.1], [0.9], [0.1], [0.2]])
    bad = np.array([[0.1], [0.9], [0.8], [0.7], [0.9], [0.1], [0.9]])
    found = compare_models(names, truth, bad, good)
    assert found.n_transcripts == 2
    assert found.difference == pytest.approx(((1 - 1 / 4) + 0) / 2)
    assert compare_models(names, truth, good, bad).difference == pytest.approx(-found.difference)
    nothing = compare_models([], np.zeros((0, 1), dtype=bool), np.zeros((0, 1)), np.zeros((0, 1)))
    assert nothing.as_json()["difference"] is None
    assert nothing.as_json()["reason"]


def sitting(coder: str, name: str, *bases: str) -> dict[str, object]:
    return {
        "coder": coder,
        "transcript_id": name,
        "bases": list(bases),
        "first": "",
        "last": "",
        "n_undated": 1,
    }


def test_transcript_is_coded_blind_if_every_person_who_read_it_did() -> None:
    sittings = [
        sitting("ann", "both blind", "blind"),
        sitting("bob", "both blind", "blind"),
        sitting("ann", "one saw", "blind"),
        sitting("bob", "one saw", "seen"),
        sitting("ann", "silent, never suggested", ""),
        sitting("ann", "silent, suggested", ""),
        sitting("ann", "a machine saw", "blind"),
        sitting("llm", "a machine saw", "accepted"),
    ]
    kinds = {"ann": "human", "bob": "human", "llm": "machine"}
    found = blind_transcripts(sittings, {"silent, suggested": "2026-01-02T03:04:05+00:00"}, kinds)
    assert found == {"both blind", "silent, never suggested", "a machine saw"}
