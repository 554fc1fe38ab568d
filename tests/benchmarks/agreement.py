"""Seconds and peak memory of agreement at audit size, beside ``krippendorff``.

Run: python tests/benchmarks/agreement.py

Each line is measured in a process of its own: the best of five timings of the computation, and the
peak memory of the process with and without it (the rest is Python, NumPy and what they import).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

N_UNITS, N_CODERS, N_CODES = 100_000, 3, 20
N_TRANSCRIPTS, N_UNITS_EACH = 30, 10_000
TITLES = {
    "alpha": f"nominal alpha, {N_UNITS:,} units x {N_CODERS} coders x {N_CODES} codes",
    "krippendorff": "the same by krippendorff",
    "alpha_per_code": f"binary alpha of each of {N_CODES} codes, {N_UNITS:,} units x {N_CODERS} coders",
    "encode": f"table of {N_UNITS:,} x {N_CODERS} names into integers",
    "count_pairs": f"counts of two coders, {N_TRANSCRIPTS * N_UNITS_EACH:,} units x {N_CODES} codes",
    "intervals": f"11 statistics x {N_CODES} codes, intervals over {N_TRANSCRIPTS} transcripts (BCa)",
    "intervals_29": f"11 statistics x {N_CODES} codes, intervals over 29 transcripts (jackknife)",
}


def random_values() -> Any:
    import numpy as np

    rng = np.random.default_rng(0)
    common = rng.integers(0, N_CODES, size=(N_UNITS, 1))
    own = rng.integers(0, N_CODES, size=(N_UNITS, N_CODERS))
    values = np.where(rng.random((N_UNITS, N_CODERS)) < 0.7, common, own)
    values[rng.random((N_UNITS, N_CODERS)) < 0.1] = -1
    return values


def alpha() -> Callable[[], Any]:
    from pipeline.agreement.alpha import krippendorff_alpha
    from pipeline.agreement.values import Ratings

    ratings = Ratings(random_values(), tuple(range(N_CODES)))
    return lambda: krippendorff_alpha(ratings).value


def krippendorff() -> Callable[[], Any]:
    import krippendorff as outside
    import numpy as np

    values = random_values()
    table = np.where(values < 0, np.nan, values).T
    domain = list(range(N_CODES))
    return lambda: outside.alpha(table, value_domain=domain, level_of_measurement="nominal")


def alpha_per_code() -> Callable[[], Any]:
    import numpy as np

    from pipeline.agreement.alpha import krippendorff_alpha
    from pipeline.agreement.values import Ratings

    values = random_values()

    def one(code: int) -> float:
        gave = np.where(values < 0, -1, values == code)
        return krippendorff_alpha(Ratings(gave, (0, 1))).value

    return lambda: float(np.mean([one(code) for code in range(N_CODES)]))


def encode() -> Callable[[], Any]:
    from pipeline.agreement.values import encode

    table = [[None if value < 0 else f"code {value}" for value in row] for row in random_values().tolist()]
    return lambda: encode(table).values.shape


def count_pairs() -> Callable[[], Any]:
    import numpy as np

    from pipeline.agreement.pairs import count_pairs

    rng = np.random.default_rng(0)
    a, b = rng.random((2, N_TRANSCRIPTS * N_UNITS_EACH, N_CODES), dtype=np.float32) < 0.1
    return lambda: count_pairs(a, b).shape


def intervals(n_transcripts: int = N_TRANSCRIPTS) -> Callable[[], Any]:
    import numpy as np

    from pipeline.agreement.intervals import pair_intervals
    from pipeline.agreement.pairs import PAIR_STATISTICS

    rng = np.random.default_rng(0)
    shares = rng.dirichlet([2, 1, 1, 30], size=(n_transcripts, N_CODES))
    counts = rng.multinomial(N_UNITS_EACH, shares)
    return lambda: sum(len(pair_intervals(counts, key, seed=0)) for key in PAIR_STATISTICS)


def intervals_29() -> Callable[[], Any]:
    return intervals(29)


def measure(name: str) -> None:
    compute: Callable[[], Any] = globals()[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        value = compute()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{min(seconds):8.4f}  {peak / 1024:7.0f}  {(peak - before) / 1024:7.0f}  {TITLES[name]}  [{value}]"
    )


def main() -> None:
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return
    print(f"{'seconds':>8}  {'peak MB':>7}  {'own MB':>7}  what", flush=True)
    for name in TITLES:
        subprocess.run([sys.executable, __file__, name], check=True)


if __name__ == "__main__":
    main()
