"""Codes whose entries in the codebook are alike: by meaning where the study has a sentence encoder, else by words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

from models.encoder import find_encoder

BY_MEANING, BY_WORDS, BY_NAME = "meaning", "words", "name"
#: Calibrated on two codebooks of 15 and 22 codes with definitions: what lies above is worth a look, and is short.
LEAST = {BY_MEANING: 0.65, BY_WORDS: 0.5, BY_NAME: 0.9}
TOLD = ("definition", "include", "example")
_NO_LETTER = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+")

FloatArray = npt.NDArray[np.float64]


def definitions_alike(codebook: Sequence[Mapping[str, str]], *, encoder: str) -> list[dict[str, Any]]:
    """Pairs of codes that are alike, most alike first: codes, similarity, by, least.

    similarity: 0..1; the cosine of the entries' embeddings (by "meaning") or of their TF-IDF words (by "words");
    where one of the two has a name only, the likeness of the names (Ratcliff and Obershelp 1988; by "name").
    encoder: its name, "" for words only. A code and its parent are never a pair.
    """
    told = [row for row in codebook if _entry(row)]
    by = BY_MEANING if encoder else BY_WORDS
    likeness = _likeness([f"{row['name']}. {_entry(row)}" for row in told], encoder=encoder)
    rows = [
        _row(told[i], told[j], float(likeness[i, j]), by)
        for i, j in combinations(range(len(told)), 2)
        if likeness[i, j] >= LEAST[by] and not is_family(told[i], told[j])
    ]
    for one, other in combinations(codebook, 2):
        if not (_entry(one) and _entry(other)) and not is_family(one, other):
            similarity = names_alike(one["name"], other["name"])
            rows += [_row(one, other, similarity, BY_NAME)] if similarity >= LEAST[BY_NAME] else []
    return sorted(rows, key=lambda row: (-row["similarity"], row["codes"]))


def is_family(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether one of two codes is the other's parent."""
    return one["parent"] == other["name"] or other["parent"] == one["name"]


def names_alike(one: str, other: str) -> float:
    """Likeness of two names, 0..1, but for case and punctuation; 0 with different numbers or far from LEAST."""
    if _NUMBER.findall(one) != _NUMBER.findall(other):
        return 0.0
    a, b = sorted(_NO_LETTER.sub(" ", name.casefold()).strip() for name in (one, other))
    if not a or not b:
        return 0.0
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= LEAST[BY_NAME] else 0.0


def _entry(row: Mapping[str, str]) -> str:
    return " ".join(row[field].strip() for field in TOLD if row.get(field, "").strip())


def _row(one: Mapping[str, str], other: Mapping[str, str], similarity: float, by: str) -> dict[str, Any]:
    return {"codes": [one["name"], other["name"]], "similarity": similarity, "by": by, "least": LEAST[by]}


def _likeness(texts: Sequence[str], *, encoder: str) -> FloatArray:
    """(n, n) cosines; all zero where no text has a word."""
    if not texts:
        return np.zeros((0, 0))
    if encoder:
        vectors = find_encoder(encoder).encode(texts).astype(np.float64)
        return np.asarray(vectors @ vectors.T)
    try:
        words = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that there is no word of two letters in any text
        return np.zeros((len(texts), len(texts)))
    return np.asarray((words @ words.T).toarray())
