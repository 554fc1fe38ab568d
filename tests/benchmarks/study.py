"""Seconds a stage, words a second and peak memory of the whole job on a study folder.

python tests/benchmarks/study.py STUDY [--prefect]

The study is copied to a temporary folder without its cache and runs, run once from nothing, then once more
unchanged; each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOT_COPIED = ("cache", "runs", "models", ".precode*")


def run_here(study_dir: Path) -> dict[str, object]:
    """Run without Prefect, in this process; seconds a stage."""
    started = time.perf_counter()
    from corpus.study import load_study
    from pipeline.run import run_study

    imported = time.perf_counter()
    begun: dict[str, float] = {}
    seconds: dict[str, float] = {"import": imported - started}

    def on_stage(stage: str, done: int, total: int) -> None:
        now = time.perf_counter()
        begun.setdefault(stage, now)
        seconds[stage] = now - begun[stage]

    result = run_study(load_study(study_dir), on_stage=on_stage)
    total = time.perf_counter() - started
    seconds["report"] = total - sum(seconds.values())
    summary = json.loads((result.run_dir / "summary.json").read_text(encoding="utf-8"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "total": total,
        "n_words": summary["n_words"],
        "peak_mb": peak,
        "unchanged": result.unchanged,
    }


def in_process(study_dir: Path) -> dict[str, object]:
    """``run_here`` in a fresh interpreter."""
    finished = subprocess.run(
        [sys.executable, __file__, str(study_dir), "--here"], check=True, capture_output=True, text=True
    )
    found: dict[str, object] = json.loads(finished.stdout.splitlines()[-1])
    return found


def with_prefect(study_dir: Path) -> float:
    """Seconds of ``precode run`` in a fresh interpreter."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", str(study_dir)], check=False, capture_output=True
    )
    return time.perf_counter() - started


def show(name: str, found: dict[str, object]) -> None:
    """Print one run as a table."""
    print(f"\n{name}: {found['total']:.1f} s, peak {found['peak_mb']:.0f} MB, {found['n_words']:,} words")
    if found["unchanged"]:
        return
    seconds = found["seconds"]
    assert isinstance(seconds, dict) and isinstance(found["n_words"], int)
    for stage, taken in seconds.items():
        speed = f"{found['n_words'] / taken:>12,.0f} words/s" if taken > 0 else ""
        print(f"  {stage:<12}{taken:>8.2f} s {speed}")


def main() -> None:
    """Parse, copy, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--prefect", action="store_true", help="also time 'precode run' as a whole")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(run_here(options.study)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / options.study.resolve().name
        left = shutil.ignore_patterns(*NOT_COPIED)
        shutil.copytree(options.study, copy, ignore=left, copy_function=shutil.copyfile)
        show("from files to report", in_process(copy))
        show("unchanged second run", in_process(copy))
        if options.prefect:
            for name in ("cache", "runs", "models"):
                shutil.rmtree(copy / name)
            print(f"\nprecode run, Prefect and all: {with_prefect(copy):.1f} s")
            print(f"precode run, unchanged: {with_prefect(copy):.1f} s")


if __name__ == "__main__":
    main()
