"""How good is the theme model, member by member, on transcripts that it has not seen?

python tests/benchmarks/model.py STUDY [--by COLUMN]

Words and characters alone, and with context (needs the sentence encoder), on the same folds in one run, with the
interval over transcripts of the difference. With --by, a model is trained on the transcripts of one value of a
column of participants.csv and tested on all others, beside TF-IDF (1, 2) with scikit-learn's logistic regression.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from corpus.study import Study, load_study
from corpus.tables import read_table
from models.members import Member, member_logits
from models.theme_model import POSITIVE_FROM, train_theme_model
from pipeline.evaluate import macro_average_precision
from pipeline.run import plan_run
from pipeline.stages import STAGES, Keys, run_stages
from pipeline.target import Target, make_target
from pipeline.units import Units, read_study_json, read_units
from pipeline.views import context_of, definition_texts, members_of

NEEDED = ("ingest", "preprocess", "encode", "units")


def prepare(study: Study) -> tuple[Units, Target, dict[str, Member]]:
    """Units, target and the members of a model of the learnable codes."""
    plan = plan_run(study)

    def each(stage: str, keys: Keys, n_parts: int) -> list[str]:
        return [STAGES[stage](study, plan, keys, number) for number in range(n_parts)]

    keys = run_stages(plan, each, wanted=NEEDED)
    units = read_units(study, keys.units[0], keys.preprocess)
    target = make_target(units, gold=study.settings.target.gold)
    codes = [units.codes[place] for place in target.learnable]
    codebook = read_study_json(study, keys.units[0])["codebook"]
    segments = [units.segments[row] for row in target.rows]
    context = context_of(study, keys.preprocess, keys.encode)
    return (
        units,
        target,
        members_of(segments, context, definition_texts(codebook, codes), encoder=plan.encoder),
    )


def scopes(truth: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of the two scopes of evaluation.json."""
    return {"all": np.ones(len(truth), dtype=bool), "coded": truth.any(axis=1)}


def by_folds(study: Study, units: Units, target: Target, members: Mapping[str, Member]) -> None:
    """Words alone beside all members, on the same folds."""
    truth = target.shares[:, target.learnable]
    codes = [units.codes[place] for place in target.learnable]
    probabilities = {}
    for name, chosen in (("words", {"words": members["words"]}), ("words and context", dict(members))):
        started = time.perf_counter()
        trained = train_theme_model(
            chosen, truth, target.groups, codes=codes, seed=study.settings.study.seed, definitions=True
        )
        probabilities[name] = trained.scored.probabilities
        print(f"{name:<20}{time.perf_counter() - started:8.1f} s, nested scoring included")
    positive = truth >= POSITIVE_FROM
    for scope, rows in scopes(positive).items():
        values = [macro_average_precision(positive[rows], p[rows]) for p in probabilities.values()]
        low, high = difference(positive[rows], [p[rows] for p in probabilities.values()], target.groups, rows)
        print(
            f"scope {scope:<6} macro average precision: words {values[0]:.4f}, with context {values[1]:.4f}, "
            f"difference {values[1] - values[0]:+.4f} (jackknife over groups, 95 %: {low:+.4f} to {high:+.4f})"
        )


def difference(
    truth: np.ndarray, both: Sequence[np.ndarray], groups: Sequence[str], rows: np.ndarray
) -> tuple[float, float]:
    """95 % interval of the difference in macro average precision, delete-one jackknife over groups."""
    names = np.asarray(groups)[rows]
    kinds = np.unique(names)
    values = []
    for left_out in kinds if len(kinds) <= 200 else np.array_split(kinds, 200):
        kept = ~np.isin(names, left_out)
        values.append(np.subtract(*[macro_average_precision(truth[kept], p[kept]) for p in both[::-1]]))
    n, mean = len(values), float(np.mean(values))
    spread = student.ppf(0.975, n - 1) * np.sqrt((n - 1) / n * np.square(np.subtract(values, mean)).sum())
    whole = np.subtract(*[macro_average_precision(truth, p) for p in both[::-1]])
    return float(whole - spread), float(whole + spread)


def by_column(
    study: Study, units: Units, target: Target, members: Mapping[str, Member], *, column: str
) -> None:
    """Train on the transcripts of one value of a column of participants.csv, test on all others."""
    table = read_table((study.root / "participants.csv").read_bytes(), file="participants.csv")
    values = {row.cells["transcript"]: row.cells[column] for row in table.rows}
    groups = np.array([values[units.segments[row].transcript_id] for row in target.rows])
    seed = study.settings.study.seed
    shares = target.shares[:, target.learnable]
    texts = np.array([units.segments[row].text for row in target.rows], dtype=object)
    n = len(shares)
    for value in np.unique(groups):
        train, test = np.flatnonzero(groups == value), np.flatnonzero(groups != value)
        truth = shares[test] >= POSITIVE_FROM
        codes = truth.any(axis=0) & (shares[train] >= POSITIVE_FROM).any(axis=0)
        rows = np.concatenate([train, np.arange(n, n + shares.shape[1])])
        taught = np.vstack([shares[train], np.eye(shares.shape[1])])
        logits = {
            name: member_logits(member.fit(rows, taught, seed=seed), member.view[test])
            for name, member in members.items()
        }
        plain = tfidf(texts[train], shares[train], texts[test], codes)
        found = {"TF-IDF + logistic regression": macro_average_precision(truth[:, codes], plain)}
        found["words"] = macro_average_precision(truth[:, codes], logits["words"][:, codes])
        if len(logits) > 1:
            mean = np.mean(list(logits.values()), axis=0)
            found["words and context"] = macro_average_precision(truth[:, codes], mean[:, codes])
        figures = ", ".join(f"{name} {figure:.4f}" for name, figure in found.items())
        print(
            f"trained on {value} ({len(train)}), tested on the rest ({len(test)}), {codes.sum()} codes: {figures}"
        )


def tfidf(train: np.ndarray, shares: np.ndarray, test: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Plain scikit-learn: logits of the codes."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2))
    rows, asked = vectorizer.fit_transform(train), vectorizer.transform(test)
    logits = np.zeros((len(test), len(codes)))
    for code in np.flatnonzero(codes):
        fitted = LogisticRegression(max_iter=1000).fit(rows, shares[:, code] >= POSITIVE_FROM)
        logits[:, code] = fitted.decision_function(asked)
    return logits[:, codes]


def main() -> None:
    """Copy the study, prepare, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--by", default="", metavar="COLUMN")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "study"
        left = shutil.ignore_patterns("cache", "runs", "models", ".precode*")
        shutil.copytree(options.study, copy, ignore=left, copy_function=shutil.copyfile)
        study = load_study(copy)
        units, target, members = prepare(study)
        if options.by:
            by_column(study, units, target, members, column=options.by)
        else:
            by_folds(study, units, target, members)


if __name__ == "__main__":
    main()
