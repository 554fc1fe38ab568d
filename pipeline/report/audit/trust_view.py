"""Which codes to trust: how far people agree on each, and what can be said of the model there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.agreement.verdict import AS_GOOD, NOT_SHOWN, WORSE
from pipeline.report.audit.standing import STANDINGS, Standing, standing_of
from pipeline.report.audit.table import change, figure
from pipeline.report.figures import Axis, Mark, Piece, coefficient_axis, mark, stacked
from pipeline.report.levels import scored_rows
from pipeline.report.tables import RunTables
from pipeline.report.wording import Number, count, percent

MODEL = "model"
TOO_FEW = "too few"
#: Verdicts in the order in which they are counted, with their colour and what is said of so many codes.
VERDICTS = (
    (AS_GOOD, "well", "as good as a coder"),
    (NOT_SHOWN, "hardly", "not shown, either way"),
    (WORSE, "not-yet", "worse than a coder"),
    (TOO_FEW, "not-yet", "too few to say"),
)
ALL = "all codes, pooled"


@dataclass(frozen=True, slots=True)
class Trusted:
    """A code. alpha: of all coders. model: mean kappa of the model with them; difference: less that of their own.

    n_given: segments to which a coder gave it, of those that two coders read. verdict: in words;
    verdict_key: its colour; why: the sentence with the numbers.
    """

    code: str
    n_given: str
    prevalence: str
    alpha: Number
    standing: Standing
    marks: tuple[Mark, ...]
    model: Number
    difference: Number
    verdict: str
    verdict_key: str
    why: str
    total: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Codes of which the same is to be said."""

    key: str
    phrase: str
    meaning: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustView:
    """The table and the two ways to sort it. with_people, with_model: whether there is anything to say of them."""

    rows: tuple[Trusted, ...]
    axis: Axis
    people: tuple[Group, ...]
    people_bar: tuple[Piece, ...]
    model: tuple[Group, ...]
    model_bar: tuple[Piece, ...]
    with_people: bool
    with_model: bool


def trust_view(run: RunTables) -> TrustView:
    """Pooled first, then each code that can be given, in the order of the codebook."""
    agreement = run.agreement
    overall = {row["code"]: row for row in agreement["overall"]}
    beside = {row["code"]: row for row in agreement["beside"] if row["other"] == MODEL}
    verdicts = {row["code"]: row for row in agreement["verdicts"] if row["other"] == MODEL}
    names: list[str | None] = [None, *(row.code for row in scored_rows(run.codes))]
    alphas = [row["krippendorff_alpha"] for row in overall.values()]
    lows = [row["ci"]["krippendorff_alpha"]["low"] for row in overall.values()]
    axis = coefficient_axis([*alphas, *lows])
    rows = tuple(
        _row(run, name, overall.get(name), beside.get(name), verdicts.get(name), axis) for name in names
    )
    codes = rows[1:]
    people = [
        Group(s.key, s.title, s.meaning, tuple(row.code for row in codes if row.standing is s))
        for s in STANDINGS
    ]
    model = [
        Group(key, phrase, "", tuple(row.code for row in codes if row.verdict.startswith(verdict)))
        for verdict, key, phrase in VERDICTS
    ]
    return TrustView(
        rows=rows,
        axis=axis,
        people=tuple(group for group in people if group.codes),
        people_bar=stacked([(group.key, len(group.codes)) for group in people]),
        model=tuple(group for group in model if group.codes),
        model_bar=stacked([(group.key, len(group.codes)) for group in model]),
        with_people=bool(overall),
        with_model=bool(verdicts),
    )


def _row(
    run: RunTables,
    name: str | None,
    overall: Mapping[str, Any] | None,
    beside: Mapping[str, Any] | None,
    verdict: Mapping[str, Any] | None,
    axis: Axis,
) -> Trusted:
    alpha = figure(overall, "krippendorff_alpha") if overall else Number("")
    ci = overall["ci"]["krippendorff_alpha"] if overall else {"low": None, "high": None}
    drawn = mark(axis, "human", overall["krippendorff_alpha"], ci["low"], ci["high"]) if overall else None
    words = verdict["verdict"] if verdict else ""
    return Trusted(
        code=ALL if name is None else name,
        n_given=count(overall["n_given"]) if overall else "",
        prevalence=percent(overall["prevalence"]) if overall else "",
        alpha=alpha,
        standing=standing_of(overall),
        marks=(drawn,) if drawn else (),
        model=_model(run, name, beside),
        difference=change(beside) if beside else Number(""),
        verdict=words,
        verdict_key=next((key for start, key, _ in VERDICTS if words.startswith(start)), ""),
        why=verdict["why"] if verdict else "",
        total=name is None,
    )


def _model(run: RunTables, name: str | None, beside: Mapping[str, Any] | None) -> Number:
    """Kappa of the model with coders: the mean where several coders share segments, else with the one coder."""
    if beside is not None:
        return figure({**beside, "cohen_kappa": beside["model"], "ci": {}}, "cohen_kappa")
    pairs = [
        row
        for row in run.agreement["comparisons"]
        if row["kind"] == "model-human" and row["code"] == name and row["n_units"]
    ]
    return figure(pairs[0], "cohen_kappa") if len(pairs) == 1 else Number("")
