"""``precode verify``: run a finished run again, tell what came of it, leave nothing behind."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_encoder import AsJson
from flows.terminal import DONE, STOPPED, TO_MEND, ends_well, progress, say, show, show_json


@ends_well
def verify(
    study_dir: Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder.", show_default=False)],
    run_id: Annotated[
        str,
        typer.Argument(metavar="[RUN]", help="A finished run, or how its name begins; default: the newest."),
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Run a finished run again, in a folder of its own, and compare every output.

    On the same machine with the same versions every file must have the same bytes; elsewhere figures and
    flags may differ a little, and what differs is listed. Exit status 1: it differs, or cannot be verified.

    Example:  precode verify my-study
    """
    # A copy of what participants said must not stay behind when the process is told to end, or its terminal closed.
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP; under nohup it is ignored, and stays so
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        return _verify(study_dir, run_id, as_json=as_json)
    except KeyboardInterrupt:
        say("Stopped. Nothing was verified, and nothing of it is kept.")
        return STOPPED


def _verify(study_dir: Path, run_id: str, *, as_json: bool) -> int:
    from corpus.study import load_study

    study = load_study(study_dir)
    from pipeline import verify_told
    from pipeline.verify import verify as verify_run

    with progress(quiet=as_json) as on_stage:
        found = verify_run(study, run_id, on_stage=on_stage)
    if as_json:
        show_json(verify_told.as_json(found))
    else:
        for line in verify_told.as_lines(found):
            show(line)
    return DONE if found.verified else TO_MEND
