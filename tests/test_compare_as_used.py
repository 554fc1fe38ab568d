"""The audit is of the model as it is used: codes that it has learned and does not suggest are none of its column."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from corpus.tables import read_table

MakeRun = Callable[..., Path]
N_INTERVIEWS, N_TURNS = 12, 12
WORDS = ("queue", "garden", "kettle", "window")
REASON = "no better than saying how common it is"


def study_of(codes: Mapping[str, Callable[[int, int], bool]]) -> dict[str, str]:
    """Two coders, of whom the second left a few out. codes: name -> whether it is given to a turn of an interview."""
    text = "".join(f"P: They spoke of the {WORDS[u % 4]} there.\n" for u in range(N_TURNS))
    files = {
        "codebook.csv": "code,definition\n" + "".join(f"{code},About {code}\n" for code in codes),
        "study.toml": '[model]\nencoder = "none"\n',
        **{f"transcripts/t{t:02d}.txt": text for t in range(N_INTERVIEWS)},
    }
    rows = [
        f"t{t:02d},{code},{u + 1},blind"
        for t in range(N_INTERVIEWS)
        for u in range(N_TURNS)
        for code, gives in codes.items()
        if gives(t, u)
    ]
    kept = {"ann": rows, "bob": [row for i, row in enumerate(rows) if i % 10]}
    for name, of in kept.items():
        files[f"codings/{name}.csv"] = "\n".join(["transcript,code,turn,basis", *of, ""])
    return files


def follows(t: int, u: int) -> bool:
    """Where the word is queue."""
    return u % 4 == 0


def drawn(t: int, u: int) -> bool:
    """One of three in each interview and with each word, so that words tell nothing of it."""
    return (u // 4 + t) % 3 == 0


def drawn_otherwise(t: int, u: int) -> bool:
    return (u // 4 + t) % 3 == 1


def loaded(run_dir: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / name).read_bytes())
    return found


def table(run_dir: Path, name: str) -> list[Mapping[str, str]]:
    return [row.cells for row in read_table((run_dir / name).read_bytes(), file="").rows]


@pytest.fixture(scope="module")
def partly_dir(tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun) -> Path:
    """A code that words tell, and one that was drawn."""
    return make_run(
        tmp_path_factory.mktemp("partly") / "study", study_of({"Waiting": follows, "Luck": drawn})
    )


@pytest.fixture(scope="module")
def nothing_dir(tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun) -> Path:
    """Two codes that were drawn."""
    return make_run(
        tmp_path_factory.mktemp("nothing") / "study", study_of({"Luck": drawn, "Chance": drawn_otherwise})
    )


def test_the_model_is_held_to_what_it_suggests(partly_dir: Path) -> None:
    status = {row["code"]: row["status"] for row in table(partly_dir, "codes.csv")}
    assert status["Waiting"] == "suggested"
    assert status["Luck"].startswith(f"not suggested: {REASON}")
    found = loaded(partly_dir, "agreement.json")
    assert {row["code"] for row in found["beside"]} == {None, "Waiting"}
    with_model = [row for row in found["comparisons"] if row["kind"] == "model-human"]
    assert {row["code"] for row in with_model} == {None, "Waiting"}
    assert found["confusions"]["model"]["cannot_give"] == ["Luck"]
    verdicts = {row["code"]: row for row in found["verdicts"]}
    assert verdicts["Luck"]["verdict"] == "not suggested"
    assert verdicts["Luck"]["why"].startswith("No better than saying how common it is")
    assert verdicts["Luck"]["difference"] is None
    assert verdicts["Waiting"]["test"] == "non-inferiority"
    assert (verdicts[None]["n_codes"], verdicts[None]["n_learned"]) == (1, 2)
    assert verdicts[None]["difference"] == verdicts["Waiting"]["difference"]


def test_disagreements_say_where_the_model_suggests_a_code_nowhere(partly_dir: Path) -> None:
    rows = table(partly_dir, "disagreements.csv")
    said = {(row["code"], row["model"]) for row in rows}
    assert ("Luck", "not suggested") in said
    assert {model for code, model in said if code == "Luck"} == {"not suggested"}
    assert {model for code, model in said if code == "Waiting"} <= {"yes", "no"}
    assert all(row["probability"] for row in rows)


def test_model_that_suggests_nothing_has_a_verdict_that_says_so_and_no_figure(nothing_dir: Path) -> None:
    found = loaded(nothing_dir, "agreement.json")
    assert [(row["code"], row["verdict"]) for row in found["verdicts"]] == [
        (None, "not suggested"),
        ("Luck", "not suggested"),
        ("Chance", "not suggested"),
    ]
    assert found["beside"] == []
    assert {row["kind"] for row in found["comparisons"]} == {"human-human"}
    assert (
        found["confusions"]["model"]["reason"] == "the model suggests none of the codes that it has learned"
    )
