"""A model is given away only after a look at the names in it, as one file that is the same each time."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import StudyError
from corpus.identifying import CAPITAL, PARTICIPANT
from corpus.names_to_check import NAMES_FILE
from corpus.study import Study, load_study
from corpus.tables import read_table
from models.members import WORDS
from models.ngrams import count_ngrams
from models.one_file import unpack
from models.store import parse_model
from models.theme_model import ThemeModel
from pipeline.run import run_study
from pipeline.share_model import look_at_model, readme_of, share_model

ROOT = Path(__file__).parents[1]
NAME = "katherine"


def export(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", "export", *map(str, arguments), "--to", "model"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def export_on_terminal(study: Study, answer: str) -> tuple[int, str]:
    """Run the command on a terminal where somebody answers; status and all that was shown."""
    import pty  # not on every system

    ours, its = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "export", str(study.root), "--to", "model"],
        cwd=ROOT,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    os.write(ours, f"{answer}\n".encode())
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says so at the end
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return started.wait(), shown.decode()


def given(study: Study) -> list[Path]:
    return list(study.root.glob("*.precode-model"))


def model_in(path: Path) -> ThemeModel:
    return parse_model(unpack(path.read_bytes(), file=path.name))


def ngrams(model: ThemeModel) -> set[str]:
    return {*model.words.vocabulary.words, *model.words.vocabulary.characters}


def test_names_are_listed_in_the_study_and_nothing_is_written_without_consent(own_named_study):
    told = export(own_named_study.root)
    assert told.returncode == 2
    assert "1 capitalised within sentences" in told.stderr
    assert given(own_named_study) == []
    table = read_table((own_named_study.root / NAMES_FILE).read_bytes(), file=NAMES_FILE, for_machines=True)
    assert {row.cells["word"]: row.cells["why"] for row in table.rows}[NAME] == CAPITAL


@pytest.mark.parametrize(
    "options", [[], ["--yes"], ["--json"], ["--yes", "--json"], ["--yes", "--without-names"]]
)
def test_no_word_of_a_participant_reaches_a_log_or_a_machine(own_named_study, options):
    told = export(own_named_study.root, *options)
    assert NAME not in (told.stdout + told.stderr).lower()
    assert told.returncode == (0 if "--yes" in options else 2)


def test_machine_is_told_counts_and_files(own_named_study):
    told = json.loads(export(own_named_study.root, "--yes", "--json").stdout)
    assert told["n_names"][CAPITAL] == 1
    assert Path(told["written"]).is_file()
    assert Path(told["names_to_check"]).is_file()
    assert (told["encoder"], told["n_codes"]) == ("", 2)
    refused = json.loads(export(own_named_study.root, "--json").stdout)
    assert refused["written"] is None


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal there")
@pytest.mark.parametrize(("answer", "n_files"), [("y", 1), ("n", 0), ("", 0)])
def test_terminal_shows_the_names_and_asks(own_named_study, answer, n_files):
    status, shown = export_on_terminal(own_named_study, answer)
    assert (status, len(given(own_named_study))) == (0, n_files)
    assert NAME in shown
    assert "Share it? [y/N]" in shown


def test_word_that_its_owner_marked_is_neither_listed_nor_left_out(own_named_study):
    (own_named_study.root / NAMES_FILE).write_text(f"word,why,keep\n{NAME},,x\n", encoding="utf-8")
    found = look_at_model(own_named_study)
    assert NAME not in found.listed
    path = share_model(own_named_study, found, None, without_names=True).path
    assert NAME in ngrams(model_in(path))


def test_same_model_gives_the_same_bytes(own_named_study, model_file, tmp_path):
    again = tmp_path / "again.precode-model"
    share_model(own_named_study, look_at_model(own_named_study), again, without_names=False)
    with zipfile.ZipFile(again) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    read = [unpack(path.read_bytes(), file="x") for path in (again, model_file)]
    assert read[0] == read[1]
    title = own_named_study.settings.model_copy(
        update={"study": own_named_study.settings.study.model_copy(update={"title": "study"})}
    )
    same_title = Study(own_named_study.root, title)
    share_model(same_title, look_at_model(own_named_study), again, without_names=False)
    assert again.read_bytes() == model_file.read_bytes()


def test_file_holds_the_model_and_nothing_that_was_said_at_length(model_file, named_study):
    with zipfile.ZipFile(model_file) as archive:
        assert set(archive.namelist()) == {"README.txt", "card.json", "model.json", "model.npz"}
        texts = [archive.read(name).decode() for name in archive.namelist() if name != "model.npz"]
    said = (named_study.root / "transcripts" / "t1.txt").read_text(encoding="utf-8").lower().split()
    in_a_row = {" ".join(said[i : i + 3]) for i in range(len(said) - 2)}
    assert not [words for words in in_a_row if any(words in text.lower() for text in texts)]


def test_card_says_how_well_it_did_and_not_where(model_file):
    card = json.loads(zipfile.ZipFile(model_file).read("card.json"))
    assert set(card["scores"]) == set(card["codes"])
    assert card["scores"]["Money"]["n_positive"] > 0
    assert card["n_left_out"] == 0
    assert "study" not in json.dumps(card)


def test_model_without_names_holds_no_part_of_them(own_named_study, model_file):
    found = look_at_model(own_named_study)
    shared = share_model(own_named_study, found, None, without_names=True)
    left = ngrams(model_in(shared.path))
    whole = ngrams(model_in(model_file))
    assert 0 < shared.n_left_out == shared.n_ngrams - len(model_in(shared.path).words.vocabulary)
    assert {"katherine", "our katherine", " kat", "ther", "rine"} <= whole
    assert not {gram for gram in left if NAME in gram or gram in (" kath", "ather", "erine", "rine")}
    assert not [
        gram for gram in left if len(gram.strip()) > 3 and gram.strip() in NAME and gram.strip() != "here"
    ]


def test_probabilities_change_only_where_something_left_out_is_said(own_named_study, model_file):
    whole = model_in(model_file)
    fewer = model_in(
        share_model(own_named_study, look_at_model(own_named_study), None, without_names=True).path
    )
    texts = ["we waited so long", "parking cost a lot", "our katherine came along"]
    before, after = (
        model.probabilities({WORDS: count_ngrams(texts, model.words.vocabulary)}) for model in (whole, fewer)
    )
    np.testing.assert_array_equal(after[:2], before[:2])
    assert (after[2] != before[2]).any()


def test_whoever_is_named_for_one_speaker_of_a_group_is_listed(own_named_study):
    (own_named_study.root / "participants.csv").write_text(
        "transcript,speaker,carer\nt1,P1,Katherine\nt1,P2,Well\n", encoding="utf-8"
    )
    run_study(own_named_study)
    assert look_at_model(own_named_study).listed[NAME] == PARTICIPANT


def test_names_of_a_study_that_changed_are_not_looked_for(own_named_study):
    path = own_named_study.root / "transcripts" / "t6.txt"
    path.write_text(path.read_text(encoding="utf-8") + "P1: Well, Wilhelmina.\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"changed since run .*: transcripts/t6\.txt"):
        look_at_model(own_named_study)


def test_study_without_a_run_or_a_model_says_so(make_study):
    study = make_study({"transcripts/a.txt": "INT: How?\nAnna: By bus.\n"})
    with pytest.raises(StudyError, match="no finished run"):
        look_at_model(study)
    run_study(study)
    with pytest.raises(StudyError, match="no code could be learned yet"):
        look_at_model(study)


def test_model_is_found_when_the_cache_was_deleted(own_named_study):
    shutil.rmtree(own_named_study.cache_dir)
    assert NAME in look_at_model(own_named_study).listed


def test_file_that_is_no_model_file_is_not_written_over(own_named_study):
    told = export(own_named_study.root, "--yes", "--out", own_named_study.root / "transcripts" / "t1.txt")
    assert told.returncode == 1
    assert ".precode-model" in told.stderr
    assert look_at_model(load_study(own_named_study.root))


def test_study_that_is_not_there_is_said_in_one_message(tmp_path):
    told = export(tmp_path / "nowhere")
    assert told.returncode == 1
    assert "no such study folder" in told.stderr


def test_whoever_gives_embeddings_of_excerpts_away_is_told(named_study):
    found = look_at_model(named_study)
    assert not found.holds_embeddings
    model = dataclasses.replace(found.model, members={**found.model.members, "nearest": found.model.words})
    held = dataclasses.replace(found, model=model)
    assert held.holds_embeddings
    assert "Embeddings of coded excerpts" in readme_of("A study", held, n_left_out=0)
    assert "Embeddings of coded excerpts" not in readme_of("A study", found, n_left_out=0)


def test_title_of_a_study_becomes_a_file_name(own_named_study):
    titled = own_named_study.settings.study.model_copy(update={"title": 'Trust: who/what "counts"?'})
    study = Study(own_named_study.root, own_named_study.settings.model_copy(update={"study": titled}))
    shared = share_model(study, look_at_model(own_named_study), None, without_names=False)
    assert shared.path.name == "Trust who what counts.precode-model"


def test_arrays_are_read_without_pickle(model_file):
    with np.load(io.BytesIO(zipfile.ZipFile(model_file).read("model.npz")), allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays.files} == {"f"}
