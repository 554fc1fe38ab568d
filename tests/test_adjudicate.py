from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpus
from corpus.bring_in import BroughtIn
from corpus.files import read_json, study_lock
from corpus.study import Study, load_study
from corpus.tables import read_table
from pipeline.adjudicate import settle
from pipeline.bring_in import bring_all_in
from pipeline.cache import stage_dir
from pipeline.compare.columns import read_panel
from pipeline.compare.disagreements import count_readers, write_disagreements
from pipeline.consensus import as_imported, decided
from pipeline.decisions import Decision
from pipeline.run import RunResult, plan_run, run_study
from pipeline.stages import one_by_one, quiet, run_stages
from pipeline.units import Units, read_study_json, read_units

TODAY = date(2026, 11, 25)
Rows = list[dict[str, str]]
Decide = Callable[[dict[str, str]], str]


def units_of(study: Study) -> Units:
    plan = plan_run(study)
    keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=("ingest", "preprocess", "units"))
    return read_units(study, keys.units[0], keys.preprocess)


def disagreements_of(study: Study, path: Path) -> Rows:
    """What the stage would write, without a model unless a run trained one; also put at ``path``."""
    plan = plan_run(study)
    keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=("ingest", "preprocess", "units"))
    units = read_units(study, keys.units[0], keys.preprocess)
    trained = sorted(stage_dir(study, "train", "").glob("*")) if (study.cache_dir / "train").is_dir() else []
    train_key = trained[0].name if trained else "none"
    codebook = read_study_json(study, keys.units[0])["codebook"]
    write_disagreements(path, read_panel(study, units, train_key, codebook))
    return rows_of(path)


def rows_of(path: Path) -> Rows:
    return [dict(row.cells) for row in read_table(path.read_bytes(), file=path.name, for_machines=True).rows]


def as_csv(rows: Rows, *, delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def bring(study: Study, path: Path, *, today: date = TODAY) -> BroughtIn:
    """As the command does: under the study's lock."""
    with study_lock(study.root):
        return bring_all_in(study, [path], today=today)


def decide(study: Study, path: Path, how: Decide | str) -> BroughtIn:
    """Take the study's disagreements, fill in the decisions, import them."""
    rows = disagreements_of(study, path)
    for row in rows:
        row["decision"] = how if isinstance(how, str) else how(row)
    path.write_text(as_csv(rows), encoding="utf-8", newline="")
    return bring(study, path)


def consensus_of(study: Study) -> dict[tuple[str, int], set[str]]:
    """Segment -> codes, of what the consensus has read, as every later stage sees it."""
    units = units_of(study)
    if "consensus" not in units.coders:
        return {}
    at = list(units.coders).index("consensus")
    return {
        (segment.transcript_id, segment.start): {units.codes[k] for k in np.flatnonzero(units.given[at, i])}
        for i, segment in enumerate(units.segments)
        if units.read[at, i]
    }


def people_of(study: Study) -> dict[str, bytes]:
    files = [*study.codings_dir.glob("*.csv"), *study.root.glob("*.csv")]
    return {path.relative_to(study.root).as_posix(): path.read_bytes() for path in files}


def common_segments(study: Study) -> set[tuple[str, int]]:
    units = units_of(study)
    rows = np.flatnonzero((units.read[units.is_human].sum(axis=0) >= 2) & ~units.context)
    return {(units.segments[row].transcript_id, units.segments[row].start) for row in rows}


@pytest.fixture
def study(make_study, tiny_study_files: dict[str, str]) -> Study:
    """Ann and Bob both read t1 and t2 and differ there on five cells."""
    return make_study(tiny_study_files)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "disagreements.csv"


def place(row: Mapping[str, str]) -> tuple[str, int]:
    return row["transcript"], int(row["start"])


def test_what_is_decided_and_what_all_agree_on_is_the_consensus_of_all_that_two_read(
    study: Study, table: Path
) -> None:
    brought = decide(study, table, lambda row: "YES " if row["code"] == "Waiting" else "no")

    assert not brought.set_aside
    found = consensus_of(study)
    assert found.keys() == common_segments(study)
    units = units_of(study)
    ann, bob = (units.given[list(units.coders).index(name)] for name in ("ann", "bob"))
    waiting, money = units.codes.index("Waiting"), units.codes.index("Money")
    for i, segment in enumerate(units.segments):
        key = (segment.transcript_id, segment.start)
        if key in found:
            assert ("Waiting" in found[key]) == (ann[i, waiting] or bob[i, waiting])
            assert ("Money" in found[key]) == (ann[i, money] and bob[i, money])


def test_counts_are_told_and_never_a_word_of_a_participant(study: Study, table: Path) -> None:
    (first, *_) = disagreements_of(study, table)

    brought = decide(study, table, lambda row: "yes" if place(row) == place(first) else "")

    n = len(rows_of(table))
    assert brought.brought[0] == f"disagreements.csv: 1 of {n} disputed cells decided"
    assert f"disagreements.csv: not settled yet and left out: {n - 1} segments" in brought.brought
    assert not any(word in line for line in brought.brought for word in ("waited", "parking", "Well"))


def test_a_segment_with_an_open_cell_is_not_read_by_the_consensus(study: Study, table: Path) -> None:
    first, *others = disagreements_of(study, table)

    decide(study, table, lambda row: "yes" if row == first else "")

    assert consensus_of(study).keys() == common_segments(study) - {place(row) for row in others}


def test_importing_twice_writes_nothing_the_second_time(study: Study, table: Path) -> None:
    decide(study, table, "yes")
    before = people_of(study)

    brought = bring(study, table, today=date(2027, 1, 1))

    assert people_of(study) == before
    assert "0 of them new or changed" in brought.brought[1]


def test_more_decisions_extend_and_others_replace_without_doubling(study: Study, table: Path) -> None:
    rows = disagreements_of(study, table)
    decide(study, table, lambda row: "yes" if row == rows[0] else "")
    decide(study, table, "yes")
    all_yes = consensus_of(study)
    decide(study, table, "no")

    found = rows_of(study.codings_dir / "consensus.csv")
    assert all_yes.keys() == consensus_of(study).keys() == common_segments(study)
    for row in rows:
        assert row["code"] in all_yes[place(row)]
        assert row["code"] not in consensus_of(study)[place(row)]
    assert len({(row["transcript"], row["start"], row["code"], row["memo"]) for row in found}) == len(found)
    reads = [tuple(row.values()) for row in rows_of(study.root / "coverage.csv")]
    assert len(set(reads)) == len(reads)


def test_what_was_decided_stands_in_the_next_file_and_need_not_be_decided_again(
    study: Study, table: Path
) -> None:
    rows = disagreements_of(study, table)
    decide(study, table, lambda row: "yes" if row == rows[0] else "")

    again = disagreements_of(study, table)
    brought = decide(study, table, lambda row: "" if place(row) == place(rows[0]) else "no")

    assert [row["decision"] for row in again] == [""] * (len(rows) - 1) + ["yes"]
    assert not brought.set_aside
    assert rows[0]["code"] in consensus_of(study)[place(rows[0])]
    assert consensus_of(study).keys() == common_segments(study)


def test_a_note_stays_when_the_decision_is_imported_again_without_it(study: Study, table: Path) -> None:
    rows = disagreements_of(study, table)
    words = {"yes": "agreed in the meeting", "no": "Zoe decided"}
    for number, row in enumerate(rows):
        row["decision"] = ("yes", "no")[number % 2]
        row["note"] = words[row["decision"]]
    table.write_text(as_csv(rows), newline="")
    bring(study, table)
    before = people_of(study)

    disagreements_of(study, table)
    bring(study, table)

    assert people_of(study) == before
    memos = [row["memo"] for row in rows_of(study.codings_dir / "consensus.csv")]
    assert sum(memo.endswith(": agreed in the meeting") for memo in memos) == (len(rows) + 1) // 2
    assert sum(memo.endswith(": Zoe decided") for memo in memos) == len(rows) // 2


def test_basis_is_seen_where_the_row_showed_the_model_and_else_as_the_coders_coded(
    make_study, tiny_study_files: dict[str, str], table: Path
) -> None:
    blind = {
        name: "\n".join(
            [rows.splitlines()[0] + ",basis", *(row + ",blind" for row in rows.splitlines()[1:]), ""]
        )
        for name, rows in tiny_study_files.items()
        if name.startswith("codings/")
    }
    study = make_study({**tiny_study_files, **blind})
    rows = disagreements_of(study, table)
    rows[0]["model"] = "no"
    for row in rows:
        row["decision"] = "yes"
    table.write_text(as_csv(rows), newline="")
    bring(study, table)

    made = rows_of(study.codings_dir / "consensus.csv")
    seen = [place(row) for row in made if row["basis"] == "seen"]
    assert seen == [place(rows[0])]
    assert {row["basis"] for row in made} == {"seen", "blind"}
    assert {row["coded_at"] for row in made} == {"2026-11-25"}


def test_agreed_cells_say_nothing_of_their_basis_if_their_coders_do_not(study: Study, table: Path) -> None:
    decide(study, table, "yes")

    made = rows_of(study.codings_dir / "consensus.csv")
    assert {row["basis"] for row in made if "all who read" in row["memo"] or "nobody" in row["memo"]} == {""}
    assert {row["basis"] for row in made if "decided" in row["memo"]} == {"blind"}


@pytest.mark.parametrize("word", ["maybe", "y", "ja", "1", "yes and no, it is hard to say"])
def test_a_decision_that_is_neither_yes_nor_no_is_named_by_its_line_and_not_used(
    study: Study, table: Path, word: str
) -> None:
    first, *_ = disagreements_of(study, table)

    brought = decide(study, table, lambda row: word if row == first else "yes")

    told = brought.set_aside["disagreements.csv"]
    assert "\n  line 2: decision " in told
    assert told.endswith("is neither yes nor no")
    assert "hard to say" not in told
    assert place(first) not in consensus_of(study)


def test_without_a_decision_nothing_is_written(study: Study, table: Path) -> None:
    before = people_of(study)

    brought = decide(study, table, "")

    assert "no cell is decided" in brought.set_aside["disagreements.csv"]
    assert people_of(study) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"transcript": "t9"}, "no transcript 't9'"),
        ({"code": "Joy"}, "code 'Joy' is not in the codebook"),
        ({"code": "Hope"}, "coders do not differ any more on 'Hope' here"),
        ({"quote": "other words"}, "the quote is not what stands at"),
        ({"start": "1e3"}, "start is '1e3', not a whole number"),
        ({"end": "999999"}, "lies past the end of the transcript"),
    ],
)
def test_a_row_that_fits_the_study_no_more_is_listed_with_its_line_and_not_used(
    study: Study, table: Path, change: dict[str, str], reason: str
) -> None:
    first, *others = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    table.write_text(as_csv([first | change, *others]), newline="")

    brought = bring(study, table)

    told = brought.set_aside["disagreements.csv"]
    assert "\n  line 2: " in told
    assert reason in told
    assert consensus_of(study).keys() == common_segments(study) - {place(first)}


def test_part_of_a_segment_is_no_segment(study: Study, table: Path) -> None:
    first, *others = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    part = {"end": str(int(first["end"]) - 1), "quote": first["quote"][:-1]}
    table.write_text(as_csv([first | part, *others]), newline="")

    assert "line 2: no segment stands at" in bring(study, table).set_aside["disagreements.csv"]


def test_two_decisions_on_one_cell_that_differ_are_both_refused(study: Study, table: Path) -> None:
    first, *others = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    table.write_text(as_csv([first, *others, {**first, "decision": "no"}]), newline="")

    brought = bring(study, table)

    assert "line 2 decides the same cell otherwise: neither is used" in brought.set_aside["disagreements.csv"]
    assert place(first) not in consensus_of(study)


@pytest.mark.parametrize("words", ["yes no yes", "no yes yes", "yes yes no"])
def test_of_rows_that_decide_one_cell_otherwise_none_is_used_and_each_is_counted(
    study: Study, table: Path, words: str
) -> None:
    first, *others = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    same = {**others[0]}
    table.write_text(
        as_csv([*({**first, "decision": word} for word in words.split()), *others, same]), newline=""
    )
    n = len(others) + 4

    head, *lines = bring(study, table).set_aside["disagreements.csv"].splitlines()

    assert head == f"3 of its {n} decisions are not used, the others are:"
    said = " ".join(lines)
    assert said.count("decides the same cell otherwise: none of them is used") == 2
    for line in (2, 3, 4):
        assert re.search(rf"lines? (?:\d+, )?{line}\b[\d, ]*: line", said)
    assert place(first) not in consensus_of(study)
    assert place(same) in consensus_of(study)


def test_every_row_of_a_cell_that_the_consensus_reads_otherwise_is_counted(study: Study, table: Path) -> None:
    """By hand t1 is read in whole, so that what is decided there, in two rows each, contradicts it."""
    rows = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    (study.codings_dir / "consensus.csv").write_text("transcript,code,turn,memo\nt1,Hope,2,talked it over\n")
    of_t1 = [row for row in rows if row["transcript"] == "t1"]
    table.write_text(as_csv([*rows, *of_t1]), newline="")

    head, reason = bring(study, table).set_aside["disagreements.csv"].splitlines()

    assert head == f"{2 * len(of_t1)} of its {len(rows) + len(of_t1)} decisions are not used, the others are:"
    assert "says something else here, not by an import of decisions" in reason


def test_a_coder_who_changed_their_mind_makes_the_decision_stale(study: Study, table: Path) -> None:
    rows = disagreements_of(study, table)
    path = study.codings_dir / "bob.csv"
    segment = next(s for s in units_of(study).segments if (s.transcript_id, s.start) == place(rows[0]))
    path.write_text(path.read_text() + f"{rows[0]['transcript']},{rows[0]['code']},{segment.turn}\n")
    for row in rows:
        row["decision"] = "no"
    table.write_text(as_csv(rows), newline="")

    brought = bring(study, table)

    assert "coders do not differ any more" in brought.set_aside["disagreements.csv"]
    assert rows[0]["code"] in consensus_of(study)[place(rows[0])]


def test_an_edited_transcript_loses_the_decisions_whose_words_moved_and_keeps_what_was_settled(
    study: Study, table: Path
) -> None:
    decide(study, table, "yes")
    settled = {(name, start): codes for (name, start), codes in consensus_of(study).items() if name == "t1"}
    run_until_units(study)
    path = study.transcripts_dir / "t1.txt"
    added = "Interviewer: Shall we begin?\n"
    path.write_text(added + path.read_text())

    brought = bring(study, table)

    assert "the quote is not what stands at" in brought.set_aside["disagreements.csv"]
    now = {start: codes for (name, start), codes in consensus_of(study).items() if name == "t1"}
    assert now.items() <= {start + len(added): codes for (_, start), codes in settled.items()}.items()
    assert len(now) > 0


def test_after_an_edit_decisions_on_the_present_text_are_read_in_the_present_text(
    study: Study, table: Path
) -> None:
    """A new row may stand at the same offsets as an old one and mean other words."""
    decide(study, table, lambda row: "yes" if row["transcript"] == "t1" else "")
    run_until_units(study)
    path = study.transcripts_dir / "t1.txt"
    path.write_text("Interviewer: Shall we begin?\n" + path.read_text())
    expected = common_segments(study)

    brought = decide(study, table, "no")

    assert not brought.set_aside
    found = consensus_of(study)
    assert {key for key in found if key in expected} == expected
    for row in rows_of(table):
        assert row["code"] not in found[place(row)]


def run_until_units(study: Study) -> None:
    """The index of versions is brought up to date, as by every run."""
    units_of(study)


def test_a_consensus_made_by_hand_is_not_lost_and_contradictions_are_refused(
    study: Study, table: Path
) -> None:
    """By hand: t1 in one row, so all of t1 counts as read; no code at the first disputed segment of t1."""
    by_hand = "transcript,code,turn,memo\nt1,Hope,2,talked it over\n"
    (study.codings_dir / "consensus.csv").write_text(by_hand)
    before = {key: codes for key, codes in consensus_of(study).items() if key[0] == "t1"}

    brought = decide(study, table, "yes")

    n_of_t1 = sum(row["transcript"] == "t1" for row in rows_of(table))
    told = brought.set_aside["disagreements.csv"]
    assert told.startswith(f"{n_of_t1} of its {len(rows_of(table))} decisions are not used, the others are:")
    assert "says something else here, not by an import of decisions" in told
    assert {"t1", "Hope", "2", "talked it over"} <= set(
        rows_of(study.codings_dir / "consensus.csv")[0].values()
    )
    after = consensus_of(study)
    assert {key: codes for key, codes in after.items() if key[0] == "t1"} == before
    assert {key for key in after if key[0] == "t2"} == {
        key for key in common_segments(study) if key[0] == "t2"
    }


def test_decisions_that_say_what_the_consensus_made_by_hand_says_are_taken_and_write_nothing_there(
    study: Study, table: Path
) -> None:
    (study.codings_dir / "consensus.csv").write_text("transcript,code\nt1,\nt2,\n")
    before = people_of(study)

    brought = decide(study, table, "no")

    assert not brought.set_aside
    assert people_of(study) == before


def test_a_row_that_a_person_adds_to_a_settled_segment_makes_it_theirs(study: Study, table: Path) -> None:
    decide(study, table, "no")
    first = rows_of(table)[0]
    path = study.codings_dir / "consensus.csv"
    cells = {"transcript": first["transcript"], "code": "Hope", "start": first["start"], "end": first["end"]}
    columns = path.read_text().splitlines()[0].split(",")
    path.write_text(path.read_text() + ",".join(cells.get(name, "") for name in columns) + "\n")
    before = people_of(study)

    brought = decide(study, table, lambda row: "yes" if place(row) == place(first) else "no")

    assert "says something else here" in brought.set_aside["disagreements.csv"]
    assert people_of(study) == before


@pytest.mark.parametrize(
    ("memo", "code"),
    [
        ("settled: decided to give", "Hope"),
        ("settled: decided to give", ""),
        ("settled: all who read it gave", "Hope"),
        ("settled: declined", "Hope"),
        ("settled: nobody gave a code", "Hope"),
    ],
)
def test_a_row_whose_code_a_person_changed_under_the_memo_of_an_import_is_kept_and_told(
    memo: str, code: str, study: Study, table: Path
) -> None:
    decide(study, table, lambda row: "yes" if row["code"] == "Waiting" else "no")
    path = study.codings_dir / "consensus.csv"
    rows = rows_of(path)
    at = next(i for i, row in enumerate(rows) if row["memo"].startswith(memo))
    assert rows[at]["code"] != code
    rows[at]["code"] = code
    path.write_text(as_csv(rows), newline="")
    before = people_of(study)

    brought = bring(study, table)

    assert people_of(study) == before
    assert any(
        f"line {at + 2} of codings/consensus.csv: changed since an import" in t for t in brought.brought
    )
    assert ("says something else here" in str(brought.set_aside)) == memo.endswith("decided to give")


def test_a_code_that_begins_like_the_one_that_an_import_wrote_is_known_for_another() -> None:
    given = decided("Trust: lost", True, "Zoe decided").memo
    assert as_imported({"code": "Trust: lost", "memo": given})
    assert not as_imported({"code": "Trust", "memo": given})
    assert not as_imported({"code": "Trust", "memo": "settled: decided to give"})


def test_coverage_of_a_consensus_whose_file_is_gone_is_said(study: Study, table: Path) -> None:
    decide(study, table, "no")
    (study.codings_dir / "consensus.csv").unlink()

    brought = bring(study, table)

    assert "codings/consensus.csv is missing" in brought.set_aside["disagreements.csv"]


def test_what_others_say_in_coverage_and_their_own_columns_stay(study: Study, table: Path) -> None:
    (study.root / "coverage.csv").write_text("coder,transcript,remark\nbob,t1,on paper\nbob,t2,\n")

    decide(study, table, "yes")

    rows = rows_of(study.root / "coverage.csv")
    assert [row["remark"] for row in rows[:2]] == ["on paper", ""]
    assert {row["coder"] for row in rows[2:]} == {"consensus"}


def test_headings_of_both_files_stay_as_they_were_written(study: Study, table: Path) -> None:
    (study.root / "coverage.csv").write_text("Coder,Transcript,My Remark\nbob,t1,on paper\nbob,t2,\n")
    (study.codings_dir / "consensus.csv").write_text(
        "Transcript,Code,Turn,My Memo Of It\nt1,Hope,2,all agreed\n"
    )

    decide(study, table, lambda row: "yes" if row["transcript"] == "t2" else "")

    for path, head, row in (
        (study.root / "coverage.csv", "Coder,Transcript,My Remark,", "bob,t1,on paper,,"),
        (study.codings_dir / "consensus.csv", "Transcript,Code,Turn,My Memo Of It,", "t1,Hope,2,all agreed,"),
    ):
        first, second, *_ = path.read_text().splitlines()
        assert first.startswith(head)
        assert second.startswith(row)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("coverage.csv", "coder,transcript,,\nbob,t1,hello,world\nbob,t2,,\n"),
        ("codings/consensus.csv", "transcript,code,turn,,\nt1,Hope,2,hello,world\n"),
    ],
)
def test_what_stands_under_no_heading_is_not_lost_by_an_import(
    study: Study, table: Path, name: str, text: str
) -> None:
    (study.root / name).write_text(text)
    before = people_of(study) | {name: text.encode()}

    brought = decide(study, table, lambda row: "yes" if row["transcript"] == "t2" else "")

    told = brought.set_aside["disagreements.csv"]
    columns = "3, 4" if name == "coverage.csv" else "4, 5"
    assert f"no name above what stands in column {columns}" in told
    assert "hello" not in told
    assert (study.root / name).read_text() == text
    assert people_of(study) | {name: (study.root / name).read_bytes()} == before


def test_segments_that_follow_each_other_are_one_row_of_coverage(make_study, table: Path) -> None:
    study = make_study(
        {
            "transcripts/t.txt": "P1: one\nP2: two\nP1: three\nP2: four\n",
            "codings/ann.csv": "transcript,code,turn\nt,A,1\nt,B,3\n",
            "codings/bob.csv": "transcript,code,turn\nt,A,1\nt,B,2\nt,B,3\n",
        }
    )
    (only,) = disagreements_of(study, table)
    assert only["quote"] == "two"

    decide(study, table, "no")
    (row,) = rows_of(study.root / "coverage.csv")

    assert (row["start"], row["end"]) == ("4", str(len("P1: one\nP2: two\nP1: three\nP2: four")))


def test_coding_by_turn_stays_coding_by_turn(study: Study, table: Path) -> None:
    before = plan_run(study).unit

    decide(study, table, "yes")

    assert (before, plan_run(study).unit) == ("turn", "turn")


@pytest.fixture
def dashes(make_study) -> Study:
    """Words that a spreadsheet takes for formulas, and such as Windows-1252 has its own bytes for."""
    return make_study(
        {
            "transcripts/t.txt": "P1: - caf\u00e9 \u201cl\u00e4ngst\u201d zu\nP1: =1+1 was all\nP1: 'twas so\n",
            "codings/ann.csv": "transcript,code,turn\nt,-x,1\nt,-x,2\nt,-x,3\n",
            "codings/bob.csv": "transcript,code,turn\nt,y,1\nt,y,2\nt,y,3\n",
        }
    )


def windows_1252(rows: Rows) -> bytes:
    return as_csv(rows, delimiter=";").encode("cp1252")


def with_formula_quotes(rows: Rows) -> bytes:
    return as_csv(
        [{k: "'" + v if v.startswith(("-", "=")) else v for k, v in row.items()} for row in rows]
    ).encode("utf-8-sig")


def without_formula_quotes(rows: Rows) -> bytes:
    return as_csv([{k: v.removeprefix("'") for k, v in row.items()} for row in rows]).encode("utf-16")


@pytest.mark.parametrize("saved", [windows_1252, with_formula_quotes, without_formula_quotes])
def test_decisions_come_back_however_a_spreadsheet_saved_them(
    dashes: Study, table: Path, saved: Callable[[Rows], bytes]
) -> None:
    rows = [{**row, "decision": "yes"} for row in disagreements_of(dashes, table)]
    table.write_bytes(saved(rows))

    brought = bring(dashes, table)

    assert not brought.set_aside
    assert list(consensus_of(dashes).values()) == [{"-x", "y"}] * 3


def test_decisions_come_back_in_a_workbook(dashes: Study, table: Path) -> None:
    rows = [{**row, "decision": "No"} for row in disagreements_of(dashes, table)]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([int(v) if k in ("start", "end") else v.replace("=", "'=") for k, v in row.items()])
    path = table.with_suffix(".xlsx")
    book.save(path)

    brought = bring(dashes, path)

    assert not brought.set_aside
    assert list(consensus_of(dashes).values()) == [set()] * 3


@pytest.mark.parametrize("sign", ["-", "=", "+", "@", "'"])
def test_names_that_begin_like_a_formula_come_back_from_a_workbook(
    make_study, table: Path, sign: str
) -> None:
    """A spreadsheet that opens disagreements.csv keeps the ' that protects a cell, and saves it in a workbook."""
    code, name = f"{sign}x", f"{sign}t"
    study = make_study(
        {
            f"transcripts/{name}.txt": "P1: one\nP1: two\n",
            "codings/ann.csv": f"transcript,code,turn\n'{name},'{code},1\n'{name},'{code},2\n",
            "codings/bob.csv": f"transcript,code,turn\n'{name},y,1\n'{name},'{code},2\n",
        }
    )
    rows = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(["'" + v if v.startswith(sign) else v for v in row.values()])
    book.save(table.with_suffix(".xlsx"))

    brought = bring(study, table.with_suffix(".xlsx"))

    assert not brought.set_aside
    assert consensus_of(study)[name, 4] == {code, "y"}


def test_a_name_is_taken_as_written_before_a_protecting_quote_is_looked_for(make_study, table: Path) -> None:
    study = make_study(
        {
            "transcripts/t.txt": "P1: one\nP1: two\n",
            "codings/ann.csv": "transcript,code,turn\nt,''-x,1\nt,,2\n",
            "codings/bob.csv": "transcript,code,turn\nt,'-x,1\nt,,2\n",
        }
    )
    units = units_of(study)
    assert set(units.codes) == {"'-x", "-x"}
    rows = [
        {**row, "decision": "yes" if row["code"] == "'-x" else "no"} for row in disagreements_of(study, table)
    ]
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(table.with_suffix(".xlsx"))

    bring(study, table.with_suffix(".xlsx"))

    assert consensus_of(study)["t", 4] == {"'-x"}


def test_a_file_without_its_quotes_is_refused_for_that_and_not_row_by_row(study: Study, table: Path) -> None:
    rows = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    table.write_text(as_csv([{k: v for k, v in row.items() if k != "quote"} for row in rows]), newline="")
    before = people_of(study)

    told = bring(study, table).set_aside["disagreements.csv"]

    assert told.startswith("there is no quote column")
    assert "line" not in told
    assert people_of(study) == before


@pytest.mark.parametrize("column", ["start", "end", "transcript", "code"])
def test_decisions_without_their_place_are_told_which_column_is_missing(
    column: str, study: Study, table: Path
) -> None:
    rows = [{k: v for k, v in row.items() if k != column} for row in disagreements_of(study, table)]
    table.write_text(as_csv([row | {"decision": "yes"} for row in rows]), newline="")

    told = bring(study, table).set_aside["disagreements.csv"]

    assert f"it holds decisions, and has no column {column}" in told
    assert "who coded" not in told


def test_columns_of_a_file_that_is_no_table_are_not_repeated(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    names = ["a\x01b", "we waited very long for the bus", *(f"x{n}" for n in range(40))]
    path.write_text(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")

    told = bring(study, path).set_aside["odd.csv"]

    assert "its columns are (no text), (a long text), x0" in told
    assert "and 30 more: no transcripts" in told
    assert "waited" not in told


def test_decisions_that_are_not_used_are_counted_by_reason_beside_those_that_are(
    study: Study, table: Path
) -> None:
    good, *_ = rows = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    stale = [{**good, "quote": f"other words {n}"} for n in range(40)]
    table.write_text(as_csv([*rows, *stale, {**good, "decision": "perhaps"}]), newline="")
    n = len(rows)

    told = bring(study, table).set_aside["disagreements.csv"].splitlines()

    assert told[0] == f"41 of its {n + 41} decisions are not used, the others are:"
    lines = ", ".join(str(line) for line in range(n + 2, n + 7))
    assert told[1].startswith(f"  lines {lines} and 35 more: the quote is not what stands at")
    assert told[2:] == [f"  line {n + 42}: decision 'perhaps' is neither yes nor no"]


def test_a_coder_named_beside_decisions_is_told_to_be_of_no_use(study: Study, table: Path) -> None:
    rows = [{**row, "decision": "yes"} for row in disagreements_of(study, table)]
    table.write_text(as_csv(rows), newline="")
    with study_lock(study.root):
        brought = bring_all_in(study, [table], coder="ann", today=TODAY)
    assert "disagreements.csv: --coder is not used: decisions become the consensus" in brought.brought
    assert not brought.set_aside


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it but what ends on any error."""


def kill_at(monkeypatch: pytest.MonkeyPatch, study: Study, at: int) -> list[str]:
    """End the import before its write number ``at`` of what people made; the writes that came before are listed."""
    put, take = Path.replace, Path.unlink
    done: list[str] = []

    def count(path: Path) -> None:
        name = path.relative_to(study.root).as_posix() if path.is_relative_to(study.root) else "cache/"
        if name.startswith(("cache/", ".partial", ".precode.lock")) or "/.partial" in name:
            return
        if len(done) == at:
            raise Killed
        done.append(name)

    def counted_replace(path: Path, target: Path) -> Path:
        count(Path(target))
        return put(path, target)

    def counted_unlink(path: Path, missing_ok: bool = False) -> None:
        count(path)
        take(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "replace", counted_replace)
    monkeypatch.setattr(Path, "unlink", counted_unlink)
    return done


def nothing_yet(study: Study) -> None:
    """No consensus at all."""


def header_only(study: Study) -> None:
    (study.codings_dir / "consensus.csv").write_text("transcript,code,turn,memo\n")


def on_context_speakers(study: Study) -> None:
    """Read by hand, but only a turn of the interviewer's."""
    turn = next(s for s, c in zip(units_of(study).segments, units_of(study).context, strict=True) if c)
    (study.codings_dir / "consensus.csv").write_text(
        f"transcript,code,start,end\n{turn.transcript_id},Hope,{turn.start},{turn.end}\n"
    )
    (study.root / "coverage.csv").write_text(
        f"coder,transcript,start,end\nconsensus,{turn.transcript_id},{turn.start},{turn.end}\n"
    )


def some_settled(study: Study) -> None:
    path = study.root.parent / "some.csv"
    decide(study, path, lambda row: "yes" if row["transcript"] == "t1" else "")


def settled_and_edited(study: Study) -> None:
    """Rows of an earlier import were made on another version of their transcript."""
    some_settled(study)
    run_until_units(study)
    path = study.transcripts_dir / "t1.txt"
    path.write_text("Interviewer: Shall we begin?\n" + path.read_text())


def all_of_a_transcript_by_hand(study: Study) -> None:
    """Nothing in coverage.csv, so that all of t1 counts as read."""
    (study.codings_dir / "consensus.csv").write_text("transcript,code,turn,memo\nt1,Hope,2,talked it over\n")


@pytest.mark.parametrize(
    "before",
    [
        nothing_yet,
        header_only,
        on_context_speakers,
        some_settled,
        settled_and_edited,
        all_of_a_transcript_by_hand,
    ],
)
def test_an_import_that_is_killed_between_any_two_writes_is_done_or_was_never_begun(
    make_study,
    tiny_study_files: dict[str, str],
    table: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[[Study], None],
) -> None:
    study = make_study(tiny_study_files)
    before(study)
    rows = [{**row, "decision": "no"} for row in disagreements_of(study, table)]
    table.write_text(as_csv(rows), newline="")
    kept, asleep = study.root.parent / "kept", consensus_of(study)
    shutil.copytree(study.root, kept)
    bring(study, table)
    finished, settled = people_of(study), consensus_of(study)
    assert settled != asleep

    for at in range(20):
        shutil.rmtree(study.root)
        shutil.copytree(kept, study.root)
        with monkeypatch.context() as patched:
            done = kill_at(patched, study, at)
            try:
                bring(study, table)
                break
            except Killed:
                pass
        with study_lock(study.root):
            assert consensus_of(study) in (asleep, settled), done
        brought = bring(study, table)
        assert people_of(study) == finished, done
        assert consensus_of(study) == settled, done
        assert not brought.set_aside or before is all_of_a_transcript_by_hand
    assert 2 <= at < 19
    assert {"codings/consensus.csv", "coverage.csv", "versions/index.json"} <= set(done)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_settling_every_cell_gives_what_all_agree_on_and_what_was_decided(data: st.DataObject) -> None:
    n, k, c = 4, 3, data.draw(st.integers(2, 4))
    draw = st.lists(st.booleans(), min_size=c * n * k, max_size=c * n * k)
    seen = np.array(data.draw(draw)).reshape(c, n, k)[:, :, 0]
    said = np.array(data.draw(draw)).reshape(c, n, k) & seen[:, :, None]
    readers = count_readers(seen, said)
    cells = [tuple(cell) for cell in np.argwhere(readers.disputed).tolist()]
    decisions = {cell: Decision((2,), data.draw(st.booleans()), "", False) for cell in cells}
    nothing = np.zeros(n, dtype=bool)

    found = settle(readers, decisions, seen=nothing, given=np.zeros((n, k), dtype=bool))

    assert found.n_open == 0
    for i in range(n):
        here = said[seen[:, i], i]
        assert found.whole[i] == (len(here) >= 2)
        for j in range(k if found.whole[i] else 0):
            unanimous = here[:, j].all() or not here[:, j].any()
            assert found.given[i, j] == (here[0, j] if unanimous else decisions[i, j].given)


def with_gold(study: Study, gold: str) -> Study:
    path = study.root / "study.toml"
    text = path.read_text() if path.is_file() else ""
    text = (
        text.replace('gold = "share"', f'gold = "{gold}"')
        if "gold" in text
        else f'[target]\ngold = "{gold}"\n'
    )
    path.write_text(text)
    return load_study(study.root)


def check_run_with_consensus(study: Study, table: Path) -> RunResult:
    """Run, decide all cells as the first coder has it, import, run again on the consensus."""
    run_study(study)
    rows = disagreements_of(study, table)
    first = rows[0]["gave"] + "; " + rows[0]["declined"]
    name = sorted(first.split("; "))[0]
    brought = decide(study, table, lambda row: "yes" if name in row["gave"] else "no")
    study = with_gold(study, "consensus")

    result = run_study(study)

    assert not brought.set_aside
    assert not any("outside what coverage.csv" in note for note in result.notes)
    facts = read_json(result.run_dir / "agreement.json")
    pairs = {
        row["b"]: row
        for row in facts["comparisons"]
        if row["kind"] == "consensus-human" and row["code"] is None
    }
    n_common = len(common_segments(study))
    assert len(pairs) == 2
    assert {row["n_units"] for row in pairs.values()} == {n_common}
    (other,) = pairs.keys() - {name}
    assert pairs[name]["percent_agreement"] == 1
    n_cells = n_common * pairs[other]["n_codes"]
    assert pairs[other]["percent_agreement"] == pytest.approx(1 - len(rows) / n_cells, abs=1e-12)
    return result


def test_a_study_runs_on_its_consensus_and_audits_it_with_each_coder(study: Study, table: Path) -> None:
    check_run_with_consensus(study, table)


def test_the_sample_study_runs_on_its_consensus(tmp_path: Path, table: Path) -> None:
    shutil.copytree(Path(corpus.__file__).parent / "sample", tmp_path / "sample")

    result = check_run_with_consensus(load_study(tmp_path / "sample"), table)

    assert result.n_learned > 0
