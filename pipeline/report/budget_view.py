"""Reading budgets: how much must be read, code by code, to see most of what people would code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.estimate import ALL_READ, AVERAGE, SURE
from pipeline.reading_list import listed
from pipeline.report.codes_view import code_numbers
from pipeline.report.how_entry import How
from pipeline.report.tables import RunTables
from pipeline.report.wording import SPACE, count, count_of, percent, percent_from


@dataclass(frozen=True, slots=True)
class BudgetVersion:
    """What to read under one guarantee: "23 %", "412", "8 %"; or only ``reason``, why that cannot be said."""

    share: str
    n_to_read: str
    cut: str
    reason: str


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One learned code. number: of the code on the page."""

    number: int
    name: str
    n_groups: str
    average: BudgetVersion
    sure: BudgetVersion


@dataclass(frozen=True, slots=True)
class BudgetExample:
    """The budget of one code in words, without its name."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class BudgetView:
    """The section on reading budgets.

    nothing: why there is none at all, or "". groups: what was held out together, for many. Sentences, or "":
    it_takes, on how many of them a budget takes, where a code is short of them; together, on all codes; unlearned,
    left_out, on codes without a row, and without a list in reading.csv.
    """

    nothing: str
    groups: str
    recall: str
    confidence: str
    n_unread: str
    rows: tuple[BudgetRow, ...]
    example: BudgetExample | None
    it_takes: str
    together: str
    unlearned: str
    left_out: str


def budget_view(run: RunTables) -> BudgetView:
    """The section on reading budgets, codes in the order of the codebook."""
    found = run.estimates
    numbers = code_numbers(run)
    learned = [entry for entry in found["codes"] if entry["budget"]["n_groups"] is not None]
    with_budget = [entry for entry in learned if entry["budget"][AVERAGE]["n_to_read"] is not None]
    n_unlearned = len(found["codes"]) - len(learned)
    n_left_out = len(with_budget) - len(listed(found["codes"]))
    return BudgetView(
        nothing=_nothing(found, n_learned=len(learned)),
        groups=found["groups"],
        recall=percent(found["budget"]["recall"]),
        confidence=percent(found["budget"]["confidence"]),
        n_unread=count(found["n_unread"] or 0),
        rows=tuple(_row(entry, numbers[entry["code"]]) for entry in learned),
        example=_example(found, with_budget),
        it_takes=_it_takes(found, learned),
        together=_together(found, len(with_budget)),
        unlearned=f"{count_of(n_unlearned, 'code')} without a budget: not learned yet, or a heading."
        if n_unlearned
        else "",
        left_out=f"The lists of {count_of(n_left_out, 'code')} that need most reading are too long for reading.csv."
        if n_left_out
        else "",
    )


def _nothing(found: Mapping[str, Any], *, n_learned: int) -> str:
    if not n_learned:
        return "No code has been learned yet, so nothing can be said of how much to read."
    return f"There is no reading budget: {ALL_READ}." if not found["n_unread"] else ""


def _row(entry: Mapping[str, Any], number: int) -> BudgetRow:
    budget = entry["budget"]
    n_groups = budget["n_groups"]
    return BudgetRow(
        number=number,
        name=entry["code"],
        n_groups=count(n_groups),
        average=_version(budget[AVERAGE], n_groups),
        sure=_version(budget[SURE], n_groups),
    )


def _version(version: Mapping[str, Any], n_groups: int) -> BudgetVersion:
    if version["n_to_read"] is None:
        return BudgetVersion("", "", "", f"not enough: {n_groups} of {version['fewest']}")
    return BudgetVersion(
        percent(version["reading_share"]), count(version["n_to_read"]), percent_from(version["cut"]), ""
    )


def _example(found: Mapping[str, Any], with_budget: list[Mapping[str, Any]]) -> BudgetExample | None:
    """The code that needs least reading."""
    if not with_budget:
        return None
    entry = min(with_budget, key=lambda entry: entry["budget"][AVERAGE]["n_to_read"])
    average = entry["budget"][AVERAGE]
    words = (
        f"read these {percent(average['reading_share'])} of the segments that nobody has read "
        f"({count(average['n_to_read'])} of {count(found['n_unread'])}), those with a probability of "
        f"{percent_from(average['cut'])} or more: over {found['groups']} like those that were coded, you will see on "
        f"average at least {percent(found['budget']['recall'])} of what your coders would code."
    )
    return BudgetExample(entry["code"], words)


def _it_takes(found: Mapping[str, Any], learned: list[Mapping[str, Any]]) -> str:
    short = [
        entry["budget"] for entry in learned if entry["budget"]["n_groups"] < entry["budget"][SURE]["fewest"]
    ]
    if not short:
        return ""
    return (
        f"It takes {short[0][AVERAGE]['fewest']} {found['groups']} that contain the code, and "
        f"{short[0][SURE]['fewest']} for {percent(found['budget']['confidence'])} confidence."
    )


def _together(found: Mapping[str, Any], n_codes: int) -> str:
    if n_codes < 2:
        return ""
    n, n_unread = found["budget"]["n_to_read"], found["n_unread"]
    return (
        f"To keep the budgets of all {n_codes}{SPACE}codes that have one: {count(n)} of {count(n_unread)} segments "
        f"({percent(n / n_unread)})."
    )


HOW_BUDGET = (
    How(
        "budget",
        "Reading budget",
        "The highest probability from which on to read such that, of what people coded with the code in a transcript "
        "(or group, as evaluation.group_by sets it) that contains it, at most 10 % is missed on average: n ÷ (n + 1) "
        "× the mean share missed + 1 ÷ (n + 1) must be at most 10 %, over the n transcripts that contain the code, "
        "each judged by a model that had not seen it. It takes 9 of them. One share a transcript, for segments of "
        "one transcript resemble each other.",
        (
            (
                "Means",
                "an average over transcripts like those that were coded and over draws of those; a single transcript "
                "may show less. It says nothing of transcripts of another kind.",
            ),
            (
                "Approximate",
                "the guarantee is exact for probabilities made by one rule; here the coded transcripts were judged "
                "by models that had learned from four fifths or more of them, the others by one that learned from "
                "all. What that changes was checked by simulation, with whole transcripts drawn and the model "
                "trained again: "
                "tests/benchmarks/budget.py.",
            ),
            (
                "Source",
                "Angelopoulos, Bates, Fisch, Lei & Schuster (2024), Conformal Risk Control, Theorem 1",
            ),
        ),
    ),
    How(
        "budget_sure",
        "Reading budget with 95 % confidence",
        "The average above is itself one over draws of coded transcripts, and yours may be an unlucky draw. Here the "
        "cut is so low that, with 95 % confidence, at most 10 % is missed on average over further transcripts: the "
        "Hoeffding-Bentkus bound on the chance of so small a mean loss must be at most 5 %. It takes 29 transcripts "
        "that contain the code even if nothing is missed (0.9 to the power of 29 is 0.047).",
        (
            (
                "Source",
                "Bates, Angelopoulos, Lei, Malik & Jordan (2021), Distribution-free, Risk-controlling Prediction "
                "Sets, section 3.1",
            ),
        ),
    ),
)
