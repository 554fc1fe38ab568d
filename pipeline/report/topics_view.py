"""Topics: words, coherence, stability, and quotes where the run has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.report.reading_view import NearExcerpt
from pipeline.report.tables import RunTables
from pipeline.report.wording import coefficient, count, percent, shorten

QUOTE_CHARACTERS = 320
MOST_QUOTES = 3
#: Topics of one model that the page holds; the rest are in topics.csv.
MOST_TOPICS = 60


@dataclass(frozen=True, slots=True)
class TopicView:
    """One topic that came back under resampling. words: heaviest first."""

    number: int
    words: tuple[str, ...]
    coherence: str
    stability: str
    n_segments: str
    share: str
    quotes: tuple[NearExcerpt, ...]


@dataclass(frozen=True, slots=True)
class TopicModelView:
    """One topic model. hidden: how many topics did not come back. reason: why it has none, or ""."""

    name: str
    topics: tuple[TopicView, ...]
    n_hidden: int
    n_left_out: int
    reason: str


def topics_view(run: RunTables) -> tuple[TopicModelView, ...]:
    """The section on topics, a part a model."""
    return tuple(_model(name, model, run) for name, model in run.topics.get("models", {}).items())


def _model(name: str, model: Mapping[str, Any], run: RunTables) -> TopicModelView:
    shown = [topic for topic in model["topics"] if topic["shown"]]
    return TopicModelView(
        name=name.upper(),
        topics=tuple(_topic(topic, run) for topic in shown[:MOST_TOPICS]),
        n_hidden=len(model["topics"]) - len(shown),
        n_left_out=len(shown[MOST_TOPICS:]),
        reason=model.get("reason", ""),
    )


def _topic(topic: Mapping[str, Any], run: RunTables) -> TopicView:
    return TopicView(
        number=topic["number"],
        words=tuple(word for word, _ in topic["words"]),
        coherence=coefficient(topic["coherence"]),
        stability=coefficient(topic["stability"]),
        n_segments=count(topic["n_segments"]),
        share=percent(topic["share"]),
        quotes=tuple(_quotes(topic.get("examples", ()), run))[:MOST_QUOTES],
    )


def _quotes(examples: Any, run: RunTables) -> Iterator[NearExcerpt]:
    """Quotes of examples that are records with their words, or ids of segments that people coded."""
    for example in examples:
        if isinstance(example, str):
            found = run.excerpts.get(example)
            if found:
                yield NearExcerpt(
                    found.transcript, found.speaker, shorten(found.quote, most=QUOTE_CHARACTERS), ""
                )
        else:
            quote = shorten(example.get("text", ""), most=QUOTE_CHARACTERS)
            if quote:
                yield NearExcerpt(example.get("transcript", ""), example.get("speaker", ""), quote, "")
