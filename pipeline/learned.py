"""What a model learned from, kept beside it.

So that a later run can count what is new since, and knows what the model has not seen.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from corpus.files import digest, read_json, write_json
from corpus.records import Segment
from corpus.study import Study
from models.encoder import find_encoder
from pipeline.cache import read_parquet, write_parquet
from pipeline.target import Target, learned_coders
from pipeline.units import CODEBOOK_FIELDS, Units

CODINGS, SEGMENTS, CONDITIONS = "codings.parquet", "segments.parquet", "conditions.json"
CODING_TYPES = {"transcript": "str", "coder": "str", "code": "str", "words": "str"}
SEGMENT_TYPES = {"segment_id": "str", "transcript": "str", "group": "str", "words": "str"}

#: What is learned from is another thing if one of these differs; the words that tell so.
_CONDITIONS = {
    "codebook": "the codebook changed",
    "encoder": "the sentence encoder changed",
    "gold": "[target] gold changed",
    "group_by": "[evaluation] group_by changed",
    "seed": "[study] seed changed",
    "unit": "the unit of coding changed",
}
#: So many words are not said twice by chance: who says them again is in the same transcript under another name.
LONG_WORDS = 8
#: (transcript, coder, code, sha256 of the words)
CodingRow = tuple[str, str, str, str]
#: (transcript, sha256 of the words, how many segments with these words stand before it there)
SegmentKey = tuple[str, str, int]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Learned:
    """What a model learned from.

    conditions: name of what it was learned under, as in _CONDITIONS, -> its value. codings: those that the target
    uses. segment_ids: of what it learned from, by ``known_again``. transcripts, groups: of these segments. own_words:
    sha256 of what was said in one of these transcripts alone; a question that is asked in all of them tells none.
    """

    conditions: Mapping[str, str]
    codings: Sequence[CodingRow]
    segment_ids: Mapping[SegmentKey, str]
    transcripts: frozenset[str]
    groups: frozenset[str]
    own_words: frozenset[str]

    def known_among(self, segments: Iterable[Segment]) -> frozenset[str]:
        """The transcripts that the model has learned from, among those of some segments.

        By their names, or by one segment of ``LONG_WORDS`` words or more, for a file may have been renamed and edited
        since. A renamed transcript of short answers alone is not known again.
        """
        found = {segment.transcript_id for segment in segments if self._is_known(segment)}
        return frozenset(found)

    def _is_known(self, segment: Segment) -> bool:
        if segment.transcript_id in self.transcripts:
            return True
        return len(segment.text.split()) >= LONG_WORDS and sha256_of_words(segment.text) in self.own_words


def conditions_of(
    study: Study, codebook: Sequence[Mapping[str, str]], *, encoder: str, unit: str
) -> dict[str, str]:
    """What a model is trained under; where it differs, the model is trained again.

    encoder: "" for words only. unit: "turn" or "passage". The order of the codebook does not count.
    """
    rows = {row["name"]: {field: row[field] for field in CODEBOOK_FIELDS} for row in codebook}
    return {
        "codebook": digest(rows),
        "encoder": find_encoder(encoder).key if encoder else "",
        "gold": study.settings.target.gold,
        "group_by": study.settings.evaluation.group_by.lower(),
        "seed": str(study.settings.study.seed),
        "unit": unit,
    }


def what_changed(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """In words what of the conditions differs, "" if nothing does."""
    return ", ".join(words for name, words in _CONDITIONS.items() if then.get(name) != now[name])


def can_be_asked(
    then: Mapping[str, str], now: Mapping[str, str], *, codes: Iterable[str], codebook: Iterable[str]
) -> bool:
    """Whether a model can be asked of the segments there are, under other conditions than it was trained under.

    then, now: conditions. codes: of the model. codebook: the codes of the study now.
    """
    same = all(then.get(name) == now[name] for name in ("unit", "encoder"))
    return same and set(codes) <= set(codebook)


def used_codings(spans: pd.DataFrame, units: Units, target: Target, *, gold: str) -> list[CodingRow]:
    """The codings as people marked them that the target uses, sorted; codings on context speakers are not among them.

    A coding is known by its words and not by its place, so that an edit elsewhere in a transcript makes no new ones.
    """
    used = np.zeros(len(units.segments), dtype=bool)
    used[target.rows] = True
    coders = {name: i for i, name in enumerate(units.coders)}
    wanted = {name for name, i in coders.items() if i in learned_coders(units, gold=gold)}
    codes = {code: i for i, code in enumerate(units.codes)}
    rows_of = _rows_of(units.segments)
    starts, ends = (
        np.array([getattr(segment, end) for segment in units.segments], dtype=np.intp)
        for end in ("start", "end")
    )
    found: list[CodingRow] = []
    for transcript, coder, code, start, end in spans.itertuples(index=False, name=None):
        rows = rows_of.get(transcript, np.zeros(0, dtype=np.intp))
        touched = rows[(starts[rows] < end) & (ends[rows] > start)]
        if coder in wanted and (units.given[coders[coder], touched, codes[code]] & used[touched]).any():
            said = "\n".join(_within(units.segments[row], start, end) for row in touched)
            found.append((transcript, coder, code, sha256_of_words(said)))
    return sorted(found)


def _rows_of(segments: Sequence[Segment]) -> dict[str, IntArray]:
    rows: dict[str, list[int]] = {}
    for row, segment in enumerate(segments):
        rows.setdefault(segment.transcript_id, []).append(row)
    return {name: np.array(places, dtype=np.intp) for name, places in rows.items()}


def _within(segment: Segment, start: int, end: int) -> str:
    return segment.text[max(0, start - segment.start) : max(0, end - segment.start)]


def sha256_of_words(text: str) -> str:
    """Hex digest by which words are known again."""
    return hashlib.sha256(text.encode()).hexdigest()


def known_again(transcripts: Iterable[str], words: Iterable[str]) -> list[SegmentKey]:
    """By what segments, in the order of the corpus, are known again when an edit elsewhere has moved them.

    words: sha256 of each.
    """
    before: Counter[tuple[str, str]] = Counter()
    found = []
    for place in zip(transcripts, words, strict=True):
        found.append((*place, before[place]))
        before[place] += 1
    return found


def n_new_codings(then: Sequence[CodingRow], now: Sequence[CodingRow]) -> int:
    """How many codings came or went: the symmetric difference, so that one that was changed counts twice."""
    before, after = Counter(then), Counter(now)
    return ((before - after) + (after - before)).total()


def write_learned(
    folder: Path, units: Units, target: Target, codings: Sequence[CodingRow], conditions: Mapping[str, str]
) -> None:
    """Keep beside a model what it learned from."""
    columns: Sequence[Sequence[Any]] = (
        list(zip(*codings, strict=True)) if codings else [()] * len(CODING_TYPES)
    )
    write_parquet(folder / CODINGS, dict(zip(CODING_TYPES, columns, strict=True)), CODING_TYPES)
    segments = [units.segments[row] for row in target.rows]
    known = {
        "segment_id": [segment.segment_id for segment in segments],
        "transcript": [segment.transcript_id for segment in segments],
        "group": list(target.groups),
        "words": [sha256_of_words(segment.text) for segment in segments],
    }
    write_parquet(folder / SEGMENTS, known, SEGMENT_TYPES)
    write_json(folder / CONDITIONS, dict(conditions))


def read_codings(folder: Path) -> list[CodingRow]:
    """The codings that a model learned from."""
    return list(read_parquet(folder / CODINGS).itertuples(index=False, name=None))


def read_conditions(folder: Path) -> dict[str, str]:
    """What a model was trained under."""
    found: dict[str, str] = read_json(folder / CONDITIONS)
    return found


def read_learned(folder: Path) -> Learned:
    """What ``write_learned`` kept."""
    segments = read_parquet(folder / SEGMENTS)
    return Learned(
        conditions=read_conditions(folder),
        codings=read_codings(folder),
        segment_ids=dict(
            zip(known_again(segments["transcript"], segments["words"]), segments["segment_id"], strict=True)
        ),
        transcripts=frozenset(segments["transcript"]),
        groups=frozenset(segments["group"]),
        own_words=_own_words(segments["transcript"], segments["words"]),
    )


def _own_words(transcripts: Iterable[str], words: Iterable[str]) -> frozenset[str]:
    places = set(zip(transcripts, words, strict=True))
    n_transcripts = Counter(found for _, found in places)
    return frozenset(found for found, n in n_transcripts.items() if n == 1)
