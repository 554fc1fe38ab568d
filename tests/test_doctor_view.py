"""The doctor's section: every kind is told, also where nothing was found or nothing could be looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from pipeline.compare.columns import Panel
from pipeline.compare.doctor import ORDER, examine
from pipeline.report.audit.doctor_view import SENTENCES, DoctorView, view_of_doctor
from pipeline.report.page_parts import environment

MakePanel = Callable[..., Panel]


def view(panel: Panel) -> DoctorView:
    book = [{"name": code, "parent": ""} for code in panel.codes]
    return view_of_doctor(examine(panel, book, alike=(), seed=1))


def crossed(make_panel: MakePanel) -> Panel:
    """Three coders, two of whom call c0 what the third calls c1, in 8 segments of 40."""
    a = np.zeros((40, 3), dtype=bool)
    a[:8, 0] = a[8:14, 2] = True
    c = a[:, [1, 0, 2]]
    return make_panel({"a": a, "b": a, "c": c}, place=[0] * 40)


def test_every_kind_stands_with_its_rule_and_what_was_not_found_is_none(make_panel: MakePanel) -> None:
    found = view(crossed(make_panel))
    assert [kind.kind for kind in found.kinds] == list(ORDER)
    assert all(kind.rule for kind in found.kinds)
    by_kind = {kind.kind: kind for kind in found.kinds}
    assert len(by_kind["mixed up"].findings) == 1
    assert by_kind["unused"].findings == ()
    assert by_kind["unused"].examined
    page = (
        environment().get_template("audit/doctor.html").render(doctor=found, heat=(), trust={"not_blind": ""})
    )
    unused = page[page.index("<h3>Unused</h3>") : page.index("<h3>Hardly used</h3>")]
    assert "<p>No finding.</p>" in unused
    assert "Not looked for" in page[page.index("<h3>Mixed up</h3>") : page.index("<h3>No agreement</h3>")]


def test_what_could_not_be_looked_for_is_not_called_none(make_panel: MakePanel) -> None:
    found = view(make_panel({"a": np.ones((6, 2), dtype=bool)}, place=[0] * 6))
    by_kind = {kind.kind: kind for kind in found.kinds}
    assert not by_kind["no agreement"].examined
    assert not by_kind["mixed up"].examined
    assert by_kind["no agreement"].not_examined == ("no two coders read the same segments blind",)
    page = (
        environment().get_template("audit/doctor.html").render(doctor=found, heat=(), trust={"not_blind": ""})
    )
    part = page[page.index("<h3>No agreement</h3>") : page.index("<h3>One coder only</h3>")]
    assert "No finding." not in part
    assert "Not looked for: no two coders read the same segments blind." in part


def test_mixed_up_says_what_is_counted_and_a_merge_never_stands_without_the_caution(
    make_panel: MakePanel,
) -> None:
    found = view(crossed(make_panel))
    (mixed,) = next(kind for kind in found.kinds if kind.kind == "mixed up").findings
    assert mixed.said.replace("\N{NO-BREAK SPACE}", " ").startswith(
        "On 8 segments one of two coders gave one where the other gave the other: 16 times, each two coders of a "
        "segment counted (by chance "
    )
    assert mixed.merge
    assert found.caution
    calm = view(make_panel({"a": np.zeros((6, 2), dtype=bool)}, place=[0] * 6))
    assert not calm.caution


@pytest.mark.parametrize(
    ("kind", "numbers", "said"),
    [
        ("unused", {"n_read": 1}, "Nobody gave it, in 1 segment that was read."),
        ("unused", {"n_read": 2}, "Nobody gave it, in 2 segments that were read."),
        ("hardly used", {"n_segments": 1, "n_read": 1}, "Given to 1 of 1 segment that was read."),
        ("hardly used", {"n_segments": 1, "n_read": 9}, "Given to 1 of 9 segments that were read."),
    ],
)
def test_one_and_many_are_told_in_grammar(kind: str, numbers: Mapping[str, Any], said: str) -> None:
    assert SENTENCES[kind](numbers).replace("\N{NO-BREAK SPACE}", " ") == said
