"""What an audit says at the end of the command: the answers, not the figures behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.report.audit.people_view import people_view
from pipeline.report.audit.settle_view import settle_view
from pipeline.report.audit.trust_view import Group, trust_view
from pipeline.report.tables import read_run


def audit_lines(run_dir: Path) -> list[str]:
    """A line an answer; names of coders and counts of codes, never a word of a participant."""
    run = read_run(run_dir)
    trust, people, settle = trust_view(run), people_view(run), settle_view(run)
    if people is None:
        lines = ["No two coders have read the same segment: how far people agree is unknown."]
    else:
        alpha = trust.rows[0].alpha
        spread = f" ({alpha.interval})" if alpha.interval else ""
        lines = [
            f"{people.who} on {people.n_units} segments of {people.n_transcripts} transcripts: Krippendorff's alpha "
            f"{alpha.text}{spread}",
            f"Codes: {_counts(trust.people)}",
        ]
        lines.append(f"{settle.n_cells} decisions on {settle.n_segments} segments differ: disagreements.csv")
    if trust.with_model:
        lines.append(f"The model beside them: {trust.rows[0].verdict}. Codes: {_counts(trust.model)}")
    return lines


def audit_json(run_dir: Path) -> dict[str, Any]:
    """The answers for machines; the figures are in agreement.json."""
    trust = trust_view(read_run(run_dir))
    return {
        "codes": {row.code: {"coders": row.standing.title, "model": row.verdict} for row in trust.rows[1:]},
        "model": trust.rows[0].verdict,
    }


def _counts(groups: tuple[Group, ...]) -> str:
    return ", ".join(f"{len(group.codes)} {group.phrase}" for group in groups) or "none"
