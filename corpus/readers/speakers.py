"""Speaker turns in plain text, found in time linear in its length.

Forms of a label, at the beginning of a line:

- ``INT:``, ``Interviewer 2:``, ``Anna:`` with any colon (full width too), with or without a timestamp before it,
  after it or, in brackets, behind the colon: ``[00:01:02] Anna:``, ``00:01:02 Anna:``, ``Anna (01:02):``;
- a role, or a name that comes again in a text that mostly looks so, and a tab, as tables give it: ``P1<tab>talk``,
  ``0:03<tab>Anna<tab>talk``, ``Anna<tab>0:03<tab>talk``;
- a line of its own with a time, ``Anna Smith  0:03`` or ``0:03 Anna Smith``, and the talk in the lines below;
- a line of its own that is a role or a name in capitals, ``MODERATOR``, and the talk in the lines below.

What has such a form is a label, not talk, if it has at most 40 characters and 5 words and

1. names a role, numbered or not (interviewer, int, participant, p, speaker ...; see ``labels``), or
2. looks like a name (no word of talk such as "said", no heading such as "Date", small words only like "van") and
   has a timestamp in brackets or with hours, or stands on two lines or more, or stands once where labels are usual:
   at the head of a paragraph in a text of three or more where most begin with a label, on a line of its own in a
   text where a label of the kinds above stands so too, or anywhere in a text where half of the lines bear labels
   and that names fewer than two roles.

Labels without a colon count if there are two such lines or more (or the text begins with a timed one); a bare one
only where no label has a colon, with talk in the next line, and, if no role, after a blank line and not once only.
A line that holds a time alone belongs to the label in the line below; below a range of times, as Teams writes it
(``0:0:3.2 --> 0:0:5.0``), any name is a label.

Lines without a label go on with the turn above, unless all labels name the interviewer (see ``names``): then they are
the words of an unnamed other speaker. Text before the first label is a turn of speaker "". A text
without labels has one speaker, "", and a turn for each paragraph (between blank lines), or for each line if no line
is blank.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.names import DEFAULT_CONTEXT_LABELS, fold_speaker
from corpus.readers.marks import Mark, find_mark, name_below_times
from corpus.records import Turn

_MOST_LINES_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    start: int
    end: int
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class _Block:
    """A stretch from one label to the next; ``start``, ``end`` without label, but with white space."""

    speaker: str
    start: int
    end: int
    start_time: float | None = None
    end_time: float | None = None


def find_turns(text: str) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The turns of a text, numbered from 1, and warnings (which hold no label).

    A turn's span leaves out label, timestamp and the white space around the talk. A label without talk is no turn.
    """
    lines = _lines_with_words(text)
    labelled = _labelled_lines(lines)
    warnings = []
    if labelled:
        only_interviewer = _names_only_the_interviewer(lines, labelled)
        blocks = list(_labelled_blocks(text, lines, labelled, line_only=only_interviewer))
        if only_interviewer:
            warnings.append("only the interviewer is labelled: lines without a label are another speaker's")
        warnings += _doubts(lines, labelled)
    else:
        blocks = list(_paragraphs(text, lines))
        if len(blocks) > 1:
            warnings.append("no speaker labels found: each paragraph is a turn of an unnamed speaker")
    turns = _turns(text, blocks)
    if n_empty := sum(bool(block.speaker) for block in blocks) - sum(bool(turn.speaker) for turn in turns):
        labels = "1 speaker label" if n_empty == 1 else f"{n_empty} speaker labels"
        warnings.append(f"{labels} without words: not counted as a turn")
    return turns, tuple(warnings)


def _lines_with_words(text: str) -> list[_Line]:
    lines: list[_Line] = []
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        end = start + len(line)
        if line and not line.isspace():
            mark = find_mark(text, start, end)
            if mark is None and lines and _holds_range(lines[-1].mark):
                mark = name_below_times(line, end)
            lines.append(_Line(number, start, end, mark))
        start = end + 1
    return lines


def _holds_range(mark: Mark | None) -> bool:
    return mark is not None and mark.kind == "time" and mark.end_time is not None


def _labelled_lines(lines: Sequence[_Line]) -> set[int]:
    """Numbers of the lines that begin a turn, after the rule at the head of this file."""
    in_line = _with_label_in_line(lines)
    return in_line | _with_label_alone(lines, bare_too=not in_line)


def _with_label_in_line(lines: Sequence[_Line]) -> set[int]:
    marked = [(line.number, line.mark) for line in lines if line.mark and line.mark.kind == "colon"]
    roles = {mark.label.casefold() for _, mark in marked if mark.is_role}
    found = _plain_labels(lines) | _usual_heads(lines)
    if 2 * len(marked) >= len(lines) and len(roles) < 2:
        found |= {number for number, _ in marked}
    if any(mark.alone and number in found for number, mark in marked):
        found |= {number for number, mark in marked if mark.alone}
    return found | _labels_before_tabs(lines)


def _labels_before_tabs(lines: Sequence[_Line]) -> set[int]:
    """Roles if there are two such lines or more; names that come again, if half of the lines look so."""
    marked = [(line.number, line.mark) for line in lines if line.mark and line.mark.kind == "tab"]
    counts = Counter(mark.label.casefold() for _, mark in marked)
    is_table = 2 * len(marked) >= len(lines)
    found = {
        number for number, mark in marked if mark.is_role or (is_table and counts[mark.label.casefold()] > 1)
    }
    return found if len(found) > 1 else set()


def _plain_labels(lines: Sequence[_Line]) -> set[int]:
    """Lines with a colon whose label is a role, has a timestamp, or stands on two lines or more."""
    counts = Counter(line.mark.label.casefold() for line in lines if line.mark and line.mark.kind == "colon")
    found = set()
    for at, line in enumerate(lines):
        if line.mark is None or line.mark.kind != "colon":
            continue
        above = lines[at - 1].mark if at else None
        timed = line.mark.certain or (above is not None and above.kind == "time" and above.certain)
        if line.mark.is_role or timed or counts[line.mark.label.casefold()] > 1:
            found.add(line.number)
    return found


def _usual_heads(lines: Sequence[_Line]) -> set[int]:
    """Lines with a label at the head of a paragraph, if most of three or more paragraphs begin so."""
    heads = [line for at, line in enumerate(lines) if _heads_paragraph(lines, at)]
    labelled = {line.number for line in heads if line.mark and line.mark.kind == "colon"}
    return labelled if len(heads) >= 3 and 2 * len(labelled) > len(heads) else set()


def _heads_paragraph(lines: Sequence[_Line], at: int) -> bool:
    return at == 0 or lines[at - 1].number < lines[at].number - 1


def _with_label_alone(lines: Sequence[_Line], *, bare_too: bool) -> set[int]:
    counts = Counter(line.mark.label.casefold() for line in lines if line.mark and line.mark.kind == "bare")
    found: set[int] = set()
    for at, line in enumerate(lines):
        after = lines[at + 1] if at + 1 < len(lines) else None
        if line.mark is None or after is None or (after.mark and after.mark.kind == line.mark.kind):
            continue
        if line.mark.kind == "timed" and (line.mark.is_role or not line.mark.label[0].islower()):
            found.add(line.number)
        elif line.mark.kind == "bare" and bare_too and after.number == line.number + 1:
            named = _heads_paragraph(lines, at) and counts[line.mark.label.casefold()] > 1
            if named or (line.mark.is_role and len(line.mark.label) > 1):
                found.add(line.number)
    begins_timed = (
        bool(lines) and lines[0].number in found and lines[0].mark and lines[0].mark.kind == "timed"
    )
    return found if len(found) > 1 or begins_timed else set()


def _names_only_the_interviewer(lines: Sequence[_Line], labelled: set[int]) -> bool:
    """Whether each label stands before words and names the interviewer, and some lines bear none."""
    marks = [line.mark for line in lines if line.mark and line.number in labelled]
    return len(marks) < len(lines) and all(
        mark.kind in ("colon", "tab")
        and not mark.alone
        and fold_speaker(mark.label) in DEFAULT_CONTEXT_LABELS
        for mark in marks
    )


def _labelled_blocks(
    text: str, lines: Sequence[_Line], labelled: set[int], *, line_only: bool
) -> Iterator[_Block]:
    """The text cut at its labels; the first block is what stands before the first label.

    line_only: a label holds for its own line, and the lines below are an unnamed speaker's.
    """
    speaker, start = "", 0
    times: tuple[float | None, float | None] = (None, None)
    for at, line in enumerate(lines):
        mark = line.mark
        if mark is None or line.number not in labelled:
            continue
        end, own_times = line.start, (mark.start_time, mark.end_time)
        above = lines[at - 1] if at else None
        if above and above.mark and above.mark.kind == "time" and mark.start_time is None:
            end, own_times = above.start, (above.mark.start_time, above.mark.end_time)
        yield _Block(speaker, start, end, *times)
        speaker, start, times = mark.label, mark.words, own_times
        if line_only:
            yield _Block(speaker, start, line.end, *times)
            speaker, start, times = "", line.end, (None, None)
    yield _Block(speaker, start, len(text), *times)


def _paragraphs(text: str, lines: Sequence[_Line]) -> Iterator[_Block]:
    """Runs of lines between blank lines; each line by itself if none between them is blank."""
    by_line = all(later.number == line.number + 1 for line, later in itertools.pairwise(lines))
    first = 0
    for at, line in enumerate(lines):
        is_last = at + 1 == len(lines)
        if by_line or is_last or lines[at + 1].number > line.number + 1:
            yield _Block("", lines[first].start, line.end)
            first = at + 1


def _turns(text: str, blocks: Sequence[_Block]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    for block in blocks:
        words = text[block.start : block.end]
        start = block.start + len(words) - len(words.lstrip())
        end = block.start + len(words.rstrip())
        if start < end:
            turns.append(Turn(len(turns) + 1, block.speaker, start, end, block.start_time, block.end_time))
    return tuple(turns)


def _doubts(lines: Sequence[_Line], labelled: set[int]) -> list[str]:
    """A warning for lines that look labelled and were taken as talk."""
    numbers = [
        str(line.number)
        for line in lines
        if line.mark and line.mark.kind == "colon" and line.number not in labelled
    ]
    if not numbers:
        return []
    shown = ", ".join(numbers[:_MOST_LINES_NAMED]) + (" ..." if len(numbers) > _MOST_LINES_NAMED else "")
    noun = "line begins" if len(numbers) == 1 else "lines begin"
    return [
        f"{len(numbers)} {noun} like a speaker label but went to the turn above, for the label stands only once: "
        f"line {shown}"
    ]
