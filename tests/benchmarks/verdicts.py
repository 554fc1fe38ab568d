"""How often the two tests of "is it just another coder?" say what: size and power on simulated studies.

python -m tests.benchmarks.verdicts [--studies 400] [--rare]

A study: transcripts of 20 to 60 units, one code, its prevalence and how well each coder finds it different from
transcript to transcript. The model is a coder of the same kind who lapses: a share of its decisions is drawn
anew, without looking. The lapse at the margin, where a test may say "as good as a coder" in 5 of 100 studies at
most, is found by bisection on eight large studies.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.agreement.alternative_annotator import alternative_annotator_test
from pipeline.agreement.non_inferiority import (
    MARGIN,
    count_three,
    difference,
    non_inferiority,
    units_at_stake,
)
from pipeline.agreement.verdict import (
    AS_GOOD,
    NOT_SHOWN,
    WORSE,
    verdict_of_alternative,
    verdict_of_non_inferiority,
)

SENSITIVITY = 0.8
EPSILON = 0.15
N_TRANSCRIPTS = (10, 20, 40)
#: Lapse of the model, in lapses at the margin.
MODELS = {"equal to a coder": 0.0, "slightly worse": 0.4, "at the margin": 1.0, "much worse": 2.5}
#: Lapses at the margin as the bisection finds them, for the tests.
AT_MARGIN = {"alternative": 0.274, "non-inferiority": 0.181}
LARGE = 3000
N_LARGE = 8


@dataclass(frozen=True, slots=True)
class Kind:
    """How frequent the code is, and how often a coder gives it where it is not; shares."""

    prevalence: float
    false_alarm: float


USUAL, RARE = Kind(0.15, 0.03), Kind(0.03, 0.005)


@dataclass(frozen=True, slots=True)
class Simulated:
    """One code of one study, as the tests take it."""

    given: np.ndarray
    read: np.ndarray
    model: np.ndarray
    model_seen: np.ndarray
    transcripts: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.given, self.read, self.model, self.model_seen, self.transcripts


def simulate(*, n_transcripts: int, n_coders: int, lapse: float, seed: int, kind: Kind = USUAL) -> Simulated:
    """lapse: mean share of the model's decisions that are drawn anew at the code's prevalence; 0..1."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(20, 61, n_transcripts)
    transcripts = np.repeat(np.arange(n_transcripts), sizes)
    n = len(transcripts)

    def vary(mean: float, *shape: int) -> np.ndarray:
        return rng.beta(15 * mean, 15 * (1 - mean), (*shape, n_transcripts))[..., transcripts]

    prevalence = vary(kind.prevalence)
    truth = rng.random(n) < prevalence
    finds = np.where(truth, vary(SENSITIVITY, n_coders + 1), vary(kind.false_alarm, n_coders + 1))
    gave = rng.random((n_coders + 1, n)) < finds
    lapses = rng.random(n) < lapse * rng.uniform(0.5, 1.5, n_transcripts)[transcripts]
    model = np.where(lapses, rng.random(n) < prevalence, gave[-1])
    everywhere = np.ones((n_coders, n), dtype=bool)
    return Simulated(gave[:-1, :, None], everywhere, model[:, None], everywhere[0], transcripts)


def true_shortfall(lapse: float, kind: Kind = USUAL) -> float:
    """rho_h - rho_f, mean over three coders and several large studies."""

    def one(seed: int) -> float:
        study = simulate(n_transcripts=LARGE, n_coders=3, lapse=lapse, seed=seed, kind=kind)
        coders = alternative_annotator_test(*study.arrays, epsilon=EPSILON).coders
        return float(np.mean([coder.rho_h - coder.rho_f for coder in coders]))

    return float(np.mean([one(LARGE + study) for study in range(N_LARGE)]))


def true_loss_of_kappa(lapse: float, kind: Kind = USUAL) -> float:
    """kappa between coders less the model's with them, mean over several large studies."""

    def one(seed: int) -> float:
        study = simulate(n_transcripts=LARGE, n_coders=2, lapse=lapse, seed=seed, kind=kind)
        return -float(difference(count_three(*study.arrays).sum(axis=0).reshape(1, 12))[0])

    return float(np.mean([one(LARGE + study) for study in range(N_LARGE)]))


def lapse_at(value: float, loss: Callable[[float], float]) -> float:
    """The lapse that costs the model ``value``."""
    low, high = 0.0, 1.0
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if loss(middle) < value else (low, middle)
    return (low + high) / 2


def alternative_words(
    n_studies: int, *, n_transcripts: int, lapse: float, n_coders: int = 3, seed: int = 0, kind: Kind = USUAL
) -> Iterator[str]:
    """What the alternative annotator test says of each study."""
    for study in range(n_studies):
        found = simulate(
            n_transcripts=n_transcripts, n_coders=n_coders, lapse=lapse, seed=seed + study, kind=kind
        )
        yield verdict_of_alternative("code", alternative_annotator_test(*found.arrays, epsilon=EPSILON)).words


def non_inferiority_words(
    n_studies: int, *, n_transcripts: int, lapse: float, seed: int = 0, kind: Kind = USUAL
) -> Iterator[str]:
    """What the non-inferiority test says of each study; 50 studies at a time stand side by side as codes."""
    for start in range(0, n_studies, 50):
        studies = [
            simulate(
                n_transcripts=n_transcripts, n_coders=2, lapse=lapse, seed=seed + start + study, kind=kind
            )
            for study in range(min(50, n_studies - start))
        ]
        counts = np.concatenate([each_alike(count_three(*study.arrays)) for study in studies], axis=1)
        stake = np.concatenate([units_at_stake(*study.arrays[:4]) for study in studies])
        for found in non_inferiority(counts, stake, seed=seed + start):
            yield verdict_of_non_inferiority("code", found).words


def each_alike(counts: np.ndarray) -> np.ndarray:
    """The counts of one study, (n_transcripts, 1, 3, 4)."""
    return counts.reshape(len(counts), 1, 3, 4)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--rare", action="store_true", help="a code in 3 of 100 units instead of 15")
    arguments = parser.parse_args()
    n_studies, kind = arguments.studies, RARE if arguments.rare else USUAL
    tests = {
        f"alternative annotator, 3 coders, epsilon {EPSILON}": (
            alternative_words,
            lapse_at(EPSILON, lambda lapse: true_shortfall(lapse, kind)),
        ),
        f"non-inferiority, 2 coders, margin {MARGIN}": (
            non_inferiority_words,
            lapse_at(MARGIN, lambda lapse: true_loss_of_kappa(lapse, kind)),
        ),
    }
    print(f"share of {n_studies} studies in which a test says so")
    for title, (words, margin) in tests.items():
        print(f"\n{title} (the model lapses in {margin:.1%} of units at the margin)")
        print(f"{'model':<18}{'transcripts':>12}{AS_GOOD:>20}{NOT_SHOWN:>11}{WORSE:>8}{'too few':>9}")
        for name, times in MODELS.items():
            for n_transcripts in N_TRANSCRIPTS:
                lapse = min(1.0, times * margin)
                said = Counter(words(n_studies, n_transcripts=n_transcripts, lapse=lapse, kind=kind))
                shares = [said[word] / n_studies for word in (AS_GOOD, NOT_SHOWN, WORSE)]
                few = 1 - sum(shares)
                print(
                    f"{name:<18}{n_transcripts:>12}{shares[0]:>20.3f}{shares[1]:>11.3f}{shares[2]:>8.3f}{few:>9.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
