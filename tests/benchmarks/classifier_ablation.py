"""What each part of our model is worth: a table whose rows are made from the members that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import numpy as np

from models import theme_model
from models.calibration import STRAIGHT, Calibration, fit_calibration
from tests.benchmarks.classifier_figures import Row, Truth, difference_table, figures_table, measured
from tests.benchmarks.classifier_material import UNANIMOUS, Floats, Material


@dataclass(frozen=True, slots=True)
class Variant:
    """A row of the table: what is changed of the whole model.

    members: names as ``pipeline.views.members_of`` gives them; empty for all. gold: what it learns from, as
    ``[target] gold``, or UNANIMOUS. Whatever it learns from, it is scored against the same positives: a share of one
    half or more. instead: name in a module -> what stands in its place.
    """

    name: str
    members: tuple[str, ...] = ()
    codebook: bool = True
    gold: str = "share"
    instead: Mapping[str, object] = field(default_factory=dict)


def every_member_alike(parts: Floats, targets: Floats) -> Floats:
    """In place of ``learn_weights``."""
    return np.full(parts.shape[2], 1 / parts.shape[2])


def without_bend(logits: Floats, targets: Floats) -> Calibration:
    """In place of ``fit_calibration``."""
    return replace(fit_calibration(logits, targets), bend=STRAIGHT)


LEARN_WEIGHTS = "models.theme_model.learn_weights"
FIT_CALIBRATION = "models.theme_model.fit_calibration"
NO_PAIRS_OF_ONE_TEXT = {"models.ngrams.MANY_TEXTS": 0}
"""What large studies go without, whatever the size of this one."""


def variants_of(members: Sequence[str], coders: Sequence[str], *, n_human: int) -> list[Variant]:
    """The rows: the whole, each member alone and left out, without codebook or a step of calibration, other targets.

    Add a row here. "the whole" learns from the share of the coders who gave a code, as a study does by default.
    """
    found = [Variant("the whole")]
    if len(members) > 1:
        found += [Variant(f"{name} alone", (name,)) for name in members]
    if len(members) > 2:
        found += [
            Variant(f"without {name}", tuple(other for other in members if other != name)) for name in members
        ]
    found.append(Variant("without what the codebook says", codebook=False))
    if len(members) > 1:
        found.append(Variant("every member counts the same", instead={LEARN_WEIGHTS: every_member_alike}))
    found.append(Variant("without the bend", instead={FIT_CALIBRATION: without_bend}))
    found.append(Variant("without pairs of words of one text", instead=NO_PAIRS_OF_ONE_TEXT))
    if len(members) > 1:
        pairs = "words alone, without pairs of one text"
        found.append(Variant(pairs, ("words",), instead=NO_PAIRS_OF_ONE_TEXT))
    golds = [gold for gold in ("majority", "any", UNANIMOUS) if n_human > 1]
    golds += ["consensus"] if "consensus" in coders else []
    return found + [Variant(f"target: {gold}", gold=gold) for gold in golds]


def ablation(material: Material) -> None:
    """Print the table: the same folds, the same segments and the same positives for every row."""
    units = material.units
    names = list(material.members())
    variants = variants_of(names, list(units.coders), n_human=int(units.is_human.sum()))
    taught = {variant.gold: material.shares_by(variant.gold) for variant in variants}
    # Segments that one of the targets says nothing of would make another comparison: they are left out of all.
    kept = np.flatnonzero(~np.any([np.isnan(shares).any(axis=1) for shares in taught.values()], axis=0))
    part = replace(material, shares=taught["share"]).only(kept)
    truth = Truth(part.positive, part.coded, part.groups)
    rows = [_row(part, variant, taught[variant.gold][kept]) for variant in variants]
    print(f"\n### Ablation: {len(kept):,} segments, {len(set(part.groups)):,} groups held out as wholes\n")
    print(figures_table(truth, rows))
    if len(rows) > 1:
        print(f"\n{difference_table(truth, rows[0], rows[1:], seed=material.seed)}", flush=True)


def _row(material: Material, variant: Variant, shares: Floats) -> Row:
    with ExitStack() as replaced:
        for name, other in variant.instead.items():
            replaced.enter_context(patch(name, other))
        members = material.members()
        cost = replaced.enter_context(measured())
        trained = theme_model.train_theme_model(
            {name: members[name] for name in variant.members or members},
            shares,
            material.groups,
            codes=material.codes,
            seed=material.seed,
            told=material.told if variant.codebook else None,
        )
    return Row(variant.name, "", trained.scored, cost)
