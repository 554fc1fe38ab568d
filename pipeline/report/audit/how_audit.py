"""How the numbers of the audit were computed, beside the coefficients themselves."""

from __future__ import annotations

from pipeline.agreement.alpha import RELIABLE, TENTATIVE
from pipeline.agreement.alternative_annotator import FEWEST_TRANSCRIPTS
from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.agreement.intervals import FEWEST, FEWEST_FOR_BOOTSTRAP
from pipeline.report.audit.standing import FEWEST_RELIABLE, FEWEST_TENTATIVE, STANDINGS, lowest_share
from pipeline.report.how import AGREEMENT, READ, coefficient_entries, how_split
from pipeline.report.how_entry import How, HowGroup
from pipeline.report.how_model import KNOWN
from pipeline.report.reference import Reference, how_reference
from pipeline.report.tables import RunTables


def how_groups_of_audit(run: RunTables, reference: Reference) -> tuple[HowGroup, ...]:
    """Everything that the page links to."""
    known = {found.key: found for found in (*READ, *KNOWN)}
    coefficients = {found.key for found in COEFFICIENTS}
    return (
        HowGroup(
            "Units, pairs and intervals",
            (
                *(known[key] for key in ("segments", "codings", "placement", "read")),
                *AGREEMENT,
                known["interval"],
                _MEAN,
                _PREVALENCE,
            ),
        ),
        HowGroup("In words", (_standing(), _VERDICT, _BESIDE_PEOPLE, _BASIS)),
        HowGroup("Where it differs, and what to do", (*_WHERE, _SETTLE)),
        HowGroup(
            "The model's percentages",
            (how_split(run.evaluation), how_reference(reference), _PROBABILITY, known["reliability"]),
        ),
        HowGroup("Coefficients", coefficient_entries(coefficients)),
    )


_PREVALENCE = How(
    "prevalence",
    "Prevalence",
    "Mean over segments that a coder read, whoever else did, of the share of those who read it and gave the code, "
    "coders blind; of two coders beside each other only segments that both read. Kappa and alpha fall when a code is "
    "very rare or very frequent, at the same percent agreement: read them beside it (Byrt, Bishop & Carlin 1993).",
)
_MEAN = How(
    "mean",
    "Mean over codes",
    "Each code counts the same; codes for which the figure is undefined are left out. Not pooled: over all "
    "cells of segments and codes together, a coefficient rises with how unlike the codes are in frequency, "
    "even where coders agree on none of them; pooled figures stand in the tables below for comparison with "
    "other studies.",
)
_PROBABILITY = How(
    "probability",
    "Probability",
    "What the model gave a code for a segment when it had not seen the transcript, calibrated; report.html says how.",
)


def _standing() -> How:
    return How(
        "standing",
        "Reliable, tentatively reliable ...",
        "By alpha of all coders and its interval against the limits of Krippendorff (2019, ch. 12): "
        f"{RELIABLE:.3f} to rely on a code, {TENTATIVE:.3f} where tentative conclusions are acceptable. They "
        "are conventions, not laws. Where coders differ nowhere alpha has no interval, and the share of interviews "
        "without a disagreement stands for it, the lower end of its exact 95 % interval (Clopper & Pearson 1934) "
        f"against the same limits: {lowest_share(FEWEST):.3f} of {FEWEST} interviews with the code, "
        f"{lowest_share(FEWEST_TENTATIVE):.3f} of {FEWEST_TENTATIVE}, {lowest_share(FEWEST_RELIABLE):.3f} of "
        f"{FEWEST_RELIABLE}.",
        tuple((found.title.capitalize(), found.meaning) for found in STANDINGS),
    )


_VERDICT = How(
    "verdict",
    "Verdicts on the model",
    "Is the model as good as one more coder? Only on what coders coded blind, by suggestions for transcripts "
    "that the model had not learned from, and of the codes that it suggests. Each code is tested by itself, nothing "
    "is corrected for the number of codes: of 20 codes on which the model is not as good, one may come out so "
    "by chance.",
    (
        (
            "Three coders or more",
            "the alternative annotator test (Calderon, Reichart & Dror 2025, ACL, pp. 16051-16081). Each "
            "coder is left out in turn. On each segment the model and that coder get a score, the share of "
            "the remaining coders' decisions that are the same; whoever has the higher score wins, a tie "
            "counts for both. Advantage: how often the model wins or ties, mean within transcripts and then "
            "over them. Per coder a one-sided one-sample t test over transcripts of the difference of the two "
            "rates against epsilon ([audit] epsilon), Benjamini-Yekutieli over coders at 5 %. Winning rate: "
            "the share of coders against whom that is significant; as good from one half on, worse where the "
            "same test turned round is. It differs from the paper in two ways: differences are averaged "
            f"within transcripts and tested over transcripts, {FEWEST_TRANSCRIPTS} or more, and only segments "
            "count to which a coder or the model gave the code. As published counts all segments: there "
            "everybody ties on a rare code, and a model that never gives it wins.",
        ),
        (
            "Two coders",
            "non-inferiority: mean Cohen's kappa of the model with both, less theirs with each other, on the "
            "same segments. As good: the lower bound of the 90 % interval over transcripts lies above minus "
            "the margin ([audit] margin); worse: the upper bound lies below it. In simulations with the difference "
            "at the margin it found the model as good in .04 to .06 of studies, in .02 to .07 for rare codes.",
        ),
        (
            "All codes",
            "the same test of the mean over codes, each counting the same: of the differences of kappa with two "
            "coders, of the rates with three or more. Pooled cells would let frequent codes decide.",
        ),
        (
            "Not shown",
            "neither; also where a model that never, or always, gives the code would pass (of all codes with three "
            "coders or more: one that always gives codes that coders gave to more than half of the segments, and "
            "nothing else): then the test tells nothing. And where the coders are not shown to agree better than "
            "chance, by the lower bound of the 95 % interval of their own alpha (kappa with two): a "
            "model that draws lots is as good as coders who do.",
        ),
        (
            "Not suggested",
            "the model has learned the code and suggests it nowhere, for its probabilities were no better than "
            "saying how common it is: there is nothing to test. Such codes are in no figure of the model. Which "
            "these are is decided on the same transcripts, so the mean over the others flatters the model a little.",
        ),
        ("Too few", "fewer than 10 segments at stake, or too few transcripts or coders."),
    ),
)
_BESIDE_PEOPLE = How(
    "beside_people",
    "Coders with each other, with the model, difference",
    "Mean of Cohen's kappa over the pairs for which it is defined, on segments that two coders read blind and "
    "for which the model made suggestions without having seen the transcript. Then the mean over codes. "
    "The interval of the difference is paired: a transcript that is left out or drawn takes both with it.",
)
_BASIS = How(
    "basis",
    "Coded blind, or with a suggestion in view",
    "By the column basis of codings: one row that says seen or accepted means that suggestions were in view "
    "all through the transcript. Rows that say nothing count as blind only if no earlier run suggested "
    "anything for the transcript, or all were made (coded_at) on days before the first suggestion. Where "
    "one coder was blind and another not, the pair is in neither. Anchoring: what is coded in view of a suggestion "
    "agrees with it too easily.",
)
_SETTLE = How(
    "settle",
    "What settling changes",
    "For a segment and a code on which coders differ: alpha of that code if all had given it, and if all had "
    "declined it, all else as it is, each weighted by the share of readers on that side, less alpha now. "
    "Segments are sorted by the sum over their codes; those that the consensus has settled come last "
    "(disagreements.csv, would_change).",
)
_WHERE = (
    How(
        "slices",
        "Slices",
        "All codes together. Coders: alpha and percent of all who read a segment, as for all coders at once. Coders "
        "with the model, one coder with all others, and F1: the tables of pairs added up, so a segment weighs as "
        "often as pairs read it.",
    ),
    How(
        "time", "Last less first", "Alpha of the last period less that of the first: below 0, agreement fell."
    ),
    How(
        "attributes",
        "Less all others",
        "Alpha of the transcripts with this value less alpha of all others: below 0, agreement is worse there.",
    ),
    How(
        "sample_size",
        "How much more to code",
        "The least number of transcripts for an interval of alpha no wider than [audit] width: its jackknife "
        "standard error falls with the root of the number of transcripts (Cochran 1977, ch. 4), and t with "
        "the degrees of freedom. Width now is by the same jackknife: it may differ from that of the interval in "
        f"brackets where that is a BCa bootstrap, from {FEWEST_FOR_BOOTSTRAP} transcripts on. It "
        "supposes more interviews like these.",
    ),
    How(
        "confusions",
        "Which codes stand for which",
        "On a segment that both saw, what one gave and the other did not stands against what the other gave "
        "and the first did not. Several at once share: each counts 1/m. Between coders each pair counts half "
        "in either direction.",
    ),
)
