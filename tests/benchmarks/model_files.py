"""Model files: milliseconds to load, size, n-grams, names found, and what leaving the names out changes.

Each study is copied, trained from nothing and looked at as ``precode export --to model`` does. Changes of
probabilities are over all segments that people have read, by the model that learned from them: beside each other, not
scored.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from corpus.files import read_json
from corpus.study import Study, load_study
from models.one_file import unpack
from models.store import parse_model, read_model
from models.theme_model import ThemeModel
from pipeline.run import run_study
from pipeline.share_model import Shareable, look_at_model, share_model
from pipeline.target import make_target
from pipeline.units import read_units
from pipeline.views import context_of, views_of

NOT_COPIED = ("cache", "runs", "models", ".precode*")
ROUNDS = 20


def milliseconds_to_load(folder: Path) -> tuple[float, float, float]:
    """By the clock: median and largest over rounds; by processor time: median. All checks included."""
    read_model(folder)
    by_clock, by_processor = [], []
    for _ in range(ROUNDS):
        started, used = time.perf_counter(), time.process_time()
        read_model(folder)
        by_clock.append(1000 * (time.perf_counter() - started))
        by_processor.append(1000 * (time.process_time() - used))
    return statistics.median(by_clock), max(by_clock), statistics.median(by_processor)


def probabilities(study: Study, found: Shareable, model: ThemeModel) -> np.ndarray:
    """(n, n_codes), of the segments that people have read."""
    stages = read_json(study.runs_dir / found.run_id / "manifest.json")["stages"]
    units = read_units(study, stages["units"][0], stages["preprocess"])
    rows = make_target(units, gold=study.settings.target.gold).rows
    segments = [units.segments[row] for row in rows]
    context = context_of(study, stages["preprocess"], stages["encode"])
    return model.probabilities(views_of(model.words.vocabulary, segments, context))


def measure(study: Study) -> None:
    result = run_study(study)
    folder = next(study.models_dir.glob("*/"))
    found = look_at_model(study)
    path = study.root / "measured.precode-model"
    share_model(study, found, path, without_names=False)
    whole = path.stat().st_size
    shared = share_model(study, found, path, without_names=True)
    fewer = parse_model(unpack(path.read_bytes(), file=path.name))
    median, most, used = milliseconds_to_load(folder)
    before, after = (probabilities(study, found, model) for model in (found.model, fewer))
    change = np.abs(after - before)
    flags = [values >= found.model.thresholds for values in (before, after)]
    print(
        f"\n{study.root.name}: run {result.run_id}, {len(found.model.codes)} codes, {shared.n_ngrams:,} n-grams"
    )
    print(f"  load: median {median:.0f} ms, most {most:.0f} ms of {ROUNDS}; processor time {used:.0f} ms")
    print(f"  size: {whole / 2**20:.1f} MB; without names {path.stat().st_size / 2**20:.1f} MB")
    print(f"  words that may be names: {len(found.listed)} {found.n_listed}")
    print(f"  n-grams left out: {shared.n_left_out:,} ({shared.n_left_out / shared.n_ngrams:.1%})")
    print(f"  segments that change: {(change > 1e-6).any(axis=1).mean():.1%} of {len(change):,}")
    print(
        f"  change of a probability: mean {change.mean():.4f}, 99 % {np.quantile(change, 0.99):.3f}, ", end=""
    )
    print(f"most {change.max():.3f}; flags that differ {(flags[0] != flags[1]).mean():.2%}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", metavar="STUDY", nargs="+", type=Path)
    for path in parser.parse_args().studies:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / path.resolve().name
            left = shutil.ignore_patterns(*NOT_COPIED)
            shutil.copytree(path, copy, ignore=left, copy_function=shutil.copyfile)
            measure(load_study(copy))


if __name__ == "__main__":
    main()
