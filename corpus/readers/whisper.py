"""Machine transcripts in JSON, as Whisper and its kin write them.

Read are ``{"segments": [{"start", "end", "text", "speaker"?}]}`` (Whisper, faster-whisper, WhisperX), the list of
segments alone, and ``{"transcription": [{"offsets": {"from", "to"}, "text"}]}`` (whisper.cpp, in milliseconds).
The text is that of the segments, runs of white space in them as one space; how they become turns: ``utterances``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from corpus.decode import clean_text
from corpus.readers.documents import Sentences, reading_of_words, told
from corpus.readers.utterances import Utterance, join_utterances, joining_told
from corpus.records import Reading

_TOLD: Sentences = {
    "time": (
        "time that is no number of seconds: left out",
        "times that are no numbers of seconds: left out",
    ),
    "backwards": (
        "segment ends before it starts: its end time is left out",
        "segments end before they start: their end times are left out",
    ),
}


def find_segments(value: Any) -> Sequence[Any] | None:
    """The list of segments in parsed JSON; None if it is no machine transcript."""
    if isinstance(value, Mapping):
        for key in ("segments", "transcription"):
            if isinstance(value.get(key), list):
                return list(value[key])
        return None
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return value if "text" in value[0] and ("start" in value[0] or "offsets" in value[0]) else None
    return None


def read_segments(segments: Sequence[Any], *, source: str, warnings: Sequence[str] = ()) -> Reading:
    """The transcript in a list of segments; those without a text are listed in ``rejected``.

    Raises FileError if nobody says anything.
    """
    seen: Counter[str] = Counter()
    rejected: list[str] = []
    said: list[Utterance] = []
    for number, segment in enumerate(segments, start=1):
        if not isinstance(segment, Mapping) or not isinstance(segment.get("text"), str):
            rejected.append(f"segment {number}: no object with a text")
        else:
            said.append(_utterance(segment, seen))
    text, turns = join_utterances(said)
    cleaned, more = clean_text(text)
    warnings = [*warnings, *told(seen, _TOLD), *more, *joining_told(said, turns)]
    return reading_of_words(cleaned, turns, source=source, warnings=warnings, rejected=rejected)


def _utterance(segment: Mapping[str, Any], seen: Counter[str]) -> Utterance:
    start_time, end_time = _times(segment, seen)
    if start_time is not None and end_time is not None and end_time < start_time:
        seen["backwards"] += 1
        end_time = None
    speaker = segment.get("speaker")
    label, _ = clean_text(" ".join(speaker.split()) if isinstance(speaker, str) else "")
    return Utterance(label, " ".join(segment["text"].split()), start_time, end_time)


def _times(segment: Mapping[str, Any], seen: Counter[str]) -> tuple[float | None, float | None]:
    offsets = segment.get("offsets")
    if isinstance(offsets, Mapping):
        return _seconds(offsets.get("from"), seen, per_second=1000), _seconds(
            offsets.get("to"), seen, per_second=1000
        )
    return _seconds(segment.get("start"), seen), _seconds(segment.get("end"), seen)


def _seconds(value: Any, seen: Counter[str], *, per_second: int = 1) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        seen["time"] += 1
        return None
    return value / per_second
