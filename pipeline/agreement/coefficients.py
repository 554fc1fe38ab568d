"""What each coefficient is: its formula, its source and what it does with missing values, for reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coefficient:
    """How one number is computed, in words that a report prints.

    key: its field in ``agreement.json``.
    range: least and greatest value.
    missing: what becomes of units that not every coder gave a value.
    undefined: when there is no value.
    """

    key: str
    title: str
    formula: str
    source: str
    range: str
    missing: str
    undefined: str


_BOTH = "only units that both coders read"
_TWO_OR_MORE = "units that two coders or more read, each counting the same"
_NO_VARIATION = "no unit that both read, or both coders gave one and the same value throughout"
_NO_UNIT = "no unit that two coders read"

COEFFICIENTS: tuple[Coefficient, ...] = (
    Coefficient(
        "prevalence_a",
        "Prevalence, first coder",
        "units to which the coder gave the code ÷ units",
        "Byrt, Bishop & Carlin (1993), J. Clinical Epidemiology 46, 423-429 (why it stands beside kappa)",
        "0 to 1",
        _BOTH,
        _NO_UNIT,
    ),
    Coefficient(
        "prevalence_b",
        "Prevalence, second coder",
        "units to which the coder gave the code ÷ units",
        "Byrt, Bishop & Carlin (1993), J. Clinical Epidemiology 46, 423-429 (why it stands beside kappa)",
        "0 to 1",
        _BOTH,
        _NO_UNIT,
    ),
    Coefficient(
        "percent_agreement",
        "Percent agreement",
        "pₐ = mean over units of agreeing pairs of coders ÷ pairs of coders",
        "Fleiss (1971), Psychological Bulletin 76, p. 379; missing values: Gwet (2014), 4th ed., ch. 2",
        "0 to 1",
        _TWO_OR_MORE,
        _NO_UNIT,
    ),
    Coefficient(
        "cohen_kappa",
        "Cohen's kappa",
        "κ = (pₒ − p_c) ÷ (1 − p_c), p_c = Σₖ pₖ₊ p₊ₖ, each coder with own shares",
        "Cohen (1960), Educational and Psychological Measurement 20, p. 40",
        "−1 to 1",
        _BOTH,
        _NO_VARIATION,
    ),
    Coefficient(
        "krippendorff_alpha",
        "Krippendorff's alpha (nominal)",
        "α = 1 − Dₒ ÷ Dₑ, from coincidences of values within units",
        "Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, sec. A-D",
        "at most 1",
        "units that two coders or more read, each in proportion to its values",
        "no unit that two coders read, or every value that can be paired is the same",
    ),
    Coefficient(
        "gwet_ac1",
        "Gwet's AC1",
        "AC1 = (pₐ − pₑ) ÷ (1 − pₑ), pₑ = Σₖ pₖ (1 − pₖ) ÷ (q − 1), pₖ the mean share of category k of q",
        "Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48",
        "at most 1",
        "pₐ: " + _TWO_OR_MORE + "; pₖ: every unit that a coder read",
        _NO_UNIT + ", or fewer than two categories",
    ),
    Coefficient(
        "scott_pi",
        "Scott's pi",
        "π = (Pₒ − Pₑ) ÷ (1 − Pₑ), Pₑ = Σₖ pₖ², pₖ the mean of both coders' shares",
        "Scott (1955), Public Opinion Quarterly 19, 321-325",
        "−1 to 1",
        _BOTH,
        _NO_VARIATION,
    ),
    Coefficient(
        "fleiss_kappa",
        "Fleiss' kappa",
        "κ = (P̄ − Pₑ) ÷ (1 − Pₑ), Pₑ = Σₖ pₖ², pₖ the share of category k over all coders",
        "Fleiss (1971), Psychological Bulletin 76, 378-382; missing values: Gwet (2014), 4th ed., ch. 2",
        "at most 1",
        "P̄: " + _TWO_OR_MORE + "; pₖ: every unit that a coder read",
        "no unit that two coders read, or every value is the same",
    ),
    Coefficient(
        "brennan_prediger",
        "Brennan-Prediger (PABAK)",
        "κₙ = (pₐ − 1/q) ÷ (1 − 1/q), q categories",
        "Brennan & Prediger (1981), Educational and Psychological Measurement 41, 687-699",
        "−1/(q − 1) to 1",
        _TWO_OR_MORE,
        _NO_UNIT + ", or fewer than two categories",
    ),
    Coefficient(
        "precision",
        "Precision",
        "units to which both gave the code ÷ units to which the second gave it (the first is the reference)",
        "van Rijsbergen (1979), Information Retrieval, 2nd ed., ch. 7",
        "0 to 1",
        _BOTH,
        "the second never gave the code",
    ),
    Coefficient(
        "recall",
        "Recall",
        "units to which both gave the code ÷ units to which the first gave it (the first is the reference)",
        "van Rijsbergen (1979), Information Retrieval, 2nd ed., ch. 7",
        "0 to 1",
        _BOTH,
        "the first never gave the code",
    ),
    Coefficient(
        "f1",
        "F1",
        "2 × precision × recall ÷ (precision + recall)",
        "van Rijsbergen (1979), Information Retrieval, 2nd ed., ch. 7",
        "0 to 1",
        _BOTH,
        "neither gave the code",
    ),
)
"""In the order of the fields of ``agreement.json``; Fleiss' kappa, for all coders, beside Scott's pi."""
