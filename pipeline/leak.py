"""leak: what stands on both sides when the model is scored, the same words or the same person.

Whole groups are held out, but a group may repeat another: a text that was read out everywhere, a person who was
interviewed twice. The model can then score by remembering.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import CountVectorizer

from corpus.names import fold_name, fold_speaker
from corpus.records import Segment

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

#: From so many words on a text counts as repeated but for case and punctuation: not "yes", not "I don't know".
FEWEST_WORDS = 5
#: From so many words on a text counts as repeated too if this share of its runs of five words stands in another.
FEWEST_FOR_RUNS, SHARE_OF_RUNS = 8, 0.8
_RUN = 5
#: A text of a codebook with fewer words than this quotes nobody.
FEWEST_QUOTED = 3
PERSON_COLUMNS = ("participant", "participant_id", "person")
#: Labels that name a part in the talk, with or without a number, and nobody in particular; so does one letter.
_PARTS_IN_TALK = (
    "participant respondent interviewee speaker subject informant patient client therapist customer user student "
    "teacher parent man woman male female unknown person guest host caller resp part ppt pt int"
)
PARTS_IN_TALK = frozenset(_PARTS_IN_TALK.split())
_WORD = re.compile(r"\w+")
_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Leak:
    """What stands on both sides. same: (m,) segments whose words stand in another fold, however short.

    n_quoted: texts of the codebook that were said in a segment, and so are not taught where that is held out.
    similar: (m,) those that are nearly the same there, as FEWEST_WORDS and SHARE_OF_RUNS say. person: (m,) those of
    a person who also speaks in another fold; n_people, n_transcripts: how many, and in how many transcripts.
    """

    same: BoolArray
    similar: BoolArray
    person: BoolArray
    n_people: int
    n_transcripts: int
    n_quoted: int = 0

    @property
    def clean(self) -> BoolArray:
        """(m,) segments that are like none in another fold, short answers aside, by nobody who speaks there."""
        return ~(self.similar | self.person)

    def as_json(self) -> dict[str, object]:
        """Counts and shares, for ``evaluation.json``; no name."""
        m = len(self.same)
        return {
            "n_texts_on_both_sides": int(self.same.sum()),
            "share": float(self.same.mean()) if m else None,
            "n_similar_on_both_sides": int(self.similar.sum()),
            "share_similar": float(self.similar.mean()) if m else None,
            "n_people_on_both_sides": self.n_people,
            "n_transcripts_of_these_people": self.n_transcripts,
            "n_segments_of_these_people": int(self.person.sum()),
            "n_codebook_texts_said": self.n_quoted,
        }


def find_leak(
    texts: Sequence[str], folds: IntArray, *, people: Sequence[str] = (), transcripts: Sequence[str] = ()
) -> Leak:
    """What stands on both sides of any split into these folds.

    texts, folds: (m,). people, transcripts: (m,), as ``people_of`` gives them ("" where nobody knows), or empty.
    """
    same = _in_other_folds([" ".join(text.casefold().split()) for text in texts], folds)
    person = np.zeros(len(texts), dtype=bool)
    if people:
        person = _in_other_folds(people, folds) & np.array([bool(name) for name in people], dtype=bool)
    rows = np.flatnonzero(person).tolist()
    n_transcripts = len({transcripts[row] for row in rows})
    return Leak(
        same, similar_elsewhere(texts, folds), person, len({people[row] for row in rows}), n_transcripts
    )


def _in_other_folds(values: Sequence[str], folds: IntArray) -> BoolArray:
    homes: dict[str, set[int]] = defaultdict(set)
    for value, fold in zip(values, folds.tolist(), strict=True):
        homes[value].add(fold)
    return np.array([len(homes[value]) > 1 for value in values], dtype=bool)


def similar_elsewhere(texts: Sequence[str], folds: IntArray) -> BoolArray:
    """Texts that are the same in another fold but for case and punctuation, or nearly all of whose runs of five
    words stand in one text there (containment: Broder 1997): (m,).
    """
    words = [_WORD.findall(text.casefold()) for text in texts]
    place: dict[str, int] = {}
    row = np.array([place.setdefault(" ".join(found), len(place)) for found in words], dtype=np.intp)
    length = np.array([len(found) for found in words], dtype=np.intp)
    if not (length >= FEWEST_WORDS).any():
        return np.zeros(len(texts), dtype=bool)
    homes = np.zeros((len(place), int(folds.max()) + 1), dtype=bool)
    homes[row, folds] = True
    near = homes | _homes_of_runs(list(place), homes)
    near_others = near[row]
    near_others[np.arange(len(texts)), folds] = False
    return np.asarray(near_others.any(axis=1) & (length >= FEWEST_WORDS))


def _homes_of_runs(texts: Sequence[str], homes: BoolArray) -> BoolArray:
    """The folds that hold a text with nearly all runs of each text: (n, n_folds), texts and homes of unique ones."""
    found = np.zeros(homes.shape, dtype=bool)
    long = np.array(
        [i for i, text in enumerate(texts) if text.count(" ") + 1 >= FEWEST_FOR_RUNS], dtype=np.intp
    )
    if not len(long):
        return found
    counter = CountVectorizer(analyzer=lambda text: _runs(text.split()), binary=True, dtype=np.int32)
    runs = counter.fit_transform([texts[i] for i in long])
    n_runs = np.asarray(runs.sum(axis=1)).ravel()
    for first in range(0, len(long), _AT_ONCE):
        shared = (runs[first : first + _AT_ONCE] @ runs.T).tocoo()
        close = shared.data >= SHARE_OF_RUNS * n_runs[first + shared.row]
        for fold in range(homes.shape[1]):
            there = close & homes[long[shared.col], fold]
            found[long[first + shared.row[there]], fold] = True
    return found


def _runs(words: Sequence[str], length: int = _RUN) -> list[str]:
    return [" ".join(words[i : i + length]) for i in range(len(words) - length + 1)]


def quoted(texts: Sequence[str], segments: Sequence[str]) -> BoolArray:
    """(e, n): of each text of a codebook, the segments in which it was said.

    They share a run of five words, or all of a text of three or four words stands in the segment; case and
    punctuation do not count. One or two words are anybody's.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    lengths = set()
    for place, text in enumerate(texts):
        words = _WORD.findall(text.casefold())
        length = min(len(words), _RUN)
        if length >= FEWEST_QUOTED:
            lengths.add(length)
            for run in _runs(words, length):
                wanted[run].add(place)
    found = np.zeros((len(texts), len(segments)), dtype=bool)
    for row, segment in enumerate(segments):
        words = _WORD.findall(segment.casefold())
        for run in (run for length in lengths for run in _runs(words, length)):
            found[list(wanted.get(run, ())), row] = True
    return found


def people_of(
    segments: Sequence[Segment], participants: Mapping[str, Mapping[str, str]], context: Collection[str]
) -> list[str]:
    """Who speaks in each segment, by a name that holds across transcripts, or "" where nobody knows.

    The transcript's cell in the column participant, participant_id or person of participants.csv; else the speaker's
    label, if it names someone: not a part in the talk, as "P1" or "Participant", nor a context speaker.
    """
    return [
        _by_column(participants.get(segment.transcript_id, {})) or _by_label(segment.speaker, context)
        for segment in segments
    ]


def _by_column(attributes: Mapping[str, str]) -> str:
    found = (attributes.get(column, "") for column in PERSON_COLUMNS)
    return next((f"participant {fold_name(name)}" for name in found if name.strip()), "")


def _by_label(label: str, context: Collection[str]) -> str:
    name = fold_speaker(label)
    nobody = len(name) < 2 or name in PARTS_IN_TALK or name in context or fold_name(label) in context
    return "" if nobody else f"speaker {fold_name(label)}"
