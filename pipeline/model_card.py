"""The card of a model: what it learned from, how it was scored, and the hashes of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.codebook import read_codebook
from corpus.coded import read_coded
from corpus.errors import FileError
from corpus.files import digest
from corpus.names import shown_name
from corpus.readers import read_transcripts
from corpus.study import Study, transcript_files
from models.encoder_files import PRECISIONS
from models.store import CARD, ModelFileError, hashes_of
from pipeline.cache import library_versions
from pipeline.target import Target
from pipeline.units import CODEBOOK_FIELDS

SCHEMA = 2
#: What says what a code means; its colour and its place in the file do not.
MEANING = ("name", "parent", "definition", "include", "exclude")
OTHER_CODEBOOK = "the model is of another codebook"
_THEIR_CODEBOOK = (
    "Ask for the codebook.csv that the model learned from and use it here unchanged (its order does not matter), "
    "or train a model here: code some transcripts and 'precode run STUDY'."
)
OWN_ENCODER = "one of the study's own"
_KEYS = {
    "schema": int,
    "codes": list,
    "codebook_sha256": str,
    "codebook": dict,
    "encoder": str,
    "n_segments": int,
    "n_groups": int,
    "libraries": dict,
    "sha256": dict,
}
_SHARED_KEYS = {"scores": dict, "n_left_out": int}

_SCORES = ("n_positive", "n_groups", "prevalence", "average_precision", "brier_skill")

Row = Mapping[str, str]


def make_card(
    target: Target,
    codes: Sequence[str],
    codebook: Sequence[Row],
    files: Mapping[str, bytes],
    *,
    encoder: str,
) -> dict[str, object]:
    """The card that is kept beside a model.

    codes: those that the model knows. codebook: all codes of the study, with the fields of MEANING.
    encoder: its name, "" for words only; the path of a folder is not repeated.
    """
    meanings = code_meanings(codebook)
    return {
        "schema": SCHEMA,
        "codes": list(codes),
        "codebook_sha256": digest(meanings),
        "codebook": meanings,
        "encoder": encoder if encoder in PRECISIONS or not encoder else OWN_ENCODER,
        "n_segments": len(target.rows),
        "n_groups": len(set(target.groups)),
        "libraries": library_versions(),
        "sha256": hashes_of(files),
    }


def shared_card(
    card: Mapping[str, Any], files: Mapping[str, bytes], evaluation: Mapping[str, Any], *, n_left_out: int
) -> dict[str, Any]:
    """The card of a model that is given away: with how it was scored where it was trained.

    files: as they are given away. n_left_out: n-grams that were taken out because of names.
    """
    everything = evaluation["scopes"]["all"]
    scores = {row["code"]: {name: row[name] for name in _SCORES} for row in everything["codes"]}
    return {**card, "sha256": hashes_of(files), "n_left_out": n_left_out, "scores": scores}


def code_meanings(codebook: Sequence[Row]) -> dict[str, str]:
    """Code -> sha256 of what it means, whatever the order of the codebook.

    All codes count, also those that are not learned yet: each draws the line where the next one begins.
    """
    return {row["name"]: digest({field: row[field] for field in MEANING}) for row in codebook}


def codebook_of(study: Study) -> list[dict[str, str]]:
    """The codebook as a run would take it: that of codebook.csv, else the codes that occur in the codings."""
    path = study.root / "codebook.csv"
    codes = read_codebook(path.read_bytes()).codebook.codes if path.is_file() else ()
    if not codes:
        found = [
            transcript
            for name in transcript_files(study)
            for transcript in read_transcripts(study.transcripts_dir / name, source=name).transcripts
        ]
        codes = read_coded(study, found).codebook.codes
    return [{field: getattr(code, field) for field in CODEBOOK_FIELDS} for code in codes]


def check_card(card: Mapping[str, Any]) -> None:
    """Raise ModelFileError, with every problem, for a card that is not made as ours are."""
    if card.get("schema") != SCHEMA or isinstance(card.get("schema"), bool):
        raise ModelFileError(CARD, [f"not of schema {SCHEMA}, which this version of precode reads"])
    known = {**_KEYS, **_SHARED_KEYS}
    problems = [f"'{key}' is missing" for key in _KEYS if key not in card]
    problems += [f"{ascii(key)[:60]} is not known here" for key in card if key not in known]
    problems += [
        f"'{key}' is no {known[key].__name__}" for key in card if not _fits(card[key], known.get(key))
    ]
    if not problems:
        texts = [
            *card["codes"],
            *card["codebook"].values(),
            *card["libraries"].values(),
            *card["sha256"].values(),
        ]
        if not all(isinstance(text, str) for text in texts):
            problems.append("something that should be text is none")
        elif missing := set(card["codes"]) - set(card["codebook"]):
            problems.append(f"{len(missing)} codes are not in its codebook")
        elif digest(card["codebook"]) != card["codebook_sha256"]:
            problems.append("codebook_sha256 is not that of its codebook")
    if problems:
        raise ModelFileError(CARD, problems)


def _fits(value: object, kind: type | None) -> bool:
    return kind is None or (isinstance(value, kind) and not isinstance(value, bool))


def refuse_other_codebook(card: Mapping[str, Any], codebook: Sequence[Row], *, file: str) -> None:
    """Raise FileError, naming the codes that differ, unless a model learned from this codebook, in whatever order.

    card: one that ``check_card`` lets pass.
    """
    theirs, ours = card["codebook"], code_meanings(codebook)
    if not ours:
        raise FileError(file, ["the study has no codebook yet"], _THEIR_CODEBOOK)
    groups = {
        "mean something else here (name, parent, definition, include or exclude differ)": [
            code for code in ours if code in theirs and theirs[code] != ours[code]
        ],
        "are missing in this study's codebook": [code for code in theirs if code not in ours],
        "are only in this study's codebook": [code for code in ours if code not in theirs],
    }
    problems = [f"codes that {what}: {_named(codes)}" for what, codes in groups.items() if codes]
    if problems:
        raise FileError(file, [OTHER_CODEBOOK, *problems], _THEIR_CODEBOOK)


def _named(codes: Sequence[str], *, most: int = 12) -> str:
    names = ", ".join(shown_name(code) for code in sorted(codes)[:most])
    return names + (f" and {len(codes) - most} more" if len(codes) > most else "")
