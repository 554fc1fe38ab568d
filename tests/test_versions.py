from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from corpus.bring_in import bring_files_in
from corpus.carry import carry, place_rows, versions_of_rows
from corpus.coded import Coded, read_coded
from corpus.errors import FileError
from corpus.readers import read_transcripts
from corpus.records import Transcript, Turn
from corpus.study import Study, load_study, transcript_files
from corpus.tables import Row, read_table
from corpus.versions import changed_bindings, keep_bindings, row_digest, version_of
from pipeline.run import run_study, run_until

LINES = (
    "INT: How was it?",
    "P1: The wait was long.",
    "INT: And the staff?",
    "P1: They were kind to my sister.",
    "P1: Yes.",
    "INT: Anything else?",
    "P1: Parking cost a lot.",
    "P1: Yes.",
)
TEXT = "\n".join(LINES) + "\n"
BEFORE = "INT: Ready?\nP1: I am.\n" + TEXT
BY_TURN = "transcript,code,turn\nt,Wait,2\nt,Staff,4\nt,Money,7\n"
WORDS = {
    "Wait": "The wait was long.",
    "Staff": "They were kind to my sister.",
    "Money": "Parking cost a lot.",
}


def put(study: Study, name: str, content: str) -> None:
    path = study.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())


def transcripts_of(study: Study) -> list[Transcript]:
    return [
        transcript
        for name in transcript_files(study)
        for transcript in read_transcripts(study.transcripts_dir / name, source=name).transcripts
    ]


def read(study: Study) -> Coded:
    """Read people's files and keep what they refer to, as the stage does."""
    transcripts = transcripts_of(study)
    coded = read_coded(study, transcripts)
    keep_bindings(study, coded.bindings, transcripts)
    return coded


def words_of(study: Study, coded: Coded) -> dict[str, str]:
    """Code -> what its coding now says; for studies of one coding a code."""
    texts = {transcript.transcript_id: transcript.text for transcript in transcripts_of(study)}
    found = {coding.code: texts[coding.transcript_id][coding.start : coding.end] for coding in coded.codings}
    assert len(found) == len(coded.codings)
    return found


def read_words(study: Study, coded: Coded, *, coder: str = "ann") -> str:
    """All that a coder has read, joined."""
    texts = {transcript.transcript_id: transcript.text for transcript in transcripts_of(study)}
    return "|".join(texts[r.transcript_id][r.start : r.end] for r in coded.reads if r.coder == coder)


def changes_told(coded: Coded) -> list[str]:
    return [note for note in coded.notes if "changed" in note]


def rows_at(addresses: dict[str, str], *, by: str) -> str:
    """A file of Ann's with a row for each code: by "turn", "span" (start+end), "checked" (and quote) or "quote"."""
    lines = []
    for code, words in addresses.items():
        start = TEXT.index(words)
        turn = next(i for i, line in enumerate(LINES, start=1) if words in line)
        cells = {
            "turn": f"{turn},,,",
            "span": f",{start},{start + len(words)},",
            "checked": f",{start},{start + len(words)},{words}",
            "quote": f",,,{words}",
        }
        lines.append(f"t,{code},{cells[by]}\n")
    return "transcript,code,turn,start,end,quote\n" + "".join(lines)


@pytest.fixture
def study(make_study) -> Study:
    """One interview that Ann has coded by turn; its codings have been read once."""
    study = make_study({"transcripts/t.txt": TEXT, "codings/ann.csv": BY_TURN})
    assert words_of(study, read(study)) == WORDS
    return study


# Where codings go


KINDS = pytest.mark.parametrize("by", ["turn", "span", "checked", "quote"])


@KINDS
@pytest.mark.parametrize(
    "edited",
    [
        BEFORE,
        TEXT + "INT: Thank you.\n",
        TEXT.replace("And the staff?", "And how were the people who worked there?"),
        "\n".join([*LINES[5:], *LINES[:5]]) + "\n",
    ],
    ids=["before", "after", "between", "moved"],
)
def test_codings_land_on_the_same_words_wherever_the_transcript_was_edited(
    make_study, by: str, edited: str
) -> None:
    study = make_study({"transcripts/t.txt": TEXT, "codings/ann.csv": rows_at(WORDS, by=by)})
    read(study)
    put(study, "transcripts/t.txt", edited)
    for _ in range(2):
        coded = read(study)
        assert words_of(study, coded) == WORDS
        (told,) = changes_told(coded)
        assert told.startswith("codings/ann.csv: transcript 't' changed: 3 codings carried over")
        assert "not used" not in told


@KINDS
@pytest.mark.parametrize(
    "edited",
    [
        TEXT.replace("The wait was long", "The wait was very long"),
        TEXT.replace("P1: The wait was long.\n", ""),
        TEXT + "P1: As I said: The wait was long.\n",
    ],
    ids=["inside", "removed", "twice"],
)
def test_coding_whose_words_do_not_stand_once_is_not_used_and_listed_with_its_line(
    make_study, by: str, edited: str
) -> None:
    study = make_study({"transcripts/t.txt": TEXT, "codings/ann.csv": rows_at(WORDS, by=by)})
    read(study)
    put(study, "transcripts/t.txt", edited)
    for _ in range(2):
        coded = read(study)
        assert words_of(study, coded) == {code: words for code, words in WORDS.items() if code != "Wait"}
        (told,) = changes_told(coded)
        assert "2 codings carried over, 1 not used (line 2): their words are gone or stand more" in told
        assert "long" not in told


def test_words_that_stood_twice_are_not_carried_to_the_one_place_that_is_left(study: Study) -> None:
    put(study, "codings/ann.csv", "transcript,code,turn\nt,Agrees,5\n")
    read(study)
    put(study, "transcripts/t.txt", TEXT.replace("sister.\nP1: Yes.", "sister.\nP1: Well."))
    assert read(study).codings == ()


def test_transcript_that_was_never_changed_is_read_as_ever(study: Study) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in study.versions_dir.iterdir()}
    coded = read(study)
    assert changes_told(coded) == []
    assert words_of(study, coded) == WORDS
    assert {path.name: path.stat().st_mtime_ns for path in study.versions_dir.iterdir()} == before
    assert changed_bindings(study, transcripts_of(study)) == {}


def test_transcript_that_is_brought_back_is_read_as_at_first(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    read(study)
    put(study, "transcripts/t.txt", TEXT)
    coded = read(study)
    assert changes_told(coded) == []
    assert words_of(study, coded) == WORDS


def test_codings_go_through_several_edits_from_the_version_they_were_made_on(study: Study) -> None:
    put(study, "transcripts/t.txt", TEXT.replace("The wait was long", "The queue was long"))
    assert "Wait" not in words_of(study, read(study))
    put(study, "transcripts/t.txt", BEFORE)
    assert words_of(study, read(study)) == WORDS


def test_turns_that_are_cut_otherwise_in_the_same_text_move_no_coding(study: Study) -> None:
    (now,) = transcripts_of(study)
    fewer = Transcript("t", now.text, tuple(Turn(i, "", t.start, t.end) for i, t in enumerate(now.turns)))
    codings = read_coded(study, [fewer]).codings
    assert {c.code: TEXT[c.start : c.end] for c in codings} == WORDS


def test_text_of_every_version_that_rows_refer_to_is_kept(study: Study) -> None:
    (old,) = transcripts_of(study)
    put(study, "transcripts/t.txt", BEFORE)
    read(study)
    assert (study.versions_dir / f"{old.sha256}.txt").read_bytes().decode() == TEXT
    assert len(list(study.versions_dir.glob("*.txt"))) == 1
    index = json.loads((study.versions_dir / "index.json").read_bytes())
    assert list(index["refer"]["codings/ann.csv"]["t"]) == [version_of(old)]


@pytest.mark.parametrize("damage", ["text", "turns", "index"])
def test_missing_or_damaged_version_is_an_error_that_says_what_to_do(study: Study, damage: str) -> None:
    (old,) = transcripts_of(study)
    put(study, "transcripts/t.txt", BEFORE)
    names = {"text": f"{old.sha256}.txt", "turns": f"{version_of(old)}.json", "index": "index.json"}
    (study.versions_dir / names[damage]).write_text("{}")
    with pytest.raises(FileError, match="Bring it back from a backup") as caught:
        read(study)
    assert caught.value.file.startswith("versions/")


# Which version a row refers to


def test_row_that_is_added_after_the_edit_means_the_new_text_and_leaves_the_others(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/ann.csv", BY_TURN + "t,Start,3\n")
    for _ in range(2):
        assert words_of(study, read(study)) == {**WORDS, "Start": "How was it?"}


MENDED = BEFORE.replace("The wait was long.", "The wait was very long.")


@pytest.mark.parametrize("row", ["t,Wait,4,The wait was very long.", "t,Wait,,wait was very", "t,Wait,3,"])
def test_row_that_was_lost_is_mended_without_moving_the_others(study: Study, row: str) -> None:
    put(study, "transcripts/t.txt", MENDED)
    read(study)
    put(study, "codings/ann.csv", f"transcript,code,turn,quote\n{row}\nt,Staff,4,\nt,Money,7,\n")
    for _ in range(2):
        coded = read(study)
        found = words_of(study, coded)
        assert found.pop("Wait") in ("The wait was very long.", "wait was very", "How was it?")
        assert found == {"Staff": WORDS["Staff"], "Money": WORDS["Money"]}
        (told,) = changes_told(coded)
        assert told == "codings/ann.csv: transcript 't' changed: 2 codings carried over"


@pytest.mark.parametrize("rows", ["t,Wait,4\nt,Staff,4\nt,Money,7\n", "t,Wait,4\nt,Staff,6\nt,Money,7\n"])
def test_new_row_at_an_address_that_had_another_code_is_in_doubt_and_not_used(
    study: Study, rows: str
) -> None:
    """Turn 4 was about the staff and is about the wait now: either may be meant."""
    put(study, "transcripts/t.txt", MENDED)
    read(study)
    put(study, "codings/ann.csv", "transcript,code,turn\n" + rows)
    for _ in range(3):
        coded = read(study)
        assert words_of(study, coded) == {"Staff": WORDS["Staff"], "Money": WORDS["Money"]}
        (told,) = changes_told(coded)
        assert "1 not used (line 2): their addresses stood there before the change with other codes" in told


def test_second_code_at_an_address_before_the_edit_is_not_in_doubt(study: Study) -> None:
    put(study, "transcripts/t.txt", TEXT + "INT: Thank you.\n")
    put(study, "codings/ann.csv", BY_TURN + "t,People,4\n")
    assert words_of(study, read(study)) == {**WORDS, "People": WORDS["Staff"]}


def test_renamed_codes_stay_on_their_words(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/ann.csv", BY_TURN.replace("Wait", "Delay").replace("Staff", "Team"))
    for _ in range(2):
        assert words_of(study, read(study)) == {
            "Delay": WORDS["Wait"],
            "Team": WORDS["Staff"],
            "Money": WORDS["Money"],
        }


def test_code_and_memo_of_a_row_can_change_without_moving_it(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/ann.csv", "Transcript;memo;Turn;code\nt;why;2;Delay\nt;;4;Staff\nt;;7;Money\n")
    assert words_of(study, read(study))["Delay"] == WORDS["Wait"]


def test_rows_that_the_researcher_wrote_anew_mean_the_new_text(study: Study) -> None:
    """Turn 4 stands in both files: it was the fourth and is the sixth now, and the second became the fourth."""
    put(study, "codings/ann.csv", "transcript,code,turn\nt,x,2\nt,x,4\n")
    read(study)
    put(study, "transcripts/t.txt", BEFORE)
    read(study)
    put(study, "codings/ann.csv", "transcript,code,turn\nt,x,4\nt,x,6\n")
    for _ in range(2):
        coded = read(study)
        assert [BEFORE[c.start : c.end] for c in coded.codings] == [WORDS["Wait"], WORDS["Staff"]]
        assert changes_told(coded) == []


def test_rows_of_several_codes_that_were_written_anew_mean_the_new_text(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/ann.csv", "transcript,code,turn\nt,Wait,4\nt,Staff,6\nt,Money,9\n")
    for _ in range(2):
        coded = read(study)
        assert words_of(study, coded) == WORDS
        assert changes_told(coded) == []


def test_rows_of_which_some_are_written_anew_move_no_coding_to_other_words(study: Study) -> None:
    put(study, "codings/ann.csv", "transcript,code,turn\nt,x,2\nt,x,4\nt,y,7\n")
    read(study)
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/ann.csv", "transcript,code,turn\nt,x,4\nt,x,6\nt,y,7\n")
    said = {(c.code, BEFORE[c.start : c.end]) for c in read(study).codings}
    assert said <= {("x", WORDS["Wait"]), ("x", WORDS["Staff"]), ("y", WORDS["Money"])}


def test_new_row_that_names_no_place_in_the_new_text_is_tried_in_the_old_one(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    start = TEXT.index("kind to")
    row = f"t,Kind,,{start},{start + 7},kind to\n"
    put(study, "codings/ann.csv", rows_at(WORDS, by="turn") + row)
    assert words_of(study, read(study)) == {**WORDS, "Kind": "kind to"}


def test_row_that_names_no_place_in_any_version_refuses_the_file(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/ann.csv", BY_TURN + "t,Start,99\n")
    with pytest.raises(FileError, match=r"line 5: no turn 99 \(the transcript has 10\)"):
        read(study)


def test_each_coder_has_versions_of_their_own(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/bob.csv", "transcript,code,turn\nt,Bob,4\n")
    for _ in range(2):
        assert words_of(study, read(study)) == {**WORDS, "Bob": WORDS["Wait"]}


def test_transcript_that_is_away_for_a_run_does_not_forget_its_version(study: Study) -> None:
    (study.transcripts_dir / "t.txt").unlink()
    put(study, "transcripts/other.txt", "P1: Hello.\n")
    transcripts = transcripts_of(study)
    keep_bindings(study, read_coded(study, transcripts, some_set_aside=True).bindings, transcripts)
    put(study, "transcripts/t.txt", BEFORE)
    assert words_of(study, read(study)) == WORDS


# What counts as read


def test_turns_that_are_new_or_lost_their_coding_count_as_not_read(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE.replace("was long", "was so long"))
    coded = read(study)
    seen = read_words(study, coded)
    assert "I am." not in seen
    assert "so long" not in seen
    assert "Anything else?" in seen
    assert "Parking cost a lot." in seen
    assert changes_told(coded)[0].endswith("turns that are new or changed count as not read")


def test_turn_that_was_edited_beside_its_coding_counts_as_read(study: Study) -> None:
    put(study, "codings/ann.csv", rows_at({"Kind": "kind to my sister"}, by="span"))
    read(study)
    put(study, "transcripts/t.txt", TEXT.replace("They were kind", "They were always so kind"))
    coded = read(study)
    assert words_of(study, coded) == {"Kind": "kind to my sister"}
    assert "They were always so kind to my sister." in read_words(study, coded)


def test_places_of_a_coding_that_is_not_used_do_not_count_as_read(study: Study) -> None:
    put(study, "codings/ann.csv", "transcript,code,turn\nt,Agrees,5\nt,Money,7\n")
    read(study)
    put(study, "transcripts/t.txt", BEFORE)
    seen = read_words(study, read(study))
    assert "Yes." not in seen
    assert "The wait was long." in seen


def test_coder_who_went_on_in_the_new_version_has_read_it(study: Study) -> None:
    put(study, "transcripts/t.txt", BEFORE)
    put(study, "codings/ann.csv", BY_TURN + "t,,\n")
    coded = read(study)
    assert [(r.start, r.end) for r in coded.reads] == [(0, len(BEFORE))]


def test_coverage_follows_the_words_that_were_read(study: Study) -> None:
    stretch = slice(TEXT.index("P1: The"), TEXT.index("P1: Yes"))
    put(
        study,
        "coverage.csv",
        f"coder,transcript,start,end\nann,t,{stretch.start},{stretch.stop}\nbob,t,,\n",
    )
    put(study, "codings/bob.csv", "transcript,code\n")
    read(study)
    put(study, "transcripts/t.txt", BEFORE)
    for _ in range(2):
        coded = read(study)
        assert read_words(study, coded) == TEXT[stretch]
        assert "I am." not in read_words(study, coded, coder="bob")
        assert "Anything else?" in read_words(study, coded, coder="bob")


def test_coverage_of_a_stretch_that_changed_is_told_and_not_used(study: Study) -> None:
    put(study, "coverage.csv", "coder,transcript,start,end\nann,t,0,60\n")
    read(study)
    put(study, "transcripts/t.txt", TEXT.replace("long", "too long"))
    coded = read(study)
    assert coded.reads == ()
    assert "coverage.csv: line 2: transcript 't' changed in this stretch; not used" in coded.notes


# Any edit


@st.composite
def edited_transcripts(draw: st.DrawFn) -> tuple[list[str], list[str], list[int]]:
    """Old lines, new lines, and which old lines are coded: those stay, in any order, all others may change."""
    line = st.text("abc ", min_size=1, max_size=4).map(lambda text: f"x{text}x")
    old = draw(st.lists(line, min_size=1, max_size=8))
    coded = draw(st.lists(st.integers(0, len(old) - 1), unique=True))
    kept = [old[i] for i in coded]
    new = draw(st.permutations([*kept, *draw(st.lists(line, max_size=4))]))
    assume(new)
    return old, new, coded


def by_lines(lines: list[str]) -> Transcript:
    turns, at = [], 0
    for number, line in enumerate(lines, start=1):
        turns.append(Turn(number, "", at, at + len(line)))
        at += len(line) + 1
    return Transcript("t", "\n".join(lines) + "\n", tuple(turns))


@given(edited_transcripts())
@settings(max_examples=200, deadline=None)
def test_any_edit_keeps_every_coding_that_stands_once_and_moves_none(case) -> None:
    old, new = by_lines(case[0]), by_lines(case[1])
    for number in case[2]:
        span = (old.turns[number].start, old.turns[number].end)
        words = case[0][number]
        there = carry(span, old, new)
        once = all(sum(t.text.startswith(words, i) for i in range(len(t.text))) == 1 for t in (old, new))
        assert (there is not None) == (once or old.text == new.text)
        if there:
            assert new.text[slice(*there)] == words


@given(edited_transcripts(), st.data())
@settings(max_examples=150, deadline=None)
def test_rows_that_stood_there_never_sit_on_other_words_and_the_next_reading_says_the_same(
    case, data: st.DataObject
) -> None:
    old, new = by_lines(case[0]), by_lines(case[1])
    first = [Row(i, {"transcript": "t", "code": "x", "turn": str(i + 1)}) for i in case[2]]
    added = data.draw(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, len(case[1]))), max_size=3))
    rows = [
        *first,
        *(Row(100 + i, {"transcript": "t", "code": c, "turn": str(n)}) for i, (c, n) in enumerate(added)),
    ]
    earlier = {row_digest(row.cells): old for row in first} if version_of(old) != version_of(new) else {}
    placed, problems = place_rows(rows, new, earlier)
    assert problems == []
    for row in placed:
        if row.row in first and row.span:
            assert new.text[slice(*row.span)] == case[0][row.row.line]
    after = {row: made for row, made in versions_of_rows(placed, earlier).items() if made is not new}
    assert place_rows(rows, new, after)[0] == placed


# Bringing a new version in


def test_import_of_a_new_version_before_any_run_keeps_the_one_that_codings_refer_to(
    make_study, tmp_path: Path
) -> None:
    study = make_study({"transcripts/t.txt": TEXT, "codings/ann.csv": BY_TURN})
    (old,) = transcripts_of(study)
    (tmp_path / "t.txt").write_text(BEFORE)
    found = bring_files_in(study, [tmp_path / "t.txt"])
    assert found.set_aside == {}
    assert (study.versions_dir / f"{old.sha256}.txt").read_text() == TEXT
    assert words_of(study, read(study)) == WORDS


def test_codings_that_come_with_the_new_version_mean_the_new_version(make_study, tmp_path: Path) -> None:
    study = make_study({"transcripts/t.txt": TEXT, "codings/ann.csv": BY_TURN})
    (tmp_path / "t.txt").write_text(BEFORE)
    (tmp_path / "bob.csv").write_text("transcript,coder,code,turn\nt,bob,Bob,4\nt,ann,More,1\n")
    assert bring_files_in(study, [tmp_path / "bob.csv", tmp_path / "t.txt"]).set_aside == {}
    assert words_of(study, read(study)) == {**WORDS, "Bob": WORDS["Wait"], "More": "Ready?"}


def test_damaged_codings_do_not_stop_the_import_of_a_new_version(make_study, tmp_path: Path) -> None:
    files = {"transcripts/t.txt": TEXT, "codings/ann.csv": BY_TURN, "codings/bob.csv": "", "coverage.csv": ""}
    study = make_study(files)
    (tmp_path / "t.txt").write_text(BEFORE)
    assert bring_files_in(study, [tmp_path / "t.txt"]).set_aside == {}
    (study.codings_dir / "bob.csv").unlink()
    (study.root / "coverage.csv").unlink()
    assert words_of(study, read(study)) == WORDS


# From run to run


def given_rows(study: Study, run_dir: Path) -> set[tuple[str, str, str]]:
    """(transcript, codes, words) of every excerpt of a run."""
    table = read_table((run_dir / "excerpts.csv").read_bytes(), file="excerpts.csv", for_machines=True)
    return {(row.cells["transcript"], row.cells["codes"], row.cells["quote"]) for row in table.rows}


def test_runs_before_and_after_an_edit_put_codings_on_the_same_words(
    make_study, tiny_study_files: dict[str, str]
) -> None:
    # Else what the second run suggests for t1 would make the third take its codings for not blind.
    coded = {
        name: text.replace("\n", ",blind\n").replace("turn,blind", "turn,basis")
        for name, text in tiny_study_files.items()
        if name.startswith("codings/")
    }
    study = make_study(tiny_study_files | coded)
    first = run_study(study)
    assert run_study(study).unchanged
    path = study.transcripts_dir / "t1.txt"
    path.write_text("Interviewer: Shall we begin?\nP1: Please do.\n" + path.read_text())
    second = run_study(load_study(study.root))
    notes = json.loads((second.run_dir / "summary.json").read_bytes())["notes"]
    told = [note for note in notes if "'t1' changed" in note]
    assert [note.split(":")[0] for note in told] == ["codings/ann.csv", "codings/bob.csv"]
    assert given_rows(study, second.run_dir) <= given_rows(study, first.run_dir)
    assert {row for row in given_rows(study, second.run_dir) if row[0] == "t1"}
    assert run_study(study).unchanged
    path.write_text(tiny_study_files["transcripts/t1.txt"])
    third = run_study(study)
    for name in ("suggestions.csv", "excerpts.csv", "evaluation.json", "agreement.csv"):
        assert (third.run_dir / name).read_bytes() == (first.run_dir / name).read_bytes()


def test_versions_are_kept_before_later_stages_run_and_when_the_cache_is_hit(
    make_study, tiny_study_files: dict[str, str]
) -> None:
    study = make_study(tiny_study_files)
    run_until(study, "units")
    index = study.versions_dir / "index.json"
    kept = index.read_bytes()
    index.unlink()
    run_until(study, "units")
    assert index.read_bytes() == kept


def test_study_whose_versions_were_deleted_is_not_called_unchanged(
    make_study, tiny_study_files: dict[str, str]
) -> None:
    study = make_study(tiny_study_files)
    run_study(study)
    shutil.rmtree(study.versions_dir)
    assert not run_study(study).unchanged
    assert (study.versions_dir / "index.json").is_file()


def test_deleting_the_versions_says_that_every_row_is_right_as_it_stands(
    make_study, tiny_study_files: dict[str, str]
) -> None:
    study = make_study(tiny_study_files)
    run_until(study, "units")
    path = study.transcripts_dir / "t1.txt"
    path.write_text("Interviewer: Shall we begin?\nP1: Please do.\n" + path.read_text())
    carried = run_study(study)
    shutil.rmtree(study.versions_dir)
    as_it_stands = run_study(study)
    assert given_rows(study, carried.run_dir) != given_rows(study, as_it_stands.run_dir)
    assert "'t1' changed" not in (as_it_stands.run_dir / "summary.json").read_text()
