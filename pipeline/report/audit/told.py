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
    lines = [f"Note: {note}" for note in trust.notes]
    if people is None or trust.head is None:
        lines.append("No two coders have read the same segment blind: how far people agree is unknown.")
    else:
        mean = trust.head.mean
        spread = f" ({mean.interval})" if mean.interval else ""
        lines += [
            f"{people.who} on {people.n_units} of {people.n_transcripts}: Krippendorff's alpha, mean over "
            f"{trust.head.n_codes}, {mean.text}{spread}; {trust.head.spread} each",
            f"{trust.head.answer} {_counts(trust.people)}",
        ]
    if trust.not_blind:
        lines.append(trust.not_blind)
    if settle.segments:
        lines.append(f"{settle.n_cells} on {settle.n_segments} differ: disagreements.csv")
    if trust.model_head:
        lines.append(f"The model beside them: {trust.model_head.verdict}. {_counts(trust.model)}")
    return lines


def audit_json(run_dir: Path) -> dict[str, Any]:
    """The answers for machines; the figures are in agreement.json."""
    trust = trust_view(read_run(run_dir))
    return {
        "codes": {
            row.code: {"coders": row.standing.title, "model": row.verdict or None} for row in trust.rows
        },
        "model": trust.model_head.verdict if trust.model_head else None,
    }


def _counts(groups: tuple[Group, ...]) -> str:
    return ", ".join(f"{len(group.codes)} {group.phrase}" for group in groups) or "none"
