"""doctor.json: what is wrong with the codebook, with numbers and examples, and what a merge would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.compare.columns import Panel
from pipeline.compare.confusions import why_none
from pipeline.compare.doctor_codes import (
    HARDLY_USED,
    NO_AGREEMENT,
    ONE_CODER,
    UNUSED,
    no_agreement,
    one_coder_only,
    seldom_used,
    why_no_use,
)
from pipeline.compare.doctor_codes import RULES as RULES_OF_CODES
from pipeline.compare.doctor_pairs import ALIKE, MIXED_UP, TOGETHER, always_together, defined_alike, mixed_up
from pipeline.compare.doctor_pairs import RULES as RULES_OF_PAIRS
from pipeline.compare.findings import Finding, finding_row
from pipeline.compare.merging import merge_effects
from pipeline.compare.misspelt import Misspelt, misspelt_rows, told_of

SCHEMA = 1
MOST_OF_A_KIND = 20
#: What stands first matters most.
ORDER = (MIXED_UP, NO_AGREEMENT, ONE_CODER, TOGETHER, ALIKE, UNUSED, HARDLY_USED)
ORDER_TOLD = (
    f"{', '.join(ORDER)}. Within a kind: mixed up by crossings above chance; no agreement by how often one of two "
    "coders gave the code and the other did not; one coder only by how often; always together and defined alike by "
    "likeness; the others as in the codebook"
)

NOTHING_GIVEN_BLIND = "no code was given blind"
CAUTION = (
    "A merge gives up a distinction, and agreement on less is easier: figures rise a little whichever codes are "
    "merged. Whether two codes are one is for those who know what they mean."
)


def examine(
    panel: Panel,
    codebook: Sequence[Mapping[str, str]],
    *,
    alike: Sequence[Mapping[str, Any]],
    seed: int,
    everything: Panel | None = None,
    misspelt: Sequence[Misspelt] = (),
) -> dict[str, Any]:
    """All findings, those that matter most first; JSON-like.

    panel: of what was coded blind. everything: also of what was coded in view of suggestions, for a code that was
    given there is not unused; the same if not said. alike: as ``definitions_alike`` gives it.
    A finding: kind, codes, numbers, examples (up to three segments, each with who gave what), merge (null for a
    finding on one code). ``n_left_out``: kind -> findings beyond the first 20.
    ``not_examined``: kinds of which nothing can be said, with the reason.
    """
    everything = everything or panel
    found = [*_find(panel, codebook, alike, misspelt, seed=seed), *seldom_used(everything)]
    findings, n_left_out = _foremost(found)
    pairs = sorted({(finding.codes[0], finding.codes[-1]) for finding in findings if len(finding.codes) == 2})
    effects = dict(zip(pairs, merge_effects(panel, pairs, seed=seed), strict=True))
    return {
        "schema": SCHEMA,
        "order": ORDER_TOLD,
        "caution": CAUTION,
        "rules": {kind: (RULES_OF_PAIRS | RULES_OF_CODES)[kind] for kind in ORDER},
        "findings": [
            finding_row(panel, _with_misspelt(panel, finding, misspelt))
            | {"merge": effects.get((finding.codes[0], finding.codes[-1]))}
            for finding in findings
        ],
        "n_left_out": n_left_out,
        "misspelt": misspelt_rows(misspelt),
        "not_examined": _not_examined(panel, everything),
    }


def _find(
    panel: Panel,
    codebook: Sequence[Mapping[str, str]],
    alike: Sequence[Mapping[str, Any]],
    misspelt: Sequence[Misspelt],
    *,
    seed: int,
) -> list[Finding]:
    family = _families(panel, codebook)
    return [
        *mixed_up(panel),
        *no_agreement(panel, seed=seed),
        *one_coder_only(panel, misspelt),
        *always_together(panel, family),
        *defined_alike(panel, alike, family),
    ]


def _with_misspelt(panel: Panel, finding: Finding, misspelt: Sequence[Misspelt]) -> Finding:
    """The finding, with what may be meant as one of its codes; as it is where nothing may."""
    told = [sentence for code in finding.codes for sentence in told_of(misspelt, panel.codes[code])]
    return replace(finding, numbers=finding.numbers | {"misspelt": told}) if told else finding


def _families(panel: Panel, codebook: Sequence[Mapping[str, str]]) -> set[tuple[int, int]]:
    """Places of each code with its parent, the smaller first."""
    place = {code: i for i, code in enumerate(panel.codes)}
    couples = [(place[row["name"]], place[row["parent"]]) for row in codebook if row["parent"] in place]
    return {(min(couple), max(couple)) for couple in couples}


def _foremost(findings: Sequence[Finding]) -> tuple[list[Finding], dict[str, int]]:
    """In their order, up to MOST_OF_A_KIND of a kind, and how many more there are."""
    ordered = sorted(
        findings, key=lambda finding: (ORDER.index(finding.kind), -finding.weight, finding.codes)
    )
    kept, n_found = [], Counter[str]()
    for finding in ordered:
        n_found[finding.kind] += 1
        if n_found[finding.kind] <= MOST_OF_A_KIND:
            kept.append(finding)
    return kept, {kind: n - MOST_OF_A_KIND for kind, n in n_found.items() if n > MOST_OF_A_KIND}


def _not_examined(panel: Panel, everything: Panel) -> list[dict[str, str]]:
    coders, model = why_none(panel, of_model=False), why_none(panel, of_model=True)
    use = why_no_use(everything)
    together = use or (NOTHING_GIVEN_BLIND if why_no_use(panel) else "")
    reasons = [
        (f"{MIXED_UP}, by coders", coders),
        (f"{MIXED_UP}, by the model and coders", model),
        (NO_AGREEMENT, coders),
        (ONE_CODER, coders),
        (TOGETHER, together),
        (UNUSED, use),
        (HARDLY_USED, use),
    ]
    return [{"kind": kind, "reason": reason} for kind, reason in reasons if reason]
