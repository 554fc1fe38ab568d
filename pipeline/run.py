"""The main job: every stage in order, and the run folder that they end in.

The flow in ``flows/`` calls the same functions; ``run_study`` is the same job without a scheduler.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.coded import segment_unit
from corpus.errors import StudyError
from corpus.files import digest, make_folder_whole, read_json, sha256_of, study_lock, write_json, write_whole
from corpus.study import Study, human_files, transcript_files
from pipeline.cache import code_version, library_versions, stage_dir
from pipeline.compare import compare
from pipeline.ingest import SourceFile, ingest, make_batches, read_ingested
from pipeline.outputs import write_tables
from pipeline.preprocess import preprocess
from pipeline.report import render_report
from pipeline.suggest import suggest
from pipeline.topics import topics
from pipeline.train import STAGE as TRAIN_STAGE
from pipeline.train import train
from pipeline.units import make_units

LATEST = "latest"
MANIFEST_SCHEMA = 1
#: Called with the name of a stage and how many of its parts are done, of how many.
OnStage = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do, decided from the files' hashes alone.

    key: digest of all inputs, settings and source. unit: "turn" or "passage".
    unchanged_since: id of the newest finished run if it has this key, or "".
    inputs: path below the study -> sha256.
    """

    key: str
    unit: str
    batches: tuple[tuple[SourceFile, ...], ...]
    unchanged_since: str
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run made, in counts.

    unchanged: nothing had changed, so ``run_id`` is the earlier run.
    set_aside: (file, reason) of every file that could not be used.
    """

    run_id: str
    run_dir: Path
    unchanged: bool
    n_transcripts: int
    n_read_transcripts: int
    n_codings: int
    n_suggestions: int
    set_aside: tuple[tuple[str, str], ...]


def plan_run(study: Study) -> Plan:
    """Hash the inputs and cut the transcripts into batches.

    Raises StudyError if there is no transcript.
    """
    names = transcript_files(study)
    if not names:
        raise StudyError(
            f"{study.root.name}: no transcript in transcripts/. Put the interviews there and run again."
        )
    files = []
    for name in names:
        path = study.transcripts_dir / name
        files.append(SourceFile(name, sha256_of(path), path.stat().st_size))
    people = {path.relative_to(study.root).as_posix(): sha256_of(path) for path in human_files(study)}
    inputs = {f"transcripts/{file.source}": file.sha256 for file in files} | people
    key = digest(
        {"inputs": inputs, "settings": study.settings.model_dump(mode="json"), "code": code_version()}
    )
    return Plan(key, segment_unit(study), tuple(make_batches(files)), _unchanged_since(study, key), inputs)


def _unchanged_since(study: Study, key: str) -> str:
    run_id = latest_run(study)
    return run_id if run_id and read_json(study.runs_dir / run_id / "manifest.json")["key"] == key else ""


def latest_run(study: Study) -> str:
    """Id of the newest finished run, the one with the highest number, or ""."""
    finished = sorted(path.parent.name for path in study.runs_dir.glob("[0-9]*/manifest.json"))
    return finished[-1] if finished else ""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that the stages of one run gave."""

    ingest: tuple[str, ...]
    preprocess: tuple[str, ...]
    units: str
    topics: str
    train: str
    suggest: tuple[str, ...]
    compare: str


def run_study(study: Study, *, on_stage: OnStage | None = None) -> RunResult:
    """The whole job in this process, under the study's lock."""
    tell = on_stage or (lambda stage, done, total: None)
    with study_lock(study.root):
        plan = plan_run(study)
        if plan.unchanged_since:
            return earlier_result(study, plan.unchanged_since)
        return finish_run(study, plan, _run_stages(study, plan, tell))


def _run_stages(study: Study, plan: Plan, tell: OnStage) -> Keys:
    ingested = tuple(_each("ingest", plan.batches, tell, lambda batch: ingest(study, batch)))
    segments = tuple(_each("preprocess", ingested, tell, lambda key: preprocess(study, key, unit=plan.unit)))
    units = _one("units", tell, lambda: make_units(study, ingested, segments))
    found = _one("topics", tell, lambda: topics(study, units, segments))
    trained = _one("train", tell, lambda: train(study, units, segments))
    suggested = tuple(
        _each("suggest", segments, tell, lambda key: suggest(study, units, segments, trained, batch=key))
    )
    compared = _one("compare", tell, lambda: compare(study, units, segments, trained))
    return Keys(ingested, segments, units, found, trained, suggested, compared)


def _each(stage: str, parts: Sequence[Any], tell: OnStage, work: Callable[[Any], str]) -> list[str]:
    keys = []
    for number, part in enumerate(parts):
        tell(stage, number, len(parts))
        keys.append(work(part))
    tell(stage, len(parts), len(parts))
    return keys


def _one(stage: str, tell: OnStage, work: Callable[[], str]) -> str:
    return _each(stage, [None], tell, lambda _: work())[0]


def finish_run(study: Study, plan: Plan, keys: Keys) -> RunResult:
    """Write the run folder: tables, report, manifest; it is there whole or not at all."""
    run_id = _next_id(study, plan.key)
    ingested = read_ingested(study, keys.ingest)

    def fill(folder: Path) -> None:
        write_tables(
            folder,
            study,
            ingested,
            units_key=keys.units,
            preprocess_keys=keys.preprocess,
            topics_key=keys.topics,
            train_key=keys.train,
            suggest_keys=keys.suggest,
            compare_key=keys.compare,
        )
        (folder / "report.html").write_text(render_report(folder), encoding="utf-8")
        write_json(folder / "manifest.json", _manifest(study, plan, keys, folder, run_id))

    make_folder_whole(study.runs_dir / run_id, fill)
    _keep_model(study, keys.train)
    write_whole(study.runs_dir / LATEST, f"{run_id}\n".encode())
    return earlier_result(study, run_id, unchanged=False)


def _next_id(study: Study, key: str) -> str:
    """A number that orders runs whatever the clock says, and the beginning of the key."""
    latest = latest_run(study)
    return f"{int(latest.split('-')[0]) + 1 if latest else 1:04d}-{key[:8]}"


def _manifest(study: Study, plan: Plan, keys: Keys, folder: Path, run_id: str) -> dict[str, Any]:
    return {
        "schema": MANIFEST_SCHEMA,
        "run_id": run_id,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "key": plan.key,
        "unit": plan.unit,
        "seed": study.settings.study.seed,
        "inputs": plan.inputs,
        "stages": {name: getattr(keys, name) for name in Keys.__dataclass_fields__},
        "libraries": library_versions(),
        "outputs": {path.name: sha256_of(path) for path in sorted(folder.iterdir())},
    }


def _keep_model(study: Study, train_key: str) -> None:
    """Copy the trained model out of the cache, which may be deleted, into models/<version>/."""
    source = stage_dir(study, TRAIN_STAGE, train_key)

    def fill(folder: Path) -> None:
        for name in ("model.json", "model.npz", "card.json"):
            shutil.copyfile(source / name, folder / name)

    if (source / "model.json").is_file():
        make_folder_whole(study.models_dir / train_key[:12], fill)


def earlier_result(study: Study, run_id: str, *, unchanged: bool = True) -> RunResult:
    """What a finished run says of itself."""
    folder = study.runs_dir / run_id
    summary = read_json(folder / "summary.json")
    return RunResult(
        run_id=run_id,
        run_dir=folder,
        unchanged=unchanged,
        n_transcripts=summary["n_transcripts"],
        n_read_transcripts=summary["n_read_transcripts"],
        n_codings=sum(summary["n_codings"].values()),
        n_suggestions=summary["n_suggestions"],
        set_aside=tuple(
            (file["file"], "; ".join(file["rejected"]))
            for file in summary["files"]
            if not file["n_transcripts"]
        ),
    )
