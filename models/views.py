"""What the members of the theme model see of segments, from texts and embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: How much the segments before and after count beside the segment itself: one step away, two steps away.
NEIGHBOUR_WEIGHTS = (0.7, 0.4)

FloatArray = npt.NDArray[np.float32]


#: The parts of a context view, in order.
PARTS = ("meaning", "before", "after", "two before", "two after")


def context_view(embeddings: FloatArray, transcripts: Sequence[str]) -> FloatArray:
    """Each segment's embedding beside those of its neighbours: (n, 5 * width), float32.

    embeddings: (n, width) of all segments in order, speakers that only give context included.
    transcripts: (n,) the transcript of each; neighbours are of the same one, and zeros where there is none.
    The parts are in the order of PARTS.
    """
    names = np.asarray(transcripts, dtype=object)
    parts = [embeddings]
    for distance, weight in enumerate(NEIGHBOUR_WEIGHTS, start=1):
        same = names[distance:] == names[:-distance]
        before, after = np.zeros_like(embeddings), np.zeros_like(embeddings)
        before[distance:][same] = weight * embeddings[:-distance][same]
        after[:-distance][same] = weight * embeddings[distance:][same]
        parts += [before, after]
    return np.hstack(parts)


def own_part(view: FloatArray) -> FloatArray:
    """The segments' own embeddings: (n, width)."""
    return view[:, : view.shape[1] // len(PARTS)]


def with_own_part(view: FloatArray, embeddings: FloatArray) -> FloatArray:
    """The view with other embeddings, (n, width), of the segments themselves; what is around them stays."""
    return np.hstack([embeddings, view[:, embeddings.shape[1] :]])


def part_contributions(view: FloatArray, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What each part of n rows, (n, d), adds to a logit with these weights, (d,): (n, len(PARTS)); they sum to it."""
    width = view.shape[1] // len(PARTS)
    return np.asarray((view * weights).reshape(len(view), len(PARTS), width).sum(axis=2))
