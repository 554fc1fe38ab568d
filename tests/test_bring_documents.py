"""Imports of what is no CSV file: codings in JSON and in workbooks; ratings in either kind of table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import Workbook

from corpus.bring_in import bring_files_in
from corpus.errors import FileError
from corpus.new_study import make_study
from corpus.study import Study, load_study
from pipeline.agreement.rated_file import as_json, as_lines, audit_table


@pytest.fixture
def study(tmp_path: Path) -> Study:
    make_study(tmp_path / "study")
    return load_study(tmp_path / "study")


def write_workbook(path: Path, rows: list[list[object]]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_codings_in_json_come_with_their_transcript(study: Study, tmp_path: Path) -> None:
    codings = [{"coder": "Ann", "code": "Waiting", "start": 4, "end": 10}]
    (tmp_path / "d1.json").write_text(
        json.dumps({"doc_id": "d1", "text": "P1: queues\n", "codings": codings})
    )
    brought = bring_files_in(study, [tmp_path / "d1.json"])
    assert brought.set_aside == {}
    assert "d1.json: 1 new codings" in brought.brought
    assert (study.codings_dir / "Ann.csv").read_text(encoding="utf-8").splitlines()[
        1
    ] == "d1,Waiting,4,10,queues,,,"
    assert (study.transcripts_dir / "d1.json").is_file()


def test_machine_transcript_in_json_brings_no_codings(study: Study, tmp_path: Path) -> None:
    (tmp_path / "talk.json").write_text(
        json.dumps({"segments": [{"start": 0, "end": 1, "text": "We waited."}]})
    )
    brought = bring_files_in(study, [tmp_path / "talk.json"])
    assert brought.brought[0] == "talk.json: 1 new transcripts"
    assert list(study.codings_dir.iterdir()) == []


def test_codings_and_codebook_in_workbooks_come_in(study: Study, tmp_path: Path) -> None:
    (tmp_path / "t1.txt").write_text("P1: the queue was long\nP1: we waited\n")
    files = [
        tmp_path / "t1.txt",
        write_workbook(tmp_path / "codes.xlsx", [["code", "definition"], ["Waiting", "Time in queues"]]),
        write_workbook(
            tmp_path / "ann.xlsx", [["transcript", "code", "quote"], ["t1", "Waiting", "the queue"]]
        ),
    ]
    brought = bring_files_in(study, files, coder="Ann")
    assert brought.set_aside == {}
    assert "Waiting,,Time in queues" in (study.root / "codebook.csv").read_text(encoding="utf-8")
    assert "t1,Waiting,4,13,the queue" in (study.codings_dir / "Ann.csv").read_text(encoding="utf-8")


RATINGS = [["unit", "Ann", "Bob"], ["1", "a", "a"], ["2", "a", "b"], ["3", "NA", "NA"], ["4", None, "b"]]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_ratings_are_audited_from_either_table_and_only_empty_cells_are_missing(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"ratings.{ending}"
    if ending == "csv":
        path.write_text("".join(",".join(cell or "" for cell in row) + "\n" for row in RATINGS))
    else:
        write_workbook(path, RATINGS)
    found = as_json(audit_table(path))
    (pair,) = found["pairs"]
    assert (pair["a"], pair["b"], pair["n_units"]) == ("Ann", "Bob", 3)
    assert pair["percent_agreement"] == pytest.approx(2 / 3)
    assert "NA" in found["categories"]


def test_undefined_agreement_is_said_with_its_reason_and_is_null(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("unit,Ann,Bob\n1,a,\n2,,b\n")
    found = audit_table(path)
    assert any("undefined: no unit with two coders" in line for line in as_lines(found))
    assert as_json(found)["overall"]["krippendorff_alpha"] is None


def test_unit_that_stands_twice_and_a_lone_coder_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("unit,Ann,Bob\n1,a,a\n1,b,b\n")
    with pytest.raises(FileError, match=r"ratings.csv.*\n.*1"):
        audit_table(path)
    path.write_text("unit,Ann\n1,a\n")
    with pytest.raises(FileError, match="at least 2"):
        audit_table(path)


def test_words_that_often_mean_missing_are_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("unit,Ann,Bob\n1,NA,a\n2,a,a\n")
    assert any("'NA' counts as a value" in line for line in as_lines(audit_table(path)))
