"""start: what can be said of codes that are not learned yet, from the codebook and the few excerpts there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from corpus.records import Segment
from models.linear import Rows
from models.members import CONTEXT, WORDS, WordsMember
from models.ngrams import Vocabulary, count_ngrams
from models.starter import start_theme_model
from models.theme_model import ThemeModel
from pipeline.target import Target, headings, unread_rows
from pipeline.units import Units
from pipeline.views import Embedding, codebook_examples, context_rows, members_of

IntArray = npt.NDArray[np.intp]

#: From so many unread segments, drawn at random, it learns what is said anyway, so that memory stays bounded;
#: those that it learned from rank a little lower than those beyond.
MOST_BACKGROUND = 20_000
_AT_ONCE = 2048
#: A vote of the nearest coded excerpts says nothing where there are hardly any.
MEMBERS = (WORDS, CONTEXT)


def start(
    units: Units,
    target: Target,
    context: Mapping[str, Embedding],
    codebook: Sequence[Mapping[str, str]],
    *,
    known: Collection[str],
    encoder: str,
    seed: int,
) -> ThemeModel | None:
    """A model that ranks unread segments for the codes that are not learned yet; None if either is missing.

    It learns from the codebook, from what was read, and from unread segments as if none had these codes: rare as a
    code is, that is nearly true, and it teaches what is said anyway. known: codes that another model speaks of.
    """
    above = headings(codebook, target.n_positive.tolist())
    places = [i for i, code in enumerate(units.codes) if code not in above and code not in known]
    unread = unread_rows(units, target)
    if not places or not len(unread):
        return None
    codes = [units.codes[place] for place in places]
    examples = codebook_examples(codebook, codes)
    background = _some(unread, seed)
    rows = np.concatenate([target.rows, background])
    members = members_of([units.segments[row] for row in rows], context, examples, encoder=encoder)
    none_given = np.zeros((len(background), len(codes)))
    vocabulary = cast(WordsMember, members[WORDS]).vocabulary
    return start_theme_model(
        {name: members[name] for name in MEMBERS if name in members},
        np.vstack([target.shares[:, places], none_given, examples.shares]),
        codes=codes,
        seed=seed,
        asked=_asked(vocabulary, [units.segments[row] for row in unread], context),
    )


def _asked(
    vocabulary: Vocabulary, segments: Sequence[Segment], context: Mapping[str, Embedding]
) -> dict[str, Iterable[Rows]]:
    """What the members see of segments, in parts; the n-grams of a part are counted when it is asked for."""
    starts = range(0, len(segments), _AT_ONCE)
    texts = [segment.text for segment in segments]
    views: dict[str, Iterable[Rows]] = {
        WORDS: (count_ngrams(texts[at : at + _AT_ONCE], vocabulary) for at in starts)
    }
    if context:
        views[CONTEXT] = [context_rows(segments, context)]
    return views


def _some(rows: IntArray, seed: int) -> IntArray:
    if len(rows) <= MOST_BACKGROUND:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_BACKGROUND, replace=False))
