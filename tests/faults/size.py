"""Time and memory of many transcripts, or of a single large one, words only:

    python -m tests.faults.size --transcripts 1000
    python -m tests.faults.size --megabytes 50

The study is invented and made anew; each stage's seconds and the process's peak memory are printed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from corpus.study import load_study
from pipeline.run import run_study
from tests.faults.small_study import many_transcripts, write_small_study


def main() -> int:
    """Exit status 0 if the run ended with a report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--transcripts", type=int, default=0)
    parser.add_argument("--megabytes", type=float, default=0)
    parser.add_argument("--turns", type=int, default=12, help="answers of each of the many transcripts")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        if asked.transcripts:
            many_transcripts(root, asked.transcripts, turns=asked.turns)
        else:
            write_small_study(root)
        if asked.megabytes:
            write_large(root / "transcripts" / "large.txt", int(asked.megabytes * 1_000_000))
        began = last = time.monotonic()
        at = ""

        def tell(stage: str, done: int, total: int) -> None:
            nonlocal at, last
            if stage != at:
                if at:
                    say(at, time.monotonic() - last)
                at, last = stage, time.monotonic()

        result = run_study(load_study(root), on_stage=tell)
        say(f"{at} and report", time.monotonic() - last)
        say("all", time.monotonic() - began)
        print(
            f"{result.n_transcripts} transcripts, {result.n_suggestions} suggestions, aside: {result.set_aside}"
        )
    return 0


def write_large(path: Path, n_bytes: int) -> None:
    """One interview of so many bytes."""
    turn = (Path(path.parent) / "t1.txt").read_text(encoding="utf-8")
    path.write_text(turn * (n_bytes // len(turn)), encoding="utf-8")


def say(what: str, seconds: float) -> None:
    """A line with the peak so far (Linux counts in KiB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what}: {seconds:.1f} s, peak {peak:.2f} GiB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
