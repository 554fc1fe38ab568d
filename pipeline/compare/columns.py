"""What each coder, a consensus, a machine and the model said of every segment, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from corpus.files import read_json
from corpus.records import Segment
from corpus.study import Study
from pipeline.cache import read_parquet, stage_dir
from pipeline.train import CROSSFIT
from pipeline.train import STAGE as TRAIN_STAGE
from pipeline.units import Units

MODEL = "model"
HUMAN, CONSENSUS, MACHINE = "human", "consensus", "machine"

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What one coder, or the model, said of every segment.

    kind: "human", "consensus", "machine" or "model".
    given: (n, k). seen: (n,), segments it says anything about. codes: (k,), codes it can say at all.
    """

    name: str
    kind: str
    given: BoolArray
    seen: BoolArray
    codes: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Everybody who said something, on the same segments.

    segments: (n,); a context speaker's are seen by nobody. codes: (k,), in the order of the codebook.
    transcripts: (t,) names; place: (n,) the number of each segment's transcript.
    probability: (n, k), the model's where it had not seen the segment's group; nan elsewhere.
    not_suggested: code -> why the model, which has learned it, does not suggest it. Those are none of the codes that
        its column can give; a model that suggests no code has no column.
    """

    segments: tuple[Segment, ...]
    codes: tuple[str, ...]
    transcripts: tuple[str, ...]
    place: IntArray
    columns: tuple[Column, ...]
    probability: FloatArray
    not_suggested: Mapping[str, str] = field(default_factory=dict)

    def of_kind(self, *kinds: str) -> tuple[Column, ...]:
        """The columns of these kinds, in their order."""
        return tuple(column for column in self.columns if column.kind in kinds)

    def where(self, keep: Mapping[str, BoolArray]) -> Panel:
        """The panel with some columns on some transcripts alone. keep: name of a column -> (t,)."""
        return replace(
            self,
            columns=tuple(
                replace(column, seen=column.seen & keep[column.name][self.place])
                if column.name in keep
                else column
                for column in self.columns
            ),
        )

    @property
    def humans(self) -> tuple[Column, ...]:
        """The human coders."""
        return self.of_kind(HUMAN)

    @property
    def usable(self) -> BoolArray:
        """(k,), codes that people can give; a heading is none."""
        people = self.of_kind(HUMAN, CONSENSUS, MACHINE)
        return people[0].codes if people else np.ones(len(self.codes), dtype=bool)


def read_panel(study: Study, units: Units, train_key: str, codebook: Sequence[Mapping[str, str]]) -> Panel:
    """Coders from the units, the model from what it said of groups that it had not seen."""
    names = [segment.transcript_id for segment in units.segments]
    transcripts = tuple(dict.fromkeys(names))
    number = {name: place for place, name in enumerate(transcripts)}
    not_suggested = _not_suggested(study, train_key)
    probability, model = _model_column(study, train_key, units, not_suggested)
    return Panel(
        segments=units.segments,
        codes=units.codes,
        transcripts=transcripts,
        place=np.array([number[name] for name in names], dtype=np.intp),
        columns=(*_coder_columns(units, codebook), *model),
        probability=probability,
        not_suggested=not_suggested,
    )


def _coder_columns(units: Units, codebook: Sequence[Mapping[str, str]]) -> list[Column]:
    """What each coder said; a parent that nobody gave is a heading, not a code that all agreed not to give."""
    parents = {code["parent"] for code in codebook}
    headings = np.array([code in parents for code in units.codes], dtype=bool) & ~units.given.any(axis=(0, 1))
    return [
        Column(name, kind, units.given[i], units.read[i] & ~units.context, ~headings)
        for i, (name, kind) in enumerate(units.coders.items())
    ]


def _not_suggested(study: Study, train_key: str) -> dict[str, str]:
    """Code -> why it is not suggested, of those that the model has learned."""
    folder = stage_dir(study, TRAIN_STAGE, train_key)
    if not (folder / CROSSFIT).is_file():
        return {}
    evaluation = read_json(folder / "evaluation.json")
    scored = evaluation["scopes"].get("all", {}).get("codes", [])
    return {row["code"]: row["abstains"] for row in scored if row["abstains"]}


def _model_column(
    study: Study, train_key: str, units: Units, not_suggested: Mapping[str, str]
) -> tuple[FloatArray, list[Column]]:
    """The model's cross-fitted probabilities and flags: only for segments whose group it had not seen.

    Flags are of the codes that it suggests: the audit is of the model as it is used.
    """
    probability = np.full((len(units.segments), len(units.codes)), np.nan)
    path = stage_dir(study, TRAIN_STAGE, train_key) / CROSSFIT
    if not path.is_file():
        return probability, []
    table = read_parquet(path)
    segment_at = {segment.segment_id: i for i, segment in enumerate(units.segments)}
    code_at = {code: i for i, code in enumerate(units.codes)}
    rows = table["segment_id"].map(segment_at).to_numpy()
    places = table["code"].map(code_at).to_numpy()
    given = np.zeros(probability.shape, dtype=bool)
    given[rows, places] = (table["probability"] >= table["threshold"]).to_numpy()
    probability[rows, places] = table["probability"].to_numpy()
    seen, codes = np.zeros(len(units.segments), dtype=bool), np.zeros(len(units.codes), dtype=bool)
    seen[rows], codes[places] = True, True
    codes &= np.array([code not in not_suggested for code in units.codes], dtype=bool)
    return probability, [Column(MODEL, MODEL, given & codes, seen, codes)] if codes.any() else []


def by_transcript(panel: Panel, rows: IntArray, values: npt.NDArray[np.generic]) -> FloatArray:
    """Sums of values over the segments of each transcript.

    rows: (m,) places of segments. values: (m, ...), numbers or flags. Returns (t, ...), t the transcripts that
    hold one of the rows, in the order of ``transcripts_of``.
    """
    if not len(rows):
        return np.zeros((0, *values.shape[1:]))
    order = np.argsort(panel.place[rows], kind="stable")
    _, first = np.unique(panel.place[rows][order], return_index=True)
    sums: FloatArray = np.add.reduceat(values[order], first, axis=0, dtype=np.float64)
    return sums


def transcripts_of(panel: Panel, rows: IntArray) -> IntArray:
    """Numbers of the transcripts that hold one of the segments, ascending."""
    return np.unique(panel.place[rows])
