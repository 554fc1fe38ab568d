"""Offsets that other tools count in other units than ours, brought to code points of the text as we keep it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from itertools import accumulate

#: How many units a character takes, by the name of the unit.
_WIDTHS: Mapping[str, Callable[[str], int]] = {
    "code points": lambda character: 1,
    "utf-16": lambda character: 1 + (ord(character) > 0xFFFF),
    "utf-8": lambda character: len(character.encode("utf-8", "surrogatepass")),
}
_NAMES = {"codepoints": "code points", "codepoint": "code points", "unicode": "code points"} | {
    "utf16": "utf-16",
    "utf8": "utf-8",
    "bytes": "utf-8",
}


def unit_called(name: str) -> str:
    """Our name of a unit ("code points", "utf-16", "utf-8") however it is spelled; "" if it is not known."""
    key = name.casefold().replace("_", "-").strip()
    short = key.replace("-", "").replace(" ", "").removesuffix("s" if key != "bytes" else "")
    return key if key in _WIDTHS else _NAMES.get(short, "")


class OffsetRule:
    """Converts offsets into a text as the file has it to offsets into the same text by the text rule.

    raw: the text before ``clean_text`` (which makes one LF of CRLF); unit: one of ``unit_called``.
    """

    def __init__(self, raw: str, unit: str) -> None:
        width = _WIDTHS[unit]
        self._units = [0, *accumulate(width(character) for character in raw)]
        pairs = (
            [at for at in range(len(raw) - 1) if raw[at] == "\r" and raw[at + 1] == "\n"]
            if "\r" in raw
            else []
        )
        self._pairs = pairs

    def convert(self, offset: int) -> int | None:
        """The offset in code points of the cleaned text; None if it lies outside or inside a character."""
        if not 0 <= offset <= self._units[-1]:
            return None
        at = bisect_left(self._units, offset)
        if self._units[at] != offset:
            return None
        return at - bisect_left(self._pairs, at)
