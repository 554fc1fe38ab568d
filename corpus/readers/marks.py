"""Lines that may begin a speaker's turn, and what stands in them: label, timestamps, where the talk begins.

Whether such a line does begin a turn depends on the whole text; ``speakers`` decides that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.readers.labels import MAX_CHARACTERS, is_name_like, is_role

_TIME = r"\d{1,3}:(?:[0-5]\d(?::[0-5]\d)?|[0-5]?\d:[0-5]?\d)(?:[.,]\d{1,7})?"  # Teams: 0:0:2.34
_DIRECTION_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_WIDE_COLON = "\uff1a"
_AROUND_LABEL = " \t\xa0\u3000*_" + _DIRECTION_MARKS
_LABEL = rf"(?P<label>[^:{_WIDE_COLON}\t\n]{{1,60}}?)"
_COLON = rf"(?:(?<!\d)[:{_WIDE_COLON}]|[:{_WIDE_COLON}](?!\d))(?!//|\\)"  # not in 10:30, https://, C:\
_LONGEST_HEAD = 160  # no pattern looks further into a line: that keeps the search linear


def _times(name: str, *, in_brackets: bool = False) -> str:
    """Pattern of a time or a range of times, with brackets around it or, unless asked for, without."""
    optional = "" if in_brackets else "?"
    until = rf"(?:[ \t]*(?:-->|to|[-–—])[ \t]*(?P<{name}_end>{_TIME}))?"
    return rf"(?P<{name}_bracket>[\[(<{{]){optional}(?P<{name}>{_TIME}){until}[\])>}}]{optional}"


_WITH_COLON = re.compile(
    rf"(?:{_times('before')}[ \t]*[-–|]?[ \t]*)?[*_]{{0,3}}{_LABEL}[*_]{{0,3}}[ \t]*"
    rf"(?:[,|–-]?[ \t]*{_times('after')}[ \t]*)?{_COLON}[*_]{{0,3}}(?:[ \t]*{_times('behind', in_brackets=True)})?"
)
_WITH_TAB = re.compile(rf"(?:{_times('before')}[ ]*\t)?{_LABEL}[ ]*\t(?:{_times('after')}[ ]*\t)?")
_NAME_TIME = re.compile(rf"{_LABEL}(?:[ \t]*[,|–-]?[ \t]+|[ \t]*(?=[\[(])){_times('after')}\s*$")
_TIME_NAME = re.compile(rf"{_times('before')}[ \t]*[-–|]?[ \t]*{_LABEL}\s*$")
_TIME_ALONE = re.compile(rf"{_times('before')}\s*$")


@dataclass(frozen=True, slots=True)
class Mark:
    """What may be the beginning of a turn.

    kind: "colon", "tab" (a label and a tab, maybe with a time by it), "timed" (name and time on a line of their
        own), "bare" (a role or a name in capitals on a line of its own) or "time" (nothing but a time; its label
        is "").
    words: offset where the talk may begin; start_time, end_time: seconds.
    is_role: the label names a part in an interview; certain: a timestamp in brackets or with hours is by it;
    alone: nothing follows in its line.
    """

    kind: str
    label: str
    words: int
    start_time: float | None = None
    end_time: float | None = None
    is_role: bool = False
    certain: bool = False
    alone: bool = False


def find_mark(text: str, start: int, end: int) -> Mark | None:
    """The mark of the line ``text[start:end]``; None if it is plainly talk."""
    head = text[start : min(end, start + _LONGEST_HEAD)]
    tidy = head.lstrip().lstrip(_AROUND_LABEL)
    offset, is_whole = start + len(head) - len(tidy), end - start <= _LONGEST_HEAD
    if ":" in tidy or _WIDE_COLON in tidy:
        if (match := _WITH_COLON.match(tidy)) and (mark := _mark("colon", match, offset)):
            return mark
        if is_whole and tidy[-1] in "0123456789])>} \t\r" and (match := _NAME_TIME.match(tidy)):
            return _mark("timed", match, offset)
        if is_whole and (match := _TIME_ALONE.match(tidy)):
            start_time, end_time, certain = _read_times(match)
            return Mark("time", "", end, start_time, end_time, certain=certain)
        if is_whole and (match := _TIME_NAME.match(tidy)):
            return _mark("timed", match, offset)
    if "\t" in tidy and (match := _WITH_TAB.match(tidy)):
        return _mark("tab", match, offset)
    return _bare(tidy, end) if is_whole and len(tidy) <= 2 * MAX_CHARACTERS else None


def name_below_times(line: str, end: int) -> Mark | None:
    """The mark of a line that stands below one with a range of times, as Teams writes them, if it is a name."""
    label = tidy_label(line)
    return Mark("timed", label, end, is_role=is_role(label)) if is_name_like(label) else None


def _mark(kind: str, match: re.Match[str], offset: int) -> Mark | None:
    label = tidy_label(match["label"])
    role = is_role(label)
    if not role and not is_name_like(label):
        return None
    start_time, end_time, certain = _read_times(match)
    alone = not match.string[match.end() :].strip()
    return Mark(kind, label, offset + match.end(), start_time, end_time, role, certain, alone)


def _bare(line: str, end: int) -> Mark | None:
    label = tidy_label(line)
    role = is_role(label)
    if role or (label.isupper() and len(label) > 1 and is_name_like(label)):
        return Mark("bare", label, end, is_role=role)
    return None


def tidy_label(raw: str) -> str:
    """A label without the white space, emphasis and direction marks around it, and without [ ] around all of it."""
    label = raw.strip().strip(_AROUND_LABEL)
    if label.startswith("[") and label.endswith("]"):
        label = label[1:-1].strip()
    return label


def _read_times(match: re.Match[str]) -> tuple[float | None, float | None, bool]:
    """First and last second, and whether the time is plainly a timestamp."""
    found = match.groupdict()
    for name in ("before", "after", "behind"):
        if time := found.get(name):
            until = found.get(f"{name}_end")
            certain = bool(found.get(f"{name}_bracket")) or time.count(":") == 2
            return seconds(time), seconds(until) if until else None, certain
    return None, None, False


def seconds(time: str) -> float:
    """Seconds of a time like 0:03, 01:02:03 or 01:02.5."""
    total = 0.0
    for part in time.replace(",", ".").split(":"):
        total = 60 * total + float(part)
    return total
