from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.members import WORDS
from models.ngrams import count_ngrams
from models.store import ModelFileError, model_files, read_model

#: Weights are stored as float32; what a model says changes by no more than this.
STORED_TOLERANCE = 1e-6


@pytest.fixture
def stored(trained, tmp_path: Path) -> Path:
    """A folder with the files of ``trained``."""
    for name, content in model_files(trained.model).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


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


@pytest.mark.parametrize("place", ["slopes", "words.weights"])
def test_pickled_array_is_refused_and_never_opened(stored: Path, place: str) -> None:
    touched = stored / "touched"
    with np.load(stored / "model.npz") as arrays:
        content = dict(arrays)
    content[place] = np.array([Trap(touched)], dtype=object)
    np.savez(stored / "model.npz", allow_pickle=True, **content)
    with pytest.raises(ModelFileError, match="allow_pickle=False"):
        read_model(stored)
    assert not touched.exists()


def test_pickle_under_the_models_name_is_refused(stored: Path) -> None:
    touched = stored / "touched"
    (stored / "model.npz").write_bytes(pickle.dumps(Trap(touched)))
    with pytest.raises(ModelFileError):
        read_model(stored)
    assert not touched.exists()


@pytest.mark.parametrize("schema", [0, 1, 3, None, "2"])
def test_model_of_another_schema_is_refused_by_name(stored: Path, schema: object) -> None:
    card = json.loads((stored / "model.json").read_bytes())
    (stored / "model.json").write_text(json.dumps({**card, "schema": schema}))
    with pytest.raises(ModelFileError, match="schema"):
        read_model(stored)


@pytest.mark.parametrize(
    "damage", ["codes", "vocabulary", "missing array", "cut", "no json", "slopes", "idf", "another member"]
)
def test_files_that_do_not_fit_together_are_refused(stored: Path, damage: str) -> None:
    card = json.loads((stored / "model.json").read_bytes())
    with np.load(stored / "model.npz") as found:
        arrays = dict(found)
    match damage:
        case "codes":
            card["codes"].append("more")
        case "vocabulary":
            card["members"][WORDS]["words"].pop()
        case "missing array":
            del arrays["thresholds"]
        case "slopes":
            arrays["slopes"] = arrays["slopes"][:-1]
        case "idf":
            arrays[f"{WORDS}.idf"] = arrays[f"{WORDS}.idf"][:-1]
        case "another member":
            card["members"]["other"] = card["members"][WORDS]
    (stored / "model.json").write_text("{" if damage == "no json" else json.dumps(card))
    np.savez(stored / "model.npz", **arrays)
    if damage == "cut":
        whole = (stored / "model.npz").read_bytes()
        (stored / "model.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError):
        read_model(stored)
