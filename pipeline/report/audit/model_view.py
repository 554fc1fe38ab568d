"""The model, or another machine, beside the coders: differences, verdicts, and what was coded blind or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.compare.columns import MODEL
from pipeline.report.audit.table import Head, Line, Row, Table, change, difference_of, plain, slice_figure
from pipeline.report.audit.trust_view import MEAN
from pipeline.report.beside_view import BesideView, beside_view
from pipeline.report.tables import RunTables
from pipeline.report.wording import Number, coefficient, count, percent

#: Tests by which a verdict may be reached.
ALTERNATIVE, NON_INFERIORITY = "alternative annotator", "non-inferiority"
KINDS = {"human-human": "coders with each other", "model-human": "coders with the model"}
SLICE_HEADS = (
    Head("Segments", "units"),
    Head("Transcripts"),
    Head("Percent agreement", "percent_agreement"),
    Head("Krippendorff's alpha", "krippendorff_alpha"),
    Head("F1", "f1"),
)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts on one column. rule: which test was made, with what allowance, in words."""

    other: str
    rule: str
    table: Table


@dataclass(frozen=True, slots=True)
class ModelView:
    """beside: kappa per code, people and model. verdicts: of the model first, then of machines.

    basis: blind and seen apart, None where all is blind; basis_note: what of the codings was blind, in words.
    """

    beside: BesideView
    verdicts: tuple[Verdicts, ...]
    basis: Table | None
    basis_note: str


def model_view(run: RunTables) -> ModelView:
    """The section on the model."""
    agreement = run.agreement
    found = dict.fromkeys(row["other"] for row in agreement["verdicts"] if row["test"])
    others = sorted(found, key=lambda other: other != MODEL)
    kinds = agreement["basis"]["kinds"]
    return ModelView(
        beside=beside_view(run),
        verdicts=tuple(_verdicts(run, other) for other in others),
        basis=_basis(kinds) if kinds and agreement["basis"]["n_seen"] else None,
        basis_note=_basis_note(agreement["basis"]),
    )


def _verdicts(run: RunTables, other: str) -> Verdicts:
    rows = [row for row in run.agreement["verdicts"] if row["other"] == other]
    beside = {row["code"]: row for row in run.agreement["beside"] if row["other"] == other}
    tests = list(dict.fromkeys(row["test"] for row in rows))
    rates = _rates(tests)
    return Verdicts(
        other="the model" if other == MODEL else other,
        rule=_rule(rows),
        table=Table(
            _caption(tests),
            "Code",
            (
                Head("Verdict", "verdict", text=True),
                Head("Difference in kappa", "beside_people"),
                *(Head(title, "verdict") for _, title in rates),
                Head("At stake (transcripts)", "verdict"),
                Head("Why", text=True),
            ),
            tuple(_verdict(row, beside.get(row["code"]), [key for key, _ in rates]) for row in rows),
        ),
    )


def _caption(tests: Sequence[str]) -> str:
    """tests: those that were made of the rows of a table."""
    said = {
        NON_INFERIORITY: "90 % those by which a test of non-inferiority is decided",
        ALTERNATIVE: "95 % where the alternative annotator test was made, which decides by the winning rate",
    }
    levels = [said[test] for test in said if test in tests]
    if len(levels) < len(tests):
        levels.append("95 % where no test was made")
    return (
        f"In brackets intervals over transcripts, each with its level: {', '.join(levels)}. At stake: segments to "
        "which a coder or the model gave the code."
    )


def _rates(tests: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What the alternative annotator test says beside its verdict: key, title."""
    if ALTERNATIVE not in tests:
        return ()
    return (
        ("winning_rate", "Winning rate"),
        ("advantage", "Advantage"),
        ("winning_rate_all_units", "Winning rate as published, all segments"),
    )


def _rule(rows: Sequence[Row]) -> str:
    """Each test that was made, once."""
    tests = {row["test"]: row for row in reversed(rows)}
    said = [_RULES[test](tests[test]) for test in (ALTERNATIVE, NON_INFERIORITY) if test in tests]
    return "; ".join(said) or "no test: it takes two coders who read the same segments blind"


def _rule_of_alternative(row: Row) -> str:
    return (
        f"three coders or more: the alternative annotator test, allowance epsilon {row['epsilon']:g}, false "
        f"discoveries over coders held to {percent(row['q'])}"
    )


def _rule_of_non_inferiority(row: Row) -> str:
    return (
        f"two coders: non-inferiority in Cohen's kappa by a margin of {row['margin']:g}, one-sided at 5 %, "
        "that is by the 90 % interval"
    )


_RULES: Mapping[str, Callable[[Row], str]] = {
    ALTERNATIVE: _rule_of_alternative,
    NON_INFERIORITY: _rule_of_non_inferiority,
}


def _verdict(row: Row, beside: Row | None, rates: Sequence[str]) -> Line:
    cells = (
        plain(row["verdict"]),
        difference_of(beside, row),
        *(Number(coefficient(row[key]) if row.get(key) is not None else "") for key in rates),
        plain(f"{count(row['n_units'])} ({count(row['n_transcripts'])})"),
        plain(row["why"]),
    )
    return Line(row["code"] or MEAN, cells, total=row["code"] is None)


def slice_cells(row: Row) -> tuple[Number, ...]:
    """The cells of SLICE_HEADS."""
    return (
        plain(count(row["n_units"])),
        plain(count(row["n_transcripts"])),
        *(slice_figure(row, key) for key in ("percent_agreement", "krippendorff_alpha", "f1")),
    )


def _basis(kinds: Sequence[Row]) -> Table:
    return Table(
        "All codes pooled, which raises coefficients where codes differ in frequency: compare the rows with each "
        "other. In brackets 95 % intervals over transcripts. Seen less blind: alpha of what was coded "
        "with a suggestion in view, less alpha of what was coded blind.",
        "Who, and how",
        (*SLICE_HEADS, Head("Seen less blind", "basis")),
        tuple(line for kind in kinds for line in _apart(kind)),
    )


def _apart(kind: Mapping[str, Any]) -> Iterator[Line]:
    for name, title in (("blind", "blind"), ("seen", "with a suggestion in view")):
        difference = change(kind["seen_less_blind"], kind["reason"]) if name == "seen" else Number("")
        yield Line(f"{KINDS[kind['kind']]}, {title}", (*slice_cells(kind[name]), difference))


def _basis_note(basis: Row) -> str:
    n = basis["n_blind"] + basis["n_seen"]
    if not n:
        return ""
    said = (
        f"Each coder's rows on one transcript are taken together, {count(n)} times in all; "
        f"{count(basis['n_stated'])} of them say in every row how they were made"
    )
    silent = (
        f", {count(basis['n_assumed'])} do not, and count as blind only if nothing had been suggested there before"
        if basis["n_assumed"]
        else ""
    )
    if not basis["n_seen"]:
        return f"All was coded blind, without a suggestion in view. {said}{silent}."
    return (
        f"{count(basis['n_seen'])} of {count(n)} were coded with a suggestion in view, or that cannot be excluded. "
        f"{said}{silent}. They are left out of every other figure of agreement, here, in agreement.csv and in "
        "doctor.json, for who sees a suggestion agrees too easily. cells.csv and disagreements.csv hold them too, "
        "and so do the codings from which the model learned and by which its percentages are checked."
    )
