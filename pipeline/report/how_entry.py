"""What an explanation of a number is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class How:
    """One explained number.

    key: what links to it. rows: further lines, name -> text, as formula, source, missing values.
    """

    key: str
    title: str
    text: str
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HowGroup:
    """Explanations that belong together."""

    title: str
    entries: tuple[How, ...]
