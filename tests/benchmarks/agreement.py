"""Seconds and peak memory of agreement at audit size, beside ``krippendorff`` and ``nltk``.

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
N_SETS = 10_000
N_TEXTS, N_CHARACTERS, N_SPANS = 58, 50_000, 300
TITLES = {
    "alpha": f"nominal alpha, {N_UNITS:,} units x {N_CODERS} coders x {N_CODES} codes",
    "krippendorff": "the same by krippendorff",
    "alpha_per_code": f"binary alpha of each of {N_CODES} codes, {N_UNITS:,} units x {N_CODERS} coders",
    "encode": f"table of {N_UNITS:,} x {N_CODERS} names into integers",
    "count_pairs": f"counts of two coders, {N_TRANSCRIPTS * N_UNITS_EACH:,} units x {N_CODES} codes",
    "intervals": f"12 statistics x {N_CODES} codes in one pass, intervals over {N_TRANSCRIPTS} transcripts (BCa)",
    "intervals_29": f"12 statistics x {N_CODES} codes in one pass, intervals over 29 transcripts (jackknife)",
    "count_many": f"counts of {N_CODERS} coders, {N_TRANSCRIPTS} x {N_UNITS_EACH:,} units x {N_CODES} codes",
    "intervals_many": f"6 statistics of all coders x {N_CODES} codes, intervals over {N_TRANSCRIPTS} transcripts",
    "masi": f"MASI alpha, {N_SETS:,} units x {N_CODERS} coders",
    "nltk_masi": "the same by nltk",
    "masi_interval": f"its sums and interval over {N_TRANSCRIPTS} transcripts (BCa)",
    "unitizing": f"unitizing alpha, {N_TEXTS} x {N_CHARACTERS:,} characters, {N_CODERS} coders x {N_SPANS} spans",
    "unitizing_intervals": f"its intervals over {N_TEXTS} texts: u, binary, cu, 2 x {N_CODES} codes (BCa)",
    "characters": f"character counts of two coders, {N_CODES} codes, the same texts",
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
    return lambda: sum(map(len, pair_intervals(counts, PAIR_STATISTICS, seed=0).values()))


def intervals_29() -> Callable[[], Any]:
    return intervals(29)


def count_many() -> Callable[[], Any]:
    import numpy as np

    from pipeline.agreement.many import count_many

    given, read = given_by_many()
    return lambda: np.stack([count_many(given[:, t], read[:, t]) for t in range(N_TRANSCRIPTS)]).shape


def intervals_many() -> Callable[[], Any]:
    import numpy as np

    from pipeline.agreement.many import MANY_STATISTICS, count_many, many_intervals

    given, read = given_by_many()
    sums = np.stack([count_many(given[:, t], read[:, t]) for t in range(N_TRANSCRIPTS)])
    return lambda: sum(map(len, many_intervals(sums, MANY_STATISTICS, seed=0).values()))


def given_by_many() -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    shape = (N_CODERS, N_TRANSCRIPTS, N_UNITS_EACH)
    common = rng.random((1, *shape[1:], N_CODES), dtype=np.float32) < 0.1
    given = common ^ (rng.random((*shape, N_CODES), dtype=np.float32) < 0.03)
    return given, rng.random(shape) < 0.9


def random_sets() -> Any:
    """Sets of 1 to about 6 of 30 codes, so that nltk, which takes no empty ones, can run."""
    import numpy as np

    rng = np.random.default_rng(0)
    often = rng.dirichlet(np.ones(30)) * 3
    common = rng.random((N_SETS, 1, 30)) < often
    given = common ^ (rng.random((N_SETS, N_CODERS, 30)) < 0.2 * often)
    return [[frozenset(np.flatnonzero(row).tolist() or [30]) for row in unit] for unit in given]


def masi() -> Callable[[], Any]:
    from pipeline.agreement.sets import alpha_over_sets

    sets = random_sets()
    return lambda: alpha_over_sets(sets).value


def nltk_masi() -> Callable[[], Any]:
    from nltk.metrics.agreement import AnnotationTask
    from nltk.metrics.distance import masi_distance

    triples = [(c, i, codes) for i, unit in enumerate(random_sets()) for c, codes in enumerate(unit)]
    return lambda: AnnotationTask(triples, distance=masi_distance).alpha()


def masi_interval() -> Callable[[], Any]:
    from pipeline.agreement.sets import set_interval, set_sums

    sets = random_sets()
    transcripts = [i % N_TRANSCRIPTS for i in range(N_SETS)]
    return lambda: set_interval(set_sums(sets, transcripts=transcripts), seed=0).low


def random_texts() -> Any:
    """Spans without overlap within a coder; each coder moves the borders and keeps nine tenths."""
    import numpy as np

    from pipeline.agreement.continuum import Continuum

    rng = np.random.default_rng(0)
    step = N_CHARACTERS // N_SPANS
    texts = []
    for _ in range(N_TEXTS):
        codes = rng.integers(0, N_CODES, N_SPANS)
        coders = []
        for _ in range(N_CODERS):
            starts = step * np.arange(N_SPANS) + rng.integers(0, 15, N_SPANS)
            own = np.where(rng.random(N_SPANS) < 0.9, codes, rng.integers(0, N_CODES, N_SPANS))
            coders.append(
                [(int(s), int(s) + 130 + int(s) % 20, f"c{c:02}") for s, c in zip(starts, own, strict=True)]
            )
        texts.append(Continuum(N_CHARACTERS, coders))
    return texts


def unitizing() -> Callable[[], Any]:
    from pipeline.agreement.continuum import span_sums
    from pipeline.agreement.unitizing import unitizing_agreement

    texts = random_texts()
    return lambda: unitizing_agreement(span_sums(texts)).u.value


def unitizing_intervals() -> Callable[[], Any]:
    from pipeline.agreement.continuum import span_sums
    from pipeline.agreement.unitizing import unitizing_intervals

    sums = span_sums(random_texts())
    return lambda: unitizing_intervals(sums, seed=0)["u"][0].low


def characters() -> Callable[[], Any]:
    from pipeline.agreement.characters import count_characters

    texts = random_texts()
    words = ("invented " * N_CHARACTERS)[:N_CHARACTERS]
    codes = [f"c{c:02}" for c in range(N_CODES)]
    return lambda: sum(count_characters(words, *text.spans[:2], codes).sum() for text in texts)


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
