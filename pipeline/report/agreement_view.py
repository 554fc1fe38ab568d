"""Agreement: each pair of coders, and the model beside them, pooled and per code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.report.tables import RunTables
from pipeline.report.wording import UNDEFINED, Number, coefficient, count, interval, percent

Row = Mapping[str, Any]
SHARES = frozenset(
    {"prevalence", "prevalence_a", "prevalence_b", "bias", "percent_agreement", "precision", "recall"}
)
KINDS = {
    "human-human": "two coders",
    "model-human": "coder and model",
    "machine-human": "coder and machine",
}
#: So many lines of pairs are on the page, those with the model first; the rest are in agreement.csv.
MOST_LINES = 1500
ALL_CODES = "all codes, pooled"
OF_CONSENSUS = (
    "The consensus is made from the codings of its coders, this one's among them: it agrees with each of them more "
    "than anybody else would, so these figures do not say how reliably codes can be applied."
)

IN_NO_MEAN = "They share too few transcripts, beside other pairs, to enter means over pairs."


@dataclass(frozen=True, slots=True)
class PairRow:
    """One line of a pair's table.

    numbers: in the order of ``AgreementView.columns``. note: reasons and methods, or "". mark: number of the
    note below the table, or "".
    """

    code: str
    numbers: tuple[Number, ...]
    note: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class PairView:
    """Two columns beside each other.

    kappa: mean over codes. caution: what to mind of all figures of the pair, or "". rows: pooled, the mean over
    codes, then each code. notes: below the table, numbered from 1.
    """

    a: str
    b: str
    kind: str
    kind_title: str
    n_units: str
    n_transcripts: str
    n_codes: str
    kappa: Number
    caution: str
    rows: tuple[PairRow, ...]
    notes: tuple[str, ...]
    interval_note: str


@dataclass(frozen=True, slots=True)
class AgreementView:
    """The section on agreement. columns: (key, title) of each figure. n_left_out: pairs not on the page."""

    columns: tuple[tuple[str, str], ...]
    pairs: tuple[PairView, ...]
    n_left_out: int


def agreement_view(run: RunTables) -> AgreementView:
    """Tables of all pairs."""
    comparisons = run.agreement["comparisons"]
    columns = _columns(comparisons)
    pairs = list(_pairs(comparisons, run.agreement["macro"], [key for key, _ in columns]))
    shown = _fitting(pairs)
    return AgreementView(columns, shown, len(pairs) - len(shown))


def _fitting(pairs: Sequence[PairView]) -> tuple[PairView, ...]:
    """The pairs that fit on the page, in their order."""
    order = sorted(range(len(pairs)), key=lambda place: (pairs[place].kind == "human-human", place))
    n_lines = accumulate(len(pairs[place].rows) for place in order)
    chosen = {place for place, lines in zip(order, n_lines, strict=True) if lines <= MOST_LINES}
    return tuple(pair for place, pair in enumerate(pairs) if place in chosen)


def _columns(comparisons: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """The figures that agreement.json has, in the order in which they are explained."""
    known = comparisons[0] if comparisons else {}
    return tuple((found.key, found.title) for found in COEFFICIENTS if found.key in known)


def _pairs(comparisons: Sequence[Row], overall: Sequence[Row], keys: Sequence[str]) -> Iterator[PairView]:
    means = {(row["a"], row["b"]): row for row in overall}
    by_pair: dict[tuple[str, str], list[Row]] = {}
    for row in comparisons:
        by_pair.setdefault((row["a"], row["b"]), []).append(row)
    for names, rows in by_pair.items():
        pooled = next(row for row in rows if row["code"] is None)
        per_code = [row for row in rows if row["code"] is not None]
        lines = [_line(ALL_CODES, pooled, keys, ""), _mean_line(means[names], keys, len(per_code))]
        method = _method(pooled)
        lines += [_line(row["code"], row, keys, method) for row in per_code]
        notes = list(dict.fromkeys(line.note for line in lines if line.note))
        yield PairView(
            a=names[0],
            b=names[1],
            kind=pooled["kind"],
            kind_title=KINDS.get(pooled["kind"], str(pooled["kind"])),
            n_units=count(pooled["n_units"]),
            n_transcripts=count(pooled["n_transcripts"]),
            n_codes=count(pooled["n_codes"]),
            kappa=Number(coefficient(means[names]["macro"]["cohen_kappa"])),
            caution=_caution(pooled),
            rows=tuple(
                replace(line, mark=str(notes.index(line.note) + 1) if line.note else "") for line in lines
            ),
            notes=tuple(notes),
            interval_note=method,
        )


def _caution(pooled: Row) -> str:
    if "human" in pooled["kind"] and "consensus" in pooled["kind"]:
        return OF_CONSENSUS
    return "" if pooled["in_means"] else IN_NO_MEAN


def _line(code: str, row: Row, keys: Sequence[str], method: str) -> PairRow:
    """method: of the pooled line, which need not be said again."""
    numbers = tuple(number_of(row, key) for key in keys)
    reasons: dict[str, list[str]] = {}
    for key, number in zip(keys, numbers, strict=True):
        if number.reason and number.reason != method:
            why = number.reason if number.defined else f"undefined ({number.reason})"
            reasons.setdefault(why, []).append(_short(key))
    notes = [f"{', '.join(names)}: {why}" for why, names in reasons.items()]
    own = _method(row)
    if own and own != method and code != ALL_CODES and not own.startswith("no interval"):
        notes.append(own)
    return PairRow(code, numbers, "; ".join(notes))


def number_of(row: Row, key: str) -> Number:
    """A figure of a comparison with its interval, or the reasons why there is none."""
    value = row[key]
    if value is None:
        return Number(UNDEFINED, reason=row["undefined"].get(key, ""))
    shown = percent(value) if key in SHARES else coefficient(value)
    ci = row["ci"].get(key)
    if not ci:
        return Number(shown)
    reason = f"no interval ({ci['reason']})" if ci["reason"] else ""
    return Number(shown, _interval(key, ci), reason)


def _interval(key: str, ci: Row) -> str:
    if ci["low"] is None:
        return ""
    if key in SHARES:
        return f"{percent(ci['low'])} to {percent(ci['high'])}"
    return interval(ci["low"], ci["high"])


def _mean_line(overall: Row, keys: Sequence[str], n_codes: int) -> PairRow:
    macro, defined = overall["macro"], overall["n_codes_defined"]
    numbers = tuple(Number(percent(macro[key]) if key in SHARES else coefficient(macro[key])) for key in keys)
    partly = [f"{_short(key)} over {defined[key]}" for key in keys if 0 < defined[key] < n_codes]
    note = (
        f"of {n_codes} codes: {', '.join(partly)}; undefined for the rest"
        if partly
        else f"over {n_codes} codes"
    )
    return PairRow("mean over codes", numbers, note)


def _method(row: Row) -> str:
    """How the interval of kappa was made, or why there is none."""
    ci = row["ci"].get("cohen_kappa")
    if not ci:
        return ""
    return f"no interval ({ci['reason']})" if ci["reason"] else str(ci["method"])


def _short(key: str) -> str:
    return {
        "percent_agreement": "percent",
        "cohen_kappa": "kappa",
        "krippendorff_alpha": "alpha",
        "gwet_ac1": "AC1",
        "scott_pi": "pi",
        "brennan_prediger": "PABAK",
        "f1": "F1",
    }.get(key, key)
