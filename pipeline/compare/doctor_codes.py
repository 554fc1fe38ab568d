"""Findings on one code: hardly agreed on, given by one coder only, hardly given, never given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.agreement.alpha import TENTATIVE
from pipeline.agreement.intervals import Interval
from pipeline.agreement.many import krippendorff_alpha, many_intervals, values_given
from pipeline.compare.columns import CONSENSUS, HUMAN, IntArray, Panel
from pipeline.compare.confusions import common_rows, count_crossings, pairs_of_people
from pipeline.compare.findings import Finding, given_by_anyone
from pipeline.compare.merging import people_sums
from pipeline.compare.misspelt import Misspelt
from pipeline.compare.rows import LEVEL, interval_row

NO_AGREEMENT, ONE_CODER = "no agreement", "one coder only"
UNUSED, HARDLY_USED = "unused", "hardly used"

LEAST_ALPHA_WITHOUT_INTERVAL = 0.4
FEWEST_GIVEN = 10
FEWEST_USES = 3

RULES = {
    NO_AGREEMENT: f"Krippendorff's alpha of all human coders lies below {TENTATIVE:g} with its whole interval over "
    f"transcripts; where there can be no interval, below {LEAST_ALPHA_WITHOUT_INTERVAL:g}. Only codes that coders "
    f"gave {FEWEST_GIVEN} times or more, all together, to segments that two or more of them read",
    ONE_CODER: f"one coder gave it, {FEWEST_USES} times or more, to segments that others read, who never "
    "gave it anywhere",
    UNUSED: "no coder, and no consensus, gave it, blind or in view of a suggestion; headings, that is parents that "
    "nobody gave, are left out",
    HARDLY_USED: f"given to fewer than {FEWEST_USES} segments, blind or in view of a suggestion",
}


def no_agreement(panel: Panel, *, seed: int) -> list[Finding]:
    """Codes that coders gave often enough, and hardly ever the same segments."""
    pairs = pairs_of_people(panel)
    shared = people_sums(panel, ())
    if not shared.n_units:
        return []
    total = shared.sums.sum(axis=0)
    alpha, n_values = krippendorff_alpha(total), values_given(total)
    spread = many_intervals(shared.sums, ["krippendorff_alpha"], seed=seed, level=LEVEL)["krippendorff_alpha"]
    alone = count_crossings(pairs, n_codes=len(panel.codes)).alone
    both = np.sum([np.sum(x & y, axis=0) for _, x, y in (common_rows(a, b) for a, b in pairs)], axis=0)
    found = []
    for i, code in enumerate(map(int, shared.codes)):
        n_given = round(float(n_values[i]))
        if n_given < FEWEST_GIVEN or not _is_low(float(alpha[i]), spread[i]):
            continue
        numbers = {
            "krippendorff_alpha": float(alpha[i]),
            "ci": interval_row(spread[i]),
            "n_given": n_given,
            "n_units": shared.n_units,
            "n_coders": shared.n_coders,
            "n_pairs_both": int(both[code]),
            "n_pairs_one": int(alone[code]),
        }
        rows = _where_they_differ(panel, code)
        found.append(Finding(NO_AGREEMENT, (code,), float(alone[code]), numbers, rows, panel.humans))
    return found


def _is_low(alpha: float, interval: Interval) -> bool:
    """False where alpha is undefined."""
    return interval.high < TENTATIVE if interval.defined else alpha < LEAST_ALPHA_WITHOUT_INTERVAL


def _where_they_differ(panel: Panel, code: int) -> IntArray:
    gave = np.any([human.given[:, code] & human.seen for human in panel.humans], axis=0)
    declined = np.any([~human.given[:, code] & human.seen for human in panel.humans], axis=0)
    return np.flatnonzero(gave & declined)


def one_coder_only(panel: Panel, misspelt: Sequence[Misspelt] = ()) -> list[Finding]:
    """Codes that only one coder gives, where others could have; not those who may have written it otherwise."""
    found, meant = [], {(one.coder, one.code) for one in misspelt}
    for code in map(int, np.flatnonzero(panel.usable)):
        users = [human for human in panel.humans if (human.given[:, code] & human.seen).any()]
        name = panel.codes[code]
        others = [one for one in panel.humans if one not in users and (one.name, name) not in meant]
        if len(users) != 1 or not others:
            continue
        read = np.any([human.seen for human in others], axis=0)
        rows = np.flatnonzero(users[0].given[:, code] & users[0].seen & read)
        if len(rows) < FEWEST_USES:
            continue
        numbers = {
            "coder": users[0].name,
            "n_given": int((users[0].given[:, code] & users[0].seen).sum()),
            "n_given_where_others_read": len(rows),
            "others": [human.name for human in others if (human.seen & users[0].seen).any()],
        }
        found.append(Finding(ONE_CODER, (code,), float(len(rows)), numbers, rows, panel.humans))
    return found


def seldom_used(panel: Panel) -> list[Finding]:
    """Codes that nobody gave, and those given hardly ever; nothing as long as nobody has given any code.

    panel: of all that was coded, blind or not.
    """
    people = panel.of_kind(HUMAN, CONSENSUS)
    n_read = int(np.any([column.seen for column in people], axis=0).sum()) if people else 0
    if why_no_use(panel):
        return []
    found = []
    for code in map(int, np.flatnonzero(panel.usable)):
        rows = given_by_anyone(people, code)
        if len(rows) < FEWEST_USES:
            kind = HARDLY_USED if len(rows) else UNUSED
            users = [column.name for column in people if (column.given[rows, code] & column.seen[rows]).any()]
            numbers = {"n_segments": len(rows), "n_read": n_read, "coders": users}
            found.append(Finding(kind, (code,), float(-code), numbers, rows, people))
    return found


def why_no_use(panel: Panel) -> str:
    """Why nothing can be said of codes that are not used, or ""."""
    people = panel.of_kind(HUMAN, CONSENSUS)
    if not any((column.given & column.seen[:, None]).any() for column in people):
        return "nobody has given a code yet"
    return ""
