"""What topics.json says of the topics of a model: their words as they were said, their figures, and examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.records import Segment
from models.topic_quality import STABLE_FROM
from models.topics import Documents, FloatArray, IntArray
from pipeline.units import Units

N_EXAMPLES = 3
#: A segment with fewer known words is an example only where no longer one speaks of the topic.
WORDS_OF_EXAMPLE = 5
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Fitted:
    """One model's topics in the order of their numbers: the topic of most segments first.

    words: of each topic its heaviest columns; weights: (k, w). stability: (k,). shares: (n, k) over segments.
    """

    words: list[IntArray]
    weights: FloatArray
    stability: FloatArray
    coherence: list[float | None]
    shares: FloatArray

    @property
    def main(self) -> IntArray:
        """(n,) index of each segment's main topic, -1 where no topic has its words."""
        return main_topic(self.shares)


def main_topic(shares: FloatArray) -> IntArray:
    """(n,) column of the greatest share of each row, -1 for a row of 0."""
    return np.where(shares.any(axis=1), shares.argmax(axis=1), -1)


def describe_model(
    fitted: Fitted | None, documents: Documents, segments: Sequence[Segment], spoken: Mapping[str, str]
) -> dict[str, object]:
    """A model's topics and the figures of all of them together; no topics if it was not fitted.

    spoken: as ``spoken_forms`` gives it.
    """
    found = _describe_topics(fitted, documents, segments, spoken) if fitted else []
    coherences = [value for value in fitted.coherence if value is not None] if fitted else []
    return {
        "n_topics": len(found),
        "n_hidden": sum(not topic["shown"] for topic in found),
        "mean_coherence": rounded(float(np.mean(coherences))) if coherences else None,
        "mean_stability": rounded(float(fitted.stability.mean())) if fitted else None,
        "n_segments_without_topic": int((fitted.main < 0).sum()) if fitted else len(segments),
        "topics": found,
    }


def spoken_forms(units: Units, rows: IntArray) -> dict[str, str]:
    """Lemma -> the form in which it was said most often (ties by spelling): lookup lemmas can read oddly."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts.update(zip(units.lemmas[row].split(), units.surfaces[row].split(), strict=True))
    ordered = sorted(counts.items(), key=lambda item: (item[1], item[0]))
    return {lemma: surface for (lemma, surface), _ in ordered}


def _as_spoken(words: str, spoken: Mapping[str, str]) -> str:
    return " ".join(spoken.get(word, word) for word in words.split())


def _describe_topics(
    fitted: Fitted, documents: Documents, segments: Sequence[Segment], spoken: Mapping[str, str]
) -> list[dict[str, Any]]:
    main = fitted.main
    n_with_topic = int((main >= 0).sum())
    found = []
    for i, columns in enumerate(fitted.words):
        n_segments = int((main == i).sum())
        examples = _examples(np.flatnonzero(main == i), fitted.shares[:, i], documents, segments)
        found.append(
            {
                "number": i + 1,
                "words": [
                    [_as_spoken(documents.words[column], spoken), rounded(fitted.weights[i, column])]
                    for column in columns
                ],
                "coherence": None if (value := fitted.coherence[i]) is None else rounded(value),
                "stability": rounded(fitted.stability[i]),
                "shown": bool(fitted.stability[i] >= STABLE_FROM),
                "n_segments": n_segments,
                "share": rounded(n_segments / n_with_topic) if n_with_topic else None,
                "segment_ids": [segment.segment_id for segment in examples],
                "examples": [_quoted(segment) for segment in examples],
            }
        )
    return found


def _examples(
    places: IntArray, shares: FloatArray, documents: Documents, segments: Sequence[Segment]
) -> list[Segment]:
    """Up to 3 segments with the highest share, each of another transcript and other words, short ones last."""
    n_words = np.diff(documents.counts.indptr)[documents.row_of[places]]
    order = np.lexsort((places, -n_words, -shares[places], n_words < WORDS_OF_EXAMPLE))
    chosen: list[int] = []
    seen: set[object] = set()
    for place in places[order].tolist():
        marks = {segments[place].transcript_id, int(documents.row_of[place])}
        if not marks & seen and len(chosen) < N_EXAMPLES:
            chosen.append(place)
            seen |= marks
    return [segments[place] for place in chosen]


def _quoted(segment: Segment) -> dict[str, str]:
    return {"transcript": segment.transcript_id, "speaker": segment.speaker, "text": segment.text}


def rounded(value: float) -> float:
    """To 12 significant digits: the last bits may differ with the number of threads."""
    return float(f"{value:.{DIGITS}g}")
