"""What the model is scored against: who must have given a code for a segment to count as coded so."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.how_entry import How
from pipeline.report.tables import RunTables


@dataclass(frozen=True, slots=True)
class Reference:
    """Whose codings count. short: "at least one of the two coders"; long: the same, saying who read the segment.

    differs: whether a row of one coder in the section on agreement has another reference.
    from_shares: whether the model learns shares of two coders, of which one half counts as coded.
    """

    short: str
    long: str
    differs: bool
    from_shares: bool


def reference_of(run: RunTables) -> Reference:
    """As the setting target.gold and the number of human coders have it."""
    gold = run.summary["settings"].get("target", {}).get("gold", "share")
    n_coders = sum(kind == "human" for _, kind in run.summary["coders"])
    if gold not in ("share", "majority", "any"):
        who = "the consensus" if gold == "consensus" else "the coder whom target.gold names"
        return Reference(who, who, n_coders > 1, from_shares=False)
    if n_coders == 1:
        return Reference("the coder", "the coder", differs=False, from_shares=False)
    if n_coders == 2 and not read_by_two(run):
        return Reference("the coder who read it", "the coder who read it", differs=False, from_shares=False)
    if n_coders == 2 and gold != "majority":
        who = "at least one of the two coders"
        return Reference(who, who, differs=True, from_shares=gold == "share")
    least = {"share": "at least half", "majority": "more than half", "any": "at least one"}[gold]
    return Reference(
        f"{least} of the coders", f"{least} of the coders who read it", differs=True, from_shares=False
    )


def read_by_two(run: RunTables) -> int:
    """How many segments two coders read, blind or with a suggestion in view; 0 too where nothing is compared."""
    rows = run.agreement["basis"]["kinds"]
    return sum(
        row["blind"]["n_units"] + row["seen"]["n_units"] + row["n_units_between"]
        for row in rows
        if row["kind"] == "human-human"
    )


def how_reference(found: Reference) -> How:
    """What counts as coded, and why figures of one code differ between two sections."""
    text = f"A segment counts as coded if {found.long} gave the code."
    if found.from_shares:
        text += (
            " For a share of one half is enough, and of two coders one is half; if one alone read the "
            "segment, that one. The model learns the share itself, so where the two differ its percentages "
            "lie rather low."
        )
    if found.differs:
        text += (
            " This is why precision and recall here differ from those under agreement, where the model "
            "stands beside one coder at a time."
        )
    return How("reference", "What counts as coded", text)
