"""How good is the theme model beside the alternatives, on groups that none of them has seen?

    python -m tests.benchmarks.classifier STUDY... [--methods tf-idf,nearest]
    python -m tests.benchmarks.classifier STUDY... --by COLUMN [--fewest 20] [--leave-out CODE]...
    python -m tests.benchmarks.classifier STUDY... --random-split
    python -m tests.benchmarks.classifier STUDY... --excerpts 5 [--draws 10]
    python -m tests.benchmarks.classifier STUDY... --ablation

Ours and the alternatives run on the same folds in the same call; tables are Markdown. Ours is the whole procedure of
the train stage: features, calibration and thresholds inside each training part. An alternative is judged by its own
decision (probability .5, decision value 0) and, on a line of its own, with calibration (Platt's sigmoid) and
thresholds learned inside each training part as ours are; its seconds hold both. Then follow the differences with
their intervals over groups.

Codes are those with 10 positive segments or more in 3 groups or more. A study is copied first, its cache with it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.classifier_ablation import ablation
from tests.benchmarks.classifier_figures import Row, Truth, difference_table, figures_table, measured
from tests.benchmarks.classifier_material import Material, read_material, scratch_copy
from tests.benchmarks.classifier_methods import Method, by_folds, methods_for
from tests.benchmarks.classifier_splits import by_column, excerpts, random_split, rows_of


def side_by_side(material: Material, methods: Sequence[Method]) -> None:
    """Every method on the folds of the evaluation."""
    truth = Truth(material.positive, material.coded, material.groups)
    rows: list[Row] = []
    for method in methods:
        with measured() as cost:
            found = by_folds(method, material)
        rows += rows_of(method, found, cost)
    print(f"\n### Whole groups held out: {len(set(material.groups)):,} groups\n")
    print(figures_table(truth, rows))
    print(f"\n{difference_table(truth, rows[0], rows[1:], seed=material.seed)}", flush=True)


def describe(material: Material) -> str:
    """What is compared on."""
    encoder = material.encoder or "none: words only"
    return (
        f"## {material.title}\n\n{len(material.segments):,} segments that a person has read, "
        f"{int(material.coded.sum()):,} of them coded, {len(set(material.transcripts)):,} transcripts, "
        f"{len(material.codes)} codes that can be learned, sentence encoder: {encoder}"
    )


def main() -> None:
    """Copy each study, prepare, compare."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.classifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("studies", type=Path, nargs="+", metavar="STUDY")
    parser.add_argument("--methods", default="", help="parts of names, comma-separated; ours always runs")
    parser.add_argument("--by", default="", metavar="COLUMN", help="train on one value, test on the others")
    parser.add_argument(
        "--fewest", type=int, default=1, help="with --by: a list of codes with so many in all"
    )
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="CODE", help="with --by: not taught, not scored"
    )
    parser.add_argument("--random-split", action="store_true", help="the leak that it is")
    parser.add_argument("--excerpts", type=int, default=0, metavar="N", help="train with N excerpts a code")
    parser.add_argument("--draws", type=int, default=10, help="with --excerpts: how often they are drawn")
    parser.add_argument(
        "--ablation", action="store_true", help="members, codebook, calibration and targets of ours"
    )
    options = parser.parse_args()
    for folder in options.studies:
        with scratch_copy(folder) as study:
            material = read_material(study)
            material.warm()
            print(describe(material), flush=True)
            run(material, options)


def run(material: Material, options: argparse.Namespace) -> None:
    """What the options ask for of one study."""
    methods = methods_for(material, options.methods)
    if options.by:
        by_column(material, methods, column=options.by, fewest=options.fewest, left_out=options.leave_out)
    elif options.random_split:
        random_split(material, methods)
    elif options.excerpts:
        excerpts(material, methods, n=options.excerpts, n_draws=options.draws)
    elif options.ablation:
        ablation(material)
    else:
        side_by_side(material, methods)


if __name__ == "__main__":
    main()
