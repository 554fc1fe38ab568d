"""Findings on the codebook, each with its numbers, examples, and what a merge would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.compare.doctor import ORDER
from pipeline.compare.doctor_codes import HARDLY_USED, NO_AGREEMENT, ONE_CODER, UNUSED
from pipeline.compare.doctor_pairs import ALIKE, MIXED_UP, TOGETHER
from pipeline.report.audit.table import Row, signed
from pipeline.report.tables import RunTables
from pipeline.report.wording import coefficient, count, count_of, interval, listing, percent, shorten

QUOTE_LENGTH = 320
#: Examples give who coded what up to so many names.
MOST_NAMES = 12
#: Codes are mixed up by coders, and by the model and coders.
N_SIDES = 2


@dataclass(frozen=True, slots=True)
class Example:
    """A segment that shows a finding. given: (who, codes) in words."""

    quote: str
    transcript: str
    speaker: str
    given: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FindingView:
    """codes: one or two. said: the numbers in a sentence. merge: what a merge would do, a line each."""

    codes: tuple[str, ...]
    said: str
    merge: tuple[str, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class KindView:
    """Findings of one kind, none too. n_left_out: how many more there are.

    examined: whether anything of the kind could be found at all. not_examined: what could not be looked for and why.
    """

    kind: str
    rule: str
    findings: tuple[FindingView, ...]
    n_left_out: int
    examined: bool
    not_examined: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DoctorView:
    """Every kind that the doctor knows. caution: on merges, "" if none is told."""

    kinds: tuple[KindView, ...]
    caution: str


def doctor_view(run: RunTables) -> DoctorView:
    """From doctor.json, in its order."""
    return view_of_doctor(run.doctor)


def view_of_doctor(doctor: Row) -> DoctorView:
    """From what is in doctor.json."""
    kinds = tuple(_kind(doctor, kind) for kind in ORDER)
    told = any(found.merge for kind in kinds for found in kind.findings)
    return DoctorView(kinds=kinds, caution=doctor["caution"] if told else "")


def _kind(doctor: Row, kind: str) -> KindView:
    # Of "mixed up" the two sides, coders and the model, are looked for one by one.
    reasons = {
        row["kind"].removeprefix(kind).removeprefix(", "): row["reason"]
        for row in doctor["not_examined"]
        if row["kind"].startswith(kind)
    }
    return KindView(
        kind,
        doctor["rules"][kind],
        tuple(_finding(found) for found in doctor["findings"] if found["kind"] == kind),
        doctor["n_left_out"].get(kind, 0),
        examined=len(reasons) < (N_SIDES if kind == MIXED_UP else 1),
        not_examined=tuple(f"{side}: {reason}" if side else reason for side, reason in reasons.items()),
    )


def _finding(found: Row) -> FindingView:
    return FindingView(
        codes=tuple(found["codes"]),
        said=_said(found["kind"], found["numbers"]),
        merge=tuple(_merge(found["merge"])) if found["merge"] else (),
        examples=tuple(
            _example(row, "neither" if len(found["codes"]) == 2 else "not given") for row in found["examples"]
        ),
    )


def _said(kind: str, numbers: Mapping[str, Any]) -> str:
    """The numbers of a finding in a sentence."""
    return SENTENCES[kind](numbers)


def _mixed_up(numbers: Mapping[str, Any]) -> str:
    sides = {"coders": ("of two coders", "each two coders"), "model": ("of coder and model", "each coder")}
    return " ".join(
        f"On {count_of(numbers[side]['n_segments'], 'segment')} one {of} gave one where the other gave the other: "
        f"{count_of(numbers[side]['observed'], 'time')}, {each} of a segment counted (by chance "
        f"{numbers[side]['expected']:.1f})."
        for side, (of, each) in sides.items()
        if side in numbers["between"] and numbers[side]
    )


def _no_agreement(n: Mapping[str, Any]) -> str:
    return (
        f"Alpha {coefficient(n['krippendorff_alpha'])}. Of pairs of coders on a segment, "
        f"{count(n['n_pairs_both'])} both gave it and in {count(n['n_pairs_one'])} one of the two did."
    )


def _one_coder(n: Mapping[str, Any]) -> str:
    times = count_of(n["n_given_where_others_read"], "time")
    return f"Only {n['coder']} gives it: {times} where {listing(n['others'])} read too and did not."


def _together(n: Mapping[str, Any]) -> str:
    of = f"{count(n['n_both'])} of {count(n['n_either'])}"
    return f"Whoever gave one gave the other in {percent(n['jaccard'])} of the times: {of}."


def _alike(n: Mapping[str, Any]) -> str:
    return f"Their entries in the codebook are alike by {n['by']}: {coefficient(n['similarity'])} of 1."


def _unused(n: Mapping[str, Any]) -> str:
    return f"Nobody gave it, in {_read(n)}."


def _hardly_used(n: Mapping[str, Any]) -> str:
    return f"Given to {count(n['n_segments'])} of {_read(n)}."


def _read(n: Mapping[str, Any]) -> str:
    return f"{count_of(n['n_read'], 'segment')} that {'was' if n['n_read'] == 1 else 'were'} read"


SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    MIXED_UP: _mixed_up,
    NO_AGREEMENT: _no_agreement,
    ONE_CODER: _one_coder,
    TOGETHER: _together,
    ALIKE: _alike,
    UNUSED: _unused,
    HARDLY_USED: _hardly_used,
}


def _merge(merge: Mapping[str, Any]) -> Iterator[str]:
    people, model = merge["people"], merge["model"]
    if not people["reason"]:
        yield _before_after("coders' alpha", people["krippendorff_alpha"])
    if not model["reason"]:
        yield _before_after("the model's F1 with coders", model["f1"])


def _before_after(what: str, row: Mapping[str, Any]) -> str:
    all_codes = row["differences"]["all_after_minus_before"]
    spread = interval(all_codes["low"], all_codes["high"])
    told = f", {percent(all_codes['level'])} interval {spread}" if spread else ""
    moved = "" if all_codes["value"] is None else f" ({signed(all_codes['value'])}{told})"
    return (
        f"As one code, {what}: {coefficient(row['first'])} and {coefficient(row['second'])} become "
        f"{coefficient(row['merged'])}; over all codes {coefficient(row['all_before'])} becomes "
        f"{coefficient(row['all_after'])}{moved}."
    )


def _example(row: Row, nothing: str) -> Example:
    given = [(who, listing(codes) if codes else nothing) for who, codes in row["given"].items()]
    return Example(
        quote=shorten(row["text"], most=QUOTE_LENGTH),
        transcript=row["transcript"],
        speaker=row["speaker"],
        given=tuple(given[:MOST_NAMES]),
    )
