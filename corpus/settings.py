"""``study.toml``: every key optional, every problem in one message."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpus.errors import FileError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StudySection(_Section):
    """What is studied, and how."""

    title: str = ""
    language: str = Field("en", description="language of the transcripts, as spaCy names it")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="every random step takes it")
    sample: Literal["chosen", "random"] = Field(
        "chosen",
        description='"random": the coded transcripts (those before any draw of precode next) were drawn at random '
        "from all; only then is it said how common a code is in all of them",
    )
    approach: Literal["codebook", "reflexive"] = Field(
        "codebook", description="reflexive: the report says why agreement is no test of quality there"
    )


class SpeakersSection(_Section):
    """Whose words are coded."""

    context: tuple[str, ...] | None = Field(
        None,
        strict=False,
        description="speakers whose words give context and are neither coded by the model nor scored",
    )


class SegmentsSection(_Section):
    """What is coded."""

    unit: Literal["passage", "turn"] | None = Field(
        None, description='default "passage", or "turn" if every coding is addressed by turn'
    )


class ModelSection(_Section):
    """What the model sees."""

    encoder: str | None = Field(
        None,
        description='"minilm", "none" for words only, or a folder; default: minilm where it is installed',
    )
    spacy: str = Field("", description="a trained spaCy pipeline that is installed; empty: rules and lookups")


class TargetSection(_Section):
    """What the model learns from several coders."""

    gold: str = Field("share", description='"share", "majority", "consensus", "any", or a coder')


class EvaluationSection(_Section):
    """What the model must not have seen when it is scored."""

    group_by: str = Field("transcript", description='"transcript", or a column of participants.csv')


class AuditSection(_Section):
    """What counts as good enough."""

    margin: float = Field(
        0.10,
        ge=0,
        le=1,
        description="with two coders: by how much less the model may agree with them than they with each other, "
        "in kappa, to count as good as a coder",
    )
    epsilon: float = Field(
        0.20,
        ge=0,
        lt=1,
        description="with three coders or more: what the alternative annotator test lets the model lose by; 0.2 "
        "where coders are experts, 0.15 trained, 0.1 anybody",
    )
    width: float = Field(
        0.20,
        gt=0,
        le=1,
        description="how wide an interval may be; the report says how much more coding it takes",
    )


class RetrainSection(_Section):
    """When the model is trained again."""

    after_codings: int = Field(
        50,
        ge=1,
        description="so many codings must have come (or gone) since it was trained last; a changed codebook, or "
        "'precode train', trains it at once",
    )


class EngineSection(_Section):
    """Where the work is done."""

    kind: Literal["threads", "dask"] = Field(
        "threads",
        description='in this process, or "dask": batches of transcripts on the workers of a Dask cluster, for which '
        "pip install 'precode[dask]'; figures are the same",
    )
    address: str = Field(
        "",
        description="of a running Dask scheduler, as tcp://host:8786; every worker must see the study folder at the "
        "same path; empty: a process for each processor of this machine",
    )


class Settings(_Section):
    """All settings of a study; ``Settings()`` are the defaults."""

    study: StudySection = StudySection()
    speakers: SpeakersSection = SpeakersSection()
    segments: SegmentsSection = SegmentsSection()
    model: ModelSection = ModelSection()
    target: TargetSection = TargetSection()
    evaluation: EvaluationSection = EvaluationSection()
    audit: AuditSection = AuditSection()
    retrain: RetrainSection = RetrainSection()
    engine: EngineSection = EngineSection()

    def that_count(self) -> dict[str, Any]:
        """What a figure may depend on, JSON-like: all but where the work is done."""
        return self.model_dump(mode="json", exclude={"engine"})


def read_settings(path: Path) -> Settings:
    """Settings of a ``study.toml``; defaults if there is none.

    Raises FileError with every problem: broken TOML, unknown keys (with the nearest known one), wrong values.
    """
    if not path.exists():
        return Settings()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(
            path.name, [str(error)], "Mend the line, or remove the file to use the defaults."
        ) from None
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        problems = [_describe(list(found["loc"]), found["type"], found["msg"]) for found in error.errors()]
        raise FileError(
            path.name, problems, "'precode new DIR' writes a study.toml with every key."
        ) from None


def _describe(location: list[str | int], kind: str, message: str) -> str:
    where = ".".join(str(part) for part in location)
    if kind != "extra_forbidden":
        return f"{where}: {message[0].lower()}{message[1:]}"
    known = _known_keys(location[:-1])
    near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.0)
    return f"{where}: unknown key; did you mean '{near[0]}'? Known here: {', '.join(known)}"


def _known_keys(location: list[str | int]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)
