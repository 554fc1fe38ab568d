"""Names of codes, coders and speakers: one rule for when two spellings are one name."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

DEFAULT_CONTEXT_LABELS = frozenset({"interviewer", "int", "i", "moderator", "facilitator", "researcher"})
CONTEXT_CODING_SHARE = 0.05
#: What the model is called beside coders, so that none of them can be.
MODEL = "model"
LONGEST_NAME = 40
MOST_WORDS_IN_NAME = 4
_JOINS = re.compile(r"[\s_-]+")
_TRAILING_NUMBER = re.compile(r"[\s#_-]*\d+$")
# Letters that look like Latin ones in common fonts; enough to warn, not a security control.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABESIJKMHOPCTXaesijopcyxABEZHIKMNOPTYXo"
)


def tidy_name(name: str) -> str:
    """A name in NFC with white space folded and trimmed; what is stored and compared."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def fold_name(name: str) -> str:
    """What two names must share to be probably the same: case and compatibility forms ignored."""
    folded = unicodedata.normalize("NFKC", tidy_name(name)).casefold()
    return tidy_name(unicodedata.normalize("NFKC", folded))


def fold_code(name: str) -> str:
    """A code's name without case and without what joins its words: "Work_Day" and "work day" are one."""
    return _JOINS.sub(" ", fold_name(name))


def fold_speaker(label: str) -> str:
    """A speaker label without case and trailing number: "Interviewer 2" and "interviewer" are one."""
    folded = fold_name(label).rstrip(":")
    return _TRAILING_NUMBER.sub("", folded) or folded


def shown_name(raw: str) -> str:
    """A cell that should be a name, quoted for a message; what reads like talk is not repeated."""
    name = tidy_name(raw)
    return (
        f"'{name}'"
        if len(name) <= LONGEST_NAME and len(name.split()) <= MOST_WORDS_IN_NAME
        else "of this name"
    )


def is_models(coder: str) -> bool:
    """Whether a coder would be taken for the model, whatever the case of the name."""
    return fold_name(coder) == MODEL


def is_context(label: str, context: Collection[str]) -> bool:
    """Whether a speaker is among the context speakers, which are folded names.

    A name without a number stands for all its numbers ("interviewer" for "Interviewer 2"), one with a number
    for itself alone: of "Speaker 1" and "Speaker 2" one may be the interviewer.
    """
    return fold_name(label).rstrip(":") in context or fold_speaker(label) in context


def spelling_warnings(names: Iterable[str], *, kind: str) -> list[str]:
    """One warning for each group of different names that a reader could take for one.

    kind: what the names are, for the message ("code", "coder").
    """
    unique = sorted(set(names))
    one_of_each = list({fold_name(name): name for name in reversed(unique)}.values())
    return [
        *_groups(unique, fold_name, f"{kind}s {{}} differ only by case: they are kept apart"),
        *_groups(
            sorted(one_of_each),
            _skeleton,
            f"{kind}s {{}} look alike but use different letters: they are kept apart",
        ),
    ]


def _skeleton(name: str) -> str:
    return fold_name(name.translate(_LOOKALIKES))


def _groups(names: list[str], key: Callable[[str], str], message: str) -> list[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return [
        message.format(" and ".join(f"'{name}'" for name in group))
        for group in groups.values()
        if len(group) > 1
    ]
