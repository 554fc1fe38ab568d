"""From the short pieces of captions and machine transcripts to speaker turns: the one place of that rule.

The text holds words only, labels and times stand in the turns; the turns are joined by LF. A turn is

- for a named speaker: all consecutive pieces of that speaker;
- for pieces that name nobody: the pieces of a sentence, for a piece of three seconds says little by itself. The
  next piece goes on with the turn unless a sentence ends before it, two seconds are silent before it, it begins
  earlier than the one before, or the turn would pass 120 words. In a file whose pieces hardly ever end with a
  sentence mark (as some machines write) it goes on only if it begins with a small letter.

Pieces of a turn are joined by one space. Its start_time is that of its first piece, its end_time the latest end of
its pieces; a time that would make it end before it starts is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpus.records import Turn

LONGEST_PAUSE = 2.0
MAX_WORDS = 120
_SENTENCE_ENDS = tuple(".?!…。？！؟।")
_CLOSERS = "\"'”’»)]*"
#: Of the pieces, how many must end a sentence for sentence marks to be trusted.
_PUNCTUATED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Utterance:
    """A piece as the file has it: words in one line; times in seconds, None where the file has none."""

    speaker: str
    words: str
    start_time: float | None = None
    end_time: float | None = None


def join_utterances(utterances: Sequence[Utterance]) -> tuple[str, tuple[Turn, ...]]:
    """The text and the turns, after the rule at the head of this file; pieces without words are passed over."""
    spoken = [piece for piece in utterances if piece.words]
    n_ends = sum(_ends_sentence(piece.words) for piece in spoken)
    punctuated = n_ends > _PUNCTUATED_SHARE * len(spoken)
    groups: list[list[Utterance]] = []
    n_words = 0
    for piece in spoken:
        n_new = len(piece.words.split())
        last = groups[-1][-1] if groups else None
        if last and _goes_on(last, piece, n_words=n_words + n_new, punctuated=punctuated):
            groups[-1].append(piece)
            n_words += n_new
        else:
            groups.append([piece])
            n_words = n_new
    return _lay_out(groups)


def joining_told(utterances: Sequence[Utterance], turns: Sequence[Turn]) -> list[str]:
    """A warning where pieces of nobody in particular were joined, for the file itself says nothing of such turns."""
    n_pieces = sum(bool(piece.words) for piece in utterances)
    if n_pieces == len(turns) or any(turn.speaker for turn in turns):
        return []
    return [
        f"no speakers named: {n_pieces} pieces were joined to {len(turns)} turns at the ends of sentences"
    ]


def _goes_on(last: Utterance, piece: Utterance, *, n_words: int, punctuated: bool) -> bool:
    if last.speaker != piece.speaker:
        return False
    if piece.speaker:
        return True
    if n_words > MAX_WORDS or not _follows_closely(last, piece):
        return False
    return not _ends_sentence(last.words) if punctuated else piece.words[0].islower()


def _follows_closely(last: Utterance, piece: Utterance) -> bool:
    """Whether no long silence lies between two pieces; pieces without times do."""
    if last.start_time is None or last.end_time is None or piece.start_time is None:
        return last.start_time is None and piece.start_time is None
    return piece.start_time >= last.start_time and piece.start_time - last.end_time < LONGEST_PAUSE


def _ends_sentence(words: str) -> bool:
    return words.rstrip(_CLOSERS).endswith(_SENTENCE_ENDS)


def _lay_out(groups: Iterable[Sequence[Utterance]]) -> tuple[str, tuple[Turn, ...]]:
    turns: list[Turn] = []
    texts: list[str] = []
    at = 0
    for pieces in groups:
        words = " ".join(piece.words for piece in pieces)
        start_time, end_time = _times(pieces)
        turns.append(Turn(len(turns) + 1, pieces[0].speaker, at, at + len(words), start_time, end_time))
        texts.append(words)
        at += len(words) + 1
    return "\n".join(texts), tuple(turns)


def _times(pieces: Sequence[Utterance]) -> tuple[float | None, float | None]:
    start_time = pieces[0].start_time
    ends = [piece.end_time for piece in pieces if piece.end_time is not None]
    end_time = max(ends) if ends else None
    if start_time is not None and end_time is not None and end_time < start_time:
        end_time = None
    return start_time, end_time
