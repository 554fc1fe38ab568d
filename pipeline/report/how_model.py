"""How suggestions come about, what the model sees, and how well codes are known."""

from __future__ import annotations

from models.starter import LARGEST_SHARE, MOST_SUGGESTED
from pipeline.report.how_entry import How
from pipeline.report.levels import FEW_SEGMENTS, LIMITS_IN_WORDS
from pipeline.report.wording import percent
from pipeline.target import FEWEST_GROUPS, FEWEST_POSITIVE

PROBABLE = (
    How(
        "probability",
        "Probability of a suggestion",
        'How many of 100 such suggestions can be expected to be right, as "What counts as coded" has it. The '
        "model's raw score is calibrated (Platt 1999 for each code, then beta calibration for all together: Kull, "
        "Silva Filho & Flach 2017) on scores that it gave to transcripts held out from training; it is as "
        "uncertain as the evaluation of the code.",
    ),
    How(
        "first",
        "First suggestions, without a percentage",
        "Of a code with too few excerpts to be learned, the unread segments that are most like what the "
        f"codebook says of it and like the excerpts there are: at most {MOST_SUGGESTED}, and at most "
        f"{percent(LARGEST_SHARE)} of what is unread. The same kinds of models as for learned codes put them in "
        "order. How often they are right nobody knows: use them to find first excerpts, and read elsewhere too.",
    ),
    How(
        "threshold",
        "Threshold",
        "A code is suggested from this probability on. It is the cut with the best F1 on held-out "
        "transcripts, drawn towards the cut that is best for all codes together, the more so the fewer "
        "examples there are: weight n ÷ (n + 20) for n coded segments. In the evaluation it is the median "
        "over folds.",
    ),
    How(
        "expected",
        "How many can be expected to be right",
        "The sum of the probabilities of all suggestions, rounded. It holds as far as the percentages can be "
        "believed, and for interviews like those that were coded.",
    ),
    How(
        "evidence",
        "Words that spoke for it",
        "What each word of the segment adds to the score on the scale of log odds: +0.69 doubles the "
        "odds. These are exact contributions of a linear model, its parts of words counted with their "
        "words; up to five of the strongest that speak for the code are listed and, from +0.15 on, marked in the "
        "quote. Without all that are listed the probability is lower: checked for every suggestion by deleting "
        "them and asking the whole model again; where it is not, the weakest is not listed. A word may be marked "
        "because it went along with the code in the coded segments, not because it means the code.",
    ),
)

TAUGHT = (
    "It learns from the codebook too: the name of a code with its definition, when to use it and its example are "
    "examples of it, when not to use it is an example of none. What the codebook quotes from a segment is not "
    "taught where that segment is held out."
)

WORDS_ONLY = (
    How(
        "sees",
        "What the model sees",
        "The words of a segment and their parts, runs of characters, and no more: it reads each segment by "
        f"itself. {TAUGHT} There was no sentence encoder; precode encoder install brings one, with which the "
        "model also sees what segments mean and what was said around them.",
    ),
    How(
        "nearest",
        "Nearest coded excerpts",
        "The coded segments with this code that are most like the suggested one in words: cosine of the "
        "weighted words and parts of words.",
    ),
)


def meant(encoder: str) -> tuple[How, ...]:
    """What is to be said where there is a sentence encoder."""
    return (
        How(
            "sees",
            "What the model sees",
            "The words of a segment and their parts, runs of characters; and, by the sentence encoder "
            f"{encoder}, the meaning of the segment and of two segments before it and two after it, whoever "
            "speaks there, the next ones counting most (0.7, then 0.4). Two linear models, of words and of "
            "meaning, and a vote of the coded segments that are nearest in meaning are averaged on the scale "
            "of log odds, each counting as much as it proved on held-out transcripts (stacking: Wolpert 1992, "
            f"Breiman 1996; the same for all codes). {TAUGHT}",
        ),
        How(
            "meaning",
            "What it means as a whole, what was said around it, excerpts it is like",
            "What the meaning of the segment, that of the segments before and after it, and the vote of the "
            "segments like it that people read add to the score on the same scale as words: exact contributions "
            "too, also where they speak against the code. They belong to no single word, so nothing is marked for "
            "them in the quote. A vote counts the less the less alike a segment and its neighbours are.",
        ),
        How(
            "nearest",
            "Nearest coded excerpts",
            "The coded segments with this code whose meaning is nearest to that of the suggested one: cosine "
            f"of what the sentence encoder {encoder} makes of them, those around them left out.",
        ),
    )


NEAREST_NOT = How(
    "nearest_not",
    "Nearest that was not coded so",
    "Of the segments that people read, and to which none of them gave the code, the one nearest to the suggested "
    "segment, measured alike. Where it reads as much like the code as the suggested segment, doubt the suggestion, "
    "or look again at what people did there.",
)

SHOWN = How(
    "shown",
    "Which segments are shown",
    "All, if they fit on a page that a browser opens quickly. Otherwise for each code its most probable "
    "ones; all suggestions are in suggestions.csv.",
)

KNOWN = (
    How(
        "known",
        "Known well, partly, hardly, not learned yet",
        f"A way to sort, not a test: by average precision, {LIMITS_IN_WORDS}. Not learned yet: fewer than "
        f"{FEWEST_POSITIVE} coded segments, or they stand in fewer than {FEWEST_GROUPS} groups. A code that was "
        "learned is still not suggested if, on groups that the model had not seen, its probabilities were no "
        "better than always saying how common the code is (Brier skill 0 or less); figures over all codes count it.",
    ),
    How(
        "few",
        "Few examples",
        f"Fewer than {FEW_SEGMENTS} coded segments: other interviews might well have put the code into "
        "another class.",
    ),
    How(
        "average_precision",
        "Average precision",
        "Order all segments by the probability of the code; at each segment that counts as coded so, "
        "take the share of such segments from the top down to it; average. 1: all of them come first. "
        "Guessing gives about the prevalence. No threshold is needed.",
    ),
    How(
        "precision_of_code",
        "Precision",
        "Of the segments flagged for the code, the share that counts as coded so.",
    ),
    How(
        "recall_of_code",
        "Recall",
        "Of the segments that count as coded so, the share that the model flagged.",
    ),
    How("f1_of_code", "F1", "2 × precision × recall ÷ (precision + recall)."),
    How(
        "prevalence",
        "Prevalence",
        "Share of the segments that count for the model's score to which the code was given. The rarer a "
        "code, the harder it is to find.",
    ),
    How(
        "coded_segments",
        "Coded segments, groups",
        "Segments that count as coded so, and the transcripts "
        "(or groups set in evaluation.group_by) in which they stand. Context speakers are left out.",
    ),
    How(
        "brier_skill",
        "Brier skill",
        "1 − mean squared distance of probability and coding ÷ the same when always saying the "
        "prevalence. Above 0: the probabilities say more than the prevalence does.",
    ),
    How(
        "macro",
        "Means over codes",
        "Macro: each code counts the same. Micro: all cells of segments × codes in one table, so that "
        "frequent codes count more.",
    ),
    How(
        "scopes",
        "All segments, coded segments",
        "Every segment that somebody read; or of the same predictions only those for segments that carry "
        "a code (an easier task, for ranking figures only).",
    ),
    How(
        "lrap",
        "Label ranking average precision",
        "For each coded segment, its codes are ranked by probability: the mean share of right codes from "
        "the top down to each right one (Tsoumakas, Katakis & Vlahavas 2010).",
    ),
    How(
        "recall_at_3",
        "Recall at 3",
        "Of all codes given, the share among the three most probable of their segment.",
    ),
    How(
        "ece",
        "Calibration error",
        "Mean distance of probability and observed share in ten bins of equal width, weighted by size "
        "(Naeini, Cooper & Hauskrecht 2015). 0 would be perfect.",
    ),
    How(
        "reliability",
        "Predicted and observed",
        "Every cell of segments × learned codes, sorted into ten bins of equal width by the probability "
        "that the model gave it when it had not seen the transcript (or group). Predicted: the mean of "
        "these probabilities. Observed: the share of the cells that count "
        "as coded. Under 30 cells the observed share may be chance. Shown over "
        "all codes: of one code the percentages may be better or worse (DeGroot & Fienberg 1983).",
    ),
    How(
        "leak",
        "Repeated texts, the same participant",
        "Whole transcripts (or groups) are held out, but one may repeat another, and a model can then score by "
        "remembering. Word for word: the words of a segment stand in another fold as well. Nearly: from five words "
        "on, the same but for case and punctuation; from eight words on, four in five of its runs of five words "
        "stand in one segment of another fold (containment: Broder 1997). The same participant: one name in the "
        "column participant, participant_id or person of participants.csv, or one speaker label that names somebody "
        '(not "P1" or "Participant"), in several folds; [evaluation] group_by = "participant", or --group-by, holds '
        "them out together. evaluation.json has the ranking figures without all such segments beside it; the two "
        "differ in what is asked too, not only in what leaks.",
    ),
    How(
        "interval",
        "Intervals",
        "95 % confidence intervals over transcripts (or groups), never over segments, for what one person "
        "says hangs together. Fewer than 8: none. 8 to 29: jackknife leaving one out, Student's t on n − "
        "1 degrees of freedom, shares on the logit scale (Tukey 1958). 30 and more: BCa bootstrap (Efron "
        "1987). For average precision of one code, those that hold the code are what counts: seven are "
        "few, however many are without, and they give the degrees of freedom.",
    ),
)
