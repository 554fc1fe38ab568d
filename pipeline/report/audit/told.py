"""What an audit says at the end of the command: the answers, not the figures behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.report.audit.people_view import people_view
from pipeline.report.audit.settle_view import settle_view
from pipeline.report.audit.trust_view import Group, PeopleHead, trust_view
from pipeline.report.tables import read_run


def audit_lines(run_dir: Path) -> list[str]:
    """A line an answer; names of coders and counts of codes, never a word of a participant."""
    run = read_run(run_dir)
    trust, people, settle = trust_view(run), people_view(run), settle_view(run)
    lines = [f"Note: {note}" for note in trust.notes]
    if people is None or trust.head is None:
        lines.append("No two coders have read the same segment blind: how far people agree is unknown.")
    else:
        lines += [
            f"{people.who} on {people.n_units} of {people.n_transcripts}: {_alpha(trust.head)}",
            f"{trust.head.answer} {_counts(trust.people)}",
        ]
    if trust.not_blind:
        lines.append(trust.not_blind)
    if settle.segments:
        lines.append(f"{settle.n_cells} on {settle.n_segments} differ: disagreements.csv")
    for head in ([trust.model_head] if trust.model_head else []) + list(trust.machines):
        who = "The model" if head is trust.model_head else head.other
        told = f"{head.verdict}. {_counts(head.groups)}" if head.n_codes else head.why
        lines.append(f"{who} beside them: {told}")
    return lines


def _alpha(head: PeopleHead) -> str:
    mean = head.mean
    if not mean.defined:
        return "Krippendorff's alpha is undefined for every code"
    spread = f" ({mean.interval})" if mean.interval else ""
    return f"Krippendorff's alpha, mean over {head.n_codes}, {mean.text}{spread}; {head.spread} each"


def audit_json(run_dir: Path) -> dict[str, Any]:
    """The answers for machines; the figures are in agreement.json."""
    run = read_run(run_dir)
    trust = trust_view(run)
    return {
        "codes": {
            row.code: {"coders": row.standing.title, "model": row.verdict or None} for row in trust.rows
        },
        "model": trust.model_head.verdict if trust.model_head else None,
        "machines": {
            head.other: {
                "all": head.verdict,
                "codes": {
                    row["code"]: row["verdict"]
                    for row in run.agreement["verdicts"]
                    if row["other"] == head.other and row["code"] is not None
                },
            }
            for head in trust.machines
        },
    }


def _counts(groups: tuple[Group, ...]) -> str:
    return ", ".join(f"{len(group.codes)} {group.phrase}" for group in groups) or "none"
