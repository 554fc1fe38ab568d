"""The main job: every stage in order, and the run folder that they end in.

The flow in ``flows/`` calls the same functions; ``run_study`` is the same job without a scheduler.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from corpus.coded import segment_unit
from corpus.errors import StudyError
from corpus.files import digest, make_folder_whole, read_json, sha256_of, study_lock, write_json, write_whole
from corpus.study import Study, human_files, other_files, transcript_files
from corpus.versions import index_sha256
from pipeline.cache import code_version, stage_dir
from pipeline.encode import encoder_of
from pipeline.ingest import Ingested, SourceFile, make_batches, read_ingested
from pipeline.manifest import MANIFEST, MODEL_FILES, MODEL_VERSION_LENGTH, make_manifest
from pipeline.outputs import write_tables
from pipeline.preprocess import language_version
from pipeline.receive_model import IMPORTED, imported_sha256
from pipeline.report import render_audit, render_report
from pipeline.stages import STAGES, Keys, OnStage, Plan, one_by_one, quiet, run_stages
from pipeline.train import STAGE as TRAIN_STAGE

LATEST = "latest"
PAGES = {"report.html": render_report, "audit.html": render_audit}
_NEEDED_BY_OTHERS = ("ingest", "preprocess", "encode", "units", "train")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run made, in counts.

    unchanged: nothing had changed, so ``run_id`` is the earlier run. n_learned: codes that the model knows.
    notes: what a researcher should know; they name files and codes, not what anyone said.
    set_aside: (file, reason) of every file that could not be used.
    """

    run_id: str
    run_dir: Path
    unchanged: bool
    n_transcripts: int
    n_read_transcripts: int
    n_codings: int
    n_suggestions: int
    n_first_suggestions: int
    n_learned: int
    notes: tuple[str, ...]
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
    if imported := imported_sha256(study):
        inputs[IMPORTED] = imported
    encoder, encoder_key = encoder_of(study)
    settings = study.settings.model_dump(mode="json")
    key = digest(
        {
            "inputs": inputs,
            "unread": other_files(study),
            "settings": settings,
            "encoder": encoder_key,
            "spacy": language_version(study.settings.model.spacy),
            "code": code_version(),
        }
    )
    return Plan(
        key=key,
        unit=segment_unit(study),
        encoder=encoder,
        batches=tuple(make_batches(files)),
        unchanged_since=_unchanged_since(study, key),
        inputs=inputs,
    )


def _unchanged_since(study: Study, key: str) -> str:
    run_id = latest_run(study)
    if not run_id:
        return ""
    manifest = read_json(study.runs_dir / run_id / MANIFEST)
    # The key cannot hold what the index of versions says, for a run brings it up to date.
    same = manifest["key"] == key and manifest.get("versions") == index_sha256(study)
    whole = all((study.runs_dir / run_id / name).is_file() for name in manifest["outputs"])
    return run_id if same and whole else ""


def latest_run(study: Study) -> str:
    """Id of the newest finished run, the one with the highest number, or ""."""
    finished = finished_runs(study)
    return finished[-1] if finished else ""


def finished_runs(study: Study) -> tuple[str, ...]:
    """Ids of all finished runs, oldest first."""
    return tuple(sorted(path.parent.name for path in study.runs_dir.glob(f"[0-9]*/{MANIFEST}")))


def run_study(study: Study, *, on_stage: OnStage = quiet) -> RunResult:
    """The whole job in this process, under the study's lock."""
    with study_lock(study.root):
        plan = plan_run(study)
        if plan.unchanged_since:
            return earlier_result(study, plan.unchanged_since)
        return finish_run(study, plan, run_stages(plan, one_by_one(study, plan, on_stage)))


def run_until(study: Study, last: str, *, on_stage: OnStage = quiet) -> Ingested:
    """Fill the cache up to a stage, under the study's lock; gives what was read, for the counts."""
    order = list(STAGES)
    needed = [stage for stage in order[: order.index(last) + 1] if stage in (last, *_NEEDED_BY_OTHERS)]
    with study_lock(study.root):
        plan = plan_run(study)
        keys = run_stages(plan, one_by_one(study, plan, on_stage), wanted=needed)
        return read_ingested(study, keys.ingest)


def finish_run(study: Study, plan: Plan, keys: Keys) -> RunResult:
    """Write the run folder: tables, report, manifest; it is there whole or not at all."""
    run_id = _next_id(study, plan.key)
    ingested = read_ingested(study, keys.ingest)

    def fill(folder: Path) -> None:
        write_outputs(folder, study, ingested, keys, plan)
        write_json(folder / MANIFEST, make_manifest(study, plan, keys, folder, run_id))

    if plan_run(study).key != plan.key:
        raise StudyError(f"{study.root.name}: files changed while the run read them. Run it again.")
    _keep_model(study, keys.train[0])
    make_folder_whole(study.runs_dir / run_id, fill)
    _name_latest(study, run_id)
    return earlier_result(study, run_id, unchanged=False)


def write_outputs(folder: Path, study: Study, ingested: Ingested, keys: Keys, plan: Plan) -> None:
    """Everything in a run folder but its manifest: the tables and the pages made from them."""
    write_tables(folder, study, ingested, keys, encoder=plan.encoder, unit=plan.unit)
    for name, render in PAGES.items():
        (folder / name).write_bytes(render(folder).encode())


def _next_id(study: Study, key: str) -> str:
    """A number that orders runs whatever the clock says, and the beginning of the key.

    A folder that lost its manifest is no finished run, and yet its number is taken.
    """
    numbers = [int(path.name.split("-")[0]) for path in study.runs_dir.glob("[0-9]*-*")]
    return f"{max(numbers, default=0) + 1:04d}-{key[:8]}"


def _keep_model(study: Study, train_key: str) -> None:
    """Copy the trained model out of the cache, which may be deleted, into models/<version>/."""
    source, kept = (
        stage_dir(study, TRAIN_STAGE, train_key),
        study.models_dir / train_key[:MODEL_VERSION_LENGTH],
    )

    def fill(folder: Path) -> None:
        for name in (*MODEL_FILES, "card.json"):
            shutil.copyfile(source / name, folder / name)

    if (source / "model.json").is_file() and not kept.is_dir():
        make_folder_whole(kept, fill)


def _name_latest(study: Study, run_id: str) -> None:
    path, line = study.runs_dir / LATEST, f"{run_id}\n".encode()
    if not path.is_file() or path.read_bytes() != line:
        write_whole(path, line)


def earlier_result(study: Study, run_id: str, *, unchanged: bool = True) -> RunResult:
    """What a finished run says of itself; if nothing changed since, ``latest`` names it, whatever a kill cut off."""
    if unchanged:
        _name_latest(study, run_id)
    folder = study.runs_dir / run_id
    summary, evaluation = read_json(folder / "summary.json"), read_json(folder / "evaluation.json")
    return RunResult(
        run_id=run_id,
        run_dir=folder,
        unchanged=unchanged,
        n_transcripts=summary["n_transcripts"],
        n_read_transcripts=summary["n_read_transcripts"],
        n_codings=sum(summary["n_codings"].values()),
        n_suggestions=summary["n_suggestions"],
        n_first_suggestions=summary["n_first_suggestions"],
        n_learned=len(evaluation["scopes"].get("all", {}).get("codes", [])),
        notes=tuple(summary["notes"]),
        set_aside=tuple(
            (file["file"], "; ".join(file["rejected"]))
            for file in summary["files"]
            if not file["n_transcripts"]
        ),
    )
