"""Speaker lines in plain text: the forms people use, and the talk that only looks like them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.readers.speakers import find_turns


def said(text: str) -> list[tuple[str, str]]:
    return [(turn.speaker, text[turn.start : turn.end]) for turn in find_turns(text)[0]]


def starts(text: str) -> list[float | None]:
    return [turn.start_time for turn in find_turns(text)[0]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("INT", "P1"),
        ("Interviewer 2", "Participant 1"),
        ("I", "R"),
        ("Q", "A"),
        ("Speaker A", "SPEAKER_01"),
        ("Female participant 2", "P-03"),
        ("מראיינת", "משתתף 1"),
        ("Anna", "Bob"),
        ("anna", "bob"),
        ("Dr. Smith", "Mrs van der Berg"),
        ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'),
        ('"Anna"', "O'Neill"),
        ("محمد", "Ольга"),
        ("P1 & P2", "Wife"),
    ],
)
@pytest.mark.parametrize("form", ["{}: ", "{}:", "{} : ", "{}\uff1a", "  {}:\t", "{}:\n", "**{}:** "])
def test_a_label_with_a_colon_begins_a_turn(first: str, second: str, form: str) -> None:
    one, two = form.format(first), form.format(second)
    text = f"{one}how was it?\n{two}fine,\nmostly\n{one}why?\n"
    assert said(text) == [(first, "how was it?"), (second, "fine,\nmostly"), (first, "why?")]


@pytest.mark.parametrize(
    ("form", "seconds"),
    [
        ("[00:01:02] Anna: ", 62.0),
        ("00:01:02 Anna: ", 62.0),
        ("(00:01) Anna: ", 1.0),
        ("Anna [00:01:02]: ", 62.0),
        ("Anna (00:07): ", 7.0),
        ("Anna: [1:00:02.5] ", 3602.5),
        ("[00:00:05]\nAnna: ", 5.0),
        ("Anna  0:03\n", 3.0),
        ("Anna Smith  12:03  \n", 723.0),
        ("Anna Smith | 00:09\n", 9.0),
        ("0:03 Anna Smith\n", 3.0),
        ("[00:00:03] Anna\n", 3.0),
    ],
)
def test_a_timestamp_is_kept_and_is_no_talk(form: str, seconds: float) -> None:
    text = f"{form}How was it?\n\n{form.replace('Anna', 'Bob')}Fine.\nReally.\n"
    assert [words for _, words in said(text)] == ["How was it?", "Fine.\nReally."]
    assert {speaker.split()[0] for speaker, _ in said(text)} == {"Anna", "Bob"}
    assert starts(text) == [seconds, seconds]


def test_a_range_of_times_gives_both_ends() -> None:
    turns, _ = find_turns("Speaker 1 (00:00:01 - 00:00:04)\nhi\nSpeaker 2 (00:00:05 --> 00:00:09)\nho\n")
    assert [(turn.start_time, turn.end_time) for turn in turns] == [(1.0, 4.0), (5.0, 9.0)]


def test_labels_in_capitals_on_lines_of_their_own() -> None:
    text = "MODERATOR\nWelcome, all.\n\nANNA\nThanks.\n\nMODERATOR\nSo.\n\nANNA\nYES\n"
    assert said(text) == [
        ("MODERATOR", "Welcome, all."),
        ("ANNA", "Thanks."),
        ("MODERATOR", "So."),
        ("ANNA", "YES"),
    ]


def test_a_role_and_a_tab() -> None:
    assert said("INT\tHow was it?\nP1\tFine\n") == [("INT", "How was it?"), ("P1", "Fine")]


@pytest.mark.parametrize(
    "line",
    [
        "And I said: no",
        "He told me: go home",
        "Note: the tape stops here",
        "At 10:30 we left: all of us",
        "10:30 was when it rang",
        "https://example.org/a is where I read it",
        "C:\\Users is where it was",
        "What I mean is this: no",
        "The thing is: I was tired",
        "We did three things: walk, talk, eat",
        "The doctor, who was quite young: no answer",
        "Fine. Example: none",
        "Why? Because: no",
        "a: b".replace("a", "x" * 41),
        "12:",
        ": nothing",
        "::::",
    ],
)
def test_talk_with_a_colon_stays_in_its_turn(line: str) -> None:
    text = f"INT: how?\nP1: I went.\n{line}\n{line}\nP1: yes\n"
    assert said(text) == [("INT", "how?"), ("P1", f"I went.\n{line}\n{line}"), ("P1", "yes")]


def test_a_time_in_talk_is_talk() -> None:
    text = "INT: when?\nP1: 10:30 was it\nP1: I woke at\n7:30\nand rose\n"
    assert said(text)[1:] == [("P1", "10:30 was it"), ("P1", "I woke at\n7:30\nand rose")]


def test_a_name_that_stands_once_among_roles_is_talk_and_told_without_naming_it() -> None:
    text = "INT: how?\nP1: it stood on the door:\nTrust: the future\nand so on\nINT: yes?\n"
    turns, warnings = find_turns(text)
    assert len(turns) == 3
    assert warnings == (
        "1 line begins like a speaker label but went to the turn above, for the label stands only once: line 3",
    )


def test_somebody_who_speaks_once_at_the_head_of_a_paragraph_is_a_speaker() -> None:
    text = "INT: how?\n\nP1: fine\nwe go\non\n\nMaria: may I?\n\nP1: yes\n"
    assert [speaker for speaker, _ in said(text)] == ["INT", "P1", "Maria", "P1"]


def test_somebody_who_speaks_once_in_a_group_of_names_is_a_speaker() -> None:
    text = "Moderator: begin\nJane: a\nPaul: b\nMaria: once\nJane: c\nPaul: d\n"
    assert ("Maria", "once") in said(text)


def test_text_before_the_first_label_is_nobodys_turn() -> None:
    text = "Date: 3 May\nInterview 7\n\nINT: hello\n"
    assert said(text) == [("", "Date: 3 May\nInterview 7"), ("INT", "hello")]


def test_a_label_without_words_is_no_turn_and_counted() -> None:
    turns, warnings = find_turns("INT: hello\nP1:\nINT: again\nP1: yes\n")
    assert [(turn.number, turn.speaker) for turn in turns] == [(1, "INT"), (2, "INT"), (3, "P1")]
    assert warnings == ("1 speaker label without words: not counted as a turn",)


def test_paragraphs_of_one_turn_stay_together() -> None:
    assert said("P1: one\n\ntwo\n\n\nINT: three") == [("P1", "one\n\ntwo"), ("INT", "three")]


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("One\nwrapped.\n\nTwo.\n", ["One\nwrapped.", "Two."]),
        ("One.\nTwo.\n", ["One.", "Two."]),
        ("  One.  ", ["One."]),
        ("\n \n", []),
        ("", []),
    ],
)
def test_a_text_without_labels_is_cut_at_paragraphs_or_lines(text: str, turns: list[str]) -> None:
    assert said(text) == [("", words) for words in turns]
    assert bool(find_turns(text)[1]) == (len(turns) > 1)


def test_prose_with_two_headings_has_no_speakers() -> None:
    text = "The plan.\nTrust: it matters.\nWe met.\nHope: it dies last.\nAnd more.\nThe end.\n"
    assert {speaker for speaker, _ in said(text)} == {""}


@pytest.mark.parametrize(
    "text",
    [
        "A" * 60 + ":a" * 500_000,
        " " * 1_000_000 + "x: y",
        "\n" * 1_000_000,
        "[00:00:01" * 100_000,
        "*_" * 300_000 + ":",
        "(" * 300_000,
        ("P1 " + " " * 70 + ":" + " x\n") * 8_000,
        ("P1" + " " * 150 + "\n") * 8_000,
        "P1: hello there\nINT: why\n" * 10_000,
        "Anna went home: and so\n" * 10_000,
        "1:2:3:4:5:6\n" * 10_000,
    ],
)
def test_turns_of_text_made_to_be_slow_lie_within_it(text: str) -> None:
    turns, _ = find_turns(text)
    assert all(turn.start < turn.end <= len(text) for turn in turns)


lines = st.lists(
    st.sampled_from(
        ["INT:", "P1: yes", "Anna 0:03", "[00:01]", "ANNA", "", "  ", "talk: no", "well", "Ä\u3000:"]
    )
    | st.text(max_size=20),
    max_size=12,
)


@given(lines=lines)
def test_turns_are_in_order_and_tight_and_lose_no_word(lines: list[str]) -> None:
    text = "\n".join(lines)
    turns, warnings = find_turns(text)
    assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
    at = 0
    for turn in turns:
        words = text[turn.start : turn.end]
        assert at <= turn.start < turn.end
        assert words == words.strip() != ""
        at = turn.end
    if not any(turn.speaker for turn in turns) and not any(
        "without words" in warning for warning in warnings
    ):
        assert "".join(text.split()) == "".join("".join(text[t.start : t.end].split()) for t in turns)


@given(
    talk=st.lists(
        st.tuples(st.sampled_from(["INT", "P1", "Interviewer 2"]), st.text("ab ,.é\n", min_size=1)),
        max_size=9,
    )
)
def test_labelled_talk_is_read_back(talk: list[tuple[str, str]]) -> None:
    talk = [(speaker, words.strip()) for speaker, words in talk if words.strip()]
    talk.append(
        ("P1", "Fine.")
    )  # where only the interviewer is labelled, lines without a label are another's
    assert said("".join(f"{speaker}: {words}\n" for speaker, words in talk)) == talk
