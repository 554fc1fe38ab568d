"""compare: each pair of coders, and the model beside each coder, on the same units; ``agreement.json``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.files import write_json
from corpus.study import Study
from corpus.tables import write_table
from pipeline.agreement.intervals import Interval, pair_intervals
from pipeline.agreement.pairs import PAIR_STATISTICS, count_pairs, pair_statistics
from pipeline.cache import cached, read_parquet, stage_dir
from pipeline.train import STAGE as TRAIN_STAGE
from pipeline.units import Units, read_study_json, read_units

STAGE = "compare"
SCHEMA = 1
MODEL = "model"
#: Statistics that get an interval over transcripts.
WITH_INTERVAL = ("percent_agreement", "cohen_kappa", "krippendorff_alpha", "f1")

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Column:
    """What one coder, or the model, said of every segment.

    given: (n, k). seen: (n,), segments it says anything about. codes: (k,), codes it can say at all.
    """

    name: str
    kind: str
    given: BoolArray
    seen: BoolArray
    codes: BoolArray


def compare(study: Study, units_key: str, preprocess_keys: Sequence[str], train_key: str) -> str:
    """Compare all pairs; the key of what was cached."""
    seed = study.settings.study.seed

    def fill(folder: Path) -> None:
        units = read_units(study, units_key, preprocess_keys)
        codebook = read_study_json(study, units_key)["codebook"]
        columns = [*_coder_columns(units, codebook), *_model_column(study, train_key, units)]
        comparisons = [
            row for a, b, kind in _pairs(columns) for row in _compare(a, b, kind, units, seed=seed)
        ]
        write_json(folder / "agreement.json", _result(units, columns, comparisons))
        _write_csv(folder / "agreement.csv", comparisons)

    return cached(study, STAGE, {"units": units_key, "train": train_key, "seed": seed}, fill)


def _coder_columns(units: Units, codebook: Sequence[Mapping[str, str]]) -> list[Column]:
    """What each coder said; a parent that nobody gave is a heading, not a code that all agreed not to give."""
    parents = {code["parent"] for code in codebook}
    headings = np.array([code in parents for code in units.codes], dtype=bool) & ~units.given.any(axis=(0, 1))
    usable = ~headings
    return [
        Column(name, kind, units.given[i], units.read[i] & ~units.context, usable)
        for i, (name, kind) in enumerate(units.coders.items())
    ]


def _model_column(study: Study, train_key: str, units: Units) -> list[Column]:
    """The model's cross-fitted flags: only for segments whose group it had not seen."""
    path = stage_dir(study, TRAIN_STAGE, train_key) / "crossfit.parquet"
    if not path.is_file():
        return []
    table = read_parquet(path)
    segment_at = {segment.segment_id: i for i, segment in enumerate(units.segments)}
    code_at = {code: i for i, code in enumerate(units.codes)}
    rows = table["segment_id"].map(segment_at).to_numpy()
    places = table["code"].map(code_at).to_numpy()
    given = np.zeros((len(units.segments), len(units.codes)), dtype=bool)
    given[rows, places] = (table["probability"] >= table["threshold"]).to_numpy()
    seen, codes = np.zeros(len(units.segments), dtype=bool), np.zeros(len(units.codes), dtype=bool)
    seen[rows], codes[places] = True, True
    return [Column(MODEL, MODEL, given, seen, codes)]


def _pairs(columns: Sequence[Column]) -> Iterator[tuple[Column, Column, str]]:
    humans = [column for column in columns if column.kind == "human"]
    for a, b in combinations(humans, 2):
        yield a, b, "human-human"
    for other in (column for column in columns if column.kind in (MODEL, "machine")):
        for human in humans:
            yield _beside(human, humans), other, f"{other.kind}-human"


def _beside(human: Column, humans: Sequence[Column]) -> Column:
    """A human where another human read too, so that the model stands on the units that humans share."""
    others = [column.seen for column in humans if column.name != human.name]
    shared = human.seen & np.any(others, axis=0) if others else human.seen
    if not shared.any():
        return human
    return Column(human.name, human.kind, human.given, shared, human.codes)


def _compare(a: Column, b: Column, kind: str, units: Units, *, seed: int) -> list[dict[str, Any]]:
    """One row pooled over codes, then one for each code."""
    rows = np.flatnonzero(a.seen & b.seen)
    codes = np.flatnonzero(a.codes & b.codes)
    names = [units.segments[row].transcript_id for row in rows]
    transcripts, place = np.unique(np.array(names, dtype=object), return_inverse=True)
    counts = np.zeros((len(transcripts), len(codes), 4))
    for t in range(len(transcripts)):
        mine = rows[place == t]
        counts[t] = count_pairs(a.given[np.ix_(mine, codes)], b.given[np.ix_(mine, codes)])
    pooled = counts.sum(axis=1, keepdims=True)
    keys = [None, *(units.codes[code] for code in codes)]
    cells = np.concatenate([pooled, counts], axis=1)
    intervals = pair_intervals(cells, WITH_INTERVAL, seed=seed) if len(rows) else {}
    return [
        _row(a, b, kind, key, cells[:, i], len(rows), len(transcripts), len(codes) if key is None else 1)
        | {"ci": {name: _interval(found[i]) for name, found in intervals.items()}}
        for i, key in enumerate(keys)
    ]


def _row(
    a: Column,
    b: Column,
    kind: str,
    code: str | None,
    cells: npt.NDArray[np.float64],
    n_units: int,
    n_transcripts: int,
    n_codes: int,
) -> dict[str, Any]:
    statistics = pair_statistics(cells.sum(axis=0), a=a.name, b=b.name)
    return {
        "a": a.name,
        "b": b.name,
        "kind": kind,
        "code": code,
        "n_codes": n_codes,
        "n_units": n_units,
        "n_transcripts": n_transcripts,
        **{
            key: None if math.isnan(statistics[key].value) else statistics[key].value
            for key in PAIR_STATISTICS
        },
        "undefined": {key: found.reason for key, found in statistics.items() if found.reason},
    }


def _interval(interval: Interval) -> dict[str, Any]:
    return {
        "low": interval.low if interval.defined else None,
        "high": interval.high if interval.defined else None,
        "method": interval.method,
        "n_transcripts": interval.n_transcripts,
        "reason": interval.reason,
    }


def _result(units: Units, columns: Sequence[Column], comparisons: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "units": {
            "n_segments": len(units.segments),
            "n_not_context": int((~units.context).sum()),
            "rule": "segments of speakers that are not context, where both read; codes of the codebook, parents that "
            "nobody gave left out",
        },
        "coders": [
            {
                "name": column.name,
                "kind": column.kind,
                "n_units": int(column.seen.sum()),
                "n_codes": int(column.codes.sum()),
            }
            for column in columns
        ],
        "comparisons": comparisons,
        "overall": _overall(comparisons),
        "verdicts": [],
    }


def _overall(comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Beside each pooled row the macro mean over codes of each coefficient, undefined ones left out and counted."""
    result = []
    for pooled in (row for row in comparisons if row["code"] is None):
        per_code = [
            row
            for row in comparisons
            if row["code"] is not None and (row["a"], row["b"]) == (pooled["a"], pooled["b"])
        ]
        macro = {key: [row[key] for row in per_code if row[key] is not None] for key in PAIR_STATISTICS}
        result.append(
            {
                **{key: pooled[key] for key in ("a", "b", "kind", "n_units", "n_codes")},
                "macro": {
                    key: sum(values) / len(values) if values else None for key, values in macro.items()
                },
                "n_codes_defined": {key: len(values) for key, values in macro.items()},
            }
        )
    return result


def _write_csv(path: Path, comparisons: Sequence[dict[str, Any]]) -> None:
    """One row a comparison; the pooled row has an empty code."""
    plain = ["a", "b", "kind", "code", "n_codes", "n_units", "n_transcripts", *PAIR_STATISTICS]
    bounds = [f"{key}_{end}" for key in WITH_INTERVAL for end in ("low", "high")]
    rows = [
        [
            *(_cell(row[key]) for key in plain),
            *(_cell(row["ci"].get(key, {}).get(end)) for key in WITH_INTERVAL for end in ("low", "high")),
            "; ".join(f"{key}: {reason}" for key, reason in row["undefined"].items()),
        ]
        for row in comparisons
    ]
    write_table(path, [*plain, *bounds, "undefined"], rows)


def _cell(value: str | float | None) -> str | float:
    return "" if value is None else value
