from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.bring_in import BroughtIn, bring_files_in
from corpus.coded import read_coded
from corpus.readers import read_transcripts
from corpus.study import Study, load_study, transcript_files
from corpus.tables import read_table

CLINIC = "INT: How was it?\nP1: The wait was long.\n"
HEADER = "doc_id,coder,code,start,end\n"


@pytest.fixture
def study(make_study) -> Study:
    """A study that holds the transcript ``clinic`` and nothing else."""
    return make_study({"transcripts/clinic.txt": CLINIC})


@pytest.fixture
def bring(study: Study, tmp_path: Path):
    """File name -> content, brought into the study."""

    def bring_in(files: dict[str, str | bytes], *, coder: str = "") -> BroughtIn:
        folder = tmp_path / "from"
        paths = []
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths.append(path)
        return bring_files_in(study, paths, coder=coder)

    return bring_in


def codings_of(study: Study, coder: str) -> list[dict[str, str]]:
    path = study.codings_dir / f"{coder}.csv"
    return [dict(row.cells) for row in read_table(path.read_bytes(), file=path.name, for_machines=True).rows]


def everything_in(study: Study) -> dict[str, bytes]:
    return {
        path.relative_to(study.root).as_posix(): path.read_bytes()
        for path in study.root.rglob("*")
        if path.is_file()
    }


def test_codings_go_to_the_files_of_their_coders_with_their_quotes(study: Study, bring) -> None:
    found = bring(
        {"all.csv": f"{HEADER}clinic,ann,Waiting,21,38\nclinic,bob,Delay,25,29\nclinic,ann,Delay,25,29\n"}
    )
    assert found.set_aside == {}
    assert found.brought[0] == "all.csv: 3 new codings"
    assert [(row["code"], row["quote"]) for row in codings_of(study, "ann")] == [
        ("Waiting", "The wait was long"),
        ("Delay", "wait"),
    ]
    assert [row["code"] for row in codings_of(study, "bob")] == ["Delay"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("transcript,code,turn\nclinic,x,2\n", "The wait was long."),
        ("document,tag,quote\nclinic,x,wait was\n", "wait was"),
        ("file;name;start;end\nclinic;x;25;29\n", "wait"),
    ],
)
def test_other_names_of_columns_and_every_address_are_taken(
    study: Study, bring, table: str, words: str
) -> None:
    assert bring({"codes.csv": table}, coder="ann").set_aside == {}
    (row,) = codings_of(study, "ann")
    assert row["quote"] == words == CLINIC[int(row["start"]) : int(row["end"])]


def test_codings_without_a_coder_are_refused_and_say_how_to_name_one(study: Study, bring) -> None:
    before = everything_in(study)
    found = bring({"codes.csv": "transcript,code,turn\nclinic,x,2\n"})
    assert found.set_aside == {"codes.csv": "no column says who coded"}
    assert everything_in(study) == before


def test_rows_that_cannot_be_used_are_listed_and_the_others_stored(study: Study, bring) -> None:
    found = bring(
        {"all.csv": f"{HEADER}clinic,ann,x,0,3\nelsewhere,ann,x,0,3\nclinic,ann,x,3,99\nclinic,,x,0,3\n"}
    )
    assert len(codings_of(study, "ann")) == 1
    reasons = found.set_aside["all.csv"].split("; ")
    assert [reason[:6] for reason in reasons] == ["line 3", "line 4", "line 5"]


def test_bringing_the_same_codings_in_twice_changes_nothing(study: Study, bring) -> None:
    table = {"all.csv": f"{HEADER}clinic,ann,Waiting,21,38\nclinic,ann,'=x,0,3\n"}
    bring(table)
    before = everything_in(study)
    assert bring(table).brought[0] == "all.csv: 0 new codings"
    assert everything_in(study) == before


def test_codings_are_added_to_those_that_the_coder_has(make_study, bring, study: Study) -> None:
    (study.codings_dir).mkdir()
    (study.codings_dir / "Ann.csv").write_text("transcript,code,turn,mood\nclinic,old,1,glum\n")
    found = bring({"all.csv": f"{HEADER}clinic,ann,new,0,3\n"})
    assert "all.csv: coder 'ann' is taken for 'Ann'" in found.brought
    rows = codings_of(study, "Ann")
    assert [(row["code"], row["mood"], row["turn"]) for row in rows] == [
        ("old", "glum", "1"),
        ("new", "", ""),
    ]
    assert [path.name for path in study.codings_dir.iterdir()] == ["Ann.csv"]


def test_damaged_row_of_the_coders_own_file_is_never_lost(study: Study, bring) -> None:
    study.codings_dir.mkdir()
    path = study.codings_dir / "ann.csv"
    path.write_text("transcript,code,turn\nclinic,old,1\nclinic,damaged\n")
    before = path.read_bytes()
    found = bring({"all.csv": f"{HEADER}clinic,ann,new,0,3\n"})
    assert "codings/ann.csv" in found.set_aside["all.csv"]
    assert path.read_bytes() == before


def test_codes_that_the_codebook_keeps_apart_by_case_stay_apart(study: Study, bring) -> None:
    (study.root / "codebook.csv").write_text("code\nTrust\ntrust\n")
    bring({"all.csv": f"{HEADER}clinic,ann,Trust,0,3\nclinic,ann,trust,4,6\n"})
    assert [row["code"] for row in codings_of(study, "ann")] == ["Trust", "trust"]


def test_code_that_is_not_in_the_codebook_is_kept_and_told(study: Study, bring) -> None:
    (study.root / "codebook.csv").write_text("code\nTrust\n")
    found = bring({"all.csv": f"{HEADER}clinic,ann,Fear,0,3\n"})
    assert any("'Fear' is not in codebook.csv" in line for line in found.brought)
    assert [row["code"] for row in codings_of(study, "ann")] == ["Fear"]


@pytest.mark.parametrize("coder", ["model", " Model"])
def test_coder_who_would_be_taken_for_the_model_is_not_brought_in(study: Study, bring, coder: str) -> None:
    before = everything_in(study)
    by_option = bring({"all.csv": "transcript,code,start,end\nclinic,x,0,3\n"}, coder=coder)
    by_column = bring({"all.csv": f"{HEADER}clinic,{coder},x,0,3\n"})
    for found in (by_option, by_column):
        assert "the model's own" in found.set_aside["all.csv"]
    assert everything_in(study) == before


@pytest.mark.parametrize("coder", ["../ann", "a/b", "a\\b", ".ann", "a:b", "a*"])
def test_coder_whose_name_cannot_be_a_file_is_refused(study: Study, bring, coder: str) -> None:
    before = everything_in(study)
    found = bring({"all.csv": f"{HEADER}clinic,{coder},x,0,3\n"})
    assert "cannot be a file's name" in found.set_aside["all.csv"]
    assert everything_in(study) == before


def test_transcripts_come_before_the_codings_that_point_to_them(study: Study, bring) -> None:
    found = bring({"a.csv": f"{HEADER}new,ann,x,4,9\n", "new.txt": "P1: Hello there.\n"})
    assert found.set_aside == {}
    assert (study.transcripts_dir / "new.txt").read_text() == "P1: Hello there.\n"
    assert [row["quote"] for row in codings_of(study, "ann")] == ["Hello"]


def test_turn_table_is_a_transcript(study: Study, bring) -> None:
    found = bring({"turns.csv": "transcript,speaker,text\nA,P,hello\nB,P,hi\n"})
    assert found.brought[0] == "turns.csv: 2 new transcripts"


def test_transcript_that_is_there_already_is_said_and_not_counted_as_new(study: Study, bring) -> None:
    found = bring({"clinic.txt": CLINIC})
    assert found.brought == ("clinic.txt: 0 new transcripts", "clinic.txt: this file is in the study already")


def test_new_version_of_a_transcript_says_what_becomes_of_its_codings(study: Study, bring) -> None:
    assert (
        "clinic.txt: a new version of a transcript that was there"
        in bring({"clinic.txt": "A: Hm.\n"}).brought
    )
    bring({"all.csv": f"{HEADER}clinic,ann,x,0,3\n"})
    found = bring({"clinic.txt": "INT: Ready?\n" + CLINIC})
    assert any("new version" in line and "go with their words" in line for line in found.brought)


@pytest.mark.parametrize("other", [CLINIC, CLINIC + "\n\n"])
def test_same_words_under_another_name_are_said(study: Study, bring, other: str) -> None:
    assert "copy.txt: the same words stand in clinic.txt already" in bring({"copy.txt": other}).brought


def test_two_files_of_one_name_do_not_overwrite_each_other(study: Study, bring) -> None:
    found = bring({"a/talk.txt": "P1: From a.\n", "b/talk.txt": "P1: From b.\n"})
    kept = (study.transcripts_dir / "talk.txt").read_text()
    assert kept == "P1: From a.\n"
    assert "talk.txt" in found.set_aside


def test_codebook_is_taken_if_there_is_none(study: Study, bring) -> None:
    assert bring({"book.csv": "code,parent,definition\nTrust,Influence,d\n"}).set_aside == {}
    assert "Influence" in (study.root / "codebook.csv").read_text()
    assert "has a codebook.csv already" in bring({"book.csv": "code\nOther\n"}).set_aside["book.csv"]


def test_participants_are_taken_if_there_are_none(study: Study, bring) -> None:
    assert bring({"people.csv": "transcript,role\nclinic,patient\n"}).set_aside == {}
    found = bring({"people2.csv": "transcript,role\nclinic,carer\n"})
    assert "has a participants.csv already" in found.set_aside["people2.csv"]


def test_participants_with_a_column_of_names_are_not_taken_for_codings(study: Study, bring) -> None:
    found = bring({"people.csv": "transcript,name,role\nclinic,Jo,patient\n"})
    assert found.set_aside == {}
    assert (study.root / "participants.csv").is_file()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.wav", b"RIFF", "no reader for '.wav'"),
        ("x.txt", b"", "empty file"),
        ("x.csv", b"a,b\n1,2\n", "no transcripts, codings, codebook or participants"),
    ],
)
def test_file_that_is_nothing_is_refused_and_the_others_come(
    study: Study, bring, name: str, content: bytes, reason: str
) -> None:
    found = bring({name: content, "new.txt": "P1: Hello.\n"})
    assert reason in found.set_aside[name]
    assert transcript_files(study) == ("clinic.txt", "new.txt")


def test_file_that_does_not_exist_is_refused_by_name(study: Study, tmp_path: Path) -> None:
    assert bring_files_in(study, [tmp_path / "gone.txt"]).set_aside == {"gone.txt": "no such file"}


SAID = st.text(st.sampled_from("abc =+-@'\"\n,;🙂é\u0301"), min_size=1, max_size=25).map(
    lambda text: f"x{text}x"
)


@given(
    said=SAID, code=st.sampled_from(["=1+1", "@x", "'quoted", "-", "a;b", 'say "x"', "Café"]), data=st.data()
)
@settings(max_examples=30, deadline=None)
def test_what_was_brought_in_is_what_the_study_reads(
    tmp_path_factory: pytest.TempPathFactory, said: str, code: str, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("study")
    (root / "transcripts").mkdir()
    (root / "transcripts" / "t.txt").write_bytes(said.encode())
    study = load_study(root)
    transcripts = read_transcripts(root / "transcripts" / "t.txt", source="t.txt").transcripts
    start = data.draw(st.integers(0, len(said) - 1))
    end = data.draw(st.integers(start + 1, len(said)))
    stream = io.StringIO(newline="")
    prefixed = "'" + code if code[0] in "=+-@'" else code
    csv.writer(stream).writerows([HEADER.strip().split(","), ["t", "ann", prefixed, start, end]])
    (root / "from.csv").write_bytes(stream.getvalue().encode())
    assert bring_files_in(study, [root / "from.csv"]).set_aside == {}
    (coding,) = read_coded(study, transcripts).codings
    assert (coding.code, coding.start, coding.end) == (code, start, end)
