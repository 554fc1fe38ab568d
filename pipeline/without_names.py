"""What of a run may be told outside the study: counts and scores, codes by their number, nobody's name or words.

Who keeps what is told (a scheduler's database, a notification) is not asked whether it is safe there: codes,
files and people are named after participants too often. ``report.html`` in the study has the names.
"""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path
from typing import Any

from corpus.files import read_json
from pipeline.changes import Changes, changes_lines
from pipeline.run import RunResult


def study_label(root: Path) -> str:
    """The name of a study's folder in small letters and a digest of its path: two of one name differ.

    >>> study_label(Path("/srv/Our Study 2"))
    'our-study-2-dc2e6e'
    """
    name = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "study"
    return f"{name}-{hashlib.sha256(str(root).encode()).hexdigest()[:6]}"


def counts_of(result: RunResult) -> dict[str, int]:
    """What a run counted."""
    return {
        "transcripts": result.n_transcripts,
        "transcripts read by people": result.n_read_transcripts,
        "codings": result.n_codings,
        "suggestions": result.n_suggestions,
        "first suggestions, of codes not learned yet": result.n_first_suggestions,
        "codes that the model has learned": result.n_learned,
        "files set aside": len(result.set_aside),
        "notes in the report": len(result.notes),
    }


def summary_of(result: RunResult, changes: Changes) -> str:
    """A run in Markdown: its counts, and what became better or worse."""
    title = f"# Run {result.run_id}" + (" (nothing has changed since)" if result.unchanged else "")
    rows = [f"| {name} | {n} |" for name, n in counts_of(result).items()]
    found = [*changes_lines(changes), *(["The model is a new one."] if changes.new_model else [])]
    where = "Codes are numbered as the rows of codes.csv; names, reasons and excerpts stand in report.html."
    return "\n".join(
        [title, "", "| | n |", "|---|---:|", *rows, "", *(f"- {line}" for line in found), "", where]
    )


def code_rows(run_dir: Path) -> list[dict[str, Any]]:
    """A row for each code of the codebook, by its number in codes.csv; an undefined score is "undefined".

    average_precision, f1: of the model, on transcripts that it has not seen. alpha: between people.
    """
    names = [entry["name"] for entry in read_json(run_dir / "summary.json")["codebook"]]
    scored = read_json(run_dir / "evaluation.json")["scopes"].get("all", {}).get("codes", [])
    model = {row["code"]: row for row in scored}
    people = {row["code"]: row for row in read_json(run_dir / "agreement.json").get("overall", [])}
    return [
        {
            "code": f"code {number}",
            "coded segments": model.get(name, {}).get("n_positive", "not learned"),
            "average precision": _score(model, name, "average_precision"),
            "F1": _score(model, name, "f1"),
            "alpha between people": _score(people, name, "krippendorff_alpha"),
        }
        for number, name in enumerate(names, start=1)
    ]


def _score(rows: dict[str, dict[str, Any]], code: str, figure: str) -> float | str:
    value = rows.get(code, {}).get(figure)
    return "undefined" if value is None or math.isnan(value) else float(value)
