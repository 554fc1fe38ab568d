"""units: segments of all batches beside what people coded and read of them; later stages start from it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from corpus.coded import Coded, read_coded
from corpus.errors import StudyError
from corpus.files import read_json, sha256_of, write_json
from corpus.names import is_context
from corpus.records import Segment, Transcript
from corpus.study import Study, coded_files, other_files
from corpus.units import Placement, place_codings, read_segments
from corpus.versions import changed_bindings, keep_bindings
from pipeline.cache import cached, read_parquet, stage_dir, write_parquet
from pipeline.ingest import Ingested, read_ingested
from pipeline.preprocess import read_preprocessed

STAGE = "units"
BINDINGS = "bindings.json"
BoolArray = npt.NDArray[np.bool_]

#: What of the codebook later stages are told.
CODEBOOK_FIELDS = ("name", "parent", "definition", "include", "exclude", "example")
GIVEN_TYPES = {"segment_id": "str", "coder": "str", "code": "str"}
READ_TYPES = {"segment_id": "str", "coder": "str"}
SPAN_TYPES = {"transcript": "str", "coder": "str", "code": "str", "start": "int64", "end": "int64"}
STRETCH_TYPES = {"transcript": "str", "coder": "str", "start": "int64", "end": "int64"}


@dataclass(frozen=True, slots=True)
class Units:
    """Segments and what people made of them.

    segments: (n,). lemmas, surfaces: (n,), as ``Preprocessed`` has them.
    context: (n,), True where the speaker only gives context.
    codes: (k,) names in the order of the codebook. coders: (c,) name -> kind.
    read: (c, n), the coder read the segment. given: (c, n, k), the coder gave the code; only where read.
    groups: (n,), the group that is held out together when the model is scored.
    """

    segments: tuple[Segment, ...]
    lemmas: tuple[str, ...]
    surfaces: tuple[str, ...]
    context: BoolArray
    codes: tuple[str, ...]
    coders: Mapping[str, str]
    read: BoolArray
    given: BoolArray
    groups: tuple[str, ...]

    @property
    def is_human(self) -> BoolArray:
        """(c,)."""
        return np.array([kind == "human" for kind in self.coders.values()], dtype=bool)

    @property
    def read_by_person(self) -> BoolArray:
        """(n,): a human coder, or those who agreed on the consensus, have read the segment."""
        people = np.array([kind != "machine" for kind in self.coders.values()], dtype=bool)
        return np.asarray(self.read[people].any(axis=0))


def make_units(study: Study, ingest_keys: Sequence[str], preprocess_keys: Sequence[str]) -> str:
    """Join segments and people's work; the key of what was cached.

    Raises FileError for the first human file with problems, StudyError for ``group_by`` without that column.
    """
    people = _people(study)
    ingested = read_ingested(study, ingest_keys)
    inputs = {
        "preprocess": list(preprocess_keys),
        "ingest": list(ingest_keys),
        "people": people,
        "versions": changed_bindings(study, ingested.transcripts),
        "unread": other_files(study),
        "context": study.settings.speakers.context,
        "group_by": study.settings.evaluation.group_by,
    }

    def fill(folder: Path) -> None:
        _fill(study, ingested, preprocess_keys, folder)
        if _people(study) != people:
            raise StudyError(
                f"{study.root.name}: codings or codebook changed while they were read. Run it again."
            )

    key = cached(study, STAGE, inputs, fill)
    # As soon as it is known and whatever becomes of the run: a transcript may be edited before the next one.
    keep_bindings(study, read_json(stage_dir(study, STAGE, key) / BINDINGS), ingested.transcripts)
    return key


def _people(study: Study) -> dict[str, str]:
    return {path.relative_to(study.root).as_posix(): sha256_of(path) for path in coded_files(study)}


def _fill(study: Study, ingested: Ingested, preprocess_keys: Sequence[str], folder: Path) -> None:
    segments = read_preprocessed(study, preprocess_keys).segments
    coded = read_coded(study, ingested.transcripts, some_set_aside=bool(ingested.set_aside))
    texts = {transcript.transcript_id: transcript.text for transcript in ingested.transcripts}
    placement = place_codings(segments, coded.codings, texts)
    given = [
        (applied.segment_id, coded.codings[applied.coding].coder, coded.codings[applied.coding].code)
        for applied in placement.applied
    ]
    reads = read_segments(segments, coded.reads, texts)
    read_rows = [
        (segment.segment_id, coder)
        for coder, ids in reads.items()
        for segment in segments
        if segment.segment_id in ids
    ]
    outside = [*_outside_coverage(given, reads), *_same_words(ingested.transcripts)]
    _write_rows(folder / "given.parquet", sorted(set(given)), GIVEN_TYPES)
    _write_rows(folder / "read.parquet", read_rows, READ_TYPES)
    spans = {(c.transcript_id, c.coder, c.code, c.start, c.end) for c in coded.codings}
    _write_rows(folder / "spans.parquet", sorted(spans), SPAN_TYPES)
    stretches = {(r.transcript_id, r.coder, r.start, r.end) for r in coded.reads}
    _write_rows(folder / "stretches.parquet", sorted(stretches), STRETCH_TYPES)
    write_json(folder / BINDINGS, coded.bindings)
    write_json(folder / "study.json", _summary(study, coded, placement, segments, outside))


def _write_rows(path: Path, rows: Sequence[tuple[Any, ...]], types: Mapping[str, str]) -> None:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    write_parquet(path, dict(zip(types, columns, strict=True)), types)


def _outside_coverage(given: Iterable[tuple[str, str, str]], reads: Mapping[str, set[str]]) -> list[str]:
    """Codings on segments that their coder, by coverage.csv, has not read."""
    counts = Counter(coder for segment_id, coder, _ in given if segment_id not in reads.get(coder, ()))
    return [
        f"{coder}: {n:,} codings lie outside what coverage.csv says was read: not used"
        for coder, n in sorted(counts.items())
    ]


def _same_words(transcripts: Iterable[Transcript]) -> list[str]:
    """Files that hold the same words, but for blank lines at the ends: one of them may be a forgotten copy."""
    homes: dict[str, dict[str, None]] = defaultdict(dict)
    for transcript in transcripts:
        homes[hashlib.sha256(transcript.text.strip().encode()).hexdigest()][transcript.source] = None
    return [f"{' and '.join(files)} hold the same words" for files in homes.values() if len(files) > 1]


def _summary(
    study: Study, coded: Coded, placement: Placement, segments: Sequence[Segment], outside: Sequence[str]
) -> dict[str, Any]:
    return {
        "codebook": [
            {field: getattr(code, field) for field in CODEBOOK_FIELDS} for code in coded.codebook.codes
        ],
        "coders": [[name, kind] for name, kind in coded.coders.items()],
        "n_codings": {name: sum(coding.coder == name for coding in coded.codings) for name in coded.coders},
        "sittings": [asdict(sitting) for sitting in coded.sittings],
        "outside_codebook": [list(found) for found in coded.outside],
        "context": sorted(coded.context),
        "groups": _groups(study, coded, segments),
        "participants": {name: dict(row) for name, row in coded.participants.items()},
        "attributes": list(coded.attributes),
        "placement": {
            "exact": placement.n_exact,
            "widened": placement.n_widened,
            "narrowed": placement.n_narrowed,
            "unplaced": len(placement.unplaced),
        },
        "notes": [*coded.notes, *outside],
    }


def _groups(study: Study, coded: Coded, segments: Sequence[Segment]) -> dict[str, str]:
    """Transcript -> group."""
    column = study.settings.evaluation.group_by
    names = dict.fromkeys(segment.transcript_id for segment in segments)
    if column == "transcript":
        return {name: name for name in names}
    if column.lower() not in coded.attributes:
        known = ", ".join(coded.attributes) or "none"
        raise StudyError(
            f"study.toml, or --group-by: evaluation.group_by '{column}' is no column of participants.csv "
            f"(it has: {known})"
        )
    return {
        name: coded.participants.get(name, {}).get(column.lower(), "") or f"(no {column})" for name in names
    }


def read_study_json(study: Study, units_key: str) -> dict[str, Any]:
    """What ``_summary`` wrote: codebook, coders, counts, notes."""
    found: dict[str, Any] = read_json(stage_dir(study, STAGE, units_key) / "study.json")
    return found


def read_spans(study: Study, units_key: str) -> pd.DataFrame:
    """What people coded, as they marked it: transcript, coder, code, start, end."""
    return read_parquet(stage_dir(study, STAGE, units_key) / "spans.parquet")


def read_stretches(study: Study, units_key: str) -> pd.DataFrame:
    """What people read: transcript, coder, start, end."""
    return read_parquet(stage_dir(study, STAGE, units_key) / "stretches.parquet")


def read_units(study: Study, units_key: str, preprocess_keys: Sequence[str]) -> Units:
    """The joined units, segments in the order of the keys."""
    folder = stage_dir(study, STAGE, units_key)
    facts = read_json(folder / "study.json")
    preprocessed = read_preprocessed(study, preprocess_keys)
    place = {segment.segment_id: i for i, segment in enumerate(preprocessed.segments)}
    codes = tuple(code["name"] for code in facts["codebook"])
    coders = dict(facts["coders"])
    coder_at, code_at = {name: i for i, name in enumerate(coders)}, {name: i for i, name in enumerate(codes)}
    read = np.zeros((len(coders), len(place)), dtype=bool)
    given = np.zeros((len(coders), len(place), len(codes)), dtype=bool)
    for segment_id, coder in read_parquet(folder / "read.parquet").itertuples(index=False, name=None):
        read[coder_at[coder], place[segment_id]] = True
    for segment_id, coder, code in read_parquet(folder / "given.parquet").itertuples(index=False, name=None):
        given[coder_at[coder], place[segment_id], code_at[code]] = True
    context = frozenset(facts["context"])
    return Units(
        segments=preprocessed.segments,
        lemmas=preprocessed.lemmas,
        surfaces=preprocessed.surfaces,
        context=np.array(
            [is_context(segment.speaker, context) for segment in preprocessed.segments], dtype=bool
        ),
        codes=codes,
        coders=coders,
        read=read,
        given=given & read[:, :, None],
        groups=tuple(facts["groups"][segment.transcript_id] for segment in preprocessed.segments),
    )
