"""The paragraph on agreement for a paper, with the numbers of this run filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pipeline.agreement.verdict import NOT_SUGGESTED
from pipeline.compare.columns import MODEL
from pipeline.report.audit.model_view import ALTERNATIVE
from pipeline.report.audit.trust_view import VERDICTS
from pipeline.report.reference import read_by_two
from pipeline.report.tables import RunTables
from pipeline.report.wording import coefficient, count, count_of, interval, listing, percent

Row = Mapping[str, Any]


def methods(run: RunTables) -> str:
    """Sentences that say only what holds in this run."""
    return " ".join(_sentences(run))


def _sentences(run: RunTables) -> Iterator[str]:
    overall, facts = run.agreement["overall"], run.summary
    unit = (
        "speaker turns" if facts["unit"] == "turn" else "passages of at most 120 words within speaker turns"
    )
    n_codes = len([row for row in overall if row["code"] is not None]) or len(run.codes)
    if overall:
        yield from _of_people(run, overall[0], unit, n_codes)
    elif facts["n_read_segments"]:
        yield (
            f"{count_of(facts['n_read_segments'], 'segment')} ({unit}) of "
            f"{count_of(facts['n_read_transcripts'], 'transcript')} were coded with a codebook of "
            f"{count_of(n_codes, 'code')}; {_none_by_two(run)}, so agreement between coders was not measured."
        )
        yield from _left_out(run)
    else:
        yield "No segment has been coded yet, so agreement between coders was not measured."
    yield from _of_model(run)
    yield (
        f"Figures were computed with precode {facts['precode']} (seed {facts['settings']['study']['seed']}); "
        "undefined coefficients were left undefined."
    )


def _none_by_two(run: RunTables) -> str:
    """Why there is no agreement: nothing that two coders read, or nothing that both coded blind."""
    if not (n := read_by_two(run)):
        return "no segment was coded by two coders"
    one = n == 1
    return (
        f"{count_of(n, 'segment')} {'was' if one else 'were'} coded by two coders, "
        f"{'and not' if one else 'but none'} by both blind, without a suggestion of the model in view"
    )


def _of_people(run: RunTables, pooled: Row, unit: str, n_codes: int) -> Iterator[str]:
    """Who coded what, then the mean over codes and each code, and pooled figures last: they flatter."""
    coders = pooled["coders"]
    yield (
        f"{count_of(len(coders), 'coder')} used a codebook of {count_of(n_codes, 'code')}; "
        f"{count_of(pooled['n_units'], 'segment')} ({unit}) of {count_of(pooled['n_transcripts'], 'transcript')} "
        f"{'was' if pooled['n_units'] == 1 else 'were'} coded blind, without a suggestion of the model in view, by "
        f"{'both' if len(coders) == 2 else 'two or more'} of them."
    )
    yield from _left_out(run)
    if run.summary["n_context_segments"]:
        yield "What speakers said who only give context was not coded."
    yield "A segment that was read and not coded counted as a decision against each code."
    alpha = run.agreement["overall_mean"]["krippendorff_alpha"]
    yield from _of_codes(alpha)
    if alpha["mean"] is None:
        return  # pooled cells of codes that all, or none, were given would give a figure all the same
    yield (
        f"Pooled over all segments and codes, which raises coefficients where codes differ in frequency, alpha was "
        f"{_pooled_alpha(pooled)}, Gwet's AC1 {coefficient(pooled['gwet_ac1'])}, Fleiss' kappa "
        f"{coefficient(pooled['fleiss_kappa'])} and percent agreement {percent(pooled['percent_agreement'])}, "
        f"at a mean prevalence of {percent(pooled['prevalence'])}; alpha over sets of codes (MASI distance; "
        f"Passonneau 2006) was {coefficient(pooled['alpha_masi'])}."
    )
    if pooled["n_units"] == 1:
        yield "These are figures of one segment and cannot be interpreted."


def _left_out(run: RunTables) -> Iterator[str]:
    """How much was not coded blind."""
    basis = run.agreement["basis"]
    if n_seen := basis["n_seen"]:
        n = basis["n_blind"] + n_seen
        yield (
            f"Of {count_of(n, 'time')} that a coder coded a transcript, {count(n_seen)} "
            f"{'was' if n_seen == 1 else 'were'} left out of all figures of agreement, for a suggestion was in view "
            "or that cannot be excluded."
        )


def _of_codes(alpha: Row) -> Iterator[str]:
    """alpha: of ``overall_mean``."""
    if alpha["mean"] is None:
        yield "Krippendorff's alpha (nominal; Krippendorff 2019) was undefined for every code."
        return
    mean = f"{coefficient(alpha['mean'])} ({_interval(alpha['ci'])})"
    if alpha["n_defined"] == 1:
        yield (
            "Krippendorff's alpha (nominal; Krippendorff 2019) was defined for 1 code alone, and there it was "
            f"{mean}."
        )
        return
    yield (
        f"Krippendorff's alpha (nominal; Krippendorff 2019) was {mean} in the mean over the "
        f"{count_of(alpha['n_defined'], 'code')} for which it is defined, and ranged from "
        f"{coefficient(alpha['lowest'])} to {coefficient(alpha['highest'])} over them."
    )


def _pooled_alpha(pooled: Row) -> str:
    """With its interval, or the reason why there is none."""
    alpha = pooled["krippendorff_alpha"]
    if alpha is None:
        return f"undefined ({pooled['undefined']['krippendorff_alpha']})"
    return f"{coefficient(alpha)} ({_interval(pooled['ci']['krippendorff_alpha'])})"


def _interval(ci: Row) -> str:
    if ci["low"] is None:
        return f"no interval: {ci['reason']}"
    return f"{percent(ci['level'])} interval {interval(ci['low'], ci['high'])}, {ci['method']}"


def _of_model(run: RunTables) -> Iterator[str]:
    if split := run.evaluation.get("split"):
        meaning = " and of sentence embeddings" if run.summary.get("encoder") else ""
        yield (
            f"A linear model of words{meaning} was trained on the codings; its suggestions for each {_group(run)} "
            f"came from a model that had not seen it ({split['n_folds']} folds)."
        )
    others = dict.fromkeys(row["other"] for row in run.agreement["verdicts"] if row["other"] != MODEL)
    for other in [*([MODEL] if split else []), *others]:
        yield from _verdicts_on(run, other)


def _verdicts_on(run: RunTables, other: str) -> Iterator[str]:
    """One sentence a test, and for each two of more coders on whom alone it was made."""
    rows = [row for row in run.agreement["verdicts"] if row["other"] == other]
    tested = sorted((row for row in rows if row["code"] is not None and row["test"]), key=_tested)
    everyone = run.agreement["overall"][0]["coders"] if run.agreement["overall"] else []
    who, phrases = "it" if other == MODEL else other, {kind: phrase for kind, _, phrase in VERDICTS}
    for (test, _), group in groupby(tested, key=_tested):
        found = list(group)
        counts = Counter(phrases[row["class"]] for row in found)
        said = listing(f"{phrase} for {count_of(n, 'code')}" for phrase, n in counts.items())
        alone = _on_two_alone(found[0], everyone)
        yield f"Whether {who} was as good as one more coder was decided by {_test(test, found[0])}{alone}: {said}."
    n_not_suggested = sum(row["class"] == NOT_SUGGESTED for row in rows if row["code"] is not None)
    if n_not_suggested:
        yield f"It learned {count_of(n_not_suggested, 'code')} more and suggests none of these: they were not tested."


def _tested(row: Row) -> tuple[str, list[str]]:
    return row["test"], row.get("coders", [])


def _on_two_alone(row: Row, everyone: Sequence[str]) -> str:
    """Why the test of two coders was made where there are more."""
    if row["test"] == ALTERNATIVE or len(everyone) <= len(row.get("coders", everyone)):
        return ""
    rest = listing(name for name in everyone if name not in row["coders"])
    return (
        f" on {listing(row['coders'])} alone, since with {rest} there were too few transcripts in which somebody "
        "gave the code for a test of three coders"
    )


def _test(test: str, row: Row) -> str:
    if test == ALTERNATIVE:
        return (
            "the alternative annotator test (Calderon, Reichart & Dror 2025), with differences averaged within "
            f"transcripts and epsilon {row['epsilon']:g}"
        )
    return f"a test of non-inferiority in Cohen's kappa by a margin of {row['margin']:g}"


def _group(run: RunTables) -> str:
    column = run.summary["settings"]["evaluation"]["group_by"]
    return str(column)
