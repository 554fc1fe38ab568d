"""Every bad or odd document has the outcome that its manifest names; forms of transcripts that people have."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.errors import FileError
from corpus.readers import READERS, read_transcripts
from corpus.readers.exchange import read_exchange
from corpus.readers.speakers import find_turns
from corpus.readers.workbook import read_workbook
from corpus.records import Reading
from corpus.tables import Table

FORMATS = ("docx", "odt", "rtf", "pdf", "vtt", "srt", "xlsx", "json")
CONTROLS = tuple(f"controls/good.{kind}" for kind in (*FORMATS, "jsonl"))

# Read exactly as the manifest says, and a word on what is no part of the talk: nothing is left out in silence.
OK_AND_TOLD = {
    "controls/good.json": "codings in this file: 1; 'precode import' brings them in",
    "controls/good.jsonl": "codings in this file: 3; 'precode import' brings them in",
    "json/bom.json": "codings in this file: 1; 'precode import' brings them in",
    "json/utf16.json": "codings in this file: 1; 'precode import' brings them in",
    "json/utf16_offsets.json": "codings in this file: 1; 'precode import' brings them in",
    "docx/bomb_nested.docx": "1 embedded file: not opened",
    "docx/soft_breaks_tabs.docx": "1 sign of a picture font: left out",
    "vtt/note_style_region.vtt": "1 note (NOTE): left out",
    "srt/html_font_script.srt": "scripts left out: 1",
}
# The manifest leaves the choice between refusal and warning to us.
CHOSEN = {"pdf/truncated.pdf": "reject"}

REASONS = {
    "docx/xxe_file.docx": "DTD is not allowed",
    "docx/xxe_remote.docx": "DTD is not allowed",
    "docx/xxe_parameter.docx": "DTD is not allowed",
    "docx/xxe_content_types.docx": "DTD is not allowed",
    "docx/dtd_harmless.docx": "DTD is not allowed",
    "docx/quadratic_blowup.docx": "DTD is not allowed",
    "docx/duplicate_member.docx": "duplicate member",
    "docx/bomb_overlap.docx": "duplicate member",
    "docx/missing_content_types.docx": "no [Content_Types].xml",
    "docx/crc_mismatch.docx": "damaged member word/document.xml",
    "docx/size_lie_small.docx": "damaged member word/document.xml",
    "docx/zip_encrypted_flag.docx": "encrypted",
    "docx/bad_xml.docx": "line 1 of word/document.xml",
    "docx/empty_body.docx": "no text",
    "odt/billion_laughs.odt": "DTD is not allowed",
    "odt/bomb.odt": "content.xml expands to 300.0 MB",
    "odt/missing_content.odt": "no content.xml",
    "odt/encrypted.odt": "encrypted",
    "rtf/bin_huge.rtf": "binary data of 2147483647 bytes",
    "pdf/empty.pdf": "empty file",
    "pdf/no_text_layer.pdf": "no text layer, needs OCR",
    "pdf/page_loop.pdf": "damaged",
    "pdf/html_named_pdf.pdf": "not a PDF",
    "vtt/header_only.vtt": "no text",
    "xlsx/billion_laughs_sst.xlsx": "DTD is not allowed",
    "xlsx/xxe_sst.xlsx": "DTD is not allowed",
    "xlsx/no_sheets.xlsx": "no sheets",
    "xlsx/csv_named_xlsx.xlsx": "not an Excel workbook",
    "json/empty.json": "empty file",
    "json/nan_infinity.json": "NaN",
    "json/duplicate_keys.json": "duplicate key",
    "json/deep_nesting.json": "100 brackets inside each other",
    "json/null_text.json": "'text' is null",
    "json/future_schema.json": "newer version",
    "json/array_in_jsonl.jsonl": "line 4: no JSON object",
}


def outcomes_of_manifest(bad: Path) -> dict[str, str]:
    """File -> outcome, for the formats of this test."""
    with (bad / "MANIFEST.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {
        row["file"]: row["outcome"] for row in rows if row["format"] in FORMATS or row["file"] in CONTROLS
    }


def read_any(path: Path, name: str) -> Reading | Table:
    """A transcript file; a workbook of ratings, as those of the manifest are, as a table."""
    if path.suffix == ".xlsx":
        return read_workbook(path.read_bytes(), file=name)
    return read_transcripts(path, source=name)


def outcome(path: Path, name: str) -> str:
    try:
        found = read_any(path, name)
    except FileError as error:
        assert error.problems
        assert str(error).startswith(f"{name}: ")
        assert REASONS.get(name, "") in str(error)
        return "reject"
    if found.rejected:
        return "partial"
    if found.warnings == (OK_AND_TOLD.get(name),):
        return "ok"
    return "warn" if found.warnings else "ok"


def test_every_bad_document_has_the_outcome_that_its_manifest_names(shared_dir: Path) -> None:
    bad = shared_dir / "truth" / "badinputs"
    manifest = outcomes_of_manifest(bad)
    assert len(manifest) == 91
    expected = {**manifest, **CHOSEN}
    assert {name: outcome(bad / name, name) for name in expected} == expected
    assert {name for name, what in manifest.items() if what == "reject"} == set(REASONS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docx/soft_breaks_tabs.docx", "P1:\ta\nb-c"),
        ("docx/hidden_text.docx", "P1: seen"),
        ("docx/bomb_nested.docx", "Interviewer: How was it?\nP1: Fine."),
        ("docx/case_duplicate_member.docx", "Interviewer: How was it?\nP1: Fine."),
        ("docx/textbox_table_footnote.docx", "P1\tin a table\n\nin a box"),
        ("docx/dde_field.docx", "\nP1: hi"),
        ("odt/spaces_tabs.odt", "P1:   a\tb\nc"),
        ("odt/tracked.odt", "P1: kept"),
        ("rtf/unicode_surrogates.rtf", "P1: 😀 end"),
        ("rtf/lone_surrogate.rtf", "P1: \ufffd end"),
        ("rtf/remote_picture.rtf", "P1: hi"),
        ("rtf/hidden_deleted.rtf", "P1: seen"),
        ("rtf/not_rtf.rtf", "P1: plain text"),
        ("pdf/javascript_openaction.pdf", "P1: It was fine."),
        ("controls/good.pdf", "P1: It was fine."),
        ("vtt/tags_voice_nested.vtt", "Hi there <b> & x"),
        ("vtt/missing_blank_line.vtt", "One\nTwo"),
        ("vtt/overlap_unordered.vtt", "Later\nEarlier and overlapping"),
        ("vtt/truncated.vtt", "Hello there"),
        ("srt/dup_and_wrong_index.srt", "One\nTwo\nThree"),
        ("srt/malformed_times.srt", "A\nB\nC"),
        ("srt/html_font_script.srt", "Hi"),
        ("srt/index_zero_huge.srt", "A\nB"),
        ("srt/cp1252.srt", "J’ai déjà vu"),
        ("json/lone_surrogate.json", "P1: \ufffd half"),
    ],
)
def test_odd_documents_are_read_to_the_letter(shared_dir: Path, name: str, text: str) -> None:
    path = shared_dir / "truth" / "badinputs" / name
    (transcript,) = read_transcripts(path, source=name).transcripts
    assert transcript.text == text


@pytest.mark.parametrize(
    ("name", "spans"), [("json/utf16_offsets.json", ["sad"]), ("json/float_offsets.json", [])]
)
def test_codings_in_json_point_at_their_words(shared_dir: Path, name: str, spans: list[str]) -> None:
    found = read_exchange((shared_dir / "truth" / "badinputs" / name).read_bytes(), source=name)
    text = found.transcripts[0].text
    cells = [row.cells for row in found.codings.rows]
    assert [text[int(cell["start"]) : int(cell["end"])] for cell in cells] == spans


def test_hours_beyond_99_are_read(shared_dir: Path) -> None:
    path = shared_dir / "truth" / "badinputs" / "vtt" / "hours_100.vtt"
    (transcript,) = read_transcripts(path, source="a.vtt").transcripts
    assert (transcript.turns[0].start_time, transcript.turns[0].end_time) == (360_001.0, 360_004.0)


@pytest.mark.parametrize("name", ["formula_text", "dimension_lie", "error_cells", "last_cell_far"])
def test_odd_workbooks_hold_the_values_that_a_person_sees(shared_dir: Path, name: str) -> None:
    path = shared_dir / "truth" / "badinputs" / "xlsx" / f"{name}.xlsx"
    table = read_workbook(path.read_bytes(), file=name)
    expected = [("1", "=1+1", "@SUM(1)")] if name == "formula_text" else [("1", "a", "a"), ("2", "a", "b")]
    assert [tuple(row.cells.values()) for row in table.rows] == expected


HEAD = "Meeting Recording\n\nMarch 3, 2024, 9:00AM\n\n"
FORMS: dict[str, str] = {
    "Teams, document": f"{HEAD}Anna Smith   0:03\nHow was it?\n\nBen Jones   0:05\nFine.\n\n"
    "Anna Smith   0:09\nGood.\n",
    "Teams, older": "0:0:3.0 --> 0:0:4.2\nAnna Smith\nHow was it?\n0:0:5.0 --> 0:0:6.0\nBen Jones\nFine.\n"
    "0:0:9.0 --> 0:0:9.5\nAnna Smith\nGood.\n",
    "Otter": "Anna Smith  00:03\nHow was it?\n\nBen Jones  00:05\nFine.\n\nAnna Smith  00:09\nGood.\n",
    "Otter, numbered": "Anna Smith (00:00:03)\nHow was it?\n\nBen Jones (00:00:05)\nFine.\n\n"
    "Anna Smith (00:00:09)\nGood.\n",
    "Trint": "[00:00:03] Anna Smith: How was it?\n[00:00:05] Ben Jones: Fine.\n[00:00:09] Anna Smith: Good.\n",
    "Zoom, chat style": "00:00:03 Anna Smith: How was it?\n00:00:05 Ben Jones: Fine.\n00:00:09 Anna Smith: Good.\n",
    "table, time first": "0:03\tAnna Smith\tHow was it?\n0:05\tBen Jones\tFine.\n0:09\tAnna Smith\tGood.\n"
    "0:11\tBen Jones\tYes.\n",
    "table, name first": "Anna Smith\t0:03\tHow was it?\nBen Jones\t0:05\tFine.\nAnna Smith\t0:09\tGood.\n"
    "Ben Jones\t0:11\tYes.\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_speakers_and_times_in_the_forms_that_programs_write(form: str) -> None:
    text = FORMS[form]
    turns, warnings = find_turns(text)
    named = [(t.speaker, text[t.start : t.end], t.start_time) for t in turns if t.speaker]
    assert named[:3] == [
        ("Anna Smith", "How was it?", 3.0),
        ("Ben Jones", "Fine.", 5.0),
        ("Anna Smith", "Good.", 9.0),
    ]
    assert warnings == ()


def test_where_only_the_interviewer_is_labelled_other_lines_are_another_speakers() -> None:
    text = "Task 1\n\tSo I log in.\n\tMODERATOR: Go on.\n\tI do.\n\tMODERATOR: And now?\n\tDone.\n"
    turns, warnings = find_turns(text)
    assert [(t.speaker, text[t.start : t.end]) for t in turns] == [
        ("", "Task 1\n\tSo I log in."),
        ("MODERATOR", "Go on."),
        ("", "I do."),
        ("MODERATOR", "And now?"),
        ("", "Done."),
    ]
    assert warnings == ("only the interviewer is labelled: lines without a label are another speaker's",)


ZOOM = "WEBVTT\n\n1\n00:00:03.000 --> 00:00:04.000\n{}\n\n2\n00:00:05.000 --> 00:00:06.000\n{}\n"
CAPTIONS: dict[str, tuple[str, Callable[[str, str], str]]] = {
    "Zoom": (".vtt", lambda a, b: ZOOM.format(f"Anna Smith: {a}", f"Ben Jones: {b}")),
    "Teams": (".vtt", lambda a, b: ZOOM.format(f"<v Anna Smith>{a}</v>", f"<v Ben Jones>{b}</v>")),
    "Otter": (
        ".srt",
        lambda a, b: ZOOM[8:].format(f"Anna Smith: {a}", f"Ben Jones: {b}").replace(".000", ",000"),
    ),
    "WhisperX": (
        ".json",
        lambda a, b: json.dumps(
            {
                "segments": [
                    {"start": 3.0, "end": 4.0, "text": f" {a}", "speaker": "Anna Smith"},
                    {"start": 5.0, "end": 6.0, "text": f" {b}", "speaker": "Ben Jones"},
                ]
            }
        ),
    ),
}


@pytest.mark.parametrize("program", CAPTIONS)
def test_captions_of_the_programs_people_use_give_the_same_turns(program: str, tmp_path: Path) -> None:
    suffix, written = CAPTIONS[program]
    path = tmp_path / f"a{suffix}"
    path.write_text(written("How was it?", "Fine, it was all very kind."), encoding="utf-8")
    reading = read_transcripts(path, source=path.name)
    (transcript,) = reading.transcripts
    found = [
        (t.speaker, transcript.text[t.start : t.end], t.start_time, t.end_time) for t in transcript.turns
    ]
    assert found == [
        ("Anna Smith", "How was it?", 3.0, 4.0),
        ("Ben Jones", "Fine, it was all very kind.", 5.0, 6.0),
    ]
    assert (reading.warnings, reading.rejected) == ((), ())


@pytest.mark.parametrize("suffix", sorted(set(READERS) - {".txt", ".csv"}))
@pytest.mark.parametrize("data", [b"", b"\x00", b"PK\x03\x04", b"%PDF-", b"{\\rtf", b"{", b"\xff" * 40])
def test_rubbish_under_any_ending_is_a_clear_error(suffix: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    try:
        reading = read_transcripts(path, source=path.name)
    except FileError as error:
        assert error.file == path.name
    else:
        assert reading.warnings
