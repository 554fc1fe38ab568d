"""What the README says is run: its commands, its Python, its tables of files and columns."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")
SAMPLE = TOP / "corpus" / "sample"
PRECODE = [sys.executable, "-m", "flows.cli"]


def block(marker: str) -> str:
    """The fenced block between two markers."""
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)\n```\n<!-- end -->", README, re.DOTALL)
    assert found, f"the README has no block '{marker}'"
    return found[1]


def fenced(language: str, containing: str) -> str:
    """The first fenced block of a language that holds some words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(text for text in blocks if containing in text)


def call(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    # Nothing is fetched in tests: the encoder is another test's business.
    environment = os.environ | {
        "PIP_NO_INDEX": "1",
        "PRECODE_CACHE": str(cwd / "cache"),
        "PYTHONPATH": str(TOP),
    }
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def ran(folder: Path) -> Path:
    """The same place after the README's commands for a study of one's own."""
    for line in fenced("sh", "precode new my-study").strip().splitlines():
        words = line.replace("interviews/*.txt", " ".join(sorted(map(str, folder.glob("interviews/*.txt")))))
        finished = call([*PRECODE, *words.split()[1:]], folder)
        assert finished.returncode == 0, finished.stderr
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with interviews, a codebook and codings, as a new user has them."""
    place = tmp_path_factory.mktemp("reader")
    shutil.copytree(SAMPLE / "transcripts", place / "interviews")
    shutil.copyfile(SAMPLE / "codebook.csv", place / "codebook.csv")
    shutil.copyfile(SAMPLE / "codings" / "coder_a.csv", place / "codings.csv")
    return place


def test_test_command_of_the_readme_is_what_ci_runs() -> None:
    script = (TOP / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- test command -->" in script
    assert "pytest" in block("test command") and ".[test]" in block("test command")


def test_demo_command_installs_with_the_constraints_and_starts_the_demo() -> None:
    command = block("demo command")
    assert "-c constraints.txt" in command and command.endswith("precode demo")


def test_commands_of_a_study_of_ones_own_work_in_order(ran: Path) -> None:
    assert (ran / "my-study" / "runs" / "latest").is_file()


def test_python_of_the_readme_runs(ran: Path) -> None:
    finished = call([sys.executable, "-c", fenced("python", "run_study")], ran)
    assert finished.returncode == 0, finished.stderr
    assert Path(finished.stdout.strip()).is_file()


def test_every_file_that_a_run_makes_is_described(ran: Path) -> None:
    made = {path.name for path in (ran / "my-study" / "runs").glob("*/*")}
    described = README[README.index("## What a run makes") : README.index("## Numbers")]
    assert {name for name in made if f"`{name}`" not in described and f"/{name}`" not in described} == set()


@pytest.mark.parametrize("name", ["suggestions.csv", "excerpts.csv"])
def test_columns_in_the_readme_are_those_of_the_file(ran: Path, name: str) -> None:
    header = next((ran / "my-study" / "runs").glob(f"*/{name}")).read_text(encoding="utf-8").splitlines()[0]
    row = next(line for line in README.splitlines() if line.startswith(f"| `{name}`"))
    assert [column for column in header.split(",") if not re.search(rf"\b{column}\b", row)] == []


def test_every_command_is_in_the_readme_and_the_other_way_round() -> None:
    from flows.cli import app

    commands = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    commands |= {group.name for group in app.registered_groups if group.name}
    table = README[README.index("## Commands") : README.index("Every command has")]
    named = set(re.findall(r"precode ([a-z]+)", table)) | set(re.findall(r", `([a-z]+)`", table))
    assert commands == named


def test_known_endings_are_in_the_readme() -> None:
    from corpus.readers import READERS

    paragraph = README[README.index("**Transcripts**") : README.index("**Codings**")]
    assert [ending for ending in READERS if ending not in paragraph] == []
