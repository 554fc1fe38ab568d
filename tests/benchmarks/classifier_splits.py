"""Other ways to split than by folds of groups: one value of a column to the others, at random, few excerpts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.crossfit import assign_folds
from models.theme_model import Scored
from pipeline.evaluate import macro_average_precision
from pipeline.evaluate_intervals import whole_figures
from pipeline.leak import find_leak
from pipeline.target import FEWEST_GROUPS, FEWEST_POSITIVE
from tests.benchmarks.classifier_figures import (
    Cost,
    Row,
    Truth,
    difference_table,
    figures_table,
    markdown,
    measured,
)
from tests.benchmarks.classifier_material import Bools, Ints, Material, column_of
from tests.benchmarks.classifier_methods import OWN, Method, by_folds, from_to


def rows_of(method: Method, found: Mapping[str, Scored], cost: Cost) -> list[Row]:
    """A row for each decision of a method; ours has one."""
    return [
        Row(
            method.name,
            decision if method.score else "",
            scored,
            cost,
            is_probability=decision != OWN or method.is_probability,
        )
        for decision, scored in found.items()
    ]


def by_column(
    material: Material, methods: Sequence[Method], *, column: str, fewest: int, left_out: Sequence[str]
) -> None:
    """Train on the segments of one value of a column of participants.csv, test on those of all others.

    fewest, left_out: a list of codes of one's own: that many positive segments or more in all, without some. Those
    left out are not taught either.
    """
    if unknown := sorted(set(left_out) - set(material.codes)):
        raise SystemExit(f"not among the codes that can be learned: {', '.join(unknown)}")
    material = material.of_codes(
        np.flatnonzero([code not in left_out for code in material.codes]).astype(np.intp)
    )
    values = column_of(material, column)
    for value in sorted(set(values)):
        train, test = np.flatnonzero(values == value), np.flatnonzero(values != value)
        if not len(test) or len({material.groups[i] for i in train}) < FEWEST_GROUPS:
            print(f"\n### {column} {value}: too few groups to train on, or none to test on")
            continue
        rows: list[Row] = []
        for method in methods:
            with measured() as cost:
                found = from_to(method, material, train, test)
            rows += rows_of(method, found, cost)
        print(f"\n### Trained on {value} ({len(train):,} segments), tested on the rest ({len(test):,})")
        for words, codes in code_lists(material.positive, train, test, fewest=fewest).items():
            _print_codes(material, test, rows, codes, words)


def code_lists(positive: Bools, train: Ints, test: Ints, *, fewest: int) -> dict[str, Ints]:
    """What the list is -> places of its codes, all of them with a positive segment to test on."""
    n_train, n_test = positive[train].sum(axis=0), positive[test].sum(axis=0)
    lists = {
        "positive on both sides": (n_train > 0) & (n_test > 0),
        f"{FEWEST_POSITIVE} positive segments or more on both sides": (n_train >= FEWEST_POSITIVE)
        & (n_test >= FEWEST_POSITIVE),
    }
    if fewest > 1:
        words = f"{fewest} positive segments or more in all, one or more of them to test on"
        lists[words] = (n_train + n_test >= fewest) & (n_test > 0)
    return {words: np.flatnonzero(chosen) for words, chosen in lists.items()}


def _print_codes(material: Material, test: Ints, rows: Sequence[Row], codes: Ints, words: str) -> None:
    part = material.only(test)
    print(f"\n#### {len(codes)} codes: {words}\n")
    if not len(codes):
        return
    print(f"{'; '.join(material.codes[i] for i in codes)}\n")
    truth = Truth(part.positive[:, codes], part.coded, part.groups)
    chosen = [replace(row, scored=_of_codes(row.scored, codes)) for row in rows]
    print(figures_table(truth, chosen))
    print(f"\n{difference_table(truth, chosen[0], chosen[1:], seed=material.seed)}", flush=True)


def _of_codes(scored: Scored, codes: Ints) -> Scored:
    return Scored(scored.probabilities[:, codes], scored.thresholds[:, codes], scored.folds)


def random_split(material: Material, methods: Sequence[Method]) -> None:
    """Every segment a group of its own, in random folds: what one would report who knew no better."""
    order = np.random.default_rng(material.seed).permutation(len(material.segments))
    alone = replace(material, groups=tuple(f"{place:09d}" for place in order))
    folds = assign_folds(alone.groups)
    share = find_leak(list(material.texts), folds).same.mean()
    truth = Truth(material.positive, material.coded, alone.groups)
    rows: list[Row] = []
    for method in methods:
        with measured() as cost:
            found = by_folds(method, alone)
        rows += rows_of(method, found, cost)
    print("\n### Random split of segments: no result, only the leak that it is")
    print(
        f"\n{share:.1%} of the segments stand word for word in another fold, and neighbours in an interview "
        "stand on both sides.\n"
    )
    print(figures_table(truth, rows))
    print(f"\n{difference_table(truth, rows[0], rows[1:], seed=material.seed)}", flush=True)


def excerpts(material: Material, methods: Sequence[Method], *, n: int, n_draws: int) -> None:
    """Training with n excerpts a code, drawn from the training folds; means over draws.

    Every method gets the same rows. Figures are of the decision "calibrated and cut as ours" and of its own.
    """
    folds = assign_folds(material.groups)
    draws: list[dict[str, dict[str, float]]] = []
    n_rows: list[int] = []
    n_given: list[float] = []
    for draw in range(n_draws):
        random = np.random.default_rng([material.seed, draw])
        parts = [
            (draw_excerpts(material, np.flatnonzero(folds != fold), n, random), np.flatnonzero(folds == fold))
            for fold in range(int(folds.max()) + 1)
        ]
        n_rows += [len(train) for train, _ in parts]
        n_given += [float(material.positive[train].sum(axis=0).mean()) for train, _ in parts]
        draws.append(_one_draw(material, methods, parts))
    print(f"\n### {n} excerpts a code, {n_draws} draws, whole groups held out\n")
    print(
        f"Learned from {np.mean(n_rows):.0f} segments on average: excerpts, and as many segments of the same "
        f"interviews that carry none of the codes. A code has {np.mean(n_given):.1f} excerpts on average: one drawn "
        "for a code counts for the others that it carries. Every method learns from the same segments; ours also has "
        "names and definitions of the codes and, with an encoder, what was said before and after, for which the "
        "alternatives have no place.\n"
    )
    print(_excerpts_table(draws))


def draw_excerpts(material: Material, train: Ints, n: int, random: np.random.Generator) -> Ints:
    """Rows that somebody has who coded n excerpts of each code, sorted.

    From the rarest code to the most common, excerpts are drawn until it has n (or all there are); those that an
    earlier draw brought count. Then as many segments again that carry none of the codes, from transcripts with an
    excerpt: what was read around them and left uncoded.
    """
    positive = material.positive[train]
    chosen = np.zeros(len(train), dtype=bool)
    for code in np.argsort(positive.sum(axis=0), kind="stable"):
        missing = n - int((chosen & positive[:, code]).sum())
        free = np.flatnonzero(positive[:, code] & ~chosen)
        if missing > 0:
            chosen[random.permutation(free)[:missing]] = True
    transcripts = material.transcripts[train]
    around = np.isin(transcripts, np.unique(transcripts[chosen])) & ~positive.any(axis=1)
    chosen[random.permutation(np.flatnonzero(around))[: chosen.sum()]] = True
    return train[chosen]


def _one_draw(
    material: Material, methods: Sequence[Method], parts: Sequence[tuple[Ints, Ints]]
) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    shape = material.positive.shape
    for method in methods:
        said: dict[str, Scored] = {}
        for train, test in parts:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scored = from_to(method, material, train, test)
            for decision, part in scored.items():
                if decision not in said:
                    said[decision] = Scored(np.zeros(shape), np.zeros(shape), np.zeros(shape[0], np.intp))
                said[decision].probabilities[test] = part.probabilities
                said[decision].thresholds[test] = part.thresholds
        for decision, whole in said.items():
            name = method.name if method.score is None else f"{method.name}, {decision}"
            found[name] = _short_figures(material, whole)
    return found


def _short_figures(material: Material, scored: Scored) -> dict[str, float]:
    y, p, coded = material.positive, scored.probabilities, material.coded
    whole = whole_figures(y, scored, material.groups)
    return {
        "macro AP, all": macro_average_precision(y, p),
        "macro AP, coded": macro_average_precision(y[coded], p[coded]),
        **{name.replace("_f1", " F1"): float("nan") if v is None else v for name, v in whole.items()},
    }


def _excerpts_table(draws: Sequence[dict[str, dict[str, float]]]) -> str:
    """Mean over draws; beside it the lowest and highest difference of one draw to the first row, ours."""
    names = list(draws[0])
    figures = list(draws[0][names[0]])
    lines = []
    for name in names:
        means = [f"{np.mean([draw[name][figure] for draw in draws]):.3f}" for figure in figures]
        gaps = [draw[names[0]][figures[0]] - draw[name][figures[0]] for draw in draws]
        span = "-" if name == names[0] else f"{min(gaps):+.3f} to {max(gaps):+.3f}"
        lines.append([name, *means, span])
    return markdown(["method", *figures, "ours minus it, macro AP all: lowest to highest draw"], lines)
