"""Seconds a stage for 1,000 words, and peak memory, of invented studies of 1, 3 and 10 times 58 interviews.

python -m tests.benchmarks.scale [--times 1 3 10] [--encoder] [--prefect] [--dask]

Each interview has 8,600 words, drawn with the frequencies of English words, so that the vocabulary grows as it does
in talk. One coder gave 20 codes in 20 of each 58, a second one in 4 of these. Each run is a process of its own, from
files to report. Prints Markdown, for SCALE.md. The processor's seconds stand beside the clock's: they are less
sensitive to what else a machine does.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

N_INTERVIEWS, N_CODED, N_TWICE, N_WORDS, N_CODES = 58, 20, 4, 8_600, 20
N_CUES = 15
WITH_CODE = 0.35
"""Share of the participant's turns that hold a code; every tenth word there is one of the code's."""
STAGES = (
    "ingest",
    "preprocess",
    "encode",
    "units",
    "topics",
    "train",
    "suggest",
    "estimate",
    "compare",
    "report",
)


@dataclass(frozen=True)
class Language:
    """Words, and how often each is said. cues: (code, cue) places of words that go with a code."""

    words: np.ndarray
    shares: np.ndarray
    cues: np.ndarray


def english(rng: np.random.Generator) -> Language:
    """Lower-case words with the frequencies that spaCy's tables have; the cues are neither rare nor common."""
    import spacy_lookups_data

    table = Path(spacy_lookups_data.__file__).parent / "data" / "en_lexeme_prob.json.gz"
    with gzip.open(table, "rt", encoding="utf-8") as stream:
        logs = {word: log for word, log in json.load(stream).items() if word.isalpha() and word.islower()}
    words = sorted(logs, key=lambda word: (-logs[word], word))
    shares = np.exp([logs[word] for word in words])
    cues = rng.choice(np.arange(300, 4_000), size=(N_CODES, N_CUES), replace=False)
    return Language(np.array(words), shares / shares.sum(), cues)


def talk(language: Language, rng: np.random.Generator) -> tuple[str, list[tuple[int, int, int]]]:
    """An interview, and the spans (code, start, end) that hold a code."""
    text, spans, left = "", [], N_WORDS
    order = rng.choice(len(language.words), size=N_WORDS, p=language.shares)
    often = 1 / np.arange(1, N_CODES + 1) ** 0.7
    while left > 0:
        for speaker, size in (("INT", rng.integers(6, 30)), ("P", int(rng.lognormal(4.2, 0.7)) + 3)):
            places = order[N_WORDS - left : N_WORDS - left + size]
            left -= len(places)
            if not len(places):
                continue
            text += f"{speaker}: "
            start = len(text)
            if speaker == "P" and rng.random() < WITH_CODE:
                code = int(rng.choice(N_CODES, p=often / often.sum()))
                told = rng.random(len(places)) < 0.1
                places = np.where(told, rng.choice(language.cues[code], size=len(places)), places)
                text += sentences(language.words[places], rng)
                spans.append((code, start, len(text)))
            else:
                text += sentences(language.words[places], rng)
            text += "\n"
    return text, spans


def sentences(words: np.ndarray, rng: np.random.Generator) -> str:
    """Words in sentences of about twelve."""
    made, ends = [], rng.random(len(words)) < 1 / 12
    ends[-1] = True
    begins = True
    for word, end in zip(words.tolist(), ends.tolist(), strict=True):
        made.append((word.capitalize() if begins else word) + ("." if end else ""))
        begins = end
    return " ".join(made)


def make_study(folder: Path, *, times: int, encoder: bool, engine: str = "threads") -> None:
    """Write a study of ``times`` 58 interviews."""
    rng = np.random.default_rng(0)
    language = english(rng)
    for name in ("transcripts", "codings"):
        (folder / name).mkdir(parents=True)
    rows: dict[str, list[str]] = {"anna": [], "ben": []}
    for number in range(times * N_INTERVIEWS):
        name = f"interview_{number:04d}"
        text, spans = talk(language, rng)
        (folder / "transcripts" / f"{name}.txt").write_text(text, encoding="utf-8")
        place = number % N_INTERVIEWS
        for coder, limit, missed in (("anna", N_CODED, 0.1), ("ben", N_TWICE, 0.3)):
            if place < limit:
                kept = [span for span in spans if rng.random() >= missed]
                rows[coder] += [f"{name},code {code:02d},{start},{end}" for code, start, end in kept]
    for coder, lines in rows.items():
        content = "\n".join(["transcript,code,start,end", *lines]) + "\n"
        (folder / "codings" / f"{coder}.csv").write_text(content, encoding="utf-8")
    model = "minilm" if encoder else "none"
    settings = f'[model]\nencoder = "{model}"\n[engine]\nkind = "{engine}"\n'
    (folder / "study.toml").write_text(settings, encoding="utf-8")


def run_here(study_dir: Path) -> dict[str, Any]:
    """Run without Prefect in this process: of each stage (seconds, processor's seconds, peak so far in MB)."""
    from corpus.study import load_study
    from pipeline.run import run_study

    begun: dict[str, tuple[float, float]] = {}
    stages: dict[str, tuple[float, float, float]] = {}

    def spent(since: tuple[float, float]) -> tuple[float, float, float]:
        return time.perf_counter() - since[0], time.process_time() - since[1], peak_mb()

    def on_stage(stage: str, done: int, total: int) -> None:
        begun.setdefault(stage, (time.perf_counter(), time.process_time()))
        if done == total:
            stages[stage] = spent(begun[stage])
            begun["report"] = (time.perf_counter(), time.process_time())

    result = run_study(load_study(study_dir), on_stage=on_stage)
    stages["report"] = spent(begun["report"])
    summary = json.loads((result.run_dir / "summary.json").read_text(encoding="utf-8"))
    return {"stages": stages, "n_words": summary["n_words"], "n_learned": result.n_learned}


def peak_mb() -> float:
    """The most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(*arguments: str) -> tuple[str, float, float, float]:
    """Standard output, seconds, processor's seconds, peak in MB of a process of its own."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([sys.executable, *arguments], stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{arguments}: status {status}")
        out.seek(0)
        seconds = time.perf_counter() - begun
        return out.read(), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def in_process(
    scratch: Path, name: str, *, times: int, encoder: bool, how: str
) -> tuple[Any, float, float, float]:
    """A fresh study, run as ``how`` says: "here", "prefect" or "dask"."""
    study_dir = scratch / f"{name}-{how}"
    make_study(study_dir, times=times, encoder=encoder, engine="dask" if how == "dask" else "threads")
    if how == "here":
        out, *used = timed("-m", "tests.benchmarks.scale", "--here", str(study_dir))
        found = json.loads(out.splitlines()[-1])
    else:
        _, *used = timed("-m", "flows.cli", "run", str(study_dir))
        found = None
    seconds, processor, peak = used
    return found, seconds, processor, peak


def show_table(results: dict[int, tuple[Any, float, float, float]]) -> None:
    """A row a stage, two columns a size: seconds of the clock and of the processor for 1,000 words."""
    sizes = list(results)
    print("| stage |" + "".join(f" {n * N_INTERVIEWS} interviews | peak, MB |" for n in sizes))
    print("|---|" + "---|---|" * len(sizes))
    for stage in STAGES:
        cells = []
        for found, *_ in results.values():
            if stage in found["stages"]:
                seconds, processor, peak = found["stages"][stage]
                thousand = found["n_words"] / 1_000
                cells.append(f"{seconds / thousand:.4f} ({processor / thousand:.4f}) | {peak:,.0f}")
        if cells:
            print(f"| {stage} | {' | '.join(cells)} |")
    totals = [
        f"{seconds / found['n_words'] * 1_000:.4f} ({processor / found['n_words'] * 1_000:.4f}) | {peak:,.0f}"
        for found, seconds, processor, peak in results.values()
    ]
    print(f"| all, and start | {' | '.join(totals)} |")
    whole = [f"{seconds:,.0f} s ({processor:,.0f} s) |" for _, seconds, processor, _ in results.values()]
    print(f"| in all | {' | '.join(whole)} |", flush=True)


def measured(
    options: argparse.Namespace, scratch: Path, how: str
) -> dict[int, tuple[Any, float, float, float]]:
    """Size -> what a run of that size took."""
    found = {}
    for times in options.times:
        found[times] = in_process(scratch, str(times), times=times, encoder=options.encoder, how=how)
        print(f"{how}, {times}: {found[times]}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Parse, make, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--encoder", action="store_true", help="with the sentence encoder, not words only")
    parser.add_argument("--prefect", action="store_true", help="also 'precode run', and Prefect's share")
    parser.add_argument("--dask", action="store_true", help="also on a Dask cluster of this machine")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=Path, help="write the study of the first size here, and no more")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(run_here(options.here)))
        return
    if options.make:
        make_study(options.make, times=options.times[0], encoder=options.encoder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        plain = measured(options, Path(scratch), "here")
        show_table(plain)
        for how in [name for name in ("prefect", "dask") if vars(options)[name]]:
            for times, (_, seconds, processor, peak) in measured(options, Path(scratch), how).items():
                more, of = seconds - plain[times][1], plain[times][1]
                print(
                    f"\n`precode run`, {how}, {times * N_INTERVIEWS} interviews: {seconds:,.1f} s "
                    f"({processor:,.1f} s), peak {peak:,.0f} MB; {more:+.1f} s, {more / of:+.1%} of the same "
                    "without Prefect"
                )


if __name__ == "__main__":
    main()
