"""Speed, memory and likeness of the sentence encoder, beside sentence-transformers where it can be had.

Run: python tests/benchmarks/encoder.py [--beside PYTHON --model FOLDER] [--texts CSV] [--rounds 3]

--beside: a Python of another environment in which sentence-transformers is installed; --model: the model's folder.
--texts: a table with a column ``text``; without it the invented interviews of the sample study, line by line.

Each measurement is a process of its own, the encoders in turn, so that what else the machine does falls on all
alike; medians over the rounds. Load: from the start of the imports to the first vector. Texts a second are counted
by the clock and by processor time, the latter over all threads. Peak memory is the process's, libraries included.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
OURS = ("minilm", "minilm-int8")
OTHER = "sentence-transformers"
N_THREADS = 2
N_MOST = 1500


def load_other(model_dir: str) -> Callable[[list[str]], Any]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(N_THREADS)
    model = SentenceTransformer(model_dir, device="cpu")
    return lambda texts: model.encode(texts, normalize_embeddings=True, show_progress_bar=False)


def load_ours(name: str) -> Callable[[list[str]], Any]:
    sys.path.insert(0, str(TOP))
    from models.encoder import find_encoder

    return find_encoder(name).encode


def measure(name: str, texts_path: Path, model_dir: str) -> None:
    """Print one line of JSON and leave the vectors beside the texts."""
    texts = json.loads(texts_path.read_text(encoding="utf-8"))
    start = time.perf_counter()
    encode = load_other(model_dir) if name == OTHER else load_ours(name)
    encode(["Good morning."])
    loaded = time.perf_counter()
    used = time.process_time()
    vectors = encode(texts)
    seconds, used = time.perf_counter() - loaded, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    vectors.astype("float32").tofile(texts_path.with_name(f"{name}.f32"))
    figures = {"load": loaded - start, "clock": len(texts) / seconds, "cpu": len(texts) / used, "peak": peak}
    print(json.dumps(figures))


def read_texts(path: Path | None) -> list[str]:
    if path:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            texts = [row["text"] for row in csv.DictReader(stream)]
    else:
        files = sorted((TOP / "corpus" / "sample" / "transcripts").glob("*.txt"))
        texts = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    texts = [text for text in texts if text.strip()]
    step = -(-len(texts) // N_MOST)
    return texts[::step]


def likeness(folder: Path, name: str, reference: str) -> tuple[float, float]:
    """Smallest and mean cosine of the same texts by two encoders."""
    import numpy as np

    a, b = (np.fromfile(folder / f"{n}.f32", dtype="float32").reshape(-1, 384) for n in (name, reference))
    cosines = (a.astype(float) * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return float(cosines.min()), float(cosines.mean())


def compare(options: argparse.Namespace, folder: Path) -> None:
    texts = read_texts(options.texts)
    texts_path = folder / "texts.json"
    texts_path.write_text(json.dumps(texts), encoding="utf-8")
    pythons = dict.fromkeys(OURS, sys.executable) | ({OTHER: options.beside} if options.beside else {})
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    for _ in range(options.rounds):
        for name, python in pythons.items():
            command = [python, __file__, "--measure", name, "--on", str(texts_path), "--model", options.model]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    reference = OTHER if options.beside else OURS[0]
    print(
        f"{len(texts)} texts, {sum(len(text.split()) for text in texts):,} words, {options.rounds} rounds\n"
    )
    print(
        f"{'encoder':22} {'load s':>7} {'texts/s':>8} {'texts/CPU s':>11} {'peak MB':>8}  cosine to {reference}"
    )
    for name, measured in runs.items():
        load, clock, cpu, peak = (
            statistics.median(run[key] for run in measured) for key in ("load", "clock", "cpu", "peak")
        )
        least, mean = likeness(folder, name, reference)
        print(
            f"{name:22} {load:7.2f} {clock:8.0f} {cpu:11.0f} {peak:8.0f}  least {least:.7f}, mean {mean:.7f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beside", help="Python of an environment with sentence-transformers")
    parser.add_argument("--model", default="", help="folder of the model, for sentence-transformers")
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--on", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.on, options.model)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(options, Path(folder))


if __name__ == "__main__":
    main()
