"""All human coders at once: every coefficient, per code and pooled; on sets of codes and on the spans they marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.agreement.intervals import FEWEST
from pipeline.report.agreement_view import number_of
from pipeline.report.audit.table import Head, Line, Row, Table, figure
from pipeline.report.audit.trust_view import ALL, MEAN
from pipeline.report.tables import RunTables
from pipeline.report.wording import Number, count_of, listing

#: Of each code and pooled.
KEYS = (
    "prevalence",
    "percent_agreement",
    "krippendorff_alpha",
    "fleiss_kappa",
    "gwet_ac1",
    "brennan_prediger",
    "unitizing_code",
)
#: Of all codes together only.
KEYS_OF_ALL = ("alpha_masi", "alpha_jaccard", "unitizing_binary", "unitizing_u", "unitizing_cu")
TITLES = {found.key: found.title for found in COEFFICIENTS} | {"prevalence": "Prevalence"}


@dataclass(frozen=True, slots=True)
class PeopleView:
    """who: the coders, in words. method: how intervals were made, or why there are none."""

    who: str
    n_units: str
    n_transcripts: str
    codes: Table
    together: Table
    method: str
    one_unit: bool
    two: bool
    fewest: int = FEWEST


def people_view(run: RunTables) -> PeopleView | None:
    """None where no two coders read the same segment blind."""
    rows: Sequence[Row] = run.agreement["overall"]
    if not rows:
        return None
    pooled = rows[0]
    return PeopleView(
        who=listing(pooled["coders"]),
        n_units=count_of(pooled["n_units"], "segment"),
        n_transcripts=count_of(pooled["n_transcripts"], "transcript"),
        codes=Table(
            "Per code: given or not given. In brackets 95 % intervals over transcripts.",
            "Code",
            tuple(Head(TITLES[key], key) for key in KEYS),
            (_mean(run.agreement["overall_mean"]), *(_line(row) for row in rows)),
        ),
        together=Table(
            "On all codes at once: the set of codes that a segment was given, and the stretches that were marked. In "
            "brackets 95 % intervals over transcripts.",
            "Coefficient",
            (Head("Value"),),
            tuple(_of_all(pooled, key) for key in KEYS_OF_ALL),
        ),
        method=_method(pooled),
        one_unit=pooled["n_units"] == 1,
        two=len(pooled["coders"]) == 2,
    )


def _method(pooled: Row) -> str:
    """How the interval of alpha was made; else why there is none, or no alpha."""
    ci = pooled["ci"]["krippendorff_alpha"]
    if pooled["krippendorff_alpha"] is None:
        return f"Alpha is undefined: {pooled['undefined']['krippendorff_alpha']}."
    return f"No intervals: {ci['reason']}." if ci["reason"] else f"Intervals: {ci['method']}."


def _line(row: Row) -> Line:
    cells = tuple(figure(row, key) for key in KEYS)
    whys = dict.fromkeys(row["undefined"][key] for key in KEYS if key in row["undefined"])
    return Line(row["code"] or ALL, cells, total=row["code"] is None, note="; ".join(whys))


def _mean(found: Row) -> Line:
    """Of each coefficient the mean over the codes for which it is defined, with its interval."""
    return Line(
        MEAN, tuple(_mean_of(found[key], key) if key in found else Number("") for key in KEYS), total=True
    )


def _mean_of(row: Row, key: str) -> Number:
    why = "" if row["n_defined"] else "undefined for every code"
    return number_of({key: row["mean"], "undefined": {key: why}, "ci": {key: row["ci"]}}, key)


def _of_all(row: Row, key: str) -> Line:
    return Line(TITLES[key], (figure(row, key),))
