"""``precode models``: the models of a study over time, and going back to one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli_encoder import AsJson
from flows.terminal import DONE, ends_well, progress, show, show_json
from flows.told import tell_ingested

if TYPE_CHECKING:
    from corpus.study import Study

Retrain = Annotated[
    bool,
    typer.Option(
        "--retrain",
        help="Train now, however few codings are new; the model is used unless it was shown to be worse.",
    ),
]


@ends_well
def models(
    study_dir: Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder.", show_default=False)],
    use: Annotated[
        str,
        typer.Option(
            metavar="VERSION",
            help="Use this model from the next run on; the beginning of its name will do.",
            show_default=False,
        ),
    ] = "",
    as_json: AsJson = False,
) -> int:
    """List the trained models: when, on what, how good, which is in use and why; or go back to one.

    Example:  precode models my-study --use 91bc
    """
    from corpus.study import load_study

    study = load_study(study_dir)
    from pipeline import going_back

    if use:
        version, before = going_back.use_model(study, use)
        if not as_json:
            told = (
                "is in use already"
                if version == before
                else f"is in use from the next run on{_instead(before)}"
            )
            show(f"Model {version} {told}.")
            return DONE
    if as_json:
        show_json(going_back.as_json(study))
        return DONE
    for line in going_back.as_lines(going_back.list_models(study)):
        show(line)
    return DONE


def _instead(before: str) -> str:
    return f", in place of {before}" if before else ""


def train_first(study: Study, *, retrain: bool, as_json: bool) -> None:
    """Train now if that is wanted, before a run that uses what came of it."""
    if not retrain:
        return
    from pipeline.run import train_now

    with progress(quiet=as_json) as on_stage:
        _, note = train_now(study, on_stage=on_stage)
    if note and not as_json:
        show(_as_sentence(note))


def train_and_tell(study: Study, *, as_json: bool) -> int:
    """``precode train``: train now, and say what became of the model."""
    from pipeline.run import train_now

    with progress(quiet=as_json) as on_stage:
        reached, note = train_now(study, on_stage=on_stage)
    if note and not as_json:
        show(_as_sentence(note))
    return tell_ingested(reached, "train", as_json=as_json, note=note)


def _as_sentence(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}."
