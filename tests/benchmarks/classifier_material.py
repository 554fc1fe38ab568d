"""What the methods of ``classifier.py`` learn from: a copy of a study, read by the stages that ``precode`` runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.records import Segment
from corpus.study import Study, load_study
from models.encoder import find_encoder
from models.linear import Rows
from models.members import Member
from models.theme_model import POSITIVE_FROM, ThemeModel
from models.told import Told
from models.views import own_part
from pipeline.run import plan_run
from pipeline.stages import one_by_one, quiet, run_stages
from pipeline.target import make_target
from pipeline.units import Units, read_study_json, read_units
from pipeline.views import Examples, codebook_examples, context_of, members_of, views_of

UNANIMOUS = "unanimous"
NEEDED = ("ingest", "preprocess", "encode", "units")
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Material:
    """The segments that a person has read, and the codes that can be learned.

    segments, texts, transcripts, groups: (n,). shares: (n, k), of the coders who read a segment those who gave the
    code; positive: (n, k), a share of one half or more. coded: (n,), carries a code, learnable or not.
    codebook: all codes with what they mean. places: (n,) of the segments in ``units.segments``.
    context: segment id -> row of the context view, empty for words only. embeddings: (n, width), or None.
    """

    title: str
    seed: int
    codes: tuple[str, ...]
    segments: tuple[Segment, ...]
    groups: tuple[str, ...]
    shares: Floats
    coded: Bools
    codebook: Sequence[Mapping[str, str]]
    context: Mapping[str, npt.NDArray[np.float32]]
    encoder: str
    units: Units
    places: Ints
    participants: Mapping[str, Mapping[str, str]]

    @property
    def texts(self) -> npt.NDArray[np.object_]:
        return np.array([segment.text for segment in self.segments], dtype=object)

    @property
    def transcripts(self) -> npt.NDArray[np.object_]:
        return np.array([segment.transcript_id for segment in self.segments], dtype=object)

    @property
    def positive(self) -> Bools:
        return np.asarray(self.shares >= POSITIVE_FROM)

    @property
    def examples(self) -> Examples:
        """What the codebook says of these codes."""
        return codebook_examples(self.codebook, self.codes)

    @property
    def told(self) -> Told:
        """The same, to be taught beside these segments."""
        return self.examples.told(self.segments)

    @property
    def embeddings(self) -> npt.NDArray[np.float32] | None:
        if not self.encoder:
            return None
        return own_part(np.stack([self.context[segment.segment_id] for segment in self.segments]))

    def only(self, rows: Ints) -> Material:
        """The same with these segments only."""
        return replace(
            self,
            segments=tuple(self.segments[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows),
            shares=self.shares[rows],
            coded=self.coded[rows],
            places=self.places[rows],
        )

    def of_codes(self, chosen: Ints) -> Material:
        """The same with these codes only."""
        return replace(
            self,
            codes=tuple(self.codes[i] for i in chosen),
            shares=self.shares[:, chosen],
        )

    def members(self, *, words_only: bool = False) -> dict[str, Member]:
        """Members of a model to be trained on these segments, as the train stage makes them."""
        encoder = "" if words_only else self.encoder
        return members_of(self.segments, self.context, self.examples, encoder=encoder)

    def views(self, model: ThemeModel, rows: Ints) -> dict[str, Rows]:
        """What a trained model sees of some segments, as the suggest stage makes it."""
        return views_of(model.words.vocabulary, [self.segments[row] for row in rows], self.context)

    def warm(self) -> None:
        """Load the encoder now, so that no method's seconds hold it."""
        if self.encoder:
            find_encoder(self.encoder).encode(["warm"])

    def shares_by(self, gold: str) -> Floats:
        """(n, k): the target as another ``[target] gold`` sets it, nan for segments that those have not read.

        UNANIMOUS: 1 where all who read a segment gave the code, what they agree on without having discussed it.
        """
        if gold == UNANIMOUS:
            shares = self.shares_by("share")
            return np.where(np.isnan(shares), np.nan, shares == 1)
        other = make_target(self.units, gold=gold)
        columns = [self.units.codes.index(code) for code in self.codes]
        found = np.full((len(self.units.segments), len(columns)), np.nan)
        found[other.rows] = other.shares[:, columns]
        return found[self.places]


@contextmanager
def scratch_copy(folder: Path) -> Iterator[Study]:
    """A copy of a study that is gone afterwards; its cache comes along, so that no text is encoded twice."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "study"
        left = shutil.ignore_patterns("runs", "models", ".precode*")
        shutil.copytree(folder, copy, ignore=left, copy_function=shutil.copyfile)
        yield load_study(copy)


def read_material(study: Study) -> Material:
    """Run the stages that come before training, and take what can be learned from."""
    plan = plan_run(study)
    keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=NEEDED)
    units = read_units(study, keys.units[0], keys.preprocess)
    facts = read_study_json(study, keys.units[0])
    target = make_target(units, gold=study.settings.target.gold)
    codes = [units.codes[place] for place in target.learnable]
    return Material(
        title=study.title,
        seed=study.settings.study.seed,
        codes=tuple(codes),
        segments=tuple(units.segments[row] for row in target.rows),
        groups=target.groups,
        shares=target.shares[:, target.learnable],
        coded=(target.shares >= POSITIVE_FROM).any(axis=1),
        codebook=facts["codebook"],
        context=context_of(study, keys.preprocess, keys.encode),
        encoder=plan.encoder,
        units=units,
        places=target.rows,
        participants=facts["participants"],
    )


def column_of(material: Material, column: str) -> npt.NDArray[np.object_]:
    """(n,): a column of participants.csv for the transcript of each segment; SystemExit where it has none."""
    known = material.participants
    if not any(column.lower() in row for row in known.values()):
        names: Sequence[str] = sorted({name for row in known.values() for name in row})
        raise SystemExit(f"participants.csv has no column '{column}' (it has: {', '.join(names) or 'none'})")
    return np.array([known.get(t, {}).get(column.lower(), "") for t in material.transcripts], dtype=object)
