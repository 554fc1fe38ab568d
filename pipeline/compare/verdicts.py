"""Is the model as good as one more coder? A verdict in words for each code, and for the mean over all of them.

On what people coded blind alone: who saw suggestions agrees with the model too easily.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.agreement.alternative_annotator import (
    FEWEST_TRANSCRIPTS,
    AlternativeAnnotator,
    alternative_annotator_test,
    published_test,
)
from pipeline.agreement.intervals import FEWEST
from pipeline.agreement.non_inferiority import (
    count_three,
    non_inferiority,
    non_inferiority_of_mean,
    units_at_stake,
)
from pipeline.agreement.verdict import (
    NOT_SUGGESTED,
    Verdict,
    verdict_of_alternative,
    verdict_of_non_inferiority,
    verdict_of_not_suggested,
    verdict_of_too_few_coders,
)
from pipeline.compare.columns import MODEL, BoolArray, Column, IntArray, Panel
from pipeline.compare.rows import number

OfTwo = Callable[[Sequence[Column]], list[dict[str, Any]]]


def verdict_rows(
    panel: Panel, other: Column, *, margin: float, epsilon: float, seed: int
) -> list[dict[str, Any]]:
    """``verdicts`` of agreement.json for one column beside the human coders: all codes (code null), then each code.

    With three coders or more on common segments the alternative annotator test, with two non-inferiority. Where the
    first is undefined for a code because only two of the coders have enough transcripts in which it is at stake,
    non-inferiority on those two: a third coder who read little takes no verdict away.
    Codes that the model has learned and does not suggest are in ``not_suggested_rows``, and in no mean.
    """
    rows = _verdict_rows(panel, other, margin=margin, epsilon=epsilon, seed=seed)
    return [_with_how_many(panel, rows[0], len(rows) - 1), *rows[1:]] if other.kind == MODEL else rows


def not_suggested_rows(panel: Panel) -> list[dict[str, Any]]:
    """``verdicts`` of what the model has learned and does not suggest; if it suggests nothing, first of all codes."""
    left_out = _left_out(panel)
    rows = [_row_of(MODEL, code, verdict_of_not_suggested(code, why)) for code, why in left_out.items()]
    if rows and not panel.of_kind(MODEL):
        why = (
            f"the model suggests none of the {_codes(len(rows))} that it has learned: {_said_once(left_out)}"
        )
        of_all = _row_of(MODEL, None, verdict_of_not_suggested("", why))
        rows.insert(0, of_all | {"n_codes": 0, "n_learned": len(rows)})
    return rows


def _left_out(panel: Panel) -> dict[str, str]:
    """Code -> why it is not suggested, of the codes that people can give; the verdict says already that it is not."""
    usable = (code for code, used in zip(panel.codes, panel.usable, strict=True) if used)
    reasons = panel.not_suggested
    return {code: reasons[code].removeprefix(f"{NOT_SUGGESTED}: ") for code in usable if code in reasons}


def _codes(n: int) -> str:
    return "1 code" if n == 1 else f"{n} codes"


def _said_once(reasons: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(reasons.values()))


def _with_how_many(panel: Panel, row: dict[str, Any], n_codes: int) -> dict[str, Any]:
    """The row of all codes, with how many the model suggests of those that it has learned."""
    n_learned = n_codes + len(_left_out(panel))
    told = f" Over the {_codes(n_codes)} that the model suggests, of {n_learned} that it has learned."
    why = row["why"] + (told if n_codes < n_learned else "")
    return row | {"why": why, "n_codes": n_codes, "n_learned": n_learned}


def _verdict_rows(
    panel: Panel, other: Column, *, margin: float, epsilon: float, seed: int
) -> list[dict[str, Any]]:
    codes = np.flatnonzero(panel.usable & other.codes)
    keys = [None, *(panel.codes[code] for code in codes)]
    humans = _sharing(panel, other)
    if len(humans) < 2:
        n_readers = sum(bool((human.seen & other.seen).any()) for human in panel.humans)
        return [_row(other, key, verdict_of_too_few_coders(key or "", n_readers)) for key in keys]

    def of_two(two: Sequence[Column]) -> list[dict[str, Any]]:
        return _of_two(_coded(panel, two, other, keys), margin=margin, seed=seed)

    if len(humans) == 2:
        return of_two(humans)
    return _of_many(_coded(panel, humans, other, keys), of_two, epsilon=epsilon)


@dataclass(frozen=True, slots=True, eq=False)
class _Coded:
    """Some coders and a column, as the tests take them.

    keys: None, for all codes, and the k codes. given (c, n, k), read (c, n), model (n, k), place (n,).
    """

    other: Column
    coders: tuple[Column, ...]
    keys: tuple[str | None, ...]
    given: BoolArray
    read: BoolArray
    model: BoolArray
    place: IntArray


def _coded(panel: Panel, coders: Sequence[Column], other: Column, keys: Sequence[str | None]) -> _Coded:
    codes = np.flatnonzero(panel.usable & other.codes)
    given = np.array([human.given[:, codes] for human in coders])
    read = np.array([human.seen for human in coders])
    return _Coded(other, tuple(coders), tuple(keys), given, read, other.given[:, codes], panel.place)


def _sharing(panel: Panel, other: Column) -> list[Column]:
    """The coders who share segments with another and with the column."""
    n_readers = np.zeros(len(other.seen), dtype=np.intp)
    for human in panel.humans:
        n_readers += human.seen
    return [human for human in panel.humans if (human.seen & other.seen & (n_readers >= 2)).any()]


def _of_two(coded: _Coded, *, margin: float, seed: int) -> list[dict[str, Any]]:
    given, read, model, seen = coded.given, coded.read, coded.model, coded.other.seen
    counts = count_three(given, read, model, seen, coded.place)
    stake = units_at_stake(given, read, model, seen)
    any_code = units_at_stake(given.any(axis=2, keepdims=True), read, model.any(axis=1, keepdims=True), seen)
    tests = [
        non_inferiority_of_mean(counts, int(any_code[0]), seed=seed, margin=margin),
        *non_inferiority(counts, stake, seed=seed, margin=margin),
    ]
    return [
        _row(
            coded.other,
            key,
            verdict_of_non_inferiority(key or "", test, who=_called(coded.other)),
            margin=margin,
            method=test.method,
            coders=[coder.name for coder in coded.coders],
        )
        for key, test in zip(coded.keys, tests, strict=True)
    ]


def _of_many(coded: _Coded, of_two: OfTwo, *, epsilon: float) -> list[dict[str, Any]]:
    """of_two: the rows of non-inferiority on two of the coders, asked for once of each two."""
    rows, of_pairs = [], dict[tuple[int, ...], list[dict[str, Any]]]()
    for i, key in enumerate(coded.keys):
        take: IntArray = np.arange(coded.given.shape[2]) if key is None else np.array([i - 1])
        parts = coded.given[:, :, take], coded.read, coded.model[:, take], coded.other.seen
        test = alternative_annotator_test(*parts, coded.place, epsilon=epsilon)
        all_units = published_test(*parts, epsilon=epsilon)
        more = {"epsilon": epsilon, "q": test.q, "winning_rate_all_units": number(all_units.winning_rate)}
        if two := _the_two(test):
            if two not in of_pairs:
                of_pairs[two] = of_two([coded.coders[j] for j in two])
            rows.append(_instead(of_pairs[two][i]) | more)
        else:
            verdict = verdict_of_alternative(key or "", test, who=_called(coded.other))
            rows.append(_row(coded.other, key, verdict, coders=[c.name for c in coded.coders], **more))
    return rows


def _the_two(test: AlternativeAnnotator) -> tuple[int, ...]:
    """Places of the two coders who have enough transcripts, where the test is undefined for want of a third; or ().

    Enough for the test itself or, if that leaves none or one, for non-inferiority.
    """
    for fewest in (FEWEST_TRANSCRIPTS, FEWEST) if test.reason else ():
        enough = tuple(left.coder for left in test.coders if left.n_transcripts >= fewest)
        if len(enough) == 2:
            return enough
    return ()


def _instead(row: dict[str, Any]) -> dict[str, Any]:
    """The row of two coders of more, which says that it is."""
    first, second = row["coders"]
    told = (
        f"Tested on {first} and {second} alone: the others have too few transcripts in which somebody gave the code "
        "for the test that takes three coders."
    )
    return row | {"why": f"{row['why']} {told}"}


def _called(other: Column) -> str:
    return "The model" if other.kind == MODEL else other.name


def _row(other: Column, key: str | None, verdict: Verdict, **more: Any) -> dict[str, Any]:
    return _row_of(other.name, key, verdict, **more)


def _row_of(name: str, key: str | None, verdict: Verdict, **more: Any) -> dict[str, Any]:
    return {
        "other": name,
        "code": key,
        "class": verdict.kind,
        "verdict": verdict.words,
        "test": verdict.test,
        "why": verdict.why,
        "n_units": verdict.n_units,
        "n_transcripts": verdict.n_transcripts,
        "winning_rate": number(verdict.winning_rate),
        "advantage": number(verdict.advantage),
        "difference": number(verdict.difference),
        "low": number(verdict.low),
        "high": number(verdict.high),
        **more,
    }
