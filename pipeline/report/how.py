"""How every number of the report was computed; the report links to these by key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.report.budget_view import HOW_BUDGET
from pipeline.report.how_entry import How, HowGroup
from pipeline.report.how_model import KNOWN, NEAREST_NOT, PROBABLE, SHOWN, WORDS_ONLY, meant
from pipeline.report.prevalence_view import HOW_COMMON
from pipeline.report.reference import Reference, how_reference


def how_groups(
    evaluation: Mapping[str, Any],
    topics: Mapping[str, Any],
    coefficients: Collection[str],
    *,
    encoder: str,
    reference: Reference,
) -> tuple[HowGroup, ...]:
    """All explanations.

    coefficients: keys of the agreement figures that the report shows. encoder: empty for words only.
    reference: whose codings count in the evaluation.
    """
    return (
        HowGroup("What was read", READ),
        HowGroup(
            "Suggestions", (*PROBABLE, *(meant(encoder) if encoder else WORDS_ONLY), NEAREST_NOT, SHOWN)
        ),
        HowGroup("How well codes are known", (how_split(evaluation), how_reference(reference), *KNOWN)),
        HowGroup("How common each code is", HOW_COMMON),
        HowGroup("Reading budgets", HOW_BUDGET),
        HowGroup("Topics", tuple(_topics(topics))),
        HowGroup("Agreement", (*AGREEMENT, *coefficient_entries(coefficients))),
    )


READ = (
    How("words", "Words", "Stretches of text without a space, in all transcripts, interviewer included."),
    How(
        "segments",
        "Segments",
        "The unit that is coded: a speaker's turn or, if passages are set, turns over 120 words cut at "
        "sentence ends into near-equal parts of at most 120 words. Segments depend on the transcript and "
        "the settings, never on who coded what.",
    ),
    How(
        "codings",
        "Codings",
        "One code applied to one stretch of text by one coder, as the files in codings/ hold them. A "
        "coding applies to a segment if it covers at least half of the segment's characters (spaces not "
        "counted), or if at least half of the coding lies in it; if to none, to the segment with the "
        "largest overlap.",
    ),
    How(
        "placement",
        "Exact, widened, narrowed",
        "Exact: the segments that a coding applies to hold the same words as the coding. Widened: they "
        "hold more. Narrowed: some coded words lie in no segment that the coding applies to. Unplaced: "
        "the coding touches no word of any segment. The coded stretch itself is kept as it was made.",
    ),
    How(
        "read",
        "Read",
        "coverage.csv says what a coder read. A coder who does not stand there is assumed to have read "
        "all of each transcript in which they have a row. Read and not coded counts as a decision against "
        "the code.",
    ),
)

AGREEMENT = (
    How(
        "units",
        "Units",
        "Segments that both have read, speakers that only give context left out. Pooled: all cells of "
        "segments × codes of the codebook, given or not given. Mean over codes: each code counts the "
        "same; codes for which the figure is undefined are left out and counted.",
    ),
    How(
        "model_column",
        "The model beside the coders",
        "The model's suggestions for transcripts that it had not learned from (cross-fitted), on the "
        "segments that the coders share, of the codes that it suggests. The model is no coder; it stands beside them "
        "as one more column.",
    ),
    How(
        "beside",
        "People and model on the same codes",
        "For each code the mean of Cohen's kappa over the pairs of its kind; then the mean over those "
        "codes that the model suggests and for which both figures are defined. Only pairs with common "
        "segments count. One pair: with its interval, in square brackets. Several: with the lowest and the "
        "highest, in round brackets, and in how many of them kappa is defined.",
    ),
    How(
        "digits",
        "Digits",
        "Figures are rounded to two decimals and percentages to whole ones for reading; the tables beside "
        "this page hold all digits.",
    ),
)


def how_split(evaluation: Mapping[str, Any]) -> How:
    """What was held out."""
    split = evaluation.get("split")
    text = (
        "Nothing was evaluated: no code has been learned yet."
        if not split
        else f"The {evaluation['n_groups']} groups were held out in {split['n_folds']} parts: {split['rule']}. All "
        "predictions for held-out groups are then scored together. The model that makes the suggestions "
        "has learned from all groups."
    )
    return How("split", "Evaluation on groups that the model has not seen", text)


_TOPIC_TITLES = {
    "documents": "What topics are estimated from",
    "n_topics": "How many topics",
    "coherence": "Coherence",
    "stability": "Stability",
    "shown": "Which topics are shown",
    "n_segments": "Segments of a topic",
}


def _topics(topics: Mapping[str, Any]) -> Iterator[How]:
    """What a topic is, then what topics.json says of how its figures were computed."""
    yield How(
        "topic",
        "Topics",
        "A topic is a list of words that a statistical model finds to go together. It is no theme: nobody "
        "has read it into the data.",
    )
    for key, text in topics["how_computed"].items():
        yield How(f"topic-{key}", _TOPIC_TITLES.get(key, key), f"{text[:1].upper()}{text[1:]}.")


def coefficient_entries(keys: Collection[str]) -> tuple[How, ...]:
    """What each coefficient is, of those with these keys."""
    return tuple(
        How(
            found.key,
            found.title,
            "",
            (
                ("Formula", found.formula),
                ("Range", found.range),
                ("Missing values", found.missing),
                ("Undefined", found.undefined),
                ("Source", found.source),
            ),
        )
        for found in COEFFICIENTS
        if found.key in keys
    )
