"""The picture of confusions: which codes are on it, and what its numbers count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.compare.columns import Panel
from pipeline.compare.confusions import confusions
from pipeline.report.audit.heat_view import MOST_CODES, heat_view

MakePanel = Callable[..., Panel]


@pytest.mark.parametrize("direction", [1, -1])
def test_only_codes_that_were_ever_confused_are_on_the_picture(make_panel: MakePanel, direction: int) -> None:
    n_codes = MOST_CODES + 2
    a = np.zeros((10 * n_codes, n_codes), dtype=bool)
    a[np.arange(len(a)), np.arange(len(a)) // 10] = True
    b = a.copy()
    # The last two codes are given once, for one another; the others often, missed often and never confused.
    a[-20:] = b[-20:] = False
    a[-1, -1] = b[-1, -2] = True
    b[np.arange(0, len(b) - 20, 2)] = False
    panel = make_panel(dict(zip(("a", "model")[::direction], (a, b), strict=True)), place=[0] * len(a))
    view = heat_view("", confusions(panel)["model"])
    assert [name for name, _ in view.rows][-2:] == [f"c{n_codes - 2}", f"c{n_codes - 1}"]
    assert (len(view.rows), view.n_left_out) == (MOST_CODES, 2)


def test_diagonal_between_coders_is_the_number_of_pairs_that_agree(make_panel: MakePanel) -> None:
    flags = np.array([[True, False], [False, True], [False, False], [True, False]])
    b = flags[:, ::-1].copy()
    b[0] = flags[0]
    people = confusions(make_panel({"a": flags, "b": b, "c": flags}, place=[0] * 4))["people"]
    matrix = np.array(people["matrix"])
    # a and c agree in everything, both with b on the first segment.
    assert np.diag(matrix)[:2].tolist() == [2 + 1 + 1, 1]
    assert matrix[0, 1] + matrix[1, 0] == 4


def test_what_counts_less_than_one_is_not_shown_as_none(make_panel: MakePanel) -> None:
    a, b = np.zeros((2, 3, 4), dtype=bool)
    a[:, 0], b[0, 1:] = True, True
    b[1:, 0] = True
    view = heat_view("", confusions(make_panel({"a": a, "b": b}, place=[0] * 3))["people"])
    first = [cell.text for cell in view.rows[0][1]]
    assert first == ["2", "<1", "<1", "<1", "", ""]
    assert view.n_pairs == "1\N{NO-BREAK SPACE}pair"
