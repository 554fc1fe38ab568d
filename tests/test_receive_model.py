"""A model from elsewhere: refused unless it is whole and of this codebook; used where nothing can be learned."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.files import read_json
from corpus.study import Study, load_study
from corpus.tables import read_table
from models.one_file import pack, unpack
from models.store import LIMITS, ModelFileError, hashes_of
from pipeline.bring_in import bring_all_in
from pipeline.learning_curve import curve_so_far
from pipeline.receive_model import FROM_ELSEWHERE, IMPORTED, Received, receive_model, refuse_odd_members
from pipeline.run import RunResult, plan_run, run_study

CODEBOOK = "code,definition\nWaiting,Time lost\nMoney,What it cost\nHope,Looking ahead\n"
SAID = (
    "INT: And?\nP1: Well, we waited so long and the queue was endless.\nINT: So?\nP1: Parking cost a lot.\n"
)


@pytest.fixture
def receiver(make_study) -> Study:
    """A study with the codebook of the model and no codings."""
    return make_study({"transcripts/new.txt": SAID, "codebook.csv": CODEBOOK}, at="receiver")


@pytest.fixture
def changed(model_file: Path, tmp_path: Path) -> Callable[..., Path]:
    """The model file with members changed (None: left out); its card fits them unless it is changed itself."""

    def change(**members: bytes | Callable[[Any], object] | None) -> Path:
        with zipfile.ZipFile(model_file) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        for key, value in members.items():
            name = {
                "json": "model.json",
                "card": "card.json",
                "npz": "model.npz",
                "readme": "README.txt",
            }.get(key, key)
            if value is None:
                del files[name]
            elif isinstance(value, bytes):
                files[name] = value
            else:
                described = json.loads(files[name])
                value(described)
                files[name] = json.dumps(described).encode()
            if name not in ("card.json", "README.txt") and "card.json" in files:
                card = json.loads(files["card.json"])
                card["sha256"] = hashes_of({n: c for n, c in files.items() if n.startswith("model.")})
                files["card.json"] = json.dumps(card).encode()
        path = tmp_path / "changed.precode-model"
        path.write_bytes(pack(files))
        return path

    return change


def refusal(study: Study, path: Path) -> str:
    with pytest.raises(FileError) as caught:
        receive_model(study, path)
    assert not (study.root / IMPORTED).exists()
    return str(caught.value)


def rows(result: RunResult, name: str) -> list[dict[str, str]]:
    table = read_table((result.run_dir / name).read_bytes(), file=name, for_machines=True)
    return [dict(row.cells) for row in table.rows]


def test_model_of_the_same_codebook_is_kept_as_it_came(receiver, model_file):
    told = receive_model(receiver, model_file)
    assert "a model of 2 codes" in told[0]
    assert (receiver.root / IMPORTED).read_bytes() == model_file.read_bytes()
    assert "in place of the one" in receive_model(receiver, model_file)[0]


def test_codebook_in_another_order_and_colour_is_the_same(receiver, model_file):
    (receiver.root / "codebook.csv").write_text(
        "color,code,definition\nred,Hope,Looking ahead\n,Money,What it cost\n,Waiting,Time lost\n",
        encoding="utf-8",
    )
    assert receive_model(receiver, model_file)


def test_every_code_that_differs_is_named_in_one_message(receiver, model_file):
    (receiver.root / "codebook.csv").write_text(
        "code,definition\nMoney,What was earned\nHope,Looking ahead\nFear,Looking down\n", encoding="utf-8"
    )
    told = refusal(receiver, model_file)
    assert "another codebook" in told
    assert "mean something else here (name, parent, definition, include or exclude differ): 'Money'" in told
    assert "are missing in this study's codebook: 'Waiting'" in told
    assert "are only in this study's codebook: 'Fear'" in told
    assert "Ask for the codebook.csv" in told


def test_study_without_a_codebook_is_told_to_ask_for_it(receiver, model_file):
    (receiver.root / "codebook.csv").unlink()
    told = refusal(receiver, model_file)
    assert "no codebook yet" in told
    assert "Ask for the codebook.csv" in told


def test_codebook_and_model_may_come_together_in_any_order(make_study, model_file, tmp_path):
    study = make_study({"transcripts/new.txt": SAID}, at="empty")
    (tmp_path / "their.csv").write_text(CODEBOOK, encoding="utf-8")
    brought = bring_all_in(study, [model_file, tmp_path / "their.csv"])
    assert brought.set_aside == {}
    assert (study.root / IMPORTED).is_file()


def test_refused_model_does_not_stop_other_files(receiver, changed, tmp_path):
    (tmp_path / "more.txt").write_text(SAID, encoding="utf-8")
    brought = bring_all_in(receiver, [changed(json=b"{"), tmp_path / "more.txt"])
    assert list(brought.set_aside) == ["changed.precode-model"]
    assert (receiver.root / "transcripts" / "more.txt").is_file()


def test_model_that_needs_an_encoder_is_refused_where_words_only_are_seen(receiver, changed):
    told = refusal(receiver, changed(card=lambda card: card.update(encoder="minilm")))
    assert "needs the sentence encoder 'minilm', the study uses words only" in told
    assert "precode encoder install --name minilm" in told


@pytest.mark.parametrize(
    ("encoder", "said"), [("", "do not agree"), ("minilm", "not of the width of the sentence encoder")]
)
def test_model_whose_members_are_not_those_of_its_card_is_refused(whole, encoder, said):
    with pytest.raises(FileError, match=said):
        refuse_odd_members(Received(whole.model, {"encoder": encoder}, {}), file="x.precode-model")


def test_curve_of_a_study_that_uses_an_imported_model_says_why_there_is_none(receiver, model_file):
    (receiver.root / "codings").mkdir()
    rows = [f"t{t},Waiting,2" for t in range(6)]
    for t in range(6):
        (receiver.root / "transcripts" / f"t{t}.txt").write_text(SAID, encoding="utf-8")
    (receiver.root / "codings" / "ann.csv").write_text(
        "\n".join(["transcript,code,turn", *rows, ""]), encoding="utf-8"
    )
    receive_model(receiver, model_file)
    assert curve_so_far(receiver).curve["reason"] == "no code is learned yet"


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another schema of the model": ({"json": lambda found: found.update(schema=1)}, "its schema is 1"),
    "another schema of the card": ({"card": lambda card: card.update(schema=99)}, "not of schema"),
    "a card without its codebook": ({"card": lambda card: card.pop("codebook")}, "'codebook' is missing"),
    "a codebook that is not hashed": (
        {"card": lambda card: card["codebook"].update(Money="0")},
        "codebook_sha256 is not that",
    ),
    "a key that nobody knows": ({"card": lambda card: card.update(hook="run")}, "'hook' is not known here"),
    "other hashes": (
        {"card": lambda card: card["sha256"].update({"model.npz": "0"})},
        "model.npz is damaged or another model's",
    ),
    "codes of another model": (
        {"card": lambda card: card.update(codes=["Money"])},
        "the codes on its card are not those of the model",
    ),
    "a file more": ({"run.py": b"print()"}, "'run.py' is not known here"),
    "a file less": ({"npz": None}, "model.npz is missing"),
    "no README": ({"readme": None}, "README.txt is missing"),
    "a path that climbs": ({"../../model.json": b"{}"}, "is not known here"),
    "an absolute path": ({"/tmp/model.json": b"{}"}, "is not known here"),
    "a large README": ({"readme": bytes(2**16 + 1)}, "README.txt is larger"),
    "a model that expands without end": ({"npz": bytes(LIMITS["model.npz"] + 1)}, "expands to 256.0 MB"),
    "a description that expands": (
        {"json": bytes(LIMITS["model.json"] + 1)},
        "model.json is larger than 64 MB",
    ),
    "no JSON": ({"card": b"{"}, "not JSON"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_model_is_refused_with_its_reason(receiver, changed, fault):
    members, said = FAULTS[fault]
    before = sorted(receiver.root.parent.rglob("*.json"))
    assert said in refusal(receiver, changed(**members))
    assert sorted(receiver.root.parent.rglob("*.json")) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty file"),
        (b"\x80\x04K\x01.", "no zip archive"),
        (b"PK\x03\x04" + bytes(50), "no zip archive"),
    ],
)
def test_what_is_no_model_file_is_refused(receiver, tmp_path, content, said):
    (tmp_path / "x.precode-model").write_bytes(content)
    assert said in refusal(receiver, tmp_path / "x.precode-model")


def test_model_file_that_is_not_there_is_said(receiver, tmp_path):
    assert "no such file" in refusal(receiver, tmp_path / "x.precode-model")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_cut_file_is_refused(receiver, model_file, tmp_path, share):
    whole = model_file.read_bytes()
    (tmp_path / "cut.precode-model").write_bytes(whole[: int(len(whole) * share)])
    assert "1 problem" in refusal(receiver, tmp_path / "cut.precode-model")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_file_with_a_flipped_bit_is_refused_or_the_same_model(model_file, receiver, tmp_path, place, bit):
    data = bytearray(model_file.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path = tmp_path / "flipped.precode-model"
    path.write_bytes(bytes(data))
    try:
        receive_model(receiver, path)
    except FileError:
        return
    assert unpack(bytes(data), file="x") == unpack(model_file.read_bytes(), file="x")


@given(
    st.fixed_dictionaries({}, optional={name: st.binary(max_size=50) for name in LIMITS}),
    st.binary(max_size=50),
)
def test_what_was_packed_is_unpacked_if_it_is_all_there(files, readme):
    packed = pack({**files, "README.txt": readme})
    assert packed == pack(dict(reversed({**files, "README.txt": readme}.items())))
    if set(files) == set(LIMITS):
        assert unpack(packed, file="x") == files
    else:
        with pytest.raises(ModelFileError, match="is missing"):
            unpack(packed, file="x")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> tuple[Study, RunResult]:
    """A study without codings that was run with an imported model; only to be looked at."""
    root = tmp_path_factory.mktemp("used") / "study"
    (root / "transcripts").mkdir(parents=True)
    (root / "transcripts" / "new.txt").write_text(SAID, encoding="utf-8")
    (root / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
    study = load_study(root)
    receive_model(study, model_file)
    return study, run_study(study)


def test_study_without_codings_gets_the_imported_models_suggestions(used):
    suggested = {(row["code"], row["quote"]) for row in rows(used[1], "suggestions.csv")}
    assert ("Waiting", "Well, we waited so long and the queue was endless.") in suggested
    assert ("Money", "Parking cost a lot.") in suggested


def test_imported_model_is_not_scored_and_said_to_be_from_elsewhere(used):
    result = used[1]
    evaluation = read_json(result.run_dir / "evaluation.json")
    assert evaluation["scopes"] == {}
    status = {row["code"]: row["status"] for row in rows(result, "codes.csv")}
    assert status["Waiting"] == status["Money"] == FROM_ELSEWHERE
    assert status["Hope"].startswith("not learned yet")
    assert any("imported model" in note for note in result.notes)
    assert "imported model" in (result.run_dir / "report.html").read_text(encoding="utf-8")


def percentages(result) -> list[str]:
    """Of suggestions of a model; first suggestions, from the codebook, have none."""
    return [row["probability"] for row in rows(result, "suggestions.csv") if row["probability"]]


def test_imported_model_is_part_of_what_a_run_depends_on(used, model_file, make_study):
    assert plan_run(used[0]).unchanged_since == used[1].run_id
    study = make_study({"transcripts/new.txt": SAID, "codebook.csv": CODEBOOK})
    first = run_study(study)
    assert first.unchanged is False
    assert percentages(first) == []
    receive_model(study, model_file)
    assert percentages(run_study(study))


def test_imported_model_cannot_be_exported_as_the_studys_own(used):
    from corpus.errors import StudyError
    from pipeline.share_model import look_at_model

    with pytest.raises(StudyError, match="was imported"):
        look_at_model(used[0])


def test_imported_model_of_a_codebook_that_changed_since_is_not_used(receiver, model_file):
    receive_model(receiver, model_file)
    (receiver.root / "codebook.csv").write_text(CODEBOOK.replace("Time lost", "Time won"), encoding="utf-8")
    result = run_study(receiver)
    assert percentages(result) == []
    assert [note for note in result.notes if "imported model is not used" in note and "'Waiting'" in note]


def test_study_that_learned_from_its_own_codings_uses_its_own_model(own_named_study, model_file):
    before = run_study(own_named_study)
    receive_model(own_named_study, model_file)
    after = run_study(own_named_study)
    assert rows(before, "suggestions.csv") == rows(after, "suggestions.csv")
    assert FROM_ELSEWHERE not in {row["status"] for row in rows(after, "codes.csv")}


def test_few_codings_of_ones_own_are_shown_beside_the_imported_models_suggestions(receiver, model_file):
    (receiver.root / "codings").mkdir()
    (receiver.root / "codings" / "ann.csv").write_text(
        "transcript,code,turn\nold,Waiting,2\n", encoding="utf-8"
    )
    (receiver.root / "transcripts" / "old.txt").write_text(SAID, encoding="utf-8")
    receive_model(receiver, model_file)
    result = run_study(receiver)
    nearest = {row["code"]: row["nearest"] for row in rows(result, "suggestions.csv")}
    assert nearest["Waiting"] != ""
    assert nearest["Money"] == ""


def test_model_says_the_same_elsewhere_as_where_it_was_trained(named_study, model_file, make_study):
    here = run_study(named_study)
    known = ("Waiting", "Money")
    names = ("transcripts/t5.txt", "transcripts/t6.txt", "codebook.csv")
    there = make_study({name: (named_study.root / name).read_bytes() for name in names})
    receive_model(there, model_file)
    said, same = (
        [
            dict(row, nearest="", nearest_not="")
            for row in rows(run, "suggestions.csv")
            if row["code"] in known
        ]
        for run in (here, run_study(there))
    )
    assert said == same
    assert len(said) > 5
