"""The cues of WebVTT and SubRip files: where each stands, its times and its lines; in linear time, none dropped.

Files are read as people's tools write them: a missing blank line, a wrong decimal mark or a number that stands twice
costs no words. Lines that stand between cues without a time go on with the cue above.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from corpus.readers.documents import Sentences, told

_TIME = r"(?:(?P<{0}_h>\d{{1,9}}):)?(?P<{0}_m>[0-5]?\d):(?P<{0}_s>[0-5]\d)(?:(?P<{0}_mark>[.,])(?P<{0}_f>\d{{1,9}}))?"
_TIMES = re.compile(rf"\s*{_TIME.format('start')}\s*-->\s*{_TIME.format('end')}(?:\s.*)?")
_LIKE_TIMES = re.compile(r"\s*-?\d[\d:.,]*\s*-{1,2}>")
_CUT_TIMES = re.compile(r"[\d\s:.,>-]+")
_NOT_TALK = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_MARK_OF = {"vtt": ".", "srt": ","}

_TOLD: Sentences = {
    "note": ("note (NOTE): left out", "notes (NOTE): left out"),
    "blank": ("cue without a blank line before it", "cues without a blank line before them"),
    "mark": (
        "time with the decimal mark of another caption format",
        "times with the decimal mark of another caption format",
    ),
    "id": ("cue name or number stands more than once", "cue names or numbers stand more than once"),
    "stray": (
        "line without a time of its own: read as part of the cue above",
        "lines without a time of their own: read as part of the cue above",
    ),
    "backwards": (
        "cue ends before it starts: its end time is left out",
        "cues end before they start: their end times are left out",
    ),
    "order": (
        "cue begins before the one above: kept in the order of the file",
        "cues begin before the one above: kept in the order of the file",
    ),
    "overlap": ("cue overlaps the one above in time", "cues overlap the one above in time"),
}


@dataclass(slots=True)
class Cue:
    """One caption. ``line``: of its time line, from 1; times in seconds, None if they cannot be read."""

    line: int
    start_time: float | None
    end_time: float | None
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Cues:
    """The cues of a file in its order, what was odd (counted), and what could not be taken as it stands."""

    kind: str
    cues: list[Cue] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    rejected: list[str] = field(default_factory=list)
    headless: bool = False
    names: Counter[str] = field(default_factory=Counter)

    @property
    def warnings(self) -> list[str]:
        """What a researcher should know of the file."""
        head = ["no WEBVTT at the head of the file: read all the same"] if self.headless else []
        return head + told(self.seen, _TOLD)


def find_cues(text: str, *, kind: str) -> Cues:
    """The cues of a decoded file; ``kind`` is "vtt" or "srt"."""
    found = Cues(kind)
    lines = text.split("\n")
    at = _end_of_head(lines, found) if kind == "vtt" else 0
    for start, end in _blocks(lines, at):
        if kind == "vtt" and _NOT_TALK.match(lines[start]):
            found.seen["note"] += lines[start].startswith("NOTE")
        else:
            _read_block(lines, start, end, found)
    found.seen["id"] = sum(count > 1 for count in found.names.values())
    _check_times(found)
    return found


def _end_of_head(lines: Sequence[str], found: Cues) -> int:
    """Where the lines below WEBVTT end: at a blank line, or at the first time line and its cue's name."""
    if not lines[0].startswith("WEBVTT"):
        found.headless = True
        return 0
    for at, line in enumerate(lines):
        if not line.strip():
            return at
        if _LIKE_TIMES.match(line):
            return at - 1 if at > 1 and lines[at - 1].strip().isdecimal() else at
    return len(lines)


def _blocks(lines: Sequence[str], start: int) -> Iterator[tuple[int, int]]:
    """Runs of lines that are not blank, as half-open spans."""
    first = -1
    for at in range(start, len(lines)):
        if lines[at].strip():
            first = at if first < 0 else first
        elif first >= 0:
            yield first, at
            first = -1
    if first >= 0:
        yield first, len(lines)


def _read_block(lines: Sequence[str], start: int, end: int, found: Cues) -> None:
    """The cues of one block: a well-formed one holds one, whose name or number may stand above its time line."""
    times = [at for at in range(start, end) if _LIKE_TIMES.match(lines[at])]
    if not times:
        _go_on(lines, start, end, found)
        return
    found.seen["blank"] += len(times) - 1
    named = _has_name(lines, start, times[0], found.kind)
    _go_on(lines, start, times[0] - named, found)
    for at, following in zip(times, [*times[1:], end], strict=True):
        if named:
            found.names[lines[at - 1].strip()] += 1
        named = following < end and _has_name(lines, at + 1, following, "srt")
        found.cues.append(_cue(at + 1, lines[at], lines[at + 1 : following - named], found))


def _has_name(lines: Sequence[str], first: int, time_line: int, kind: str) -> bool:
    """Whether the line above a time line names its cue: a number, or in WebVTT a line that stands there alone."""
    if time_line - 1 < first:
        return False
    return lines[time_line - 1].strip().isdecimal() or (kind == "vtt" and time_line - 1 == first)


def _go_on(lines: Sequence[str], start: int, end: int, found: Cues) -> None:
    """Lines without a time go on with the cue above."""
    if start >= end:
        return
    if end == len(lines) and _CUT_TIMES.fullmatch("".join(lines[start:end])):
        found.rejected.append(f"line {start + 1}: the file is cut in the head of a cue")
    elif found.cues:
        found.seen["stray"] += end - start
        found.cues[-1].lines += lines[start:end]
    else:
        found.rejected.append(f"line {start + 1}: text before the first cue: not read")


def _cue(number: int, line: str, words: Sequence[str], found: Cues) -> Cue:
    match = _TIMES.fullmatch(line)
    if match is None:
        and_then = "its words are kept without them" if words else "no words follow"
        found.rejected.append(f"line {number}: the times of this cue cannot be read; {and_then}")
        return Cue(number, None, None, list(words))
    marks = (match["start_mark"], match["end_mark"])
    found.seen["mark"] += sum(mark not in (None, _MARK_OF[found.kind]) for mark in marks)
    return Cue(number, _seconds(match, "start"), _seconds(match, "end"), list(words))


def _seconds(match: re.Match[str], name: str) -> float:
    whole = 3600 * int(match[f"{name}_h"] or 0) + 60 * int(match[f"{name}_m"]) + int(match[f"{name}_s"])
    return float(f"{whole}.{match[f'{name}_f'] or 0}")


def _check_times(found: Cues) -> None:
    """Flag cues that end before they start, and cues out of order or above each other."""
    above: Cue | None = None
    for cue in found.cues:
        if cue.start_time is None or cue.end_time is None:
            continue
        if cue.end_time < cue.start_time:
            found.seen["backwards"] += 1
            cue.end_time = None
        if above and above.start_time is not None and cue.start_time < above.start_time:
            found.seen["order"] += 1
        elif above and above.end_time is not None and cue.start_time < above.end_time:
            found.seen["overlap"] += 1
        above = cue
