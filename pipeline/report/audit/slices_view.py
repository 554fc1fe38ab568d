"""Where agreement is better and worse: time, attributes, transcripts, coders; and how much more coding it takes."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.audit.model_view import KINDS, SLICE_HEADS, slice_cells
from pipeline.report.audit.table import Head, Line, Row, Table, change, plain, slice_figure
from pipeline.report.audit.trust_view import ALL
from pipeline.report.tables import RunTables
from pipeline.report.wording import UNDEFINED, Number, coefficient, count, count_of

POOLED = (
    "All codes pooled, which raises coefficients where codes differ in frequency: compare the rows with each other, "
    "not with .667 and .800."
)
#: So many transcripts are on the page; all are in agreement.json.
MOST_TRANSCRIPTS = 200


@dataclass(frozen=True, slots=True)
class SlicesView:
    """Tables, each with why there is none. transcripts_left_out: how many more agreement.json has."""

    time: Table | None
    why_no_time: str
    attributes: tuple[Table, ...]
    why_no_attributes: tuple[str, ...]
    coders: Table | None
    transcripts: Table | None
    transcripts_left_out: int
    sample_size: Table | None
    width: str


def slices_view(run: RunTables) -> SlicesView:
    """The section on where agreement differs."""
    found = run.agreement["slices"]
    names = list(dict.fromkeys(row["attribute"] for row in found["attributes"]))
    tables = {
        name: _attribute(name, [r for r in found["attributes"] if r["attribute"] == name]) for name in names
    }
    silent = {f"{row['attribute']}: {row['reason']}" for row in found["attributes"] if row["reason"]}
    silent |= {f"{name}: {why}" for name in names if (why := _held_by_one(name, found["attributes"]))}
    whys = [row["reason"] for row in found["time"] if row["reason"]]
    sizes = run.agreement["sample_size"]
    return SlicesView(
        time=_time(found["time"]),
        why_no_time=whys[0] if whys else "",
        attributes=tuple(table for table in tables.values() if table),
        why_no_attributes=tuple(sorted(silent)),
        coders=_coders(found["coders"]),
        transcripts=_transcripts(found["transcripts"][:MOST_TRANSCRIPTS]),
        transcripts_left_out=max(0, len(found["transcripts"]) - MOST_TRANSCRIPTS),
        sample_size=_sample_size(sizes),
        width=f"{sizes[0]['width']:g}" if sizes else "",
    )


def _time(rows: list[Row]) -> Table | None:
    lines = [
        Line(
            f"{KINDS[row['kind']]}, {period['from']} to {period['to']}",
            (
                *slice_cells(period),
                change(row["last_less_first"]) if period is row["periods"][-1] else Number(""),
            ),
        )
        for row in rows
        for period in row["periods"]
    ]
    if not lines:
        return None
    return Table(
        "Transcripts in the order of the day on which they were last coded, in periods of about equally many. "
        f"{POOLED}",
        "Period",
        (*SLICE_HEADS, Head("Last less first", "time")),
        tuple(lines),
    )


def _held_by_one(name: str, rows: list[Row]) -> str:
    """How many values of an attribute one interview alone has, or ""."""
    n = max((row["n_too_small"] for row in rows if row["attribute"] == name), default=0)
    return "" if not n else f"{count_of(n, 'value')} of one interview{' each' if n > 1 else ''}"


def _attribute(name: str, rows: list[Row]) -> Table | None:
    lines = [
        Line(
            f"{KINDS[row['kind']]}, {value['value'] or '(empty)'}",
            (*slice_cells(value), change(value["less_others"])),
        )
        for row in rows
        for value in row["values"]
    ]
    if not lines:
        return None
    return Table(
        # Its name heads the first column, where what stands in it cannot reach the words around.
        f"By a column of participants.csv. {POOLED}",
        name,
        (*SLICE_HEADS, Head("Less all others", "attributes")),
        tuple(lines),
    )


def _coders(rows: list[Row]) -> Table | None:
    if not rows:
        return None
    return Table(
        "Who read and coded how much, and how far each agrees with all others and with the model: the tables of the "
        f"pairs of whom the coder is one, added up. {POOLED}",
        "Coder",
        (
            Head("Kind", text=True),
            Head("Transcripts"),
            Head("Segments read", "read"),
            Head("with a code"),
            Head("Codes given"),
            Head("Different codes"),
            Head("From, to", text=True),
            Head("Alpha with coders", "krippendorff_alpha"),
            Head("Alpha with the model", "krippendorff_alpha"),
        ),
        tuple(_coder(row) for row in rows),
    )


def _coder(row: Row) -> Line:
    counts = ("n_transcripts", "n_units", "n_units_with_code", "n_given", "n_codes_used")
    agreed = [row.get(kind) for kind in ("human-human", "model-human")]
    return Line(
        row["coder"],
        (
            plain(row["kind"]),
            *(plain(count(row[key])) for key in counts),
            plain(f"{row['from']} to {row['to']}" if row["from"] else ""),
            *(slice_figure(found, "krippendorff_alpha") if found else Number("") for found in agreed),
        ),
    )


def _transcripts(rows: list[Row]) -> Table | None:
    if not rows:
        return None
    return Table(
        f"Each transcript by itself, in the order of the day on which it was last coded. {POOLED}",
        "Transcript",
        (
            Head("Day", text=True),
            Head("Segments", "units"),
            Head("Alpha, coders", "krippendorff_alpha"),
            Head("Percent, coders", "percent_agreement"),
            Head("Alpha, coders and model", "krippendorff_alpha"),
            Head("Percent, coders and model", "percent_agreement"),
        ),
        tuple(_transcript(row) for row in rows),
    )


def _transcript(row: Row) -> Line:
    kinds = [row.get(kind) for kind in ("human-human", "model-human")]
    n_units = max(found["n_units"] for found in kinds if found)
    figures = [
        slice_figure(found, key) if found else Number("")
        for found in kinds
        for key in ("krippendorff_alpha", "percent_agreement")
    ]
    return Line(row["transcript"], (plain(row["day"]), plain(count(n_units)), *figures))


def _sample_size(rows: list[Row]) -> Table | None:
    if not rows:
        return None
    return Table(
        "More interviews like those that several people coded, each coded by as many. Pooled over codes, alpha is "
        "raised where codes differ in frequency, and its interval may be narrower than that of any code: plan by the "
        "codes.",
        "Code",
        (
            Head("Transcripts now"),
            Head("Width now", "sample_size"),
            Head("Transcripts needed", "sample_size"),
            Head("More transcripts", "sample_size"),
            Head("About so many segments", "sample_size"),
            Head("Why not", text=True),
        ),
        tuple(_size(row) for row in rows),
    )


def _size(row: Row) -> Line:
    more = row["n_more"]
    return Line(
        row["code"] or ALL,
        (
            plain(count(row["n_transcripts"])),
            Number(coefficient(row["width_now"]) if row["width_now"] is not None else UNDEFINED),
            plain(count(row["n_needed"]) if row["n_needed"] is not None else ""),
            plain(count(more) if more is not None else ""),
            plain(count(round(more * row["n_units_each"])) if more is not None else ""),
            plain(row["reason"]),
        ),
        total=row["code"] is None,
    )
