"""What does a text mean, as numbers? Sentences become vectors whose nearness is likeness of meaning.

The vector of a text is the same bytes whatever stands beside it and whatever the number of cores: texts are
computed in groups of exactly equal length, so that nothing is padded, by a graph whose rows do not mix
(``models.encoder_graph``), on N_THREADS threads. Another processor may round otherwise, by about 1e-6.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.errors import FileError
from corpus.files import digest
from models.encoder_files import (
    COMMAND,
    DEFAULT,
    GRAPH_NAME,
    Kept,
    find_kept,
    install_encoder,
    is_installed,
)
from models.encoder_graph import INPUT, OUTPUT
from models.encoder_weights import TOKENIZER_NAME

__all__ = ["DEFAULT", "Encoder", "find_encoder", "install_encoder", "is_installed"]

FloatArray = npt.NDArray[np.float32]

N_THREADS = 2
BATCH_PIECES = 1024
"""Word pieces computed at once; bounds the memory, changes no result."""

TEXTS_AT_ONCE = 1000
METHOD = 1
"""Of cutting and averaging long texts; another number is another key."""

RUNTIME = ("numpy", "onnxruntime", "tokenizers")


@dataclass(frozen=True, slots=True)
class Encoder:
    """A sentence encoder that is kept on this machine; its graph is read when the first text comes."""

    kept: Kept

    @property
    def key(self) -> str:
        """Digest of all that an embedding depends on but the text: graph, tokenizer, method, versions."""
        versions = {name: version(name) for name in RUNTIME}
        return digest({"files": dict(self.kept.hashes), "method": METHOD, "runtime": versions})

    @property
    def hidden_size(self) -> int:
        """Length of a vector."""
        return self.kept.hidden_size

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, hidden_size), each row of unit length; zeros for a text without any word piece, as an empty one.

        A text longer than the window is cut into near-equal parts of about 180 words, where a word begins; its
        vector is the mean of theirs, made unit length again. Nothing is left out.
        """
        out = np.zeros((len(texts), self.hidden_size), dtype=np.float32)
        if not texts:
            return out
        loaded = _load_once(self.kept)
        for first in range(0, len(texts), TEXTS_AT_ONCE):
            _encode_some(loaded, texts[first : first + TEXTS_AT_ONCE], out[first : first + TEXTS_AT_ONCE])
        return out


def find_encoder(name: str, *, cache_dir: Path | None = None) -> Encoder:
    """The encoder of this name: "minilm", "minilm-int8", or a folder that holds a model.

    Raises StudyError, with the command that helps, if it is missing or its card is damaged.
    """
    return Encoder(find_kept(name, cache_dir=cache_dir))


def cut_points(begins: Sequence[bool], *, n_pieces_most: int) -> list[int]:
    """Where to cut a text that is longer than the window: near-equal parts, each starting at a word if one is near.

    begins: for each word piece, whether a word begins there.
    n_pieces_most: longest part, in word pieces. Returns starts and the end: [0, ..., n].
    """
    n = len(begins)
    slack = n_pieces_most // 12
    n_parts = -(-n // (n_pieces_most - slack))
    cuts = [round(k * n / n_parts) for k in range(1, n_parts)]
    # A word longer than the slack is cut in two.
    moved = [next((at for at in range(cut, cut - slack, -1) if begins[at]), cut) for cut in cuts]
    return [0, *moved, n]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Graph and tokenizer in memory. opening, closing: the marks around every input."""

    session: Any
    tokenizer: Any
    opening: int
    closing: int
    n_pieces_most: int


_loading = threading.Lock()


def _load_once(kept: Kept) -> _Loaded:
    """Load an encoder, or find it loaded: stages that run side by side share one, for it takes 200 MB."""
    with _loading:
        return _load(kept.folder, tuple(kept.hashes.items()), kept.window)


@functools.lru_cache(maxsize=1)
def _load(folder: Path, hashes: tuple[tuple[str, str], ...], window: int) -> _Loaded:
    """Check the files, then read them; raises FileError for what is damaged or no encoder."""
    import onnxruntime
    from tokenizers import Tokenizer

    Kept(folder, 0, window, dict(hashes)).check()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = N_THREADS
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    # Threads that wait by spinning take the processor from whoever else works.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            str(folder / GRAPH_NAME), options, providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_NAME))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        opening, closing = tokenizer.encode("").ids
    except Exception as error:  # both libraries raise bare Exceptions of many kinds
        problem = f"cannot be loaded by onnxruntime {onnxruntime.__version__} ({type(error).__name__})"
        raise FileError(folder, [problem], f"Run `{COMMAND}` to bring the sentence encoder anew.") from error
    return _Loaded(session, tokenizer, opening, closing, window - 2)


def _encode_some(loaded: _Loaded, texts: Sequence[str], out: FloatArray) -> None:
    """Fill ``out``, which is zeros, with the vectors of these texts."""
    owners: list[int] = []
    parts: list[Sequence[int]] = []
    for owner, encoding in enumerate(loaded.tokenizer.encode_batch(list(texts), add_special_tokens=False)):
        for part in _cut(encoding, loaded.n_pieces_most):
            owners.append(owner)
            parts.append(part)
    vectors = _run(loaded, parts, out.shape[1])
    for owner, rows in itertools.groupby(range(len(parts)), key=owners.__getitem__):
        out[owner] = _mean_direction(vectors[list(rows)])


def _mean_direction(vectors: FloatArray) -> FloatArray:
    """Unit length; a single vector is left as it is, to the bit."""
    if len(vectors) == 1:
        return np.asarray(vectors[0])
    total = vectors.astype(np.float64).sum(axis=0)
    return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def _cut(encoding: Any, n_pieces_most: int) -> Iterator[Sequence[int]]:
    """The word pieces of a text, in parts that fit the window."""
    ids: list[int] = encoding.ids
    if len(ids) <= n_pieces_most:
        if ids:
            yield ids
        return
    words = encoding.word_ids
    begins = [at == 0 or words[at] != words[at - 1] for at in range(len(ids))]
    cuts = cut_points(begins, n_pieces_most=n_pieces_most)
    for start, end in itertools.pairwise(cuts):
        yield ids[start:end]


def _run(loaded: _Loaded, parts: Sequence[Sequence[int]], hidden_size: int) -> FloatArray:
    """(len(parts), hidden_size): parts of equal length together, never padded."""
    out = np.empty((len(parts), hidden_size), dtype=np.float32)
    by_length: dict[int, list[int]] = defaultdict(list)
    for row, part in enumerate(parts):
        by_length[len(part)].append(row)
    for length, rows in sorted(by_length.items()):
        size = max(1, BATCH_PIECES // (length + 2))
        for first in range(0, len(rows), size):
            some = rows[first : first + size]
            ids = np.array([[loaded.opening, *parts[row], loaded.closing] for row in some], dtype=np.int64)
            out[some] = loaded.session.run([OUTPUT], {INPUT: ids})[0]
    return out
