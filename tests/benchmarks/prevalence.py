"""What intervals for the share of a code are worth: whole transcripts drawn from a study that was coded to the end.

python -m tests.benchmarks.prevalence STUDY... [--draws 1000] [--trainings 20] [--sizes N...] [--codes]

Some transcripts are drawn as read, the others count as unread; the true share is known. Codes that nobody gave are
left out. Two questions:

1. Is the interval right? The model's cross-fitted probabilities stand for all transcripts, read or not. That is an
   approximation: they are made by models that learned from more than was drawn.
2. Is it right as precode makes it? The model is trained again on the drawn transcripts alone: cross-fitted
   probabilities for these, the final model's for the others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.predicted import Predicted
from pipeline.prevalence import BOUND, Cases, Share, share_of
from pipeline.prevalence_entries import Counts, count_by_transcript, interview_cases, segment_cases
from pipeline.prevalence_sample import Sample
from tests.benchmarks.budget import learnable, trained_on
from tests.benchmarks.classifier_material import Bools, Floats, Material, read_material, scratch_copy

#: How many transcripts are drawn; at least two must be left unread.
SIZES = (8, 10, 12, 15, 20, 30, 60, 100, 200)
TRAINING_SIZES = (12, 30, 100, 300)
UNITS: dict[str, Callable[..., Cases]] = {"segments": segment_cases, "interviews": interview_cases}


@dataclass(frozen=True, slots=True)
class Found:
    """One draw of one code. alone: what the same sample says without a model."""

    code: str
    unit: str
    learned: bool
    truth: float
    share: Share
    alone: Share

    @property
    def covers(self) -> bool:
        return covers(self.share, self.truth)

    @property
    def comparable(self) -> bool:
        """A learned code with an interval on both sides."""
        return self.learned and BOUND not in (self.share.method, self.alone.method)


def covers(share: Share, truth: float) -> bool:
    return share.low - 1e-9 <= truth <= share.high + 1e-9


def with_these_probabilities(
    material: Material, sizes: Sequence[int], *, n_draws: int
) -> dict[int, list[Found]]:
    """Question 1: size -> draws."""
    probabilities = trained_on(material).scored.probabilities
    counts = whole_only(counts_of(material, material.codes, probabilities, range(len(material.segments))))
    found: dict[int, list[Found]] = {}
    for size in (size for size in sizes if size <= len(counts.names) - 2):
        random = np.random.default_rng([material.seed, size])
        for _ in range(n_draws):
            found.setdefault(size, []).extend(judged(material, counts, drawn_of(counts, size, random)))
    return found


def trained_again(material: Material, sizes: Sequence[int], *, n_trainings: int) -> dict[int, list[Found]]:
    """Question 2: size -> draws."""
    whole = whole_only(counts_of(material, (), np.zeros((0, 0)), ()))
    found: dict[int, list[Found]] = {}
    for size in (size for size in sizes if size <= len(whole.names) - 2):
        random = np.random.default_rng([material.seed, size, 1])
        for _ in range(n_trainings):
            drawn = drawn_of(whole, size, random)
            counts = whole_only(learned_from(material, {whole.names[t] for t in np.flatnonzero(drawn)}))
            found.setdefault(size, []).extend(judged(material, counts, drawn))
    return found


def learned_from(material: Material, names: set[str]) -> Counts:
    """What the model expects that has learned from these transcripts alone."""
    is_read = np.array([name in names for name in material.transcripts])
    rows, others = np.flatnonzero(is_read), np.flatnonzero(~is_read)
    part = material.only(rows)
    part = part.of_codes(learnable(part))
    if not part.codes:
        return counts_of(material, (), np.zeros((0, 0)), ())
    trained = trained_on(part)
    asked = trained.model.probabilities(material.views(trained.model, others))
    return counts_of(material, part.codes, np.vstack([trained.scored.probabilities, asked]), [*rows, *others])


def counts_of(material: Material, codes: Sequence[str], p: Floats, rows: Sequence[int]) -> Counts:
    """Counts of the study with these probabilities, (rows, codes)."""
    predicted = Predicted(
        segment_ids=tuple(material.segments[row].segment_id for row in rows),
        transcripts=(),
        groups=(),
        read=np.ones(len(rows), dtype=bool),
        codes=tuple(codes),
        probabilities=p,
        positive=np.zeros(p.shape, dtype=bool),
    )
    return count_by_transcript(material.units, predicted if codes else None, gold="share")


def whole_only(counts: Counts) -> Counts:
    """The transcripts that people read to the end: only of these is the truth known."""
    kept = np.flatnonzero(counts.whole)
    return replace(
        counts,
        names=tuple(counts.names[t] for t in kept),
        **{
            name: getattr(counts, name)[kept]
            for name in ("n_segments", "n_read", "n_with", "expected", "chance")
        },
    )


def drawn_of(counts: Counts, size: int, random: np.random.Generator) -> Bools:
    n = len(counts.names)
    return np.isin(np.arange(n), random.choice(n, size, replace=False))


def judged(material: Material, counts: Counts, drawn: Bools) -> Iterator[Found]:
    """Every code of the codebook that anybody gave."""
    sample = Sample(drawn, np.zeros(len(drawn), dtype=bool))
    seen = replace(
        counts,
        n_read=np.where(drawn, counts.n_segments, 0.0),
        n_with=np.where(drawn[:, None], counts.n_with, 0.0),
    )
    for k, code in enumerate(material.units.codes):
        if not counts.n_with[:, k].any():
            continue
        for unit, cases_of in UNITS.items():
            cases, all_read = cases_of(seen, sample, k, code), cases_of(counts, sample, k, code)
            alone = share_of(replace(cases, predicted=None))
            share = alone if cases.predicted is None else share_of(cases)
            truth = float(all_read.count.sum() / all_read.size.sum())
            yield Found(code, unit, cases.predicted is not None, truth, share, alone)


def show(found: dict[int, list[Found]]) -> None:
    """A line for each number of transcripts and each unit."""
    print(
        f"{'drawn, of':<18}{'draws':>9}{'coverage':>10}{'lowest':>8}{'intervals':>11}{'of draws':>10}"
        f"{'width':>8}{'alone':>8}{'alone covers':>14}{'error':>8}{'alone':>8}{'bias':>9}{'alone':>9}  lowest: which"
    )
    for size, draws in found.items():
        for unit in UNITS:
            print(line(f"{size:>4}  {unit}", [one for one in draws if one.unit == unit]), flush=True)


def line(title: str, found: Sequence[Found]) -> str:
    """Coverage, mean over codes; widths, errors and bias of learned codes beside those of the sample alone."""
    coverage = by_code(found, lambda one: float(one.covers))
    low = min(coverage, key=lambda code: coverage[code])
    two_sided = [one for one in found if one.share.method != BOUND]
    comparable = [one for one in found if one.comparable]
    learned = [one for one in found if one.learned]
    cells = f"{title:<18}{len(found):>9,}{average(coverage.values()):>10.3f}{coverage[low]:>8.3f}"
    cells += f"{average(one.covers for one in two_sided):>11.3f}{len(two_sided) / len(found):>10.2f}"
    for which in ("share", "alone"):
        cells += f"{average(getattr(one, which).high - getattr(one, which).low for one in comparable):>8.3f}"
    cells += f"{average(covers(one.alone, one.truth) for one in found):>14.3f}"
    for which in ("share", "alone"):
        squares = average((getattr(one, which).value - one.truth) ** 2 for one in learned)
        cells += f"{squares**0.5:>8.4f}"
    for which in ("share", "alone"):
        cells += f"{average(getattr(one, which).value - one.truth for one in learned):>+9.4f}"
    return f"{cells}  {low}"


def by_code(found: Sequence[Found], value: Callable[[Found], float]) -> dict[str, float]:
    """Code -> mean over its draws."""
    values: dict[str, list[float]] = {}
    for one in found:
        values.setdefault(one.code, []).append(value(one))
    return {code: average(those) for code, those in values.items()}


def average(values) -> float:
    found = list(values)
    return float(np.mean(found)) if found else float("nan")


def tables(material: Material, sizes: Sequence[int], *, n_draws: int, n_trainings: int, codes: bool) -> None:
    """Simulate and print."""
    print(f"\n{material.title}: {len(material.segments):,} segments, encoder {material.encoder or 'none'}")
    started = time.perf_counter()
    fixed = with_these_probabilities(material, sizes or SIZES, n_draws=n_draws)
    print(f"\nsame probabilities, {n_draws:,} draws of transcripts: {time.perf_counter() - started:.0f} s")
    show(fixed)
    if n_trainings:
        started = time.perf_counter()
        again = trained_again(material, sizes or TRAINING_SIZES, n_trainings=n_trainings)
        print(f"\ntrained again on each of {n_trainings} draws: {time.perf_counter() - started:.0f} s")
        show(again)
    if codes:
        each_code(fixed)


def each_code(found: dict[int, list[Found]]) -> None:
    """Coverage of every code over all sizes."""
    draws = [one for those in found.values() for one in those]
    parts = [
        by_code([one for one in draws if one.unit == unit], lambda one: float(one.covers)) for unit in UNITS
    ]
    truths = by_code([one for one in draws if one.unit == "interviews"], lambda one: one.truth)
    print(f"\n{'coverage over all sizes':<48}{'segments':>10}{'interviews':>12}{'in interviews':>15}")
    for code in sorted(truths):
        print(f"{code[:46]:<48}{parts[0][code]:>10.3f}{parts[1][code]:>12.3f}{truths[code]:>15.3f}")


def main() -> None:
    """Copy each study, read it, simulate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--trainings", type=int, default=20, help="0: do not train again")
    parser.add_argument("--sizes", type=int, nargs="+", default=[], help="how many transcripts are drawn")
    parser.add_argument("--codes", action="store_true", help="also the coverage of every code")
    options = parser.parse_args()
    for folder in options.studies:
        with scratch_copy(folder) as study:
            tables(
                read_material(study),
                options.sizes,
                n_draws=options.draws,
                n_trainings=options.trainings,
                codes=options.codes,
            )


if __name__ == "__main__":
    main()
