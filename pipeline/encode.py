"""encode: the meaning of each segment as a vector; a text is encoded once and kept in the study's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.study import Study
from models.encoder import Encoder, find_encoder, is_installed
from pipeline.cache import cached, stage_dir
from pipeline.preprocess import read_preprocessed

STAGE = "encode"
DEFAULT = "minilm"
NONE = "none"

FloatArray = npt.NDArray[np.float32]


def encoder_of(study: Study) -> tuple[str, str]:
    """Name and key of the encoder that the study uses; two empty strings for words only.

    Without ``model.encoder`` in study.toml the default is used where it is installed.
    Raises StudyError, with the command that helps, if a named encoder is missing.
    """
    name = study.settings.model.encoder
    if name == NONE or (name is None and not is_installed(DEFAULT)):
        return "", ""
    if name is not None and (study.root / name).is_dir():
        name = str(study.root / name)
    found = find_encoder(name or DEFAULT)
    return name or DEFAULT, found.key


def encode(study: Study, preprocess_key: str, *, encoder: str) -> str:
    """Embeddings of the segments of a batch; the key of what was cached."""
    found = find_encoder(encoder)

    def fill(folder: Path) -> None:
        texts = [segment.text for segment in read_preprocessed(study, [preprocess_key]).segments]
        unique = sorted(set(texts))
        vectors = _encode_new(study, found, unique)
        place = {text: i for i, text in enumerate(unique)}
        np.savez(
            folder / "embeddings.npz",
            encoder=np.array(found.key),
            texts=np.array([_digest(text) for text in unique], dtype="S64"),
            vectors=vectors,
            rows=np.array([place[text] for text in texts], dtype=np.int64),
        )

    return cached(study, STAGE, {"preprocess": preprocess_key, "encoder": found.key}, fill)


def _encode_new(study: Study, encoder: Encoder, texts: Sequence[str]) -> FloatArray:
    """Vectors of texts: (n, width); those that an earlier batch or run has encoded are taken from there."""
    known = _known(study, encoder.key, {_digest(text) for text in texts})
    new = [text for text in texts if _digest(text) not in known]
    fresh = dict(zip(new, encoder.encode(new), strict=True)) if new else {}
    rows = [fresh[text] if text in fresh else known[_digest(text)] for text in texts]
    return np.array(rows, dtype=np.float32).reshape(len(texts), encoder.hidden_size)


def _known(study: Study, encoder_key: str, wanted: set[str]) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = {}
    for path in sorted((study.cache_dir / STAGE).glob("[0-9a-f]*/embeddings.npz")):
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["encoder"]) != encoder_key:
                continue
            digests = [digest.decode() for digest in stored["texts"]]
            if wanted.isdisjoint(digests):
                continue
            vectors = stored["vectors"]
            found |= {digest: vectors[i] for i, digest in enumerate(digests) if digest in wanted}
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_embeddings(study: Study, keys: Iterable[str]) -> FloatArray:
    """Embeddings of the segments of some batches, in the order of the keys: (n, width)."""
    parts = []
    for key in keys:
        with np.load(stage_dir(study, STAGE, key) / "embeddings.npz", allow_pickle=False) as stored:
            parts.append(stored["vectors"][stored["rows"]])
    return np.concatenate(parts)
