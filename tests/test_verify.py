"""A finished run is run again and compared: what is the same, what differs and where, what is left as it was."""

from __future__ import annotations

import getpass
import json
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import FileError, StudyError
from corpus.files import sha256_of, write_json
from corpus.study import Study, load_study
from corpus.tables import read_table, write_table
from pipeline.compare_json import json_differences
from pipeline.compare_rule import DIFFERS, RENDERED, SAME, TOLERANCE, WITHIN, Rule
from pipeline.compare_runs import compare_file
from pipeline.newest import latest_run
from pipeline.run import run_study
from pipeline.verify import BY_BYTES, BY_FIGURES, Verified, verify
from pipeline.verify_told import as_json, as_lines
from tests.faults.commands import start

BY_FIGURES_RULE = Rule(TOLERANCE)
PEOPLE = "transcript,site\nt1,north\nt2,north\nt3,south\nt4,east\n"


@pytest.fixture(scope="session")
def finished_dir(tmp_path_factory: pytest.TempPathFactory, tiny_study_files: dict[str, str]) -> Path:
    """The tiny study after a run by sites and then one by transcripts; only to be copied."""
    root = tmp_path_factory.mktemp("verify") / "study"
    for name, content in (tiny_study_files | {"participants.csv": PEOPLE}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    run_study(load_study(root, group_by="site"))
    run_study(load_study(root))
    shutil.rmtree(root / "cache")
    return root


@pytest.fixture
def study(finished_dir: Path, tmp_path: Path) -> Study:
    """A copy of the finished study that may be changed."""
    shutil.copytree(finished_dir, tmp_path / "study")
    return load_study(tmp_path / "study")


@pytest.fixture(autouse=True)
def scratch_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go: whatever is left there was left behind."""
    found = tmp_path / "scratch"
    found.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(found))
    return found


def never(stage: str, done: int, total: int) -> None:
    raise AssertionError(f"{stage} was run")


def run_dir(study: Study) -> Path:
    return study.runs_dir / latest_run(study)


def edit_manifest(study: Study, edit: Callable[[dict[str, Any]], object]) -> None:
    path = run_dir(study) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    edit(manifest)
    write_json(path, manifest)


def made_elsewhere(manifest: dict[str, Any]) -> None:
    manifest["libraries"]["numpy"] = "1.0"


def rewrite(study: Study, name: str, content: bytes) -> None:
    """As if the run had written something else: the file, and its hash in the manifest."""
    (run_dir(study) / name).write_bytes(content)
    edit_manifest(study, lambda m: m["outputs"].update({name: sha256_of(run_dir(study) / name)}))


def state(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(root)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            b"" if path.is_dir() else path.read_bytes(),
        )
        for path in (root, *root.rglob("*"))
    }


def verdicts(found: Verified) -> dict[str, str]:
    return {file.file: file.verdict for file in found.files}


# The same machine


def test_run_is_verified_by_bytes_and_the_study_is_left_as_it_was(study: Study, scratch_dir: Path) -> None:
    folders = [study.root, *(path for path in study.root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)  # means nothing to root
    before = state(study.root)
    found = verify(study)
    after = state(study.root)
    for folder in folders:
        folder.chmod(0o755)
    assert (found.verified, found.by, found.made_with) == (True, BY_BYTES, ())
    assert after == before
    assert list(scratch_dir.iterdir()) == []
    outputs = {path.name for path in run_dir(study).iterdir()} - {"manifest.json"}
    model = f"models/{json.loads((run_dir(study) / 'manifest.json').read_bytes())['model']['version']}"
    assert verdicts(found) == dict.fromkeys(
        [*sorted(outputs), f"{model}/model.json", f"{model}/model.npz"], SAME
    )
    assert as_lines(found)[-1] == f"Verified: all {len(outputs) + 2} files have the same bytes."


def test_what_the_command_line_had_set_is_taken_from_the_manifest(study: Study) -> None:
    first = min(path.parent.name for path in study.runs_dir.glob("*/manifest.json"))
    assert first != latest_run(study)
    assert study.settings.evaluation.group_by == "transcript"
    found = verify(study, first)
    assert (found.run_id, found.verified, found.by) == (first, True, BY_BYTES)
    assert found.notes == ("scored by site, as the run was; study.toml says transcript",)


def test_renamed_study_without_a_title_is_verified(study: Study, tmp_path: Path) -> None:
    study.root.rename(tmp_path / "elsewhere")
    assert verify(load_study(tmp_path / "elsewhere")).verified


def test_file_that_another_run_would_have_made_differs(study: Study) -> None:
    rewrite(study, "report.html", (run_dir(study) / "report.html").read_bytes() + b"<!-- -->")
    found = verify(study)
    assert (found.verified, found.by) == (False, BY_BYTES)
    assert [name for name, verdict in verdicts(found).items() if verdict != SAME] == ["report.html"]
    assert as_lines(found)[-1].startswith("Not verified: 1 of ")


# What is read, and where


def test_run_again_sees_what_was_suggested_before_alone_in_a_folder_of_its_owners(
    study: Study, scratch_dir: Path
) -> None:
    seen: dict[str, set[str]] = {}
    newest = latest_run(study)
    (study.root / "private.docx").write_text("not read by any run")

    def look(stage: str, done: int, total: int) -> None:
        (made,) = scratch_dir.glob("precode-verify-*")
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        if not seen:
            root = made / "study" / "study"
            seen["files"] = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}

    assert verify(study, newest, on_stage=look).verified
    inputs = json.loads((run_dir(study) / "manifest.json").read_bytes())["inputs"]
    versions = {path.relative_to(study.root).as_posix() for path in study.versions_dir.iterdir()}
    assert seen["files"] == {*inputs, *versions, "runs/0000/manifest.json"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_is_left_behind_when_it_ends_early(
    study: Study, scratch_dir: Path, error: type[BaseException] | BaseException
) -> None:
    def ends(stage: str, done: int, total: int) -> None:
        if stage == "units":
            raise error

    before = state(study.root)
    with pytest.raises((KeyboardInterrupt, OSError)):
        verify(study, on_stage=ends)
    assert list(scratch_dir.iterdir()) == []
    assert state(study.root) == before


def test_file_that_changes_while_it_is_copied_is_not_taken(
    study: Study, scratch_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copyfile

    def changing(source: Path, target: Path) -> None:
        if source.name == "t3.txt":
            source.write_text("P1: Something else.\n")
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", changing)
    with pytest.raises(StudyError, match=r"transcripts/t3\.txt changed while it was read"):
        verify(study, on_stage=never)
    assert list(scratch_dir.iterdir()) == []


# What cannot be verified


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda root: (root / "codings/ann.csv").open("a").write("t5,Money,2\n"),
            ("codings/ann.csv", "changed"),
        ),
        (lambda root: (root / "transcripts/t7.txt").write_text("P1: Oh.\n"), ("transcripts/t7.txt", "added")),
        (lambda root: (root / "transcripts/t6.txt").unlink(), ("transcripts/t6.txt", "removed")),
        (lambda root: (root / "codings/ann.xlsx").write_text("?"), ("codings/ann.xlsx", "added")),
        (
            lambda root: (root / "study.toml").write_text("[study]\nseed = 3\n"),
            ("study.toml: [study] seed", "changed"),
        ),
    ],
)
def test_inputs_that_are_no_longer_those_of_the_run_are_named_and_nothing_is_run(
    study: Study, change: Callable[[Path], object], named: tuple[str, str]
) -> None:
    change(study.root)
    found = verify(load_study(study.root), on_stage=never)
    assert (found.verified, found.by, found.changed, found.damaged) == (False, "", (named,), ())
    assert f"  {named[0]}: {named[1]}" in as_lines(found)


def test_run_with_an_encoder_that_is_not_installed_any_more_is_not_run_without_it(study: Study) -> None:
    edit_manifest(study, lambda m: m.update(encoder="minilm"))
    assert verify(study, on_stage=never).changed == (("the sentence encoder", "removed"),)


@pytest.mark.parametrize("gone", [True, False])
def test_damaged_output_is_named_and_nothing_is_run(study: Study, gone: bool) -> None:
    path = run_dir(study) / "agreement.csv"
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"0.", b"1.", 1))
    found = verify(study, on_stage=never)
    assert not found.verified
    assert [file for file, _ in found.damaged] == [f"runs/{latest_run(study)}/agreement.csv"]
    assert found.damaged[0][1].startswith("missing" if gone else "not what the run wrote")


def test_damaged_outputs_and_changed_inputs_are_named_together(study: Study) -> None:
    (run_dir(study) / "agreement.csv").unlink()
    (study.codings_dir / "bob.csv").unlink()
    found = verify(study, on_stage=never)
    assert [file for file, _ in found.damaged] == [f"runs/{latest_run(study)}/agreement.csv"]
    assert found.changed == (("codings/bob.csv", "removed"),)
    assert not found.verified
    assert "  codings/bob.csv: removed" in as_lines(found)


def test_damaged_output_is_named_of_a_study_that_cannot_be_read_any_more(study: Study) -> None:
    (run_dir(study) / "agreement.csv").unlink()
    shutil.rmtree(study.transcripts_dir)
    found = verify(study, on_stage=never)
    assert [file for file, _ in found.damaged] == [f"runs/{latest_run(study)}/agreement.csv"]


def test_damaged_model_is_named_and_a_deleted_one_only_noted(study: Study) -> None:
    version = json.loads((run_dir(study) / "manifest.json").read_bytes())["model"]["version"]
    model = study.models_dir / version
    (model / "model.npz").write_bytes(b"")
    assert [file for file, _ in verify(study, on_stage=never).damaged] == [f"models/{version}/model.npz"]
    shutil.rmtree(model)
    found = verify(study)
    assert found.verified
    assert any(note.startswith(f"models/{version} was deleted") for note in found.notes)


def test_file_that_is_not_of_the_run_is_noted(study: Study) -> None:
    (run_dir(study) / "mine.txt").write_text("mine")
    assert verify(study).notes == ("mine.txt in the run's folder is not of the run",)


def test_unknown_run_lists_the_known_ones(study: Study) -> None:
    first, newest = sorted(path.parent.name for path in study.runs_dir.glob("*/manifest.json"))
    with pytest.raises(StudyError, match=f"no finished run '0009'. There are: {first}, {newest}"):
        verify(study, "0009", on_stage=never)


def test_beginning_of_a_name_names_the_run_where_it_names_one(study: Study) -> None:
    first, newest = sorted(path.parent.name for path in study.runs_dir.glob("*/manifest.json"))
    (run_dir(study) / "agreement.csv").unlink()  # so that nothing is run again
    assert verify(study, newest[:4], on_stage=never).run_id == newest
    with pytest.raises(
        StudyError, match=f"more than one finished run begins with '000'. There are: {first}, {newest}"
    ):
        verify(study, "000", on_stage=never)


def test_damage_of_a_file_that_decisions_are_written_into_says_what_to_do_with_them(study: Study) -> None:
    path = run_dir(study) / "disagreements.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    lines = as_lines(verify(study, on_stage=never))
    assert any("decisions belong into a copy" in line for line in lines)
    (run_dir(study) / "agreement.csv").unlink()
    path.write_bytes(path.read_bytes()[:-1])
    assert not any("decisions belong" in line for line in as_lines(verify(study, on_stage=never)))


def test_study_without_a_run_is_refused(make_study: Callable[..., Study]) -> None:
    with pytest.raises(StudyError, match="no finished run to verify"):
        verify(make_study({"transcripts/a.txt": "P1: Oh.\n"}), on_stage=never)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda m: m.update(schema=1), "an earlier version of precode made this run"),
        (lambda m: m.update(schema=99), "a later version of precode made this run"),
        (lambda m: m.pop("machine"), "damaged"),
        (lambda m: m.pop("schema"), "damaged"),
        (lambda m: m["settings"].update(mood={}), "settings are not those of this version"),
    ],
)
def test_manifest_of_another_version_is_told_clearly(
    study: Study, edit: Callable[[dict[str, Any]], object], said: str
) -> None:
    edit_manifest(study, edit)
    with pytest.raises(FileError, match=said):
        verify(study, on_stage=never)


# Another machine


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (made_elsewhere, "numpy {numpy} here, 1.0 then"),
        (lambda m: m["machine"].update(processor="abacus"), "processor {processor} here, abacus then"),
        (lambda m: m["libraries"].pop("scipy"), "scipy {scipy} here, none then"),
        (lambda m: m.update(source="0"), "precode's own source is not what it was then"),
        (lambda m: m["encoder_files"].update(a="0"), "the sentence encoder's a is not what it was then"),
    ],
)
def test_what_is_other_than_then_is_said_and_figures_are_compared(
    study: Study, edit: Callable[[dict[str, Any]], object], said: str
) -> None:
    here = json.loads((run_dir(study) / "manifest.json").read_bytes())
    edit_manifest(study, edit)
    found = verify(study)
    assert (found.verified, found.by) == (True, BY_FIGURES)
    assert found.made_with == (said.format(**here["libraries"], **here["machine"]),)
    assert f"  {found.made_with[0]}" in as_lines(found)
    assert set(verdicts(found).values()) == {SAME}


@pytest.mark.parametrize(("off", "verified"), [(0.0005, True), (0.01, False)])
def test_figure_that_is_off_is_named_with_both_numbers(study: Study, off: float, verified: bool) -> None:
    evaluation = json.loads((run_dir(study) / "evaluation.json").read_bytes())
    here = evaluation["scopes"]["all"]["lrap"]
    evaluation["scopes"]["all"]["lrap"] = here + off
    rewrite(study, "evaluation.json", json.dumps(evaluation).encode())
    rewrite(study, "report.html", b"<p>another")
    edit_manifest(study, made_elsewhere)
    found = verify(study)
    assert found.verified is verified
    assert verdicts(found)["evaluation.json"] == (WITHIN if verified else DIFFERS)
    assert verdicts(found)["report.html"] == RENDERED
    told = f"    scopes.all.lrap: {here + off:.10g} then, {here:.10g} here"
    assert (told in as_lines(found)) is not verified


def test_flag_that_differs_is_listed_without_what_was_said(study: Study) -> None:
    path = run_dir(study) / "suggestions.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    last = read_table(path.read_bytes(), file=path.name, for_machines=True).rows[-1].cells
    rewrite(study, "suggestions.csv", b"".join(lines[:-1]))
    edit_manifest(study, made_elsewhere)
    found = verify(study)
    (file,) = (file for file in found.files if file.file == "suggestions.csv")
    # Of so few flags, one is more than 0.1 %.
    assert (found.verified, file.verdict, file.n_flags) == (False, DIFFERS, len(lines) - 2)
    told = "\n".join(as_lines(found))
    assert f"    {last['transcript']} {last['start']}-{last['end']} {last['code']}: only here" in told
    assert last["quote"] not in told + json.dumps(as_json(found))


# One file


def flags(path: Path, rows: list[list[str]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    columns = ("transcript", "start", "end", "quote", "code", "probability", "evidence")
    write_table(path, columns, rows)
    return path


def flag(
    i: int, *, probability: float = 0.5, evidence: str = "bus +0.10", quote: str = "the bus"
) -> list[str]:
    return ["t1", str(10 * i), str(10 * i + 5), quote, "Waiting", f"{probability:.4f}", evidence]


@pytest.mark.parametrize(
    ("n_gone", "n_new", "verdict"), [(1, 0, WITHIN), (1, 1, WITHIN), (2, 1, DIFFERS), (0, 3, DIFFERS)]
)
def test_one_flag_in_a_thousand_may_differ(tmp_path: Path, n_gone: int, n_new: int, verdict: str) -> None:
    then = flags(tmp_path / "then" / "suggestions.csv", [flag(i) for i in range(2000)])
    here = flags(tmp_path / "here" / "suggestions.csv", [flag(i) for i in range(n_gone, 2000 + n_new)])
    found = compare_file(then, here, BY_FIGURES_RULE)
    assert (found.verdict, len(found.flags), found.n_flags) == (verdict, n_gone + n_new, 2000)
    assert [flag.what for flag in found.flags] == ["only then"] * n_gone + ["only here"] * n_new


def test_any_flag_differs_too_much_from_none(tmp_path: Path) -> None:
    then = flags(tmp_path / "then" / "suggestions.csv", [])
    here = flags(tmp_path / "here" / "suggestions.csv", [flag(0)])
    assert compare_file(then, here, BY_FIGURES_RULE).verdict == DIFFERS


@pytest.mark.parametrize(
    ("other", "verdict", "n_reasons"),
    [
        ({"probability": 0.501}, WITHIN, 0),
        ({"probability": 0.5011}, DIFFERS, 0),
        ({"evidence": "train +0.10"}, WITHIN, 1),
        ({"quote": "the train"}, DIFFERS, 0),
    ],
)
def test_of_a_flag_on_both_sides_figures_and_texts_are_compared_and_reasons_counted(
    tmp_path: Path, other: dict[str, Any], verdict: str, n_reasons: int
) -> None:
    then = flags(tmp_path / "then" / "suggestions.csv", [flag(1), flag(0)])
    here = flags(tmp_path / "here" / "suggestions.csv", [flag(0, **other), flag(1)])
    found = compare_file(then, here, BY_FIGURES_RULE)
    assert (found.verdict, found.n_reasons, found.flags) == (verdict, n_reasons, ())
    for difference in found.differences:
        assert "train" not in f"{difference.where} {difference.what}"


def disputed(
    path: Path,
    *,
    n: int = 2000,
    would_change: float = 0.1,
    gave: str = "ann",
    says: Mapping[int, str] | None = None,
) -> Path:
    """says: place of a row -> what the model says there, "yes" without."""
    path.parent.mkdir(exist_ok=True)
    cells = [
        [
            "t1",
            str(10 * i),
            str(10 * i + 5),
            "the bus",
            "Waiting",
            gave,
            (says or {}).get(i, "yes"),
            would_change + i / n,
        ]
        for i in range(n)
    ]
    columns = ("transcript", "start", "end", "quote", "code", "gave", "model", "would_change")
    # The order follows from a figure.
    write_table(path, columns, sorted(cells, key=lambda row: (row[-1], row[1]), reverse=would_change > 0.1))
    return path


@pytest.mark.parametrize(
    ("other", "verdict", "n_flags"),
    [
        ({}, WITHIN, 0),
        ({"would_change": 0.1009}, WITHIN, 0),
        ({"would_change": 0.102}, DIFFERS, 0),
        ({"says": {3: "no"}}, WITHIN, 1),
        ({"says": {3: "no", 4: "no"}}, WITHIN, 2),
        ({"says": {3: "no", 4: "no", 5: ""}}, DIFFERS, 3),
        ({"gave": "bob"}, DIFFERS, 0),
        ({"n": 1999}, DIFFERS, 0),
    ],
)
def test_disagreements_are_compared_by_their_place_and_what_the_model_says_counts_as_flags(
    tmp_path: Path, other: dict[str, Any], verdict: str, n_flags: int
) -> None:
    then = disputed(tmp_path / "then" / "disagreements.csv")
    here = disputed(tmp_path / "here" / "disagreements.csv", **other)
    with here.open("a") as stream:
        stream.write("\n")  # no row, but other bytes
    found = compare_file(then, here, BY_FIGURES_RULE)
    assert (found.verdict, len(found.flags), found.n_flags) == (verdict, n_flags, 2000)


def test_counts_of_flags_may_differ_by_as_many_as_flags_do() -> None:
    assert Rule(1e-3, 2).allows("n_suggestions", 10, 12)
    assert not Rule(1e-3, 2).allows("n_suggestions", 10, 13)
    assert not Rule(1e-3, 2).allows("n_units", 10, 12)


def test_difference_of_a_table_is_told_by_line_and_column(tmp_path: Path) -> None:
    for name, f1, word, gone in (("then", "0.50", "queue", "0.1"), ("here", "0.52", "parking", "")):
        (tmp_path / name).mkdir()
        write_table(
            tmp_path / name / "codes.csv",
            ("code", "f1", "said", "kappa"),
            [["A", "1", "x", "1"], ["B", f1, word, gone]],
        )
    found = compare_file(tmp_path / "then" / "codes.csv", tmp_path / "here" / "codes.csv", BY_FIGURES_RULE)
    assert [(d.where, d.then, d.here, d.what) for d in found.differences] == [
        ("line 3, f1", 0.5, 0.52, ""),
        ("line 3, said", None, None, "another text"),
        ("line 3, kappa", 0.1, None, "empty here"),
    ]


def test_first_twenty_differences_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    for name, value in (("then", 0), ("here", 1)):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "topics.json", [value] * 25)
    found = compare_file(
        tmp_path / "then" / "topics.json", tmp_path / "here" / "topics.json", BY_FIGURES_RULE
    )
    whole = Verified("0001-a", "b", by=BY_FIGURES, files=(found,))
    told = as_lines(whole)
    assert sum(line.startswith("    [") for line in told) == 20
    assert "    and 5 more differences" in told
    assert (as_json(whole)["files"][0]["n_differences"], len(as_json(whole)["files"][0]["differences"])) == (
        25,
        20,
    )


def test_other_bytes_of_the_same_figures_are_no_match_by_bytes(tmp_path: Path) -> None:
    (tmp_path / "then").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "then" / "a.json").write_text('{"a": 1}')
    (tmp_path / "here" / "a.json").write_text('{"a":1}')
    pair = tmp_path / "then" / "a.json", tmp_path / "here" / "a.json"
    assert compare_file(*pair, Rule(0.0)).verdict == DIFFERS
    assert compare_file(*pair, BY_FIGURES_RULE).verdict == WITHIN


FIGURES = st.floats(-100, 100) | st.integers(-100, 100)
VALUES = st.recursive(
    FIGURES | st.none() | st.booleans() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(VALUES)
def test_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(json_differences(value, json.loads(json.dumps(value)), Rule(0.0))) == []


@given(VALUES, VALUES)
def test_difference_does_not_depend_on_which_is_which(a: Any, b: Any) -> None:
    there, back = (list(json_differences(x, y, Rule(1e-3))) for x, y in ((a, b), (b, a)))
    assert [(d.where, d.then, d.here) for d in there] == [(d.where, d.here, d.then) for d in back]


@given(st.floats(-100, 100), st.floats(-0.01, 0.01))
def test_figures_agree_within_a_thousandth(figure: float, off: float) -> None:
    found = list(json_differences([figure], [figure + off], Rule(1e-3)))
    if abs(off) < 0.00099:
        assert not found
    if abs(off) > 0.00101:
        assert [difference.where for difference in found] == ["[0]"]


# The manifest and the command


def test_manifest_says_with_what_the_run_was_made_and_not_whose_machine_it_is(study: Study) -> None:
    manifest = json.loads((run_dir(study) / "manifest.json").read_bytes())
    assert manifest["schema"] == 2
    assert manifest["machine"].keys() >= {"system", "processor", "vectors", "linear algebra", "Python"}
    assert manifest["libraries"].keys() >= {"numpy", "scikit-learn", "matplotlib", "precode"}
    assert {len(manifest[name]) for name in ("codebook", "source", "key", "versions")} == {64}
    folder = study.models_dir / manifest["model"]["version"]
    assert manifest["model"]["files"] == {
        name: sha256_of(folder / name) for name in ("model.json", "model.npz")
    }
    told = json.dumps([manifest["machine"], manifest["libraries"]])
    assert socket.gethostname() not in told
    assert not {f'"{getpass.getuser()}"', "/", "\\"} & set(told)


def verifying(scratch: Path, *arguments: object) -> subprocess.Popen[str]:
    return start(scratch.parent / "home", "verify", *arguments, TMPDIR=str(scratch))


def test_command_tells_machines_and_ends_with_0_if_verified_else_1(study: Study, scratch_dir: Path) -> None:
    started = verifying(scratch_dir, study.root, latest_run(study), "--json")
    out, err = started.communicate(timeout=300)
    assert started.returncode == 0, err
    told = json.loads(out)
    assert (told["verified"], told["compared_by"], told["run_id"]) == (True, "bytes", latest_run(study))
    (study.codings_dir / "bob.csv").unlink()
    started = verifying(scratch_dir, study.root)
    out, _ = started.communicate(timeout=300)
    assert started.returncode == 1
    assert "  codings/bob.csv: removed" in out.splitlines()
    assert list(scratch_dir.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a process there is not told to end, it is ended")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_process_that_is_told_to_end_leaves_no_copy_behind(
    study: Study, scratch_dir: Path, name: str
) -> None:
    started = verifying(scratch_dir, study.root)
    deadline = time.monotonic() + 120
    while not list(scratch_dir.glob("precode-verify-*/study/*/cache")) and time.monotonic() < deadline:
        time.sleep(0.01)
    started.send_signal(signal.Signals[name])
    _, err = started.communicate(timeout=120)
    assert started.returncode == 130, err
    assert "Stopped" in err
    assert list(scratch_dir.iterdir()) == []
