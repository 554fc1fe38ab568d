"""Which transcripts teach most: ways to choose beside random, on real codings that are uncovered bit by bit.

python -m tests.benchmarks.next STUDY... [--draws 20] [--start N] [--add N] [--steps N]

A draw holds out a third of the transcripts, at random, starts from a few of the others and adds some by each way, a
few at a time; after each step the model is trained on what is read and scored on the held out: macro average
precision. Ways are compared within a draw, at the same number of transcripts and at the same number of words read
(random choice, thrice a draw, interpolated there).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from threadpoolctl import threadpool_limits

from models.members import Member, mean_logits
from pipeline.evaluate import macro_average_precision
from pipeline.next_expected import OPENING, as_common_as_read
from tests.benchmarks.classifier_material import Bools, Floats, Ints, Material, read_material, scratch_copy

N_RANDOM = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What a way may look at.

    p: (n, k) of every segment by the model trained on what is read. n_excerpts: (k,) of what is read.
    transcript: (n,) number of a segment's transcript. words: (t,) of each transcript. read, free: (t,) numbers.
    truth: (n, k), for the way that knows the answer alone. middle: (t, width) mean embedding.
    """

    p: Floats
    n_excerpts: Floats
    transcript: Ints
    words: Floats
    read: Ints
    free: Ints
    truth: Bools
    middle: Floats


Way = Callable[[Seen, int, np.random.Generator], Ints]


def sums(seen: Seen, values: Floats) -> Floats:
    """(t, k): values of segments, (n, k), summed over each transcript."""
    found = np.zeros((len(seen.words), values.shape[1]))
    np.add.at(found, seen.transcript, values)
    return found


def by_gain(expected: Floats, seen: Seen, n: int, *, cost: Floats) -> Ints:
    """Greedily what adds most to the sum over codes of log(excerpts + 1), a unit of cost."""
    have, chosen, left = seen.n_excerpts + 1.0, list[int](), seen.free.tolist()
    while left and len(chosen) < n:
        gains = np.log1p(expected[left] / have).sum(axis=1) / cost[left]
        chosen.append(left.pop(int(np.argmax(gains))))
        have = have + expected[chosen[-1]]
    return np.array(chosen)


def top(values: Floats, seen: Seen, n: int) -> Ints:
    return seen.free[np.argsort(-values[seen.free], kind="stable")[:n]]


def diverse(seen: Seen, n: int, random: np.random.Generator) -> Ints:
    """Farthest from all that is read or chosen (k-centre on mean embeddings)."""
    chosen: list[int] = []
    for _ in range(min(n, len(seen.free))):
        known = np.concatenate([seen.read, np.array(chosen, dtype=int)])
        gap = (1 - seen.middle @ seen.middle[known].T).min(axis=1)
        gap[known] = -1
        chosen.append(int(seen.free[np.argmax(gap[seen.free])]))
    return np.array(chosen)


WAYS: Mapping[str, Way] = {
    "random": lambda seen, n, random: random.permutation(seen.free)[:n],
    "longest": lambda seen, n, random: top(seen.words, seen, n),
    "shortest": lambda seen, n, random: top(-seen.words, seen, n),
    "uncertain": lambda seen, n, random: top(sums(seen, seen.p * (1 - seen.p)).sum(axis=1), seen, n),
    "uncertain a word": lambda seen, n, random: top(
        sums(seen, seen.p * (1 - seen.p)).sum(axis=1) / seen.words, seen, n
    ),
    "diverse": diverse,
    "rare codes": lambda seen, n, random: by_gain(sums(seen, seen.p), seen, n, cost=np.ones(len(seen.words))),
    "rare codes a word": lambda seen, n, random: by_gain(sums(seen, seen.p), seen, n, cost=seen.words),
    "rare codes a word and opening": lambda seen, n, random: by_gain(
        sums(seen, seen.p), seen, n, cost=seen.words + OPENING
    ),
    "rare codes (known)": lambda seen, n, random: by_gain(
        sums(seen, seen.truth.astype(float)), seen, n, cost=np.ones(len(seen.words))
    ),
    "rare codes a word (known)": lambda seen, n, random: by_gain(
        sums(seen, seen.truth.astype(float)), seen, n, cost=seen.words
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """After some transcripts: how many are read, their words, and the model's macro average precision."""

    n: int
    words: float
    score: float


class Simulation:
    """One study, whose codings are uncovered."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.members: dict[str, Member] = material.members()
        self.names, self.transcript = np.unique(material.transcripts.astype(str), return_inverse=True)
        length = np.array([len(text.split()) for text in material.texts], dtype=float)
        self.words = np.bincount(self.transcript, length)
        vectors = material.embeddings
        assert vectors is not None, "the comparison needs the encoder"
        middle = np.zeros((len(self.names), vectors.shape[1]))
        np.add.at(middle, self.transcript, vectors)
        self.middle = middle / np.linalg.norm(middle, axis=1, keepdims=True)
        self.taught = np.vstack([material.shares, material.examples.shares])

    def predict(self, read: Ints) -> Floats:
        """(n, k) logits of all segments by members trained on the read transcripts and the codebook."""
        n = len(self.material.segments)
        told = np.arange(n, len(self.taught))
        rows = np.concatenate([np.flatnonzero(np.isin(self.transcript, read)), told])
        with threadpool_limits(1):
            return mean_logits(self.members, rows, self.taught[rows], np.arange(n), seed=0)

    def path(
        self,
        way: Way,
        start: Ints,
        pool: Ints,
        held: Ints,
        *,
        add: int,
        steps: int,
        random: np.random.Generator,
    ) -> list[Step]:
        """The model's score as transcripts are added by one way."""
        read, found = start, list[Step]()
        test = np.isin(self.transcript, held)
        truth = self.material.positive
        for step in range(steps + 1):
            logits = self.predict(read)
            score = macro_average_precision(truth[test], logits[test])
            found.append(Step(len(read), float(self.words[read].sum()), score))
            if step == steps:
                break
            here = np.isin(self.transcript, read)
            n_given = truth[here].sum(axis=0)
            p = np.zeros(logits.shape)
            p[~here] = as_common_as_read(logits[~here], n_given, int(here.sum()))
            seen = Seen(
                p=p,
                n_excerpts=n_given.astype(float),
                transcript=self.transcript,
                words=self.words,
                read=read,
                free=np.setdiff1d(pool, read),
                truth=truth,
                middle=self.middle,
            )
            read = np.concatenate([read, way(seen, add, random)])
        return found


def draw_once(
    simulation: Simulation, ways: Sequence[str], *, draw: int, start: int, add: int, steps: int
) -> dict[str, list[list[Step]]]:
    """Way -> its paths in one draw: N_RANDOM of random choice, one of each other."""
    random = np.random.default_rng([simulation.material.seed, draw])
    order = random.permutation(len(simulation.names))
    n_held = round(len(order) / 3)
    held, rest = order[:n_held], order[n_held:]
    found: dict[str, list[list[Step]]] = {}
    for name in ways:
        for again in range(N_RANDOM if name == "random" else 1):
            own = np.random.default_rng([simulation.material.seed, draw, again])
            path = simulation.path(
                WAYS[name], rest[:start], rest[start:], held, add=add, steps=steps, random=own
            )
            found.setdefault(name, []).append(path)
    return found


def gaps(paths: dict[str, list[list[Step]]], name: str) -> tuple[float, float, float]:
    """Of one draw: a way's score minus random's, mean over steps, at equal transcripts and at equal words; the
    words it read by random's at the end."""
    own, others = paths[name][0], paths["random"]
    random = np.mean([[step.score for step in path] for path in others], axis=0)
    equal_n = float(np.mean([step.score for step in own[1:]] - random[1:]))
    knots = sorted((step.words, step.score) for path in others for step in path)
    at = np.array([words for words, _ in knots])
    slope = np.polyfit(np.log(at), [score for _, score in knots], 1)
    equal_words = float(np.mean([step.score - np.polyval(slope, np.log(step.words)) for step in own[1:]]))
    return equal_n, equal_words, own[-1].words / float(np.mean([path[-1].words for path in others]))


def interval(values: Sequence[float]) -> str:
    """Mean and 95 % interval over draws."""
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):+.3f} ({np.mean(values) - half:+.3f} to {np.mean(values) + half:+.3f})"


def compare(
    material: Material, ways: Sequence[str], *, n_draws: int, start: int, add: int, steps: int
) -> None:
    """Simulate and print."""
    simulation = Simulation(material)
    print(
        f"\n{material.title}: {len(material.segments):,} segments, {len(simulation.names):,} transcripts, "
        f"{len(material.codes)} codes; from {start} transcripts, {steps} times {add} more; {n_draws} draws"
    )
    started = time.perf_counter()
    draws = [
        draw_once(simulation, ways, draw=draw, start=start, add=add, steps=steps) for draw in range(n_draws)
    ]
    random = np.mean(
        [[[step.score for step in path] for path in draw["random"]] for draw in draws], axis=(0, 1)
    )
    print(f"random: {' '.join(f'{value:.3f}' for value in random)}  ({time.perf_counter() - started:.0f} s)")
    print(f"{'minus random':<28}{'same transcripts':>28}{'same words':>28}{'words read':>12}")
    for name in ways:
        found = np.array([gaps(draw, name) for draw in draws])
        print(
            f"{name:<28}{interval(found[:, 0]):>28}{interval(found[:, 1]):>28}{found[:, 2].mean():>12.2f}",
            flush=True,
        )


def main() -> None:
    """Copy each study, read it, simulate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--start", type=int, default=3)
    parser.add_argument("--add", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--ways", default=",".join(WAYS))
    options = parser.parse_args()
    for folder in options.studies:
        with scratch_copy(folder) as study:
            material = read_material(study)
        compare(
            material,
            options.ways.split(","),
            n_draws=options.draws,
            start=options.start,
            add=options.add,
            steps=options.steps,
        )


if __name__ == "__main__":
    main()
