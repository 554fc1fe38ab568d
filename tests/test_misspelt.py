"""A code that a coder spelled otherwise than the codebook is told beside the figures that it makes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.compare.misspelt import misspelt_codes
from pipeline.report import render_audit

MakeRun = Callable[..., Path]
TOLD = "bob's 'Trsut' (18 codings) is not in the codebook; if 'Trust' is meant, these figures are wrong"


@pytest.mark.parametrize(
    ("written", "code"),
    [("Trsut", "Trust"), ("trsut", "Trust"), ("Feer", ""), ("fears", "Fear"), ("Hope 2", ""), ("", "")],
)
def test_only_a_code_that_is_nearly_spelled_so_may_be_meant(written: str, code: str) -> None:
    found = misspelt_codes([("bob", written, 3)], ["Trust", "Fear", "Hope 1"])
    assert [(one.coder, one.code, one.n) for one in found] == ([("bob", code, 3)] if code else [])


def test_without_a_codebook_nothing_may_be_meant() -> None:
    assert misspelt_codes([("bob", "Trsut", 3)], []) == ()


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun) -> Path:
    """Two coders who agree wholly, but that the second misspells a code throughout."""
    files = {
        "codebook.csv": "code,definition\nTrust,About trust\nFear,About fear\n",
        "study.toml": '[model]\nencoder = "none"\n',
    }
    for t in range(9):
        files[f"transcripts/t{t}.txt"] = "".join(f"P: We said {u} words in {t}.\n" for u in range(10))
    for name, trust in (("ann", "Trust"), ("bob", "Trsut")):
        rows = [
            f"t{t},{code},{u},blind" for t in range(9) for code, u in ((trust, 1), (trust, 5), ("Fear", 3))
        ]
        files[f"codings/{name}.csv"] = "\n".join(["transcript,code,turn,basis", *rows, ""])
    return make_run(tmp_path_factory.mktemp("misspelt") / "study", files)


def loaded(run_dir: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / name).read_bytes())
    return found


def test_rows_of_the_code_that_may_be_meant_say_so_and_no_others(run_dir: Path) -> None:
    found = loaded(run_dir, "agreement.json")
    assert {row["code"]: row["misspelt"] for row in found["overall"]} == {
        None: [],
        "Trust": [TOLD],
        "Fear": [],
    }
    assert [(row["coder"], row["written"], row["code"], row["n"]) for row in found["misspelt"]] == [
        ("bob", "Trsut", "Trust", 18)
    ]


def test_doctor_says_so_and_not_that_the_coder_read_and_declined(run_dir: Path) -> None:
    found = loaded(run_dir, "doctor.json")
    assert [row["told"] for row in found["misspelt"]] == [TOLD]
    of_trust = {row["kind"]: row["numbers"] for row in found["findings"] if row["codes"] == ["Trust"]}
    assert "one coder only" not in of_trust
    assert of_trust["no agreement"]["misspelt"] == [TOLD]


def test_page_says_so_before_any_number(run_dir: Path, read_page: Callable[..., Any]) -> None:
    words = read_page(render_audit(run_dir)).words
    told = "bob's 'Trsut' (18 codings) is not in the codebook; if 'Trust' is meant, all figures of 'Trust' are wrong"
    assert told in words
    assert words.index(told) < words.index("Could several coders reliably")
