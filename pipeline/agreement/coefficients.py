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
_IN_PROPORTION = "units that two coders or more read, each in proportion to its values"
_SHARES = "every unit that a coder read, each counting the same"
_UNITIZING = (
    "Krippendorff, Mathet, Bouvry & Widlöcher (2016), Quality & Quantity 50; Krippendorff (2019), Content "
    "Analysis, 4th ed."
)
_STRETCHES = "only stretches that two coders or more read, in proportion to their readers"
_NO_STRETCH = "no stretch that two coders read"
_OVERLAP = "one coder gave a stretch two codes"

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
        "bias",
        "Bias",
        "|units to which only the first gave the code − those to which only the second did| ÷ units",
        "Byrt, Bishop & Carlin (1993), J. Clinical Epidemiology 46, 423-429 (bias index, without its sign)",
        "0 to 1",
        _BOTH,
        _NO_UNIT,
    ),
    Coefficient(
        "percent_agreement",
        "Percent agreement",
        "pₐ = mean over units of agreeing pairs of coders ÷ pairs of coders",
        "Fleiss (1971), Psychological Bulletin 76, 378-382; missing values: Gwet (2014), 4th ed., ch. 2",
        "0 to 1",
        _TWO_OR_MORE
        + " (of the three rules in use this one is Gwet's; a unit does not count more for having "
        "more coders or more pairs of coders)",
        _NO_UNIT,
    ),
    Coefficient(
        "cohen_kappa",
        "Cohen's kappa",
        "κ = (pₒ − p_c) ÷ (1 − p_c), p_c = Σₖ pₖ₊ p₊ₖ, each coder with own shares",
        "Cohen (1960), Educational and Psychological Measurement 20, 37-46",
        "−1 to 1",
        _BOTH,
        _NO_VARIATION,
    ),
    Coefficient(
        "weighted_kappa",
        "Cohen's weighted kappa",
        "κ_w = 1 − Σ vₖₗ pₖₗ ÷ Σ vₖₗ pₖ₊ p₊ₗ, vₖₗ the weight of a disagreement: |k − l| (linear), (k − l)² "
        "(quadratic), k and l places in the order of the values, or as given",
        "Cohen (1968), Psychological Bulletin 70, 213-220",
        "at most 1",
        _BOTH,
        _NO_VARIATION + ", or no disagreement that could come about by chance weighs anything",
    ),
    Coefficient(
        "character_kappa",
        "Character-level kappa",
        "Cohen's kappa with each character but white space as a unit, given the code if it lies in a span of it",
        "Cohen (1960), Educational and Psychological Measurement 20, 37-46",
        "−1 to 1",
        "only characters that both coders read",
        _NO_VARIATION,
    ),
    Coefficient(
        "krippendorff_alpha",
        "Krippendorff's alpha (nominal)",
        "α = 1 − Dₒ ÷ Dₑ, from coincidences of values within units",
        "Krippendorff (2011), Computing Krippendorff's Alpha-Reliability",
        "at most 1",
        _IN_PROPORTION,
        "no unit that two coders read, or every value that can be paired is the same",
    ),
    Coefficient(
        "alpha_masi",
        "Krippendorff's alpha over sets of codes (MASI)",
        "α = 1 − Dₒ ÷ Dₑ with 1 − J M as distance of two sets: J codes in both ÷ codes in either; M 1 for equal "
        "sets, ⅔ where one holds the other, ⅓ where they overlap, 0 where they do not; two empty sets are equal",
        "Passonneau (2006), LREC, Measuring Agreement on Set-Valued Items (not (1 − J)(1 − M), as in DKPro "
        "Statistics); Krippendorff (2011), Computing Krippendorff's Alpha-Reliability",
        "at most 1",
        _IN_PROPORTION,
        _NO_UNIT + ", or every set that can be paired is the same",
    ),
    Coefficient(
        "alpha_jaccard",
        "Krippendorff's alpha over sets of codes (Jaccard)",
        "α = 1 − Dₒ ÷ Dₑ with 1 − codes in both ÷ codes in either as distance of two sets; two empty sets are equal",
        "Jaccard (1912), New Phytologist 11, 37-50; Krippendorff (2011), Computing Krippendorff's "
        "Alpha-Reliability",
        "at most 1",
        _IN_PROPORTION,
        _NO_UNIT + ", or every set that can be paired is the same",
    ),
    Coefficient(
        "unitizing_u",
        "Unitizing alpha, u (borders and codes)",
        "α = 1 − Dₒ ÷ Dₑ, from lengths of text to which pairs of coders gave the same code or none; by chance no "
        "part of a span is paired with another part of it",
        _UNITIZING + ", sec. 12.6.3, eq. 34",
        "at most 1",
        _STRETCHES,
        f"{_NO_STRETCH}, one and the same code or none throughout, or {_OVERLAP}",
    ),
    Coefficient(
        "unitizing_binary",
        "Unitizing alpha, binary (borders)",
        "as u, of whether anything was marked; overlapping spans of a coder count as one",
        _UNITIZING + ", sec. 12.6.4, eq. 35",
        "at most 1",
        _STRETCHES,
        f"{_NO_STRETCH}, or marked throughout or never",
    ),
    Coefficient(
        "unitizing_cu",
        "Unitizing alpha, cu (codes)",
        "as u, of the parts of spans that meet spans of other coders; with three coders or more a part counts by "
        "how many of the others it meets",
        _UNITIZING + ", sec. 12.6.5, eqs. 36-37",
        "at most 1",
        _STRETCHES,
        f"no stretch that two coders marked, the same code wherever they did, or {_OVERLAP}",
    ),
    Coefficient(
        "unitizing_ku",
        "Unitizing alpha, (k)u (one code among the codes)",
        "as cu, of whether the code is this one",
        _UNITIZING + ", sec. 12.6.6, eq. 38",
        "at most 1",
        _STRETCHES,
        f"the code was not given, or no other was, where two coders marked; or {_OVERLAP}",
    ),
    Coefficient(
        "unitizing_code",
        "Unitizing alpha of a code",
        "as u, of this code alone, given or not, whatever else was given; also where codes overlap",
        _UNITIZING + ", sec. 12.6.3, applied to each code",
        "at most 1",
        _STRETCHES,
        f"{_NO_STRETCH}, or given throughout or never",
    ),
    Coefficient(
        "gwet_ac1",
        "Gwet's AC1",
        "AC1 = (pₐ − pₑ) ÷ (1 − pₑ), pₑ = Σₖ pₖ (1 − pₖ) ÷ (q − 1), pₖ the mean share of category k of q",
        "Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48; missing values: Gwet "
        "(2014), 4th ed., ch. 2",
        "at most 1",
        "pₐ: " + _TWO_OR_MORE + "; pₖ: " + _SHARES + "; beside one other coder " + _BOTH,
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
        "P̄: " + _TWO_OR_MORE + "; pₖ: " + _SHARES,
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
"""In the order of the fields of ``agreement.json``; the others beside those that they are akin to."""
