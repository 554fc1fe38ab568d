from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from corpus.coded import read_coded
from corpus.errors import StudyError
from corpus.new_study import make_study as new_study
from corpus.new_study import settings_file
from corpus.settings import Settings, read_settings
from corpus.study import load_study, transcript_files


def all_keys() -> list[tuple[str, str]]:
    return [
        (section, key)
        for section, field in Settings.model_fields.items()
        for key in type(field.default).model_fields
    ]


def test_new_study_has_every_part_and_says_what_was_made(tmp_path: Path) -> None:
    made = new_study(tmp_path / "new")
    there = {path.name + "/" * path.is_dir() for path in (tmp_path / "new").iterdir()}
    assert set(made) == there
    assert {"transcripts/", "codings/", "study.toml", "codebook.csv", "participants.csv"} <= there


def test_new_studys_settings_are_the_defaults_but_for_its_title(tmp_path: Path) -> None:
    new_study(tmp_path / "My study")
    settings = read_settings(tmp_path / "My study" / "study.toml")
    assert settings.study.title == "My study"
    assert settings.model_copy(update={"study": Settings().study}) == Settings()
    assert settings.study.model_copy(update={"title": ""}) == Settings().study


@pytest.mark.parametrize(("section", "key"), all_keys())
def test_settings_file_mentions_every_key_below_its_section(section: str, key: str) -> None:
    body = settings_file("x").split(f"[{section}]\n")[1].split("\n[")[0]
    assert any(line.startswith((f"{key} = ", f"# {key} = ")) for line in body.splitlines())


def test_keys_that_are_switched_off_are_examples_that_can_be_switched_on(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ")
        if " = " in line and line.split(" = ")[0].removeprefix("# ").isidentifier()
        else line
        for line in settings_file("x").splitlines()
    ]
    path = tmp_path / "study.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    settings = read_settings(path)
    assert settings.speakers.context == ("Interviewer",)
    assert settings.segments.unit == "passage"


@pytest.mark.parametrize(
    "title", ['He said "no"', "back\\slash", "Café 🙂", "tab\there", "del\x7f", "'", "#x"]
)
def test_any_folder_name_makes_a_title_that_reads_back(title: str) -> None:
    assert tomllib.loads(settings_file(title))["study"]["title"] == title


def test_study_is_made_in_an_empty_folder_but_not_over_anything(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    new_study(tmp_path / "empty")
    before = (tmp_path / "empty" / "study.toml").read_bytes()
    with pytest.raises(StudyError, match="is there already and not empty"):
        new_study(tmp_path / "empty")
    assert (tmp_path / "empty" / "study.toml").read_bytes() == before
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudyError, match="is there already"):
        new_study(tmp_path / "file")


def test_new_study_can_be_read_at_once(tmp_path: Path, make_transcript) -> None:
    new_study(tmp_path / "new")
    study = load_study(tmp_path / "new")
    assert transcript_files(study) == ()
    assert read_coded(study, []).notes == ()


def test_codings_that_are_put_into_a_new_study_are_used(tmp_path: Path, make_transcript) -> None:
    """The codebook is empty then: what was coded is the codebook."""
    new_study(tmp_path / "new")
    (tmp_path / "new" / "codings" / "ann.csv").write_text("transcript,code,turn\nt,trust,1\n")
    coded = read_coded(load_study(tmp_path / "new"), [make_transcript("t", ("P1", "Yes."))])
    assert [coding.code for coding in coded.codings] == ["trust"]


def test_files_that_are_no_material_are_not_transcripts(make_study) -> None:
    files = ["b.txt", "a/x.txt", ".hidden.txt", ".git/x.txt", "~$b.docx", "Thumbs.db", "a/.DS_Store"]
    study = make_study({f"transcripts/{name}": "x" for name in files})
    assert transcript_files(study) == ("a/x.txt", "b.txt")


def test_folder_that_is_no_study_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such study folder"):
        load_study(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="no folder 'transcripts'"):
        load_study(tmp_path)
