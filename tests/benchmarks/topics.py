"""How far topics agree with people's codes: plain NMF, NMF smoothed over neighbours in meaning, and LDA side by side.

python tests/benchmarks/topics.py STUDY [--numbers 8,10,15,20,30] [--fewest-words 5]

Agreement is adjusted mutual information (Vinh, Epps & Bailey 2010, arithmetic mean): 0 by chance, 1 if each tells
the other. Codes are those of the human coders. "every code": main topic and code of each pair of a segment and a code
that a human gave it; "one code": segments with exactly one code and at least --fewest-words words. Seconds are
processor time of one fit with its rows; "stage" is the whole topics stage. The study is copied, without its cache.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from corpus.study import Study, load_study
from models.topic_rows import make_rows
from models.topics import Documents, make_documents
from pipeline.run import plan_run
from pipeline.stages import Keys, Plan, one_by_one, quiet, run_stages
from pipeline.topic_entries import main_topic
from pipeline.topics import Kind, kinds, read_meanings, read_topics, topics
from pipeline.units import read_units

NOT_COPIED = ("cache", "runs", "models", ".precode*")
WANTED = ("ingest", "preprocess", "encode", "units")


@dataclass(frozen=True, slots=True)
class Said:
    """The segments of speakers who are not context. given: (n, k) by any human coder; n_words: (n,)."""

    documents: Documents
    given: np.ndarray
    n_words: np.ndarray
    kinds: dict[str, Kind]


def read_said(study: Study, keys: Keys) -> Said:
    units = read_units(study, keys.units[0], keys.preprocess)
    said = np.flatnonzero(~units.context)
    meanings = read_meanings(study, keys.preprocess, keys.encode)
    return Said(
        documents=make_documents([units.lemmas[i] for i in said]),
        given=units.given[units.is_human][:, said].any(axis=0),
        n_words=np.array([len(units.segments[i].text.split()) for i in said]),
        kinds=kinds(None) | (kinds(meanings[said]) if meanings is not None else {}),
    )


def agreement(main: np.ndarray, said: Said, *, fewest_words: int) -> tuple[float, float]:
    """Adjusted mutual information over every code, and over segments with one code."""
    segments, codes = np.nonzero(said.given & (main >= 0)[:, None])
    one = (said.given.sum(axis=1) == 1) & (main >= 0) & (said.n_words >= fewest_words)
    return (
        adjusted_mutual_info_score(codes, main[segments]),
        adjusted_mutual_info_score(said.given[one].argmax(axis=1), main[one]),
    )


def measure(kind: Kind, n_topics: int, said: Said, *, fewest_words: int) -> tuple[float, float, float]:
    started = time.process_time()
    rows = make_rows(said.documents, [], kind.make_rows).whole
    shares = kind.make(n_topics, seed=0).fit(rows).transform(rows)
    main = main_topic(np.vstack([shares, np.zeros(shares.shape[1])])[said.documents.row_of])
    seconds = time.process_time() - started
    return *agreement(main, said, fewest_words=fewest_words), seconds


def show(said: Said, numbers: list[int], *, fewest_words: int) -> None:
    n_one = ((said.given.sum(axis=1) == 1) & (said.n_words >= fewest_words)).sum()
    print(
        f"{len(said.given)} segments, {len(said.documents)} documents, {said.given.any(axis=0).sum()} codes given; "
        f"{said.given.sum()} pairs of segment and code, {n_one} segments with one code\n"
    )
    print(f"{'model':16}{'topics':>8}{'every code':>12}{'one code':>10}{'seconds':>9}")
    for name, kind in said.kinds.items():
        found = [measure(kind, n, said, fewest_words=fewest_words) for n in numbers]
        for n, (every, one, seconds) in zip(numbers, found, strict=True):
            print(f"{name:16}{n:8}{every:12.3f}{one:10.3f}{seconds:9.2f}")
        every, one, seconds = np.mean(found, axis=0)
        print(f"{name:16}{'mean':>8}{every:12.3f}{one:10.3f}{seconds:9.2f}\n")


def show_stage(study: Study, keys: Keys, encode_keys: tuple[str, ...]) -> None:
    started = time.process_time()
    key = topics(study, keys.units[0], keys.preprocess, encode_keys)
    seconds = time.process_time() - started
    shown = ", ".join(
        f"{name} {model['n_topics'] - model['n_hidden']} of {model['n_topics']} topics come back"
        for name, model in read_topics(study, key)["models"].items()
    )
    print(f"stage {'with' if encode_keys else 'without'} encoder: {seconds:.1f} s; {shown}")


def prepared(study: Study) -> tuple[Plan, Keys]:
    plan = plan_run(study)
    return plan, run_stages(plan, one_by_one(study, plan, quiet), wanted=WANTED)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--numbers", default="8,10,15,20,30", help="numbers of topics to ask for")
    parser.add_argument("--fewest-words", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / options.study.resolve().name
        left = shutil.ignore_patterns(*NOT_COPIED)
        shutil.copytree(options.study, copy, ignore=left, copy_function=shutil.copyfile)
        study = load_study(copy)
        plan, keys = prepared(study)
        if not plan.encoder:
            print("no sentence encoder: 'precode encoder install' brings it; without it, no smoothed NMF\n")
        numbers = [int(number) for number in options.numbers.split(",")]
        show(read_said(study, keys), numbers, fewest_words=options.fewest_words)
        for encode_keys in dict.fromkeys([keys.encode, ()]):
            show_stage(study, keys, encode_keys)


if __name__ == "__main__":
    main()
