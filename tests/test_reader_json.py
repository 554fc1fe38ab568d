"""JSON: machine transcripts with times, and documents with codings whose offsets are brought to ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.readers.exchange import COLUMNS, read_exchange, read_json
from corpus.readers.offsets import OffsetRule, unit_called
from corpus.records import Reading


def said(reading: Reading) -> list[tuple[str, str, float | None, float | None]]:
    (transcript,) = reading.transcripts
    return [(t.speaker, transcript.text[t.start : t.end], t.start_time, t.end_time) for t in transcript.turns]


def read(value: Any, *, source: str = "a.json") -> Reading:
    return read_json(json.dumps(value).encode(), source=source)


def reasons(data: bytes, *, source: str = "a.json") -> str:
    with pytest.raises(FileError) as raised:
        read_json(data, source=source)
    return " ".join(raised.value.problems)


SEGMENTS = [
    {"id": 0, "start": 0.0, "end": 2.5, "text": " How was  it?", "speaker": "SPEAKER_00"},
    {"id": 1, "start": 2.5, "end": 4, "text": " Fine", "speaker": "SPEAKER_01", "words": []},
    {"id": 2, "start": 4, "end": 5, "text": " thanks.", "speaker": "SPEAKER_01"},
]


@pytest.mark.parametrize("value", [{"text": "all", "segments": SEGMENTS, "language": "en"}, SEGMENTS])
def test_segments_become_turns_of_their_speakers(value: Any) -> None:
    reading = read(value)
    assert said(reading) == [
        ("SPEAKER_00", "How was it?", 0.0, 2.5),
        ("SPEAKER_01", "Fine thanks.", 2.5, 5.0),
    ]
    assert reading.transcripts[0].text == "How was it?\nFine thanks."
    assert reading.warnings == ()


def test_whisper_cpp_counts_in_milliseconds() -> None:
    value = {"transcription": [{"offsets": {"from": 500, "to": 1500}, "text": " Hi."}]}
    assert said(read(value)) == [("", "Hi.", 0.5, 1.5)]


def test_segments_of_nobody_are_joined_to_sentences() -> None:
    value = [
        {"start": 0, "end": 3, "text": "When I came"},
        {"start": 3, "end": 5, "text": "nobody was there."},
    ]
    assert said(read(value)) == [("", "When I came nobody was there.", 0.0, 5.0)]


@pytest.mark.parametrize(
    ("segment", "expected", "told"),
    [
        ({"start": -1, "end": 2}, (None, 2.0), "1 time that is no number of seconds"),
        ({"start": "0:01", "end": True}, (None, None), "2 times that are no numbers of seconds"),
        ({"start": 3, "end": 1}, (3.0, None), "1 segment ends before it starts"),
        ({}, (None, None), ""),
    ],
)
def test_times_that_make_no_sense_are_left_out_and_told(
    segment: dict[str, Any], expected: tuple[float | None, float | None], told: str
) -> None:
    reading = read({"segments": [{"text": "Hi.", **segment}]})
    assert said(reading)[0][2:] == expected
    assert [told in warning for warning in reading.warnings] == [True] * bool(told)


def test_a_segment_without_words_is_rejected_by_its_number() -> None:
    reading = read({"segments": [{"text": "Hi."}, {"text": None}, 3]})
    assert reading.rejected == (
        "segment 2: no object with a text",
        "segment 3: no object with a text",
    )


TEXT = "Interviewer: How was it?\nP1: 😀 sad, but fine.\n"


def document(**more: Any) -> dict[str, Any]:
    return {"doc_id": "d", "text": TEXT, **more}


def coded(start: Any, end: Any, **more: Any) -> dict[str, Any]:
    return {"coder": "Ann", "code": "Mood", "start": start, "end": end, **more}


def test_a_document_is_a_transcript_and_its_codings_are_a_table() -> None:
    at = TEXT.index("sad")
    found = read_exchange(
        json.dumps(document(codings=[coded(at, at + 3, quote="sad", memo="m")])).encode(), source="a.json"
    )
    assert found.transcripts[0].text == TEXT
    assert [turn.speaker for turn in found.transcripts[0].turns] == ["Interviewer", "P1"]
    assert found.codings.columns == COLUMNS
    (row,) = found.codings.rows
    cells = {"transcript": "d", "coder": "Ann", "code": "Mood", "quote": "sad", "memo": "m"}
    assert row.cells == {**cells, "start": str(at), "end": str(at + 3)}


def test_codings_are_told_where_only_transcripts_are_read() -> None:
    reading = read(document(codings=[coded(0, 5)]))
    assert reading.warnings == ("codings in this file: 1; 'precode import' brings them in",)


@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=30), data=st.data())
@pytest.mark.parametrize("unit", ["code points", "utf-16", "utf-8"])
def test_offsets_in_any_unit_slice_the_same_words(unit: str, text: str, data: st.DataObject) -> None:
    text = text.replace("\r", "\r\n")
    at = data.draw(st.integers(0, len(text)))
    given_offset = {
        "code points": at,
        "utf-16": len(text[:at].encode("utf-16-le")) // 2,
        "utf-8": len(text[:at].encode()),
    }[unit]
    converted = OffsetRule(text, unit).convert(given_offset)
    inside_pair = text[max(at - 1, 0) : at + 1] == "\r\n"
    assert converted == len(text[:at].replace("\r\n", "\n")) - inside_pair


@pytest.mark.parametrize(
    ("offset", "unit"), [(-1, "code points"), (99, "code points"), (1, "utf-16"), (2, "utf-8")]
)
def test_offsets_outside_or_inside_a_character_are_none(offset: int, unit: str) -> None:
    assert OffsetRule("😀", unit).convert(offset) is None


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("UTF-16", "utf-16"),
        ("utf16", "utf-16"),
        ("bytes", "utf-8"),
        ("code_points", "code points"),
        ("codepoints", "code points"),
        ("Code Points", "code points"),
        ("words", ""),
    ],
)
def test_units_are_known_by_their_usual_spellings(name: str, unit: str) -> None:
    assert unit_called(name) == unit


@pytest.mark.parametrize(
    ("coding", "reason"),
    [
        (coded(0, 3.7), "'end' is 3.7, no whole number"),
        (coded("0", 3), "'start' is missing or no whole number"),
        (coded(True, 3), "'start' is missing or no whole number"),
        (coded(0, 999), "'end' is 999: outside the text or inside a character"),
        (coded(-1, 3), "'start' is -1: outside the text or inside a character"),
        (coded(3, 3), "'start' is not before 'end'"),
        (coded(0, 3, quote="else"), "the words at its offsets are not those of 'quote'"),
        ({"code": "c", "start": 0, "end": 3}, "'coder' is missing, empty or no string"),
        ([1], "no JSON object"),
    ],
)
def test_a_coding_that_cannot_be_used_is_listed_with_its_reason(coding: Any, reason: str) -> None:
    found = read_exchange(json.dumps(document(codings=[coded(0.0, 3.0), coding])).encode(), source="a.json")
    assert len(found.codings.rows) == 1
    assert found.rejected == (f"line 1, coding 2: {reason}",)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"doc_id": "d"}, "'text' is missing"),
        ({"doc_id": "d", "text": None}, "'text' is null"),
        ({"doc_id": "d", "text": 3}, "'text' is no string"),
        ({"doc_id": " ", "text": "P1: a"}, "'doc_id' is missing, empty or no string"),
        ({"doc_id": "d", "text": " \n"}, "no text"),
        (document(schema_version=2), "'schema_version' is 2: made by a newer version"),
        (document(schema_version="1"), "'schema_version' is not one that is known"),
        (document(offset_unit="words"), "'offset_unit' is none of"),
        (document(codings="x"), "'codings' is no list"),
        ([1], "no JSON object"),
        (3, "no JSON object"),
    ],
)
def test_what_is_no_document_is_refused_with_its_reason(value: Any, reason: str) -> None:
    assert reason in reasons(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b" \n", "empty file"),
        (b'{"text": NaN}', "NaN is no JSON number"),
        (b'{"text": -Infinity}', "-Infinity is no JSON number"),
        (b'{"text": "a", "text": "b"}', "duplicate key"),
        (b"[" * 101 + b"]" * 101, "more than 100 brackets inside each other"),
        (b"[" + b"{}," * 300_000 + b"{}]", "300000 are allowed"),
        (b'{"text": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"text": "a\\', "malformed or cut at character"),
        (b'{"text": "' + b"[" * 200, "malformed or cut at character"),
    ],
)
def test_what_is_no_json_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    assert reason in reasons(data)


def test_brackets_in_words_are_no_nesting() -> None:
    assert len(read({"text": "P1: " + '[("' * 500}).transcripts) == 1


def test_lines_are_documents_of_their_own() -> None:
    lines = [
        json.dumps({"doc_id": "a", "text": "P1: x"}),
        "",
        '{"doc_id": "b", "te',
        json.dumps({"doc_id": "a", "text": "P1: y"}),
        json.dumps({"text": "P1: z"}),
    ]
    reading = read_json("\n".join(lines).encode(), source="all.jsonl")
    assert [transcript.transcript_id for transcript in reading.transcripts] == ["a"]
    assert reading.rejected == (
        "line 3: not JSON: malformed or cut at character 17",
        "line 4: its doc_id stands in the file already",
        "line 5: 'doc_id' is missing, empty or no string",
    )


def test_a_document_without_an_id_is_named_by_its_file() -> None:
    assert read({"text": "P1: x"}, source="wave 1/int 3.json").transcripts[0].transcript_id == "int 3"


def test_lone_surrogates_never_reach_the_text() -> None:
    reading = read_json(b'{"text": "P1: \\ud800 half"}', source="a.json")
    assert reading.transcripts[0].text == "P1: \ufffd half"
    assert reading.warnings == ("1 lone surrogate replaced by U+FFFD",)
