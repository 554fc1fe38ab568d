"""The models of a study, listed; and one of them put into use, most often to go back to an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from corpus.coded import segment_unit
from corpus.errors import FileError, StudyError
from corpus.files import read_json, study_lock
from corpus.names import shown_name
from corpus.study import Study
from models.store import read_model
from pipeline.encode import encoder_of
from pipeline.kept_models import (
    NEEDED,
    is_whole,
    kept_versions,
    make_entry,
    read_current,
    standing,
    write_current,
)
from pipeline.learned import can_be_asked, conditions_of, read_learned, what_changed
from pipeline.model_card import codebook_of
from pipeline.newest import latest_run
from pipeline.retrain import signed

GONE_BACK = "put into use by hand"
UNRECORDED = "trained by an earlier version of precode, or elsewhere: it cannot be put into use"


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of the study.

    trained_at: ISO 8601, UTC, "" if no record tells. n_codings, n_transcripts: that it learned from, None if unknown.
    average_precision (macro over codes), f1 (micro): cross-fitted when it was trained, None where undefined or
    unknown.
    in_use: from the next run on. why: it was put into use, or was not.
    """

    version: str
    trained_at: str
    n_codings: int | None
    n_transcripts: int | None
    average_precision: float | None
    f1: float | None
    in_use: bool
    why: str


def list_models(study: Study) -> list[Listed]:
    """All models that are kept, the newest last; those without a record first."""
    current = read_current(study)
    in_use = standing(study).in_use
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for entry in current["history"]:
        entries.setdefault(entry["version"], []).append(entry)
    order = {version: number for number, version in enumerate(entries)}
    versions = sorted(kept_versions(study), key=lambda version: (order.get(version, -1), version))
    return [_listed(study, version, entries.get(version, []), in_use) for version in versions]


def _listed(study: Study, version: str, entries: list[Mapping[str, Any]], in_use: str) -> Listed:
    folder = study.models_dir / version
    figures: Mapping[str, Any] = {}
    n_codings = n_transcripts = None
    if all((folder / name).is_file() for name in NEEDED):
        learned = read_learned(folder)
        n_codings, n_transcripts = len(learned.codings), len(learned.transcripts)
        figures = read_json(folder / "evaluation.json")["scopes"].get("all", {})
    return Listed(
        version=version,
        trained_at=entries[0]["at"] if entries else "",
        n_codings=n_codings,
        n_transcripts=n_transcripts,
        average_precision=figures.get("macro_average_precision"),
        f1=figures.get("micro_f1"),
        in_use=version == in_use,
        why=entries[-1]["why"] if entries else UNRECORDED,
    )


def use_model(study: Study, wanted: str) -> tuple[str, str]:
    """Put a model into use, under the study's lock; its version, and that of the one before ("" for none).

    wanted: a version or how it begins. No model that was trained before takes its place again: new codings are
    counted from the one trained last. Raises StudyError, with the reason, if there is no such model or it cannot be
    used here.
    """
    with study_lock(study.root):
        version = _known_version(study, wanted)
        current = read_current(study)
        before = standing(study).in_use
        if version == before:
            return version, before
        if reason := why_not(study, version, current):
            raise StudyError(f"models/{version} cannot be used: {reason}")
        entry = make_entry(study, version, why=GONE_BACK, used=True, run_id="")
        changes = {"in_use": version, "tried": current["tried"] or version, "as_of": latest_run(study)}
        write_current(study, {**current, **changes, "history": [*current["history"], entry]})
        return version, before


def _known_version(study: Study, wanted: str) -> str:
    known = kept_versions(study)
    found = [version for version in known if wanted and version.startswith(wanted)]
    if len(found) != 1:
        what = "several models begin with" if found else "no model"
        raise StudyError(
            f"{study.root.name}: {what} {wanted!r}. There are: {', '.join(found or known) or 'none'}"
        )
    return found[0]


def why_not(study: Study, version: str, current: Mapping[str, Any]) -> str:
    """Why a model cannot be put into use, "" if it can."""
    folder = study.models_dir / version
    if not all((folder / name).is_file() for name in NEEDED):
        return "some of what a run needs of it is not there, for an earlier version of precode kept less"
    if not is_whole(study, version, current["history"]):
        return "its files are not what they were when it was trained"
    try:
        codes = read_model(folder).codes
    except FileError as error:
        return "; ".join(error.problems)
    codebook = codebook_of(study)
    names = [row["name"] for row in codebook]
    then = read_learned(folder).conditions
    now = conditions_of(study, codebook, encoder=encoder_of(study)[0], unit=segment_unit(study))
    if can_be_asked(then, now, codes=codes, codebook=names):
        return ""
    if gone := [shown_name(code) for code in codes if code not in names]:
        return f"codes that it knows are not in the codebook any more: {', '.join(gone)}"
    return f"{what_changed(then, now)} since it was trained"


def as_json(study: Study) -> dict[str, Any]:
    """All that is known of the models of a study."""
    listed = list_models(study)
    history = [
        {name: value for name, value in entry.items() if name != "files"}
        for entry in read_current(study)["history"]
    ]
    in_use = next((model.version for model in listed if model.in_use), None)
    return {"in_use": in_use, "models": [asdict(model) for model in listed], "history": history}


def as_lines(listed: list[Listed]) -> list[str]:
    """A line for each model, and why it is used or not."""
    if not listed:
        return ["No model yet: the first is trained as soon as a code can be learned."]
    return [line for model in listed for line in _lines(model)]


def _lines(model: Listed) -> list[str]:
    trained = f"trained {model.trained_at[:10]}" if model.trained_at else "trained at an unknown time"
    facts = [f"{model.version}{' (in use)' if model.in_use else ''}: {trained}"]
    if model.n_codings is not None:
        facts.append(f"on {model.n_codings} codings in {model.n_transcripts} transcripts")
        scores = (("average precision", model.average_precision), ("F1", model.f1))
        facts += [f"{name} {'undefined' if value is None else _score(value)}" for name, value in scores]
    return [", ".join(facts), f"    {model.why}"]


def _score(value: float) -> str:
    return signed(value).removeprefix("+")
