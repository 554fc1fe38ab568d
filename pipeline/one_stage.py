"""One stage and what it needs: the cache is filled, no run folder is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from corpus.files import study_lock
from corpus.study import Study
from pipeline.ingest import Ingested, ingest, read_ingested
from pipeline.preprocess import preprocess
from pipeline.run import OnStage, Plan, plan_run
from pipeline.suggest import suggest
from pipeline.topics import topics
from pipeline.train import train
from pipeline.units import make_units

T = TypeVar("T")
STAGES = ("ingest", "topics", "train", "suggest")


def run_until(study: Study, last: str, *, on_stage: OnStage) -> Ingested:
    """Fill the cache up to a stage of STAGES, under the study's lock; gives what was read, for the counts."""
    if last not in STAGES:
        raise ValueError(f"stage {last!r} is none of {', '.join(STAGES)}")
    with study_lock(study.root):
        plan = plan_run(study)
        ingested = _each("ingest", plan.batches, on_stage, lambda batch: ingest(study, batch))
        if last != "ingest":
            _learn(study, plan, ingested, last, on_stage)
        return read_ingested(study, ingested)


def _learn(study: Study, plan: Plan, ingested: Sequence[str], last: str, on_stage: OnStage) -> None:
    segments = _each("preprocess", ingested, on_stage, lambda key: preprocess(study, key, unit=plan.unit))
    (units,) = _each("units", [study], on_stage, lambda study: make_units(study, ingested, segments))
    if last == "topics":
        _each("topics", [study], on_stage, lambda study: topics(study, units, segments))
        return
    (trained,) = _each("train", [study], on_stage, lambda study: train(study, units, segments))
    if last == "suggest":
        _each("suggest", segments, on_stage, lambda key: suggest(study, units, segments, trained, batch=key))


def _each(stage: str, parts: Sequence[T], on_stage: OnStage, work: Callable[[T], str]) -> list[str]:
    keys: list[str] = []
    for part in parts:
        on_stage(stage, len(keys), len(parts))
        keys.append(work(part))
    on_stage(stage, len(parts), len(parts))
    return keys
