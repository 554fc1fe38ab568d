"""Why the model says so: exact contributions of words and other parts, and the nearest excerpts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from models.linear import Rows
from models.members import WORDS, FittedContext
from models.nearest import FittedNearest
from models.ngrams import WORD_PATTERN, share_among_words
from models.theme_model import ThemeModel
from models.views import part_contributions

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_WORD = re.compile(WORD_PATTERN)
_AT_ONCE = 512
#: A word that added less would be told as "+0.00".
LEAST_SHOWN = 0.005


def word_contributions(model: ThemeModel, text: str, view: Rows, code: int) -> dict[str, float]:
    """Word -> what it adds to the score of a code (``Calibration.scores``), in logits.

    view: (1, d) of the text, as ``count_ngrams`` gives it. The contributions, with those of signs under "", sum
    to slope * share of the words member * (its logit - its intercept): exactly what the words add.
    """
    row = model.words.features(view)
    scale = model.scale(WORDS, code)
    values = np.asarray(row.multiply(model.words.linear.weights[code]).toarray()).ravel() * scale
    return share_among_words(text, values, model.words.vocabulary)


def speaking_words(
    model: ThemeModel, text: str, view: Rows, code: int, *, most: int
) -> list[tuple[str, float]]:
    """The words that spoke for a code, strongest first (ties by name); only those that added LEAST_SHOWN or more.

    Rows of TF-IDF have length 1, so without a word the others count more: that a word added something does not
    say yet that the probability is lower without it. ``pipeline.reasons`` names those of which it is true.
    """
    found = word_contributions(model, text, view, code)
    positive = [(word, value) for word, value in found.items() if word and value >= LEAST_SHOWN]
    return sorted(positive, key=lambda pair: (-pair[1], pair[0]))[:most]


def delete_words(text: str, words: Collection[str]) -> str:
    """The text with every occurrence of these words, which are in lower case, deleted; all else stays."""
    return _WORD.sub(lambda found: "" if found.group().lower() in words else found.group(), text)


def other_contributions(model: ThemeModel, views: Mapping[str, Rows], code: int) -> dict[str, FloatArray]:
    """What adds to the score of a code beside words, by name, each (n,), in logits. views: of n segments.

    "meaning" of the segment and "context", what was said before and after it; "nearest", how far the votes of the
    segments that people read are above the rate of the code. Empty for a model of words only. With
    ``word_contributions``, the intercepts and that rate it sums to the whole score.
    """
    found: dict[str, FloatArray] = {}
    for name, fitted in model.members.items():
        scale = model.scale(name, code)
        if isinstance(fitted, FittedContext):
            parts = part_contributions(views[name], fitted.linear.weights[code] * scale)
            found |= {"meaning": parts[:, 0], "context": parts[:, 1:].sum(axis=1)}
        elif isinstance(fitted, FittedNearest):
            found[name] = scale * (fitted.logits(views[name])[:, code] - fitted.rate_logits[code])
    return found


def nearest_rows(queries: Rows, known: Rows, *, most: int) -> IntArray:
    """Places of the rows of ``known`` nearest to each query by cosine: (n_queries, at most ``most``).

    Rows are of equal length, as ``FittedWords.features`` gives them; ties go to the first.
    """
    most = min(most, known.shape[0])
    found = np.empty((queries.shape[0], most), dtype=np.intp)
    for first in range(0, len(found), _AT_ONCE):
        similarity = queries[first : first + _AT_ONCE] @ known.T
        dense = np.array(similarity.toarray() if hasattr(similarity, "toarray") else similarity)
        for place in range(most):
            best = dense.argmax(axis=1)
            found[first : first + _AT_ONCE, place] = best
            dense[np.arange(len(dense)), best] = -np.inf
    return found
