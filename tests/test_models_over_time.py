"""A study from its first model on: what is trained when, what is used, going back, and what a kill leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from corpus.errors import FileError, StudyError
from corpus.files import study_lock
from corpus.study import Study, load_study
from corpus.tables import read_table
from models.store import read_model
from pipeline.going_back import list_models, use_model
from pipeline.kept_models import NEEDED, keep_model, read_current, standing
from pipeline.retrain import PERSON, SCHEDULE
from pipeline.run import RunResult, asked_to_train, finish_training, plan_run, run_study, train_now
from pipeline.share_model import look_at_model
from pipeline.stages import needed_for, one_by_one, quiet, run_stages
from pipeline.verify import verify
from tests.faults import commands

AFTER = 24
SETTINGS = f'[model]\nencoder = "none"\n[retrain]\nafter_codings = {AFTER}\n'
PER_INTERVIEW = 8

Files = dict[str, str]
Interviews = Callable[[Files, int], Files]


def put(root: Path, files: Files) -> Study:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    return load_study(root)


def fits(study: Study) -> set[str]:
    """Every model that was trained since the cache was last deleted."""
    folder = study.cache_dir / "fit"
    return {path.name[:12] for path in folder.iterdir()} if folder.is_dir() else set()


def manifest(result: RunResult) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((result.run_dir / "manifest.json").read_bytes())
    return found


def current(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((study.models_dir / "current.json").read_bytes())
    return found


def crossfit(study: Study, result: RunResult) -> pd.DataFrame:
    key = manifest(result)["stages"]["train"][0]
    table = pd.read_parquet(study.cache_dir / "train" / key / "crossfit.parquet")
    return table.assign(name=table["segment_id"].str.split("#").str[0])


@pytest.fixture(scope="session")
def interviews(tiny_study_files: Files, more_interviews: Interviews) -> Callable[[int], Files]:
    """n -> a study of n interviews read by Ann, 8 codings each, two unread ones, and 24 codings to train again.

    From the fifth on the words are those of one before, in another year.
    """

    def make(n: int) -> Files:
        files = more_interviews(tiny_study_files, n) | {"study.toml": SETTINGS}
        years = {f"transcripts/i{t:02d}.txt": f" of {2000 + t}.\n" for t in range(4, n)}
        return files | {name: files[name].replace(".\n", year) for name, year in years.items()}

    return make


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory, interviews: Callable[[int], Files]) -> Path:
    """The study as runs over 4, 5, 7 and 10 interviews left it; only to be copied."""
    root = tmp_path_factory.mktemp("story") / "study"
    for n in (4, 5, 7, 10):
        run_study(put(root, interviews(n)))
    return root


@pytest.fixture
def later(story: Path, tmp_path: Path) -> Study:
    """A copy of the whole story."""
    shutil.copytree(story, tmp_path / "study")
    return load_study(tmp_path / "study")


@pytest.fixture
def first(tmp_path: Path, story: Path, interviews: Callable[[int], Files]) -> Study:
    """The study after its first run, with the cache that the story has by now."""
    shutil.copytree(story / "cache", tmp_path / "first" / "cache")
    study = put(tmp_path / "first", interviews(4))
    run_study(study)
    return study


def results(study: Study) -> list[dict[str, Any]]:
    """The manifests of all runs with their notes."""
    return [
        json.loads(path.read_bytes())
        | {"notes": json.loads(path.with_name("summary.json").read_bytes())["notes"]}
        for path in sorted(study.runs_dir.glob("[0-9]*/manifest.json"))
    ]


# From run to run


def test_first_model_is_trained_as_soon_as_a_code_can_be_learned(
    tmp_path: Path, interviews: Callable[[int], Files]
) -> None:
    study = put(tmp_path / "study", interviews(2))
    assert run_study(study).n_learned == 0
    assert not (study.models_dir / "current.json").exists()
    result = run_study(put(study.root, interviews(3)))
    assert result.n_learned == 2
    (entry,) = current(study)["history"]
    assert (entry["version"], entry["used"]) == (manifest(result)["model"]["version"], True)
    assert run_study(study).unchanged


def test_old_model_goes_on_until_enough_codings_are_new_and_the_run_says_so(later: Study) -> None:
    first, second, third, fourth = results(later)
    old = first["model"]["version"]
    assert [run["model"]["version"] for run in (second, third)] == [old, old]
    assert f"model {old[:4]}… was not trained again: 8 of 24 new codings" in second["notes"][0]
    # 24 are new, but only three interviews were coded since: that it is no worse cannot be shown.
    candidate = third["models"]["entry"]["version"]
    assert third["notes"][0].startswith(
        f"new model {candidate[:4]}… is not used, {old[:4]}… stays: 3 transcripts coded blind since it was trained"
    )
    newest = fourth["models"]["entry"]
    assert fourth["model"]["version"] == newest["version"] not in (old, candidate)
    assert newest["comparison"]["n_transcripts"] == 6
    assert newest["comparison"]["difference"] >= -0.01
    assert f"replaces {old[:4]}…: " in fourth["notes"][0]
    assert "over 6 transcripts coded blind" in fourth["notes"][0]
    assert run_study(later).unchanged


def test_history_tells_which_model_is_in_use_and_why(later: Study) -> None:
    found = current(later)
    assert found["in_use"] == found["tried"] == results(later)[-1]["model"]["version"]
    assert [(entry["used"], bool(entry["comparison"])) for entry in found["history"]] == [
        (True, False),
        (False, True),
        (True, True),
    ]
    listed = list_models(later)
    assert [model.in_use for model in listed] == [False, False, True]
    assert [(model.n_codings, model.n_transcripts) for model in listed] == [(32, 4), (56, 7), (80, 10)]
    assert all(0 < (model.average_precision or 0) <= 1 for model in listed)


def test_run_with_the_old_model_trains_nothing_and_needs_no_cache(
    first: Study, interviews: Callable[[int], Files]
) -> None:
    shutil.rmtree(first.cache_dir)
    result = run_study(put(first.root, interviews(5)))
    assert fits(first) == set()
    assert result.n_suggestions > 0
    assert manifest(result)["model"]["version"] == current(first)["in_use"]


def test_what_was_coded_since_is_compared_with_what_the_old_model_plainly_says(
    first: Study, interviews: Callable[[int], Files]
) -> None:
    before = crossfit(first, run_study(first)).set_index(["segment_id", "code"])
    result = run_study(put(first.root, interviews(5)))
    after = crossfit(first, result)
    new, old = after[after["name"] == "i04"], after[after["name"] != "i04"].set_index(["segment_id", "code"])
    pd.testing.assert_frame_equal(old.drop(columns="name"), before.drop(columns="name"))
    assert set(new["fold"]) == {-1}
    model = read_model(first.models_dir / current(first)["in_use"])
    assert np.allclose(new["threshold"].unique(), model.thresholds) or set(new["threshold"]) == set(
        model.thresholds
    )
    pairs = json.loads((result.run_dir / "agreement.json").read_bytes())["comparisons"]
    assert {row["n_transcripts"] for row in pairs if row["kind"] == "model-human"} == {5}


def renamed(files: Files, names: dict[str, str]) -> Files:
    """The files of a study with other names of transcripts, wherever they stand; three answers of each are edited."""
    found = dict(files)
    for old, new in names.items():
        text = found.pop(f"transcripts/{old}.txt").replace("P1: Well, ", "P1: Oh well, ", 3)
        found = {name: rest.replace(f"{old},", f"{new},") for name, rest in found.items()}
        found[f"transcripts/{new}.txt"] = text
    return found


@pytest.mark.parametrize("sites", [False, True])
def test_transcript_that_the_model_learned_from_is_not_unseen_under_another_name(
    tmp_path: Path, interviews: Callable[[int], Files], sites: bool
) -> None:
    def files(n: int) -> Files:
        rows = "".join(f"i{t:02d},site {t}\n" for t in range(n))
        by_site = '[evaluation]\ngroup_by = "site"\n'
        own = {"participants.csv": f"transcript,site\n{rows}", "study.toml": SETTINGS + by_site}
        return interviews(n) | (own if sites else {})

    study = put(tmp_path / "study", files(5))
    run_study(study)
    (study.transcripts_dir / "i00.txt").unlink()
    later = renamed(files(6), {"i00": "u00"})
    later = {name: text.replace("site 0", "Site 0") for name, text in later.items()}
    rows = crossfit(study, run_study(put(study.root, later)))
    assert set(rows["name"]) == {"i01", "i02", "i03", "i04", "i05"}
    assert set(rows[rows["name"] == "i05"]["fold"]) == {-1}


def test_models_are_not_compared_where_the_old_one_learned_under_another_name(
    first: Study, interviews: Callable[[int], Files]
) -> None:
    for t in range(4):
        (first.transcripts_dir / f"i{t:02d}.txt").unlink()
    files = renamed(interviews(6), {f"i{t:02d}": f"u{t:02d}" for t in range(4)})
    result = run_study(put(first.root, files))
    assert "stays: 2 transcripts coded blind since it was trained" in result.notes[0]


def test_edited_words_are_left_out_of_the_comparison_and_what_an_edit_moved_is_not(first: Study) -> None:
    before = crossfit(first, run_study(first))
    path = first.transcripts_dir / "i00.txt"
    path.write_text(path.read_text().replace("P1: Well, ", "P1: Oh well, ", 1))
    # A new version of a turn counts as not read, unless a row speaks of it again.
    coverage = "coder,transcript,start,end\n" + "".join(f"ann,i{t:02d},,\n" for t in range(4))
    (first.root / "coverage.csv").write_text(coverage)
    result = run_study(first)
    assert "not trained again" in " ".join(result.notes)
    rows = crossfit(first, result)
    n_segments = rows.groupby("name")["segment_id"].nunique()
    assert n_segments.to_dict() == {"i00": 11, "i01": 12, "i02": 12, "i03": 12}
    here, there = (table[table["name"] == "i00"]["probability"].tolist()[-22:] for table in (rows, before))
    assert here == there


@pytest.mark.parametrize(
    ("file", "line", "why"),
    [
        ("codebook.csv", "Fear,Being afraid", "the codebook changed"),
        ("study.toml", "[study]\nseed = 7", "[study] seed changed"),
        ("study.toml", '[target]\ngold = "ann"', "[target] gold changed"),
    ],
)
def test_model_of_a_changed_codebook_or_setting_replaces_the_old_one_only_if_it_is_no_worse(
    first: Study, interviews: Callable[[int], Files], file: str, line: str, why: str
) -> None:
    old = current(first)["in_use"]
    changed = {file: (first.root / file).read_text() + line + "\n"}
    result = run_study(put(first.root, changed))
    candidate = current(first)["tried"]
    assert current(first)["in_use"] == old != candidate
    assert result.notes[0].startswith(
        f"new model {candidate[:4]}… is not used, {old[:4]}… stays: {why}; 0 transcripts coded blind"
    )
    assert run_study(load_study(first.root)).unchanged
    trained = fits(first)
    again = run_study(put(first.root, interviews(5) | changed))
    assert f"the model in use is {old[:4]}…, not {candidate[:4]}…" in again.notes[0]
    assert fits(first) == trained, "the change is no news any more"
    result = run_study(put(first.root, interviews(10) | changed))
    assert f"replaces {old[:4]}…: " in result.notes[0]
    assert "over 6 transcripts coded blind" in result.notes[0]
    assert manifest(result)["model"]["version"] not in (old, candidate)


def test_one_word_in_a_definition_replaces_no_model(first: Study) -> None:
    old = current(first)["in_use"]
    path = first.root / "codebook.csv"
    path.write_text(path.read_text().replace("Time lost", "Time that is lost"))
    assert manifest(run_study(first))["model"]["version"] == old


@pytest.mark.parametrize(
    ("file", "was", "now", "why"),
    [
        ("codebook.csv", "Money", "Costs", "the codebook changed"),
        ("study.toml", "[retrain]", '[segments]\nunit = "passage"\n[retrain]', "the unit of coding changed"),
    ],
)
def test_model_that_cannot_be_asked_any_more_is_replaced_and_the_run_says_why(
    first: Study, file: str, was: str, now: str, why: str
) -> None:
    old = current(first)["in_use"]
    for name in (file, "codings/ann.csv"):
        path = first.root / name
        path.write_text(path.read_text().replace(was, now))
    result = run_study(load_study(first.root))
    new = current(first)["in_use"]
    assert new != old
    cannot = f"so that {old[:4]}… cannot be compared with it"
    assert result.notes[0] == f"new model {new[:4]}… replaces {old[:4]}…: {why}, {cannot}"


def test_scores_by_other_groups_come_at_once(first: Study) -> None:
    old = current(first)["in_use"]
    rows = "".join(f"i{t:02d},site {t}\n" for t in range(4))
    study = put(first.root, {"participants.csv": f"transcript,site\n{rows}"})
    result = run_study(load_study(study.root, group_by="site"))
    assert manifest(result)["model"]["version"] != old
    assert "it was asked for ([evaluation] group_by changed; 0 transcripts coded blind" in result.notes[0]


def take_away(study: Study, name: str) -> Callable[[], object]:
    """Hide a file or folder of a study, as a share that is not mounted does; gives what puts it back."""
    path, away = study.root / name, study.root.with_name("away")
    path.rename(away)
    return lambda: away.rename(path)


@pytest.mark.parametrize(
    ("unit", "codebook", "told"),
    [
        ('[segments]\nunit = "turn"\n', True, "stays in use: "),
        # Without codings nothing says that turns are coded.
        ("", True, "cannot be asked and rests: the unit of coding changed, and "),
        # Without them and a codebook there is no code.
        ('[segments]\nunit = "turn"\n', False, "cannot be asked and rests: the codebook changed, and "),
    ],
)
def test_codings_that_are_away_for_one_run_change_nothing_in_the_models(
    tmp_path: Path, interviews: Callable[[int], Files], unit: str, codebook: bool, told: str
) -> None:
    def files(n: int) -> Files:
        found = interviews(n) | {"study.toml": SETTINGS + unit}
        return {name: text for name, text in found.items() if codebook or name != "codebook.csv"}

    run_study(put(tmp_path / "study", files(4)))
    study = put(tmp_path / "study", files(7))
    run_study(study)
    before = current(study)
    in_use = before["in_use"]
    rejected = [entry["version"] for entry in before["history"] if not entry["used"]]
    assert rejected and in_use not in rejected
    back = take_away(study, "codings/ann.csv")
    (study.codings_dir / "ann.csv").write_text("transcript,code,turn\n")
    night = run_study(study)
    nothing = "no code can be learned from the codings there are"
    assert night.notes[0] == f"model {in_use[:4]}… {told}{nothing}"
    assert manifest(night)["models"]["entry"] is None
    assert bool(manifest(night)["model"]) is ("stays" in told)
    assert current(study)["in_use"] == in_use
    assert run_study(study).unchanged
    (study.codings_dir / "ann.csv").unlink()
    back()
    time.sleep(1)  # a run tells its own suggestions from earlier ones by the second
    morning = run_study(study)
    assert manifest(morning)["model"]["version"] == in_use
    assert current(study)["history"] == before["history"]
    assert verify(study, night.run_id).changed
    again = verify(study, morning.run_id)
    assert (again.changed, again.damaged) == ((), ())
    assert again.verified, [file for file in again.files if file.differences]


def test_model_that_was_not_used_is_not_used_either_when_the_files_of_the_other_are_away(
    first: Study, interviews: Callable[[int], Files]
) -> None:
    study = put(first.root, interviews(7))
    run_study(study)
    in_use, rejected = current(study)["in_use"], current(study)["tried"]
    assert rejected != in_use
    back = take_away(study, f"models/{in_use}")
    night = run_study(study)
    assert manifest(night)["model"] == {}
    assert f"new model {rejected[:4]}… is not used (the files of {in_use[:4]}… are missing" in night.notes[0]
    assert run_study(study).unchanged
    back()
    assert manifest(run_study(study))["model"]["version"] == in_use
    take_away(study, f"models/{in_use}")
    assert use_model(study, rejected) == (rejected, "")
    assert manifest(run_study(study))["model"]["version"] == rejected


def test_model_that_an_earlier_version_of_precode_threw_away_is_in_use_again(later: Study) -> None:
    noted = current(later)
    path = later.models_dir / "current.json"
    path.write_text(json.dumps({**noted, "in_use": "", "tried": ""}))
    assert standing(later).in_use == noted["in_use"]
    assert manifest(run_study(later))["model"]["version"] == noted["in_use"]


def test_code_that_can_be_learned_since_says_that_it_waits(first: Study) -> None:
    turns = [(t, turn) for t in (0, 1, 2) for turn in range(6, 26, 6)]
    path = first.codings_dir / "ann.csv"
    path.write_text(path.read_text() + "".join(f"i{t:02d},Hope,{turn}\n" for t, turn in turns))
    result = run_study(first)
    assert "12 of 24 new codings" in result.notes[0]
    table = read_table((result.run_dir / "codes.csv").read_bytes(), file="codes.csv", for_machines=True)
    status = {row.cells["code"]: row.cells["status"] for row in table.rows}
    assert status["Hope"].startswith("can be learned by now")
    assert status["Money"] == "suggested"


# By hand


def test_training_that_is_asked_for_happens_now_and_its_model_is_used(
    first: Study, interviews: Callable[[int], Files]
) -> None:
    study = put(first.root, interviews(5))
    old = current(study)["in_use"]
    _, note = train_now(study)
    new = current(study)["in_use"]
    assert new != old
    assert "it was asked for (1 transcript coded blind" in note
    result = run_study(study)
    assert manifest(result)["model"]["version"] == new
    assert not any("not trained again" in note for note in result.notes)
    assert run_study(study).unchanged
    history = current(study)["history"]
    assert train_now(study)[1] == f"model {new[:4]}… has learned from all there is"
    assert current(study)["history"] == history
    assert current(study)["in_use"] == new


@pytest.mark.parametrize(("by", "used"), [(PERSON, True), (SCHEDULE, False)])
def test_schedule_uses_no_model_that_was_not_shown_to_be_no_worse(
    first: Study, interviews: Callable[[int], Files], by: str, used: bool
) -> None:
    study = put(first.root, interviews(5))
    old = current(study)["in_use"]
    with study_lock(study.root):
        plan = asked_to_train(plan_run(study), by=by)
        keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=needed_for("train"))
        note = finish_training(study, plan, keys)
    assert (current(study)["in_use"] != old) is used
    assert current(study)["tried"] != old
    assert ("replaces" in note) is used


RETRAIN = """
import flows.whole_study
flows.whole_study.retrain.fn(sys.argv[1])
raise SystemExit(0)
"""


def test_flow_that_retrains_is_as_strict_as_a_schedule(
    first: Study, interviews: Callable[[int], Files], tmp_path: Path
) -> None:
    study = put(first.root, interviews(5))
    old = current(study)["in_use"]
    status, _, err = commands.precode(tmp_path / "home", study.root, source=RETRAIN)
    assert status == 0, err
    assert current(study)["in_use"] == old
    assert current(study)["tried"] != old


def test_training_again_and_again_writes_one_line_of_history(
    first: Study, interviews: Callable[[int], Files]
) -> None:
    study = put(first.root, interviews(5))
    before = current(study)["history"]
    for _ in range(3):
        with study_lock(study.root):
            plan = asked_to_train(plan_run(study), by=SCHEDULE)
            keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=needed_for("train"))
            finish_training(study, plan, keys)
        *earlier, entry = current(study)["history"]
        assert earlier == before
        assert not entry["used"]


def test_going_back_lasts_and_the_run_says_so(later: Study, interviews: Callable[[int], Files]) -> None:
    old, _, new = (model.version for model in list_models(later))
    assert use_model(later, old[:5]) == (old, new)
    result = run_study(later)
    assert manifest(result)["model"]["version"] == old
    assert result.notes[0] == (f"the model in use is {old[:4]}…, not {new[:4]}…, which was trained last")
    assert run_study(later).unchanged
    trained = fits(later)
    again = run_study(put(later.root, interviews(11)))
    assert manifest(again)["model"]["version"] == old
    assert "8 of 24 new codings" in again.notes[0]
    assert fits(later) == trained
    assert verify(later).verified


def test_model_that_was_not_used_can_be_put_into_use(later: Study) -> None:
    _, candidate, new = (model.version for model in list_models(later))
    assert use_model(later, candidate) == (candidate, new)
    assert manifest(run_study(later))["model"]["version"] == candidate
    assert use_model(later, candidate) == (candidate, candidate)


def test_model_whose_code_is_gone_is_refused_with_the_code(later: Study) -> None:
    old = list_models(later)[0].version
    path = later.root / "codebook.csv"
    path.write_text(path.read_text().replace("Waiting", "Queues"))
    with pytest.raises(StudyError, match=f"models/{old} cannot be used: .*not in the codebook .*: 'Waiting'"):
        use_model(later, old)


def test_going_back_is_possible_after_a_definition_or_the_seed_changed(later: Study) -> None:
    old, _, new = (model.version for model in list_models(later))
    path = later.root / "codebook.csv"
    path.write_text(path.read_text().replace("Time lost", "Hours lost"))
    (later.root / "study.toml").write_text(SETTINGS + "[study]\nseed = 3\n")
    assert use_model(load_study(later.root), old) == (old, new)


def test_model_of_another_unit_is_refused(later: Study) -> None:
    old = list_models(later)[0].version
    (later.root / "study.toml").write_text(SETTINGS + '[segments]\nunit = "passage"\n')
    with pytest.raises(StudyError, match="the unit of coding changed"):
        use_model(load_study(later.root), old)


def test_model_of_another_encoder_is_refused(later: Study) -> None:
    old = list_models(later)[0].version
    path = later.models_dir / old / "conditions.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "encoder": "minilm"}))
    now = read_current(later)
    for entry in now["history"]:
        entry["files"] = {}
    (later.models_dir / "current.json").write_text(json.dumps(now))
    with pytest.raises(StudyError, match="the sentence encoder changed since it was trained"):
        use_model(later, old)


@pytest.mark.parametrize(("wanted", "why"), [("ffffffffffff", "no model 'f"), ("", "no model ''")])
def test_unknown_model_is_refused_with_the_known_ones(later: Study, wanted: str, why: str) -> None:
    with pytest.raises(StudyError, match=why) as caught:
        use_model(later, wanted)
    assert list_models(later)[0].version in str(caught.value)


def test_going_back_waits_for_nobody_who_holds_the_study(later: Study) -> None:
    with study_lock(later.root), pytest.raises(StudyError, match="another run holds this study"):
        use_model(later, list_models(later)[0].version)


# What can go wrong


@pytest.mark.parametrize("damage", ["model.npz", "crossfit.parquet", "all"])
def test_damaged_model_is_trained_again_and_named(later: Study, damage: str) -> None:
    version = current(later)["in_use"]
    folder = later.models_dir / version
    if damage == "all":
        shutil.rmtree(folder)
    else:
        (folder / damage).write_bytes((folder / damage).read_bytes()[:-1])
    result = run_study(later)
    assert not result.unchanged
    assert f"the files of {version[:4]}… are missing or are not what they were" in result.notes[0]
    # The same codings give the same model.
    assert current(later)["in_use"] == version
    assert standing(later).lost == ""
    assert run_study(later).unchanged


def test_damaged_record_of_the_models_is_named_with_what_to_do(later: Study) -> None:
    (later.models_dir / "current.json").write_text('{"schema": 1, "in_use": "../../x"}')
    with pytest.raises(FileError, match=r"(?s)models/current\.json.*Remove it"):
        run_study(later)


def test_run_that_was_killed_before_it_noted_its_model_has_decided_all_the_same(later: Study) -> None:
    path = later.models_dir / "current.json"
    noted = json.loads(path.read_bytes())
    as_before = {**noted, "in_use": noted["history"][0]["version"], "tried": noted["history"][1]["version"]}
    runs = sorted(run["run_id"] for run in results(later))
    path.write_text(json.dumps({**as_before, "as_of": runs[-2], "history": noted["history"][:-1]}))
    assert read_current(later) == noted
    assert run_study(later).unchanged


@pytest.mark.parametrize("n_deleted", [1, 2])
def test_what_a_run_decides_counts_although_newer_runs_were_deleted_before_it(
    later: Study, interviews: Callable[[int], Files], n_deleted: int
) -> None:
    for run in results(later)[-n_deleted:]:
        shutil.rmtree(later.runs_dir / run["run_id"])
    result = run_study(put(later.root, interviews(16)))
    decided = manifest(result)["models"]
    assert decided["entry"]
    assert current(later)["history"][-1] == decided["entry"]
    assert current(later)["in_use"] == decided["after"]["in_use"]


def test_record_of_the_models_is_newer_than_a_run_by_number_and_not_by_letters(later: Study) -> None:
    noted = current(later)
    newest, before = results(later)[-1], results(later)[-2]
    for run, number in ((before, 9999), (newest, 10000)):
        folder = later.runs_dir / run["run_id"]
        folder.rename(later.runs_dir / f"{number}-{run['run_id'][-8:]}")
    as_of = f"9999-{before['run_id'][-8:]}"
    old = noted["history"][0]["version"]
    path = later.models_dir / "current.json"
    path.write_text(json.dumps({**noted, "as_of": as_of, "in_use": old, "history": noted["history"][:-1]}))
    assert read_current(later)["in_use"] == noted["in_use"]
    assert run_study(put(later.root, {"codings/eve.csv": "transcript,code,turn\n"})).run_id[:6] == "10001-"


CHANGES_A_FOLDER = {"os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.mkdir", "os.chmod"}


def killed_after(n_changes: int, work: Callable[[], None]) -> bool:
    """Work in a process that kills itself before it changes a folder once more; whether it did."""
    pid = os.fork()
    if pid == 0:
        left = [n_changes]

        def count(event: str, arguments: object) -> None:
            if event in CHANGES_A_FOLDER:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks and kills")
def test_model_that_is_mended_is_there_whenever_a_kill_comes(first: Study) -> None:
    version = current(first)["in_use"]
    folder = first.models_dir / version
    source = next(path for path in (first.cache_dir / "fit").iterdir() if path.name.startswith(version))
    good = {name: (source / name).read_bytes() for name in NEEDED}
    damaged = {**good, "model.npz": b"damaged"}
    n_kills, killed = 0, True
    while killed:
        (folder / "model.npz").write_bytes(b"damaged")
        killed = killed_after(n_kills, lambda: keep_model(first, source, version, anew=True))
        found = {name: (folder / name).read_bytes() for name in NEEDED}
        assert found in (damaged, good), "old or new"
        n_kills += killed
    assert n_kills > len(NEEDED)
    assert found == good


def test_training_killed_in_the_middle_leaves_the_old_model_in_use(
    first: Study, interviews: Callable[[int], Files], tmp_path: Path
) -> None:
    study = put(first.root, interviews(12))
    shutil.rmtree(study.cache_dir)
    before = current(study)
    source = "import sys; from pathlib import Path; from corpus.study import load_study; "
    source += "from pipeline.run import run_study; run_study(load_study(Path(sys.argv[1])))"
    started = subprocess.Popen(
        [sys.executable, "-c", source, str(study.root)], cwd=commands.TOP, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(study.cache_dir.glob("fit/.partial-*")):
        assert started.poll() is None and time.monotonic() < deadline, "it was not caught in training"
        time.sleep(0.002)
    started.send_signal(signal.SIGKILL)
    assert started.wait(30) == -signal.SIGKILL
    assert list(study.cache_dir.glob("fit/.partial-*")), "training was over before it was killed"
    assert current(study) == before
    assert standing(study).in_use == before["in_use"]
    result = run_study(study)
    assert "over 8 transcripts coded blind" in result.notes[0]
    assert not list(study.cache_dir.glob("fit/.partial-*"))
    undisturbed = put(tmp_path / "undisturbed", interviews(4))
    run_study(undisturbed)
    other = run_study(put(undisturbed.root, interviews(12)))
    for path in result.run_dir.iterdir():
        if path.name not in ("manifest.json",) and path.suffix != ".html":
            same = path.read_bytes().replace(b'"title": "first"', b'"title": "undisturbed"')
            assert same == (other.run_dir / path.name).read_bytes(), path.name


def test_models_from_before_there_was_a_record_are_listed_and_not_used(later: Study) -> None:
    for folder in later.models_dir.glob("*/"):
        for path in folder.iterdir():
            if path.name not in ("model.json", "model.npz", "card.json"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    (later.models_dir / "current.json").unlink()
    for path in later.runs_dir.glob("*/manifest.json"):
        old = json.loads(path.read_bytes())
        path.write_text(json.dumps({k: v for k, v in old.items() if k not in ("models", "key_after")}))
    listed = list_models(later)
    assert [(model.in_use, model.trained_at, model.n_codings) for model in listed] == [(False, "", None)] * 3
    with pytest.raises(StudyError, match="an earlier version of precode kept less"):
        use_model(later, listed[0].version)
    look_at_model(later)
    result = run_study(later)
    assert result.n_learned == 2
    assert current(later)["in_use"] == manifest(result)["model"]["version"]
    assert run_study(later).unchanged


# Verifying


@pytest.mark.parametrize("number", [1, 2, 3])
def test_run_whose_model_was_trained_before_it_can_be_verified(later: Study, number: int) -> None:
    shutil.rmtree(later.cache_dir)
    run = results(later)[number]
    # Its material is that of then.
    n = (4, 5, 7, 10)[number]
    for t in range(n, 10):
        (later.transcripts_dir / f"i{t:02d}.txt").unlink()
    path = later.codings_dir / "ann.csv"
    lines = [line for line in path.read_text().splitlines() if line[:1] != "i" or int(line[1:3]) < n]
    path.write_text("\n".join([*lines, ""]))
    old = results(later)[0]["model"]["version"]
    assert f"models/{old}/model.npz" in run["inputs"]
    found = verify(later, run["run_id"])
    assert (found.by, found.changed, found.damaged) == ("bytes", (), ())
    assert found.verified
    assert not later.cache_dir.exists()
    shutil.rmtree(later.models_dir / old)
    changed = dict(verify(later, run["run_id"]).changed)
    if found_damaged := verify(later, run["run_id"]).damaged:
        assert found_damaged[0][0].startswith(f"models/{old}")
    else:
        assert changed[f"models/{old}/model.npz"] == "removed"


def test_unchanged_run_reads_no_more_than_hashes(later: Study) -> None:
    plan = plan_run(later)
    assert plan.unchanged_since == results(later)[-1]["run_id"]
    version = current(later)["in_use"]
    assert {name.split("/")[1] for name in plan.inputs if name.startswith("models/")} == {version}


# The command line


def test_command_lists_models_and_goes_back_to_one(later: Study, tmp_path: Path) -> None:
    status, out, err = commands.precode(tmp_path / "home", "models", later.root)
    assert status == 0, err
    old, candidate, new = (model.version for model in list_models(later))
    lines = out.splitlines()
    assert [line.split(" ")[0].rstrip(":,") for line in lines[::2]] == [old, candidate, new]
    assert [("(in use)" in line) for line in lines[::2]] == [False, False, True]
    assert "on 56 codings in 7 transcripts, average precision " in lines[2]
    assert lines[1].strip() == "it is the first"
    assert lines[3].strip().startswith("not used: 3 transcripts coded blind")
    status, out, err = commands.precode(tmp_path / "home", "models", later.root, "--use", old[:6])
    assert status == 0, err
    assert out == f"Model {old} is in use from the next run on, in place of {new}.\n"
    found = json.loads(commands.precode(tmp_path / "home", "models", later.root, "--json")[1])
    assert found["in_use"] == old
    assert [model["version"] for model in found["models"]] == [old, candidate, new]
    assert found["history"][-1]["why"] == "put into use by hand"


def test_command_refuses_a_model_that_is_not_there(later: Study, tmp_path: Path) -> None:
    status, out, err = commands.precode(tmp_path / "home", "models", later.root, "--use", "nothing")
    assert (status, out) == (1, "")
    assert "no model 'nothing'" in err
    assert "Traceback" not in err


def test_study_without_models_says_when_the_first_comes(
    make_study: Callable[..., Study], tmp_path: Path
) -> None:
    status, out, _ = commands.precode(tmp_path / "home", "models", make_study().root)
    assert (status, out[:12]) == (0, "No model yet")


def test_training_on_the_command_line_says_what_became_of_the_model(
    first: Study, interviews: Callable[[int], Files], tmp_path: Path
) -> None:
    put(first.root, interviews(5))
    status, out, err = commands.precode(tmp_path / "home", "train", first.root)
    assert status == 0, err
    assert "replaces" in out and "it was asked for" in out


def test_run_that_is_to_retrain_does(
    first: Study, interviews: Callable[[int], Files], tmp_path: Path
) -> None:
    old = current(first)["in_use"]
    put(first.root, interviews(5))
    status, out, err = commands.precode(tmp_path / "home", "run", first.root, "--retrain", "--json")
    assert status == 0, err
    found = json.loads(out)
    made = json.loads((Path(found["run_dir"]) / "manifest.json").read_bytes())
    assert made["model"]["version"] == current(first)["in_use"] != old
