"""What ``precode verify`` says, in lines and as JSON; it names files, transcripts and codes, no word of anyone's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.compare_rule import MOST_FLAGS, SAME, TOLERANCE, Compared, Difference
from pipeline.verify import BY_BYTES, Verified

MOST_TOLD = 20
RULE = f"figures within {TOLERANCE} (absolute), at most {MOST_FLAGS:.1%} of suggested flags different"


def as_lines(found: Verified) -> list[str]:
    """The verdict last, so that it stands where one looks."""
    lines = [f"Run {found.run_id}; its manifest's sha256: {found.manifest}"]
    lines += [f"Note: {note}" for note in found.notes]
    lines += _why_not(found)
    if found.by:
        lines += [
            *_how(found),
            *(line for file in found.files for line in _file_lines(file)),
            _verdict(found),
        ]
    return lines


def _why_not(found: Verified) -> Iterator[str]:
    if found.damaged:
        yield f"Damaged: {len(found.damaged)} of its files are not what the run wrote. Nothing was run again."
        yield from (f"  {file}: {what}" for file, what in found.damaged)
        if any(file.endswith("/disagreements.csv") for file, _ in found.damaged):
            yield (
                "disagreements.csv: decisions belong into a copy of it. If some were written into it, copy it as it "
                "is now to another folder, and import that."
            )
        yield "Take them from a backup; nothing in this run's folder can be relied on until then."
    if found.changed:
        yield f"Cannot be verified: {len(found.changed)} of its inputs are no longer what the run read."
        yield from (f"  {file}: {how}" for file, how in found.changed)
        yield "Put back what the run read, or run the study again and verify the new run."


def _how(found: Verified) -> Iterator[str]:
    if found.by == BY_BYTES:
        yield "Run again and compared by bytes: machine, libraries and source are those of the run."
        return
    yield f"Run again and compared by figures: {RULE}."
    yield "Because it was made with something else than is here:"
    yield from (f"  {line}" for line in found.made_with)


def _file_lines(file: Compared) -> Iterator[str]:
    flags = f"; {len(file.flags)} of {file.n_flags:,} flags differ" if file.n_flags is not None else ""
    yield f"  {file.file}: {file.verdict}{flags}"
    # As many as the rule forgives are each listed; beyond it the list would hide the rest.
    most = MOST_TOLD if file.flags and not file.agrees else len(file.flags)
    yield from _told(file.flags, most, "flags")
    yield from _told(file.differences, MOST_TOLD, "differences")
    if file.n_reasons:
        yield f"    {file.n_reasons:,} suggestions have other reasons beside them, which decides nothing"


def _told(found: tuple[Difference, ...], most: int, noun: str) -> Iterator[str]:
    yield from (f"    {_difference(difference)}" for difference in found[:most])
    if len(found) > most:
        yield f"    and {len(found) - most:,} more {noun}"


def _difference(found: Difference) -> str:
    numbers = ", ".join(
        f"{value:.10g} {when}"
        for value, when in ((found.then, "then"), (found.here, "here"))
        if value is not None
    )
    return f"{found.where}: {'; '.join(part for part in (numbers, found.what) if part)}"


def _verdict(found: Verified) -> str:
    n_bad = sum(not file.agrees for file in found.files)
    if n_bad:
        return f"Not verified: {n_bad} of {len(found.files)} files differ."
    n_same = sum(file.verdict == SAME for file in found.files)
    if n_same == len(found.files):
        return f"Verified: all {n_same} files have the same bytes."
    n_other = len(found.files) - n_same
    return f"Verified by figures: {n_same} files have the same bytes, {n_other} others are within the rule."


def as_json(found: Verified) -> dict[str, Any]:
    """The same for machines."""
    return {
        "run_id": found.run_id,
        "manifest_sha256": found.manifest,
        "verified": found.verified,
        "damaged": dict(found.damaged),
        "changed_inputs": dict(found.changed),
        "compared_by": found.by or None,
        "rule": {"tolerance": TOLERANCE, "most_flags": MOST_FLAGS},
        "made_with_something_else": list(found.made_with),
        "notes": list(found.notes),
        "files": [_file(file) for file in found.files],
    }


def _file(file: Compared) -> dict[str, Any]:
    most = len(file.flags) if file.agrees else MOST_TOLD
    return {
        "file": file.file,
        "verdict": file.verdict,
        "agrees": file.agrees,
        "n_flags": file.n_flags,
        "n_flags_different": len(file.flags) if file.n_flags is not None else None,
        "n_other_reasons": file.n_reasons,
        "flags": [_plain(flag) for flag in file.flags[:most]],
        "n_differences": len(file.differences),
        "differences": [_plain(difference) for difference in file.differences[:MOST_TOLD]],
    }


def _plain(found: Difference) -> dict[str, Any]:
    return {"where": found.where, "then": found.then, "here": found.here, "what": found.what}
