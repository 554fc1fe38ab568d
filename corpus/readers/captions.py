"""Captions: WebVTT (.vtt) and SubRip (.srt), as Zoom, Teams, Otter, Trint and subtitle editors write them.

The text holds the words of the cues only: formatting tags are taken off, entities decoded, runs of white space
(no-break spaces too) become one space; what stands in a ``<script>`` is left out and told. Tags that captions do not
know stay as words. How cues become turns: ``utterances``.

Speakers: a voice tag ``<v Anna>`` holds for its part of the cue. Labels in the words (``Anna: Hello``, as Zoom and
Otter write them) follow the rule for plain text (``speakers``) with each line of a cue as a line; a cue without a
label goes on with the speaker above. In a file with voice tags, a cue without one names nobody.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from corpus.decode import Decoded, decode
from corpus.errors import FileError
from corpus.readers.cues import Cue, find_cues
from corpus.readers.documents import reading_of_words
from corpus.readers.speakers import find_turns
from corpus.readers.utterances import Utterance, join_utterances, joining_told
from corpus.records import Reading

MAX_BYTES = 8 * 2**20
#: An interview of ten hours has about 50,000 lines.
MAX_LINES = 100_000
MAX_TAGS = 100_000

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:\s+(?P<name>[^<>]*))?>|</v\s*>")
_TAG = re.compile(
    r"</?(?:[cibusp]|em|strong|font|span|lang|ruby|rt|div)(?:[.\s][^<>]*)?>|<\d[\d:.]*>|\{\\[^{}]*\}",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SCRIPT_BEGINS = re.compile(r"<script\b", re.IGNORECASE)
_SCRIPT_ENDS = re.compile(r"</script\s*>", re.IGNORECASE)


@dataclass(slots=True)
class _Line:
    """A line of a cue, or the part of it that one voice says; ``speaker`` is None where no tag names one."""

    cue: Cue
    speaker: str | None
    words: str


def read_webvtt(data: bytes, *, source: str) -> Reading:
    """The transcript in a WebVTT file.

    source: the file's path below ``transcripts/``; its stem is the transcript's id.
    ``rejected`` lists time lines that cannot be read (their words are kept). Raises FileError for what is not text,
    for more than 8 MB, 100,000 lines or as many tags, and for a file in which nobody says anything.
    """
    decoded = _decode(data, source)
    reading = _read(decoded, source, "vtt")
    if decoded.encoding == "utf-8":
        return reading
    told = f"WebVTT must be UTF-8; read as {decoded.encoding.upper()}"
    return Reading(reading.transcripts, (told, *reading.warnings), reading.rejected)


def read_subrip(data: bytes, *, source: str) -> Reading:
    """The transcript in a SubRip file; as ``read_webvtt``."""
    return _read(_decode(data, source), source, "srt")


def _decode(data: bytes, source: str) -> Decoded:
    if len(data) > MAX_BYTES:
        problem = f"{len(data) / 2**20:.0f} MB: captions may have {MAX_BYTES // 2**20} MB"
        raise FileError(source, [problem], "Split the file.")
    decoded = decode(data, file=source)
    n_lines, n_tags = decoded.text.count("\n"), decoded.text.count("<")
    if n_lines > MAX_LINES or n_tags > MAX_TAGS:
        problem = f"{n_lines} lines and {n_tags} tags: {MAX_LINES} lines and {MAX_TAGS} tags are allowed"
        raise FileError(source, [problem], "Split the file.")
    return decoded


def _read(decoded: Decoded, source: str, kind: str) -> Reading:
    found = find_cues(decoded.text, kind=kind)
    warnings = [*decoded.warnings, *found.warnings]
    lines: list[_Line] = []
    n_scripts = 0
    for cue in found.cues:
        payload, n_left_out = _without_scripts("\n".join(cue.lines))
        n_scripts += n_left_out
        lines += _lines(cue, payload)
    if n_scripts:
        warnings.append(f"scripts left out: {n_scripts}")
    if n_rolling := sum(a.cue is not b.cue and a.words == b.words for a, b in pairwise(lines)):
        warnings.append(
            f"lines that repeat the line above (rolling captions): {n_rolling}, read as they stand"
        )
    utterances = list(_utterances(lines))
    text, turns = join_utterances(utterances)
    warnings += joining_told(utterances, turns)
    return reading_of_words(text, turns, source=source, warnings=warnings, rejected=found.rejected)


def _without_scripts(payload: str) -> tuple[str, int]:
    """A cue without its scripts, and their count; one that is never closed stays as words."""
    kept, at, n_scripts = [], 0, 0
    while (begins := _SCRIPT_BEGINS.search(payload, at)) and (
        ends := _SCRIPT_ENDS.search(payload, begins.end())
    ):
        kept.append(payload[at : begins.start()])
        at = ends.end()
        n_scripts += 1
    return "".join([*kept, payload[at:]]), n_scripts


def _lines(cue: Cue, payload: str) -> Iterator[_Line]:
    """The lines of a cue that hold words, each cut where the voice changes."""
    speaker, at = None, 0
    for match in [*_VOICE.finditer(payload), None]:
        part = payload[at : match.start() if match else len(payload)]
        for line in part.split("\n"):
            if words := _plain(line):
                yield _Line(cue, speaker, words)
        if match:
            speaker, at = (_plain(match["name"]) if match["name"] else None), match.end()


def _plain(line: str) -> str:
    """A line without tags, its entities decoded, with single spaces."""
    return " ".join(html.unescape(_TAG.sub("", _BREAK.sub(" ", line))).split())


def _utterances(lines: Sequence[_Line]) -> Iterator[Utterance]:
    """One for each stretch of a cue that one speaker says."""
    said = _with_labels_read(lines)
    for _, stretch in groupby(said, key=lambda line: (id(line.cue), line.speaker)):
        pieces = list(stretch)
        cue, words = pieces[0].cue, " ".join(piece.words for piece in pieces)
        yield Utterance(pieces[0].speaker or "", words, cue.start_time, cue.end_time)


def _with_labels_read(lines: Sequence[_Line]) -> list[_Line]:
    """The lines with the speaker that a label in the words names, and without the label."""
    if any(line.speaker is not None for line in lines):
        return list(lines)
    text = "\n".join(line.words for line in lines)
    turns, _ = find_turns(text)
    said: list[_Line] = []
    queue = iter(turns)
    turn = next(queue, None)
    start = 0
    for line in lines:
        end = start + len(line.words)
        while turn and turn.start < end:
            words = text[max(start, turn.start) : min(end, turn.end)].strip()
            said.append(_Line(line.cue, turn.speaker, words))
            if turn.end > end:
                break
            turn = next(queue, None)
        start = end + 1
    return said
