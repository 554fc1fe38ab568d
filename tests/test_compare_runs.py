"""What the model says may turn round in one flag of a thousand, wherever a run tells it; nothing else may."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.files import write_json
from corpus.tables import read_table, write_table
from pipeline.compare.cells_table import write_cells
from pipeline.compare.columns import MODEL, Panel
from pipeline.compare.confusions import confusions
from pipeline.compare.verdicts import verdict_rows
from pipeline.compare_rule import DIFFERS, SAME, TOLERANCE, WITHIN, Compared, Rule
from pipeline.compare_runs import compare_file, compare_folders

N_TRANSCRIPTS, PER_TRANSCRIPT = 20, 200
PLACE = np.repeat(np.arange(N_TRANSCRIPTS), PER_TRANSCRIPT)
FILES = ("cells.csv", "agreement.json")
Cells = list[dict[str, str]]


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel], make_coders: Callable[..., list[np.ndarray]]) -> Panel:
    """Two coders and a model on 4,000 segments."""
    a, b, model = make_coders((len(PLACE), 3), 3, noise=0.05, seed=3)
    made = make_panel({"a": a, "b": b, "model": model}, place=PLACE.tolist())
    return replace(made, probability=np.where(made.of_kind(MODEL)[0].given, 0.5001, 0.4999))


def turned(panel: Panel, flags: list[tuple[int, int]]) -> Panel:
    """The panel, had the model said otherwise of these segments and codes."""
    given = panel.of_kind(MODEL)[0].given.copy()
    for row, code in flags:
        given[row, code] = ~given[row, code]
    columns = tuple(replace(c, given=given) if c.kind == MODEL else c for c in panel.columns)
    return replace(panel, columns=columns)


def agreement_of(panel: Panel) -> dict[str, Any]:
    """Parts of agreement.json that count what the model says."""
    rows = verdict_rows(panel, panel.of_kind(MODEL)[0], margin=0.1, epsilon=0.2, seed=1)
    return {"confusions": confusions(panel), "verdicts": rows, "units": {"n_segments": 4000}}


def write_run(folder: Path, panel: Panel) -> Path:
    folder.mkdir()
    write_cells(folder / "cells.csv", panel, {})
    write_json(folder / "agreement.json", agreement_of(panel))
    return folder


def compared(then: Path, here: Path, *, by_bytes: bool = False) -> dict[str, Compared]:
    return {found.file: found for found in compare_folders(then, here, FILES, by_bytes=by_bytes)}


@pytest.fixture(scope="module")
def then(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "then", panel)


def where(panel: Panel, *, people: bool, model: bool) -> tuple[int, int]:
    """A segment and code that somebody but the model gave or not, and the model or not."""
    a, b = (column.given for column in panel.humans)
    said = panel.of_kind(MODEL)[0].given
    row, code = np.argwhere(((a | b) == people) & (said == model))[0].tolist()
    return row, code


@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize("model", [True, False])
def test_one_flag_that_turned_round_is_a_flag_and_no_difference(
    panel: Panel, then: Path, tmp_path: Path, people: bool, model: bool
) -> None:
    """Where nobody else gave the code the row is gone, or new: that too is one flag."""
    place = where(panel, people=people, model=model)
    found = compared(then, write_run(tmp_path / "here", turned(panel, [place])))
    cells = found["cells.csv"]
    assert (cells.verdict, cells.differences, len(cells.flags)) == (WITHIN, (), 1)
    segment = panel.segments[place[0]]
    told = f"{segment.transcript_id} {segment.start}-{segment.end} {panel.codes[place[1]]}"
    assert cells.flags[0].where == told
    assert cells.n_flags is not None
    assert cells.n_flags > 3000
    assert (found["agreement.json"].verdict, found["agreement.json"].differences) == (WITHIN, ())


def test_more_flags_than_one_in_a_thousand_differ(panel: Panel, then: Path, tmp_path: Path) -> None:
    n_flags = compared(then, then)["cells.csv"].n_flags
    assert n_flags is not None
    flags = [(row, 0) for row in range(n_flags // 1000 + 1)]
    cells = compared(then, write_run(tmp_path / "here", turned(panel, flags)))["cells.csv"]
    assert (cells.verdict, len(cells.flags)) == (DIFFERS, len(flags))


def test_by_bytes_one_flag_differs(panel: Panel, then: Path, tmp_path: Path) -> None:
    here = write_run(tmp_path / "here", turned(panel, [where(panel, people=True, model=True)]))
    found = compared(then, here, by_bytes=True)
    assert {name: file.verdict for name, file in found.items()} == dict.fromkeys(FILES, DIFFERS)
    assert found["agreement.json"].differences


def test_same_files_are_the_same_bytes(then: Path) -> None:
    assert {file.verdict for file in compared(then, then).values()} == {SAME}


def edited(path: Path, folder: Path, edit: Callable[[Cells], object]) -> Path:
    """A copy of a table, its rows edited."""
    table = read_table(path.read_bytes(), file=path.name, for_machines=True)
    rows = [dict(row.cells) for row in table.rows]
    edit(rows)
    folder.mkdir(exist_ok=True)
    write_table(folder / path.name, table.titles, [[row[name] for name in table.columns] for row in rows])
    return folder / path.name


def given(rows: Cells) -> Cells:
    return [row for row in rows if row["transcript"] and row["code"]]


def read(rows: Cells) -> Cells:
    return [row for row in rows if row["transcript"] and not row["code"]]


def by_people(rows: Cells) -> dict[str, str]:
    return next(row for row in given(rows) if row["coder: a"] == "yes")


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: by_people(rows).update({"coder: a": "no"}),
        lambda rows: rows.remove(by_people(rows)),
        lambda rows: by_people(rows).update(model=""),
        lambda rows: by_people(rows).update(probability="0.6"),
        lambda rows: read(rows)[0].update(model=""),
        lambda rows: read(rows)[0].update({"coder: b": "seen"}),
        lambda rows: rows.remove(read(rows)[0]),
        lambda rows: rows[0].update(model=""),
        lambda rows: rows.pop(0),
    ],
    ids=[
        "a coder's word",
        "a coder's row",
        "whether the model was asked of a cell",
        "a probability",
        "whether the model was asked of a segment",
        "how a coder read",
        "a segment",
        "whether the model can give a code",
        "a code",
    ],
)
def test_nothing_but_what_the_model_says_of_a_cell_is_a_flag(
    then: Path, tmp_path: Path, edit: Callable[[Cells], object]
) -> None:
    here = edited(then / "cells.csv", tmp_path / "here", edit)
    found = compare_file(then / "cells.csv", here, Rule(TOLERANCE, 5, 5))
    assert (found.verdict, found.flags) == (DIFFERS, ())
    assert len(found.differences) == 1


# Counts that follow


def changed(then: Path, folder: Path, edit: Callable[[dict[str, Any]], object]) -> tuple[Path, Path]:
    found = json.loads((then / "agreement.json").read_bytes())
    edit(found)
    folder.mkdir()
    write_json(folder / "agreement.json", found)
    return then / "agreement.json", folder / "agreement.json"


def add(*path: str | int, by: float = 1) -> Callable[[dict[str, Any]], None]:
    def edit(found: dict[str, Any]) -> None:
        at: Any = found
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] += by

    return edit


@pytest.mark.parametrize(
    ("edit", "by_one", "by_none"),
    [
        (add("verdicts", 1, "n_units"), WITHIN, DIFFERS),
        (add("verdicts", 1, "n_units", by=2), DIFFERS, DIFFERS),
        (add("verdicts", 1, "n_transcripts"), WITHIN, DIFFERS),
        # Two coders stand beside the model: one flag counts in the pair with each.
        (add("confusions", "model", "matrix", 0, 1, by=2), WITHIN, DIFFERS),
        (add("confusions", "model", "matrix", 0, 1, by=3), DIFFERS, DIFFERS),
        (add("confusions", "model", "crossings", 0, "observed", by=2), WITHIN, DIFFERS),
        (add("confusions", "model", "n_units"), DIFFERS, DIFFERS),
        (add("confusions", "model", "n_pairs"), DIFFERS, DIFFERS),
        (add("confusions", "people", "matrix", 0, 1), DIFFERS, DIFFERS),
        (add("verdicts", 1, "low", by=0.002), DIFFERS, DIFFERS),
        (add("units", "n_segments"), DIFFERS, DIFFERS),
        (lambda found: found["verdicts"][1].update(verdict="worse"), DIFFERS, DIFFERS),
        (lambda found: found["verdicts"][1].update(why="Otherwise."), DIFFERS, DIFFERS),
    ],
)
def test_counts_of_what_the_model_says_may_differ_by_as_many_flags_as_do(
    then: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object], by_one: str, by_none: str
) -> None:
    pair = changed(then, tmp_path / "here", edit)
    assert compare_file(*pair, Rule(TOLERANCE, n_said=1)).verdict == by_one
    assert compare_file(*pair, Rule(TOLERANCE, n_said=0)).verdict == by_none
    # A flag of suggestions.csv is of segments that nobody read.
    assert compare_file(*pair, Rule(TOLERANCE, n_flags=3)).verdict == DIFFERS


def test_counts_of_another_machine_may_not_differ(then: Path, tmp_path: Path) -> None:
    for name, by in (("then", 0), ("here", 1)):
        rows = json.loads((then / "agreement.json").read_bytes())["verdicts"]
        rows = [{**row, "other": "gpt", "n_units": row["n_units"] + by} for row in rows]
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "agreement.json", {"verdicts": rows})
    pair = tmp_path / "then" / "agreement.json", tmp_path / "here" / "agreement.json"
    assert compare_file(*pair, Rule(TOLERANCE, n_said=1)).verdict == DIFFERS


def test_the_same_names_in_another_file_are_no_counts_of_the_model(tmp_path: Path) -> None:
    for name, n in (("then", 8), ("here", 9)):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "doctor.json", {"verdicts": [{"other": "model", "n_units": n}]})
    pair = tmp_path / "then" / "doctor.json", tmp_path / "here" / "doctor.json"
    assert compare_file(*pair, Rule(TOLERANCE, n_said=1)).verdict == DIFFERS


@pytest.mark.parametrize(
    ("observed", "verdict"), [(5, WITHIN), (6, WITHIN), (7, DIFFERS)], ids=["5", "6", "7 cannot have been 4"]
)
def test_codes_crossed_just_often_enough_to_be_told_may_be_missing_on_one_side(
    then: Path, tmp_path: Path, observed: int, verdict: str
) -> None:
    for name in ("then", "here"):
        model = json.loads((then / "agreement.json").read_bytes())["confusions"]["model"]
        model["crossings"][0]["observed"] = observed
        if name == "here":
            model["crossings"].pop(0)
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "agreement.json", {"confusions": {"model": model}})
    pair = tmp_path / "then" / "agreement.json", tmp_path / "here" / "agreement.json"
    assert compare_file(*pair, Rule(TOLERANCE, n_said=1)).verdict == verdict
    assert compare_file(*pair, Rule(TOLERANCE, n_said=0)).verdict == DIFFERS


@pytest.mark.parametrize(
    ("then", "here", "n_said", "same"),
    [
        ("kappa 0.29, on 131 segments", "kappa 0.30, on 131 segments", 0, True),
        ("kappa 0.29, on 131 segments", "kappa 0.31, on 131 segments", 9, False),
        ("kappa 0.29, on 131 segments", "kappa 0.29, on 132 segments", 1, True),
        ("kappa 0.29, on 131 segments", "kappa 0.29, on 132 segments", 0, False),
        ("on 1,000 segments", "on 999 segments", 1, True),
        ("difference \N{MINUS SIGN}0.01", "difference 0.00", 0, True),
        ("difference \N{MINUS SIGN}0.30", "difference 0.30", 9, False),
        ("kappa 0.3", "kappa 0.30", 9, False),
        ("with the coders", "with a coder", 9, False),
    ],
)
def test_sentences_are_the_same_where_words_are_and_their_numbers_agree(
    then: str, here: str, n_said: int, same: bool
) -> None:
    assert Rule(TOLERANCE).allows_words(then, here, n_said=n_said) is same
    assert Rule(TOLERANCE).allows_words(here, then, n_said=n_said) is same
    assert not Rule(0.0).allows_words(then, here, n_said=n_said)
