"""What a command says when it is done, in lines or as JSON, and the exit status that follows from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.files import read_json, write_whole
from flows.terminal import DONE, SET_ASIDE, error_message, say, show, show_json

MOST_NOTES = 8
WHOLE_STUDY = "whole study"

if TYPE_CHECKING:
    from pipeline.ingest import Ingested
    from pipeline.learning_curve import CurveSoFar
    from pipeline.next_draw import Proposed
    from pipeline.run import RunResult


def tell_audit(result: RunResult, *, as_json: bool) -> int:
    """How far people and model agree, and where the audit report is."""
    from pipeline.report.audit.told import audit_json, audit_lines

    if as_json:
        show_json({"run_id": result.run_id, "run_dir": str(result.run_dir), **audit_json(result.run_dir)})
        return tell_set_aside(result.set_aside)
    if result.unchanged:
        show(f"Nothing changed since {result.run_id}.")
    for line in audit_lines(result.run_dir):
        show(line)
    show(f"Audit report: {nearest_path(result.run_dir / 'audit.html')}")
    return tell_set_aside(result.set_aside)


def tell_run(result: RunResult, *, as_json: bool) -> int:
    """Counts of a run and where its report is."""
    report = nearest_path(result.run_dir / "report.html")
    if as_json:
        from pipeline.changes import changes_json, changes_since, previous_run

        show_json(
            {
                "run_id": result.run_id,
                "run_dir": str(result.run_dir),
                "unchanged": result.unchanged,
                "n_transcripts": result.n_transcripts,
                "n_read_transcripts": result.n_read_transcripts,
                "n_codings": result.n_codings,
                "n_suggestions": result.n_suggestions,
                "n_first_suggestions": result.n_first_suggestions,
                "n_learned": result.n_learned,
                "notes": list(result.notes),
                "set_aside": dict(result.set_aside),
                "changes": changes_json(changes_since(previous_run(result.run_dir), result.run_dir)),
            }
        )
    elif result.unchanged:
        show(f"Nothing changed since {result.run_id}. Its report: {report}")
    else:
        show(f"{result.n_transcripts} transcripts, {result.n_read_transcripts} of them read by people")
        show(f"{result.n_codings} codings, {result.n_suggestions} suggestions")
        for line in report_warnings_told(result.run_dir):
            show(line)
        if result.n_first_suggestions:
            show(
                f"{result.n_first_suggestions} first suggestions, without a percentage, of codes not learned yet"
            )
        if not result.n_learned:
            show(
                "No code is learned yet: each needs 10 segments in 3 groups (transcripts, unless you group otherwise)"
            )
        for note in result.notes[:MOST_NOTES]:
            show(f"Note: {note}")
        if len(result.notes) > MOST_NOTES:
            show(f"{len(result.notes) - MOST_NOTES} more notes are in the report.")
        tell_changes(result.run_dir)
        show(f"Report: {report}")
        show(f"How far people and model agree: {nearest_path(result.run_dir / 'audit.html')}")
    return tell_set_aside(result.set_aside)


def tell_changes(run_dir: Path) -> None:
    """What became better or worse since the run before."""
    from pipeline.changes import changes_lines, changes_since, previous_run

    for line in changes_lines(changes_since(previous_run(run_dir), run_dir)):
        show(line)


def tell_unattended(study_dir: str, job: str, ended: str, errors: Sequence[Exception]) -> None:
    """What came of a flow for which nobody waits; what names files or codes only to a terminal, never to a log."""
    say(f"{now()} {study_dir}: {job}: {ended}")
    if sys.stderr.isatty():
        for line in messages(errors):
            say(line)


def counts_told(n_transcripts: int, n_set_aside: int) -> str:
    """What was read, in counts."""
    read = f"{n_transcripts} transcripts read"
    return f"{n_set_aside} file(s) set aside, {read}" if n_set_aside else read


def warnings_told(warnings: Iterable[Sequence[str]], *, where: str = "") -> list[str]:
    """How many files were read with a warning, as a guess of the encoding is; nothing if none was.

    warnings: those of each file that could be read. where: a place that says which files and why.

    >>> warnings_told([("not UTF-8: read as Windows-1252, which is a guess",), ()], where="the report")
    ['1 file read with a warning: see the report']
    """
    n = sum(map(bool, warnings))
    see = f": see {where}" if where else ""
    return [f"{n} file{'s' * (n != 1)} read with a warning{see}"] if n else []


def report_warnings_told(run_dir: Path) -> list[str]:
    """The same of a finished run, whose report has the warnings."""
    files = read_json(run_dir / "summary.json")["files"]
    return warnings_told((file["warnings"] for file in files if file["n_transcripts"]), where="the report")


def run_told(result: RunResult, note: str, *, fallen: bool) -> str:
    """What the state of a flow run and the log say of a run: counts, versions and ids, no name of a file or a code.

    note: what the run decided of its models, "" for nothing. fallen: quality is lower than in the run before.
    """
    from pipeline.changes import model_version
    from pipeline.retrain import short

    version = model_version(result.run_dir)
    return "; ".join(
        [
            *(["quality fell"] if fallen else []),
            counts_told(result.n_transcripts, len(result.set_aside)),
            *report_warnings_told(result.run_dir),
            note or (f"model {short(version)} in use" if version else "no model in use"),
            f"{'nothing changed since ' if result.unchanged else ''}run {result.run_id}",
        ]
    )


def lasted(seconds: float) -> str:
    """A time as hours, minutes and whole seconds.

    >>> lasted(3661.7)
    'took 1:01:01'
    """
    return f"took {timedelta(seconds=int(seconds))}"


def study_name(study_dir: str) -> str:
    """The name of a study's folder, however the folder was typed."""
    return Path(os.path.realpath(study_dir)).name


def keep_failure(study_dir: str, job: str, errors: Sequence[Exception]) -> str:
    """Put what a terminal would be told of a failed flow into the study, and say in a sentence where it is.

    Whoever may read the study's runs may read it. The file stays until the same flow ends well.
    """
    path = failure_path(Path(study_dir), job)
    text = "\n".join([f"{now()} {job}: failed", *messages(errors), ""])
    try:
        if path.parent.parent.is_dir():
            write_whole(path, text.encode())
            return f"{path.parent.name}/{path.name} in the study says more."
    except OSError as error:  # a full disk, say, may be the very reason
        return f"More could not be written into the study ({os.strerror(error.errno or 0)})."
    return "The study's folder is not there."


def forget_failure(study_dir: str, job: str) -> None:
    """The flow ended well: what was said of its last failure is of no use any more."""
    with suppress(OSError):
        failure_path(Path(study_dir), job).unlink(missing_ok=True)


def failure_path(study_dir: Path, job: str) -> Path:
    """Where the words of a flow's last failure are; each flow has its own, for one may fail and another not."""
    return study_dir / "runs" / f"last-failure-{job.replace(' ', '-')}.txt"


def messages(errors: Sequence[Exception]) -> list[str]:
    """What is said of errors, each once."""
    return list(dict.fromkeys(error_message(error) for error in errors))


def now() -> str:
    """The clock of this machine, to the minute."""
    return minute(datetime.now().astimezone())


def minute(moment: datetime) -> str:
    """A moment by the clock of this machine."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def tell_ingested(ingested: Ingested, stage: str, *, as_json: bool, note: str = "") -> int:
    """Counts of what was read on the way to a stage. note: for machines, what came of it."""
    set_aside = {file.file: "; ".join(file.rejected) for file in ingested.set_aside}
    if as_json:
        told = {"stage": stage, "n_transcripts": len(ingested.transcripts), "set_aside": set_aside}
        show_json(told | ({"note": note} if note else {}))
    else:
        show(f"{len(ingested.transcripts)} transcripts; {stage} is done.")
        for line in warnings_told(file.warnings for file in ingested.files if file.n_transcripts):
            show(line)
    return tell_set_aside(set_aside.items())


def tell_draw(proposed: Proposed) -> None:
    """What to code next."""
    from pipeline.next_told import draw_lines

    for line in draw_lines(proposed):
        show(line)


def tell_curve(proposed: Proposed, curve: CurveSoFar, *, as_json: bool) -> int:
    """What more excerpts would bring; for machines also what to code next."""
    from pipeline import next_told

    if as_json:
        show_json(next_told.as_json(proposed, curve))
    else:
        for line in next_told.curve_lines(curve):
            show(line)
    return tell_set_aside(proposed.set_aside)


def tell_set_aside(files: Iterable[tuple[str, str]]) -> int:
    """List the files that could not be used, and say by the exit status that there are some."""
    lines = [f"Set aside: {file}: {reason}" for file, reason in files]
    for line in lines:
        say(line)
    return SET_ASIDE if lines else DONE


def nearest_path(path: Path) -> str:
    """A path as one would type it here: below the working folder if it is there."""
    here = Path(os.path.realpath(Path.cwd()))
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
