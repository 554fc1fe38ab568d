"""Run the study as a flow in this process; Prefect is imported only if there is something to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpus.errors import StudyError
from corpus.files import study_lock
from corpus.study import Study
from flows.at_work import is_dead_run_left
from flows.beside_prefect import listening
from flows.local_server import prefect_api
from flows.told import WHOLE_STUDY, forget_failure

if TYPE_CHECKING:
    from flows.beside_prefect import OnStage
    from pipeline.run import RunResult


def run_whole_study(study: Study, *, on_stage: OnStage | None = None) -> RunResult:
    """Run the flow and give what ``pipeline.run.run_study`` gives, errors with their words included.

    A study in which nothing changed takes no flow, unless a run was killed there: only a flow tells Prefect of it.
    """
    from pipeline.run import earlier_result, plan_run

    with study_lock(study.root):
        unchanged_since = plan_run(study).unchanged_since
        if unchanged_since and not is_dead_run_left(study.root):
            forget_failure(str(study.root), WHOLE_STUDY)
            return earlier_result(study, unchanged_since)
    state, kept = flow_state(study, on_stage)
    if not state.is_completed():
        raise what_failed(kept, f"{state.name}: {state.message}")
    run_id = state.result()
    return earlier_result(study, run_id, unchanged=run_id == unchanged_since)


def flow_state(study: Study, on_stage: OnStage | None) -> tuple[Any, list[tuple[str, Exception]]]:
    """The state in which the flow ended, and the errors of its stages.

    Raises StudyError if Prefect itself does not work here.
    """
    try:
        with prefect_api(), listening(on_stage, group_by=study.settings.evaluation.group_by) as kept:
            from flows.whole_study import whole_study

            return whole_study(str(study.root), return_state=True), kept
    except StudyError:
        raise
    except Exception as error:
        raise StudyError(
            f"Prefect does not work here ({type(error).__name__}). 'precode report STUDY' does the same job "
            "without it. PRECODE_DEBUG=1 before the command shows the whole error."
        ) from error


def what_failed(kept: list[tuple[str, Exception]], message: str) -> Exception:
    """The error to show: all that must be mended in the study, else the last one, else what Prefect says."""
    to_mend = dict.fromkeys(str(error) for _, error in kept if isinstance(error, StudyError))
    if to_mend:
        return StudyError("\n".join(to_mend))
    return kept[-1][1] if kept else RuntimeError(message)
