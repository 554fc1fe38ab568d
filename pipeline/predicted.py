"""What the model says of every segment that can be coded: what it was scored on, and what it suggests for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corpus.study import Study
from models.theme_model import POSITIVE_FROM
from pipeline.cache import read_parquet, stage_dir
from pipeline.suggest import unread_path
from pipeline.target import make_target
from pipeline.train import STAGE as TRAIN_STAGE
from pipeline.units import read_units

if TYPE_CHECKING:
    from pipeline.stages import Keys  # stages calls those who read what was predicted

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Predicted:
    """Probabilities of the codes that were learned, for all segments but those of context speakers.

    segment_ids, transcripts, groups: (n,), in the order of the corpus; a group is what was held out together.
    read: (n,), learned from. positive: (n, k), of at least half of those who read; False where not read.
    probabilities: (n, k) in 0..1. Read segments: by models that had not seen their group; others: by the model.
    A segment that was read, but not by those whose codings are learned from, is left out; so is one that was read
    after the model in use was trained, of a group that it had seen.
    """

    segment_ids: tuple[str, ...]
    transcripts: tuple[str, ...]
    groups: tuple[str, ...]
    read: BoolArray
    codes: tuple[str, ...]
    probabilities: FloatArray
    positive: BoolArray


def read_predicted(study: Study, keys: Keys) -> Predicted | None:
    """From the stages up to suggest; None if no code was learned, or nothing is left of what was learned from."""
    path = stage_dir(study, TRAIN_STAGE, keys.train[0]) / "crossfit.parquet"
    if not path.is_file():
        return None
    units = read_units(study, keys.units[0], keys.preprocess)
    target = make_target(units, gold=study.settings.target.gold)
    place = {segment.segment_id: row for row, segment in enumerate(units.segments)}
    # A row of the file is a segment and a code: all codes of the model in its order, segment by segment.
    crossfit = read_parquet(path)
    if not len(crossfit):
        return None
    codes = tuple(dict.fromkeys(crossfit["code"]))
    scored = [place[segment_id] for segment_id in crossfit["segment_id"][:: len(codes)]]
    probabilities = np.full((len(units.segments), len(codes)), np.nan)
    probabilities[scored] = crossfit["probability"].to_numpy().reshape(len(scored), len(codes))
    positive = np.zeros(probabilities.shape, dtype=bool)
    learned = [units.codes.index(code) for code in codes]
    positive[target.rows] = target.shares[:, learned] >= POSITIVE_FROM
    for key in keys.suggest:
        table = read_parquet(unread_path(study, key))
        rows = [place[segment_id] for segment_id in table["segment_id"]]
        probabilities[rows] = table[[str(code) for code in range(len(codes))]].to_numpy(dtype=np.float64)
    read = np.zeros(len(units.segments), dtype=bool)
    read[target.rows] = True
    known = np.flatnonzero(~np.isnan(probabilities).any(axis=1))
    return Predicted(
        segment_ids=tuple(units.segments[row].segment_id for row in known),
        transcripts=tuple(units.segments[row].transcript_id for row in known),
        groups=tuple(units.groups[row] for row in known),
        read=read[known],
        codes=codes,
        probabilities=probabilities[known],
        positive=positive[known],
    )
