"""When the model is trained again, and what is said of it: rules alone, no file is read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.promotion import FEWEST_TRANSCRIPTS, NO_WORSE, Comparison

#: Who wants the model trained now: somebody at a keyboard, or a schedule that nobody watches.
PERSON, SCHEDULE = "person", "schedule"
SHOWN = 4
FIRST = "it is the first"


@dataclass(frozen=True, slots=True)
class Due:
    """Whether to train.

    train: now. compare: the new model must be no worse than the one in use; else it replaces it, and ``why`` tells
    why. why: "" if it is not trained. changed: conditions that differ, in words, "" if none does.
    """

    train: bool
    compare: bool = False
    why: str = ""
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of the models in a run.

    before, version: in use before and in this run and from now on, "" for none of the study's own. trained: version
    of the model that was trained, "" if none was. why: in a few words, for the history. note: what the run says, ""
    for nothing. rests: version that cannot be asked in this run and stays in use all the same. refused: what was
    trained is used by nobody.
    """

    before: str
    version: str
    trained: str
    why: str
    note: str
    comparison: dict[str, Any] | None = None
    rests: str = ""
    refused: bool = False


def is_due(
    *, in_use: str, lost: str, changed: str, can_be_asked: bool, asked: bool, n_new: int, after: int
) -> Due:
    """Whether the model is trained again.

    in_use: version, "" for none. lost: version whose files cannot be used. changed: conditions under which it was
    trained that differ, in words. can_be_asked: the model in use, of the segments there are. asked: somebody wants
    it. n_new: codings that came or went since a model was trained last; after: how many of them it takes.
    """
    if lost:
        return Due(True, why=f"the files of {short(lost)} are missing or are not what they were")
    if not in_use:
        return Due(True, why=FIRST)
    if not can_be_asked:
        return Due(
            True, why=f"{changed}, so that {short(in_use)} cannot be compared with it", changed=changed
        )
    if changed:
        return Due(True, compare=True, why=changed, changed=changed)
    if asked:
        return Due(True, compare=True, why="it was asked for")
    return Due(True, compare=True, why=f"{codings(n_new)} came or went") if n_new >= after else Due(False)


def replaces(comparison: Comparison, *, asked: str) -> bool:
    """Whether the new model is used.

    By itself only if it was shown to be no worse; if a person asked for it, unless it was shown to be worse. asked:
    PERSON, SCHEDULE or "".
    """
    return comparison.no_worse or (asked == PERSON and not comparison.enough)


def compared_decision(
    before: str, trained: str, comparison: Comparison, *, asked: str, changed: str = ""
) -> Decision:
    """What came of a comparison. changed: why it was trained, if conditions changed."""
    why = f"{changed}; {_compared(comparison)}" if changed else _compared(comparison)
    if replaces(comparison, asked=asked):
        if not comparison.enough:
            why = f"it was asked for ({why})"
        note = f"new model {short(trained)} replaces {short(before)}: {why}"
        return Decision(before, trained, trained, why, note, comparison.as_json())
    asks = (
        f"at least {signed(NO_WORSE)} is asked for"
        if comparison.enough
        else "so nothing shows it to be no worse"
    )
    note = f"new model {short(trained)} is not used, {short(before)} stays: {why}, {asks}. {_all_the_same(trained)}"
    return Decision(before, before, trained, f"not used: {why}", note, comparison.as_json())


def _all_the_same(version: str) -> str:
    return f"'precode models STUDY --use {version[:SHOWN]}' uses it all the same"


def _compared(comparison: Comparison) -> str:
    n = f"{comparison.n_transcripts} transcript{'s' * (comparison.n_transcripts != 1)} coded blind"
    if comparison.enough:
        return f"{signed(comparison.difference)} over {n}"
    return f"{n} since it was trained, of {FEWEST_TRANSCRIPTS} that a comparison takes"


def replaced_decision(before: str, trained: str, why: str) -> Decision:
    """A new model that is used without a comparison. before: "" where it takes nobody's place."""
    note = f"new model {short(trained)} replaces {short(before)}: {why}" if before else ""
    return Decision(before, trained, trained, why, note)


def refused_decision(in_use: str, lost: str, trained: str, why: str) -> Decision:
    """What would be used without a comparison is a model that was compared before and not used then.

    in_use, lost: one of them, that cannot be asked; it stays where it is. trained: the one that is not used.
    """
    before = in_use or lost
    note = (
        f"new model {short(trained)} is not used ({why}), for it was compared before and not used then; no model is. "
        f"{_all_the_same(trained)}"
    )
    return Decision(before, "", "", why, note, rests=in_use, refused=True)


def unlearned_decision(in_use: str, lost: str, due: Due) -> Decision:
    """No code can be learned from the codings there are: what is in use stays so, for they may be away for one night.

    in_use, lost: one of them at most. A model that cannot be asked suggests nothing meanwhile.
    """
    nothing = "no code can be learned from the codings there are"
    if in_use and due.compare:
        return Decision(in_use, in_use, "", "", f"model {short(in_use)} stays in use: {nothing}")
    if in_use:
        note = f"model {short(in_use)} cannot be asked and rests: {due.changed}, and {nothing}"
        return Decision(in_use, "", "", "", note, rests=in_use)
    return Decision(lost, "", "", "", f"no model is used: {due.why}, and {nothing}" if lost else "")


def kept_decision(in_use: str, tried: str, *, n_new: int, after: int) -> Decision:
    """The model in use goes on. tried: the one that was trained last."""
    note = ""
    if n_new:
        note = (
            f"model {short(in_use)} was not trained again: {n_new} of {after} new codings"
            " ('precode train STUDY' trains it now)"
        )
    if tried != in_use:
        other = f"the model in use is {short(in_use)}, not {short(tried)}, which was trained last"
        note = f"{other}; {note}" if note else other
    return Decision(in_use, in_use, "", "", note)


def nothing_new_decision(in_use: str) -> Decision:
    """What was trained is what is in use."""
    return Decision(in_use, in_use, "", "", f"model {short(in_use)} has learned from all there is")


def short(version: str) -> str:
    """A version as people read it."""
    return version[:SHOWN] + "\N{HORIZONTAL ELLIPSIS}" if len(version) > SHOWN else version


def signed(difference: float) -> str:
    """A difference between -1 and 1 as "+.012"."""
    return f"{difference:+.3f}".replace("0.", ".", 1)


def codings(n: int) -> str:
    """A count of codings."""
    return f"{n} coding{'s' * (n != 1)}"
