"""``precode export --to model``: show what may be names, ask, write.

The words themselves are shown on a terminal only, to whom they belong; a log and ``--json`` get counts and the name
of the file in the study that lists them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.terminal import DONE, WRONG_USE, say, show, show_json
from flows.told import nearest_path

if TYPE_CHECKING:
    from corpus.study import Study
    from pipeline.share_model import Shareable


def export_model(study_dir: Path, out: Path | None, *, yes: bool, without_names: bool, as_json: bool) -> int:
    """Write the model into one file if whoever asks for it agrees."""
    from corpus.files import study_lock
    from corpus.study import load_study
    from pipeline.share_model import look_at_model, share_model

    study = load_study(study_dir)
    on_terminal = not as_json and sys.stdin.isatty() and sys.stderr.isatty()
    with study_lock(study.root):
        found = look_at_model(study)
    told = facts_of(study, found)
    if not as_json:
        tell_what_is_in_it(study, found, with_words=on_terminal, without_names=without_names)
    if not (yes or (on_terminal and typer.confirm("Share it?", default=False, err=True))):
        say("Nothing was written." if on_terminal else f"Nothing was written. {LOOK_FIRST}")
        if as_json:
            show_json({**told, "written": None})
        return DONE if on_terminal else WRONG_USE
    with study_lock(study.root):
        shared = share_model(study, found, out, without_names=without_names)
    if as_json:
        show_json({**told, "written": str(shared.path), "n_left_out": shared.n_left_out})
        return DONE
    if without_names:
        show(f"{shared.n_left_out:,} of {shared.n_ngrams:,} n-grams are left out. {CHANGES}")
    show(f"Model: {nearest_path(shared.path)}")
    return DONE


LOOK_FIRST = (
    "Look through names-to-check.csv in the study, then add --yes, and --without-names to take them out."
)
CHANGES = "Probabilities change a little where one of them is said, and nowhere else."


def facts_of(study: Study, found: Shareable) -> dict[str, object]:
    """What a machine is told: counts and files, no word."""
    from corpus.names_to_check import NAMES_FILE

    return {
        "run_id": found.run_id,
        "names_to_check": str(study.root / NAMES_FILE),
        "n_names": found.n_listed,
        "n_codes": len(found.model.codes),
        "n_ngrams": len(found.model.words.vocabulary),
        "encoder": found.card["encoder"],
        "holds_embeddings": found.holds_embeddings,
    }


def tell_what_is_in_it(study: Study, found: Shareable, *, with_words: bool, without_names: bool) -> None:
    """What the owner should know before others get it."""
    from corpus.names_to_check import NAMES_FILE
    from pipeline.share_model import EMBEDDINGS

    n_ngrams = len(found.model.words.vocabulary)
    say(
        f"The model of run {found.run_id} knows {len(found.model.codes)} codes by {n_ngrams:,} words, pairs of words"
    )
    say("and parts of words that were said in the interviews. No transcript, excerpt or quote is in it.")
    say(
        "The names of its codes and the study's title are in it as they are: look whether they name somebody."
    )
    if found.holds_embeddings:
        say(EMBEDDINGS)
    n_names = len(found.listed)
    say(
        f"{n_names} of its words may name somebody; they are listed in {nearest_path(study.root / NAMES_FILE)}:"
    )
    for why, n in found.n_listed.items():
        words = [word for word, reason in found.listed.items() if reason == why]
        say(f"  {n} {why}" + (f": {', '.join(words)}" if with_words else ""))
    if found.names.n_without_case:
        say(
            f"{found.names.n_without_case} transcripts are all in one case: names in them are found by labels only."
        )
    if study.settings.study.language != "en":
        say(
            "In languages that begin common words with capitals, as German does, the list is longer than need be."
        )
    say(
        "A name that is also a common word (Will, Grace), or that is written in lower case, may be missing here."
    )
    if n_names:
        say("Mark what is no name in the column 'keep' of that file: then it is listed no more.")
        say("They are taken out of its words." if without_names else "--without-names takes out the others.")
