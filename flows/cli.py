"""The command line: each command parses, calls one function, and tells what came of it.

Heavy imports stand inside the commands, so that ``precode --help`` answers at once; Prefect is imported only
by those that start a flow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli_encoder import AsJson, encoder_app
from flows.cli_models import Retrain, models, train_and_tell, train_first
from flows.cli_runs import one_stage, run_flow, without_prefect
from flows.cli_serve import serve
from flows.cli_verify import verify
from flows.terminal import DONE, ends_well, progress, say, show, show_json
from flows.told import tell_audit, tell_curve, tell_draw, tell_set_aside

app = typer.Typer(
    name="precode",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would show what was read, as the values of local variables
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Pre-code interview transcripts: suggest theme codes with reasons, and audit how well they agree.\n\n"
    "Everything happens on this machine. Exit status: 0 done; 1 the study must be mended (the message says "
    "how); 2 wrong use; 3 done, but some files were set aside.\n\n"
    "Begin with:  precode demo",
)

app.add_typer(encoder_app, name="encoder")

#: How long an import waits for another import or run of the study before it says who is at work.
WAIT_SECONDS = 60.0

StudyDir = Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder.", show_default=False)]
GroupBy = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="Score by holding out together what shares this column of participants.csv (site, wave ...), "
        "or transcript, whatever study.toml says.",
        show_default=False,
    ),
]


@app.command()
@ends_well
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.", show_default=False)],
    as_json: AsJson = False,
) -> int:
    """Make an empty study folder, with every setting and what it means.

    Example:  precode new my-study
    """
    from corpus.new_study import make_study

    made = make_study(folder)
    if as_json:
        show_json({"study": str(folder), "made": list(made)})
        return DONE
    show(f"Made {folder}. Put transcripts into {folder / 'transcripts'}, codings into {folder / 'codings'}.")
    show(f"Then: precode run {folder}")
    return DONE


@app.command("import")
@ends_well
def bring_in(
    study_dir: StudyDir,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="What to bring in.", show_default=False)
    ],
    coder: Annotated[str, typer.Option(help="Whose codings these are, if the file does not say.")] = "",
    as_json: AsJson = False,
) -> int:
    """Bring transcripts, a codebook, codings or a model into a study; say what came and what did not, and why.

    Example:  precode import my-study interviews/*.txt codebook.csv anna.csv --coder anna
    """
    from corpus.files import study_lock
    from corpus.study import load_study
    from pipeline.bring_in import bring_all_in

    study = load_study(study_dir)
    with study_lock(study.root, wait_seconds=WAIT_SECONDS):
        brought = bring_all_in(study, files, coder=coder)
    if as_json:
        show_json({"brought": list(brought.brought), "set_aside": dict(brought.set_aside)})
    else:
        for line in brought.brought:
            show(line)
    return tell_set_aside(brought.set_aside.items())


@app.command()
@ends_well
def run(
    study_dir: StudyDir, group_by: GroupBy = "", retrain: Retrain = False, as_json: AsJson = False
) -> int:
    """Do the main job: read, learn, suggest, compare, report. Only what changed is done again.

    Example:  precode run my-study
    """
    from corpus.study import load_study

    study = load_study(study_dir, group_by=group_by)
    train_first(study, retrain=retrain, as_json=as_json)
    return run_flow(study, as_json=as_json)


@app.command()
@ends_well
def ingest(study_dir: StudyDir, as_json: AsJson = False) -> int:
    """Read the transcripts, and say which files cannot be read and why.

    Example:  precode ingest my-study
    """
    return one_stage(study_dir, "ingest", as_json=as_json)


@app.command()
@ends_well
def topics(study_dir: StudyDir, as_json: AsJson = False) -> int:
    """Estimate topics, and what they need.

    Example:  precode topics my-study
    """
    return one_stage(study_dir, "topics", as_json=as_json)


@app.command()
@ends_well
def train(study_dir: StudyDir, group_by: GroupBy = "", as_json: AsJson = False) -> int:
    """Train a model now on what people coded, score it on what it has not seen, use it unless it is worse.

    Runs do that by themselves when enough codings are new ([retrain] after_codings in study.toml).

    Example:  precode train my-study
    """
    from corpus.study import load_study

    return train_and_tell(load_study(study_dir, group_by=group_by), as_json=as_json)


@app.command()
@ends_well
def suggest(study_dir: StudyDir, as_json: AsJson = False) -> int:
    """Suggest codes for what nobody has read yet.

    Example:  precode suggest my-study
    """
    return one_stage(study_dir, "suggest", as_json=as_json)


@app.command("next")
@ends_well
def propose(
    study_dir: StudyDir,
    n: Annotated[
        int | None,
        typer.Option(
            "--n", min=1, help="Transcripts in a new draw: 4, or 50 of short answers.", show_default=False
        ),
    ] = None,
    random_share: Annotated[
        float, typer.Option(min=0, max=1, help="How many of them are drawn at random; one at least.")
    ] = 0.5,
    more: Annotated[bool, typer.Option("--more", help="Draw, though not all of the last is read.")] = False,
    as_json: AsJson = False,
) -> int:
    """Say which transcripts to code next, and what more excerpts of a code would bring.

    The draw is kept in next.csv; a new one comes when all of it is read.

    Example:  precode next my-study
    """
    from corpus.study import load_study
    from pipeline.learning_curve import curve_so_far
    from pipeline.next_draw import propose_next

    study = load_study(study_dir)
    with progress(quiet=as_json) as on_stage:
        proposed = propose_next(study, n=n, random_share=random_share, more=more, on_stage=on_stage)
    if not as_json:  # at once, for the curve takes as long as training
        tell_draw(proposed)
    with progress(quiet=as_json) as on_stage:
        curve = curve_so_far(study, on_stage=on_stage)
    return tell_curve(proposed, curve, as_json=as_json)


@app.command()
@ends_well
def audit(
    study_dir: Annotated[
        Path,
        typer.Argument(
            metavar="STUDY|TABLE", help="The study folder, or a table of ratings.", show_default=False
        ),
    ],
    group_by: GroupBy = "",
    level: Annotated[
        Literal["nominal", "ordinal", "interval", "ratio"],
        typer.Option(help="Of a table: what its values are; above nominal they are numbers."),
    ] = "nominal",
    as_json: AsJson = False,
) -> int:
    """Compare people with each other and the model with people; makes a run folder with audit.html.

    Given a CSV table instead, one unit a row and one coder a column, it prints how far those coders agree.

    Example:  precode audit my-study
    """
    if not study_dir.is_file():
        if level != "nominal":
            raise typer.BadParameter("codes of a study are given or not: nominal", param_hint="--level")
        return without_prefect(study_dir, group_by=group_by, as_json=as_json, tell=tell_audit)
    if group_by:
        raise typer.BadParameter("a table of ratings has no transcripts to group", param_hint="--group-by")
    from pipeline.agreement import rated_file

    found = rated_file.audit_table(study_dir, level=level)
    if as_json:
        show_json(rated_file.as_json(found))
        return DONE
    for line in rated_file.as_lines(found):
        show(line)
    return DONE


@app.command()
@ends_well
def report(study_dir: StudyDir, group_by: GroupBy = "", as_json: AsJson = False) -> int:
    """Write the report, and whatever it needs, into a run folder, without Prefect.

    Example:  precode report my-study
    """
    return without_prefect(study_dir, group_by=group_by, as_json=as_json)


app.command()(serve)
app.command()(verify)
app.command()(models)


@app.command()
@ends_well
def export(
    study_dir: StudyDir,
    to: Annotated[Literal["model"], typer.Option(help="What to write: the trained model.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: in the study folder.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Share it: do not ask.")] = False,
    without_names: Annotated[
        bool, typer.Option("--without-names", help="Take out what may be names of people.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Write the model of the newest run into one file for others, after a look at the names in its vocabulary.

    What may be names is listed in names-to-check.csv in the study, and on a terminal.

    Example:  precode export my-study --to model
    """
    from flows.cli_export import export_model

    return export_model(study_dir, out, yes=yes, without_names=without_names, as_json=as_json)


@app.command()
@ends_well
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to put the sample study.")] = Path(
        "precode-demo"
    ),
    as_json: AsJson = False,
) -> int:
    """Copy the sample study (invented) and do the main job on it.

    It brings the sentence encoder first, if it can; without network the model learns from words only.

    Example:  precode demo
    """
    from corpus.errors import StudyError
    from corpus.sample_study import copy_sample
    from corpus.study import load_study
    from models.encoder_files import install_encoder

    copy_sample(folder)
    try:
        install_encoder(tell=say)
    except StudyError as error:
        say(f"{error}\nThe demo goes on with words only.")
    return run_flow(load_study(folder), as_json=as_json)


def main() -> None:
    """The command ``precode``."""
    app(prog_name="precode")


if __name__ == "__main__":
    main()
