"""A trained theme model as files: ``model.json`` and ``model.npz``, never pickle."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from models.calibration import Calibration
from models.linear import Linear
from models.members import Fitted, FittedContext, FittedWords
from models.ngrams import Vocabulary
from models.theme_model import ThemeModel

SCHEMA = 2


class ModelFileError(ValueError):
    """The files are no model that this version reads."""


def model_files(model: ThemeModel) -> dict[str, bytes]:
    """File name -> bytes; the same model gives the same bytes."""
    arrays = {
        "slopes": model.calibration.slopes,
        "shifts": model.calibration.shifts,
        "thresholds": model.thresholds,
    }
    members = {}
    for name, fitted in model.members.items():
        members[name] = _describe(fitted)
        arrays |= {f"{name}.{key}": array for key, array in _arrays(fitted).items()}
    card = {"schema": SCHEMA, "codes": list(model.codes), "members": members, "shares": dict(model.shares)}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{name: np.asarray(array) for name, array in arrays.items()})
    return {
        "model.json": json.dumps(card, ensure_ascii=False, sort_keys=True).encode(),
        "model.npz": stream.getvalue(),
    }


def read_model(folder: Path) -> ThemeModel:
    """The model in a folder.

    Raises ModelFileError for files of another schema or with arrays that do not fit together.
    """
    try:
        return _read(folder)
    except ModelFileError:
        raise
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{folder.name}: not a whole model ({error})") from error


def _read(folder: Path) -> ThemeModel:
    card = json.loads((folder / "model.json").read_bytes())
    if card.get("schema") != SCHEMA:
        raise ModelFileError(f"model.json has schema {card.get('schema')}, this version reads {SCHEMA}")
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        members = {name: _rebuild(name, described, arrays) for name, described in card["members"].items()}
        calibration = Calibration(arrays["slopes"], arrays["shifts"])
        model = ThemeModel(tuple(card["codes"]), members, card["shares"], calibration, arrays["thresholds"])
    per_code = [model.thresholds, calibration.slopes, calibration.shifts]
    per_code += [fitted.linear.intercepts for fitted in members.values()]
    if set(model.shares) != set(members) or {array.shape for array in per_code} != {(len(model.codes),)}:
        raise ModelFileError("model.npz does not fit the codes in model.json")
    return model


def _describe(fitted: Fitted) -> dict[str, Any]:
    if isinstance(fitted, FittedWords):
        return {"words": list(fitted.vocabulary.words), "characters": list(fitted.vocabulary.characters)}
    return {}


def _arrays(fitted: Fitted) -> dict[str, Any]:
    arrays = {"weights": fitted.linear.weights.astype(np.float32), "intercepts": fitted.linear.intercepts}
    return arrays | ({"idf": fitted.idf} if isinstance(fitted, FittedWords) else {})


def _rebuild(name: str, described: dict[str, Any], arrays: Any) -> Fitted:
    linear = Linear(arrays[f"{name}.weights"].astype(np.float64), arrays[f"{name}.intercepts"])
    if "words" not in described:
        return FittedContext(linear)
    vocabulary = Vocabulary(tuple(described["words"]), tuple(described["characters"]))
    idf = arrays[f"{name}.idf"]
    if linear.weights.shape[1:] != (len(vocabulary),) or idf.shape != (len(vocabulary),):
        raise ModelFileError("model.npz does not fit the vocabulary in model.json")
    return FittedWords(vocabulary, idf, linear)
