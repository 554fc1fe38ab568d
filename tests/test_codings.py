from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.addresses import AddressError, resolve_address
from corpus.codings import CodingsReading, read_codings
from corpus.coverage import read_coverage
from corpus.errors import FileError
from corpus.records import Coding, Read, Transcript, Turn
from corpus.tables import write_table

TEXT = "INT: How was it?\nP1: The wait was long 🙂 and the wait was dull.\nINT: And then?\n"
TURNS = (Turn(1, "INT", 5, 16), Turn(2, "P1", 21, 63), Turn(3, "INT", 69, 78))
CLINIC = Transcript("clinic", TEXT, TURNS)
HEADER = "transcript,code,start,end,quote,turn,memo,coded_at,basis\n"

Read_ = Callable[..., CodingsReading]


@pytest.fixture
def read() -> Read_:
    """Rows of Ann's file -> what reading gives."""

    def reading(rows: str, *, header: str = HEADER, set_aside: bool = False) -> CodingsReading:
        return read_codings(
            (header + rows).encode(),
            file="codings/ann.csv",
            coder="ann",
            transcripts={"clinic": CLINIC},
            some_set_aside=set_aside,
        )

    return reading


def test_the_example_is_what_it_says() -> None:
    assert [TEXT[turn.start : turn.end] for turn in TURNS] == [
        "How was it?",
        "The wait was long 🙂 and the wait was dull.",
        "And then?",
    ]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("21,38,,", "The wait was long"),
        ("21,38,The wait was long,", "The wait was long"),
        ("39,40,🙂,", "🙂"),
        (",,,2", "The wait was long 🙂 and the wait was dull."),
        (",,long 🙂 and,", "long 🙂 and"),
        (",,long 🙂 and,2", "long 🙂 and"),
        (" 21 , 38 ,,", "The wait was long"),
        ("21,38,,3", "The wait was long"),
    ],
)
def test_each_kind_of_address_names_its_words(read: Read_, address: str, words: str) -> None:
    (coding,) = read(f"clinic,Waiting,{address},,,\n").codings
    assert TEXT[coding.start : coding.end] == words


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (",,,", "no address"),
        ("21,,,", "end is '', not a whole number"),
        (",38,,", "start is '', not a whole number"),
        ("21.0,38,,", "start is '21.0', not a whole number"),
        ("1_0,38,,", "start is '1_0', not a whole number"),
        ("-1,3,,", "start -1 is negative"),
        ("38,21,,", "start 38 is not before end 21"),
        ("21,21,,", "start 21 is not before end 21"),
        ("21,9999,,", "end 9999 lies past the end"),
        ("21,38,The wait was lonG,", "the quote is not what stands at 21 to 38"),
        ("21,38,The wait was long ,", "the quote is not what stands at 21 to 38"),
        (",,,4", "no turn 4 (the transcript has 3)"),
        (",,,0", "no turn 0"),
        (",,,two", "turn is 'two', not a whole number"),
        (",,the wait was longer,", "the quote does not stand in the transcript"),
        (",,wait was,", "the quote stands more than once"),
        (",,How was,2", "the quote does not stand"),
    ],
)
def test_each_kind_of_bad_row_is_listed_with_its_line(read: Read_, address: str, reason: str) -> None:
    found = read(f"clinic,Waiting,21,38,,,,,\nclinic,Waiting,{address},,,\n")
    assert len(found.codings) == 1
    (problem,) = found.rejected
    assert problem.startswith("line 3: ")
    assert reason in problem


def test_bad_rows_are_all_listed_at_once(read: Read_) -> None:
    found = read("nowhere,x,0,1,,,,,\nclinic,x,9,1,,,,,\nclinic,x\nclinic,x,0,1,,,,,maybe\n")
    assert sorted(problem[:6] for problem in found.rejected) == ["line 2", "line 3", "line 4", "line 5"]
    assert found.codings == ()
    assert found.read_ids == ()


def test_reason_for_refusal_holds_no_words_of_the_transcript(read: Read_) -> None:
    found = read("clinic,x,0,3,secret words,,,,\nclinic,x,,,other secret,,,,\n")
    assert len(found.rejected) == 2
    assert "secret" not in " ".join(found.rejected)


def test_overlapping_places_of_a_quote_count_as_two() -> None:
    transcript = Transcript("t", "ananas", (Turn(1, "", 0, 6),))
    with pytest.raises(AddressError, match="more than once"):
        resolve_address({"quote": "ana"}, transcript)


def test_row_with_an_empty_code_says_that_the_transcript_was_read(read: Read_) -> None:
    found = read("clinic,,,,,,,,\n")
    assert found.codings == ()
    assert found.read_ids == ("clinic",)
    assert found.rejected == ()


def test_refused_row_does_not_say_that_the_transcript_was_read(read: Read_) -> None:
    assert read("clinic,x,9,1,,,,,\n").read_ids == ()


def test_row_for_an_unknown_transcript_is_refused_or_counted(read: Read_) -> None:
    rows = "elsewhere,x,0,1,,,,,\nclinic,x,0,1,,,,,\n"
    assert read(rows).rejected == ("line 2: no transcript 'elsewhere'",)
    aside = read(rows, set_aside=True)
    assert (aside.n_unknown, aside.rejected, len(aside.codings)) == (1, (), 1)


def test_memo_date_and_basis_are_kept(read: Read_) -> None:
    (coding,) = read('clinic,Waiting,21,38,,,"why, so",2024-05-01, Blind \n').codings
    assert coding == Coding("clinic", "ann", "Waiting", 21, 38, "why, so", "2024-05-01", "blind")


def test_code_and_transcript_names_are_tidied(read: Read_) -> None:
    (coding,) = read(" clinic , Cafe\u0301  noise ,0,3,,,,,\n").codings
    assert coding.code == "Café noise"


def test_code_called_na_is_a_code(read: Read_) -> None:
    assert [coding.code for coding in read("clinic,NA,0,3,,,,,\nclinic,nan,0,3,,,,,\n").codings] == [
        "NA",
        "nan",
    ]


def test_codings_file_needs_no_address_columns_beyond_the_one_it_uses(read: Read_) -> None:
    found = read("clinic,Waiting,2\n", header="transcript,code,turn\n")
    assert [(coding.start, coding.end) for coding in found.codings] == [(21, 63)]


def test_quote_of_several_lines_matches_whatever_line_ends_the_table_has() -> None:
    transcript = Transcript("t", "one\ntwo\n", (Turn(1, "", 0, 8),))
    data = b'transcript,code,quote\r\nt,x,"one\r\ntwo"\r\n'
    found = read_codings(data, file="a.csv", coder="a", transcripts={"t": transcript})
    assert [(coding.start, coding.end) for coding in found.codings] == [(0, 7)]


PIECES = [*"ab =+-@'\"\n,;\t", "🙂", "é", "e\u0301", "👩‍👧", "\u202e", "𝔐", "ﬁ", "\ufeff", "\u2028"]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=20).map("".join)


@given(text=TEXTS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_span_comes_back_from_a_file_with_its_quote(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    path = tmp_path_factory.mktemp("codings") / "a.csv"
    transcript = Transcript("t", text, (Turn(1, "", 0, len(text)),))
    write_table(
        path,
        ["transcript", "code", "start", "end", "quote"],
        [["t", "x", str(start), str(end), text[start:end]]],
    )
    found = read_codings(path.read_bytes(), file="a.csv", coder="a", transcripts={"t": transcript})
    assert found.rejected == ()
    assert [(coding.start, coding.end) for coding in found.codings] == [(start, end)]


@given(text=TEXTS, data=st.data())
@settings(max_examples=200, deadline=None)
def test_quote_alone_finds_its_only_place_or_is_refused(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:end]
    places = [i for i in range(len(text)) if text.startswith(quote, i)]
    transcript = Transcript("t", text, (Turn(1, "", 0, len(text)),))
    if places == [start]:
        assert resolve_address({"quote": quote}, transcript) == (start, end)
    else:
        with pytest.raises(AddressError, match="more than once"):
            resolve_address({"quote": quote}, transcript)


def test_coverage_without_a_span_is_the_whole_transcript() -> None:
    found = read_coverage(
        b"coder,transcript,start,end\n ann ,clinic,,\nbob,clinic,5,16\n", transcripts={"clinic": CLINIC}
    )
    assert found.reads == (Read("ann", "clinic", 0, len(TEXT)), Read("bob", "clinic", 5, 16))
    assert found.coders == ("ann", "bob")


def test_coverage_of_a_transcript_that_is_not_here_is_listed_and_its_coder_still_stands_in_the_file() -> None:
    found = read_coverage(b"coder,transcript\nann,clinik\nbob,clinic\n", transcripts={"clinic": CLINIC})
    assert [read.coder for read in found.reads] == ["bob"]
    assert found.coders == ("ann", "bob")
    assert found.not_used == ("line 2: no transcript 'clinik'",)


@pytest.mark.parametrize("span", ["5,", ",16", "16,5", "0,9999", "-1,4", "a,b"])
def test_coverage_refuses_a_bad_span_with_its_line(span: str) -> None:
    data = f"coder,transcript,start,end\nann,clinic,{span}\n".encode()
    with pytest.raises(FileError) as caught:
        read_coverage(data, transcripts={"clinic": CLINIC})
    (problem,) = caught.value.problems
    assert problem.startswith("line 2: ")


def test_coverage_refuses_a_row_without_a_coder() -> None:
    with pytest.raises(FileError, match="line 2: no coder"):
        read_coverage(b"coder,transcript\n,clinic\n", transcripts={"clinic": CLINIC})
