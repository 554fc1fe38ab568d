from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from corpus.errors import StudyError
from corpus.records import Segment
from pipeline.target import FEWEST_GROUPS, FEWEST_POSITIVE, make_target
from pipeline.units import Units

MakeUnits = Callable[..., Units]


@pytest.fixture
def units() -> MakeUnits:
    """coder -> (kind, a cell for each segment) with one code: "1" given, "0" read and not given, "." not read."""

    def make(coders: dict[str, tuple[str, str]], *, context: str = "", groups: str = "") -> Units:
        n = len(next(iter(coders.values()))[1])
        cells = np.array([list(row) for _, row in coders.values()])
        return Units(
            segments=tuple(Segment(f"s{i}", "t", i + 1, "P", i, i + 1, "x") for i in range(n)),
            lemmas=("",) * n,
            surfaces=("",) * n,
            context=np.array([sign == "c" for sign in context.ljust(n)]),
            codes=("x",),
            coders={name: kind for name, (kind, _) in coders.items()},
            read=cells != ".",
            given=(cells == "1")[:, :, None],
            groups=tuple(groups or "g" * n),
        )

    return make


def shares(units: Units, gold: str) -> dict[int, float]:
    target = make_target(units, gold=gold)
    return dict(zip(target.rows.tolist(), target.shares[:, 0].tolist(), strict=True))


THREE = {"ann": ("human", "1100.."), "bob": ("human", "10101."), "cem": ("human", "1.....")}


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ("share", {0: 1, 1: 0.5, 2: 0.5, 3: 0, 4: 1}),
        ("majority", {0: 1, 1: 0, 2: 0, 3: 0, 4: 1}),
        ("any", {0: 1, 1: 1, 2: 1, 3: 0, 4: 1}),
        ("ann", {0: 1, 1: 1, 2: 0, 3: 0}),
        ("cem", {0: 1}),
    ],
)
def test_target_is_what_gold_says_of_those_who_read_the_segment(
    units: MakeUnits, gold: str, expected: dict[int, float]
) -> None:
    assert shares(units(THREE), gold) == expected


def test_share_of_three_coders_is_in_thirds(units: MakeUnits) -> None:
    three = {"a": ("human", "1"), "b": ("human", "1"), "c": ("human", "0")}
    assert shares(units(three), "share") == {0: pytest.approx(2 / 3)}
    assert shares(units(three), "majority") == {0: 1}


def test_machines_and_the_consensus_are_no_part_of_the_humans_share(units: MakeUnits) -> None:
    with_others = {**THREE, "llm": ("machine", "000111"), "consensus": ("consensus", "000111")}
    assert shares(units(with_others), "share") == shares(units(THREE), "share")
    assert shares(units(with_others), "any") == shares(units(THREE), "any")


def test_consensus_alone_is_the_target_where_it_is_the_gold_standard(units: MakeUnits) -> None:
    with_consensus = {**THREE, "consensus": ("consensus", "0.1...")}
    assert shares(units(with_consensus), "consensus") == {0: 0, 2: 1}


def test_nothing_that_was_said_by_context_speakers_is_learned_from(units: MakeUnits) -> None:
    assert set(shares(units(THREE, context="c c"), "share")) == {1, 3, 4}


@pytest.mark.parametrize("gold", ["consensus", "Ann", "dan"])
def test_gold_without_a_file_names_the_coders_that_there_are(units: MakeUnits, gold: str) -> None:
    with pytest.raises(StudyError, match=rf"target.gold '{gold}' is no person's file .*ann, bob, cem"):
        make_target(units(THREE), gold=gold)


def test_machine_is_never_trained_on(units: MakeUnits) -> None:
    with pytest.raises(StudyError, match="llm"):
        make_target(units({**THREE, "llm": ("machine", "111111")}), gold="llm")


def test_positive_is_a_share_of_one_half(units: MakeUnits) -> None:
    target = make_target(units(THREE, groups="aabbcc"), gold="share")
    assert target.n_positive.tolist() == [4]
    assert target.n_groups.tolist() == [3]


@pytest.mark.parametrize(
    ("cells", "groups", "learnable"),
    [
        ("1" * 10 + "0", "aaaabbbbccc", True),
        ("1" * 9 + "00", "aaaabbbbccc", False),
        ("1" * 10 + "0", "aaaaabbbbbc", False),
        ("1" * 12, "aaaabbbbcccc", True),
    ],
)
def test_code_needs_ten_positive_segments_in_three_groups(
    units: MakeUnits, cells: str, groups: str, learnable: bool
) -> None:
    assert (FEWEST_POSITIVE, FEWEST_GROUPS) == (10, 3)
    target = make_target(units({"ann": ("human", cells)}, groups=groups), gold="share")
    assert (target.learnable.tolist() == [0]) is learnable


def test_nothing_read_gives_an_empty_target(units: MakeUnits) -> None:
    target = make_target(units({"ann": ("human", "...")}), gold="share")
    assert target.rows.tolist() == []
    assert target.learnable.tolist() == []
