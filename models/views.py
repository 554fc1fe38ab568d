"""What the members of the theme model see of segments, from texts and embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: How much the segments before and after count beside the segment itself: one step away, two steps away.
NEIGHBOUR_WEIGHTS = (0.7, 0.4)

FloatArray = npt.NDArray[np.float32]


def context_view(embeddings: FloatArray, transcripts: Sequence[str]) -> FloatArray:
    """Each segment's embedding beside those of its neighbours: (n, 5 * width), float32.

    embeddings: (n, width) of all segments in order, speakers that only give context included.
    transcripts: (n,) the transcript of each; neighbours are of the same one, and zeros where there is none.
    The parts in order: the segment, one before, one after, two before, two after.
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
