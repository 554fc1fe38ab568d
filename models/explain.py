"""Why the model says so: exact contributions of words, and the nearest coded excerpts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from models.linear import Rows
from models.members import CONTEXT, WORDS, FittedContext
from models.nearest import NEAREST, FittedNearest
from models.ngrams import share_among_words
from models.theme_model import ThemeModel
from models.views import PARTS, part_contributions

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


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
    """The words that spoke for a code, strongest first (ties by name); only positive contributions."""
    found = word_contributions(model, text, view, code)
    positive = [(word, value) for word, value in found.items() if word and value > 0]
    return sorted(positive, key=lambda pair: (-pair[1], pair[0]))[:most]


def meaning_contributions(model: ThemeModel, views: Mapping[str, Rows], code: int) -> dict[str, float]:
    """What the other members add to the score of a code: meaning, what was said around it, excerpts it is like.

    views: of this one segment. Empty for a model of words only. With ``word_contributions``, the intercepts and the
    codes' own rates it sums to the whole score. "examples" is how far the votes of coded excerpts are above the rate.
    """
    found: dict[str, float] = {}
    context, nearest = model.members.get(CONTEXT), model.members.get(NEAREST)
    if isinstance(context, FittedContext):
        weights = context.linear.weights[code] * model.scale(CONTEXT, code)
        parts = part_contributions(views[CONTEXT], weights)
        around = sum(value for name, value in parts.items() if name != PARTS[0])
        found |= {"meaning": parts[PARTS[0]], "context": around}
    if isinstance(nearest, FittedNearest):
        above = nearest.logits(views[NEAREST])[0, code] - nearest.rate_logits[code]
        found["examples"] = float(above * model.scale(NEAREST, code))
    return found


def nearest_rows(queries: Rows, known: Rows, *, most: int) -> IntArray:
    """Places of the rows of ``known`` nearest to each query by cosine: (n_queries, at most ``most``).

    Rows are of equal length, as ``FittedWords.features`` gives them; ties go to the first.
    """
    similarity = queries @ known.T
    dense = similarity.toarray() if hasattr(similarity, "toarray") else np.asarray(similarity)
    return np.argsort(-dense, axis=1, kind="stable")[:, :most]
