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
    """One topic model. n_hidden: topics that did not come back; n_left_out: that the page does not hold."""

    name: str
    how: str
    topics: tuple[TopicView, ...]
    n_hidden: int
    n_left_out: int


@dataclass(frozen=True, slots=True)
class TopicsView:
    """The section on topics. reason: why there are none, or ""."""

    reason: str
    models: tuple[TopicModelView, ...]


def topics_view(run: RunTables) -> TopicsView:
    """The section on topics, models that found any first."""
    places = _quotable(run)
    default = run.topics.get("default", "").upper()
    models = [_model(name, model, places) for name, model in run.topics["models"].items()]
    return TopicsView(
        reason=run.topics.get("reason", ""),
        models=tuple(sorted(models, key=lambda model: (not model.topics, model.name != default, model.name))),
    )


def _quotable(run: RunTables) -> dict[str, NearExcerpt]:
    """Segment id -> its words, for the segments whose words are in a table of the run."""
    found = {f"{s.transcript}#{s.start}-{s.end}": (s.transcript, s.speaker, s.quote) for s in run.suggestions}
    found |= {e.segment: (e.transcript, e.speaker, e.quote) for e in run.excerpts.values()}
    return {
        name: NearExcerpt(transcript, speaker, shorten(quote, most=QUOTE_CHARACTERS), "")
        for name, (transcript, speaker, quote) in found.items()
    }


def _model(name: str, model: Mapping[str, Any], places: Mapping[str, NearExcerpt]) -> TopicModelView:
    shown = [topic for topic in model["topics"] if topic["shown"]]
    return TopicModelView(
        name=name.upper(),
        how=model["how_computed"],
        topics=tuple(_topic(topic, places) for topic in shown[:MOST_TOPICS]),
        n_hidden=len(model["topics"]) - len(shown),
        n_left_out=len(shown[MOST_TOPICS:]),
    )


def _topic(topic: Mapping[str, Any], places: Mapping[str, NearExcerpt]) -> TopicView:
    return TopicView(
        number=topic["number"],
        words=tuple(word for word, _ in topic["words"]),
        coherence=coefficient(topic["coherence"]),
        stability=coefficient(topic["stability"]),
        n_segments=count(topic["n_segments"]),
        share=percent(topic["share"]),
        quotes=tuple(_quotes(topic, places))[:MOST_QUOTES],
    )


def _quotes(topic: Mapping[str, Any], places: Mapping[str, NearExcerpt]) -> Iterator[NearExcerpt]:
    """Quotes of the topic's examples: records with their words, or ids of segments that a table quotes."""
    if "examples" in topic:
        for example in topic["examples"]:
            quote = shorten(example["text"], most=QUOTE_CHARACTERS)
            yield NearExcerpt(example["transcript"], example["speaker"], quote, "")
    else:
        yield from (places[name] for name in topic["segment_ids"] if name in places)
