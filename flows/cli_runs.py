"""How the commands run a study: as the flow, in this process, or up to one stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from flows.terminal import progress
from flows.told import tell_ingested, tell_run

if TYPE_CHECKING:
    from corpus.study import Study


def run_flow(study: Study, *, as_json: bool) -> int:
    """Run everything as the Prefect flow."""
    from flows.run_here import run_whole_study

    with progress(quiet=as_json) as on_stage:
        result = run_whole_study(study, on_stage=on_stage)
    return tell_run(result, as_json=as_json)


def one_stage(study_dir: Path, stage: str, *, group_by: str = "", as_json: bool) -> int:
    """Run a stage and what it needs."""
    from corpus.study import load_study

    study = load_study(study_dir, group_by=group_by)
    from pipeline.run import run_until

    with progress(quiet=as_json) as on_stage:
        reached = run_until(study, stage, on_stage=on_stage)
    return tell_ingested(reached, stage, as_json=as_json)


def without_prefect(
    study_dir: Path, *, group_by: str, as_json: bool, tell: Callable[..., int] = tell_run
) -> int:
    """Run everything in this process, without a flow. tell: says what came of it."""
    from corpus.study import load_study

    study = load_study(study_dir, group_by=group_by)
    from pipeline.run import run_study

    with progress(quiet=as_json) as on_stage:
        result = run_study(study, on_stage=on_stage)
    return tell(result, as_json=as_json)
