"""Words that may say who somebody is: how people are labelled, and what stands in their talk as names do.

A help for whoever is going to share something, not a proof: a name that is also a common word (Will, Grace), or that
stands in lower case, is found only where somebody is labelled so.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from corpus.readers.labels import is_name_like, is_role
from corpus.records import Transcript

#: Why a word is listed, most certain first; a word stands under the first that fits.
SPEAKER, CODER, PARTICIPANT = "speaker", "coder", "transcript or participant"
ADDRESS, NUMBER = "address", "long number"
CAPITAL, BEGINS = "capitalised within sentences", "only where sentences begin"
REASONS = (SPEAKER, CODER, PARTICIPANT, ADDRESS, NUMBER, CAPITAL, BEGINS)

_TOKEN = re.compile(r"\w[\w'’]*")
_PART = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POSSESSIVE = re.compile(r"(?:['’]s?)+$")
_MARKS = re.compile("[\u0300-\u036f]")
_SENTENCE_END = re.compile(r"[.!?…:;\n\"“”«»„‘]")
_TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "st"))
#: English writes these with a capital; months that are given names too are left out.
_PRONOUNS = ("i", "i'm", "i'd", "i'll", "i've")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("january", "february", "march", "july", "september", "october", "november", "december")
_ALWAYS_CAPITAL = frozenset((*_PRONOUNS, *_DAYS, *_MONTHS))
_ADDRESS = re.compile(r"([\w.+-]+)@([\w-]+(?:\.[\w-]+)*)|(?<!\w)@(\w+)|(?:https?://|www\.)(\S+)")
_NUMBER = re.compile(r"(?<!\w)\+?\(?\d[\d ().-]{5,}\d(?!\w)")
_FEWEST_DIGITS = 7
_FEWEST_IN_A_ROW = 3
_RARELY = 0.5
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Identifying:
    """Words that may identify somebody.

    words: each as ``bare`` gives it -> why, one of REASONS.
    n_without_case: transcripts all in lower or all in upper case, whose capitals tell nothing.
    """

    words: Mapping[str, str]
    n_without_case: int

    def named(self, word: str) -> str:
        """Which of them a word of a text is, or holds between underscores; "" if none."""
        parts = (
            (bare(word), *(bare(part) for part in word.split("_") if part)) if "_" in word else (bare(word),)
        )
        return next((part for part in parts if part in self.words), "")


def bare(word: str) -> str:
    """A word without case, accents and possessive: "Zoë's" and "zoe" are one."""
    # Twice: some signs have a case, or a mark, only once they are taken apart.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).lower())
    return _POSSESSIVE.sub("", unicodedata.normalize("NFC", _MARKS.sub("", folded)).replace("’", "'"))


@dataclass(slots=True)
class _Cased:
    """How often each bare word stands with a capital within a sentence, with one where it begins, in lower case."""

    inside: Counter[str] = field(default_factory=Counter)
    begins: Counter[str] = field(default_factory=Counter)
    lower: Counter[str] = field(default_factory=Counter)
    n_without_case: int = 0

    def add(self, transcript: Transcript) -> None:
        said = [transcript.text[turn.start : turn.end] for turn in transcript.turns]
        tokens = [token for text in said for token in _tokens(text)]
        begins = [capital for _, capital, first in tokens if first]
        within = [capital for word, capital, first in tokens if not first and word not in _ALWAYS_CAPITAL]
        if sum(begins) < _MOSTLY * len(begins) or sum(within) > _MOSTLY * len(within):
            self.n_without_case += 1
            return
        self.inside.update(word for word, capital, first in tokens if capital and not first)
        self.begins.update(word for word, capital, first in tokens if capital and first)
        self.lower.update(word for word, capital, _ in tokens if not capital)

    def is_common(self, word: str) -> bool:
        return self.lower[word] > self.inside[word]

    def within(self) -> list[str]:
        return [word for word, n in self.inside.items() if self.lower[word] <= _RARELY * n]

    def only_first(self) -> list[str]:
        return [word for word in self.begins if not self.inside[word] and not self.lower[word]]


def _tokens(text: str) -> Iterator[tuple[str, bool, bool]]:
    """Each word, bare; whether it holds a capital; whether a sentence begins with it."""
    before, end = "", 0
    for match in _TOKEN.finditer(text):
        word = bare(match.group())
        ended = end == 0 or _SENTENCE_END.search(text, end, match.start())
        if word[:1].isalpha():
            yield word, match.group().lower() != match.group(), bool(ended) and before not in _TITLES
        before, end = word, match.end()


def find_identifying(
    transcripts: Sequence[Transcript], *, coders: Iterable[str], participants: Iterable[str]
) -> Identifying:
    """Words of labels, ids, attributes, addresses and long numbers, and those that stand as names do in English.

    In a language that begins common words with capitals, as German does, there are many more.
    participants: what is written in the cells of participants.csv.
    """
    cased = _Cased()
    for transcript in transcripts:
        cased.add(transcript)
    speakers = {turn.speaker for transcript in transcripts for turn in transcript.turns}
    known = [*(transcript.transcript_id for transcript in transcripts), *participants]
    texts = [transcript.text for transcript in transcripts]
    found: dict[str, Iterable[str]] = {
        SPEAKER: _of_labels(speakers, cased),
        CODER: _parts(coders),
        PARTICIPANT: (word for word in _parts(known) if not cased.is_common(word)),
        ADDRESS: (word for text in texts for word in _of_addresses(text, cased)),
        NUMBER: (number for text in texts for number in _of_numbers(text)),
        CAPITAL: cased.within(),
        BEGINS: cased.only_first(),
    }
    words: dict[str, str] = {}
    for why, listed in found.items():
        for word in sorted(set(listed) - _ALWAYS_CAPITAL - _TITLES):
            if len(word) > 1 and not is_role(word):
                words.setdefault(word, why)
    return Identifying(words, cased.n_without_case)


def _parts(names: Iterable[str]) -> Iterator[str]:
    """The words of names; short numbers say nothing."""
    for name in names:
        for part in map(bare, _PART.findall(name)):
            if not (part.isdigit() and len(part) < _FEWEST_DIGITS):
                yield part


def _of_labels(speakers: Iterable[str], cased: _Cased) -> Iterator[str]:
    """A label that is no role and no question may be a name; in lower case, unless its words are common ones."""
    for label in speakers:
        if is_name_like(label) and not is_role(label):
            written_small = label == label.lower()
            yield from (word for word in _parts([label]) if not (written_small and cased.is_common(word)))


def _of_addresses(text: str, cased: _Cased) -> Iterator[str]:
    for local, domain, handle, page in _ADDRESS.findall(text):
        yield from _parts([local, handle])
        yield from (word for word in _parts([domain, page]) if not cased.is_common(word))


def _of_numbers(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        digits = re.findall(r"\d+", match.group())
        if sum(map(len, digits)) >= _FEWEST_DIGITS:
            yield from (part for part in digits if len(part) >= _FEWEST_IN_A_ROW)
