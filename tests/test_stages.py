from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

import pipeline.ingest
import pipeline.run
from corpus.errors import FileError, StudyError
from corpus.files import sha256_of, study_lock
from corpus.readers import read_transcripts
from corpus.study import Study, load_study
from corpus.tables import read_table
from pipeline.ingest import SourceFile, make_batches
from pipeline.run import RunResult, run_study

CHECKOUT = Path(__file__).parents[1]
OUTPUTS = {
    "agreement.csv",
    "agreement.json",
    "audit.html",
    "cells.csv",
    "codes.csv",
    "disagreements.csv",
    "doctor.json",
    "estimates.json",
    "evaluation.json",
    "excerpts.csv",
    "manifest.json",
    "reading.csv",
    "report.html",
    "suggestions.csv",
    "summary.json",
    "topics.csv",
    "topics.json",
}

Files = dict[str, str]


def put(root: Path, files: Files) -> Study:
    (root / "transcripts").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    return load_study(root)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_study_files: Files) -> tuple[Study, RunResult]:
    """The tiny study after its first run; only to be looked at."""
    study = put(tmp_path_factory.mktemp("first") / "study", tiny_study_files)
    return study, run_study(study)


@pytest.fixture
def run(tmp_path: Path, tiny_study_files: Files) -> Callable[..., tuple[Study, RunResult]]:
    """The tiny study with some files added or replaced (None: left out), run."""

    def make(changes: dict[str, str | None] | None = None) -> tuple[Study, RunResult]:
        files = {
            name: text for name, text in {**tiny_study_files, **(changes or {})}.items() if text is not None
        }
        study = put(tmp_path / "study", files)
        return study, run_study(study)

    return make


def rows(path: Path) -> list[dict[str, str]]:
    return [dict(row.cells) for row in read_table(path.read_bytes(), file=path.name, for_machines=True).rows]


def load(result: RunResult, name: str):
    return json.loads((result.run_dir / name).read_bytes())


def learned(study: Study) -> pd.DataFrame:
    """What the one trained model learned from: segment_id, code, share, fold ..."""
    (path,) = study.cache_dir.glob("train/*/crossfit.parquet")
    return pd.read_parquet(path)


def folders(study: Study, stage: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (study.cache_dir / stage).iterdir()}


# What a run leaves


def test_run_folder_is_complete_and_its_manifest_knows_every_file(finished) -> None:
    study, result = finished
    assert {path.name for path in result.run_dir.iterdir()} == OUTPUTS
    manifest = load(result, "manifest.json")
    assert manifest["outputs"] == {
        name: sha256_of(result.run_dir / name) for name in OUTPUTS - {"manifest.json"}
    }
    assert manifest["inputs"] == {
        path.relative_to(study.root).as_posix(): sha256_of(path)
        for path in study.root.rglob("*")
        if path.is_file()
        and path.relative_to(study.root).parts[0] not in ("cache", "runs", "models", "versions")
        and not path.name.startswith(".")
    }
    assert (study.runs_dir / "latest").read_text().strip() == result.run_id
    assert not result.unchanged


def test_run_changes_no_file_of_a_persons(finished, tiny_study_files: Files) -> None:
    study, _ = finished
    assert {name: (study.root / name).read_text() for name in tiny_study_files} == tiny_study_files


def test_counts_of_the_run_are_those_of_the_study(finished) -> None:
    _, result = finished
    assert (result.n_transcripts, result.n_read_transcripts, result.n_codings) == (6, 4, 44)
    summary = load(result, "summary.json")
    assert (summary["n_segments"], summary["n_context_segments"], summary["n_read_segments"]) == (144, 72, 48)
    assert summary["placement"] == {"exact": 44, "widened": 0, "narrowed": 0, "unplaced": 0}
    suggested = [row["probability"] for row in rows(result.run_dir / "suggestions.csv")]
    assert result.n_suggestions == sum(map(bool, suggested)) > 0
    assert result.n_first_suggestions == len(suggested) - result.n_suggestions


def test_suggestions_are_for_what_no_human_read_and_quote_the_transcript(finished) -> None:
    study, result = finished
    excerpts = {row["segment"]: row for row in rows(result.run_dir / "excerpts.csv")}
    thresholds = {row["code"]: row["threshold"] for row in rows(result.run_dir / "codes.csv")}
    for row in rows(result.run_dir / "suggestions.csv"):
        assert row["transcript"] in ("t5", "t6")
        text = (study.transcripts_dir / f"{row['transcript']}.txt").read_text()
        assert text[int(row["start"]) : int(row["end"])] == row["quote"]
        assert row["speaker"] == "P1"
        assert bool(row["probability"]) is bool(thresholds[row["code"]])
        if not row["probability"]:
            continue
        assert 0 < float(row["probability"]) <= 1
        near = row["nearest"].split("; ")
        assert len(near) == 3
        assert all(row["code"] in excerpts[segment]["codes"].split("; ") for segment in near)
        assert row["code"] not in excerpts[row["nearest_not"]]["codes"].split("; ")
        assert row["codebook"] in ("Time lost", "What it cost")
        for word in row["evidence"].split("; "):
            assert word.split(" +")[0] in row["quote"].lower()


def test_what_can_be_learned_is_learned_and_what_cannot_says_why(finished) -> None:
    _, result = finished
    codes = {row["code"]: row for row in rows(result.run_dir / "codes.csv")}
    assert codes["Waiting"]["status"] == codes["Money"]["status"] == "suggested"
    assert codes["Hope"]["status"] == "not learned yet: 0 segments in 0 groups (needs 10 in 3)"
    assert codes["Hope"]["threshold"] == ""
    said = {row["quote"]: row["code"] for row in rows(result.run_dir / "suggestions.csv")}
    assert all(("money" in quote) <= (code == "Money") for quote, code in said.items())
    assert float(codes["Waiting"]["average_precision"]) > 0.9


# Nothing is done twice


def test_second_run_of_an_unchanged_study_says_so_and_makes_nothing(finished) -> None:
    study, first = finished

    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in study.root.rglob("*") if ".lock" not in path.name}

    before = state()
    again = run_study(load_study(study.root))
    assert again.unchanged
    assert (again.run_id, again.n_suggestions) == (first.run_id, first.n_suggestions)
    assert {path: when for path, when in state().items() if path != study.root} == {
        path: when for path, when in before.items() if path != study.root
    }


def test_changed_transcript_redoes_its_own_batch_alone(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.ingest, "BATCH_BYTES", 1)
    study, first = run()
    before = {stage: folders(study, stage) for stage in ("ingest", "preprocess")}
    assert {stage: len(found) for stage, found in before.items()} == {"ingest": 6, "preprocess": 6}
    path = study.transcripts_dir / "t6.txt"
    path.write_text(path.read_text() + "P1: And the queue was endless once more.\n")
    second = run_study(study)
    assert not second.unchanged
    assert second.run_id > first.run_id
    for stage, old in before.items():
        now = folders(study, stage)
        assert len(set(now) - set(old)) == 1
        assert {name: now[name] for name in old} == old
    assert len(folders(study, "train")) == 2


def test_what_no_run_has_asked_for_in_a_month_is_removed_from_the_cache(run) -> None:
    study, _ = run()
    first = set(study.cache_dir.glob("*/*"))
    path = study.codings_dir / "ann.csv"
    path.write_text(path.read_text() + "t5,Money,2\n")
    run_study(study)
    second = set(study.cache_dir.glob("*/*")) - first
    for folders, days in ((first, 31), (second, 29)):
        for folder in folders:
            then = time.time() - days * 24 * 60 * 60
            os.utime(folder / "contents.json", (then, then))
    path.write_text(path.read_text() + "t6,Money,2\n")
    run_study(study)
    kept = first & set(study.cache_dir.glob("*/*"))
    assert {folder.parent.name for folder in kept} == {"ingest", "preprocess"}, "the new run asked for these"
    assert second <= set(study.cache_dir.glob("*/*")), "asked for less than a month ago"
    assert not list(study.cache_dir.rglob(".partial-*"))


def test_new_codings_redo_no_reading(run) -> None:
    study, _ = run()
    before = {stage: folders(study, stage) for stage in ("ingest", "preprocess")}
    path = study.codings_dir / "ann.csv"
    path.write_text(path.read_text() + "t5,Money,2\n")
    result = run_study(study)
    assert {stage: folders(study, stage) for stage in before} == before
    assert {row["transcript"] for row in rows(result.run_dir / "suggestions.csv")} == {"t6"}


def test_run_that_fails_at_its_end_leaves_no_run_folder(run, monkeypatch: pytest.MonkeyPatch) -> None:
    study, first = run()
    (study.root / "study.toml").write_text("[study]\nseed = 1\n")

    def fails(folder: Path) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setitem(pipeline.run.PAGES, "report.html", fails)
        with pytest.raises(OSError, match="No space"):
            run_study(load_study(study.root))
    names = sorted(path.name for path in study.runs_dir.iterdir())
    assert names == [first.run_id, "latest"]
    assert run_study(load_study(study.root)).run_id.startswith("0002-")


def test_study_that_another_run_holds_is_left_alone(finished) -> None:
    study, _ = finished
    with study_lock(study.root), pytest.raises(StudyError, match="another run holds this study"):
        run_study(study)


NAMES = st.lists(st.text("abcdefgh/", min_size=1, max_size=6), min_size=1, max_size=60, unique=True).map(
    sorted
)


@given(NAMES, st.data())
def test_one_file_more_or_less_changes_no_more_than_two_batches(
    found: list[str], data: st.DataObject
) -> None:
    files = [SourceFile(name, name, 10) for name in found]
    whole = make_batches(files)
    assert [file for batch in whole for file in batch] == files
    gone = data.draw(st.integers(0, len(files) - 1))
    fewer = make_batches(files[:gone] + files[gone + 1 :])
    assert len(set(whole) - set(fewer)) <= 2
    assert len(set(fewer) - set(whole)) <= 1


def test_two_fresh_copies_give_the_same_bytes(finished, tmp_path: Path, tiny_study_files: Files) -> None:
    """The other copy is run by another process, with another hash seed."""
    _, first = finished
    put(tmp_path / "study", tiny_study_files)
    source = "import sys; from pathlib import Path; from corpus.study import load_study; "
    source += "from pipeline.run import run_study; print(run_study(load_study(Path(sys.argv[1]))).run_dir)"
    done = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path / "study")],
        env={**os.environ, "PYTHONHASHSEED": "4321"},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    second = Path(done.stdout.strip().splitlines()[-1])
    differ = {name for name in OUTPUTS if (second / name).read_bytes() != (first.run_dir / name).read_bytes()}
    assert differ <= {"manifest.json"}


# What cannot be used


def test_file_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(run) -> None:
    _, result = run({"transcripts/t4.txt": "", "transcripts/notes.xyz": "?"})
    assert dict(result.set_aside)["t4.txt"] == "empty file"
    assert set(dict(result.set_aside)) == {"t4.txt", "notes.xyz"}
    assert (result.n_transcripts, result.n_read_transcripts) == (5, 3)
    summary = load(result, "summary.json")
    assert {row["file"]: row["rejected"] for row in summary["files"]}["t4.txt"] == ["empty file"]
    # What Ann coded in t4 is counted, not refused.
    assert any("8 rows" in note and "set aside" in note for note in summary["notes"])


def test_study_whose_every_file_is_bad_still_says_so(run) -> None:
    changes = {f"transcripts/t{t}.txt": "" for t in range(1, 7)}
    _, result = run(changes)
    assert result.n_transcripts == 0
    assert len(result.set_aside) == 6


def test_two_files_of_one_transcript_are_refused_with_both_names(run, tiny_study_files: Files) -> None:
    with pytest.raises(StudyError) as caught:
        run({"transcripts/wave 2/t1.txt": tiny_study_files["transcripts/t1.txt"]})
    assert "t1.txt and wave 2/t1.txt" in str(caught.value)


def test_study_without_transcripts_is_refused(make_study) -> None:
    with pytest.raises(StudyError, match="no transcript in transcripts/"):
        run_study(make_study())


def test_bad_codings_stop_the_run_and_nothing_is_made(run, tiny_study_files: Files, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"codings/bob\.csv: 1 problem"):
        run({"codings/bob.csv": "transcript,code,turn\nt1,Waiting,99\n"})
    assert not (tmp_path / "study" / "runs").exists()


def test_group_by_an_unknown_column_names_the_known_ones(run) -> None:
    with pytest.raises(StudyError, match=r"'wave' is no column .*it has: site"):
        run(
            {"study.toml": '[evaluation]\ngroup_by = "wave"\n', "participants.csv": "transcript,site\nt1,a\n"}
        )


def test_study_without_codings_has_topics_and_first_suggestions_from_its_codebook(run) -> None:
    _, result = run({"codings/ann.csv": None, "codings/bob.csv": None})
    suggested = rows(result.run_dir / "suggestions.csv")
    assert (result.n_suggestions, result.n_first_suggestions) == (0, len(suggested))
    assert suggested
    assert {(row["probability"], row["nearest"]) for row in suggested} == {("", "")}
    assert load(result, "evaluation.json")["scopes"] == {}
    assert load(result, "agreement.json")["comparisons"] == []
    assert {row["status"][:15] for row in rows(result.run_dir / "codes.csv")} == {"not learned yet"}


# What is learned from


def test_codings_on_context_speakers_are_counted_and_not_trained_on(run, tiny_study_files: Files) -> None:
    ann = tiny_study_files["codings/ann.csv"] + "t1,Waiting,1\nt2,Waiting,3\n"
    study, result = run({"codings/ann.csv": ann, "study.toml": '[speakers]\ncontext = ["interviewer"]\n'})
    assert (
        "2 codings on context speakers: not trained on, not scored" in load(result, "summary.json")["notes"]
    )
    assert result.n_codings == 46
    found = learned(study)
    assert len(found) == 48 * 2
    turns = {
        f"{t.transcript_id}#{turn.start}-{turn.end}": turn.speaker
        for name in ("t1", "t2", "t3", "t4")
        for t in read_transcripts(study.transcripts_dir / f"{name}.txt", source=name).transcripts
        for turn in t.turns
    }
    assert {turns[segment] for segment in found["segment_id"]} == {"P1"}


def test_share_of_the_coders_who_read_is_what_is_learned(finished) -> None:
    study, _ = finished
    found = learned(study)
    waiting = found[found["code"] == "Waiting"].assign(name=lambda t: t["segment_id"].str.split("#").str[0])
    counts = waiting.groupby("name")["share"].value_counts().unstack(fill_value=0)
    # Ann codes Waiting in turns 1, 4, 7, 10 of 12; Bob, in t1 and t2 only, in all of them but turn 1.
    assert counts.loc["t1"].to_dict() == {0.0: 8, 0.5: 1, 1.0: 3}
    assert counts.loc["t3"].to_dict() == {0.0: 8, 0.5: 0, 1.0: 4}


def test_coverage_says_who_read_what(run, tiny_study_files: Files) -> None:
    text = tiny_study_files["transcripts/t1.txt"]
    half = text.index("part 7 of it") - len("Interviewer: And what about ")
    coverage = f"coder,transcript,start,end\nbob,t1,0,{half}\nbob,t2,,\n"
    study, result = run({"coverage.csv": coverage})
    shares = learned(study).query("code == 'Money'").set_index("segment_id")["share"]
    # Bob declined the last of t1's four, but in the half that he did not read.
    assert [share for segment, share in shares.items() if segment.startswith("t1#") and share] == [1.0] * 4
    assert not any("bob" in note and "assumed" in note for note in load(result, "summary.json")["notes"])
    pairs = [row for row in load(result, "agreement.json")["comparisons"] if row["kind"] == "human-human"]
    assert {row["n_units"] for row in pairs} == {18}


def test_groups_of_a_column_are_held_out_together(run) -> None:
    people = "transcript,site\nt1,north\nt2,north\nt3,south\nt4,east\n"
    study, result = run({"participants.csv": people, "study.toml": '[evaluation]\ngroup_by = "Site"\n'})
    folds = (
        learned(study).assign(name=lambda t: t["segment_id"].str.split("#").str[0]).groupby("name")["fold"]
    )
    assert folds.nunique().max() == 1
    first = folds.first()
    assert first["t1"] == first["t2"]
    assert first.nunique() == 3
    assert load(result, "evaluation.json")["n_groups"] == 3


def test_machine_is_compared_and_never_trained_on(run, tiny_study_files: Files) -> None:
    every = "\n".join(f"t{t},Hope,{turn}" for t in (1, 2, 3, 4) for turn in range(2, 26, 2))
    changes = {
        "codings/llm.csv": f"transcript,code,turn\n{every}\n",
        "coders.csv": "coder,kind\nllm,machine\n",
    }
    study, result = run(changes)
    assert set(learned(study)["code"]) == {"Waiting", "Money"}
    kinds = {(row["a"], row["b"]): row["kind"] for row in load(result, "agreement.json")["comparisons"]}
    assert kinds[("ann", "llm")] == kinds[("bob", "llm")] == "machine-human"
    assert kinds[("ann", "bob")] == "human-human"
    assert kinds[("ann", "model")] == "model-human"


def test_what_the_model_was_trained_on_gets_no_suggestions(run, tiny_study_files: Files) -> None:
    changes = {
        "codings/consensus.csv": tiny_study_files["codings/ann.csv"],
        "codings/ann.csv": None,
        "codings/bob.csv": None,
        "study.toml": '[target]\ngold = "consensus"\n',
    }
    study, result = run(changes)
    assert len(learned(study)) > 0
    assert {row["transcript"] for row in rows(result.run_dir / "suggestions.csv")} <= {"t5", "t6"}


# How people agree


def test_agreement_of_two_coders_is_that_of_their_common_segments(finished, tiny_study_files: Files) -> None:
    _, result = finished
    given: dict[str, set[tuple[str, str, int]]] = {}
    for coder in ("ann", "bob"):
        lines = tiny_study_files[f"codings/{coder}.csv"].splitlines()[1:]
        given[coder] = {(t, code, int(turn)) for t, code, turn in (line.split(",") for line in lines)}
    cells = [
        (t, code, turn)
        for t in ("t1", "t2")
        for code in ("Waiting", "Money", "Hope")
        for turn in range(2, 25, 2)
    ]
    a, b = ([cell in given[coder] for cell in cells] for coder in ("ann", "bob"))
    (pooled,) = [
        row
        for row in load(result, "agreement.json")["comparisons"]
        if row["code"] is None and row["kind"] == "human-human"
    ]
    assert (pooled["a"], pooled["b"], pooled["n_units"], pooled["n_transcripts"]) == ("ann", "bob", 24, 2)
    assert pooled["cohen_kappa"] == pytest.approx(cohen_kappa_score(a, b))
    assert pooled["percent_agreement"] == pytest.approx(
        sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
    )
    assert pooled["ci"]["cohen_kappa"]["low"] is None
    assert "too few" in pooled["ci"]["cohen_kappa"]["reason"]


def test_undefined_figures_are_null_with_a_reason(finished) -> None:
    _, result = finished
    (hope,) = [
        row
        for row in load(result, "agreement.json")["comparisons"]
        if row["code"] == "Hope" and row["kind"] == "human-human"
    ]
    assert hope["cohen_kappa"] is None
    assert hope["undefined"]["cohen_kappa"]
    assert hope["percent_agreement"] == 1
