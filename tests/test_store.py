from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.members import WORDS
from models.ngrams import count_ngrams
from models.store import LIMITS, ModelFileError, hashes_of, model_files, read_model
from models.theme_model import NEVER

#: Weights are stored as float32; what a model says changes by no more than this.
STORED_TOLERANCE = 1e-6


@pytest.fixture
def stored(trained, tmp_path: Path) -> Path:
    """A folder with the files of ``trained``."""
    for name, content in model_files(trained.model).items():
        (tmp_path / name).write_bytes(content)
    note_hashes(tmp_path)
    return tmp_path


def note_hashes(folder: Path) -> None:
    """Write a card that fits the files, as whoever changes a model on purpose would."""
    files = {name: (folder / name).read_bytes() for name in ("model.json", "model.npz")}
    (folder / "card.json").write_text(json.dumps({"sha256": hashes_of(files)}))


def test_model_that_was_stored_says_the_same(toy, trained, stored: Path) -> None:
    model = read_model(stored)
    views = {WORDS: count_ngrams(toy.texts, model.words.vocabulary)}
    before, after = trained.model.probabilities(views), model.probabilities(views)
    np.testing.assert_allclose(after, before, atol=STORED_TOLERANCE)
    np.testing.assert_array_equal(after >= model.thresholds, before >= trained.model.thresholds)
    np.testing.assert_array_equal(model.thresholds, trained.model.thresholds)
    np.testing.assert_array_equal(model.calibration.slopes, trained.model.calibration.slopes)
    np.testing.assert_array_equal(model.words.idf, trained.model.words.idf)
    assert model.codes == ("wait", "cost", "kin")
    assert model.words.vocabulary == trained.model.words.vocabulary


@pytest.fixture
def stored_whole(whole, tmp_path: Path) -> Path:
    """A folder with the files of a model with all members."""
    for name, content in model_files(whole.model).items():
        (tmp_path / name).write_bytes(content)
    note_hashes(tmp_path)
    return tmp_path


def test_model_with_all_members_says_the_same_after_it_was_stored(whole, stored_whole: Path) -> None:
    """Rows of excerpts are stored as float16: that moves a vote by about a thousandth."""
    model = read_model(stored_whole)
    before, after = whole.model.probabilities(whole.views), model.probabilities(whole.views)
    np.testing.assert_allclose(after, before, atol=2e-3)
    np.testing.assert_array_equal(model.calibration.bend, whole.model.calibration.bend)
    assert model_files(model) == model_files(whole.model)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("nearest.rows", lambda a: a[:-1], "nearest: not as many rows as shares"),
        ("nearest.rows", lambda a: a[:, :-1], "nearest: not 5 equal parts"),
        ("nearest.rows", lambda a: a.astype(np.float32), "never unpacked"),
        ("nearest.rows", lambda a: a[:, :5], "context and nearest: not of the same width"),
        ("context.weights", lambda a: a * 1e9, "context.weights: some of its numbers are beyond"),
        ("nearest.shares", lambda a: a + 1, "nearest: a share is not in 0..1"),
        ("nearest.shares", lambda a: a[:, :-1], "nearest.shares: its shape"),
        ("bend", lambda a: -a, "bend: a probability would fall"),
        ("bend", lambda a: a[:2], "bend: its shape"),
    ],
)
def test_damaged_votes_and_bends_are_refused(
    stored_whole: Path, name: str, change: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    arrays = arrays_of(stored_whole)
    np.savez(stored_whole / "model.npz", **{**arrays, name: change(arrays[name])})
    assert said in refusal(stored_whole)


def test_storing_again_what_was_read_gives_the_same_bytes(trained, stored: Path) -> None:
    assert model_files(read_model(stored)) == model_files(trained.model)


def test_files_say_nothing_of_when_they_were_made(trained) -> None:
    with zipfile.ZipFile(io.BytesIO(model_files(trained.model)["model.npz"])) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_files_hold_no_pickle(trained) -> None:
    files = model_files(trained.model)
    json.loads(files["model.json"])
    with np.load(io.BytesIO(files["model.npz"]), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind == "f" for name in arrays.files)
        assert "allow_pickle" not in arrays.files


class Trap:
    """Would touch a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self.path,))


def arrays_of(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "model.npz") as found:
        return dict(found)


def refusal(folder: Path) -> str:
    """What is said of the model in a folder, whose card fits its files."""
    note_hashes(folder)
    with pytest.raises(ModelFileError) as caught:
        read_model(folder)
    return str(caught.value)


@pytest.mark.parametrize("place", ["slopes", "words.weights"])
def test_pickled_array_is_refused_and_never_opened(stored: Path, place: str) -> None:
    touched = stored / "touched"
    content = {**arrays_of(stored), place: np.array([Trap(touched)], dtype=object)}
    np.savez(stored / "model.npz", allow_pickle=True, **content)
    assert "never unpacked" in refusal(stored)
    assert not touched.exists()


def test_pickle_under_the_models_name_is_refused(stored: Path) -> None:
    touched = stored / "touched"
    (stored / "model.npz").write_bytes(pickle.dumps(Trap(touched)))
    assert "no zip archive" in refusal(stored)
    assert not touched.exists()


@pytest.mark.parametrize("schema", [0, 1, 2, 4, None, "3"])
def test_model_of_another_schema_is_refused_by_name(stored: Path, schema: object) -> None:
    described = json.loads((stored / "model.json").read_bytes())
    (stored / "model.json").write_text(json.dumps({**described, "schema": schema}))
    assert "schema" in refusal(stored)


Described = dict[str, Any]

DAMAGED_JSON: dict[str, tuple[Callable[[Described], object], str]] = {
    "a code more": (lambda d: d["codes"].append("more"), "shape"),
    "a code twice": (lambda d: d.update(codes=["wait", "wait", "kin"]), "codes: 1 stand twice"),
    "a code that is a number": (lambda d: d.update(codes=["wait", 2, "kin"]), "codes: not a list of texts"),
    "no codes": (lambda d: d.update(codes=[]), "no code in it"),
    "a word fewer": (lambda d: d["members"][WORDS]["words"].pop(), "shape"),
    "a word twice": (lambda d: d["members"][WORDS]["words"].append("queue"), "words: 1 stand twice"),
    "words that are no list": (lambda d: d["members"][WORDS].update(words="queue"), "words: not a list"),
    "another member": (lambda d: d["members"].update(other=d["members"][WORDS]), "members: not"),
    "no words": (lambda d: d.update(members={}), "members: not"),
    "members that are a list": (lambda d: d.update(members=[WORDS]), "members: not"),
    "a key more": (lambda d: d.update(hook="run"), "'hook' is not known here"),
    "a key fewer": (lambda d: d.pop("shares"), "'shares' is missing"),
    "shares above one": (lambda d: d["shares"].update({WORDS: 2}), "0..1"),
    "shares of nothing": (lambda d: d["shares"].update({WORDS: 0}), "sum to 1"),
    "a share that is a text": (lambda d: d["shares"].update({WORDS: "all"}), "0..1"),
}


@pytest.mark.parametrize("damage", DAMAGED_JSON)
def test_damaged_description_is_refused_with_its_reason(stored: Path, damage: str) -> None:
    described = json.loads((stored / "model.json").read_bytes())
    described["members"][WORDS]["words"].sort(key=lambda word: word == "queue")
    change, said = DAMAGED_JSON[damage]
    change(described)
    (stored / "model.json").write_text(json.dumps(described))
    told = refusal(stored)
    assert said in told
    assert "queue" not in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "no JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"schema": NaN}', "NaN"),
        (b'{"schema": 3, "schema": 3}', "duplicate key"),
        (b"[" * 5_000, "brackets"),
        (b"", "empty file"),
    ],
)
def test_what_is_no_json_is_refused(stored: Path, content: bytes, said: str) -> None:
    (stored / "model.json").write_bytes(content)
    assert said in refusal(stored)


Arrays = dict[str, np.ndarray]

DAMAGED_ARRAYS: dict[str, tuple[Callable[[Arrays], object], str]] = {
    "missing": (lambda a: a.pop("thresholds"), "thresholds.npy is missing"),
    "unknown": (lambda a: a.update(hook=np.ones(3)), "'hook.npy' is not known here"),
    "short": (lambda a: a.update(slopes=a["slopes"][:-1]), "slopes: its shape"),
    "more dimensions": (lambda a: a.update(slopes=a["slopes"][None]), "slopes: its shape"),
    "idf": (lambda a: a.update({f"{WORDS}.idf": a[f"{WORDS}.idf"][:-1]}), "words.idf: its shape"),
    "columns first": (
        lambda a: a.update({f"{WORDS}.weights": np.asfortranarray(a[f"{WORDS}.weights"])}),
        "shape",
    ),
    "whole numbers": (lambda a: a.update(slopes=np.ones(3, dtype=np.int64)), "never unpacked"),
    "texts": (lambda a: a.update(slopes=np.array(["a", "b", "c"])), "never unpacked"),
    "more exact weights": (
        lambda a: a.update({f"{WORDS}.weights": a[f"{WORDS}.weights"].astype(np.float64)}),
        "never unpacked",
    ),
    "nan": (
        lambda a: a.update(shifts=np.array([0, np.nan, 0])),
        "shifts: some of its numbers are not finite",
    ),
    "infinity": (lambda a: a.update(slopes=np.array([0, np.inf, 0])), "slopes: some of its numbers"),
    "threshold": (lambda a: a.update(thresholds=np.array([0.5, -1, 0.5])), "threshold"),
}


@pytest.mark.parametrize("damage", DAMAGED_ARRAYS)
def test_damaged_arrays_are_refused_with_their_reason(stored: Path, damage: str) -> None:
    arrays = arrays_of(stored)
    change, said = DAMAGED_ARRAYS[damage]
    change(arrays)
    np.savez(stored / "model.npz", **arrays)
    assert said in refusal(stored)


def test_threshold_of_a_code_that_is_never_suggested_is_read(stored: Path) -> None:
    np.savez(stored / "model.npz", **{**arrays_of(stored), "thresholds": np.array([0.5, NEVER, 0.5])})
    note_hashes(stored)
    assert read_model(stored).thresholds[1] == NEVER


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_archive_is_refused(stored: Path, share: float) -> None:
    whole = (stored / "model.npz").read_bytes()
    (stored / "model.npz").write_bytes(whole[: int(len(whole) * share)])
    assert "zip archive" in refusal(stored)


def test_array_that_would_fill_the_memory_is_refused_before_it_is_unpacked(stored: Path) -> None:
    with zipfile.ZipFile(stored / "model.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(stored / "model.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if name != "slopes.npy" else bytes(LIMITS["model.npz"] + 1))
    assert "one part may have 256 MB" in refusal(stored)


def test_header_that_lies_about_its_length_is_refused(stored: Path) -> None:
    with zipfile.ZipFile(stored / "model.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["slopes.npy"] = members["slopes.npy"].replace(b"(3,)", b"(9,)")
    with zipfile.ZipFile(stored / "model.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert "slopes: its shape" in refusal(stored)


@pytest.mark.parametrize("name", ["model.json", "model.npz"])
def test_file_that_is_not_the_cards_is_refused(stored: Path, name: str) -> None:
    (stored / name).write_bytes((stored / name).read_bytes() + b" ")
    with pytest.raises(ModelFileError, match=f"{name} is damaged"):
        read_model(stored)


@pytest.mark.parametrize("name", ["model.json", "model.npz", "card.json"])
def test_missing_file_is_named(stored: Path, name: str) -> None:
    (stored / name).unlink()
    with pytest.raises(ModelFileError, match=f"{name}: 1 problem\n  missing"):
        read_model(stored)


@pytest.mark.parametrize(
    ("sha256", "said"),
    [(None, "no 'sha256'"), ({}, "is not in the card"), ({"more.bin": "0"}, "'more.bin' is missing")],
)
def test_card_that_does_not_list_the_files_is_refused(stored: Path, sha256: object, said: str) -> None:
    (stored / "card.json").write_text(json.dumps({"sha256": sha256}))
    with pytest.raises(ModelFileError, match=said):
        read_model(stored)
