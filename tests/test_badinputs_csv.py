"""Bad and odd tables from the shared folder: each has the outcome that its manifest names."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus.bring_in import bring_files_in
from corpus.errors import StudyError
from corpus.study import Study
from corpus.tables import read_table
from pipeline.agreement.ratings import rate_table

BAD = Path(__file__).parents[2] / "shared" / "truth" / "badinputs"


def manifest() -> list[dict[str, str]]:
    """Rows for tables; none where the shared folder is absent."""
    path = BAD / "MANIFEST.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row for row in rows if row["file"].startswith("csv/") or row["file"].startswith("controls/good_")]


CASES = manifest() or [
    pytest.param(
        {}, marks=pytest.mark.skip(reason="the shared folder of bad inputs is not beside the checkout")
    )
]


@dataclass(frozen=True)
class Outcome:
    """What became of a file, in the manifest's words; ``said``: every message; ``stored``: what was kept."""

    outcome: str
    said: str
    stored: tuple[tuple[str, str, str, str], ...] = ()


@pytest.fixture
def study(make_study) -> Study:
    """A study with the transcripts that the files point to: ``good`` and ``d``."""
    if not BAD.is_dir():
        pytest.skip("the shared folder of bad inputs is not beside the checkout")
    good = (BAD / "controls" / "good.txt").read_bytes()
    return make_study(
        {"transcripts/good.txt": good, "transcripts/d.txt": b"P1: Some words that were said.\n"}
    )


def bring(study: Study, path: Path) -> Outcome:
    found = bring_files_in(study, [path])
    stored = tuple(
        (path.stem, row.cells["code"], row.cells["start"], row.cells["end"])
        for path in sorted(study.codings_dir.glob("*.csv"))
        for row in read_table(path.read_bytes(), file=path.name, for_machines=True).rows
    )
    told = [line for line in found.brought if " new codings" not in line]
    said = " | ".join([*found.brought, *found.set_aside.values()])
    if found.set_aside:
        return Outcome("partial" if found.brought else "reject", said, stored)
    return Outcome("warn" if told else "ok", said, stored)


def rate(path: Path) -> Outcome:
    try:
        table = read_table(path.read_bytes(), file=path.name, required=["unit"])
        coders = table.columns[1:]
        found = rate_table(
            [row.cells["unit"] for row in table.rows],
            coders,
            [[row.cells[coder] for coder in coders] for row in table.rows],
        )
    except StudyError as error:
        return Outcome("reject", str(error))
    said = " | ".join([*table.warnings, *table.rejected, *found.warnings])
    values = tuple(("", value, "", "") for value in found.categories)
    return Outcome("partial" if table.rejected else "warn" if said else "ok", said, values)


def is_ratings(path: Path) -> bool:
    return path.read_bytes().startswith(b"unit,")


#: What is merely told of a file that the manifest calls "ok".
TOLD = ("is new: codings/", " new codings", "columns are separated by ", ": read as ")
MUST_SAY = {
    "csv/header_only.csv": ["0 codings"],
    "csv/ragged.csv": ["line 3", "line 4"],
    "csv/unclosed_quote.csv": ["line 2"],
    "csv/semicolon.csv": ["separated by semicolons"],
    "csv/tab_utf16_excel.csv": ["separated by tabs", "UTF-16"],
    "csv/nul.csv": ["line 2", "NUL"],
    "csv/unknown_doc.csv": ["line 2", "nosuchdoc"],
    "csv/unknown_coder.csv": ["'Nobody' is new"],
    "csv/offsets_outside.csv": ["line 2", "line 3", "line 4", "line 5"],
    "csv/case_variants.csv": ["'ann' is taken for 'Ann'", "'waiting' is taken for 'Waiting'"],
    "csv/nfc_nfd_codes.csv": ["Unicode"],
    "csv/homoglyph_codes.csv": ["look alike"],
    "csv/lone_surrogate_row.csv": ["line 2"],
    "csv/coder_coded_nothing.csv": ["Cem"],
    "csv/one_unit.csv": ["1 unit: not interpretable"],
    "csv/no_common_units.csv": ["undefined"],
    "csv/duplicate_unit_ids.csv": ["duplicate unit id"],
}
MUST_STORE = {
    "controls/good_codings.csv": {("Ann", "Waiting", "74", "94"), ("Bob", "Waiting", "78", "94")},
    "csv/ragged.csv": {("A", "x", "0", "3")},
    "csv/semicolon.csv": {("A", "x", "0", "3")},
    "csv/tab_utf16_excel.csv": {("A", "x", "0", "3")},
    "csv/sep_line.csv": {("A", "x", "0", "3")},
    "csv/cr_only.csv": {("A", "x", "0", "3")},
    "csv/formula_codes.csv": {
        ("A", code, "0", "3") for code in ("=cmd|'/C calc'!A0", "@SUM(1,1)", "+1", "-1")
    },
    "csv/html_codes.csv": {("A", "<img src=x onerror=alert(1)>", "0", "3")},
    "csv/na_strings.csv": {("", value, "", "") for value in ("NA", "None", "null", "nan", "N/A", "a")},
    "csv/homoglyph_codes.csv": {("Ann", "Care", "0", "5"), ("Bob", "Сare", "0", "5")},
    "csv/nfc_nfd_codes.csv": {("Ann", "Café", "0", "5"), ("Bob", "Café", "0", "5")},
    "csv/case_variants.csv": {("Ann", "Waiting", *span) for span in (("0", "5"), ("6", "9"), ("10", "12"))},
}


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.get("file", "") if isinstance(row, dict) else None)
def test_table_has_the_outcome_that_the_manifest_names(row: dict[str, str], study: Study) -> None:
    path = BAD / row["file"]
    found = rate(path) if is_ratings(path) else bring(study, path)
    outcome = found.outcome
    if outcome == "warn" and row["outcome"] == "ok":
        warnings = [line for line in found.said.split(" | ") if not any(told in line for told in TOLD)]
        outcome = "warn" if warnings else "ok"
    if outcome == "reject" and row["outcome"] == "partial":
        # Nothing was left to store: every row is listed with its line.
        outcome = "partial" if "line 2" in found.said and not found.stored else outcome
    assert outcome == row["outcome"], found.said
    for words in MUST_SAY.get(row["file"], []):
        assert words.casefold() in found.said.casefold()
    if row["file"] in MUST_STORE:
        assert set(found.stored) == MUST_STORE[row["file"]]
    if outcome == "reject":
        assert found.stored == ()


def test_formulas_are_neutralised_wherever_they_are_stored(study: Study) -> None:
    bring_files_in(study, [BAD / "csv" / "formula_codes.csv"])
    with (study.codings_dir / "A.csv").open(encoding="utf-8", newline="") as stream:
        cells = [cell for record in csv.reader(stream) for cell in record if cell]
    assert "'=cmd|'/C calc'!A0" in cells
    assert not [cell for cell in cells if cell[0] in "=+-@"]
