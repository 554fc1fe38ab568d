"""Overview: what was read, what was suggested, what the model knows, what needs attention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.leak import PERSON_COLUMNS
from pipeline.receive_model import FROM_ELSEWHERE
from pipeline.report.beside_view import BesideView
from pipeline.report.codes_view import in_words
from pipeline.report.figures import Piece, stacked
from pipeline.report.levels import (
    FEW_SEGMENTS,
    HARDLY,
    LEVELS,
    NOT_YET,
    Level,
    judged_on_few,
    level_of,
    scored_rows,
)
from pipeline.report.tables import RunTables
from pipeline.report.wording import count, count_of, percent

#: Share of repeated texts from which the overview warns of them.
MANY_REPEATED = 0.05
SHOWN_CODES = 8
#: So many notes are said in full, more are counted.
NOTES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class LevelView:
    """Codes of one level. left_out: how many more there are than ``codes`` names."""

    level: Level
    codes: tuple[str, ...]
    n_codes: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Attention:
    """Something to look at. target: anchor of the section that says more."""

    text: str
    target: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen.

    no_suggestions: why there is none, or "". n_expected: how many suggestions can be expected to be right.
    n_suggestions: those with a percentage, "" if there is none. n_first: suggestions without a percentage, of
    codes that are not learned yet; "" if there is none.
    encoder: name of the sentence encoder, or "" for words only; then why_words says why.
    """

    n_transcripts: str
    n_words: str
    n_coders: str
    n_codings: str
    n_read_transcripts: str
    n_segments: str
    n_suggestions: str
    n_suggested_segments: str
    n_suggested_transcripts: str
    n_expected: str
    n_first: str
    n_unread: str
    n_without: str
    no_suggestions: str
    levels: tuple[LevelView, ...]
    bar: tuple[Piece, ...]
    attention: tuple[Attention, ...]
    encoder: str
    why_words: str


def overview(run: RunTables, beside: BesideView) -> Overview:
    """The first screen."""
    facts = run.summary
    scored = [row for row in run.suggestions if row.probability is not None]
    keys = {(row.transcript, row.start, row.end) for row in scored}
    n_first = len(run.suggestions) - len(scored)
    n_unread = facts["n_segments"] - facts["n_context_segments"] - facts["n_read_segments"]
    levels = tuple(_levels(run))
    return Overview(
        n_transcripts=count_of(facts["n_transcripts"], "transcript"),
        n_words=count_of(facts["n_words"], "word"),
        n_coders=count_of(len(facts["coders"]), "coder"),
        n_codings=count_of(sum(facts["n_codings"].values()), "coding"),
        n_read_transcripts=count(facts["n_read_transcripts"]),
        n_segments=count_of(facts["n_segments"], "segment"),
        n_suggestions=count_of(len(scored), "suggestion") if scored else "",
        n_suggested_segments=count_of(len(keys), "segment"),
        n_suggested_transcripts=count_of(len({key[0] for key in keys}), "transcript"),
        n_expected=count(round(sum(row.probability or 0 for row in scored))),
        n_first=count_of(n_first, "first suggestion") if n_first else "",
        n_unread=count_of(n_unread, "segment"),
        n_without=count(n_unread - len(keys)),
        no_suggestions=why_no_suggestions(run, n_unread=n_unread),
        levels=levels,
        bar=stacked([(found.level.key, found.n_codes) for found in levels]),
        attention=tuple(_attention(run, beside)),
        encoder=encoder_of(run),
        why_words=_why_words(run),
    )


def encoder_of(run: RunTables) -> str:
    """Name of the sentence encoder that the run used, "" for words only."""
    return str(run.summary.get("encoder", ""))


def _why_words(run: RunTables) -> str:
    asked = run.summary["settings"].get("model", {}).get("encoder")
    if asked == "none":
        return "words only (study.toml asks for no sentence encoder)"
    return "words only (no sentence encoder; precode encoder install brings one)"


def why_no_suggestions(run: RunTables, *, n_unread: int) -> str:
    """Why the run suggests nothing, in a sentence, or ""."""
    if run.suggestions:
        return ""
    if not sum(run.summary["n_codings"].values()):
        return (
            "Nobody has coded anything yet, so there is nothing to learn from. "
            "Put codings into codings/ and run again."
        )
    if not any(row.learned for row in run.codes):
        return "No code could be learned yet, so nothing is suggested. The section on codes says what each one needs."
    if n_unread <= 0:
        return (
            "People have read every segment, so there is nothing left to suggest. "
            "Add transcripts that nobody has coded."
        )
    return "No segment reached the threshold of any code."


def _levels(run: RunTables) -> Iterator[LevelView]:
    rows = scored_rows(run.codes)
    for level in LEVELS:
        names = [row.code for row in rows if level_of(row) is level]
        yield LevelView(level, tuple(names[:SHOWN_CODES]), len(names), len(names[SHOWN_CODES:]))


def _attention(run: RunTables, beside: BesideView) -> Iterator[Attention]:
    files, facts = run.summary["files"], run.summary
    unproven = all(row.probability is None for row in run.suggestions)
    if run.suggestions and unproven and not any(row.learned for row in run.codes):
        why = "No code could be learned" if sum(facts["n_codings"].values()) else "Nobody has coded anything"
        yield Attention(f"{why} yet: what is suggested comes mostly from the codebook.", "suggestions")
    yield from _about_files(files)
    if n_unplaced := facts["placement"]["unplaced"]:
        yield Attention(f"{count_of(n_unplaced, 'coding')} could not be placed on any segment.", "notes")
    if len(facts["notes"]) <= NOTES_AT_ONCE:
        yield from (Attention(_sentence(note), "notes") for note in facts["notes"])
    else:
        yield Attention(
            f"{count_of(len(facts['notes']), 'note')} on codings, codebook and participants.", "notes"
        )
    rows = scored_rows(run.codes)
    n_weak = sum(level_of(row) is HARDLY for row in rows)
    if n_weak:
        yield Attention(
            f"{count_of(n_weak, 'code')} hardly known: doubt most what the model says of them.", "codes"
        )
    n_few = sum(map(judged_on_few, rows))
    if n_few:
        yield Attention(
            f"{count_of(n_few, 'code')} known from fewer than {FEW_SEGMENTS} coded segments: how well is uncertain.",
            "codes",
        )
    n_missing = sum(level_of(row) is NOT_YET and row.status != FROM_ELSEWHERE for row in rows)
    if n_missing:
        yield Attention(
            f"{count_of(n_missing, 'code')} not learned yet: suggested without a percentage, if at all.",
            "codes",
        )
    n_without_skill = sum(row.learned and not row.suggested for row in rows)
    if n_without_skill:
        yield Attention(
            f"{count_of(n_without_skill, 'code')} learned, but no better than saying how common: not suggested.",
            "codes",
        )
    yield from _about_repeated(run)
    yield from _about_people(run)
    if sum(beside.n_pairs) and not beside.n_pairs[0]:
        yield Attention(
            "No two coders read the same segments blind: agreement between people is unknown.", "agreement"
        )


def _about_repeated(run: RunTables) -> Iterator[Attention]:
    leak = run.evaluation.get("leak") or {}
    word_for_word, nearly = leak.get("share") or 0.0, leak.get("share_similar") or 0.0
    if max(word_for_word, nearly) < MANY_REPEATED:
        return
    how = "word for word" if word_for_word >= nearly else "nearly word for word"
    n = leak["n_texts_on_both_sides" if word_for_word >= nearly else "n_similar_on_both_sides"]
    said = f"{count_of(n, 'segment')} ({percent(max(word_for_word, nearly))}) repeat {how} in other groups"
    yield Attention(in_words(f"{said}: figures may flatter the model.", run), "how-leak")


def _about_people(run: RunTables) -> Iterator[Attention]:
    """Whoever speaks on both sides; the way to hold them out together depends on what is known of them."""
    n_transcripts = (run.evaluation.get("leak") or {}).get("n_transcripts_of_these_people", 0)
    if not n_transcripts:
        return
    column = next((name for name in PERSON_COLUMNS if name in run.summary["attributes"]), "")
    if column:
        remedy = f'[evaluation] group_by = "{column}" in study.toml'
    else:
        remedy = 'a column participant in participants.csv with [evaluation] group_by = "participant"'
    n_people = run.evaluation["leak"]["n_people_on_both_sides"]
    who = (
        "The same participant speaks in"
        if n_people == 1
        else f"{n_people:,} participants speak in several of"
    )
    yield Attention(
        f"{who} {n_transcripts:,} transcripts of different folds: figures may flatter the model. "
        f"{remedy[:1].upper()}{remedy[1:]} holds them out together.",
        "how-leak",
    )


def _sentence(note: str) -> str:
    """A note with a full stop, and a capital unless it begins with a name."""
    begins_plainly = note.startswith(("assumed ", "no ", "every ", "all "))
    return f"{note[:1].upper() if begins_plainly else note[:1]}{note[1:]}."


def _about_files(files: list[dict[str, object]]) -> Iterator[Attention]:
    n_aside = sum(not file["n_transcripts"] for file in files)
    n_partly = sum(bool(file["n_transcripts"] and file["rejected"]) for file in files)
    n_warned = sum(bool(file["n_transcripts"] and file["warnings"]) for file in files)
    if n_aside:
        yield Attention(
            f"{count_of(n_aside, 'file')} could not be read and {_was(n_aside)} set aside.", "notes"
        )
    if n_partly:
        yield Attention(f"{count_of(n_partly, 'file')} {_was(n_partly)} read in part only.", "notes")
    if n_warned:
        yield Attention(f"{count_of(n_warned, 'file')} {_was(n_warned)} read with warnings.", "notes")


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
