"""A trained theme model as files: ``model.json`` and ``model.npz`` beside their ``card.json``, never pickle.

What is read may come from a stranger: nothing in it is run, sizes are known before anything is unpacked, and no
message repeats what stands in it, for its vocabulary is what participants said.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.errors import FileError
from corpus.readers.archive import Archive
from corpus.readers.strict_json import JsonError, parse_json
from models.calibration import Calibration
from models.linear import Linear
from models.members import CONTEXT, WORDS, Fitted, FittedContext, FittedWords
from models.nearest import NEAREST, FittedNearest
from models.ngrams import Vocabulary
from models.theme_model import NEVER, ThemeModel
from models.views import PARTS

SCHEMA = 3
MODEL, ARRAYS, CARD = "model.json", "model.npz", "card.json"
#: Largest files that are read, in bytes: far above what a study of 60 codes on a laptop makes.
LIMITS: Mapping[str, int] = {MODEL: 64 * 2**20, ARRAYS: 256 * 2**20, CARD: 2**20}
REMEDY = "Take it again from where it came, or train a new one: 'precode run STUDY'."

_PER_CODE = ("slopes", "shifts", "thresholds")
_FIRST_VERSION = (1, 0)
#: Members that see the same view, and the array that has its width.
_SEEN = ((CONTEXT, "weights"), (NEAREST, "rows"))
#: What the numbers of an array are, by the end of its name, where they need not be exact: for the file's size.
_TYPES = {"weights": "<f4", "rows": "<f2"}
_EXACT = "<f8"
_LARGEST = 1e6

Array = npt.NDArray[Any]


class ModelFileError(FileError):
    """The files are no model that this version reads."""

    def __init__(self, file: str, problems: Sequence[str], remedy: str = REMEDY) -> None:
        super().__init__(file, problems, remedy)


def model_files(model: ThemeModel) -> dict[str, bytes]:
    """File name -> bytes, without the card; the same model gives the same bytes."""
    arrays = {
        "slopes": model.calibration.slopes,
        "shifts": model.calibration.shifts,
        "bend": model.calibration.bend,
        "thresholds": model.thresholds,
    }
    members = {}
    for name, fitted in model.members.items():
        members[name] = _describe(fitted)
        arrays |= {f"{name}.{key}": array for key, array in _arrays(fitted).items()}
    described = {
        "schema": SCHEMA,
        "codes": list(model.codes),
        "members": members,
        "shares": dict(model.shares),
    }
    stream = io.BytesIO()
    ordered = {name: np.ascontiguousarray(a) for name, a in sorted(arrays.items())}
    np.savez(stream, allow_pickle=False, **ordered)
    return {
        MODEL: json.dumps(described, ensure_ascii=False, sort_keys=True).encode(),
        ARRAYS: stream.getvalue(),
    }


def _describe(fitted: Fitted) -> dict[str, Any]:
    if isinstance(fitted, FittedWords):
        return {"words": list(fitted.vocabulary.words), "characters": list(fitted.vocabulary.characters)}
    return {}


def _arrays(fitted: Fitted) -> dict[str, Array]:
    if isinstance(fitted, FittedNearest):
        return {"rows": fitted.rows.astype(np.float16), "shares": fitted.shares}
    if not isinstance(fitted, FittedWords | FittedContext):
        raise TypeError(f"no such member is kept: {type(fitted).__name__}")
    arrays: dict[str, Array] = {
        "weights": fitted.linear.weights.astype(np.float32),
        "intercepts": fitted.linear.intercepts,
    }
    return arrays | ({"idf": fitted.idf} if isinstance(fitted, FittedWords) else {})


def hashes_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """File name -> sha256, as a card holds it."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def read_model(folder: Path) -> ThemeModel:
    """The model in a folder, checked against its card.

    Raises ModelFileError for files that are missing, too large, not those of the card, of another schema, or do
    not fit together.
    """
    files = {}
    for name, limit in LIMITS.items():
        path = folder / name
        if not path.is_file():
            raise ModelFileError(f"{folder.name}/{name}", ["missing"])
        if path.stat().st_size > limit:
            raise ModelFileError(f"{folder.name}/{name}", [f"larger than {limit // 2**20} MB"])
        files[name] = path.read_bytes()
    check_hashes(files, parse_object(files[CARD], file=CARD))
    return parse_model(files)


def check_hashes(files: Mapping[str, bytes], card: Mapping[str, Any]) -> None:
    """Raise ModelFileError unless the files are those whose sha256 the card holds: all of them, and no others.

    It tells damage and mix-ups; whoever changes a model on purpose can change its card too.
    """
    noted = card.get("sha256")
    if not isinstance(noted, dict):
        raise ModelFileError(CARD, ["no 'sha256' of the files beside it"])
    found = hashes_of({name: content for name, content in files.items() if name != CARD})
    problems = [f"{shown(name)} is missing" for name in noted if name not in found]
    problems += [f"{shown(name)} is not in the card" for name in found if name not in noted]
    problems += [
        f"{name} is damaged or another model's: its sha256 is not the card's"
        for name in found
        if name in noted and noted[name] != found[name]
    ]
    if problems:
        raise ModelFileError(CARD, problems)


def shown(name: object) -> str:
    """What a stranger's file calls something, safe in a message: short, and without signs that hide or move text."""
    return ascii(str(name)[:60])


def parse_object(data: bytes, *, file: str) -> dict[str, Any]:
    """The JSON object in some bytes. Raises ModelFileError for anything else."""
    try:
        found = parse_json(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ModelFileError(file, ["not UTF-8"]) from None
    except JsonError as error:
        raise ModelFileError(file, [str(error)]) from None
    if not isinstance(found, dict):
        raise ModelFileError(file, ["no JSON object"])
    return found


def parse_model(files: Mapping[str, bytes]) -> ThemeModel:
    """The model in the bytes of its two files.

    Raises ModelFileError for another schema, anything unknown or missing, codes and n-grams that are no strings or
    stand twice, and arrays of another shape or type or with numbers that are not finite.
    """
    described = parse_object(files[MODEL], file=MODEL)
    if described.get("schema") != SCHEMA:
        found = described.get("schema")
        what = found if isinstance(found, int) else "of another kind"
        raise ModelFileError(
            MODEL, [f"its schema is {what}, this version of precode reads {SCHEMA}"], "Train the model again."
        )
    _refuse_keys(described, {"schema", "codes", "members", "shares"}, MODEL)
    codes = _strings(described["codes"], "codes")
    if not codes:
        raise ModelFileError(MODEL, ["no code in it"])
    shapes = _expected_shapes(described["members"], len(codes))
    arrays = _read_arrays(files[ARRAYS], shapes)
    members = {name: _rebuild(name, row, arrays) for name, row in described["members"].items()}
    widths = {arrays[f"{name}.{key}"].shape[1] for name, key in _SEEN if f"{name}.{key}" in arrays}
    if len(widths) > 1:
        raise ModelFileError(ARRAYS, [f"{CONTEXT} and {NEAREST}: not of the same width"])
    calibration = Calibration(arrays["slopes"], arrays["shifts"], arrays["bend"])
    if (calibration.bend[:2] < 0).any():
        raise ModelFileError(ARRAYS, ["bend: a probability would fall where the score rises"])
    thresholds = arrays["thresholds"]
    if not (((thresholds >= 0) & (thresholds <= 1)) | (thresholds == NEVER)).all():
        raise ModelFileError(ARRAYS, ["a threshold is no probability"])
    return ThemeModel(codes, members, _shares(described["shares"], set(members)), calibration, thresholds)


def _refuse_keys(found: object, known: set[str], what: str) -> None:
    if not isinstance(found, dict):
        raise ModelFileError(MODEL, [f"{what}: no JSON object"])
    problems = [f"{what}: '{key}' is missing" for key in sorted(known - set(found))]
    problems += [f"{what}: {shown(key)} is not known here" for key in sorted(set(found) - known)]
    if problems:
        raise ModelFileError(MODEL, problems)


def _strings(found: object, what: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not set(map(type, found)) <= {str} or not all(found):
        raise ModelFileError(MODEL, [f"{what}: not a list of texts"])
    if len(set(found)) < len(found):
        raise ModelFileError(MODEL, [f"{what}: {len(found) - len(set(found))} stand twice"])
    return tuple(found)


def _shares(found: object, members: set[str]) -> dict[str, float]:
    _refuse_keys(found, members, "shares")
    shares: dict[str, Any] = found if isinstance(found, dict) else {}
    if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in shares.values()):
        raise ModelFileError(MODEL, ["shares: not numbers in 0..1"])
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise ModelFileError(MODEL, ["shares: they do not sum to 1"])
    return {name: float(share) for name, share in shares.items()}


def _expected_shapes(members: object, n_codes: int) -> dict[str, tuple[int | None, ...]]:
    """Name of an array -> its shape; None where any length will do."""
    known = {WORDS, CONTEXT, NEAREST}
    if not isinstance(members, dict) or WORDS not in members or not set(members) <= known:
        raise ModelFileError(MODEL, [f"members: not '{WORDS}', with or without '{CONTEXT}' and '{NEAREST}'"])
    shapes: dict[str, tuple[int | None, ...]] = {"bend": (3,)}
    shapes |= dict.fromkeys(_PER_CODE, (n_codes,))
    for name, row in members.items():
        width = None
        _refuse_keys(row, {"words", "characters"} if name == WORDS else set(), f"member '{name}'")
        if name == NEAREST:
            shapes |= {f"{name}.rows": (None, None), f"{name}.shares": (None, n_codes)}
            continue
        if name == WORDS:
            width = sum(len(_strings(row[key], key)) for key in ("words", "characters"))
            shapes[f"{name}.idf"] = (width,)
        shapes |= {f"{name}.weights": (n_codes, width), f"{name}.intercepts": (n_codes,)}
    return shapes


def _read_arrays(data: bytes, shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, Array]:
    limit = LIMITS[ARRAYS]
    try:
        archive = Archive(data, file=ARRAYS, kind="an NPZ archive", largest=limit, together=limit)
        names = {f"{name}.npy" for name in shapes}
        problems = [f"{name} is missing" for name in sorted(names - set(archive.names))]
        problems += [f"{shown(name)} is not known here" for name in sorted(set(archive.names) - names)]
        if problems:
            raise ModelFileError(ARRAYS, problems)
        return {name: _array(name, archive.read(f"{name}.npy"), shape) for name, shape in shapes.items()}
    except ModelFileError:
        raise
    except FileError as error:
        raise ModelFileError(ARRAYS, error.problems) from None


def _array(name: str, data: bytes, expected: tuple[int | None, ...]) -> Array:
    """An array of finite floats, of this shape; its header is read as text, so that no object is ever made."""
    stream = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(stream) != _FIRST_VERSION:
            raise ValueError
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        raise ModelFileError(ARRAYS, [f"{name}: no NPY array of version 1.0"]) from None
    wanted = _TYPES.get(name.rpartition(".")[2], _EXACT)
    if dtype.str != wanted:
        raise ModelFileError(ARRAYS, [f"{name}: made of {shown(dtype)}, not of {wanted}: never unpacked"])
    fits = len(shape) == len(expected) and all(b in (None, a) for a, b in zip(shape, expected, strict=True))
    content = memoryview(data)[stream.tell() :]
    if fortran or not fits or math.prod(shape) * dtype.itemsize != len(content):
        raise ModelFileError(ARRAYS, [f"{name}: its shape does not fit {MODEL}"])
    values: Array = np.frombuffer(content, dtype=dtype).reshape(shape)
    if not np.isfinite(values).all():
        raise ModelFileError(ARRAYS, [f"{name}: some of its numbers are not finite"])
    if values.size and float(np.abs(values).max()) > _LARGEST:
        raise ModelFileError(ARRAYS, [f"{name}: some of its numbers are beyond what a model learns"])
    return values


def _rebuild(name: str, described: Mapping[str, Any], arrays: Mapping[str, Array]) -> Fitted:
    if name == NEAREST:
        return _rebuild_nearest(arrays[f"{name}.rows"], arrays[f"{name}.shares"])
    linear = Linear(arrays[f"{name}.weights"].astype(np.float64), arrays[f"{name}.intercepts"])
    if name == CONTEXT:
        _check_parts(name, linear.weights)
        return FittedContext(linear)
    vocabulary = Vocabulary(tuple(described["words"]), tuple(described["characters"]))
    return FittedWords(vocabulary, arrays[f"{name}.idf"], linear)


def _rebuild_nearest(rows: Array, shares: Array) -> FittedNearest:
    _check_parts(NEAREST, rows)
    if len(rows) != len(shares) or not len(rows):
        raise ModelFileError(ARRAYS, [f"{NEAREST}: not as many rows as shares"])
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ModelFileError(ARRAYS, [f"{NEAREST}: a share is not in 0..1"])
    return FittedNearest(rows.astype(np.float32), shares)


def _check_parts(name: str, rows: Array) -> None:
    if rows.shape[1] % len(PARTS):
        raise ModelFileError(ARRAYS, [f"{name}: not {len(PARTS)} equal parts"])
