"""Whether the named words carry a suggestion: the probability without them, and CPU seconds.

    python -m tests.benchmarks.evidence STUDY...

A study with unread transcripts. "Strongest" are the five words with the largest contributions, "named" those that a
suggestion tells. The study's cache is used and filled, nothing else in its folder is written.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from corpus.study import load_study
from models.explain import speaking_words
from models.members import WORDS
from pipeline.cache import stage_dir
from pipeline.preprocess import read_preprocessed
from pipeline.reasons import (
    N_WORDS,
    encode_with,
    evidence_cells,
    named_words,
    nearest_known,
    probabilities_without,
)
from pipeline.run import plan_run
from pipeline.stages import one_by_one, quiet, run_stages
from pipeline.suggest import _backgrounds, _similar
from pipeline.views import context_of, views_of


def measure(path: Path) -> list[str]:
    """The row of a study."""
    study = load_study(path)
    plan = plan_run(study)
    stages = ("ingest", "preprocess", "encode", "units", "train")
    keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=stages)
    assert (stage_dir(study, "train", keys.train[0]) / "model.json").is_file(), "no code learned"
    start = time.process_time()
    found = _backgrounds(study, keys.units[0], keys.preprocess, keys.encode, keys.train[0])[0]
    here = read_preprocessed(study, keys.preprocess).segments
    segments = [segment for segment in here if segment.segment_id in found.unread]
    views = views_of(found.model.words.vocabulary, segments, context_of(study, keys.preprocess, keys.encode))
    before = found.model.probabilities(views)
    ready = time.process_time()
    cells = [(int(place), int(code)) for place, code in np.argwhere(before >= found.model.thresholds)]
    texts, encode = [segment.text for segment in segments], encode_with(plan.encoder)
    named = named_words(found.model, texts, views, cells, before=before, encode=encode)
    worded = time.process_time()
    evidence_cells(found.model, views, cells, named)
    nearest_known(_similar(found.model, views), found.similar, found.shares, cells)
    end = time.process_time()
    strongest = [
        speaking_words(found.model, texts[place], views[WORDS][place : place + 1], code, most=N_WORDS)
        for place, code in cells
    ]
    shares = []
    for words in (strongest, named):
        asked = [(*cell, some) for cell, some in zip(cells, words, strict=True) if some]
        after = probabilities_without(found.model, texts, views, asked, encode=encode)
        lower = [p < before[place, code] for p, (place, code, _) in zip(after, asked, strict=True)]
        shares.append(f"{np.mean(lower):.4f} of {len(asked)}")
    seconds = [f"{value:.1f}" for value in (ready - start, worded - ready, end - worded)]
    return [path.name, str(len(segments)), str(len(cells)), *shares, *seconds]


def main() -> None:
    """A table, a row a study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY")
    head = ("study", "unread", "suggestions", "lower without strongest", "lower without named")
    times = ("reading s", "words s", "other and nearest s")
    print(" | ".join((*head, *times)))
    for path in parser.parse_args().studies:
        print(" | ".join(measure(path)), flush=True)


if __name__ == "__main__":
    main()
