"""What is a published sentence encoder made of? Its configuration and its weights, read and checked.

A model folder holds ``model.safetensors``, ``tokenizer.json`` and ``config.json``, and beside them, if it was
published for sentences, ``sentence_bert_config.json`` and ``1_Pooling/config.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.errors import FileError

FloatArray = npt.NDArray[np.float32]

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
TOKENIZER_NAME = "tokenizer.json"
WINDOW_NAME = "sentence_bert_config.json"
POOLING_NAME = "1_Pooling/config.json"

HEADER_LIMIT = 10_000_000
"""Bytes that the header of a safetensors file may take; the real one takes 11,408."""

REMEDY = "Use a model folder of the BERT kind, as sentence-transformers publishes them, or `precode encoder install`."


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a BERT encoder.

    window: longest input in word pieces, the two marks at its ends included.
    """

    n_layers: int
    n_heads: int
    hidden_size: int
    epsilon: float
    window: int


@dataclass(frozen=True, slots=True)
class Published:
    """A model as it was published: its shape and its weights by name."""

    architecture: Architecture
    weights: Mapping[str, FloatArray]


def read_published(folder: Path) -> Published:
    """The model in a folder.

    Raises FileError for a file that is missing or damaged, and for a model that is no BERT with mean pooling.
    """
    architecture = read_architecture(folder)
    weights = read_safetensors(folder / WEIGHTS_NAME)
    problems = _misshapen(weights, architecture)
    if problems:
        raise FileError(WEIGHTS_NAME, problems, REMEDY)
    return Published(architecture, weights)


def read_architecture(folder: Path) -> Architecture:
    """The shape that a model folder states."""
    config = _read_json(folder, CONFIG_NAME)
    expected = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    problems = [
        f"{key} is {config.get(key)!r}, expected {value!r}"
        for key, value in expected.items()
        if config.get(key, value if key == "position_embedding_type" else None) != value
    ]
    sizes = ("num_hidden_layers", "num_attention_heads", "hidden_size", "max_position_embeddings")
    problems += [f"{key} is no number above 0" for key in sizes if not _is_count(config.get(key))]
    if problems:
        raise FileError(CONFIG_NAME, problems, REMEDY)
    if config["hidden_size"] % config["num_attention_heads"]:
        raise FileError(CONFIG_NAME, ["hidden_size is no multiple of num_attention_heads"], REMEDY)
    _refuse_other_pooling(folder)
    return Architecture(
        n_layers=config["num_hidden_layers"],
        n_heads=config["num_attention_heads"],
        hidden_size=config["hidden_size"],
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        window=_window(folder, config["max_position_embeddings"]),
    )


def read_safetensors(path: Path) -> dict[str, FloatArray]:
    """The float32 tensors of a file by name: eight bytes of header length, a JSON header, the raw numbers.

    Tensors of another type are left out. Raises FileError where header and bytes do not fit together.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(path.name, [f"cannot be read ({error.strerror})"], REMEDY) from None
    start = 8 + int.from_bytes(data[:8], "little")
    if len(data) < 8 or start > min(len(data), HEADER_LIMIT):
        raise FileError(path.name, ["is no safetensors file, or only a part of one"], REMEDY)
    try:
        header = json.loads(data[8:start])
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        return {
            name: _tensor(data, start, entry) for name, entry in entries.items() if entry["dtype"] == "F32"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FileError(path.name, ["its header does not fit its content"], REMEDY) from None


def expected_shapes(architecture: Architecture) -> dict[str, tuple[int | None, ...]]:
    """Name and shape of every tensor that the graph needs; None where any size will do."""
    hidden = architecture.hidden_size
    shapes: dict[str, tuple[int | None, ...]] = {
        "embeddings.word_embeddings.weight": (None, hidden),
        "embeddings.position_embeddings.weight": (None, hidden),
        "embeddings.token_type_embeddings.weight": (None, hidden),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(architecture.n_layers):
        prefix = f"encoder.layer.{layer}"
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _dense(f"{prefix}.attention.{part}", hidden, hidden)
        shapes |= _dense(f"{prefix}.intermediate.dense", None, hidden)
        shapes |= _dense(f"{prefix}.output.dense", hidden, None)
    for norm in norms:
        shapes |= {f"{norm}.weight": (hidden,), f"{norm}.bias": (hidden,)}
    return shapes


def _dense(name: str, rows: int | None, columns: int | None) -> dict[str, tuple[int | None, ...]]:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _misshapen(weights: Mapping[str, FloatArray], architecture: Architecture) -> list[str]:
    problems = []
    for name, shape in expected_shapes(architecture).items():
        found = weights.get(name)
        if found is None:
            problems.append(f"{name} is missing (or not float32)")
        elif len(found.shape) != len(shape) or any(
            size not in (None, seen) for size, seen in zip(shape, found.shape, strict=True)
        ):
            problems.append(f"{name} has shape {found.shape}, expected {shape}".replace("None", "any"))
    positions = weights.get("embeddings.position_embeddings.weight")
    if not problems and positions is not None and len(positions) < architecture.window:
        problems.append(f"{len(positions)} positions, fewer than the window of {architecture.window}")
    return problems


def _tensor(data: bytes, start: int, entry: Mapping[str, Any]) -> FloatArray:
    first, last = entry["data_offsets"]
    if not 0 <= first <= last <= len(data) - start:
        raise ValueError("offsets outside the file")
    return np.frombuffer(data[start + first : start + last], dtype="<f4").reshape(entry["shape"])


def _window(folder: Path, n_positions: int) -> int:
    if not (folder / WINDOW_NAME).is_file():
        return min(n_positions, 256)
    stated = _read_json(folder, WINDOW_NAME).get("max_seq_length")
    return min(n_positions, stated) if isinstance(stated, int) and stated > 0 else n_positions


def _refuse_other_pooling(folder: Path) -> None:
    if not (folder / POOLING_NAME).is_file():
        return
    modes = {key for key, on in _read_json(folder, POOLING_NAME).items() if on is True}
    other = {mode for mode in modes if mode.startswith("pooling_mode_")} - {"pooling_mode_mean_tokens"}
    if other:
        raise FileError(
            POOLING_NAME, [f"{mode} is on, expected the mean alone" for mode in sorted(other)], REMEDY
        )


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads((folder / name).read_bytes())
    except OSError as error:
        raise FileError(name, [f"cannot be read ({error.strerror})"], REMEDY) from None
    except ValueError:
        raise FileError(name, ["is no JSON"], REMEDY) from None
    if not isinstance(value, dict):
        raise FileError(name, ["is no JSON object"], REMEDY)
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
