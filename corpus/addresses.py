"""Which span of a transcript an address names: ``start`` and ``end``, ``turn``, or ``quote``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from corpus.records import Transcript

# Python's int() also takes "1_0" and the digits of every script.
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


class AddressError(ValueError):
    """Why an address does not name one span; holds no words of the transcript."""


def resolve_address(cells: Mapping[str, str], transcript: Transcript) -> tuple[int, int]:
    """The span that a row names: ``start`` and ``end`` (checked by ``quote``), else ``turn``, else ``quote``.

    Raises AddressError; a span is never clipped nor moved.
    """
    quote = cells.get("quote", "").replace("\r\n", "\n").replace("\r", "\n")
    if cells.get("start", "").strip() or cells.get("end", "").strip():
        start, end = whole_number(cells, "start"), whole_number(cells, "end")
        check_span(start, end, len(transcript.text))
        if quote and transcript.text[start:end] != quote:
            raise AddressError(f"the quote is not what stands at {start} to {end} of the transcript")
        return start, end
    if cells.get("turn", "").strip():
        return _turn_span(whole_number(cells, "turn"), quote, transcript)
    if quote:
        return _only_place(quote, transcript.text, 0, len(transcript.text))
    raise AddressError("no address: give start and end, or turn, or quote")


def _turn_span(number: int, quote: str, transcript: Transcript) -> tuple[int, int]:
    turn = next((turn for turn in transcript.turns if turn.number == number), None)
    if turn is None:
        raise AddressError(f"no turn {number} (the transcript has {len(transcript.turns)})")
    if quote:
        return _only_place(quote, transcript.text, turn.start, turn.end)
    return turn.start, turn.end


def _only_place(quote: str, text: str, first: int, last: int) -> tuple[int, int]:
    start = text.find(quote, first, last)
    if start < 0:
        raise AddressError("the quote does not stand in the transcript")
    if text.find(quote, start + 1, last) >= 0:
        raise AddressError("the quote stands more than once in the transcript; add start and end")
    return start, start + len(quote)


def whole_number(cells: Mapping[str, str], column: str) -> int:
    """The number in a cell. Raises AddressError, which shows what stands there unless it reads like talk."""
    raw = cells.get(column, "").strip()
    if not _WHOLE.fullmatch(raw):
        found = f"'{raw}'" if len(raw) <= 20 and not any(sign.isspace() for sign in raw) else "a longer text"
        raise AddressError(f"{column} is {found}, not a whole number")
    return int(raw)


def check_span(start: int, end: int, length: int) -> None:
    """Raises AddressError unless 0 <= start < end <= length."""
    if start < 0:
        raise AddressError(f"start {start} is negative")
    if start >= end:
        raise AddressError(f"start {start} is not before end {end}")
    if end > length:
        raise AddressError(f"end {end} lies past the end of the transcript ({length} characters)")
