"""What the model sees of segments: the views of its members, for training and for suggesting alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from corpus.records import Segment
from corpus.study import Study
from models.encoder import find_encoder
from models.linear import Rows
from models.members import CONTEXT, WORDS, ContextMember, Member, WordsMember
from models.nearest import NEAREST, NearestMember
from models.ngrams import count_ngrams, learn_vocabulary
from models.theme_model import ThemeModel
from models.views import context_view
from pipeline.encode import read_embeddings
from pipeline.preprocess import read_preprocessed

Embedding = npt.NDArray[np.float32]


def context_of(
    study: Study, preprocess_keys: Sequence[str], encode_keys: Sequence[str]
) -> dict[str, Embedding]:
    """Segment id -> its row of the context view; empty for words only. Batch by batch, to bound memory."""
    found: dict[str, Embedding] = {}
    for preprocess_key, encode_key in zip(preprocess_keys, encode_keys, strict=bool(encode_keys)):
        segments = read_preprocessed(study, [preprocess_key]).segments
        names = [segment.transcript_id for segment in segments]
        rows = context_view(read_embeddings(study, [encode_key]), names)
        found |= {segment.segment_id: row for segment, row in zip(segments, rows, strict=True)}
    return found


def members_of(
    segments: Sequence[Segment], context: Mapping[str, Embedding], definitions: Sequence[str], *, encoder: str
) -> dict[str, Member]:
    """The members of a model to be trained; the definitions of its codes are the last rows of each view.

    context: as ``context_of`` gives it; empty, together with ``encoder``, for words only.
    """
    texts = [*(segment.text for segment in segments), *definitions]
    vocabulary = learn_vocabulary(texts)
    members: dict[str, Member] = {WORDS: WordsMember(vocabulary, count_ngrams(texts, vocabulary))}
    if encoder:
        defined = context_view(
            find_encoder(encoder).encode(definitions), [str(i) for i in range(len(definitions))]
        )
        rows = np.stack([context[segment.segment_id] for segment in segments])
        view = np.vstack([rows, defined])
        members |= {CONTEXT: ContextMember(view), NEAREST: NearestMember(view)}
    return members


def views_of(
    model: ThemeModel, segments: Sequence[Segment], context: Mapping[str, Embedding]
) -> dict[str, Rows]:
    """What the members of a trained model see of these segments."""
    views: dict[str, Rows] = {
        WORDS: count_ngrams([segment.text for segment in segments], model.words.vocabulary)
    }
    if CONTEXT in model.members:
        rows = np.stack([context[segment.segment_id] for segment in segments])
        views |= {CONTEXT: rows, NEAREST: rows}
    return views


def definition_texts(codebook: Sequence[Mapping[str, str]], codes: Sequence[str]) -> list[str]:
    """Name and definition of each code, as a text that the model learns from."""
    definitions = {row["name"]: row["definition"] for row in codebook}
    return [f"{code}. {definitions.get(code, '')}".strip() for code in codes]
