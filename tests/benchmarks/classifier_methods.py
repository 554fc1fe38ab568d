"""The methods of ``classifier.py``: ours as it is trained, and the alternatives, each written from its description.

An alternative gives a score for each segment and code, 0 where its own decision turns. It is judged twice: by its own
decision, and with calibration and thresholds that are learned inside the training part just as ours are.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_limits

from models.calibration import fit_calibration, fit_thresholds
from models.crossfit import Crossfit, assign_folds, crossfit
from models.linear import Rows
from models.theme_model import Scored, train_theme_model
from tests.benchmarks.classifier_material import Bools, Floats, Ints, Material

#: What a method says where it learned nothing of a code: less than of any other.
NEVER = -30.0
N_NEIGHBOURS = 15
OWN, AS_OURS = "own decision", "calibrated and cut as ours"

#: (material, training rows, rows to score) -> scores (n_scored, k), positive where the method would say the code.
Score = Callable[[Material, Ints, Ints], Floats]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to learn codes.

    score: None for ours. is_probability: expit(score) is a probability by the method's own word.
    needs_encoder: learns from embeddings.
    """

    name: str
    score: Score | None
    is_probability: bool = False
    needs_encoder: bool = False
    words_only: bool = False


def tfidf_rows(material: Material, train: Ints, scored: Ints, **options: object) -> tuple[Rows, Rows]:
    """TF-IDF of words and pairs of words, learned from the training rows."""
    texts = material.texts
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), **options)
    return vectorizer.fit_transform(texts[train]), vectorizer.transform(texts[scored])


def dampened_rows(material: Material, train: Ints, scored: Ints) -> tuple[Rows, Rows]:
    """The same with 1 + log of counts, of what stands in two texts or more."""
    return tfidf_rows(material, train, scored, sublinear_tf=True, min_df=2)


def embedded_rows(material: Material, train: Ints, scored: Ints) -> tuple[Rows, Rows]:
    """The segments' own embeddings."""
    vectors = material.embeddings
    assert vectors is not None
    return vectors[train], vectors[scored]


def one_vs_rest(make: Callable[[int], object], rows: Rows, asked: Rows, positive: Bools) -> Floats:
    """A binary classifier a code; NEVER for a code without a positive, its opposite for one without a negative."""
    found = np.full((asked.shape[0], positive.shape[1]), NEVER)
    for code, y in enumerate(positive.T):
        if y.all():
            found[:, code] = -NEVER
        elif y.any():
            found[:, code] = make(code).fit(rows, y).decision_function(asked)
    return found


def linear(features: Callable, make: Callable[[int], object]) -> Score:
    """A linear classifier on some features."""

    def score(material: Material, train: Ints, scored: Ints) -> Floats:
        rows, asked = features(material, train, scored)
        return one_vs_rest(make, rows, asked, material.positive[train])

    return score


def pxtextmining(material: Material, train: Ints, scored: Ints) -> Floats:
    """TF-IDF and SVC as pxtextmining publishes its settings for this framework of codes.

    Words and pairs of words in at most 90 % of the texts, digits and punctuation removed; one SVC a code with RBF
    kernel, C=15, balanced classes, gamma "scale", at most 1,000 iterations. Its further input, the question that was
    asked, is not part of a study. The kernel is computed once for all codes.
    """
    texts = [re.sub(r"\s+", " ", re.sub(r"[^\w\s]|\d|_", " ", text)).strip() for text in material.texts]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), max_df=0.9)
    rows = vectorizer.fit_transform([texts[i] for i in train])
    asked = vectorizer.transform([texts[i] for i in scored])
    mean_square, mean = rows.multiply(rows).mean(), rows.mean()
    gamma = 1 / (rows.shape[1] * (mean_square - mean**2))
    kernel, kernel_asked = rbf_kernel(rows, gamma=gamma), rbf_kernel(asked, rows, gamma=gamma)

    def make(code: int) -> SVC:
        return SVC(C=15, kernel="precomputed", class_weight="balanced", max_iter=1000, cache_size=200)

    return one_vs_rest(make, kernel, kernel_asked, material.positive[train])


def nearest(material: Material, train: Ints, scored: Ints) -> Floats:
    """Share of the N_NEIGHBOURS nearest training rows, by cosine, that carry the code; its logit, smoothed."""
    features = embedded_rows if material.encoder else tfidf_rows
    rows, asked = features(material, train, scored)
    k = min(N_NEIGHBOURS, len(train))
    found = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(rows)
    distances, places = found.kneighbors(asked)
    weights = np.maximum(1 - distances, 1e-9)
    given = material.positive[train][places]
    share = (weights[:, :, None] * given).sum(axis=1) / weights.sum(axis=1)[:, None]
    return np.asarray(logit(np.clip(share, 1e-4, 1 - 1e-4)))


def _logistic(code: int) -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


def _balanced(code: int) -> LogisticRegression:
    return LogisticRegression(C=10, max_iter=1000, class_weight="balanced")


def _svm(code: int) -> LinearSVC:
    return LinearSVC(random_state=0)


METHODS = (
    Method("ours", None),
    Method("ours, words only", None, words_only=True),
    Method("TF-IDF + logistic regression", linear(tfidf_rows, _logistic), is_probability=True),
    Method(
        "TF-IDF + logistic regression, balanced, C=10, log counts",
        linear(dampened_rows, _balanced),
        is_probability=True,
    ),
    Method("TF-IDF + linear SVM", linear(tfidf_rows, _svm)),
    Method("pxtextmining: TF-IDF + SVC, C=15, balanced", pxtextmining),
    Method(
        "MiniLM + logistic regression",
        linear(embedded_rows, _logistic),
        is_probability=True,
        needs_encoder=True,
    ),
    Method(f"{N_NEIGHBOURS} nearest neighbours", nearest, is_probability=True),
)


def methods_for(material: Material, wanted: str = "") -> list[Method]:
    """Those that can be run: without an encoder ours is words only, and stands once.

    wanted: parts of names, separated by commas; ours always stays.
    """
    chosen = [method for method in METHODS if not (method.needs_encoder and not material.encoder)]
    if not material.encoder:
        chosen = [method for method in chosen if method.name != "ours"]
    parts = [part.strip().lower() for part in wanted.split(",") if part.strip()]
    return [
        method
        for i, method in enumerate(chosen)
        if i == 0 or not parts or any(part in method.name.lower() for part in parts)
    ]


def by_folds(method: Method, material: Material) -> dict[str, Scored]:
    """Cross-fitted over groups: decision -> what was said of each row by models that had not seen its group."""
    if method.score is None:
        members = material.members(words_only=method.words_only)
        trained = train_theme_model(
            members,
            material.shares,
            material.groups,
            codes=material.codes,
            seed=material.seed,
            told=material.told,
        )
        return {AS_OURS: trained.scored}
    result = _crossfit(method, material)
    return {OWN: _own(result.outer, result.folds), AS_OURS: _as_ours(result, material)}


def from_to(method: Method, material: Material, train: Ints, scored: Ints) -> dict[str, Scored]:
    """Trained on some rows, calibration and thresholds by cross-fitting among them; said of others."""
    part = material.only(train)
    if method.score is None:
        trained = train_theme_model(
            part.members(words_only=method.words_only),
            part.shares,
            part.groups,
            codes=part.codes,
            seed=part.seed,
            told=part.told,
        )
        model = trained.model
        with threadpool_limits(1):
            found = model.probabilities(material.views(model, scored))
        return {AS_OURS: _scored(found, model.thresholds)}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        scores = method.score(material, train, scored)
    inside = _crossfit(method, part).outer
    calibration = fit_calibration(inside, part.positive.astype(np.float64))
    cut = fit_thresholds(calibration.probabilities(inside), part.positive)
    own = _own(scores, np.zeros(len(scored), dtype=np.intp))
    return {OWN: own, AS_OURS: _scored(calibration.probabilities(scores), cut)}


def _crossfit(method: Method, material: Material) -> Crossfit:
    score = method.score
    assert score is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return crossfit(
            lambda train, scored: score(material, train, scored),
            assign_folds(material.groups),
            len(material.codes),
        )


def _own(scores: Floats, folds: Ints) -> Scored:
    return Scored(expit(scores), np.full_like(scores, 0.5), folds)


def _scored(probabilities: Floats, thresholds: Floats) -> Scored:
    shape = probabilities.shape
    return Scored(probabilities, np.broadcast_to(thresholds, shape).copy(), np.zeros(shape[0], dtype=np.intp))


def _as_ours(result: Crossfit, material: Material) -> Scored:
    """Calibration and thresholds for each fold from what was cross-fitted without it."""
    probabilities, thresholds = np.empty_like(result.outer), np.empty_like(result.outer)
    for fold in range(len(result.inner)):
        inside, outside = result.folds != fold, result.folds == fold
        logits = result.inner[fold][inside]
        calibration = fit_calibration(logits, material.positive[inside].astype(np.float64))
        cut = fit_thresholds(calibration.probabilities(logits), material.positive[inside])
        probabilities[outside] = calibration.probabilities(result.outer[outside])
        thresholds[outside] = cut
    return Scored(probabilities, thresholds, result.folds)
