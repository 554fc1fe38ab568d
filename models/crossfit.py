"""Cross-fitting over groups, nested without waste.

With folds 1..F the nested procedure needs, for each fold k, predictions for k from everything else, and
inside everything else predictions for each fold j from all but j and k. The model without {j, k} serves
both ways, so F folds need F models and F (F - 1) / 2 more, not F * F.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

N_FOLDS = 5
LEAVE_ONE_OUT_BELOW = 10
N_THREADS = 2

#: (training rows, rows to predict) -> logits (n_predicted, n_codes)
FitPredict = Callable[[IntArray, IntArray], FloatArray]


def assign_folds(groups: Sequence[Hashable]) -> IntArray:
    """Fold of each row: 5 folds balanced by size, leave-one-out below 10 groups; no group is in two folds.

    Groups go, largest first (ties by name), to the fold that has the fewest rows.
    """
    sizes = Counter(groups)
    n_folds = len(sizes) if len(sizes) < LEAVE_ONE_OUT_BELOW else N_FOLDS
    loads, fold_of = [0] * n_folds, {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], str(item[0]))):
        fold_of[group] = loads.index(min(loads))
        loads[fold_of[group]] += size
    return np.array([fold_of[group] for group in groups], dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Crossfit:
    """Logits for rows whose group the model had not seen.

    folds: (n,). outer: (n, k), each row by the model without its fold.
    inner: (n_folds, n, k); inner[f, row] is by the model without fold f and without the row's own fold;
        nan for rows of fold f itself.
    """

    folds: IntArray
    outer: FloatArray
    inner: FloatArray


def crossfit(fit_predict: FitPredict, folds: IntArray, n_codes: int) -> Crossfit:
    """Run the nested procedure; needs 3 folds or more. Threads share the work and change no result."""
    n_folds = int(folds.max()) + 1
    outer = np.full((len(folds), n_codes), np.nan)
    inner = np.full((n_folds, len(folds), n_codes), np.nan)

    def leave_out(held: tuple[int, ...]) -> None:
        rows = np.flatnonzero(np.isin(folds, held))
        logits = fit_predict(np.flatnonzero(~np.isin(folds, held)), rows)
        if len(held) == 1:
            outer[rows] = logits
            return
        for this, other in (held, held[::-1]):
            mine = folds[rows] == this
            inner[other, rows[mine]] = logits[mine]

    jobs = [*combinations(range(n_folds), 1), *combinations(range(n_folds), 2)]
    # One BLAS thread each: the same bytes on any number of cores, and no two pools that fight for them.
    with threadpool_limits(1), ThreadPoolExecutor(N_THREADS) as threads:
        list(threads.map(leave_out, jobs))
    return Crossfit(folds, outer, inner)
