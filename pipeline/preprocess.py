"""preprocess (spaCy): segments, and the lemmas that topics are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from corpus.errors import StudyError
from corpus.files import sha256_of
from corpus.records import Segment
from corpus.study import Study
from corpus.units import segment_transcript
from pipeline.cache import cached, read_parquet, stage_dir, write_parquet
from pipeline.ingest import read_ingested

STAGE = "preprocess"
# spaCy refuses longer texts for fear of the parser's memory; there is none in the default pipeline.
LONGEST_TEXT = 200_000_000

SEGMENT_TYPES = {
    "segment_id": "str",
    "transcript_id": "str",
    "turn": "int64",
    "speaker": "str",
    "start": "int64",
    "end": "int64",
    "text": "str",
    "lemmas": "str",
    "surfaces": "str",
}


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """Segments and, for each, its content lemmas (no stop words, numbers or punctuation) joined by spaces.

    surfaces: the words as they were said, in lower case, one for each lemma.
    """

    segments: tuple[Segment, ...]
    lemmas: tuple[str, ...]
    surfaces: tuple[str, ...]


def preprocess(study: Study, ingest_key: str, *, unit: str) -> str:
    """Cut the transcripts of an ingested batch into segments; the key of what was cached.

    unit: "turn" or "passage".
    """
    language, trained = study.settings.study.language, study.settings.model.spacy

    def fill(folder: Path) -> None:
        nlp = load_language(language, trained)
        segments = [
            segment
            for transcript in read_ingested(study, [ingest_key]).transcripts
            for segment in segment_transcript(
                transcript, unit=unit, sentence_ends=lambda text: sentence_ends(nlp, text)
            )
        ]
        columns: dict[str, list[object]] = {
            name: [getattr(segment, name) for segment in segments] for name in list(SEGMENT_TYPES)[:-2]
        }
        pairs = [content_words(doc) for doc in nlp.pipe(segment.text for segment in segments)]
        columns["lemmas"] = [" ".join(lemma for lemma, _ in found) for found in pairs]
        columns["surfaces"] = [" ".join(surface for _, surface in found) for found in pairs]
        write_parquet(folder / "segments.parquet", columns, SEGMENT_TYPES)

    return cached(
        study,
        STAGE,
        {
            "ingest": ingest_key,
            "unit": unit,
            "language": language,
            "spacy": [trained, language_version(trained)],
        },
        fill,
    )


def language_version(trained: str) -> str:
    """What tells one state of a trained pipeline from another: its version, or the hash of its description."""
    described = Path(trained) / "meta.json"
    if trained and described.is_file():
        return sha256_of(described)
    try:
        return version(trained) if trained else ""
    except PackageNotFoundError:
        return ""


@lru_cache(maxsize=2)
def load_language(language: str, trained: str) -> Language:
    """spaCy's rules and lookup tables for a language, or a trained pipeline that is installed.

    Raises StudyError if spaCy does not know it.
    """
    if trained:
        try:
            nlp = spacy.load(trained)
        except OSError:
            raise StudyError(
                f"study.toml: model.spacy names '{trained}', which is not installed here. "
                f"Install it, or leave the key empty to use rules and lookups."
            ) from None
        if not {"parser", "senter", "sentencizer"} & set(nlp.pipe_names):
            nlp.add_pipe("sentencizer")
        return nlp
    try:
        nlp = spacy.blank(language)
    except ImportError:
        raise StudyError(f"study.toml: study.language '{language}' is no language that spaCy knows") from None
    nlp.max_length = LONGEST_TEXT
    nlp.add_pipe("sentencizer")
    try:
        nlp.add_pipe("lemmatizer", config={"mode": "lookup"})
        nlp.initialize()
    except ValueError:  # no lookup table for this language: words as they stand
        nlp.remove_pipe("lemmatizer")
    return nlp


def sentence_ends(nlp: Language, text: str) -> list[int]:
    """Offsets at which the sentences of a text end."""
    return [sentence.end_char for sentence in nlp(text).sents]


def content_words(doc: Doc) -> list[tuple[str, str]]:
    """Lemma and surface, in lower case, of each word that carries meaning."""
    words = (
        ((token.lemma_ or token.text).lower(), token.lower_)
        for token in doc
        if token.is_alpha and not token.is_stop and len(token) > 2
    )
    return [(lemma, surface) for lemma, surface in words if lemma.isalpha()]


def read_preprocessed(study: Study, keys: Iterable[str]) -> Preprocessed:
    """Segments of some batches, in the order of the keys."""
    segments: list[Segment] = []
    lemmas: list[str] = []
    surfaces: list[str] = []
    for key in keys:
        for *fields, found, said in read_parquet(
            stage_dir(study, STAGE, key) / "segments.parquet"
        ).itertuples(index=False, name=None):
            segments.append(Segment(*fields))
            lemmas.append(found)
            surfaces.append(said)
    return Preprocessed(tuple(segments), tuple(lemmas), tuple(surfaces))
