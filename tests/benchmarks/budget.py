"""What reading budgets are worth: whole groups drawn without replacement, the cut from some, recall on the others.

python -m tests.benchmarks.budget STUDY... [--draws 1000] [--trainings 20] [--coded SHARE] [--codes]

A group is a transcript, or what [evaluation] group_by holds out together. Recall of a draw: the mean, over unseen
groups that contain the code, of the share of its coded segments at or above the cut. Three questions:

1. Is the cut right? The model's cross-fitted probabilities stand; of the groups that contain a code, n are drawn for
   the cut, the others are unseen.
2. Is it right as precode makes it? The model is trained again on the groups drawn as coded, the cut comes from its
   cross-fitted probabilities, the unseen are judged by the final model, which has learned from more.
3. The same with 95 % confidence: in how many draws was the recall of the unseen below .90 after all?
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.theme_model import train_theme_model
from pipeline.budget import ALPHA, Cut, average_cut, fewest_on_average, sure_cut
from pipeline.target import FEWEST_GROUPS, FEWEST_POSITIVE
from tests.benchmarks.classifier_material import Bools, Floats, Ints, Material, read_material, scratch_copy

#: How many groups that contain the code the cut is taken from.
SIZES = (9, 12, 15, 20, 29, 60, 150)
SUB_DRAWS = 50
#: With fewer unseen groups, a recall below .90 says more of the draw than of the cut.
MANY_UNSEEN = 100
MAKERS: dict[str, Callable[..., Cut]] = {"average": average_cut, "sure": sure_cut}


@dataclass(frozen=True, slots=True)
class Found:
    """One draw of one code. size: groups that the cut was taken from; reading: share of unseen segments to read."""

    code: str
    version: str
    size: int
    n_unseen: int
    recall: float
    reading: float


@dataclass(frozen=True, slots=True)
class Coded:
    """The coded segments of one code, sorted by group: probability, number of the group, groups there are."""

    p: Floats
    group: Ints
    n: int

    def only(self, chosen: Bools) -> tuple[Floats, Bools, Ints]:
        """Of some groups, (n,): what a cut is made from."""
        rows = chosen[self.group]
        return self.p[rows], np.ones(int(rows.sum()), dtype=bool), self.group[rows]

    def recall(self, cut: float, chosen: Bools) -> float:
        """Mean over some groups of the share of coded segments at or above the cut."""
        size = np.bincount(self.group, minlength=self.n)
        seen = np.bincount(self.group, self.p >= cut, self.n)
        return float((seen[chosen] / size[chosen]).mean())


def coded_of(p: Floats, positive: Bools, groups: np.ndarray) -> Coded:
    """The groups that contain the code, numbered."""
    names, group = np.unique(groups[positive], return_inverse=True)
    return Coded(p[positive], group, len(names))


def with_these_probabilities(material: Material, *, n_draws: int) -> Iterator[Found]:
    """Question 1 (and 3): the probabilities stand, the groups are drawn."""
    p = trained_on(material).scored.probabilities
    groups = np.asarray(material.groups)
    for code, name in enumerate(material.codes):
        coded = coded_of(p[:, code], material.positive[:, code], groups)
        for size in (size for size in SIZES if size < coded.n):
            random = np.random.default_rng([material.seed, code, size])
            for _ in range(n_draws):
                chosen = np.isin(np.arange(coded.n), random.choice(coded.n, size, replace=False))
                for version, make in MAKERS.items():
                    cut = make(*coded.only(chosen))
                    if cut.enough:
                        recall = coded.recall(cut.value, ~chosen)
                        reading = float((p[:, code] >= cut.value).mean())
                        yield Found(name, version, size, coded.n - size, recall, reading)


def trained_on(material: Material):
    """As the train stage does it."""
    return train_theme_model(
        material.members(),
        material.shares,
        material.groups,
        codes=material.codes,
        seed=material.seed,
        told=material.told,
    )


def trained_again(material: Material, *, n_trainings: int, share: float) -> Iterator[tuple[str, Found]]:
    """Question 2 (and 3): (which groups the cut is from, what was found). Codes that the draw can learn only."""
    groups = np.asarray(material.groups)
    names = np.unique(groups)
    for training in range(n_trainings):
        random = np.random.default_rng([material.seed, training])
        drawn = random.choice(names, round(share * len(names)), replace=False)
        is_coded = np.isin(groups, drawn)
        rows, unseen = np.flatnonzero(is_coded), np.flatnonzero(~is_coded)
        part = material.only(rows)
        part = part.of_codes(learnable(part))
        trained = trained_on(part)
        asked = trained.model.probabilities(material.views(trained.model, unseen))
        for code, name in enumerate(part.codes):
            truth = material.positive[unseen, material.codes.index(name)]
            there = coded_of(asked[:, code], truth, groups[unseen])
            here = coded_of(trained.scored.probabilities[:, code], part.positive[:, code], groups[rows])
            if there.n:
                for which, chosen in subsets(here.n, random):
                    for version, make in MAKERS.items():
                        cut = make(*here.only(chosen))
                        if cut.enough:
                            yield which, judged(name, version, int(chosen.sum()), cut, there, asked[:, code])


def judged(name: str, version: str, size: int, cut: Cut, there: Coded, asked: Floats) -> Found:
    """A cut on what the final model says of the unseen."""
    recall = there.recall(cut.value, np.ones(there.n, dtype=bool))
    return Found(name, version, size, there.n, recall, float((asked >= cut.value).mean()))


def subsets(n: int, random: np.random.Generator) -> Iterator[tuple[str, Bools]]:
    """All coded groups, as precode takes them; and draws of three quarters of them, where that is enough."""
    yield "all coded groups", np.ones(n, dtype=bool)
    size = max(fewest_on_average(), round(0.75 * n))
    for _ in range(SUB_DRAWS if size < n else 0):
        yield "draws of them", np.isin(np.arange(n), random.choice(n, size, replace=False))


def learnable(part: Material) -> Ints:
    """The rule of ``pipeline.target``, on the drawn groups."""
    groups = np.asarray(part.groups)
    n_groups = np.array([len(set(groups[y])) for y in part.positive.T])
    return np.flatnonzero((part.positive.sum(axis=0) >= FEWEST_POSITIVE) & (n_groups >= FEWEST_GROUPS))


def show_all(parts: dict[str, list[Found]]) -> None:
    """A table for each version, a line for each part that has any."""
    for version in MAKERS:
        kept = {title: [f for f in found if f.version == version] for title, found in parts.items()}
        if version == "sure":
            kept = {title: [f for f in found if f.n_unseen >= MANY_UNSEEN] for title, found in kept.items()}
        if not any(kept.values()):
            print(f"version '{version}': not enough groups that contain a code, or too few unseen ones")
            continue
        more = f"{'below .90':>11}{'most':>8}" if version == "sure" else ""
        words = "on average at least .90" if version == "average" else "the same with 95 % confidence"
        print(
            f"{words:<32}{'codes':>6}{'draws':>9}{'recall':>8}{'lowest':>8}{'reading':>9}{more}  lowest: which"
        )
        for title, found in kept.items():
            if found:
                print(line(f"  cut from {title}", found, sure=version == "sure"), flush=True)


def line(title: str, found: Sequence[Found], *, sure: bool) -> str:
    """Recall and reading share, mean over draws a code, then over codes; the share of draws below .90 likewise."""
    recalls = by_code(found, lambda one: one.recall)
    low = min(recalls, key=lambda code: recalls[code])
    readings = by_code(found, lambda one: one.reading)
    cells = f"{title:<32}{len(recalls):>6}{len(found):>9,}"
    cells += f"{mean(recalls):>8.3f}{recalls[low]:>8.3f}{mean(readings):>9.2f}"
    if sure:
        below = by_code(found, lambda one: float(one.recall < 1 - ALPHA))
        cells += f"{mean(below):>11.3f}{max(below.values()):>8.3f}"
    return f"{cells}  {low}"


def by_code(found: Sequence[Found], value: Callable[[Found], float]) -> dict[str, float]:
    """Code -> mean over its draws."""
    values: dict[str, list[float]] = {}
    for one in found:
        values.setdefault(one.code, []).append(value(one))
    return {code: float(np.mean(those)) for code, those in values.items()}


def mean(values: dict[str, float]) -> float:
    return float(np.mean(list(values.values())))


def tables(material: Material, *, n_draws: int, n_trainings: int, share: float, codes: bool) -> None:
    """Simulate and print."""
    n_groups = len(set(material.groups))
    print(
        f"\n{material.title}: {len(material.segments):,} segments, {n_groups:,} groups, codes {len(material.codes)}"
    )
    print(f"encoder: {material.encoder or 'none'}")
    started = time.perf_counter()
    fixed = list(with_these_probabilities(material, n_draws=n_draws))
    print(f"\nsame probabilities, {n_draws:,} draws a code and size: {time.perf_counter() - started:.0f} s")
    show_all({f"{size} groups": [f for f in fixed if f.size == size] for size in SIZES})
    started = time.perf_counter()
    again = list(trained_again(material, n_trainings=n_trainings, share=share))
    n_coded = round(share * n_groups)
    seconds = time.perf_counter() - started
    print(f"\ntrained again {n_trainings} times, each on {n_coded:,} groups that were drawn: {seconds:.0f} s")
    whiches = ("all coded groups", "draws of them")
    show_all({which: [f for name, f in again if name == which] for which in whiches})
    if codes:
        each_code(fixed, [f for _, f in again])


def each_code(fixed: Sequence[Found], again: Sequence[Found]) -> None:
    """Mean recall of every code over all sizes and draws, on average and trained again."""
    print(f"\n{'mean recall (version on average)':<48}{'same':>9}{'again':>9}")
    parts = [
        by_code([f for f in found if f.version == "average"], lambda f: f.recall) for found in (fixed, again)
    ]
    for code in sorted(set().union(*parts)):
        print(
            f"{code[:46]:<48}"
            + "".join(f"{part[code]:>9.3f}" if code in part else f"{'':>9}" for part in parts)
        )


def main() -> None:
    """Copy each study, read it, simulate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--trainings", type=int, default=20)
    parser.add_argument("--coded", type=float, default=0.7, help="share of the groups that is drawn as coded")
    parser.add_argument("--codes", action="store_true", help="also the recall of every code")
    options = parser.parse_args()
    for folder in options.studies:
        with scratch_copy(folder) as study:
            tables(
                read_material(study),
                n_draws=options.draws,
                n_trainings=options.trainings,
                share=options.coded,
                codes=options.codes,
            )


if __name__ == "__main__":
    main()
