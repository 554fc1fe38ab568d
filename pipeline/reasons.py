"""reasons: what is told of a suggestion: words, other parts, and the nearest segments that people read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.encoder import find_encoder
from models.explain import delete_words, nearest_of, other_contributions, similarities, speaking_words
from models.linear import Rows
from models.members import CONTEXT, WORDS
from models.nearest import NEAREST
from models.ngrams import count_ngrams
from models.theme_model import POSITIVE_FROM, ThemeModel
from models.views import with_own_part

N_WORDS = 5
N_NEAREST = 3
#: A probability is lower from this difference on: the last place that is shown.
LEAST_DROP = 1e-4

FloatArray = npt.NDArray[np.float64]
Cell = tuple[int, int]
"""(place of a segment, place of a code): a suggestion."""
Words = list[tuple[str, float]]
Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]


def encode_with(encoder: str) -> Encode | None:
    """What turns texts into embeddings; None for words only."""
    return find_encoder(encoder).encode if encoder else None


def named_words(
    model: ThemeModel,
    texts: Sequence[str],
    views: Mapping[str, Rows],
    cells: Sequence[Cell],
    *,
    before: FloatArray,
    encode: Encode | None,
) -> list[Words]:
    """Of each suggestion, words that spoke for it, with what each added in logits, strongest first.

    Without the words named the whole model gives the code a lower probability: where it does not, for the words
    that are left count more and the meaning changes too, the weakest is not named, until it does.
    texts, views, before: (n,) segments; the last their probabilities. encode: as ``encode_with`` gives it.
    """
    named = [_speaking(model, texts[place], views, place, code) for place, code in cells]
    unsure = [i for i, words in enumerate(named) if words]
    while unsure:
        asked = [(*cells[i], named[i]) for i in unsure]
        left = probabilities_without(model, texts, views, asked, encode=encode)
        unsure = [i for i, after in zip(unsure, left, strict=True) if after > before[cells[i]] - LEAST_DROP]
        for i in unsure:
            named[i] = named[i][:-1]
        unsure = [i for i in unsure if named[i]]
    return named


def _speaking(model: ThemeModel, text: str, views: Mapping[str, Rows], place: int, code: int) -> Words:
    return speaking_words(model, text, views[WORDS][place : place + 1], code, most=N_WORDS)


def probabilities_without(
    model: ThemeModel,
    texts: Sequence[str],
    views: Mapping[str, Rows],
    asked: Sequence[tuple[int, int, Words]],
    *,
    encode: Encode | None,
) -> list[float]:
    """The probability of a code for a segment without some of its words, for each (place, code, words) asked.

    What is around the segment stays as it was.
    """
    places = [place for place, _, _ in asked]
    left = [delete_words(texts[place], {word for word, _ in words}) for place, _, words in asked]
    # The words that spoke for one code of a segment often speak for another: each text is looked at once.
    unique = {key: i for i, key in enumerate(dict.fromkeys(zip(places, left, strict=True)))}
    rows, said = [place for place, _ in unique], [text for _, text in unique]
    here = {name: view[rows] for name, view in views.items()}
    here[WORDS] = count_ngrams(said, model.words.vocabulary)
    if encode is not None and CONTEXT in here:
        seen = with_own_part(here[CONTEXT], encode(said))
        here |= {CONTEXT: seen, NEAREST: seen}
    found = model.probabilities(here)
    return [
        float(found[unique[place, text], code]) for (place, code, _), text in zip(asked, left, strict=True)
    ]


def evidence_cells(
    model: ThemeModel, views: Mapping[str, Rows], cells: Sequence[Cell], named: Sequence[Words]
) -> list[str]:
    """ "queue +1.20; late +0.70; [meaning] +0.30": words, then in brackets what is no single word's, in logits."""
    found = [""] * len(cells)
    for code, wanted in _by_code(cells).items():
        here = {name: view[[cells[i][0] for i in wanted]] for name, view in views.items()}
        others = other_contributions(model, here, code)
        for at, i in enumerate(wanted):
            parts = [*named[i], *((f"[{name}]", float(values[at])) for name, values in others.items())]
            found[i] = "; ".join(f"{name} {value:+.2f}" for name, value in parts)
    return found


def _by_code(cells: Sequence[Cell]) -> dict[int, list[int]]:
    """Place of a code -> places of its suggestions in ``cells``."""
    found: dict[int, list[int]] = defaultdict(list)
    for i, (_, code) in enumerate(cells):
        found[code].append(i)
    return found


def nearest_known(
    similar: Rows, known: Rows, shares: FloatArray, cells: Sequence[Cell]
) -> list[tuple[list[int], list[int]]]:
    """Of each suggestion, rows that people coded so, nearest first, and the nearest that they read and did not.

    similar: (n, d) rows, known: (d, m), transposed, all of equal length. shares: (m, k) of those who read a row, who
    gave the code: half of them or more coded it so; where nobody did, it was read and not coded so.
    """
    found: list[tuple[list[int], list[int]]] = [([], [])] * len(cells)
    codes = {code for _, code in cells}
    so = {code: np.flatnonzero(shares[:, code] >= POSITIVE_FROM) for code in codes}
    other = {code: np.flatnonzero(shares[:, code] == 0) for code in codes}
    wanted: dict[int, list[int]] = defaultdict(list)
    for i, (place, _) in enumerate(cells):
        wanted[place].append(i)
    rows = (row for block in similarities(similar[list(wanted)], known) for row in block)
    for cosines, asked in zip(rows, wanted.values(), strict=True):
        for i in asked:
            code = cells[i][1]
            found[i] = (
                nearest_of(cosines, so[code], most=N_NEAREST),
                nearest_of(cosines, other[code], most=1),
            )
    return found
