"""``precode serve``: studies on a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.terminal import DONE, ends_well


@ends_well
def serve(
    study_dirs: Annotated[
        list[Path], typer.Argument(metavar="STUDY...", help="The study folders.", show_default=False)
    ],
    cron: Annotated[
        str, typer.Option(metavar="CRON", help="When: minute, hour, day, month, day of the week.")
    ] = "0 2 * * *",
    timezone: Annotated[
        str,
        typer.Option(
            metavar="ZONE",
            help="Whose clock; this machine's if left out. Europe/London ...",
            show_default=False,
        ),
    ] = "",
    now: Annotated[bool, typer.Option("--now", help="Run each study at once as well.")] = False,
) -> int:
    """Run studies on a schedule, until Ctrl-C; only what changed is done again.

    Example:  precode serve my-study --cron "0 2 * * *"
    """
    from flows.scheduled import own_timezone, serve_studies

    serve_studies(study_dirs, cron=cron, timezone=timezone or own_timezone(), now=now)
    return DONE
