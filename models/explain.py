"""Why the model says so: exact contributions of words, and the nearest coded excerpts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.linear import Rows
from models.ngrams import count_ngrams, share_among_words
from models.theme_model import ThemeModel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def word_contributions(model: ThemeModel, text: str, code: int) -> dict[str, float]:
    """Word -> what it adds to the calibrated logit of a code, in logits.

    The contributions, with those of signs under "", sum to slope * (logit of the words member - its
    intercept) / number of members: exactly what the words of this text add.
    """
    fitted = model.words
    row = fitted.features(count_ngrams([text], fitted.vocabulary))
    scale = model.calibration.slopes[code] / len(model.members)
    values = np.asarray(row.multiply(fitted.linear.weights[code]).toarray()).ravel() * scale
    return share_among_words(text, values, fitted.vocabulary)


def speaking_words(model: ThemeModel, text: str, code: int, *, most: int) -> list[tuple[str, float]]:
    """The words that spoke for a code, strongest first (ties by name); only positive contributions."""
    found = word_contributions(model, text, code)
    positive = [(word, value) for word, value in found.items() if word and value > 0]
    return sorted(positive, key=lambda pair: (-pair[1], pair[0]))[:most]


def nearest_rows(queries: Rows, known: Rows, *, most: int) -> IntArray:
    """Places of the rows of ``known`` nearest to each query by cosine: (n_queries, at most ``most``).

    Rows are of equal length, as ``FittedWords.features`` gives them; ties go to the first.
    """
    similarity = queries @ known.T
    dense = similarity.toarray() if hasattr(similarity, "toarray") else np.asarray(similarity)
    return np.argsort(-dense, axis=1, kind="stable")[:, :most]
