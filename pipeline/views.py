"""What the model sees of segments: the views of its members, for training and for suggesting alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.records import Segment
from corpus.study import Study
from models.encoder import find_encoder
from models.linear import Rows
from models.members import CONTEXT, WORDS, ContextMember, Member, WordsMember
from models.nearest import NEAREST, NearestMember
from models.ngrams import Vocabulary, count_ngrams, learn_vocabulary
from models.told import Told
from models.views import context_view
from pipeline.encode import read_embeddings
from pipeline.leak import quoted
from pipeline.preprocess import read_preprocessed

Embedding = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Examples:
    """What the codebook says of some codes, as texts that the model learns from.

    texts: (e,). shares: (e, n_codes), 1 for the code that a text is of; a text that says what is not it has only 0.
    """

    texts: tuple[str, ...]
    shares: npt.NDArray[np.float64]

    def told(self, segments: Sequence[Segment]) -> Told:
        """To be taught beside these segments."""
        return Told(self.shares, quoted(self.texts, [segment.text for segment in segments]))


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
    segments: Sequence[Segment], context: Mapping[str, Embedding], examples: Examples, *, encoder: str
) -> dict[str, Member]:
    """The members of a model to be trained; the examples of its codebook are the last rows of each view.

    context: as ``context_of`` gives it; empty, together with ``encoder``, for words only.
    """
    texts = [*(segment.text for segment in segments), *examples.texts]
    vocabulary = learn_vocabulary(texts)
    members: dict[str, Member] = {WORDS: WordsMember(vocabulary, count_ngrams(texts, vocabulary))}
    if encoder:
        # Each text stands by itself, as if it were a transcript of its own.
        places = [str(place) for place in range(len(examples.texts))]
        defined = context_view(find_encoder(encoder).encode(examples.texts), places)
        rows = np.stack([context[segment.segment_id] for segment in segments])
        view = np.vstack([rows, defined])
        members |= {CONTEXT: ContextMember(view), NEAREST: NearestMember(view)}
    return members


def views_of(
    vocabulary: Vocabulary, segments: Sequence[Segment], context: Mapping[str, Embedding]
) -> dict[str, Rows]:
    """What the members of a model with this vocabulary see of some segments; words only if ``context`` is empty."""
    views: dict[str, Rows] = {WORDS: count_ngrams([segment.text for segment in segments], vocabulary)}
    if context:
        rows = context_rows(segments, context)
        views |= {CONTEXT: rows, NEAREST: rows}
    return views


def context_rows(segments: Sequence[Segment], context: Mapping[str, Embedding]) -> Embedding:
    """The context view of some segments: (n, d); context: as ``context_of`` gives it, not empty."""
    rows = np.array([context[segment.segment_id] for segment in segments], dtype=np.float32)
    return rows.reshape(len(segments), len(next(iter(context.values()))))


def codebook_examples(codebook: Sequence[Mapping[str, str]], codes: Sequence[str]) -> Examples:
    """Each code's name with its definition, when to use it and an example of it; and when not to use it, as none."""
    rows = {row["name"]: row for row in codebook}
    texts, shares = [], []
    for place, code in enumerate(codes):
        row = rows.get(code, {})
        told = {f"{code}. {row.get('definition', '')}".strip(): 1.0}
        told |= {row.get("include", ""): 1.0, row.get("example", ""): 1.0}
        for text, share in (told | {row.get("exclude", ""): 0.0}).items():
            if text:
                texts.append(text)
                shares.append(share * np.eye(len(codes))[place])
    return Examples(tuple(texts), np.array(shares).reshape(len(texts), len(codes)))
