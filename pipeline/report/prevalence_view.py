"""How common each code is: counted in what was read, and, where that can be known, in all interviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.agreement.intervals import FEWEST
from pipeline.outputs import HEADING
from pipeline.prevalence import COUNTED, COVERAGE, MANY, SAMPLE
from pipeline.prevalence_sample import NOT_RANDOM
from pipeline.report.codes_view import code_numbers
from pipeline.report.how_entry import How
from pipeline.report.tables import RunTables
from pipeline.report.wording import SPACE, Number, count, count_of, percent


@dataclass(frozen=True, slots=True)
class CommonRow:
    """One code.

    number: of the code on the page. interviews, segments: "25 of 30 (83 %)" of what was read; all_...: of all.
    """

    number: int
    name: str
    interviews: str
    segments: str
    all_interviews: Number
    all_segments: Number


@dataclass(frozen=True, slots=True)
class PrevalenceView:
    """The section on how common codes are.

    nothing: why there is none, or "". known: there is more than counts. lead: on what the figures are of; aside: on
    their limits; sentences.
    """

    nothing: str
    known: bool
    lead: str
    aside: tuple[str, ...]
    rows: tuple[CommonRow, ...]


def prevalence_view(run: RunTables) -> PrevalenceView:
    """The section, codes in the order of the codebook, headings left out."""
    sample = run.estimates["sample"]
    headings = {row.code for row in run.codes if row.status == HEADING}
    entries = [entry for entry in run.estimates["codes"] if entry["code"] not in headings]
    numbers = code_numbers(run)
    nothing = (
        "" if entries and sample["n_read"] else "Nobody has read anything yet, so there is nothing to count."
    )
    return PrevalenceView(
        nothing=nothing,
        known=not sample["reason"] and not _all_read(sample),
        lead=_lead(sample),
        aside=tuple(_aside(sample, entries)),
        rows=tuple(_row(entry, numbers[entry["code"]]) for entry in entries),
    )


def _all_read(sample: Mapping[str, Any]) -> bool:
    return bool(sample["n_read"] == sample["n_interviews"] and not sample["n_in_part"])


def _lead(sample: Mapping[str, Any]) -> str:
    n = count_of(sample["n_interviews"], "interview")
    read = f"{count(sample['n_read'])} of {n}"
    if _all_read(sample):
        return f"All {n} were read, so this is counted and nothing is estimated."
    if sample["reason"]:
        return (
            f"Counted in what was read ({read}). How common a code is in all of them is not said, because "
            f"{sample['reason']}. {_remedy(sample)}"
        )
    drawn = f"{count_of(sample['n_drawn'], 'interview')} drawn at random"
    known = f" and {count_of(sample['n_known'], 'other')} that stood read before" if sample["n_known"] else ""
    return (
        f"Counted in what was read ({read}), and for all {n} estimated from {drawn}{known}: what people coded there, "
        "and what the model expects in the others, put right by how far it was off in those drawn."
    )


def _remedy(sample: Mapping[str, Any]) -> str:
    if sample["reason"] != NOT_RANDOM:
        return ""
    return (
        'If they were drawn at random, write sample = "random" under [study] in study.toml; if they were chosen, '
        "code those that precode next draws at random."
    )


def _aside(sample: Mapping[str, Any], entries: list[Mapping[str, Any]]) -> list[str]:
    """What limits the figures, in sentences."""
    found = []
    if sample["n_in_part"] and not sample["reason"]:
        found.append(
            f"{count_of(sample['n_in_part'], 'interview')} read in part only: the estimates count them as not read."
        )
    shares = [
        share
        for entry in entries
        for share in entry["prevalence"].values()
        if share["share"] is not None and share["method"] != COUNTED
    ]
    reasons = sorted({share["reason"] for share in shares if share["reason"]})
    found += [f"Where there is no interval: {reason}." for reason in reasons]
    if shares and FEWEST <= sample["n_drawn"] < MANY:
        found.append(_measured(sample["n_drawn"]))
    if any(share["method"] == SAMPLE for share in shares):
        found.append("Where the model has not learned a code, or does not help, the sample alone speaks.")
    return found


def _measured(n_drawn: int) -> str:
    """What intervals from so few interviews were worth where the truth is known."""
    size, segments, interviews = max(row for row in COVERAGE if row[0] <= n_drawn)
    return (
        f"So few interviews make rough intervals: in simulations on coded studies those with two ends, from {size} "
        f"interviews, held the true share of segments in {percent(segments)} of draws, that of interviews in "
        f"{percent(interviews)}, where 95{SPACE}% were meant."
    )


def _row(entry: Mapping[str, Any], number: int) -> CommonRow:
    interviews, segments = entry["prevalence"]["interviews"], entry["prevalence"]["segments"]
    return CommonRow(
        number=number,
        name=entry["code"],
        interviews=_counted(interviews),
        segments=_counted(segments),
        all_interviews=_of_all(interviews),
        all_segments=_of_all(segments),
    )


def _counted(unit: Mapping[str, Any]) -> str:
    n_with, n_read = unit["n_with"], unit["n_read"]
    share = f" ({percent(n_with / n_read)})" if n_read else ""
    return f"{count(n_with)} of {count(n_read)}{share}"


def _of_all(unit: Mapping[str, Any]) -> Number:
    share, low, high = unit["share"], unit["low"], unit["high"]
    if share is None:
        return Number("", reason=unit["reason"])
    if low is None or unit["method"] == COUNTED:
        return Number(percent(share), reason=unit["reason"])
    if not low:
        return Number(f"at most {percent(high)}")
    if high == 1:
        return Number(f"at least {percent(low)}")
    return Number(percent(share), f"{percent(low)} to {percent(high)}")


HOW_COMMON = (
    How(
        "common",
        "How common a code is",
        "Counted: of what was read, the segments that count as coded, and the interviews with one or more of them; "
        "an interview is a transcript, context speakers left out. That says nothing of what was not read, unless "
        "the interviews that were read are a random sample of all.",
    ),
    How(
        "common_all",
        "How common a code is in all interviews",
        "Only if the interviews that were read were drawn at random, as study.toml says ([study] sample), or by the "
        "random share of precode next: each transcript has its random number for good, and the sample is those with "
        "the smallest. What was read is counted. For the rest: the share that the model expects there, plus the "
        "share by which people found more or less than it expected in the interviews drawn, each judged by a model "
        "that had not seen it. So the model's errors are put right; a good model makes the interval narrower. Its "
        "predictions count with a weight from 0 (the sample alone) to 1, the one with which the estimate varies "
        "least. That an interview holds the code, the model expects with 1 minus the product of the chances that "
        "each segment is without it.",
        (
            (
                "Interval",
                f"95{SPACE}%, over the interviews drawn, never over segments: jackknife leaving one out, weight and "
                "all, Student's t on n − 1 degrees of freedom, logit scale, for a corpus of finitely many "
                "interviews, no narrower than whole counts. Fewer than 8: none. Code in none (or all) of them: at "
                f"most (at least), with 95{SPACE}% confidence, by the hypergeometric distribution; for segments as "
                "if the longest interviews were coded throughout.",
            ),
            (
                "Approximate",
                "what was not read is judged by the model that learned from all that was read, not by those that "
                "left a part out; and the weight is found in the same sample, which makes the share of a rare code a "
                "little too small if few interviews were drawn. What that is worth was measured by simulation, with "
                "whole transcripts drawn: tests/benchmarks/prevalence.py.",
            ),
            ("Not in it", "that other coders might have coded otherwise."),
            (
                "Source",
                "Angelopoulos, Bates, Fannjiang, Jordan & Zrnic (2023), Prediction-powered inference; Angelopoulos, "
                "Duchi & Zrnic (2023), PPI++; Zrnic & Candès (2024), Cross-prediction-powered inference; "
                "Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 6.3; Ohlsson (1995) on "
                "permanent random numbers",
            ),
        ),
    ),
)
