"""Transcript files: plain text and turn tables, read whole or set aside with a reason."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpus.readers
from corpus.errors import FileError
from corpus.readers import READERS, read_transcripts
from corpus.readers.plain_text import read_plain_text
from corpus.readers.turn_table import read_time, read_turn_table
from corpus.records import Transcript

GOOD = "Interviewer: How did it go?\nParticipant 1: Fine, but slow.\n"


def words(transcript: Transcript) -> list[tuple[int, str, str]]:
    return [(turn.number, turn.speaker, transcript.text[turn.start : turn.end]) for turn in transcript.turns]


def read_outcome(path: Path) -> str:
    """ "reject", "partial", "warn" or "ok", as the manifest of bad inputs uses the words."""
    try:
        reading = read_transcripts(path, source=path.name)
    except FileError:
        return "reject"
    if reading.rejected:
        return "partial"
    return "warn" if reading.warnings else "ok"


def test_a_text_file_is_one_transcript_named_by_its_stem() -> None:
    (transcript,) = read_plain_text(GOOD.encode(), source="wave 1/Cafe\u0301 3.txt").transcripts
    assert (transcript.transcript_id, transcript.source) == ("Café 3", "wave 1/Cafe\u0301 3.txt")
    assert transcript.text == GOOD
    assert words(transcript) == [
        (1, "Interviewer", "How did it go?"),
        (2, "Participant 1", "Fine, but slow."),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encoding_and_line_ends_change_nothing(encoding: str, ends: str) -> None:
    reading = read_plain_text(GOOD.replace("\n", ends).encode(encoding), source="a.txt")
    assert reading.transcripts == read_plain_text(GOOD.encode(), source="a.txt").transcripts
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b" \n\t\n", "nothing but white space"),
        (b"INT:\nP1:\n", "labels without words"),
        (b"PK\x03\x04", "zip or docx"),
    ],
)
def test_a_text_file_in_which_nobody_speaks_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        read_plain_text(data, source="a.txt")


def test_a_turn_table_holds_many_transcripts_in_any_order() -> None:
    data = b'transcript,speaker,text\nP 1,INT,how?\nP2,INT,and you?\nP 1,Anna, fine \nP2,Bob,"two\nlines"\n'
    reading = read_turn_table(data, source="turns.csv")
    one, two = reading.transcripts
    assert (one.transcript_id, one.text, one.source) == ("P 1", "how?\n fine ", "turns.csv")
    assert words(one) == [(1, "INT", "how?"), (2, "Anna", "fine")]
    assert words(two) == [(1, "INT", "and you?"), (2, "Bob", "two\nlines")]
    assert (reading.warnings, reading.rejected) == ((), ())


def test_the_turn_column_numbers_and_orders_the_turns() -> None:
    data = b"transcript,turn,speaker,text\nA,3,x,third\nA,1,x,first\nA,7,x,seventh\n"
    (transcript,) = read_turn_table(data, source="turns.csv").transcripts
    assert transcript.text == "first\nthird\nseventh"
    assert words(transcript) == [(1, "x", "first"), (3, "x", "third"), (7, "x", "seventh")]


@pytest.mark.parametrize("numbered", [True, False])
def test_a_row_without_words_keeps_its_number_and_is_no_turn(numbered: bool) -> None:
    rows = [("A", "1", "x", "one"), ("A", "2", "x", "  "), ("A", "3", "x", "three")]
    lines = ["transcript,turn,speaker,text", *(",".join(row) for row in rows)]
    if not numbered:
        lines = [",".join(line.split(",")[:1] + line.split(",")[2:]) for line in lines]
    reading = read_turn_table("\n".join(lines).encode(), source="turns.csv")
    assert words(reading.transcripts[0]) == [(1, "x", "one"), (3, "x", "three")]
    assert reading.transcripts[0].text == "one\nthree"
    assert reading.warnings == ("1 row without words: it keeps its number but is no turn",)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A,x,s,text", "line 3: 'turn' is not a whole number from 1"),
        ("A,0,s,text", "line 3: 'turn' is not a whole number from 1"),
        ("A,²,s,text", "line 3: 'turn' is not a whole number from 1"),
        ("A,1,s,text", "line 3: turn 1 of this transcript stands there already"),
        (",2,s,text", "line 3: names no transcript"),
        ("A,2,s", "line 3: 3 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_listed_and_the_rest_is_read(row: str, reason: str) -> None:
    data = f"transcript,turn,speaker,text\nA,1,s,one\n{row}\nA,9,s,nine\n".encode()
    reading = read_turn_table(data, source="turns.csv")
    assert reading.rejected == (reason,)
    assert words(reading.transcripts[0]) == [(1, "s", "one"), (9, "s", "nine")]


def test_rejected_rows_shift_the_count_only_with_a_warning() -> None:
    reading = read_turn_table(b"transcript,speaker,text\nA,s,one\nA,s\nA,s,three\n", source="t.csv")
    assert words(reading.transcripts[0]) == [(1, "s", "one"), (2, "s", "three")]
    assert any("counted one too low" in warning for warning in reading.warnings)


def test_times_are_read_in_seconds_or_by_the_clock() -> None:
    data = b"transcript,speaker,text,start_time,end_time\nA,x,one,0:03,5.5\nA,x,two,soon,\n"
    reading = read_turn_table(data, source="t.csv")
    one, two = reading.transcripts[0].turns
    assert (one.start_time, one.end_time, two.start_time, two.end_time) == (3.0, 5.5, None, None)
    assert reading.warnings == ("1 time that is neither seconds nor h:mm:ss: left out",)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("12", 12.0),
        ("12,5", 12.5),
        ("1:02", 62.0),
        ("01:00:02.25", 3602.25),
        ("", None),
        ("-1", None),
        ("inf", None),
    ],
)
def test_read_time(cell: str, seconds: float | None) -> None:
    assert read_time(cell) == seconds


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"transcript,speaker,text\n", "no rows with words"),
        (b"transcript,speaker,text\nA,x, \n", "no rows with words"),
        (b"transcript,speaker,text\nA,x\n", "line 2: 2 cells"),
        (b"doc_id,coder,code,start,end\nd,A,x,0,3\n", "the column 'transcript' is missing"),
    ],
)
def test_a_table_without_talk_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        read_turn_table(data, source="turns.csv")


cell = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=12)


@given(rows=st.lists(st.tuples(st.sampled_from(["A", "B", "a b"]), cell, cell), min_size=1, max_size=8))
def test_every_word_of_a_turn_table_is_kept(rows: list[tuple[str, str, str]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([("transcript", "speaker", "text"), *rows])
    expected = {(name, speaker.strip(), text.strip()) for name, speaker, text in rows if text.strip()}
    try:
        reading = read_turn_table(stream.getvalue().encode(), source="t.csv")
    except FileError:
        assert not expected
        return
    assert {(t.transcript_id, s, w) for t in reading.transcripts for _, s, w in words(t)} == expected


def test_the_reader_follows_the_ending_whatever_its_case(tmp_path: Path) -> None:
    path = tmp_path / "P1.TXT"
    path.write_text(GOOD)
    assert read_transcripts(path, source="P1.TXT").transcripts[0].transcript_id == "P1"
    assert {".txt", ".csv"} <= set(READERS)


def test_a_symbolic_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text(GOOD)
    (tmp_path / "P1.txt").symlink_to(tmp_path / "elsewhere.txt")
    assert read_transcripts(tmp_path / "P1.txt", source="P1.txt").transcripts[0].transcript_id == "P1"


@pytest.mark.parametrize("name", ["a.wav", "no_ending", "gone.txt"])
def test_a_file_that_cannot_be_read_is_named_below_the_study_only(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError) as caught:
        read_transcripts(tmp_path / name, source=f"site/{name}")
    assert caught.value.file == f"site/{name}"
    assert str(tmp_path) not in str(caught.value)


def test_an_unknown_ending_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no reader for the ending '\.wav'(.|\n)*\.csv.*\.txt"):
        read_transcripts(tmp_path / "a.wav", source="a.wav")


def test_a_file_over_the_limit_is_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus.readers, "MAX_BYTES", 2**20)
    with (tmp_path / "a.txt").open("wb") as stream:
        stream.truncate(2**20 + 1)
    with pytest.raises(FileError, match="a transcript file may have 1 MB"):
        read_transcripts(tmp_path / "a.txt", source="a.txt")


def test_messages_hold_neither_words_nor_labels() -> None:
    secrets = ("Rumpelstiltskin", "Ludmilla")
    text = "INT: hi\nP1: \n\u202eLudmilla: Rumpelstiltskin\nsaid\nINT: no\0\nP1: yes\nand\nso\n"
    table = "transcript,turn,speaker,text,start_time\nA,1,Ludmilla,Rumpelstiltskin,Ludmilla\nA,Ludmilla,x,y,z\nA,2\n"
    for reading in (
        read_plain_text(text.encode() + b"\xff\xfe", source="a.txt"),
        read_turn_table(table.encode(), source="t.csv"),
    ):
        messages = " ".join((*reading.warnings, *reading.rejected))
        assert messages
        assert not any(secret in messages for secret in secrets)


# A file's place in the manifest and, where its rule is not the reader's to keep, the outcome here.
NOT_THE_READERS_RULE = {
    "dup_trailing_newline.txt": "ok"
}  # the same talk twice: for ingest, which sees both files


def test_every_odd_text_file_has_the_outcome_that_its_manifest_names(shared_dir: Path) -> None:
    bad = shared_dir / "truth" / "badinputs"
    with (bad / "MANIFEST.csv").open(newline="", encoding="utf-8") as stream:
        rows = [
            row for row in csv.DictReader(stream) if row["file"].startswith(("txt/", "controls/good.txt"))
        ]
    assert len(rows) == 24
    expected = {row["file"]: NOT_THE_READERS_RULE.get(Path(row["file"]).name, row["outcome"]) for row in rows}
    found = {}
    for name in expected:
        found[name] = read_outcome(bad / name)
    assert found == expected


@pytest.mark.parametrize("name", ["utf8_bom", "utf16be_bom", "utf32le_bom", "dup_trailing_newline"])
def test_odd_copies_of_the_control_say_what_the_control_says(shared_dir: Path, name: str) -> None:
    bad = shared_dir / "truth" / "badinputs"
    (good,) = read_transcripts(bad / "controls" / "good.txt", source="good.txt").transcripts
    (copy,) = read_transcripts(bad / "txt" / f"{name}.txt", source="copy.txt").transcripts
    assert len(good.turns) == 4
    assert words(copy) == words(good)


@pytest.mark.parametrize(
    ("name", "n_turns"),
    [
        ("cr_only", 3),
        ("one_long_line", 1),
        ("redos_speaker", 1),
        ("formula_lines", 1),
        ("rtl_hebrew_arabic", 2),
        ("shift_jis", 2),
        ("speaker_name_script", 2),
        ("html_script", 2),
        ("astral_math", 1),
        ("zero_width", 1),
    ],
)
def test_odd_text_files_have_their_turns(shared_dir: Path, name: str, n_turns: int) -> None:
    path = shared_dir / "truth" / "badinputs" / "txt" / f"{name}.txt"
    assert len(read_transcripts(path, source=path.name).transcripts[0].turns) == n_turns


@pytest.mark.parametrize(
    ("study", "n_transcripts", "n_turns"),
    [("serdif", 17, 3009), ("nhs_feedback", 4392, 7400), ("annomi_ten_coders", 7, 428)],
)
def test_real_turn_tables_are_read_completely(
    shared_dir: Path, study: str, n_transcripts: int, n_turns: int
) -> None:
    path = shared_dir / "data" / study / "transcripts" / "turns.csv"
    reading = read_transcripts(path, source="turns.csv")
    assert (reading.warnings, reading.rejected) == ((), ())
    with path.open(newline="", encoding="utf-8") as stream:
        rows = {
            (r["transcript"], int(r["turn"]), r["speaker"], r["text"].strip()) for r in csv.DictReader(stream)
        }
    found = {(t.transcript_id, *turn) for t in reading.transcripts for turn in words(t)}
    assert found == rows
    assert (len(reading.transcripts), len(found)) == (n_transcripts, n_turns)


def test_the_sample_study_names_its_speakers() -> None:
    folder = Path(corpus.readers.__file__).parents[1] / "sample" / "transcripts"
    for path in sorted(folder.glob("*.txt")):
        reading = read_transcripts(path, source=path.name)
        assert reading.warnings == (), path.name
        assert len({turn.speaker for turn in reading.transcripts[0].turns}) == 2, path.name
