"""``manifest.json``: what a run was made from and with, and the hash of everything that it made."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401 - brings its own linear algebra, of which machine_facts tells
from threadpoolctl import threadpool_info

from corpus.errors import FileError
from corpus.files import digest, read_json, sha256_of
from corpus.study import Study, other_files
from corpus.versions import index_sha256
from models.encoder import find_encoder
from pipeline.cache import library_versions, read_parquet, source_hashes, stage_dir
from pipeline.choose_model import read_decision
from pipeline.compare.basis import first_suggested
from pipeline.kept_models import VERSION_LENGTH
from pipeline.newest import MANIFEST
from pipeline.stages import Keys, Plan
from pipeline.suggest import suggestions_path
from pipeline.train import STAGE as TRAIN_STAGE
from pipeline.units import read_study_json

#: 2: says also with what the run was made (machine, source, encoder's files), and names model and codebook.
SCHEMA = 2
#: What verifying a run reads of its manifest.
NEEDED = frozenset(
    ("run_id", "title", "inputs", "unread", "versions", "settings", "encoder", "model", "outputs")
) | {"machine", "libraries", "source", "encoder_files"}
MODEL_FILES = ("model.json", "model.npz")
# They draw the page and change no figure, so no stage depends on them.
_PAGE_LIBRARIES = ("jinja2", "matplotlib", "threadpoolctl")
_ENCODER_LIBRARIES = ("onnxruntime", "tokenizers")
AGAIN = "Run the study again: the new run can be verified."


def make_manifest(study: Study, plan: Plan, keys: Keys, folder: Path, run_id: str) -> dict[str, Any]:
    """The manifest of a run whose outputs are in ``folder``."""
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "created_at": created_at,
        "key": plan.key,
        "title": study.title,
        "unit": plan.unit,
        "seed": study.settings.study.seed,
        "inputs": plan.inputs,
        "unread": list(other_files(study)),
        "codebook": digest(read_study_json(study, keys.units[0])["codebook"]),
        "versions": index_sha256(study),
        "settings": study.settings.model_dump(mode="json"),
        "encoder": plan.encoder,
        "stages": asdict(keys),
        "model": model_facts(study, plan, keys),
        "suggested": dict.fromkeys(suggested_transcripts(study, keys), created_at) | first_suggested(study),
        **made_with(plan.encoder),
        "outputs": {path.name: sha256_of(path) for path in sorted(folder.iterdir())},
    }


def suggested_transcripts(study: Study, keys: Keys) -> list[str]:
    """Transcripts for which the run suggests something: who codes them later may have seen it."""
    tables = [read_parquet(suggestions_path(study, key)) for key in keys.suggest]
    return sorted({name for table in tables for name in table["transcript_id"]})


def model_facts(study: Study, plan: Plan, keys: Keys) -> dict[str, Any]:
    """The version of the model that the run uses, as its folder in models/ is named, and its files' sha256.

    Empty without one.
    """
    folder = stage_dir(study, TRAIN_STAGE, keys.train[0])
    if not (folder / MODEL_FILES[0]).is_file():
        return {}
    decision = read_decision(study, plan, keys)
    return {
        # A model that was imported is none of the study's own, yet it is kept by the same rule.
        "version": decision["version"] or decision["fit"][:VERSION_LENGTH],
        "files": {name: sha256_of(folder / name) for name in MODEL_FILES},
    }


def read_manifest(study: Study, run_id: str) -> dict[str, Any]:
    """The manifest of a finished run.

    Raises FileError if it is damaged or of another schema.
    """
    name = f"runs/{run_id}/{MANIFEST}"
    damaged = FileError(name, ["damaged: it is not what a run wrote"], AGAIN)
    try:
        found: dict[str, Any] = read_json(study.root / name)
        schema = int(found["schema"])
    except (ValueError, KeyError, TypeError):
        raise damaged from None
    if schema == SCHEMA:
        if not found.keys() >= NEEDED or found["run_id"] != run_id:
            raise damaged
        return found
    problem = (
        "an earlier version of precode made this run, and did not note the machine and the source"
        if schema < SCHEMA
        else "a later version of precode made this run"
    )
    remedy = AGAIN if schema < SCHEMA else "Verify it with that version."
    raise FileError(name, [f"{problem} (schema {schema}, this version writes {SCHEMA})"], remedy)


def made_with(encoder: str) -> dict[str, Any]:
    """All but the inputs that the bytes of a run depend on: machine, libraries, source, files of the encoder.

    encoder: a name or folder as ``find_encoder`` takes it, "" for words only.
    """
    wanted = (*_PAGE_LIBRARIES, *(_ENCODER_LIBRARIES if encoder else ()))
    return {
        "machine": machine_facts(),
        "libraries": library_versions() | {name: _version(name) for name in wanted},
        "source": digest(source_hashes()),
        "encoder_files": dict(find_encoder(encoder).kept.hashes) if encoder else {},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def machine_facts() -> dict[str, str]:
    """What of a machine can change the last digits of a figure; nothing that tells whose it is.

    Sums depend on the width of the processor's vectors (``vectors``, as NumPy found them), on the kernels that the
    linear algebra chose for it and on the number of its threads; logarithms and the like on the C library.
    """
    config: Mapping[str, Any] = np.show_config(mode="dicts") or {}
    algebra = {
        f"{part['internal_api']} {part['version']} {part.get('architecture', '')} {part['num_threads']} threads"
        for part in threadpool_info()
        if part["user_api"] == "blas"
    }
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "n_processors": str(os.cpu_count() or ""),
        "vectors": " ".join(config.get("SIMD Extensions", {}).get("found", [])),
        "linear algebra": "; ".join(sorted(algebra)),
        "C library": " ".join(platform.libc_ver()).strip(),
        "Python": platform.python_version(),
    }


def what_differs(then: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, ...]:
    """Lines on how what a run was made with differs from what is here; none: the bytes must be the same.

    then, here: as from ``made_with``; other keys are not looked at.
    """
    return tuple(_differing(then, here))


def _differing(then: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    for group in ("machine", "libraries"):
        for name in sorted(then[group].keys() | here[group].keys()):
            before, now = then[group].get(name) or "none", here[group].get(name) or "none"
            if before != now:
                yield f"{name} {now} here, {before} then"
    if then["source"] != here["source"]:
        yield "precode's own source is not what it was then"
    files = sorted(then["encoder_files"].keys() | here["encoder_files"].keys())
    changed = [name for name in files if then["encoder_files"].get(name) != here["encoder_files"].get(name)]
    if changed:
        yield f"the sentence encoder's {', '.join(changed)} is not what it was then"
