"""Which codes to trust: how far people agree on each, and what can be said of the model there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.agreement.alpha import RELIABLE, TENTATIVE
from pipeline.agreement.intervals import FEWEST
from pipeline.agreement.verdict import AS_GOOD, KINDS, NOT_SHOWN, NOT_SUGGESTED, TOO_FEW, WORSE
from pipeline.compare.columns import MODEL
from pipeline.report.audit.standing import (
    FAIR,
    SOLID,
    STANDINGS,
    UNKNOWN,
    Standing,
    standing_of,
)
from pipeline.report.audit.table import difference_of, figure
from pipeline.report.beside_view import side_of
from pipeline.report.figures import Axis, Mark, Piece, coefficient_axis, mark, stacked
from pipeline.report.levels import scored_rows
from pipeline.report.tables import RunTables
from pipeline.report.wording import Number, coefficient, count, count_of, interval, listing, percent

#: Classes of verdicts in the order in which they are counted, with their colour and what is said of so many codes.
VERDICTS = (
    (KINDS[AS_GOOD], "well", "as good as a coder"),
    (KINDS[NOT_SHOWN], "hardly", "not shown, either way"),
    (KINDS[WORSE], "poor", "worse than a coder"),
    (TOO_FEW, "not-yet", "too few to say"),
    (NOT_SUGGESTED, "not-yet", "not suggested"),
)
ALL = "all codes, pooled"
MEAN = "mean over codes"
#: How ``why_none`` of intervals begins where they stand on the transcripts that hold a code.
TOO_FEW_HOLD_IT = "too few transcripts with the code"
#: Notes on the page; all are in summary.json.
MOST_NOTES = 12


@dataclass(frozen=True, slots=True)
class Trusted:
    """A code. alpha: of all coders. model: mean kappa of the model with them; difference: less that of their own.

    n_given: segments to which a coder gave it, of those that two coders read. verdict: in words;
    verdict_key: its colour; caution: what to mind of a good one, or "". missing: why the standing is unknown, or "".
    doctor: kinds of the findings on the code. misspelt: what coders wrote that may be meant as the code.
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
    caution: str
    missing: str
    doctor: tuple[str, ...]
    misspelt: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Codes of which the same is to be said. notes: of a code that has something to add, what."""

    key: str
    phrase: str
    meaning: str
    codes: tuple[str, ...]
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PeopleHead:
    """The first answer. answer: how many codes are shown to be reliable. mean, spread: of alpha over codes."""

    answer: str
    mean: Number
    spread: str
    n_codes: str


@dataclass(frozen=True, slots=True)
class ModelHead:
    """The second answer, of the model or another machine: on all codes that it gives. untestable: too few coders.

    n_codes: how many it gives, "" for none. groups, bar: its codes by verdict.
    """

    other: str
    verdict: str
    why: str
    n_codes: str
    untestable: bool
    groups: tuple[Group, ...]
    bar: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class TrustView:
    """The table and the two ways to sort it. head, model_head: None where nothing can be said.

    machines: the same answer on other tools. model_with: whose figures those of the model are, where coders share
    nothing. not_blind: what was left out since a suggestion was in view, or "". notes: what else to know of codings.
    """

    rows: tuple[Trusted, ...]
    axis: Axis
    people: tuple[Group, ...]
    people_bar: tuple[Piece, ...]
    head: PeopleHead | None
    model_head: ModelHead | None
    machines: tuple[ModelHead, ...]
    model_with: tuple[str, ...]
    not_blind: str
    notes: tuple[str, ...]

    @property
    def with_people(self) -> bool:
        """Whether two coders share a segment that both coded blind."""
        return self.head is not None

    @property
    def with_model(self) -> bool:
        """Whether the model has learned a code that people can give."""
        return self.model_head is not None

    @property
    def shows_model(self) -> bool:
        """Whether there is a figure of the model with coders for any code."""
        return any(row.model.text for row in self.rows)


def trust_view(run: RunTables) -> TrustView:
    """Each code that can be given, in the order of the codebook."""
    agreement = run.agreement
    overall = {row["code"]: row for row in agreement["overall"] if row["code"] is not None}
    beside = {row["code"]: row for row in agreement["beside"] if row["other"] == MODEL}
    verdicts = {row["code"]: row for row in agreement["verdicts"] if row["other"] == MODEL}
    alphas = [row["krippendorff_alpha"] for row in overall.values()]
    lows = [row["ci"]["krippendorff_alpha"]["low"] for row in overall.values()]
    axis = replace(coefficient_axis([*alphas, *lows]), limits=(TENTATIVE, RELIABLE))
    rows = tuple(
        _row(run, row.code, overall.get(row.code), beside.get(row.code), verdicts.get(row.code), axis)
        for row in scored_rows(run.codes)
    )
    people = [
        Group(
            s.key,
            s.title,
            s.meaning,
            tuple(row.code for row in rows if row.standing is s),
            {row.code: _with_alpha(row) for row in rows if row.standing is s and row.missing},
        )
        for s in STANDINGS
    ]
    others = dict.fromkeys(row["other"] for row in agreement["verdicts"])
    heads = [_model_head(agreement["verdicts"], other, [row.code for row in rows]) for other in others]
    return TrustView(
        rows=rows,
        axis=axis,
        people=tuple(group for group in people if group.codes),
        people_bar=stacked([(group.key, len(group.codes)) for group in people]),
        head=_people_head(agreement["overall_mean"], rows),
        model_head=next((head for head in heads if head.other == MODEL), None),
        machines=tuple(head for head in heads if head.other != MODEL),
        model_with=_model_with(agreement["comparisons"]),
        not_blind=_not_blind(agreement["basis"]),
        notes=tuple(run.summary["notes"][:MOST_NOTES]),
    )


def _not_blind(basis: Mapping[str, Any]) -> str:
    if not basis["n_seen"]:
        return ""
    n = basis["n_blind"] + basis["n_seen"]
    n_seen = f"{count(basis['n_seen'])} of {count(n)} times"
    seen = n_seen if basis["n_blind"] else "Nothing was coded blind: each time"
    left_out = (
        "That is left out of every figure of agreement on this page, of people and of the model, and stands beside "
        "what was coded blind in one section."
    )
    return f"{seen} that a coder coded a transcript a suggestion was in view, or that cannot be excluded. {left_out}"


def _people_head(mean: Mapping[str, Any], rows: tuple[Trusted, ...]) -> PeopleHead | None:
    if not mean:
        return None
    alpha = mean["krippendorff_alpha"]
    n_solid, n_fair = (sum(row.standing is found for row in rows) for found in (SOLID, FAIR))
    shown = f"{n_solid} of {count_of(len(rows), 'code')}" if n_solid else "no code"
    tentative = f", {n_fair} tentatively" if n_fair else ""
    ci = alpha["ci"]
    return PeopleHead(
        answer=f"Shown to be reliable: {shown}{tentative}.",
        mean=Number(coefficient(alpha["mean"]), interval(ci["low"], ci["high"]), ci["reason"]),
        spread=f"{coefficient(alpha['lowest'])} to {coefficient(alpha['highest'])}",
        n_codes=count_of(alpha["n_defined"], "code"),
    )


def _model_head(rows: Sequence[Mapping[str, Any]], other: str, codes: Sequence[str]) -> ModelHead:
    """rows: ``verdicts`` of agreement.json. codes: of the table, in its order."""
    mine = {row["code"]: row for row in rows if row["other"] == other}
    of_all = mine.pop(None)
    groups = [
        Group(key, phrase, "", tuple(code for code in codes if code in mine and mine[code]["class"] == kind))
        for kind, key, phrase in VERDICTS
    ]
    n_codes = of_all.get("n_codes", len(mine))
    return ModelHead(
        other,
        of_all["verdict"],
        of_all["why"],
        count_of(n_codes, "code") if n_codes else "",
        untestable=not of_all["test"] and of_all["class"] != NOT_SUGGESTED,
        groups=tuple(group for group in groups if group.codes),
        bar=stacked([(group.key, len(group.codes)) for group in groups]),
    )


def _model_with(comparisons: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The coders of whose blind codings there are figures with the model."""
    pairs = [row for row in comparisons if row["kind"] == "model-human" and row["n_units"]]
    return tuple(dict.fromkeys(row["a"] for row in pairs))


def _missing(overall: Mapping[str, Any] | None) -> str:
    """What is missing for an interval, or for alpha: "7 interviews hold it, 8 are needed"."""
    if overall is None:
        return ""
    if overall["krippendorff_alpha"] is None:
        return f"alpha undefined: {overall['undefined']['krippendorff_alpha']}"
    ci = overall["ci"]["krippendorff_alpha"]
    if ci["reason"].startswith(TOO_FEW_HOLD_IT):
        n = ci["n_transcripts"]
        return f"{count_of(n, 'interview')} {'holds' if n == 1 else 'hold'} it, {FEWEST} are needed"
    return str(ci["reason"])


def _with_alpha(row: Trusted) -> str:
    return f"{row.missing}; alpha {row.alpha.text}" if row.alpha.defined else row.missing


def _doctor(findings: Sequence[Mapping[str, Any]], code: str) -> tuple[str, ...]:
    """Kinds of findings on a code, and on which other it is: "no agreement", "mixed up with 'Fear'"."""
    found = []
    for row in findings:
        if code in row["codes"]:
            others = [f"'{other}'" for other in row["codes"] if other != code]
            found.append(f"{row['kind']}{' with ' if others else ''}{listing(others) if others else ''}")
    return tuple(found)


def _row(
    run: RunTables,
    name: str,
    overall: Mapping[str, Any] | None,
    beside: Mapping[str, Any] | None,
    verdict: Mapping[str, Any] | None,
    axis: Axis,
) -> Trusted:
    alpha = figure(overall, "krippendorff_alpha") if overall else Number("")
    ci = overall["ci"]["krippendorff_alpha"] if overall else {"low": None, "high": None}
    drawn = mark(axis, "human", overall["krippendorff_alpha"], ci["low"], ci["high"]) if overall else None
    standing = standing_of(overall)
    words = verdict["verdict"] if verdict else ""
    as_good = words == AS_GOOD and standing not in (SOLID, FAIR)
    return Trusted(
        code=name,
        n_given=count(overall["n_given"]) if overall else "",
        prevalence=percent(overall["prevalence"]) if overall else "",
        alpha=alpha,
        standing=standing,
        marks=(drawn,) if drawn else (),
        model=_model(run, name, beside),
        difference=difference_of(beside, verdict),
        verdict=words,
        verdict_key=next((key for kind, key, _ in VERDICTS if verdict and verdict["class"] == kind), ""),
        caution="but coders are not shown to be reliable on it" if as_good else "",
        missing=_missing(overall) if standing is UNKNOWN else "",
        doctor=_doctor(run.doctor["findings"], name),
        misspelt=tuple(overall["misspelt"]) if overall else (),
    )


def _model(run: RunTables, name: str, beside: Mapping[str, Any] | None) -> Number:
    """Kappa of the model with coders: the mean where several coders share segments, else over the pairs there are."""
    if beside is not None:
        return figure({**beside, "cohen_kappa": beside["model"], "ci": {}}, "cohen_kappa")
    pairs = [
        row
        for row in run.agreement["comparisons"]
        if row["kind"] == "model-human" and row["code"] == name and row["n_units"]
    ]
    return side_of(pairs).number if pairs else Number("")
