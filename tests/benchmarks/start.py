"""What are first suggestions worth, of codes that are not learned yet?

    python -m tests.benchmarks.start STUDY... [--excerpts 0,1,3,5] [--draws 5]

A coded study is taken as if people had read no more than a few excerpts of each code, with as many segments beside
them that carry none; the rest is unread. ``pipeline.start`` suggests, as in a run. Printed, as means over codes that
are not learned then and over draws: how many of the first suggestions people had coded so, beside how common the
codes are; average precision of the order, beside that of plain likeness to what the codebook says and to the same
excerpts, by the sentence encoder (zero-shot where there are no excerpts) and by TF-IDF.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score

from models.encoder import find_encoder
from models.nearest import unit_rows
from pipeline.start import start
from pipeline.target import make_target, unread_rows
from pipeline.views import codebook_examples, views_of
from tests.benchmarks.classifier_figures import markdown
from tests.benchmarks.classifier_material import Floats, Ints, Material, read_material, scratch_copy
from tests.benchmarks.classifier_splits import draw_excerpts

OURS, ENCODER, TFIDF = "ours", "likeness by the encoder", "likeness by TF-IDF"


@dataclass(frozen=True, slots=True)
class Found:
    """Of one code in one draw. n_shown, n_right: first suggestions; precisions: method -> average precision."""

    n_shown: int
    n_right: int
    prevalence: float
    precisions: dict[str, float]


def one_draw(material: Material, n: int, random: np.random.Generator) -> list[Found]:
    """As if only some excerpts had been read."""
    everything = np.arange(len(material.segments))
    known = draw_excerpts(material, everything, n, random) if n else everything[:0]
    read = np.zeros(len(material.units.segments), dtype=bool)
    read[material.places[known]] = True
    units = replace(
        material.units,
        read=material.units.read & read,
        given=material.units.given & read[:, None],
    )
    target = make_target(units, gold="share")
    context, encoder = material.context, material.encoder
    learned = [units.codes[at] for at in target.learnable]
    model = start(
        units, target, context, material.codebook, known=learned, encoder=encoder, seed=material.seed
    )
    if model is None:
        return []
    place = {row: i for i, row in enumerate(material.places.tolist())}
    asked = np.array([place[row] for row in unread_rows(units, target) if row in place])
    views = views_of(model.words.vocabulary, [material.segments[row] for row in asked], context)
    said = model.probabilities(views)
    found = []
    for column, code in enumerate(model.codes):
        if code not in material.codes:
            continue
        truth = material.positive[:, material.codes.index(code)]
        y, shown = truth[asked], said[:, column] >= model.thresholds[column]
        if y.any():
            orders = {OURS: said[:, column]} | likeness(material, code, known[truth[known]], asked)
            precisions = {name: float(average_precision_score(y, order)) for name, order in orders.items()}
            found.append(Found(int(shown.sum()), int(y[shown].sum()), float(y.mean()), precisions))
    return found


def likeness(material: Material, code: str, known: Ints, asked: Ints) -> dict[str, Floats]:
    """Cosine to the mean of what the codebook says of a code and of its excerpts."""
    told = codebook_examples(material.codebook, [code])
    texts = [text for text, share in zip(told.texts, told.shares[:, 0], strict=True) if share]
    said = material.texts
    vectorizer = TfidfVectorizer(ngram_range=(1, 2)).fit([*said, *texts])
    middle = np.asarray(vectorizer.transform([*texts, *said[known]]).mean(axis=0)).ravel()
    found = {TFIDF: vectorizer.transform(said[asked]) @ middle}
    if material.embeddings is not None:
        own = unit_rows(material.embeddings)
        vectors = np.vstack([find_encoder(material.encoder).encode(texts), own[known]])
        found[ENCODER] = own[asked] @ unit_rows(vectors.mean(axis=0, keepdims=True))[0]
    return found


def row(n: int, draws: list[list[Found]]) -> list[str]:
    """One line of the table."""
    every = [found for draw in draws for found in draw]
    if not every:
        return [str(n), *["-"] * 7]
    shown = [found for found in every if found.n_shown]
    right = np.mean([found.n_right / found.n_shown for found in shown]) if shown else float("nan")
    common = np.mean([found.prevalence for found in every])
    orders = [
        f"{np.mean([found.precisions[name] for found in every]):.3f}" if name in every[0].precisions else "-"
        for name in (OURS, ENCODER, TFIDF)
    ]
    counts = [f"{len(every) / len(draws):.0f}", f"{np.mean([found.n_shown for found in every]):.1f}"]
    return [str(n), *counts, f"{right:.2f}", f"{common:.3f}", *orders]


def main() -> None:
    """Copy each study, prepare, compare."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("studies", type=Path, nargs="+", metavar="STUDY")
    parser.add_argument("--excerpts", default="0,1,3,5", help="so many of each code, comma-separated")
    parser.add_argument("--draws", type=int, default=5)
    options = parser.parse_args()
    for folder in options.studies:
        with scratch_copy(folder) as study:
            material = read_material(study)
            print(
                f"\n## {material.title}\n\n{len(material.segments):,} segments, {len(material.codes)} codes\n"
            )
            lines = []
            for n in map(int, options.excerpts.split(",")):
                randoms = [
                    np.random.default_rng([material.seed, n, d]) for d in range(options.draws if n else 1)
                ]
                lines.append(row(n, [one_draw(material, n, random) for random in randoms]))
            head = ["excerpts a code", "codes", "suggested a code", "share right", "prevalence"]
            print(markdown([*head, *(f"AP, {name}" for name in (OURS, ENCODER, TFIDF))], lines), flush=True)


if __name__ == "__main__":
    main()
