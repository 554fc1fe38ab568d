"""Agreement beside outside implementations on random tables, to 1e-9.

Where an outside implementation is not asked: kappa and alpha of a table without variation (they
give 1, 0 or a bare nan; here it is nan with a reason), Fleiss' kappa with missing values (statsmodels
refuses it), Bennett's S where a category was not used (nltk counts those that occur), and empty sets of
codes (nltk divides by zero). nltk's ``max_distance`` of weighted kappa is left at 1: it divides what is
expected by it, but not what is observed.

irrCAC 0.4 asks for SciPy 1.12 and NumPy 1 and so is not among the requirements; with NumPy 2 it runs all
the same: ``pip install --no-deps irrCAC``, else its tests are skipped by name. It rounds to 5 digits if
not told otherwise (``digits``), and in alpha rounds before it rounds, so it is told 12. Not asked: tables
of fewer than two units, without variation or perfectly agreed (it divides by a standard error of 0).
"""

from __future__ import annotations

import warnings
from typing import Any

import krippendorff
import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import jaccard_distance as nltk_jaccard
from nltk.metrics.distance import masi_distance as nltk_masi
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_kappa

from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.brennan import brennan_prediger
from pipeline.agreement.cohen import cohen_kappa
from pipeline.agreement.fleiss import fleiss_kappa
from pipeline.agreement.gwet import gwet_ac1
from pipeline.agreement.percent import percent_agreement
from pipeline.agreement.scott import scott_pi
from pipeline.agreement.sets import alpha_over_sets
from pipeline.agreement.values import Ratings

N_TABLES = 1000
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def random_ratings(rng: np.random.Generator, *, n_coders: int, missing: float) -> Ratings:
    """Coders who follow a common value in part, so that agreement takes every size."""
    n_units, q = int(rng.integers(2, 30)), int(rng.integers(2, 6))
    common = rng.choice(q, size=(n_units, 1), p=rng.dirichlet(np.ones(q)))
    own = rng.integers(0, q, size=(n_units, n_coders))
    values = np.where(rng.random((n_units, n_coders)) < rng.random(), common, own)
    values[rng.random((n_units, n_coders)) < missing] = -1
    return Ratings(values, tuple(range(q)))


def varied(values: np.ndarray) -> bool:
    pairable = values[(values >= 0).sum(axis=1) >= 2]
    return len(np.unique(pairable[pairable >= 0])) > 1


def near(value: float) -> object:
    return pytest.approx(value, rel=0, abs=1e-9)


def test_two_coders_agree_with_scikit_learn_and_nltk() -> None:
    rng = np.random.default_rng(1)
    n_compared = 0
    for _ in range(N_TABLES):
        ratings = random_ratings(rng, n_coders=2, missing=0)
        if not varied(ratings.values):
            continue
        n_compared += 1
        a, b = ratings.values.T
        kappa = cohen_kappa(ratings).value
        assert kappa == near(cohen_kappa_score(a, b, labels=range(len(ratings.categories))))
        task = AnnotationTask(
            [(c, i, int(v)) for i, row in enumerate(ratings.values) for c, v in enumerate(row)]
        )
        assert kappa == near(task.kappa())
        assert scott_pi(ratings).value == near(task.pi())
        assert percent_agreement(ratings).value == near(task.avg_Ao())
        if len(task.K) == len(ratings.categories):
            assert brennan_prediger(ratings).value == near(task.S())
    assert n_compared > 0.9 * N_TABLES


def test_many_coders_agree_with_statsmodels() -> None:
    rng = np.random.default_rng(2)
    for _ in range(N_TABLES):
        ratings = random_ratings(rng, n_coders=int(rng.integers(2, 6)), missing=0)
        q = len(ratings.categories)
        counts, _ = aggregate_raters(ratings.values, n_cat=q)
        assert brennan_prediger(ratings).value == near(statsmodels_kappa(counts, method="randolph"))
        if varied(ratings.values):
            assert fleiss_kappa(ratings).value == near(statsmodels_kappa(counts, method="fleiss"))


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_with_missing_values_agrees_with_krippendorff(level: str) -> None:
    rng = np.random.default_rng(LEVELS.index(level))
    n_compared = 0
    for _ in range(N_TABLES):
        ratings = random_ratings(rng, n_coders=int(rng.integers(2, 6)), missing=0.3)
        if not varied(ratings.values):
            continue
        n_compared += 1
        data = np.where(ratings.values < 0, np.nan, ratings.values).T
        outside = krippendorff.alpha(
            reliability_data=data, value_domain=list(ratings.categories), level_of_measurement=level
        )
        assert krippendorff_alpha(ratings, level=level).value == near(outside)
    assert n_compared > 0.8 * N_TABLES


def test_nominal_alpha_with_missing_values_agrees_with_nltk() -> None:
    rng = np.random.default_rng(3)
    n_compared = 0
    for _ in range(N_TABLES):
        ratings = random_ratings(rng, n_coders=4, missing=0.1)
        if not varied(ratings.values):
            continue
        n_compared += 1
        triples = [
            (c, i, int(v)) for i, row in enumerate(ratings.values) for c, v in enumerate(row) if v >= 0
        ]
        assert krippendorff_alpha(ratings).value == near(AnnotationTask(triples).alpha())
    assert n_compared > 0.8 * N_TABLES


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_weighted_kappa_agrees_with_scikit_learn_statsmodels_and_nltk(weights: str) -> None:
    rng = np.random.default_rng(4)
    n_compared = 0
    for _ in range(N_TABLES):
        ratings = random_ratings(rng, n_coders=2, missing=0)
        if not varied(ratings.values):
            continue
        n_compared += 1
        q = len(ratings.categories)
        a, b = ratings.values.T
        kappa = cohen_kappa(ratings, weights=weights).value
        assert kappa == near(cohen_kappa_score(a, b, labels=range(q), weights=weights))
        table = np.zeros((q, q))
        np.add.at(table, (a, b), 1)
        assert kappa == near(cohens_kappa(table, wt=weights, return_results=False))
        power = {"linear": 1, "quadratic": 2}[weights]
        task = AnnotationTask(
            [(c, i, int(v)) for i, row in enumerate(ratings.values) for c, v in enumerate(row)],
            distance=lambda one, other, power=power: abs(one - other) ** power,
        )
        assert kappa == near(task.weighted_kappa())
    assert n_compared > 0.9 * N_TABLES


def test_kappa_with_any_weights_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(5)
    for _ in range(N_TABLES):
        ratings = random_ratings(rng, n_coders=2, missing=0)
        if not varied(ratings.values):
            continue
        q = len(ratings.categories)
        v = rng.random((q, q)) * (1 - np.eye(q))
        table = np.zeros((q, q))
        np.add.at(table, tuple(ratings.values.T), 1)
        outside = cohens_kappa(table, weights=v, return_results=False)
        assert cohen_kappa(ratings, weights=v).value == near(outside)


@pytest.mark.parametrize(("name", "distance"), [("masi", nltk_masi), ("jaccard", nltk_jaccard)])
def test_alpha_over_sets_agrees_with_nltk(name: str, distance: Any) -> None:
    rng = np.random.default_rng(6)
    n_compared = 0
    for _ in range(N_TABLES):
        n_units, n_coders = int(rng.integers(2, 20)), int(rng.integers(2, 5))
        common = rng.random((n_units, 1, 5)) < 0.3
        given = common ^ (rng.random((n_units, n_coders, 5)) < 0.3 * rng.random())
        sets = [[frozenset(np.flatnonzero(row).tolist()) or None for row in unit] for unit in given]
        triples = [
            (c, i, codes) for i, row in enumerate(sets) for c, codes in enumerate(row) if codes is not None
        ]
        found = alpha_over_sets(sets, distance=name)
        if found.reason:
            continue
        n_compared += 1
        assert found.value == near(AnnotationTask(triples, distance=distance).alpha())
    assert n_compared > 0.8 * N_TABLES


@pytest.mark.parametrize("missing", [0, 0.2])
def test_many_coders_with_missing_values_agree_with_irrcac(missing: float) -> None:
    raw = pytest.importorskip("irrCAC.raw", reason="irrCAC is not installed (pip install --no-deps irrCAC)")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(7)
    n_compared = 0
    for number in range(N_TABLES // 2):
        ratings = random_ratings(rng, n_coders=int(rng.integers(2, 6)), missing=missing)
        agreed = percent_agreement(ratings)
        if not varied(ratings.values) or agreed.value == 1 or agreed.n_units < 2:
            continue
        n_compared += 1
        data = pandas.DataFrame(np.where(ratings.values < 0, np.nan, ratings.values))
        for weights in ("identity", "linear", "quadratic", "ordinal")[: 4 if number % 5 == 0 else 1]:
            outside = raw.CAC(data, weights=weights, categories=list(ratings.categories), digits=12)
            own = {} if weights == "identity" else {"weights": weights}
            assert brennan_prediger(ratings, **own).value == near(of_irrcac(outside.bp))
        outside = raw.CAC(data, categories=list(ratings.categories), digits=12)
        assert gwet_ac1(ratings).value == near(of_irrcac(outside.gwet))
        assert fleiss_kappa(ratings).value == near(of_irrcac(outside.fleiss))
        assert krippendorff_alpha(ratings).value == near(of_irrcac(outside.krippendorff))
        assert percent_agreement(ratings).value == near(of_irrcac(outside.bp, "pa"))
    assert n_compared > 0.7 * N_TABLES / 2


def of_irrcac(method: Any, key: str = "coefficient_value") -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a standard error of 0, which is not asked here
        return float(method()["est"][key])
