"""What a person at the terminal, or a machine behind it, is told, and the exit status of every command.

0 done; 1 the study must be mended; 2 wrong use; 3 done, but files were set aside; 130 stopped by Ctrl-C.
Results go to standard output, everything else to standard error. No message holds a participant's words:
of an error that we did not foresee only its kind and place are shown, for its text may quote what was read.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import typer

if TYPE_CHECKING:
    from flows.beside_prefect import OnStage

P = ParamSpec("P")

DONE, TO_MEND, WRONG_USE, SET_ASIDE, STOPPED = 0, 1, 2, 3, 130
TOP = Path(__file__).resolve().parent.parent
ROOMS = ("corpus", "models", "pipeline", "flows")


def ends_well(command: Callable[P, int]) -> Callable[P, None]:
    """Turn a command that returns its exit status into one that ends with it, whatever happens inside."""

    @functools.wraps(command)
    def ending(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            say("Stopped. Finished stages are kept; the same command goes on from there.")
            status = STOPPED
        except BrokenPipeError:
            # Whoever read the output (a pager, "head") has seen enough; Python would complain of it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            status = DONE
        except Exception as error:
            if is_usage_error(error):
                raise
            message = error_message(error)
            say(message)
            if kwargs.get("as_json"):
                show_json({"error": message})
            status = TO_MEND
        raise typer.Exit(status)

    return ending


def is_usage_error(error: Exception) -> bool:
    """Whether typer itself reports the error (exit status 2)."""
    return isinstance(error, typer.BadParameter)


def error_message(error: Exception) -> str:
    """What is said of an error: all of it if it was written for a researcher, else its kind and place."""
    from corpus.errors import StudyError
    from flows.versions_known import untried

    foreseen = isinstance(error, StudyError)
    if os.environ.get("PRECODE_DEBUG") == "1" and (error.__cause__ or not foreseen):
        return "".join(traceback.format_exception(error)).rstrip()
    if foreseen:
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        file = f"{error.filename}: " if error.filename else ""
        remedy = REMEDIES.get(error.errno or 0, "")
        return f"{file}{error.strerror} ({type(error).__name__}{place_of(error)}).\n{remedy}{ADVICE}"
    strange = "".join(f"Installed is {one}.\n" for one in untried())
    what = f"{type(error).__name__}{place_of(error)}"
    return f"precode met an error that it did not foresee: {what}.\n{strange}{ADVICE}"


_FULL = "Make room on that disk; then the same command goes on from there. "
_CLOSED = "precode must be able to write there: look at the rights of the file and its folder. "
#: Number of an error of the system -> what to do.
REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _CLOSED,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
}


ADVICE = (
    "Finished stages are kept. PRECODE_DEBUG=1 before the command shows the whole error; "
    "it may quote your material, so look before you send it to anyone."
)


def place_of(error: BaseException) -> str:
    """The last line of ours that the error passed, as " at pipeline/train.py:88"; empty if none."""
    places = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(TOP) and path.relative_to(TOP).parts[0] in ROOMS:
            places.append(f" at {path.relative_to(TOP).as_posix()}:{line}")
    return places[-1] if places else ""


def say(line: str) -> None:
    """A line for the person, on standard error."""
    typer.echo(line, err=True)


def show(line: str) -> None:
    """A line of the result, on standard output."""
    typer.echo(line)


def show_json(value: Mapping[str, object]) -> None:
    """The one JSON object that ``--json`` prints."""
    show(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str))


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[OnStage]:
    """Hear of stages: bars on a terminal, a line for each finished stage in a log, nothing if quiet."""
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        with bars() as on_stage:
            yield on_stage
    else:
        yield say_when_finished


def say_when_finished(stage: str, done: int, total: int) -> None:
    """One plain line when a stage is done."""
    if done == total:
        say(f"{stage}: done" if total == 1 else f"{stage}: {done} of {total}")


@contextmanager
def bars() -> Iterator[OnStage]:
    """A progress bar for each stage; they stay on the screen when the run is over."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        tasks: dict[str, object] = {}

        def on_stage(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = shown.add_task(stage, total=total)
            shown.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

        yield on_stage
