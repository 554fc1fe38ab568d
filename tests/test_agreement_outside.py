"""Agreement beside outside implementations on random tables, to 1e-9.

Where an outside implementation is not asked: kappa and alpha of a table without variation (they
give 1, 0 or a bare nan; here it is nan with a reason), Fleiss' kappa with missing values (statsmodels
refuses it), and Bennett's S where a category was not used (nltk counts those that occur).
"""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_kappa

from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.brennan import brennan_prediger
from pipeline.agreement.cohen import cohen_kappa
from pipeline.agreement.fleiss import fleiss_kappa
from pipeline.agreement.percent import percent_agreement
from pipeline.agreement.scott import scott_pi
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
