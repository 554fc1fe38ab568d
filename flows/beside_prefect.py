"""What passes beside Prefect: errors with their words, progress, and what was asked for.

All of it within one process; what was asked for also by the study's folder, to workers in other processes.

Prefect stores the text of every error (as the message of a state, as an event, in a log, and for a flow also
as a pickle in its folder, whatever its settings for results say). An error of ours names files and codes, an
error of a library may quote a participant. So Prefect is told which stage failed and by which kind of error;
the error itself is kept aside for whoever started the flow, or for a file of the study if nobody waits for it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from corpus.errors import StudyError
from corpus.files import ASKED, read_json, write_json
from corpus.study import Study

T = TypeVar("T")
TERMINAL = "The terminal in which the run was started says more."
FLOW_RUN = "The state of the flow run says where to read more."
OnStage = Callable[[str, int, int], None]
"""Called with the name of a stage, how many of its parts are done, and how many there are."""

_KEPT: ContextVar[list[tuple[str, Exception]] | None] = ContextVar("errors kept aside", default=None)
_ON_STAGE: ContextVar[OnStage | None] = ContextVar("on stage", default=None)
_MORE: ContextVar[str] = ContextVar("where words are", default=FLOW_RUN)
_GROUP_BY: ContextVar[str] = ContextVar("what is held out together", default="")

CAN_PASS = frozenset(
    number
    for name in (
        "EAGAIN",
        "EBUSY",
        "EINTR",
        "EIO",
        "ENETDOWN",
        "ENETUNREACH",
        "ESTALE",
        "ETIMEDOUT",
        "ECONNRESET",
    )
    if (number := getattr(errno, name, None)) is not None
)
"""Numbers of errors that a second attempt may not meet: a busy disk, a network folder that went away."""


@contextmanager
def listening(
    on_stage: OnStage | None, *, group_by: str = "", more: str = TERMINAL
) -> Iterator[list[tuple[str, Exception]]]:
    """While a flow runs: gives the list to which failed stages add (name, error), and hears of progress.

    group_by: the setting to use, for a column of a study's is none of Prefect's business; "": as study.toml says.
    more: a sentence for a failed task that says where the words of its error are.
    """
    kept: list[tuple[str, Exception]] = []
    keeping, telling = _KEPT.set(kept), _ON_STAGE.set(on_stage)
    grouping, saying = _GROUP_BY.set(group_by), _MORE.set(more)
    try:
        yield kept
    finally:
        _KEPT.reset(keeping)
        _ON_STAGE.reset(telling)
        _GROUP_BY.reset(grouping)
        _MORE.reset(saying)


def somebody_listens() -> bool:
    """Whether whoever started the flow hears of its errors; False in a worker, on a schedule, in a notebook."""
    return _KEPT.get() is not None


def group_by_asked() -> str:
    """What whoever started the flow wants held out together, or "" for what study.toml says."""
    return _GROUP_BY.get()


@contextmanager
def hand_over(study: Study, plan_key: str) -> Iterator[None]:
    """While a flow runs: what was asked for, in the study's folder, where the workers of a run find it."""
    asked = group_by_asked()
    path = _asked_path(study.root, plan_key)
    if asked:
        write_json(path, {"group_by": asked})
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def handed_over(study_dir: Path, plan_key: str) -> str:
    """What ``group_by_asked`` was in the process that started the run."""
    path = _asked_path(study_dir, plan_key)
    return str(read_json(path)["group_by"]) if path.is_file() else ""


def _asked_path(study_dir: Path, plan_key: str) -> Path:
    return study_dir / ASKED.format(plan_key)


def tell_stage(stage: str, done: int, total: int) -> None:
    """Tell whoever started the flow how far a stage is."""
    if on_stage := _ON_STAGE.get():
        on_stage(stage, done, total)


def without_words(stage: str, work: Callable[[], T]) -> T:
    """What ``work`` returns; if it fails, an error that names the stage and the kind of error, no more."""
    try:
        return work()
    except Exception as error:
        failure = error
    # Raised outside of the except clause, so that the error with words is not its context.
    keep_aside(stage, failure)
    raise wordless(stage, failure)


def keep_aside(stage: str, error: Exception) -> None:
    """Remember an error for whoever started the flow."""
    kept = _KEPT.get()
    if kept is not None:
        kept.append((stage, error))


def failure_message(stage: str, error: Exception, keep: Callable[[list[Exception]], str]) -> str:
    """What Prefect is told when a flow fails: of the stage that failed, or of the flow itself if none did.

    keep: is given all errors with their words, and says in a sentence where they are from now on.
    """
    if not _KEPT.get():
        keep_aside(stage, error)
    kept = _KEPT.get() or [(stage, error)]
    return f"{in_short(*kept[-1])}. {keep([error for _, error in kept])}"


def wordless(stage: str, error: Exception) -> Exception:
    """An error for Prefect's eyes in place of one that may hold words."""
    if can_pass(error) and isinstance(error, OSError):
        return OSError(error.errno, f"{stage}: {os.strerror(error.errno or 0)}")
    return RuntimeError(f"{in_short(stage, error)}. {_MORE.get()}")


def in_short(stage: str, error: Exception) -> str:
    """The stage that failed, the kind of error, and what names no file, code or person of its reason."""
    reason = error.reason if isinstance(error, StudyError) else ""
    if isinstance(error, OSError) and error.errno:
        reason = os.strerror(error.errno)
    return f"{stage}: {type(error).__name__}" + (f" ({reason})" if reason else "")


def can_pass(error: object) -> bool:
    """Whether an error is of the kind that a second attempt may not meet."""
    return isinstance(error, OSError) and error.errno in CAN_PASS
