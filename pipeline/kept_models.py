"""The trained models of a study: ``models/<version>/`` each, and ``models/current.json``, which is in use and why.

A run decides on the model in use and says so in its manifest; ``current.json`` is written last of all. Whoever reads
it takes what the newest manifest says on top, so that a run that was killed between the two has still decided.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.errors import FileError
from corpus.files import make_folder_whole, read_json, sha256_of, write_json, write_whole
from corpus.study import Study
from pipeline.learned import CODINGS, CONDITIONS, SEGMENTS
from pipeline.newest import latest_run, newest_manifest, run_number

CURRENT = "models/current.json"
SCHEMA = 1
VERSION_LENGTH = 12
#: What a run needs of a trained model; STARTER's files are there if codes are not learned yet.
NEEDED = (
    "model.json",
    "model.npz",
    "card.json",
    "evaluation.json",
    "crossfit.parquet",
    CODINGS,
    SEGMENTS,
    CONDITIONS,
)
#: What a run reads of the model that was trained last, if it is not the one in use.
OF_TRIED = (CODINGS, CONDITIONS)
_VERSION = re.compile(rf"[0-9a-f]{{{VERSION_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Standing:
    """The models that a run starts with.

    in_use: version, "" for none. tried: version of the model trained last, put into use or not; new codings are
    counted from it. lost: version that was in use and whose files are missing or are not what they were. rejected:
    versions that were compared and not used. asked: who started it wants the model trained now (PERSON or SCHEDULE of
    ``pipeline/retrain.py``), "" for nobody. files: path below the study -> sha256 of what is read of them.
    """

    in_use: str = ""
    tried: str = ""
    lost: str = ""
    rejected: Sequence[str] = ()
    asked: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What a manifest says of it; the files are among its inputs."""
        known = {"in_use": self.in_use, "tried": self.tried, "lost": self.lost}
        return {**known, "rejected": list(self.rejected)}


def standing(study: Study) -> Standing:
    """What the next run starts with.

    Raises FileError if ``models/current.json`` is damaged.
    """
    current = read_current(study)
    history = current["history"]
    # One whose files were away for a while is in use again when they are back.
    in_use = current["in_use"] or last_used(history)
    tried, rejected = current["tried"] or in_use, rejected_in(history)
    known = with_files(study, Standing(in_use, tried, rejected=rejected))
    if in_use and not _is_as_noted(in_use, _of(known.files, in_use), history):
        return Standing(lost=in_use, rejected=rejected)
    if tried != in_use and not _is_as_noted(tried, _of(known.files, tried), history, needed=OF_TRIED):
        return with_files(study, Standing(in_use, in_use, rejected=rejected))
    return known


def last_used(history: Sequence[Mapping[str, Any]]) -> str:
    """The version that was put into use last, "" if none ever was."""
    return next((str(entry["version"]) for entry in reversed(history) if entry["used"]), "")


def rejected_in(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Versions that were compared and not used, when they were decided on last; sorted."""
    last = {entry["version"]: entry for entry in history}
    return sorted(version for version, entry in last.items() if entry["comparison"] and not entry["used"])


def with_files(study: Study, known: Standing) -> Standing:
    """The same with the files as they are now."""
    paths = _files_of(study.models_dir / known.in_use) if known.in_use else []
    if known.in_use and known.tried != known.in_use:
        wanted = [study.models_dir / known.tried / name for name in OF_TRIED]
        paths += [path for path in wanted if path.is_file()]
    files = {path.relative_to(study.root).as_posix(): sha256_of(path) for path in paths}
    return replace(known, files=files)


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _of(files: Mapping[str, str], version: str) -> dict[str, str]:
    """Those of one model, by their names in its folder."""
    folder = f"models/{version}/"
    return {name.removeprefix(folder): sha256 for name, sha256 in files.items() if name.startswith(folder)}


def is_whole(study: Study, version: str, history: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all of a model's files are there and, where their hashes were noted, are what they were."""
    folder = study.models_dir / version
    found = {path.relative_to(folder).as_posix(): sha256_of(path) for path in _files_of(folder)}
    return _is_as_noted(version, found, history)


def _is_as_noted(
    version: str,
    found: Mapping[str, str],
    history: Sequence[Mapping[str, Any]],
    *,
    needed: Sequence[str] = (),
) -> bool:
    """found: name of a file -> sha256. needed: those that matter; none given: all that were noted, and NEEDED."""
    noted: Mapping[str, str] = next(
        (entry["files"] for entry in reversed(history) if entry["version"] == version and entry["files"]), {}
    )
    names = needed or {*NEEDED, *noted}
    return all(name in found and noted.get(name, found[name]) == found[name] for name in names)


def read_current(study: Study) -> dict[str, Any]:
    """``in_use, tried, as_of`` (the run up to which it tells) and ``history``, entries as ``make_entry`` makes them.

    Raises FileError if the file is not what precode wrote.
    """
    path = study.root / CURRENT
    found: dict[str, Any] = {"schema": SCHEMA, "in_use": "", "tried": "", "as_of": "", "history": []}
    if path.is_file():
        remedy = "Remove it: the next run trains a model and begins a new one. The models themselves stay."
        try:
            found |= read_json(path)
            good = found["schema"] == SCHEMA and all(entry["version"] for entry in found["history"])
            good = good and all(_VERSION.fullmatch(v) for v in (found["in_use"], found["tried"]) if v)
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise FileError(CURRENT, ["damaged: it is not what precode wrote"], remedy)
    return _with_newest_run(study, found)


def _with_newest_run(study: Study, current: Mapping[str, Any]) -> dict[str, Any]:
    latest, as_of = latest_run(study), current["as_of"]
    if latest == as_of or run_number(latest) < run_number(as_of):
        return dict(current)
    run_id, manifest = newest_manifest(study)
    return after_run(current, manifest.get("models"), run_id)


def after_run(current: Mapping[str, Any], decided: Mapping[str, Any] | None, run_id: str) -> dict[str, Any]:
    """What ``current.json`` says after a run.

    decided: ``models`` of its manifest, None before there was such a thing.
    """
    if decided is None:
        return dict(current)
    entries = [decided["entry"]] if decided["entry"] else []
    after = {name: decided["after"][name] for name in ("in_use", "tried")}
    return {**current, **after, "as_of": run_id, "history": [*current["history"], *entries]}


def make_entry(
    study: Study,
    version: str,
    *,
    why: str,
    used: bool,
    run_id: str,
    comparison: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A line of the history: what became of a model, when, and why.

    run_id: "" if no run decided it. comparison: with the one before, if they were compared.
    """
    folder = study.models_dir / version
    return {
        "version": version,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": run_id,
        "used": used,
        "why": why,
        "comparison": comparison,
        "files": {path.relative_to(folder).as_posix(): sha256_of(path) for path in _files_of(folder)},
    }


def is_known(entry: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the history says of a model already, but for the moment, what an entry would add to it."""
    last = next((known for known in reversed(history) if known["version"] == entry["version"]), None)
    moment = {name: entry[name] for name in ("at", "run_id")}
    is_so = not entry["used"] or last_used(history) == entry["version"]
    return last is not None and is_so and {**last, **moment} == entry


def write_current(study: Study, current: Mapping[str, Any]) -> None:
    """Write ``current.json`` whole if it says anything else; called with the study's lock held."""
    path = study.root / CURRENT
    if current["history"] and not (path.is_file() and read_json(path) == current):
        write_json(path, current)


def keep_model(study: Study, source: Path, version: str, *, anew: bool) -> None:
    """Copy a trained model out of the cache, which may be deleted.

    anew: what is there is damaged, and is mended file by file, as is what an earlier version of precode kept less of:
    so there is a model of this version whenever a kill comes, and what was whole stays whole, for the same version is
    the same bytes.
    """
    target = study.models_dir / version
    if not target.is_dir():
        make_folder_whole(target, lambda folder: copy_model(source, folder))
        return
    names = [path.relative_to(source) for path in _files_of(source)]
    for name in names:
        if anew or not (target / name).is_file():
            write_whole(target / name, (source / name).read_bytes())
    for path in _files_of(target):
        if anew and path.relative_to(target) not in names:
            path.unlink()


def copy_model(source: Path, target: Path) -> None:
    """All files of a model, its starter's among them, into a folder that is there."""
    for path in _files_of(source):
        place = target / path.relative_to(source)
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, place)


def kept_versions(study: Study) -> list[str]:
    """Versions of all models that are in the study, those without a record among them."""
    if not study.models_dir.is_dir():
        return []
    return sorted(path.name for path in study.models_dir.iterdir() if _VERSION.fullmatch(path.name))
