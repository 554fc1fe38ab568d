"""Adjudication: decisions in a copy of disagreements.csv become the consensus, the gold standard of a study.

A consensus of disputed cells alone would hold nothing but the hard cases. So every segment that two human coders or
more have read comes into it, as soon as none of its cells is open: a code that all of them gave is given, one that
none of them gave is declined, and where they differ the decision counts. A segment with an open cell is not read by
the consensus, whatever else is known of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from corpus.coded import CONSENSUS
from corpus.errors import FileError
from corpus.readers import read_table_file
from corpus.study import Study
from pipeline.compare.columns import BoolArray
from pipeline.compare.disagreements import NO, YES, Readers, count_readers
from pipeline.consensus import (
    FILE,
    Standing,
    Statement,
    agreed_to_give,
    basis_of_agreed,
    decided,
    nothing_given,
    read_standing,
)
from pipeline.consensus_write import write_consensus
from pipeline.decisions import MOST_LINES, Decisions, by_reason, read_decisions
from pipeline.ingest import read_ingested
from pipeline.run import plan_run
from pipeline.stages import Keys, one_by_one, quiet, run_stages
from pipeline.units import Units, read_study_json, read_units

_NEEDED = ("ingest", "preprocess", "units")


@dataclass(frozen=True, slots=True)
class Adjudicated:
    """What came of a file of decisions, in lines for the researcher. rejected: of what was not used, and why."""

    told: tuple[str, ...]
    rejected: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What is settled. common, whole: (n,), two read the segment; none of its cells is open. given: (n, k)."""

    common: BoolArray
    whole: BoolArray
    given: BoolArray
    n_disputed: int
    n_open: int


def adjudicate(study: Study, path: Path, *, today: date) -> Adjudicated:
    """Bring decisions into ``codings/consensus.csv`` and ``coverage.csv``; the caller holds the study's lock.

    Segments that the consensus reads otherwise than by an earlier import are left as they are; a decision that
    contradicts them is refused. Importing again adds and renews, and writes nothing if nothing is new.
    Raises FileError if the file cannot be read or holds no decision, StudyError if the study must be mended.
    """
    table = read_table_file(path, file=path.name)
    if missing := [name for name in ("transcript", "start", "end", "code") if name not in table.columns]:
        problem = (
            f"it holds decisions, and has no column {', '.join(missing)}, without which no row has a place"
        )
        raise FileError(path.name, [problem], "Fill in a copy of disagreements.csv that has all its columns.")
    if "quote" not in table.columns:
        problem = (
            "there is no quote column, by which a row is known to mean the words that stand at its place now"
        )
        raise FileError(path.name, [problem], "Fill in a copy of disagreements.csv that has all its columns.")
    keys = _keys_of_units(study)
    units = read_units(study, keys.units[0], keys.preprocess)
    ingested = read_ingested(study, keys.ingest)
    transcripts = {transcript.transcript_id: transcript for transcript in ingested.transcripts}
    readers = human_readers(units)
    decisions, rejected = read_decisions(table, units, readers, transcripts)
    if not decisions:
        remedy = f"Write {YES} or {NO} into the column 'decision' of the cells that you settle."
        raise FileError(path.name, by_reason(rejected) or ["no cell is decided"], remedy)
    standing = read_standing(study, units, keys.units[0], transcripts)
    settled = settle(readers, decisions, seen=standing.seen, given=standing.given)
    contradicted = _contradicted(decisions, standing, settled)
    sittings = _by_transcript(read_study_json(study, keys.units[0])["sittings"])
    statements = {
        int(row): _statements(int(row), units, readers, decisions, settled, sittings)
        for row in np.flatnonzero(settled.whole & ~standing.by_hand)
    }
    n_changed = write_consensus(study, units, standing, statements, transcripts, today=today)
    told = [*table.notes, *_told(units, standing, settled, n_changed)]
    rejected += contradicted
    n_used = sum(len(decision.lines) for decision in decisions.values()) - len(contradicted)
    return Adjudicated(tuple(f"{path.name}: {line}" for line in told), tuple(_not_used(rejected, n_used)))


def _not_used(rejected: Sequence[str], n_used: int) -> list[str]:
    """What is said of the rows that were not used, so that nobody takes the file for refused."""
    if not rejected:
        return []
    n = len(rejected)
    others = "the others are" if n_used else "nor is any other"
    head = f"{n:,} of its {n + n_used:,} decisions {'are' if n > 1 else 'is'} not used, {others}:"
    return [head, *(f"  {line}" for line in by_reason(rejected))]


def _by_transcript(sittings: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for sitting in sittings:
        found[sitting["transcript_id"]].append(sitting)
    return found


def _keys_of_units(study: Study) -> Keys:
    """Fill the cache up to the units; as ``run_until``, but under the lock that the caller holds."""
    plan = plan_run(study)
    return run_stages(plan, one_by_one(study, plan, quiet), wanted=_NEEDED)


def human_readers(units: Units) -> Readers:
    """The human coders, on segments of speakers that are not context."""
    return count_readers((units.read & ~units.context)[units.is_human], units.given[units.is_human])


def settle(readers: Readers, decisions: Decisions, *, seen: BoolArray, given: BoolArray) -> Settled:
    """What all readers agree on, what is decided and, for cells without a decision, what the consensus said before.

    seen: (n,), segments that the consensus has read; given: (n, k), the codes that it gave there.
    """
    value = np.where(readers.disputed, given & seen[:, None], readers.agreed)
    is_open = readers.disputed & ~seen[:, None]
    for place, decision in decisions.items():
        value[place], is_open[place] = decision.given, False
    whole = readers.common & ~is_open.any(axis=1)
    return Settled(readers.common, whole, value, int(readers.disputed.sum()), int(is_open.sum()))


def _contradicted(decisions: Decisions, standing: Standing, settled: Settled) -> list[str]:
    """Rows that decide on segments which the consensus reads otherwise, and to which it says something else."""
    return [
        f"line {line}: codings/{CONSENSUS}.csv says something else here, not by an import of decisions; "
        "it is left as it is"
        for (row, code), decision in decisions.items()
        if standing.by_hand[row]
        and not (standing.seen[row] and standing.given[row, code] == settled.given[row, code])
        for line in decision.lines
    ]


def _statements(
    row: int,
    units: Units,
    readers: Readers,
    decisions: Decisions,
    settled: Settled,
    sittings: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[Statement]:
    """What is to stand in the consensus on one segment; at least one row, so that it is known for settled.

    sittings: by transcript.
    """
    coders = {
        name for name, here in zip(units.coders, units.read[:, row] & units.is_human, strict=True) if here
    }
    agreed_basis = basis_of_agreed(coders, sittings.get(units.segments[row].transcript_id, ()))
    found = []
    for place, code in enumerate(units.codes):
        given = bool(settled.given[row, place])
        if readers.disputed[row, place]:
            decision = decisions.get((row, place))
            found.append(
                decided(code, given, decision.note, "seen" if decision.seen else "blind")
                if decision
                else decided(code, given)
            )
        elif given:
            found.append(agreed_to_give(code, agreed_basis))
    return found or [nothing_given(agreed_basis)]


def _told(units: Units, standing: Standing, settled: Settled, n_changed: int) -> list[str]:
    """Counts for the researcher."""
    inside = settled.whole & (standing.seen | ~standing.by_hand)
    given = np.where(standing.by_hand[:, None], standing.given, settled.given)[inside].sum(axis=0)
    n_inside, n_common = int(inside.sum()), int(settled.common.sum())
    lines = [
        f"{settled.n_disputed - settled.n_open:,} of {settled.n_disputed:,} disputed cells decided",
        f"{n_inside:,} of {n_common:,} segments that two coders or more read are in the consensus, "
        f"{n_changed:,} of them new or changed",
    ]
    if n_left := int((settled.common & ~settled.whole).sum()):
        lines.append(f"not settled yet and left out: {n_left:,} segments")
    if standing.edited:
        lines.append(_told_of_edited(standing.edited))
    codes = [f"'{code}' {n:,}" for code, n in zip(units.codes, given.tolist(), strict=True) if n]
    return [*lines, f"the consensus gives {', '.join(codes) or 'no code'}"]


def _told_of_edited(edited: Sequence[int]) -> str:
    """Of rows that somebody changed after an import, so that nobody looks for a renewal that never comes."""
    shown = ", ".join(map(str, edited[:MOST_LINES]))
    more = f" and {len(edited) - MOST_LINES:,} more" if len(edited) > MOST_LINES else ""
    one = len(edited) == 1
    return (
        f"{'line' if one else 'lines'} {shown}{more} of {FILE}: changed since an import wrote "
        f"{'it' if one else 'them'}; {'its segment is' if one else 'their segments are'} left as "
        f"{'it is' if one else 'they are'}"
    )
