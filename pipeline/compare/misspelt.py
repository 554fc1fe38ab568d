"""Codes that a coder wrote and the codebook lacks, and that one of the codebook is nearly spelled as.

Such codings are not used: where they stand the coder counts as having declined the code that may be meant. So what is
said of that code is wrong if it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any

#: Likeness of two names (Ratcliff and Obershelp 1988, as difflib has it) from which one may be meant as the other.
LEAST = 0.8
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Misspelt:
    """What a coder wrote instead of a code of the codebook, if it is that. n: codings that were not used."""

    coder: str
    written: str
    code: str
    n: int

    @property
    def told(self) -> str:
        """A sentence for the row of the code."""
        codings = "1 coding" if self.n == 1 else f"{self.n:,} codings"
        return (
            f"{self.coder}'s '{self.written}' ({codings}) is not in the codebook; if '{self.code}' is meant, these "
            "figures are wrong"
        )


def misspelt_codes(outside: Iterable[Sequence[Any]], codes: Sequence[str]) -> tuple[Misspelt, ...]:
    """outside: (coder, what they wrote, how often), of codes that are not in the codebook; codes: those that are."""
    found = []
    for coder, written, n in outside:
        nearest = max(codes, key=lambda code: _likeness(written, code), default="")
        if nearest and _likeness(written, nearest) >= LEAST:
            found.append(Misspelt(coder, written, nearest, n))
    return tuple(found)


def _likeness(one: str, other: str) -> float:
    """0..1, but for case; 0 with different numbers, for these tell codes apart."""
    if _NUMBER.findall(one) != _NUMBER.findall(other):
        return 0.0
    return SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def misspelt_rows(misspelt: Iterable[Misspelt]) -> list[dict[str, Any]]:
    """``misspelt`` of agreement.json and doctor.json."""
    return [{**asdict(one), "told": one.told} for one in misspelt]


def told_of(misspelt: Iterable[Misspelt], code: str | None) -> list[str]:
    """What is to be told beside the figures of a code; of all codes together (None) nothing."""
    return [one.told for one in misspelt if one.code == code]


def notes_on_misspelt(misspelt: Iterable[Misspelt]) -> list[str]:
    """The same before any number, where "these figures" would be nobody's."""
    return [one.told.replace("these figures", f"all figures of '{one.code}'") for one in misspelt]


def told_in_rows(rows: Iterable[Mapping[str, Any]], misspelt: Sequence[Misspelt]) -> list[dict[str, Any]]:
    """Rows of ``overall`` with ``misspelt``: what is to be told beside the code's figures."""
    return [{**row, "misspelt": told_of(misspelt, row["code"])} for row in rows]
