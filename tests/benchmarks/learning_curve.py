"""What forecasts of learning curves are worth, beside saying "no change".

python -m tests.benchmarks.learning_curve STUDY... [--draws 10] [--most N]

A draw holds out a third of the transcripts, takes half of the others for what is coded now and forecasts, from that
half alone, what the average precision of each code gains when all of the others are coded. Then they are: the model
is trained on both and scored on the held out. Codes that the half can learn only.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits

from models.members import mean_logits
from pipeline.forecast import backtest, fit_slopes, gain, log_step
from pipeline.learning_curve import make_curve
from tests.benchmarks.budget import learnable
from tests.benchmarks.classifier_material import Floats, Ints, Material, read_material, scratch_copy


@dataclass(frozen=True, slots=True)
class Forecast:
    """One code in one draw: what was forecast, and what came. useful: the study's own backtest was passed."""

    code: str
    n: int
    gain: float
    low: float
    high: float
    came: float
    useful: bool
    is_flat: bool


def logits_of(material: Material, rows: Ints, asked: Ints) -> Floats:
    """By the plain mean of members trained on some rows and the codebook."""
    taught = np.vstack([material.shares, material.examples.shares])
    lessons = np.concatenate([rows, np.arange(len(material.shares), len(taught))])
    with threadpool_limits(1):
        return mean_logits(material.members(), lessons, taught[lessons], asked, seed=0)


def one_draw(material: Material, *, draw: int) -> Iterator[Forecast]:
    """Forecasts from a half of two thirds, and what came of them."""
    random = np.random.default_rng([material.seed, draw])
    groups = np.asarray(material.groups)
    names = random.permutation(np.unique(groups))
    n_held = round(len(names) / 3)
    held, rest = names[:n_held], names[n_held:]
    now = np.flatnonzero(np.isin(groups, rest[: round(len(rest) / 2)]))
    later, asked = np.flatnonzero(np.isin(groups, rest)), np.flatnonzero(np.isin(groups, held))
    chosen = learnable(material.only(now))
    material = material.of_codes(chosen)
    part = material.only(now)
    members = part.members()
    alike = {name: 1 / len(members) for name in members}
    curve = make_curve(members, alike, part.shares, part.groups, told=part.told, seed=draw)
    slopes, tested = fit_slopes(curve), backtest(curve)
    said = [logits_of(material, rows, asked) for rows in (now, later)]
    n_now, n_later = (material.positive[rows].sum(axis=0) for rows in (now, later))
    for i, code in enumerate(material.codes):
        truth = material.positive[asked, i]
        if truth.any() and n_later[i] > n_now[i]:
            before, after = (float(average_precision_score(truth, logits[:, i])) for logits in said)
            step = float(log_step(n_now[i], n_later[i] - n_now[i]))
            expected = gain(float(slopes.values[i]), float(slopes.errors[i]), step=step, noise=tested.noise)
            yield Forecast(
                code,
                int(n_now[i]),
                expected.value,
                expected.low,
                expected.high,
                after - before,
                tested.is_better,
                expected.is_flat,
            )


def table(found: list[list[Forecast]]) -> None:
    """Mean absolute error of the forecast and of no change; how often the interval held what came."""
    flat = [one for draw in found for one in draw]
    if not flat:
        print("no code can be learned from a third of the transcripts")
        return
    print(
        f"{'':<34}{'codes':>6}{'came':>8}{'forecast':>10}{'error':>8}{'no change':>11}{'within':>8}{'wins':>6}"
    )
    parts = {
        "all codes": flat,
        "where the own backtest was passed": [one for one in flat if one.useful],
        "and the curve is not flat": [one for one in flat if one.useful and not one.is_flat],
        "up to 30 excerpts": [one for one in flat if one.n <= 30],
    }
    for title, part in parts.items():
        if not part:
            continue
        came, forecast = np.array([one.came for one in part]), np.array([one.gain for one in part])
        within = np.mean([one.low <= one.came <= one.high for one in part])
        wins = np.mean(
            [
                np.mean([abs(one.gain - one.came) - abs(one.came) for one in draw if one in part]) < 0
                for draw in found
                if any(one in part for one in draw)
            ]
        )
        errors = f"{np.abs(forecast - came).mean():>8.3f}{np.abs(came).mean():>11.3f}"
        print(
            f"{title:<34}{len(part):>6}{came.mean():>+8.3f}{forecast.mean():>+10.3f}{errors}{within:>8.2f}{wins:>6.2f}",
            flush=True,
        )
    macro = [(np.mean([o.gain for o in draw]), np.mean([o.came for o in draw])) for draw in found if draw]
    errors = np.mean([(abs(gain - came), abs(came)) for gain, came in macro], axis=0)
    print(f"macro, mean over draws: error {errors[0]:.3f}, no change {errors[1]:.3f}")


def smaller(material: Material, most: int) -> Material:
    """At most so many groups, drawn at random."""
    names = np.unique(np.asarray(material.groups))
    kept = np.random.default_rng(material.seed).permutation(names)[: most or len(names)]
    return material.only(np.flatnonzero(np.isin(np.asarray(material.groups), kept)))


def main() -> None:
    """Copy each study, read it, simulate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--most", type=int, default=0, help="of a large study, so many groups at random")
    options = parser.parse_args()
    for folder in options.studies:
        with scratch_copy(folder) as study:
            material = smaller(read_material(study), options.most)
        started = time.perf_counter()
        found = [list(one_draw(material, draw=draw)) for draw in range(options.draws)]
        seconds = (time.perf_counter() - started) / options.draws
        print(
            f"\n{material.title}: {len(material.segments):,} segments, {len(set(material.groups)):,} groups; "
            f"{options.draws} draws, {seconds:.0f} s each"
        )
        table(found)


if __name__ == "__main__":
    main()
