"""In words: is the model as good as one more coder for this code?

    "as good as a coder"  the test shows that the model is no worse than a coder by more than is allowed
    "worse"               the test shows that it is worse by more than is allowed
    "not shown"           neither
    "too few ... (n = 7)" too few units, transcripts or coders for a test
    "not suggested"       the model does not suggest the code, so there is nothing to test

With three coders or more the alternative annotator test: as good where the winning rate is 0.5 or more;
worse where the losing rate is, that is, where the same test turned round (H0: rho^f_j >= rho^h_j - epsilon,
with the same control over coders) shows for half of the coders or more that the model falls short of
them by more than epsilon. With two, non-inferiority in kappa: the bounds of the 90 % interval against
-margin. Both at once (half of an even number of coders each) is "not shown".

A test that a model would pass that never gives the code, or always, tells nothing: "not shown" with that reason.
Otherwise a model that never gives a code could be "as good as a coder" where coders hardly agree. And coders who
are not shown to agree better than chance are no standard, for a model that draws lots is as good as coders who do:
"not shown" again. Krippendorff (2019, Content Analysis, 4th ed., ch. 12) asks for far more before data of coders
are relied on; this is the least under which "as good as a coder" says anything of the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pipeline.agreement.alternative_annotator import FEWEST_CODERS, FEWEST_TRANSCRIPTS, AlternativeAnnotator
from pipeline.agreement.intervals import FEWEST
from pipeline.agreement.non_inferiority import NonInferiority

FEWEST_UNITS = 10
AS_GOOD = "as good as a coder"
NOT_SHOWN = "not shown"
WORSE = "worse"

TOO_FEW = "too few"
NOT_SUGGESTED = "not suggested"
KINDS = {AS_GOOD: "as good", NOT_SHOWN: "not shown", WORSE: "worse", NOT_SUGGESTED: NOT_SUGGESTED}

Test = Literal["alternative annotator", "non-inferiority", ""]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said of the model for one code.

    words: one of the above. why: one sentence with the numbers. test: which one, "" for none.
    n_units: to which a coder or the model gave the code; n_transcripts: those that enter the test.
    winning_rate, advantage: of the alternative annotator test; difference, low, high: of non-inferiority;
        nan for the other test or where undefined.
    """

    code: str
    words: str
    test: Test
    n_units: int
    n_transcripts: int
    why: str
    winning_rate: float = math.nan
    advantage: float = math.nan
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def kind(self) -> str:
        """The class of the words: "as good", "not shown", "worse", "not suggested" or "too few"."""
        return KINDS.get(self.words, TOO_FEW)

    @property
    def as_good(self) -> bool:
        """Whether the model is shown to be as good as a coder."""
        return self.words == AS_GOOD


def verdict_of_alternative(code: str, test: AlternativeAnnotator, *, who: str = "The model") -> Verdict:
    """The verdict from three coders or more. who: what is tested, as a sentence begins with it."""
    few = _too_few_for_alternative(test)
    words, why = few or _words_of_alternative(test, who)
    return Verdict(
        code,
        words,
        "alternative annotator",
        test.n_units,
        test.n_transcripts,
        why,
        winning_rate=test.winning_rate,
        advantage=test.advantage,
    )


def verdict_of_non_inferiority(code: str, test: NonInferiority, *, who: str = "The model") -> Verdict:
    """The verdict from exactly two coders. who: as above."""
    few = _too_few_for_non_inferiority(test)
    words, why = few or _words_of_non_inferiority(test, who)
    return Verdict(
        code,
        words,
        "non-inferiority",
        test.n_at_stake,
        test.n_transcripts,
        why,
        difference=test.difference,
        low=test.low,
        high=test.high,
    )


def verdict_of_too_few_coders(code: str, n_coders: int) -> Verdict:
    """The verdict from one coder or none."""
    why = f"Whether coders agree takes two coders who read the same segments, here {_there_are(n_coders, 'coder')}."
    return Verdict(code, f"too few coders (n = {n_coders})", "", 0, 0, why)


def verdict_of_not_suggested(code: str, reason: str) -> Verdict:
    """What stands in place of a verdict for a code that the model has learned and does not suggest."""
    return Verdict(code, NOT_SUGGESTED, "", 0, 0, f"{reason[:1].upper()}{reason[1:]}.")


def _too_few_for_alternative(test: AlternativeAnnotator) -> tuple[str, str] | None:
    if test.n_units < FEWEST_UNITS:
        return _too_few_units(test.n_units)
    n_coders = sum(coder.n_units > 0 for coder in test.coders)
    if n_coders < FEWEST_CODERS:
        why = f"The test takes {FEWEST_CODERS} coders, here {_there_are(n_coders, 'coder')}."
        return f"too few coders (n = {n_coders})", why
    if test.n_transcripts < FEWEST_TRANSCRIPTS:
        return _too_few_transcripts(test.n_transcripts, FEWEST_TRANSCRIPTS)
    if test.reason:
        n_tested = sum(not coder.reason for coder in test.coders)
        why = (
            f"The test takes {FEWEST_CODERS} coders with {FEWEST_TRANSCRIPTS} transcripts or more each in which "
            f"somebody gave the code, here {_there_are(n_tested, 'coder')}."
        )
        return f"too few coders (n = {n_tested})", why
    return None


def _too_few_for_non_inferiority(test: NonInferiority) -> tuple[str, str] | None:
    if test.n_at_stake < FEWEST_UNITS:
        return _too_few_units(test.n_at_stake)
    if test.n_transcripts < FEWEST:
        return _too_few_transcripts(test.n_transcripts, FEWEST)
    return None


def _too_few_units(n: int) -> tuple[str, str]:
    why = (
        f"A coder or the model gave the code to {n} of the segments that can be compared, "
        f"at least {FEWEST_UNITS} are needed."
    )
    return f"too few units (n = {n})", why


def _too_few_transcripts(n: int, fewest: int) -> tuple[str, str]:
    why = f"{_there_are(n, 'transcript').capitalize()} to compare, at least {fewest} are needed."
    return f"too few transcripts (n = {n})", why


def _words_of_alternative(test: AlternativeAnnotator, who: str) -> tuple[str, str]:
    tested = [coder for coder in test.coders if not coder.reason]
    n, won, lost = len(tested), sum(c.rejected for c in tested), sum(c.lost for c in tested)
    mean_h = sum(coder.rho_h for coder in tested) / n
    mean_over = "transcripts" if test.n_codes == 1 else "codes and transcripts"
    each_code = "the code" if test.n_codes == 1 else "each code"
    on = f"on {test.n_units} segments of {test.n_transcripts} transcripts"
    rates = (
        f"{on} it was as close to the other coders as the coder left out, or closer, {_share(test.advantage)} of the "
        f"time (mean over {mean_over}), and that coder {_share(mean_h)} (allowance {_share(test.epsilon)})"
    )
    if test.passes and test.fails:
        return NOT_SHOWN, f"{who} did better than {won} of {n} coders and worse than {lost}: {rates}."
    if test.passes and test.constant_passes:
        return NOT_SHOWN, (
            f"{who} passed, but so would one that gives {each_code} {test.constant_passes}: "
            f"{on} this test cannot tell a good model from a useless one."
        )
    if test.passes and not test.coders_agree:
        return NOT_SHOWN, f"{_no_standard('alpha', test.coders_low)}: {rates}."
    if test.passes:
        return AS_GOOD, f"{who} held its own against {won} of {n} coders: {rates}."
    if test.fails:
        return WORSE, f"{who} fell short of {lost} of {n} coders: {rates}."
    return NOT_SHOWN, f"{who} held its own against {won} of {n} coders, half are needed: {rates}."


def _words_of_non_inferiority(test: NonInferiority, who: str) -> tuple[str, str]:
    if test.reason:
        return NOT_SHOWN, f"The difference has no interval: {test.reason}."
    numbers = (
        f"kappa {_unsigned_zero(test.kappa_model):.2f} with the coders, {_unsigned_zero(test.kappa_coders):.2f} "
        "between them, difference "
        f"{_signed(test.difference)} ({100 * test.level:.0f} % interval {_signed(test.low)} to {_signed(test.high)}, "
        f"margin {test.margin:.2f}), on {test.n_units} segments of {test.n_transcripts} transcripts"
    )
    if test.passes and test.constant_passes:
        return NOT_SHOWN, (
            "The coders agree too little for the margin, a model that never, or always, gives the code would pass: "
            f"{numbers}."
        )
    if test.passes and not test.coders_agree:
        return NOT_SHOWN, f"{_no_standard('kappa', test.coders_low)}: {numbers}."
    if test.passes:
        return AS_GOOD, f"{who} agrees with the coders no worse than the margin allows: {numbers}."
    if test.fails:
        return WORSE, f"{who} agrees with the coders less than the margin allows: {numbers}."
    return NOT_SHOWN, f"Undecided, the interval reaches to both sides of what the margin allows: {numbers}."


def _there_are(n: int, what: str) -> str:
    return f"there is 1 {what}" if n == 1 else f"there are {n} {what}s"


def _no_standard(coefficient: str, low: float) -> str:
    bound = "no lower bound is known" if math.isnan(low) else f"lower bound of {coefficient} {_signed(low)}"
    return f"The test was passed, but the coders are not shown to agree better than chance ({bound})"


def _signed(value: float) -> str:
    return f"{_unsigned_zero(value):+.2f}".replace("-", "\N{MINUS SIGN}")


def _unsigned_zero(value: float) -> float:
    """To two decimals, as it is printed, and never -0.00."""
    return round(value, 2) + 0.0


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
