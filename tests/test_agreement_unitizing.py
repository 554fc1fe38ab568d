"""Unitizing alpha and characters: spans whose borders differ."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agreement import pairs
from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.characters import count_characters, white_space
from pipeline.agreement.continuum import Continuum, Span, SpanSums, span_sums
from pipeline.agreement.unitizing import (
    UnitizingAgreement,
    alpha_code,
    alpha_u,
    u_sums,
    unitizing_agreement,
    unitizing_intervals,
)
from pipeline.agreement.values import Ratings
from pipeline.compare.spans import Marked

LENGTH = 30
CODES = ("A", "B", "C")


def same(one: float, other: float, tolerance: float = 1e-9) -> bool:
    return (math.isnan(one) and math.isnan(other)) or math.isclose(
        one, other, rel_tol=tolerance, abs_tol=tolerance
    )


@st.composite
def one_coder(draw: st.DrawFn, *, overlap: bool) -> list[Span]:
    bounds = st.lists(st.integers(0, LENGTH), min_size=2, max_size=2, unique=True).map(sorted)
    if overlap:
        return [(*draw(bounds), draw(st.sampled_from(CODES))) for _ in range(draw(st.integers(0, 4)))]
    cuts = sorted(draw(st.lists(st.integers(0, LENGTH), max_size=8, unique=True)))
    parts = [(start, end) for start, end in pairwise(cuts) if draw(st.booleans())]
    return [(start, end, draw(st.sampled_from(CODES))) for start, end in parts]


def continua(*, overlap: bool) -> st.SearchStrategy[list[Continuum]]:
    def of(n: int) -> st.SearchStrategy[list[Continuum]]:
        spans = st.none() | one_coder(overlap=overlap)
        text = st.lists(spans, min_size=n, max_size=n).map(lambda found: Continuum(LENGTH, found))
        return st.lists(text, min_size=1, max_size=3)

    return st.integers(2, 4).flatmap(of)


def by_characters(texts: list[Continuum]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coincidences of values by the definition, character by character: l, Q by value, l*, Q* by value."""
    values, q = len(CODES) + 1, np.zeros(len(CODES) + 1)
    l, q_star = np.zeros((values, values)), np.zeros(values)  # noqa: E741
    for text in texts:
        readers = [spans for spans in text.spans if spans is not None]
        m = len(readers)
        if m < 2:
            continue
        value = np.full((m, text.length), len(CODES))
        for i, spans in enumerate(readers):
            for start, end, code in spans:
                value[i, start:end] = CODES.index(code)
                q[CODES.index(code)] += (end - start) ** 2
        q[-1] += (value == len(CODES)).sum()
        for i in range(m):
            for j in range(m):
                if i != j:
                    np.add.at(l, (value[i], value[j]), 1 / (m - 1))
        met = ((value < len(CODES)).sum(axis=0) - 1) / (m - 1)
        for spans in readers:
            for start, end, code in spans:
                q_star[CODES.index(code)] += met[start:end].sum() ** 2
    return l, q, np.concatenate([l[:-1, :-1].ravel(), q_star[:-1]])


def alpha_of_coincidences(l: np.ndarray, q: np.ndarray) -> float:  # noqa: E741
    """1 - D_o / D_e by the definition: e_cc = l.. (l_c^2 - Q_c) / (l..^2 - Q), e_ck = l.. l_c l_k / ..."""
    n, l_c = l.sum(), l.sum(axis=1)
    if np.count_nonzero(l_c > 1e-9) < 2:
        return math.nan
    expected = n * (np.outer(l_c, l_c) - np.diag(q)) / (n * n - q.sum())
    off = ~np.eye(len(l), dtype=bool)
    return float(1 - l[off].sum() / expected[off].sum())


def agreement(texts: list[Continuum]) -> UnitizingAgreement:
    return unitizing_agreement(span_sums(texts, CODES))


@given(continua(overlap=False))
def test_u_and_cu_are_their_definitions_character_by_character(texts: list[Continuum]) -> None:
    l, q, rest = by_characters(texts)  # noqa: E741
    k = len(CODES)
    found = agreement(texts)
    assert same(found.u.value, alpha_of_coincidences(l, q))
    assert same(found.cu.value, alpha_of_coincidences(rest[: k * k].reshape(k, k), rest[k * k :]))


@given(continua(overlap=False))
def test_ku_of_a_code_is_its_definition(texts: list[Continuum]) -> None:
    l, _, rest = by_characters(texts)  # noqa: E741
    k = len(CODES)
    l, q = rest[: k * k].reshape(k, k), rest[k * k :]  # noqa: E741
    n, l_c = l.sum(), l.sum(axis=1)
    for i, code in enumerate(CODES):
        value = agreement(texts).ku[code].value
        if l_c[i] < 1e-9 or n - l_c[i] < 1e-9:
            assert math.isnan(value)
            continue
        e = (np.outer(l_c, l_c) - np.diag(q)) / (n - q.sum() / n)
        expected = 1 - (l_c[i] - l[i, i]) / l_c[i] * e[:, i].sum() / (e[:, i].sum() - e[i, i])
        assert same(value, expected)


@given(continua(overlap=True))
def test_a_code_alone_is_u_of_the_spans_of_that_code(texts: list[Continuum]) -> None:
    for code in CODES:
        alone = [
            Continuum(
                LENGTH,
                [None if spans is None else [s for s in spans if s[2] == code] for spans in text.spans],
            )
            for text in texts
        ]
        only = unitizing_agreement(span_sums(alone, [code]))
        assert same(agreement(texts).code[code].value, only.u.value)
        assert same(only.u.value, only.binary.value)


@given(continua(overlap=True))
def test_every_unitizing_statistic_is_a_number_of_at_most_one_or_says_why_not(texts: list[Continuum]) -> None:
    found = agreement(texts)
    for statistic in (found.u, found.binary, found.cu, *found.ku.values(), *found.code.values()):
        assert math.isnan(statistic.value) == bool(statistic.reason)
        assert math.isnan(statistic.value) or statistic.value <= 1 + 1e-9


@given(continua(overlap=False))
def test_order_of_coders_and_of_texts_changes_nothing(texts: list[Continuum]) -> None:
    turned = [Continuum(LENGTH, list(text.spans)[::-1]) for text in texts[::-1]]
    one, other = agreement(texts), agreement(turned)
    assert same(one.u.value, other.u.value)
    assert same(one.cu.value, other.cu.value)
    assert same(one.binary.value, other.binary.value)


@given(st.lists(st.lists(st.sampled_from(("A", "B", None)), min_size=3, max_size=3), min_size=1, max_size=15))
def test_spans_of_one_character_have_nominal_alpha(table: list[list[str | None]]) -> None:
    spans = [[(i, i + 1, row[c]) for i, row in enumerate(table) if row[c]] for c in range(3)]
    u = unitizing_agreement(span_sums([Continuum(len(table), spans)])).u.value
    values = [[("A", "B", None).index(value) for value in row] for row in table]
    assert same(u, krippendorff_alpha(Ratings(np.array(values), ("A", "B", "gap"))).value)


@given(continua(overlap=False))
def test_texts_add_up_as_if_they_stood_one_after_the_other(texts: list[Continuum]) -> None:
    whole = [Continuum(text.length, [spans or [] for spans in text.spans]) for text in texts]
    shift = [LENGTH * i for i in range(len(whole))]
    one = Continuum(
        LENGTH * len(whole),
        [
            [
                (start + by, end + by, code)
                for text, by in zip(whole, shift, strict=True)
                for start, end, code in text.spans[coder] or ()
            ]
            for coder in range(len(whole[0].spans))
        ],
    )
    assert same(agreement(whole).u.value, agreement([one]).u.value)
    assert same(agreement(whole).cu.value, agreement([one]).cu.value)


def test_only_stretches_that_two_read_count() -> None:
    first, second = [(0, 5, "A"), (12, 18, "B")], [(0, 4, "A"), (25, 28, "B")]
    part = Continuum(30, [first, second], read=[[(0, 20)], [(0, 10), (10, 20), (22, 30)]])
    short = Continuum(20, [first, [(0, 4, "A")]])
    assert repr(agreement([part])) == repr(agreement([short]))  # nan is not equal to itself
    assert agreement([part]).u.n_units == 20


def test_a_span_that_was_read_in_parts_is_one_span() -> None:
    gap = [[(0, 10), (20, 30)], None]
    parted = span_sums([Continuum(30, [[(5, 25, "A")], []], read=gap)], CODES)
    assert parted.squares[0, 0] == 10.0**2


def test_a_coder_who_did_not_read_a_text_is_not_one_who_marked_nothing() -> None:
    marked = [(0, 10, "A")]
    two = agreement([Continuum(30, [marked, marked, None])])
    three = agreement([Continuum(30, [marked, marked, []])])
    assert two.u.value == 1
    assert two.u.n_coders == 2
    assert three.u.value < 1


def test_two_codes_on_one_stretch_leave_u_and_cu_undefined_but_not_the_codes_alone() -> None:
    found = agreement([Continuum(30, [[(0, 10, "A"), (5, 15, "B")], [(0, 10, "A"), (5, 15, "B")]])])
    for statistic in (found.u, found.cu, found.ku["A"]):
        assert "one coder gave a stretch two codes" in statistic.reason
    assert found.code["A"].value == found.code["B"].value == found.binary.value == 1


def test_spans_of_one_code_that_overlap_are_one_and_those_that_touch_are_two() -> None:
    def squares(*spans: Span) -> float:
        return float(span_sums([Continuum(30, [spans, []])], CODES).squares[0, 0])

    assert squares((0, 6, "A"), (4, 10, "A")) == squares((0, 10, "A")) == 100
    assert squares((0, 6, "A"), (6, 10, "A")) == 36 + 16


@pytest.mark.parametrize(
    ("spans", "coefficient", "reason"),
    [
        ([[], []], "u", "no variation"),
        ([[(0, 30, "A")], [(0, 30, "A")]], "u", "no variation"),
        ([[(0, 30, "A")], [(0, 30, "B")]], "binary", "marked throughout"),
        ([[], []], "binary", "never marked"),
        ([[(0, 9, "A")], [(9, 12, "A")]], "cu", "no stretch that two coders marked"),
        ([[(0, 9, "A")], [(3, 12, "A")]], "cu", "every code is the same"),
        ([[(0, 9, "A")], None], "u", "no stretch that two coders read"),
    ],
)
def test_unitizing_alpha_is_undefined_with_the_reason(
    spans: list[list[Span] | None], coefficient: str, reason: str
) -> None:
    found = getattr(agreement([Continuum(LENGTH, spans)]), coefficient)
    assert math.isnan(found.value)
    assert reason in found.reason


def test_no_text_at_all_says_so() -> None:
    assert agreement([]).u.reason == "no stretch that two coders read"


@pytest.mark.parametrize(
    ("length", "spans", "read", "message"),
    [
        (10, [[(5, 12, "A")], []], None, r"\(5, 12\); expected 0 <= start < end <= 10"),
        (10, [[(5, 5, "A")], []], None, "do not lie in the text"),
        (10, [[], []], [None, [(-1, 4)]], "do not lie in the text"),
        (10, [[], []], [None], "1 coders read, for 2 coders"),
    ],
)
def test_stretches_outside_the_text_are_refused(length: int, spans, read, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Continuum(length, spans, read)


def test_a_code_outside_the_codebook_and_other_coders_are_refused() -> None:
    with pytest.raises(ValueError, match="not in the codebook: 'Z'"):
        span_sums([Continuum(9, [[(0, 1, "Z")], []])], CODES)
    with pytest.raises(ValueError, match="the same coders"):
        span_sums([Continuum(9, [[], []]), Continuum(9, [[]])])


def random_texts(n: int, *, seed: int) -> SpanSums:
    """Coder b marks what a marks, with other borders and now and then another code."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(n):
        starts = 40 * np.arange(12) + rng.integers(0, 10, 12)
        a = [(int(s), int(s) + int(rng.integers(5, 20)), str(rng.choice(CODES))) for s in starts]
        b = [
            (s + int(rng.integers(0, 4)), e + int(rng.integers(0, 4)), code if rng.random() < 0.8 else "A")
            for s, e, code in a
            if rng.random() < 0.9
        ]
        texts.append(Continuum(500, [a, b]))
    return span_sums(texts, CODES)


@pytest.mark.parametrize(("n", "method"), [(12, "jackknife over 12"), (35, "BCa bootstrap over 35")])
def test_unitizing_intervals_lie_around_their_values(n: int, method: str) -> None:
    sums = random_texts(n, seed=n)
    found, values = unitizing_intervals(sums, seed=0), unitizing_agreement(sums)
    for key in ("u", "binary", "cu"):
        (interval,) = found[key]
        assert interval.low < getattr(values, key).value < interval.high <= 1
        assert interval.method.startswith(method)
    for key in ("ku", "code"):
        for interval, code in zip(found[key], CODES, strict=True):
            assert interval.low < getattr(values, key)[code].value < interval.high <= 1


def test_leaving_a_text_out_of_the_sums_is_not_having_it() -> None:
    sums, k = random_texts(5, seed=0), len(CODES)
    without = u_sums(sums)[1:].sum(axis=0)
    assert same(float(alpha_u(u_sums(sums).sum(axis=0) - u_sums(sums)[0], k)), float(alpha_u(without, k)))
    assert alpha_code(sums.of_code()).shape == (5, k)


@given(one_coder(overlap=True), one_coder(overlap=True), st.text(alphabet="ab \n", min_size=30, max_size=30))
def test_characters_are_counted_as_one_by_one(a: list[Span], b: list[Span], text: str) -> None:
    counts = count_characters(text, a, b, CODES, read_a=[(0, 25)], read_b=[(3, 30)])
    kept = Marked(text, {}, {}).solid
    again = count_characters(text, a, b, CODES, read_a=[(0, 25)], read_b=[(3, 30)], solid=kept)
    assert again.tolist() == counts.tolist()
    for k, code in enumerate(CODES):
        cells = [0, 0, 0, 0]
        for i in range(3, 25):
            if text[i].isspace():
                continue
            held = [any(s <= i < e and c == code for s, e, c in spans) for spans in (a, b)]
            cells[[[3, 2], [1, 0]][held[0]][held[1]]] += 1
        assert counts[k].tolist() == cells


def test_character_kappa_of_a_span_whose_border_differs() -> None:
    """20 characters that are no spaces: a marks 8 of them, b the first 6 of these."""
    text = "abcd efgh ijklmnopqrst"
    (counts,) = count_characters(text, [(0, 9, "A")], [(0, 7, "A")], ["A"])
    assert counts.tolist() == [6, 2, 0, 12]
    p_o, p_c = 18 / 20, (8 * 6 + 12 * 14) / 400
    assert float(pairs.cohen_kappa(counts)) == pytest.approx((p_o - p_c) / (1 - p_c), abs=1e-12)


def test_characters_refuse_what_is_not_in_the_text_or_the_codebook() -> None:
    with pytest.raises(ValueError, match="expected 0 <= start < end <= 3"):
        count_characters("abc", [(1, 4, "A")], [], ["A"])
    with pytest.raises(ValueError, match="not in the codebook: 'Z'"):
        count_characters("abc", [(1, 2, "Z")], [], ["A"])


def test_white_space_is_that_of_python_for_every_character() -> None:
    text = "".join(map(chr, range(0x110000)))
    assert white_space(text).tolist() == [character.isspace() for character in text]
    assert white_space("").tolist() == []


@pytest.mark.parametrize("codes", [[], ["A"], ["A", "B"]])
@pytest.mark.parametrize("continua", [[], [Continuum(5, [None, None])] * 9, [Continuum(5, [[], []])] * 9])
def test_intervals_are_undefined_with_a_reason_where_nothing_was_marked_or_read(
    continua: list[Continuum], codes: list[str]
) -> None:
    sums = span_sums(continua, codes)
    found = unitizing_intervals(sums, seed=1)
    assert {key: len(of) for key, of in found.items()} == {
        "u": 1,
        "binary": 1,
        "cu": 1,
        "ku": len(codes),
        "code": len(codes),
    }
    assert all(interval.reason for of in found.values() for interval in of)
    assert unitizing_agreement(sums).u.reason
