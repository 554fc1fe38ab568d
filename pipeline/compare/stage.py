"""compare: the stage; agreement.json, agreement.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpus.files import write_json
from corpus.study import Study
from pipeline.cache import cached
from pipeline.compare.columns import MODEL, Panel, read_panel
from pipeline.compare.pairs import all_pairs, count_pair, macro_row, pair_rows, write_pairs
from pipeline.units import read_study_json, read_units

STAGE = "compare"
SCHEMA = 2


def compare(study: Study, units_key: str, preprocess_keys: Sequence[str], train_key: str) -> str:
    """Compare all columns; the key of what was cached."""
    seed = study.settings.study.seed

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        facts = read_study_json(study, units_key)
        panel = read_panel(study, units, train_key, facts["codebook"])
        agreement = _agreement(panel, seed=seed)
        write_json(folder / "agreement.json", agreement)
        write_pairs(folder / "agreement.csv", agreement["comparisons"])

    return cached(study, STAGE, {"units": units_key, "train": train_key, "seed": seed}, fill)


def _agreement(panel: Panel, *, seed: int) -> dict[str, Any]:
    pairs = [pair_rows(panel, count_pair(panel, a, b, kind), seed=seed) for a, b, kind in all_pairs(panel)]
    return {
        "schema": SCHEMA,
        "units": _units(panel),
        "coders": [
            {
                "name": column.name,
                "kind": column.kind,
                "n_units": int(column.seen.sum()),
                "n_codes": int(column.codes.sum()),
            }
            for column in panel.columns
        ],
        "comparisons": [row for rows in pairs for row in rows],
        "macro": [macro_row(rows) for rows in pairs],
        "overall": [],
        "verdicts": [],
    }


def _units(panel: Panel) -> dict[str, Any]:
    people = [column for column in panel.columns if column.kind != MODEL]
    return {
        "n_segments": len(panel.segments),
        "n_read": int(sum(column.seen for column in panel.columns).astype(bool).sum())
        if panel.columns
        else 0,
        "rule": "segments of speakers that are not context, where both read; codes of the codebook, parents that "
        "nobody gave left out",
    }
