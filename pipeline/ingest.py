"""ingest: read every transcript; a file that cannot be read is set aside with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.errors import FileError, StudyError
from corpus.files import digest, read_json, sha256_of, write_json
from corpus.readers import read_transcripts
from corpus.records import Transcript, Turn
from corpus.study import Study
from pipeline.cache import cached, read_parquet, stage_dir, write_parquet

STAGE = "ingest"
BATCH_BYTES = 4 * 2**20
#: About one file in so many ends a batch, whatever its neighbours are.
BATCH_FILES = 16

TRANSCRIPT_TYPES = {"transcript_id": "str", "source": "str", "text": "str"}
TURN_TYPES = {
    "transcript_id": "str",
    "number": "int64",
    "speaker": "str",
    "start": "int64",
    "end": "int64",
    "start_time": "Float64",
    "end_time": "Float64",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file in transcripts/: path below it, content hash, bytes."""

    source: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file. n_transcripts is 0 if it was set aside: then ``rejected`` says why."""

    file: str
    n_transcripts: int
    warnings: tuple[str, ...]
    rejected: tuple[str, ...]

    @property
    def set_aside(self) -> bool:
        """Whether nothing of the file is used."""
        return self.n_transcripts == 0


@dataclass(frozen=True, slots=True)
class Ingested:
    """All transcripts of some batches, and what became of each file."""

    transcripts: tuple[Transcript, ...]
    files: tuple[FileOutcome, ...]

    @property
    def set_aside(self) -> tuple[FileOutcome, ...]:
        """The files of which nothing is used."""
        return tuple(file for file in self.files if file.set_aside)


def make_batches(files: Sequence[SourceFile]) -> list[tuple[SourceFile, ...]]:
    """Cut sorted files into batches so that one more or one fewer changes one batch, not all that follow.

    A batch ends after a file whose path says so (one in BATCH_FILES, by its hash) or at BATCH_BYTES.
    """
    batches: list[list[SourceFile]] = [[]]
    for file in files:
        batches[-1].append(file)
        ends = int(digest(file.source)[:8], 16) % BATCH_FILES == 0
        if ends or sum(member.size for member in batches[-1]) >= BATCH_BYTES:
            batches.append([])
    return [tuple(batch) for batch in batches if batch]


def ingest(study: Study, batch: Sequence[SourceFile]) -> str:
    """Read a batch of files; the key of what was cached."""

    def fill(folder: Path) -> None:
        transcripts: list[Transcript] = []
        outcomes = []
        for file in batch:
            found, outcome = _read(study, file)
            transcripts += found
            outcomes.append(asdict(outcome))
            if sha256_of(study.transcripts_dir / file.source) != file.sha256:
                raise StudyError(
                    "a transcript changed while it was read. Run again when the copying is done."
                )
        _write(folder, transcripts)
        write_json(folder / "files.json", outcomes)

    return cached(study, STAGE, {"files": [[file.source, file.sha256] for file in batch]}, fill)


def _read(study: Study, file: SourceFile) -> tuple[Sequence[Transcript], FileOutcome]:
    try:
        reading = read_transcripts(study.transcripts_dir / file.source, source=file.source)
    except FileError as error:
        return (), FileOutcome(file.source, 0, (), error.problems)
    return reading.transcripts, FileOutcome(
        file.source, len(reading.transcripts), reading.warnings, reading.rejected
    )


def _write(folder: Path, transcripts: Iterable[Transcript]) -> None:
    texts: dict[str, list[object]] = {name: [] for name in TRANSCRIPT_TYPES}
    turns: dict[str, list[object]] = {name: [] for name in TURN_TYPES}
    for transcript in transcripts:
        for name in TRANSCRIPT_TYPES:
            texts[name].append(getattr(transcript, name))
        for turn in transcript.turns:
            turns["transcript_id"].append(transcript.transcript_id)
            for name in list(TURN_TYPES)[1:]:
                turns[name].append(getattr(turn, name))
    write_parquet(folder / "transcripts.parquet", texts, TRANSCRIPT_TYPES)
    write_parquet(folder / "turns.parquet", turns, TURN_TYPES)


def read_ingested(study: Study, keys: Iterable[str]) -> Ingested:
    """What the batches hold together, in the order of the keys.

    Raises StudyError if two files give the same transcript id.
    """
    transcripts: list[Transcript] = []
    files: list[FileOutcome] = []
    for key in keys:
        folder = stage_dir(study, STAGE, key)
        transcripts += _read_batch(folder)
        files += [
            FileOutcome(row["file"], row["n_transcripts"], tuple(row["warnings"]), tuple(row["rejected"]))
            for row in read_json(folder / "files.json")
        ]
    _refuse_equal_ids(transcripts)
    return Ingested(tuple(transcripts), tuple(files))


def _read_batch(folder: Path) -> list[Transcript]:
    turns: dict[str, list[Turn]] = defaultdict(list)
    table = read_parquet(folder / "turns.parquet").astype(object)
    table = table.where(table.notna(), None)
    for transcript_id, *rest in table.itertuples(index=False, name=None):
        turns[transcript_id].append(Turn(*rest))
    return [
        Transcript(transcript_id, text, tuple(turns[transcript_id]), source)
        for transcript_id, source, text in read_parquet(folder / "transcripts.parquet").itertuples(
            index=False, name=None
        )
    ]


def _refuse_equal_ids(transcripts: Iterable[Transcript]) -> None:
    sources: dict[str, list[str]] = defaultdict(list)
    for transcript in transcripts:
        sources[transcript.transcript_id].append(transcript.source)
    twice = {name: found for name, found in sources.items() if len(found) > 1}
    if twice:
        lines = [f"  transcript '{name}': {' and '.join(found)}" for name, found in sorted(twice.items())]
        raise StudyError(
            "\n".join(
                ["transcripts/: two files give the same transcript", *lines, "Rename one of each pair."]
            )
        )
