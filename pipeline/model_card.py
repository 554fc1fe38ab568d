"""The card of a model: what it learned from, and the hashes of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corpus.files import digest
from models.encoder_files import PRECISIONS
from models.store import hashes_of
from pipeline.cache import library_versions
from pipeline.target import Target

SCHEMA = 2
#: What says what a code means; its colour and its place in the file do not.
MEANING = ("name", "parent", "definition", "include", "exclude")
_OWN_ENCODER = "one of the study's own"

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
        "encoder": encoder if encoder in PRECISIONS or not encoder else _OWN_ENCODER,
        "n_segments": len(target.rows),
        "n_groups": len(set(target.groups)),
        "libraries": library_versions(),
        "sha256": hashes_of(files),
    }


def code_meanings(codebook: Sequence[Row]) -> dict[str, str]:
    """Code -> sha256 of what it means, whatever the order of the codebook.

    All codes count, also those that are not learned yet: each draws the line where the next one begins.
    """
    return {row["name"]: digest({field: row[field] for field in MEANING}) for row in codebook}
