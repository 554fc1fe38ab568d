"""Why the model says so: exact contributions of words and other parts, and the nearest excerpts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.linear import Rows
from models.members import WORDS, FittedContext
from models.nearest import FittedNearest
from models.ngrams import WORD_PATTERN, share_among_words
from models.theme_model import ThemeModel
from models.views import part_contributions

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_WORD = re.compile(WORD_PATTERN)
_CELLS = 1 << 22
#: A word that added less would be told as "+0.00".
LEAST_SHOWN = 0.005


def word_contributions(model: ThemeModel, text: str, view: Rows, code: int) -> dict[str, float]:
    """Word -> what it adds to the score of a code (``Calibration.scores``), in logits.

    view: (1, d) of the text, as ``count_ngrams`` gives it. The contributions, with those of signs under "", sum
    to slope * share of the words member * (its logit - its intercept): exactly what the words add.
    """
    row = model.words.features(view)
    scale = model.scale(WORDS, code)
    values = row.data * model.words.linear.weights[code, row.indices] * scale
    of_columns = dict(zip(row.indices.tolist(), values.tolist(), strict=True))
    return share_among_words(text, of_columns, model.words.vocabulary)


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


def similarities(queries: Rows, known: Rows) -> Iterator[FloatArray]:
    """Cosines of queries with known rows, some queries at a time, in order, to bound memory: (b, m) each.

    queries: (n, d); known: (d, m), transposed, for that takes long where rows are sparse; all of equal length, as
    ``FittedWords.features`` gives them.
    """
    at_once = max(1, _CELLS // max(1, known.shape[1]))
    for first in range(0, queries.shape[0], at_once):
        found = queries[first : first + at_once] @ known
        yield np.asarray(found.toarray() if sp.issparse(found) else found)


def nearest_of(cosines: FloatArray, places: IntArray, *, most: int) -> list[int]:
    """The places with the highest cosines, at most so many, highest first; ties go to the first.

    cosines: (m,) of all; places: those that are asked for.
    """
    left, found = cosines[places], []
    for _ in range(min(most, len(places))):
        best = int(left.argmax())
        found.append(int(places[best]))
        left[best] = -np.inf
    return found
