"""compare: the stage; agreement.json and .csv, disagreements.csv, doctor.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus.files import write_json
from corpus.settings import AuditSection
from corpus.study import Study
from pipeline.cache import cached
from pipeline.compare.alike import definitions_alike
from pipeline.compare.basis import (
    Bases,
    bases_of,
    basis_rows,
    first_suggested,
    marked_blind,
    silent_about_basis,
    with_readings,
)
from pipeline.compare.beside import beside_rows, set_beside
from pipeline.compare.cells import cells_of
from pipeline.compare.cells_table import write_cells
from pipeline.compare.columns import MACHINE, MODEL, Panel, read_panel
from pipeline.compare.confusions import confusions
from pipeline.compare.disagreements import write_disagreements
from pipeline.compare.doctor import examine
from pipeline.compare.enough import notes_on_pairs, pairs_left_out, with_means
from pipeline.compare.misspelt import (
    Misspelt,
    misspelt_codes,
    misspelt_rows,
    notes_on_misspelt,
    told_in_rows,
)
from pipeline.compare.overall import overall_mean, overall_rows, sample_size_rows
from pipeline.compare.pairs import all_pairs, count_pair, macro_row, pair_rows, write_pairs
from pipeline.compare.slices import slices
from pipeline.compare.spans import Marked, read_marked
from pipeline.compare.verdicts import not_suggested_rows, verdict_rows
from pipeline.units import read_stretches, read_study_json, read_units

STAGE = "compare"
SCHEMA = 2
#: What the run folder gets of it.
FILES = ("agreement.json", "agreement.csv", "cells.csv", "disagreements.csv", "doctor.json")


def compare(
    study: Study, units_key: str, preprocess_keys: Sequence[str], train_key: str, *, encoder: str
) -> str:
    """Compare all columns; the key of what was cached.

    encoder: its name, "" for words only; it tells which entries of the codebook are alike.
    """
    seed, settings = study.settings.study.seed, study.settings.audit
    facts = read_study_json(study, units_key)
    read = read_stretches(study, units_key)
    sittings = with_readings(facts["sittings"], zip(read["coder"], read["transcript"], strict=True))
    silent = silent_about_basis(sittings)
    # Of what was coded without saying whether a suggestion was in view, it matters whether there was one.
    suggested = {name: when for name, when in first_suggested(study).items() if name in silent}

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        panel = read_panel(study, units, train_key, facts["codebook"])
        marked = read_marked(study, units_key, units, panel)
        bases = bases_of(panel, sittings, suggested)
        misspelt = misspelt_codes(facts["outside_codebook"], panel.codes)
        agreement = _agreement(panel, marked, facts, bases, misspelt, settings=settings, seed=seed)
        write_json(folder / "agreement.json", agreement)
        write_pairs(folder / "agreement.csv", agreement["comparisons"])
        write_cells(folder / "cells.csv", panel, bases.blind)
        write_disagreements(folder / "disagreements.csv", panel)
        alike = definitions_alike(facts["codebook"], encoder=encoder)
        blind = panel.where(bases.blind)
        doctor = examine(
            blind, facts["codebook"], alike=alike, seed=seed, everything=panel, misspelt=misspelt
        )
        write_json(folder / "doctor.json", doctor)

    inputs = {
        "units": units_key,
        "train": train_key,
        "encoder": encoder,
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
        "suggested": suggested,
    }
    return cached(study, STAGE, inputs, fill)


def _agreement(
    panel: Panel,
    marked: Sequence[Marked],
    facts: Mapping[str, Any],
    bases: Bases,
    misspelt: Sequence[Misspelt],
    *,
    settings: AuditSection,
    seed: int,
) -> dict[str, Any]:
    """agreement.json: of what was coded blind alone, but for who read how much, and for ``basis``."""
    blind, marked = panel.where(bases.blind), marked_blind(marked, bases)
    cells, of_pairs = cells_of(blind), _of_pairs(blind, marked, seed=seed)
    of_all = _of_all(blind, marked, settings, seed=seed)
    return {
        "schema": SCHEMA,
        "units": _units(panel),
        "coders": _coders(panel),
        **of_pairs,
        **of_all,
        "notes": [*notes_on_misspelt(misspelt), *of_pairs["notes"]],
        "misspelt": misspelt_rows(misspelt),
        "overall": told_in_rows(of_all["overall"], misspelt),
        **_of_others(blind, settings, seed=seed),
        "basis": basis_rows(cells_of(panel) if bases.n_seen else cells, bases, seed=seed),
        "confusions": confusions(blind),
        "slices": slices(
            panel,
            cells,
            participants=facts["participants"],
            attributes=facts["attributes"],
            sittings=facts["sittings"],
            seed=seed,
        ),
    }


def _of_pairs(blind: Panel, marked: Sequence[Marked], *, seed: int) -> dict[str, Any]:
    pairs = with_means(
        [
            pair_rows(blind, count_pair(blind, a, b, kind), marked, seed=seed)
            for a, b, kind in all_pairs(blind)
        ]
    )
    return {
        "notes": notes_on_pairs(pairs),
        "left_out_of_means": pairs_left_out(pairs),
        "comparisons": [row for rows in pairs for row in rows],
        "macro": [macro_row(rows) for rows in pairs],
    }


def _of_all(blind: Panel, marked: Sequence[Marked], settings: AuditSection, *, seed: int) -> dict[str, Any]:
    return {
        "overall": overall_rows(blind, marked, seed=seed),
        "overall_mean": overall_mean(blind, seed=seed),
        "sample_size": sample_size_rows(blind, width=settings.width),
    }


def _of_others(blind: Panel, settings: AuditSection, *, seed: int) -> dict[str, Any]:
    """The model, and every machine, beside the coders."""
    others = blind.of_kind(MODEL, MACHINE)
    found = [beside for other in others if (beside := set_beside(blind, other))]
    allowed = {"margin": settings.margin, "epsilon": settings.epsilon}
    verdicts = [row for other in others for row in verdict_rows(blind, other, **allowed, seed=seed)]
    return {
        "beside": [row for beside in found for row in beside_rows(blind, beside, seed=seed)],
        "verdicts": [*verdicts, *not_suggested_rows(blind)],
    }


def _coders(panel: Panel) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "n_units": int(column.seen.sum()),
            "n_codes": int(column.codes.sum()),
        }
        for column in panel.columns
    ]


def _units(panel: Panel) -> dict[str, Any]:
    read = [column.seen for column in panel.columns if column.kind != MODEL]
    return {
        "n_segments": len(panel.segments),
        "n_read": int(np.any(read, axis=0).sum()) if read else 0,
        "rule": "segments of speakers that are not context, where both read, coders blind; codes of the codebook, "
        "parents that nobody gave left out",
    }
