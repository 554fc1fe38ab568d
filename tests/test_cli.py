"""The command line as a person or a machine meets it: real processes, exit status, what is said where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flows.cli import app

ROOT = Path(__file__).parents[1]
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


def precode(*arguments: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as installed would: with our rooms importable, in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli", *map(str, arguments)],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def study_dir(tmp_path) -> Path:
    """A study of one transcript without codings."""
    folder = tmp_path / "study"
    assert precode("new", folder).returncode == 0
    (folder / "transcripts" / "anna.txt").write_text(
        "INT: How are you?\nAnna: The bus never comes.\n", encoding="utf-8"
    )
    return folder


def test_help_answers():
    assert precode("--help").returncode == 0


def test_help_imports_nothing_heavy():
    heavy = "('prefect', 'spacy', 'numpy', 'pandas', 'rich', 'pydantic')"
    source = f"import sys, flows.cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_help_lists_every_command():
    lines = precode("--help").stdout.splitlines()
    assert {line.split()[0] for line in lines if line.startswith("  ") and line.strip()} >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(command):
    told = precode(command, "--help")
    assert told.returncode == 0
    assert f"precode {command}" in told.stdout.split("Example:")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["dance"],
        ["run", "a", "b"],
        ["run", "--fast", "a"],
        ["import", "a"],
        ["export", "a", "--to", "pdf"],
    ],
)
def test_wrong_use_is_status_2(arguments):
    told = precode(*arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert "Error" in told.stderr


@pytest.mark.parametrize("command", ["run", "ingest", "topics", "train", "suggest", "audit", "report"])
def test_study_that_is_not_there_is_status_1_and_said_in_one_message(command, tmp_path):
    told = precode(command, tmp_path / "nowhere")
    assert (told.returncode, told.stdout) == (1, "")
    assert "no such study folder" in told.stderr
    assert "Traceback" not in told.stderr


def test_machine_reads_an_error_as_json(tmp_path):
    told = precode("run", tmp_path / "nowhere", "--json")
    assert told.returncode == 1
    assert "no such study folder" in json.loads(told.stdout)["error"]


def test_new_makes_a_study_whose_settings_are_valid(tmp_path):
    told = precode("new", tmp_path / "mine")
    assert told.returncode == 0
    assert "precode run" in told.stdout
    assert (
        tomllib.loads((tmp_path / "mine" / "study.toml").read_text(encoding="utf-8"))["study"]["language"]
        == "en"
    )


def test_new_leaves_a_folder_with_something_in_it_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert precode("new", tmp_path).returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_every_problem_of_the_settings_is_said_at_once(study_dir):
    (study_dir / "study.toml").write_text('[study]\nlanguag = "en"\nseed = -1\n', encoding="utf-8")
    told = precode("run", study_dir)
    assert told.returncode == 1
    assert "languag" in told.stderr
    assert "seed" in told.stderr


def test_unforeseen_error_shows_its_kind_and_place_but_not_its_text(study_dir):
    source = (
        "import sys, corpus.study\n"
        "def broken(root, **options): raise LookupError('the bus never comes')\n"
        "corpus.study.load_study = broken\n"
        "sys.argv = ['precode', 'ingest', 'x']\n"
        "from flows.cli import main; main()\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "LookupError at flows/cli_runs.py:" in told.stderr
    assert "PRECODE_DEBUG=1" in told.stderr
    assert "bus" not in told.stdout + told.stderr
    debug = {**os.environ, "PRECODE_DEBUG": "1"}
    shown = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, env=debug, capture_output=True, text=True, check=False
    )
    assert "bus" in shown.stderr


@pytest.mark.parametrize("name", ["models.py", "pipeline.py", "corpus.py"])
def test_foreign_file_that_hides_a_room_is_named(name, tmp_path):
    (tmp_path / name).write_text("", encoding="utf-8")
    source = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import flows.cli"
    told = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    last_line = told.stderr.strip().splitlines()[-1]
    assert str(tmp_path / name) in last_line
    assert "Rename" in last_line


def test_group_by_of_the_command_line_is_that_of_the_run_and_its_manifest(
    tmp_path: Path, tiny_study_files: dict[str, str]
) -> None:
    people = "transcript,site\nt1,north\nt2,north\nt3,south\nt4,east\n"
    for name, content in (tiny_study_files | {"participants.csv": people}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    n_groups, keys = [], []
    for command, *options in (("report", "--group-by", "site"), ("run", "--group-by", "Site"), ("report",)):
        done = precode(command, tmp_path, *options, "--json")
        assert done.returncode == 0, done.stderr
        newest = sorted((tmp_path / "runs").glob("[0-9]*"))[-1]
        manifest = json.loads((newest / "manifest.json").read_text())
        keys.append(manifest["key"])
        n_groups.append(json.loads((newest / "evaluation.json").read_text())["n_groups"])
        assert manifest["settings"]["evaluation"]["group_by"] == (options[1] if options else "transcript")
    assert n_groups == [3, 3, 4]
    assert len(set(keys)) == 3
    again = precode("report", tmp_path, "--json")
    assert json.loads(again.stdout)["unchanged"]


def test_group_by_an_unknown_column_says_what_there_is(study_dir: Path) -> None:
    done = precode("report", study_dir, "--group-by", "wave")
    assert done.returncode == 1
    assert "--group-by: evaluation.group_by 'wave' is no column of participants.csv (it has: none)" in (
        " ".join(done.stderr.split())
    )


def test_group_by_of_a_table_of_ratings_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("unit,ann,bob\n1,a,a\n2,a,b\n", encoding="utf-8")
    assert precode("audit", tmp_path / "ratings.csv", "--group-by", "site").returncode == 2
