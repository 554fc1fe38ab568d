"""What ``precode next`` says, in lines and as JSON; it names transcripts and codes, never what anyone said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from corpus.study import DRAWS
from pipeline.forecast import MORE
from pipeline.learning_curve import CurveSoFar
from pipeline.next_draw import Proposed


def draw_lines(found: Proposed) -> list[str]:
    """What to code next, and why."""
    lines = [f"Note: {note}" for note in found.notes]
    if not found.proposals:
        return [*lines, f"Nothing is left to read: people have read all {found.n_transcripts} transcripts."]
    n_open = sum(not proposal.is_read for proposal in found.proposals)
    heading = (
        f"To code next ({DRAWS}; {found.n_read} of {found.n_transcripts} transcripts are read):"
        if found.is_new
        else f"Still to code, as drawn before ({DRAWS}): {n_open} of {len(found.proposals)}. A new draw comes when "
        "all of it is read (or with --more)."
    )
    width = max(len(proposal.transcript) for proposal in found.proposals)
    return [
        *lines,
        heading,
        *(f"  {p.transcript:<{width}}  {p.n_words:>6,} words  {p.reason}" for p in found.proposals),
    ]


def curve_lines(found: CurveSoFar) -> list[str]:
    """What more excerpts would bring: codes that gain most first; those of which nothing can be said are named."""
    if found.curve["reason"]:
        return [f"Learning curve: {found.curve['reason']}."]
    macro, codes = found.macro, found.codes
    lines = [
        f"What {MORE} more excerpts of a code would bring, by its learning curve on transcripts not seen:"
    ]
    if not macro["reason"]:
        lines.append(f"  mean over {len(codes)} codes: {_gain(macro)}")
    told = sorted((row for row in codes if not row["reason"]), key=lambda row: (-row["gain"], row["code"]))
    lines += [
        f"  {row['code']}: average precision {_share(row['average_precision'])} now, from {row['n_excerpts']} "
        f"excerpts; {MORE} more: {_gain(row)}"
        for row in told
    ]
    silent: dict[str, list[str]] = {}
    for row in codes:
        if row["reason"]:
            silent.setdefault(row["reason"], []).append(row["code"])
    return [*lines, *(f"  {'; '.join(names)}: {reason}" for reason, names in silent.items())]


def _gain(row: Mapping[str, Any]) -> str:
    return f"about {_change(row['gain'])} ({_change(row['low'])} to {_change(row['high'])})"


def _change(value: float) -> str:
    written = f"{value:+.2f}".replace("0.", ".", 1)
    return ".00" if written in ("+.00", "-.00") else written


def _share(value: float) -> str:
    return f"{value:.2f}".lstrip("0") if value < 1 else "1"


def as_json(found: Proposed, curve: CurveSoFar) -> dict[str, Any]:
    """Everything, for machines."""
    return {
        "is_new": found.is_new,
        "n_transcripts": found.n_transcripts,
        "n_read": found.n_read,
        "proposals": [asdict(p) | {"is_read": p.is_read} for p in found.proposals],
        "notes": list(found.notes),
        "set_aside": dict(found.set_aside),
        "learning_curve": {
            **curve.curve,
            "macro": curve.macro,
            "codes": curve.codes,
        },
    }
