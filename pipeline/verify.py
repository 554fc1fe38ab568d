"""verify: a finished run once more, in a folder of its own, and every output compared with what it made then."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from corpus.errors import FileError, StudyError
from corpus.files import canonical_json, sha256_of, write_json
from corpus.settings import Settings
from corpus.study import Study, other_files
from corpus.versions import index_sha256
from pipeline.compare_rule import DIFFERS, SAME, Compared, Difference
from pipeline.compare_runs import compare_folders
from pipeline.ingest import read_ingested
from pipeline.kept_models import Standing, with_files
from pipeline.manifest import AGAIN, made_with, model_facts, read_manifest, what_differs
from pipeline.newest import MANIFEST, finished_runs, latest_run, suggested_before
from pipeline.run import plan_run, write_outputs
from pipeline.stages import OnStage, Plan, one_by_one, quiet, run_stages

BY_BYTES, BY_FIGURES = "bytes", "figures"
CHANGED, ADDED, REMOVED = "changed", "added", "removed"
MODEL_NOT_COMPARED = "not compared: its figures are in the tables"


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying a run gave.

    manifest: sha256 of the run's manifest, which nothing else vouches for: whoever noted it can tell.
    damaged: (file, what is wrong) of files that are not what the run wrote. changed: (input, how) of what is no
    longer as the run read it. With either of them nothing was run again, and ``by`` is "".
    by: BY_BYTES, if nothing but the inputs could differ, else BY_FIGURES. made_with: what is other here than then.
    files: every output, compared. notes: what a reader should know and what decides nothing.
    """

    run_id: str
    manifest: str
    damaged: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    by: str = ""
    made_with: tuple[str, ...] = ()
    files: tuple[Compared, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether every output is what it was."""
        return bool(self.by) and all(file.agrees for file in self.files)


def verify(study: Study, run_id: str = "", *, on_stage: OnStage = quiet) -> Verified:
    """Run a finished run again and compare; nothing in the study is changed, nor locked.

    run_id: the name of a run or how it begins, "" for the newest. Raises StudyError if there is no such run or more
    than one, or its manifest cannot be read.
    """
    run_id = _known_run(study, run_id)
    manifest = read_manifest(study, run_id)
    found = Verified(
        run_id, sha256_of(study.runs_dir / run_id / MANIFEST), notes=tuple(_left(study, manifest))
    )
    found = replace(found, damaged=tuple(_damaged(study, manifest)))
    try:
        then = Study(study.root, _settings_then(manifest))
        found = replace(found, notes=(*found.notes, *_grouped(study, then)))
        plan = _plan_then(then, manifest)
        found = replace(found, changed=tuple(sorted(_changed(study, then, plan, manifest))))
    except StudyError:
        if not found.damaged:
            raise
    if found.damaged or found.changed:
        return found
    # Its owner's alone, and gone whatever happens.
    with tempfile.TemporaryDirectory(prefix="precode-verify-") as scratch:
        return _run_again(then, plan, manifest, Path(scratch), found, on_stage)


def _known_run(study: Study, run_id: str) -> str:
    known = finished_runs(study)
    if not known:
        raise StudyError(f"{study.root.name}: no finished run to verify. 'precode run' makes one.")
    if not run_id:
        return latest_run(study)
    found = [name for name in known if name == run_id] or [name for name in known if name.startswith(run_id)]
    if len(found) == 1:
        return found[0]
    what = "no finished run" if not found else "more than one finished run begins with"
    raise StudyError(f"{study.root.name}: {what} {run_id!r}. There are: {', '.join(found or known)}")


def _damaged(study: Study, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Files of the run, and of its model where that is kept, that are not what the manifest says."""
    kept = {f"runs/{manifest['run_id']}/{name}": sha256 for name, sha256 in manifest["outputs"].items()}
    folder = _model_name(manifest)
    if folder and (study.root / folder).is_dir():
        kept |= {f"{folder}/{name}": sha256 for name, sha256 in manifest["model"]["files"].items()}
    for name, sha256 in sorted(kept.items()):
        path = study.root / name
        if not path.is_file():
            yield name, "missing"
        elif sha256_of(path) != sha256:
            yield name, "not what the run wrote: changed or damaged"


def _left(study: Study, manifest: Mapping[str, Any]) -> Iterator[str]:
    """What lies where the run's files are and is none of them, or is there no more."""
    folder = study.runs_dir / manifest["run_id"]
    for path in sorted(folder.iterdir()):
        if path.name not in manifest["outputs"] and path.name != MANIFEST:
            yield f"{path.name} in the run's folder is not of the run"
    model = _model_name(manifest)
    if model and not (study.root / model).is_dir():
        yield f"{model} was deleted; its files are compared by the hashes in the manifest"


def _model_name(manifest: Mapping[str, Any]) -> str:
    return f"models/{manifest['model']['version']}" if manifest["model"] else ""


def _settings_then(manifest: Mapping[str, Any]) -> Settings:
    """The settings of the run, what the command line had changed included."""
    try:
        return Settings.model_validate_json(canonical_json(manifest["settings"]))
    except ValidationError:
        name = f"runs/{manifest['run_id']}/{MANIFEST}"
        raise FileError(name, ["its settings are not those of this version of precode"], AGAIN) from None


def _grouped(study: Study, then: Study) -> Iterator[str]:
    was, now = (of.settings.evaluation.group_by for of in (then, study))
    if was != now:
        yield f"scored by {was}, as the run was; study.toml says {now}"


def _plan_then(then: Study, manifest: Mapping[str, Any]) -> Plan:
    """The plan of the study as it is now, with the models that the run started with; words only, if the run was,
    whatever encoder was installed since."""
    before = manifest.get("models", {}).get("before", {})
    plan = plan_run(then, models=with_files(then, Standing(**before)))
    return plan if manifest["encoder"] else replace(plan, encoder="")


def _changed(study: Study, then: Study, plan: Plan, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Inputs that are no longer those of the run; of settings, which key."""
    was, now = manifest["inputs"], plan.inputs
    unread_was, unread_now = (dict.fromkeys(names, "") for names in (manifest["unread"], other_files(study)))
    for name in was.keys() | now.keys():
        if was.get(name) != now.get(name):
            yield name, REMOVED if name not in now else ADDED if name not in was else CHANGED
    for name in unread_was.keys() ^ unread_now.keys():
        yield f"codings/{name}", REMOVED if name in unread_was else ADDED
    for section, values in then.settings.model_dump(exclude={"engine"}).items():
        for key, value in values.items():
            present = getattr(getattr(study.settings, section), key)
            # --group-by may have set it: then study.toml never said so.
            if present != value and (section, key) != ("evaluation", "group_by"):
                yield f"study.toml: [{section}] {key}", CHANGED
    if manifest["encoder"] and not plan.encoder:
        yield "the sentence encoder", REMOVED


def _run_again(
    then: Study,
    plan: Plan,
    manifest: Mapping[str, Any],
    scratch: Path,
    found: Verified,
    on_stage: OnStage,
) -> Verified:
    copy = _copy_study(then, plan, manifest, scratch)
    keys = run_stages(plan, one_by_one(copy, plan, on_stage))
    made = scratch / "made"
    made.mkdir()
    # The label of the run, for a folder of the study's own is named by where the study was.
    ingested = read_ingested(copy, keys.ingest)
    write_outputs(made, copy, ingested, keys, plan, encoder=manifest["encoder"])
    others = what_differs(manifest, made_with(plan.encoder))
    by_bytes = not others
    kept = then.runs_dir / manifest["run_id"]
    files = compare_folders(kept, made, list(manifest["outputs"]), by_bytes=by_bytes)
    notes = list(found.notes)
    if index_sha256(copy) != manifest["versions"]:
        notes.append(
            "versions/index.json is not what it was after the run: rows may refer to other versions of transcripts"
        )
    return replace(
        found,
        by=BY_BYTES if by_bytes else BY_FIGURES,
        made_with=others,
        files=files + tuple(_compare_model(manifest, model_facts(copy, plan, keys), by_bytes=by_bytes)),
        notes=tuple(notes),
    )


def _copy_study(then: Study, plan: Plan, manifest: Mapping[str, Any], scratch: Path) -> Study:
    """What a run reads, and what had been suggested before it; nothing else, and no cache.

    Raises StudyError if a file is no longer the one that was hashed.
    """
    # A study without a title is called by its folder's name, which may be another by now.
    name = then.root.name if then.settings.study.title else Path(manifest["title"]).name
    root = scratch / "study" / name
    copy = Study(root, then.settings)
    for name, sha256 in plan.inputs.items():
        if sha256_of(_copy_file(then.root, root, name)) != sha256:
            raise StudyError(f"{then.root.name}: {name} changed while it was read. Verify again.")
    for name in manifest["unread"]:  # a run tells their names and reads nothing of them
        copy.codings_dir.mkdir(exist_ok=True)
        (copy.codings_dir / name).touch()
    kept = then.versions_dir.iterdir() if then.versions_dir.is_dir() else ()
    for path in kept:
        if path.is_file():
            _copy_file(then.root, root, path.relative_to(then.root).as_posix())
    # In place of the runs before it, that may have been deleted.
    write_json(copy.runs_dir / "0000" / MANIFEST, {"suggested": suggested_before(manifest)})
    return copy


def _copy_file(source: Path, target: Path, name: str) -> Path:
    path = target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / name, path)
    return path


def _compare_model(
    manifest: Mapping[str, Any], made: Mapping[str, Any], *, by_bytes: bool
) -> Iterator[Compared]:
    """The model's files by their hashes. made: what is told of the model that the run used now."""
    was, now = manifest["model"].get("files", {}), made.get("files", {})
    for name in sorted(was.keys() | now.keys()):
        file = f"{_model_name(manifest) or 'models'}/{name}"
        if was.get(name) == now.get(name):
            yield Compared(file, SAME)
        elif name in was and name in now and not by_bytes:
            yield Compared(file, MODEL_NOT_COMPARED)
        else:
            what = (
                "bytes differ" if name in was and name in now else "only then" if name in was else "only here"
            )
            yield Compared(file, DIFFERS, (Difference("the file", what=what),))
