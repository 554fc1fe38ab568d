"""Captions: no cue is lost, pieces become turns by one rule, and what is odd is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.readers.captions import MAX_LINES, read_subrip, read_webvtt
from corpus.readers.utterances import Utterance, join_utterances
from corpus.records import Reading

Said = list[tuple[str, str, float | None, float | None]]


def said(reading: Reading) -> Said:
    (transcript,) = reading.transcripts
    return [(t.speaker, transcript.text[t.start : t.end], t.start_time, t.end_time) for t in transcript.turns]


def vtt(text: str) -> Reading:
    return read_webvtt(f"WEBVTT\n\n{text}".encode(), source="a.vtt")


def srt(text: str) -> Reading:
    return read_subrip(text.encode(), source="a.srt")


def clock(seconds: int, mark: str = ".") -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}000"


WORDS = st.lists(st.text("abcéß日", min_size=1, max_size=6), min_size=1, max_size=6).map(" ".join)
CUES = st.lists(st.tuples(st.sampled_from(["Anna", "P1"]), WORDS), min_size=1, max_size=9)


@given(cues=CUES)
def test_cues_of_named_speakers_are_read_back_in_both_formats(cues: list[tuple[str, str]]) -> None:
    spans = [(10 * at, 10 * at + 5) for at in range(len(cues))]
    by_voice = "\n".join(
        f"{clock(start)} --> {clock(end)}\n<v {speaker}>{words}</v>\n"
        for (speaker, words), (start, end) in zip(cues, spans, strict=True)
    )
    expected: Said = []
    for (speaker, words), (start, end) in zip(cues, spans, strict=True):
        if expected and expected[-1][0] == speaker:
            _, before, first, _ = expected[-1]
            expected[-1] = (speaker, f"{before} {words}", first, float(end))
        else:
            expected.append((speaker, words, float(start), float(end)))
    reading = vtt(by_voice)
    assert said(reading) == expected
    assert reading.transcripts[0].text == "\n".join(words for _, words, _, _ in expected)


def test_labels_in_the_words_name_speakers_until_the_next_label() -> None:
    reading = srt(
        "1\n00:00:01,000 --> 00:00:02,000\nInterviewer: How was\n\n"
        "2\n00:00:02,000 --> 00:00:03,500\nit for you?\n\n"
        "3\n00:00:04,000 --> 00:00:06,000\nP1: Fine.\nInterviewer: Good.\n"
    )
    assert said(reading) == [
        ("Interviewer", "How was it for you?", 1.0, 3.5),
        ("P1", "Fine.", 4.0, 6.0),
        ("Interviewer", "Good.", 4.0, 6.0),
    ]
    assert reading.transcripts[0].text == "How was it for you?\nFine.\nGood."
    assert reading.warnings == ()


def test_cues_of_nobody_are_joined_to_sentences() -> None:
    reading = vtt(
        "00:01.000 --> 00:04.000\nWhen I came I did\n\n00:04.100 --> 00:06.000\nnot know anybody.\n\n"
        "00:06.000 --> 00:07.000\nThen it got better.\n"
    )
    assert said(reading) == [
        ("", "When I came I did not know anybody.", 1.0, 6.0),
        ("", "Then it got better.", 6.0, 7.0),
    ]
    assert reading.warnings == (
        "no speakers named: 3 pieces were joined to 2 turns at the ends of sentences",
    )


@pytest.mark.parametrize(
    ("pieces", "turns"),
    [
        ([("so I", 0.0, 1.0), ("went home", 1.0, 2.0)], 1),
        ([("so I", 0.0, 1.0), ("went home", 3.0, 4.0)], 2),  # two seconds of silence
        ([("so I", 0.0, 1.0), ("Went home", 1.0, 2.0)], 2),  # no sentence marks: a capital begins one
        ([("He went", 0.0, 1.0), ("To Bath.", 1.0, 2.0), ("Then", 2.0, 3.0)], 2),
        ([("so I", 5.0, 9.0), ("went home", 1.0, 2.0)], 2),  # out of order
        ([("so I", None, None), ("went home", 1.0, 2.0)], 2),
        ([("so I", None, None), ("went home", None, None)], 1),
        ([("a " * 100, 0.0, 1.0), ("b " * 30, 1.0, 2.0)], 2),  # over 120 words
        ([("«Was it?»", 0.0, 1.0), ("yes.", 1.0, 2.0)], 2),
        ([("", 0.0, 1.0), ("so", 1.0, 2.0)], 1),
    ],
)
def test_where_a_piece_of_nobody_goes_on(
    pieces: list[tuple[str, float | None, float | None]], turns: int
) -> None:
    utterances = [Utterance("", words.strip(), start, end) for words, start, end in pieces]
    assert len(join_utterances(utterances)[1]) == turns


def test_a_turn_never_ends_before_it_starts() -> None:
    pieces = [Utterance("A", "x", 9.0, None), Utterance("A", "y", 1.0, 2.0)]
    (turn,) = join_utterances(pieces)[1]
    assert (turn.start_time, turn.end_time) == (9.0, None)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("<v.loud Anna Maria><i>Hi</i> <00:00:02.000><c.x>there</c>", [("Anna Maria", "Hi there")]),
        ("<v Anna>Hi</v> <v Ben>Hello", [("Anna", "Hi"), ("Ben", "Hello")]),
        ("a &lt;b&gt; &amp; &nbsp;c", [("", "a <b> & c")]),
        ("if x < y and y > z", [("", "if x < y and y > z")]),
        ("<laughs> yes", [("", "<laughs> yes")]),
        ('{\\an8}<font color="red">Hi</font><br/>you', [("", "Hi you")]),
        ("two\nlines", [("", "two lines")]),
    ],
)
def test_markup_is_taken_off_and_words_are_kept(payload: str, expected: list[tuple[str, str]]) -> None:
    reading = vtt(f"00:01.000 --> 00:02.000\n{payload}\n")
    assert [(speaker, words) for speaker, words, _, _ in said(reading)] == expected


def test_a_script_is_left_out_and_told() -> None:
    reading = vtt("00:01.000 --> 00:02.000\nHi<script>alert(1)\nx</script>\n")
    assert said(reading)[0][1] == "Hi"
    assert reading.warnings == ("scripts left out: 1",)


def test_notes_styles_and_regions_are_no_talk() -> None:
    reading = vtt(
        "NOTE secret\nnote\n\nSTYLE\n::cue{}\n\nREGION\nid:x\n\n00:01.000 --> 00:02.000\n<v A>Hi\n\nNOTE x\n"
    )
    assert said(reading) == [("A", "Hi", 1.0, 2.0)]
    assert reading.warnings == ("2 notes (NOTE): left out",)


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        (
            "1\n00:00:01,000 --> 00:00:02,000\nOne\n2\n00:00:02,000 --> 00:00:03,000\nTwo\n",
            ["One", "Two"],
            "1 cue without a blank line before it",
        ),
        ("1\n00:00:01.000 --> 00:00:02.000\nOne\n", ["One"], "2 times with the decimal mark of another"),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nOne\n\nstray line\n",
            ["One stray line"],
            "1 line without a time of its own",
        ),
        ("1\n00:00:09,000 --> 00:00:02,000\nOne\n", ["One"], "1 cue ends before it starts"),
        (
            "1\n00:00:01,000 --> 00:00:03,000\nA\n\n1\n00:00:02,000 --> 00:00:04,000\nB\n",
            ["A", "B"],
            "1 cue name or number stands more than once",
        ),
        (
            "1\n00:00:05,000 --> 00:00:06,000\nA\n\n2\n00:00:02,000 --> 00:00:04,000\nB\n",
            ["A", "B"],
            "1 cue begins before the one above",
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nA b\n\n2\n00:00:03,000 --> 00:00:04,000\nA b\n",
            ["A b", "A b"],
            "lines that repeat the line above (rolling captions): 1",
        ),
    ],
)
def test_what_is_odd_is_told_and_costs_no_words(text: str, words: list[str], told: str) -> None:
    reading = srt(text)
    assert [words for _, words, _, _ in said(reading)] == words
    assert any(told in warning for warning in reading.warnings)
    assert reading.rejected == ()


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        ("00:00:04.000 --> 00:0", "line 5: the times of this cue cannot be read; no words follow"),
        ("00:00:0", "line 5: the file is cut in the head of a cue"),
        ("12", "line 5: the file is cut in the head of a cue"),
    ],
)
def test_a_file_that_is_cut_says_so(cut: str, problem: str) -> None:
    reading = vtt(f"00:01.000 --> 00:02.000\n<v A>Hi\n\n{cut}".removeprefix("\n"))
    assert said(reading) == [("A", "Hi", 1.0, 2.0)]
    assert reading.rejected == (problem.replace("line 5", "line 6"),)


def test_words_under_times_that_cannot_be_read_are_kept() -> None:
    reading = srt("1\n00:00:99,000 --> 00:01:99,000\nA\n\n2\n00:00:01,000 -> 00:00:02,000\nB\n")
    assert said(reading) == [("", "A", None, None), ("", "B", None, None)]
    assert [problem.split(":")[0] for problem in reading.rejected] == ["line 2", "line 6"]


def test_text_before_the_first_cue_is_rejected_with_its_line() -> None:
    reading = srt("Made by a program\n\n1\n00:00:01,000 --> 00:00:02,000\nA\n")
    assert reading.rejected == ("line 1: text before the first cue: not read",)


def test_a_vtt_without_its_first_line_is_read_all_the_same() -> None:
    reading = read_webvtt(b"00:01.000 --> 00:02.000\n<v A>Hi\n", source="a.vtt")
    assert said(reading) == [("A", "Hi", 1.0, 2.0)]
    assert reading.warnings == ("no WEBVTT at the head of the file: read all the same",)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends_change_nothing(ends: str) -> None:
    text = "WEBVTT - made\nKind: captions\n\nintro\n01:00:01.500 --> 100:00:02.000 align:left\n<v A>Hi\n"
    reading = read_webvtt(text.replace("\n", ends).encode("utf-8-sig"), source="a.vtt")
    assert said(reading) == [("A", "Hi", 3601.5, 360002.0)]
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"WEBVTT\n", "no text"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\n<i></i>\n", "no text"),
        (b"\x89PNG" + bytes(30), "a PNG image"),
        (b"WEBVTT\n\n" + b"a\n" * (MAX_LINES + 1), "100000 lines"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FileError) as raised:
        read_webvtt(data, source="a.vtt")
    assert reason in " ".join(raised.value.problems)


@given(
    lines=st.lists(st.sampled_from(["7", "00:00:01,000 --> 00:00:02,000", "", "z", "z -->", "--> z", " "]))
)
def test_no_order_of_lines_loses_a_word(lines: list[str]) -> None:
    reading = srt("\n".join(["1", "00:00:00,000 --> 00:00:01,000", "first", *lines]))
    assert reading.transcripts[0].text.split().count("z") == sum("z" in line for line in lines)
