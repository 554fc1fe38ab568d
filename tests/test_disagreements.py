from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.records import Segment
from corpus.tables import read_table
from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.values import Ratings
from pipeline.compare.columns import Column, Panel
from pipeline.compare.disagreements import (
    count_readers,
    find_disagreements,
    would_change,
    write_disagreements,
)

MakePanel = Callable[..., Panel]
CODES = ("Waiting", "Money")


def cells_of(rows: str) -> tuple[np.ndarray, np.ndarray]:
    """A word a segment, a sign a code: "1" given, "0" declined, "." not read."""
    signs = np.array([list(word) for word in rows.split()])
    return (signs != ".").all(axis=1), signs == "1"


@pytest.fixture
def panel() -> MakePanel:
    """coder -> (kind, a word a segment); ``probability``: (n, k) of the model, which flags from one half."""

    def make(coders: dict[str, tuple[str, str]], *, probability: list[list[float]] | None = None) -> Panel:
        n = len(next(iter(coders.values()), ("", "00 00"))[1].split())
        chance = np.full((n, 2), np.nan) if probability is None else np.array(probability)
        codes = np.ones(2, dtype=bool)
        columns = []
        for name, (kind, rows) in coders.items():
            seen, said = cells_of(rows)
            columns.append(Column(name, kind, said & seen[:, None], seen, codes))
        if probability is not None:
            columns.append(
                Column("model", "model", chance >= 0.5, ~np.isnan(chance[:, 0]), ~np.isnan(chance[0]))
            )
        return Panel(
            segments=tuple(
                Segment(f"t#{10 * i}-{10 * i + 5}", "t", i + 1, "P1", 10 * i, 10 * i + 5, f"word{i}")
                for i in range(n)
            ),
            codes=CODES,
            transcripts=("t",),
            place=np.zeros(n, dtype=np.intp),
            columns=tuple(columns),
            probability=chance,
        )

    return make


def test_a_row_stands_for_each_code_on_which_readers_differ_beside_what_they_agree_on(
    panel: MakePanel,
) -> None:
    found = find_disagreements(
        panel(
            {"ann": ("human", "11 00 10"), "bob": ("human", "01 00 .."), "cem": ("human", "11 00 ..")},
            probability=[[0.9, 0.2], [0.1, 0.1], [0.3, 0.3]],
        )
    )

    (only,) = found
    assert (only.segment.start, only.code, only.gave, only.declined) == (
        0,
        "Waiting",
        ("ann", "cem"),
        ("bob",),
    )
    assert (only.agreed, only.probability, only.model, only.settled) == (("Money",), 0.9, True, None)


@pytest.mark.parametrize(
    "coders",
    [
        {},
        {"ann": ("human", "10 01")},
        {"ann": ("human", "10 .."), "bob": ("human", ".. 01")},
        {"ann": ("human", "10 01"), "bob": ("human", "10 01")},
        {"ann": ("human", "10 01"), "llm": ("machine", "01 10"), "consensus": ("consensus", "11 11")},
    ],
    ids=["nobody", "one coder", "no overlap", "all the same", "only a machine and a consensus differ"],
)
def test_without_two_human_coders_who_differ_there_is_no_row(
    panel: MakePanel, coders: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    write_disagreements(tmp_path / "d.csv", panel(coders))

    assert read_table((tmp_path / "d.csv").read_bytes(), file="d.csv").rows == ()


def test_segments_stand_in_the_order_of_what_settling_them_would_change(panel: MakePanel) -> None:
    """Of twelve segments, coders differ on 1 (both codes), 3 (Waiting), 5 (Money): Money is the rarer code."""
    ann = "10 10 10 10 10 00 00 00 00 00 01 01"
    bob = "10 01 10 00 10 01 00 00 00 00 01 01"
    found = find_disagreements(panel({"ann": ("human", ann), "bob": ("human", bob)}))

    order = [(row.segment.start // 10, row.code) for row in found]
    assert order[:2] == [(1, "Money"), (1, "Waiting")]
    assert {row.code: row.would_change for row in found}["Money"] > {
        row.code: row.would_change for row in found
    }["Waiting"]
    assert order[2:] == [(5, "Money"), (3, "Waiting")]


def test_where_settling_would_change_the_same_the_surest_model_and_then_the_corpus_decide(
    panel: MakePanel,
) -> None:
    coders = {"ann": ("human", "10 10 10 10 00 10"), "bob": ("human", "00 00 00 10 00 10")}
    sure = [[0.6, 0], [0.02, 0], [0.6, 0], [0.5, 0], [0.5, 0], [0.5, 0]]

    found = find_disagreements(panel(coders, probability=sure))

    assert [row.segment.start // 10 for row in found] == [1, 0, 2]


def test_what_the_consensus_settled_comes_last_with_its_word_as_the_decision(
    panel: MakePanel, tmp_path: Path
) -> None:
    coders = {"ann": ("human", "10 10 10 00"), "bob": ("human", "00 00 10 00")}

    write_disagreements(tmp_path / "d.csv", panel({**coders, "consensus": ("consensus", "10 .. .. ..")}))

    rows = read_table((tmp_path / "d.csv").read_bytes(), file="d.csv").rows
    assert [(row.cells["start"], row.cells["decision"]) for row in rows] == [("10", ""), ("0", "yes")]


def test_a_code_given_once_has_no_would_change_for_one_outcome_leaves_no_alpha(
    panel: MakePanel, tmp_path: Path
) -> None:
    found = find_disagreements(panel({"ann": ("human", "10 00"), "bob": ("human", "00 00")}))
    write_disagreements(tmp_path / "d.csv", panel({"ann": ("human", "10 00"), "bob": ("human", "00 00")}))

    assert np.isnan(found[0].would_change)
    (row,) = read_table((tmp_path / "d.csv").read_bytes(), file="d.csv").rows
    assert row.cells["would_change"] == ""


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 5).flatmap(
        lambda n_coders: st.lists(
            st.lists(st.sampled_from([-1, 0, 1]), min_size=n_coders, max_size=n_coders),
            min_size=2,
            max_size=8,
        )
    )
)
def test_would_change_is_the_rise_of_alpha_when_the_cell_is_made_unanimous(values: list[list[int]]) -> None:
    """Each disputed cell is set both ways in the table itself, and alpha computed by the audited function."""
    table = np.array(values)
    readers = count_readers((table >= 0).T, (table == 1).T[:, :, None])
    rises = would_change(readers)[:, 0]

    def alpha(changed: np.ndarray) -> float:
        return krippendorff_alpha(Ratings(changed, (0, 1))).value

    for row, cells in enumerate(table):
        read = cells >= 0
        if len(set(cells[read])) < 2:
            assert np.isnan(rises[row])
            continue
        outcomes = []
        for word in (0, 1):
            settled = table.copy()
            settled[row, read] = word
            outcomes.append(alpha(settled))
        share = cells[read].mean()
        expected = share * outcomes[1] + (1 - share) * outcomes[0] - alpha(table)
        assert rises[row] == pytest.approx(expected, abs=1e-12, nan_ok=True)
