"""The main job: every stage in order, and the run folder that they end in.

The flow in ``flows/`` calls the same functions; ``run_study`` is the same job without a scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.coded import segment_unit
from corpus.errors import StudyError
from corpus.files import digest, make_folder_whole, read_json, sha256_of, study_lock, write_json, write_whole
from corpus.study import Study, human_files, other_files, transcript_files
from corpus.versions import index_sha256
from pipeline.cache import code_version, drop_unused, stage_dir
from pipeline.choose_model import read_decision
from pipeline.encode import encoder_of
from pipeline.ingest import Ingested, SourceFile, make_batches, read_ingested
from pipeline.kept_models import (
    VERSION_LENGTH,
    Standing,
    after_run,
    is_known,
    keep_model,
    make_entry,
    read_current,
    rejected_in,
    standing,
    with_files,
    write_current,
)
from pipeline.manifest import MODEL_FILES, make_manifest
from pipeline.newest import MANIFEST, latest_run, newest_manifest, run_number
from pipeline.outputs import write_tables
from pipeline.preprocess import language_version
from pipeline.receive_model import IMPORTED, imported_sha256
from pipeline.report import render_audit, render_report
from pipeline.retrain import PERSON
from pipeline.stages import Keys, OnStage, Plan, needed_for, one_by_one, quiet, run_stages
from pipeline.train import FIT
from pipeline.train import STAGE as TRAIN_STAGE

LATEST = "latest"
PAGES = {"report.html": render_report, "audit.html": render_audit}


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


def plan_run(study: Study, *, models: Standing | None = None) -> Plan:
    """Hash the inputs and cut the transcripts into batches.

    models: those to start with; None: those that are in use now. Raises StudyError if there is no transcript.
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
    settings = study.settings.that_count()
    models = models or standing(study)
    study_key = digest(
        {
            "inputs": inputs,
            "unread": other_files(study),
            "settings": settings,
            "encoder": encoder_key,
            "spacy": language_version(study.settings.model.spacy),
            "code": code_version(),
        }
    )
    key = run_key(study_key, models)
    return Plan(
        key=key,
        study_key=study_key,
        unit=segment_unit(study),
        encoder=encoder,
        batches=tuple(make_batches(files)),
        unchanged_since=_unchanged_since(study, key),
        inputs=inputs | dict(models.files),
        models=models,
    )


def run_key(study_key: str, models: Standing) -> str:
    """Digest of all that a run depends on."""
    known = {"models": models.as_json(), "asked": models.asked, "files": dict(models.files)}
    return digest({"study": study_key, **known})


def _unchanged_since(study: Study, key: str) -> str:
    # What there is to do now is nothing if it is what there was to do when that run had decided on its models.
    return _newest_with(study, key, ("key_after", "key"))


def _newest_with(study: Study, key: str, names: Sequence[str]) -> str:
    """Id of the newest run if it is whole and the first of these names that its manifest has is this key, or ""."""
    run_id, manifest = newest_manifest(study)
    then = next((manifest[name] for name in names if name in manifest), "")
    # The key cannot hold what the index of versions says, for a run brings it up to date.
    if then != key or manifest.get("versions") != index_sha256(study):
        return ""
    whole = all((study.runs_dir / run_id / name).is_file() for name in manifest["outputs"])
    return run_id if whole else ""


def run_study(study: Study, *, on_stage: OnStage = quiet) -> RunResult:
    """The whole job in this process, under the study's lock."""
    with study_lock(study.root):
        plan = plan_run(study)
        if plan.unchanged_since:
            return earlier_result(study, plan.unchanged_since)
        return finish_run(study, plan, run_stages(plan, one_by_one(study, plan, on_stage)))


def run_until(study: Study, last: str, *, on_stage: OnStage = quiet) -> Ingested:
    """Fill the cache up to a stage, under the study's lock; gives what was read, for the counts.

    A model that is trained on the way is put into use by the next run, not here.
    """
    with study_lock(study.root):
        plan = plan_run(study)
        keys = run_stages(plan, one_by_one(study, plan, on_stage), wanted=needed_for(last))
        return read_ingested(study, keys.ingest)


def train_now(study: Study, *, on_stage: OnStage = quiet) -> tuple[Ingested, str]:
    """Train now, however few codings are new; the next run uses the model unless it was shown to be worse.

    Under the study's lock. Gives what was read, and what is to be said of the models ("" for nothing).
    """
    with study_lock(study.root):
        plan = asked_to_train(plan_run(study))
        keys = run_stages(plan, one_by_one(study, plan, on_stage), wanted=needed_for(TRAIN_STAGE))
        return read_ingested(study, keys.ingest), finish_training(study, plan, keys)


def asked_to_train(plan: Plan, *, by: str = PERSON) -> Plan:
    """The plan with training now, however few codings are new.

    by: PERSON, the model is used unless it was shown to be worse; SCHEDULE, only if it was shown to be no worse.
    """
    models = replace(plan.models, asked=by)
    return replace(plan, key=run_key(plan.study_key, models), unchanged_since="", models=models)


def finish_training(study: Study, plan: Plan, keys: Keys) -> str:
    """Put what was trained into use, or not; what is to be said of it, "" for nothing."""
    decided = keep_decided(study, plan, keys, run_id="")
    write_current(study, after_run(read_current(study), decided, latest_run(study)))
    return str(read_decision(study, plan, keys)["note"])


def finish_run(study: Study, plan: Plan, keys: Keys) -> RunResult:
    """Write the run folder: tables, report, manifest; it is there whole or not at all.

    Called once more after it failed, it goes on after what it had made.
    """
    if made := _newest_with(study, plan.key, ("key",)):
        _settle(study, made)
        return earlier_result(study, made, unchanged=False)
    run_id = _next_id(study, plan.key)
    ingested = read_ingested(study, keys.ingest)

    def fill(folder: Path) -> None:
        write_outputs(folder, study, ingested, keys, plan, encoder=plan.encoder)
        manifest = make_manifest(study, plan, keys, folder, run_id)
        after = with_files(study, Standing(**decided["after"]))
        chosen = {"models": decided, "key_after": run_key(plan.study_key, after)}
        write_json(folder / MANIFEST, {**manifest, **chosen})

    if plan_run(study).key != plan.key:
        raise StudyError(f"{study.root.name}: files changed while the run read them. Run it again.")
    decided = keep_decided(study, plan, keys, run_id=run_id)
    make_folder_whole(study.runs_dir / run_id, fill)
    _settle(study, run_id)
    drop_unused(study)
    return earlier_result(study, run_id, unchanged=False)


def write_outputs(
    folder: Path, study: Study, ingested: Ingested, keys: Keys, plan: Plan, *, encoder: str
) -> None:
    """Everything in a run folder but its manifest: the tables and the pages made from them.

    encoder: what the pages call it.
    """
    decision = read_decision(study, plan, keys)
    write_tables(folder, study, ingested, keys, encoder=encoder, unit=plan.unit, told=decision["note"])
    for name, render in PAGES.items():
        (folder / name).write_bytes(render(folder).encode())


def _next_id(study: Study, key: str) -> str:
    """A number that orders runs whatever the clock says, and the beginning of the key.

    A folder that lost its manifest is no finished run, and yet its number is taken; so is that of a run that was
    deleted after it had decided on the models: what is decided later must have a higher one.
    """
    names = [read_current(study)["as_of"], *(path.name for path in study.runs_dir.glob("*"))]
    return f"{max(0, *map(run_number, names)) + 1:04d}-{key[:8]}"


def keep_decided(study: Study, plan: Plan, keys: Keys, *, run_id: str) -> dict[str, Any]:
    """Keep what was trained in ``models/``, and say what was decided of it: ``models`` of a manifest.

    ``before, after``, as ``Standing`` has it, and ``entry`` of the history, None where nothing new happened.
    """
    decision, models = read_decision(study, plan, keys), plan.models
    fitted = decision["fit"]
    version = fitted[:VERSION_LENGTH]
    if fitted and (stage_dir(study, FIT, fitted) / MODEL_FILES[0]).is_file():
        keep_model(study, stage_dir(study, FIT, fitted), version, anew=version == models.lost)
    history, entry = read_current(study)["history"], None
    if trained := decision["trained"]:
        used = decision["version"] == trained
        comparison, why = decision["comparison"], decision["why"]
        entry = make_entry(study, trained, why=why, used=used, run_id=run_id, comparison=comparison)
        entry = None if is_known(entry, history) else entry
    rejected = rejected_in([*history, entry] if entry else history)
    in_use = decision["version"] or decision["rests"]
    after = Standing(in_use, trained or models.tried, "" if in_use else models.lost, rejected)
    return {"before": models.as_json(), "after": after.as_json(), "entry": entry}


def _settle(study: Study, run_id: str) -> None:
    """What is told of a run outside its folder; the next start does it if a kill came before."""
    write_current(study, read_current(study))
    path, line = study.runs_dir / LATEST, f"{run_id}\n".encode()
    if not path.is_file() or path.read_bytes() != line:
        write_whole(path, line)


def earlier_result(study: Study, run_id: str, *, unchanged: bool = True) -> RunResult:
    """What a finished run says of itself; if nothing changed since, what a kill cut off after it is made up for.

    Called with the study's lock held.
    """
    if unchanged:
        _settle(study, run_id)
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
