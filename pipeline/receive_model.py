"""A model that was trained elsewhere: brought into a study, and used there while the study has nothing to learn from.

It is kept as the file that came, ``models/imported.precode-model``, and checked each time it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import FileError
from corpus.files import sha256_of, write_whole
from corpus.study import MODEL_SUFFIX, Study
from models.encoder_files import PRECISIONS
from models.encoder_source import MINILM
from models.members import CONTEXT, FittedContext
from models.nearest import NEAREST, FittedNearest
from models.one_file import read_packed, unpack
from models.store import CARD, REMEDY, check_hashes, parse_model, parse_object
from models.theme_model import NEVER, ThemeModel
from models.views import PARTS
from pipeline.encode import encoder_of
from pipeline.model_card import OWN_ENCODER, Row, check_card, codebook_of, refuse_other_codebook

IMPORTED = f"models/imported{MODEL_SUFFIX}"
USED = (
    "suggestions are an imported model's, for no code can be learned here yet: it is not scored on this study"
)
FROM_ELSEWHERE = "from an imported model: not scored on this study"


@dataclass(frozen=True, slots=True)
class Received:
    """A model from elsewhere, whole and as its card says. files: as ``models.store`` stores them, with the card."""

    model: ThemeModel
    card: Mapping[str, Any]
    files: Mapping[str, bytes]


def receive_model(study: Study, path: Path) -> list[str]:
    """Keep a model for a study; what was brought in, in lines.

    Raises FileError for a file that is damaged or no model, for a model of another codebook, and for one that needs a
    sentence encoder that the study does not use.
    """
    data = read_packed(path)
    received = _parse(data, file=path.name)
    refuse_other_codebook(received.card, codebook_of(study), file=path.name)
    refuse_other_encoder(received.card, encoder_of(study)[0], file=path.name)
    refuse_odd_members(received, file=path.name)
    target = study.root / IMPORTED
    replaced = ", in place of the one that was imported before" if target.is_file() else ""
    write_whole(target, data)
    return [
        f"{path.name}: a model of {len(received.model.codes)} codes{replaced}",
        f"{path.name}: it is used while no code can be learned from the study's own codings; it is not scored here",
    ]


def imported_sha256(study: Study) -> str:
    """Digest of the model that was imported, "" if none was: part of what a run depends on."""
    path = study.root / IMPORTED
    return sha256_of(path) if path.is_file() else ""


def imported_model(study: Study, codebook: Sequence[Row], *, encoder: str) -> Received | str | None:
    """The model that was imported; None if none was; the reason why it cannot be used if it does not fit.

    encoder: the one that the run uses, "" for words only.
    """
    path = study.root / IMPORTED
    if not path.is_file():
        return None
    try:
        received = _parse(read_packed(path), file=IMPORTED)
        refuse_other_codebook(received.card, codebook, file=IMPORTED)
        refuse_other_encoder(received.card, encoder, file=IMPORTED)
        refuse_odd_members(received, file=IMPORTED)
    except FileError as error:
        return f"the imported model is not used: {'; '.join(error.problems)}"
    return received


def imported_status(model: ThemeModel, code: str, otherwise: str) -> str:
    """What codes.csv says of a code while an imported model is used. otherwise: if that does not know the code."""
    if code not in model.codes:
        return otherwise
    never = model.thresholds[model.codes.index(code)] == NEVER
    return (
        "not suggested by the imported model: it was no better than how common it is"
        if never
        else FROM_ELSEWHERE
    )


def refuse_other_encoder(card: Mapping[str, Any], encoder: str, *, file: str) -> None:
    """Raise FileError unless the model sees what the study sees. encoder: the study's, "" for words only."""
    needed = card["encoder"]
    if needed == encoder or not needed:
        return
    here = "words only" if not encoder else f"'{encoder}'"
    remedy = (
        f"'precode encoder install --name {needed}', and encoder = \"{needed}\" under [model] in study.toml."
    )
    if needed == OWN_ENCODER:
        remedy = "Ask for a model that needs 'minilm' or words only."
    raise FileError(file, [f"the model needs the sentence encoder '{needed}', the study uses {here}"], remedy)


def refuse_odd_members(received: Received, *, file: str) -> None:
    """Raise FileError unless the members see what the card says: a run would only find out when it suggests."""
    model, encoder = received.model, received.card["encoder"]
    if bool(encoder) != (len(model.members) > 1):
        raise FileError(
            file, ["its card and its members do not agree on whether it needs a sentence encoder"], REMEDY
        )
    if encoder in PRECISIONS and _width(model) != len(PARTS) * MINILM.architecture.hidden_size:
        raise FileError(
            file, ["what it learned from embeddings is not of the width of the sentence encoder"], REMEDY
        )


def _parse(data: bytes, *, file: str) -> Received:
    files = unpack(data, file=file)
    card = parse_object(files[CARD], file=CARD)
    check_card(card)
    check_hashes(files, card)
    model = parse_model(files)
    if list(model.codes) != card["codes"]:
        raise FileError(file, ["the codes on its card are not those of the model"])
    return Received(model, card, files)


def _width(model: ThemeModel) -> int | None:
    """Of the view that its members beside the words see."""
    context, nearest = model.members.get(CONTEXT), model.members.get(NEAREST)
    if isinstance(context, FittedContext):
        return int(context.linear.weights.shape[1])
    return int(nearest.rows.shape[1]) if isinstance(nearest, FittedNearest) else None
