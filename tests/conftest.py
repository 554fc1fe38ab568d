"""Builders of small invented studies, so that every test says only what it is about."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from corpus.records import Segment, Transcript, Turn
from corpus.study import Study, load_study
from models.members import CONTEXT, WORDS, ContextMember, WordsMember
from models.nearest import NEAREST, NearestMember, unit_rows
from models.ngrams import count_ngrams, learn_vocabulary
from models.theme_model import ThemeModel, Trained, train_theme_model
from models.views import context_view
from pipeline.compare.columns import Column, Panel
from pipeline.run import run_study
from pipeline.share_model import look_at_model, share_model
from tests.faults.planted import planted_below

SAMPLE = Path(__file__).parents[1] / "corpus" / "sample"

# No deadline: how long an example takes says how busy the machine is.
hypothesis.settings.register_profile("usual", deadline=None)
# A run of CI finds what the last one found: the search for new examples is for developers' machines.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "usual")

MakeTranscript = Callable[..., Transcript]
MakeStudy = Callable[..., Study]
Files = dict[str, str]


@pytest.fixture(scope="session", autouse=True)
def nothing_of_this_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests see no sentence encoder that happens to be installed, and leave no run in the user's Prefect."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PRECODE_CACHE", "PRECODE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real material beside the checkout; a test that asks for it is skipped without."""
    found = Path(__file__).parents[2] / "shared"
    if not found.is_dir():
        pytest.skip("the shared folder of real material is not beside the checkout")
    return found


@pytest.fixture(scope="session")
def make_transcript() -> MakeTranscript:
    """(id, (speaker, words), ...) -> a transcript with a line "speaker: words" for each turn."""

    def make(transcript_id: str, *turns: tuple[str, str]) -> Transcript:
        text, made = "", []
        for number, (speaker, words) in enumerate(turns, start=1):
            text += f"{speaker}: "
            made.append(Turn(number, speaker, len(text), len(text) + len(words)))
            text += words + "\n"
        return Transcript(transcript_id, text, tuple(made), f"{transcript_id}.txt")

    return make


@pytest.fixture(scope="session")
def make_panel() -> Callable[..., Panel]:
    """Flags (n, k) of each column by name -> a panel of segments of ten characters, five of them said.

    seen: (n,) of those who did not see all. kinds: of those who are no human coder; "model" is the model.
    place: (n,) the transcript of each segment. learned: (k,) what the model can give.
    """

    def make(
        columns: Mapping[str, np.ndarray],
        *,
        place: Sequence[int],
        seen: Mapping[str, np.ndarray] | None = None,
        kinds: Mapping[str, str] | None = None,
        learned: Sequence[bool] | None = None,
    ) -> Panel:
        n, k = len(place), next(iter(columns.values())).shape[1] if columns else 2
        made = []
        for name, flags in columns.items():
            kind = "model" if name == "model" else (kinds or {}).get(name, "human")
            codes = np.array(learned if kind == "model" and learned else [True] * k)
            read = (seen or {}).get(name, np.ones(n, dtype=bool))
            made.append(Column(name, kind, flags & read[:, None] & codes, read, codes))
        return Panel(
            segments=tuple(
                Segment(f"s{i}", f"t{t:02d}", i + 1, "P", 10 * i, 10 * i + 5, f"w{i:04d}"[:5])
                for i, t in enumerate(place)
            ),
            codes=tuple(f"c{i}" for i in range(k)),
            transcripts=tuple(f"t{t:02d}" for t in range(max(place, default=-1) + 1)),
            place=np.array(place, dtype=np.intp),
            columns=tuple(made),
            probability=np.full((n, k), np.nan),
        )

    return make


@pytest.fixture(scope="session")
def make_coders() -> Callable[..., list[np.ndarray]]:
    """(n, k), n_coders, noise, seed -> flags of coders who each turn round a share of what is true."""

    def make(
        shape: tuple[int, int], n_coders: int, *, noise: float, seed: int, share: float = 0.3
    ) -> list[np.ndarray]:
        random = np.random.default_rng(seed)
        true = random.random(shape) < share
        return [np.where(random.random(shape) < noise, ~true, true) for _ in range(n_coders)]

    return make


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Files below the study -> the study; ``at`` names its folder where a test needs two."""

    def make(files: Mapping[str, str | bytes] | None = None, *, at: str = "study") -> Study:
        root = tmp_path / at
        (root / "transcripts").mkdir(parents=True, exist_ok=True)
        for name, content in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_study(root)

    return make


@dataclass(frozen=True)
class ToyCorpus:
    """Invented segments in which each code has words of its own among many that mean nothing.

    texts: (n,). targets: (n, 3) shares of two coders. groups: (n,) interviews of equal length.
    codes: "wait", "cost", "kin".
    """

    texts: tuple[str, ...]
    targets: np.ndarray
    groups: tuple[str, ...]
    codes: tuple[str, ...] = ("wait", "cost", "kin")


@pytest.fixture(scope="session")
def make_toy() -> Callable[..., ToyCorpus]:
    """n_groups, per_group, seed -> a corpus; ``noise``: labels are drawn without looking at the words."""

    def make(n_groups: int = 6, per_group: int = 20, *, seed: int = 0, noise: bool = False) -> ToyCorpus:
        random = np.random.default_rng(seed)
        signs = [["queue", "waited", "late"], ["money", "parking", "paid"], ["sister", "mum", "son"]]
        filler = [f"{a}{b}" for a in ("bo", "ka", "mi", "re", "tu") for b in ("ll", "nd", "st", "rk", "sh")]
        n = n_groups * per_group
        given = random.random((n, 3)) < 0.3
        texts = []
        for row in given:
            words = list(random.choice(filler, size=12))
            for code in np.flatnonzero(row):
                words += list(random.choice(signs[code], size=2))
            random.shuffle(words)
            texts.append(" ".join(words) + ".")
        if noise:
            given = random.random((n, 3)) < 0.3
        second = np.where(random.random((n, 3)) < 0.1, ~given, given)
        groups = tuple(f"t{i // per_group:02d}" for i in range(n))
        return ToyCorpus(tuple(texts), (given + second.astype(float)) / 2, groups)

    return make


@pytest.fixture(scope="session")
def train_toy() -> Callable[[ToyCorpus], Trained]:
    """A corpus -> the model trained and scored on it, words and characters only."""

    def train(toy: ToyCorpus) -> Trained:
        vocabulary = learn_vocabulary(toy.texts)
        members = {WORDS: WordsMember(vocabulary, count_ngrams(toy.texts, vocabulary))}
        return train_theme_model(members, toy.targets, toy.groups, codes=toy.codes, seed=0)

    return train


@pytest.fixture(scope="session")
def toy(make_toy: Callable[..., ToyCorpus]) -> ToyCorpus:
    """Six invented interviews of twenty segments."""
    return make_toy()


@pytest.fixture(scope="session")
def trained(toy: ToyCorpus, train_toy: Callable[[ToyCorpus], Trained]) -> Trained:
    """The model of ``toy``."""
    return train_toy(toy)


@dataclass(frozen=True)
class Whole:
    """A model with all members, and what these see of the corpus it was trained on."""

    model: ThemeModel
    views: dict[str, Any]


@pytest.fixture(scope="session")
def whole(toy: ToyCorpus) -> Whole:
    """A model of ``toy`` with all members; its embeddings are the words' counts on eight random axes."""
    vocabulary = learn_vocabulary(toy.texts)
    counts = count_ngrams(toy.texts, vocabulary)
    axes = np.random.default_rng(1).normal(size=(counts.shape[1], 8))
    embeddings = unit_rows((counts @ axes).astype(np.float32))
    view = context_view(embeddings, toy.groups)
    members = {
        WORDS: WordsMember(vocabulary, counts),
        CONTEXT: ContextMember(view),
        NEAREST: NearestMember(view),
    }
    model = train_theme_model(members, toy.targets, toy.groups, codes=toy.codes, seed=0).model
    return Whole(model, {WORDS: counts, CONTEXT: view, NEAREST: view})


@pytest.fixture(scope="session")
def tiny_study_files() -> Files:
    """Six invented interviews, the last two unread, and what Ann and Bob made of the others.

    The interviewer asks, P1 answers in 12 turns; every third answer is about waiting, every third about
    money. Bob read t1 and t2 only and declines one in five of what Ann codes there.
    """
    waiting = ["we waited so long", "the queue was endless", "hours late again", "waiting and waiting"]
    money = ["parking cost a lot", "we paid the taxi", "money was tight", "the bus fare went up"]
    other = ["my sister came along", "they were kind", "the room was cold", "I like the garden"]
    files: dict[str, str] = {}
    rows: dict[str, list[str]] = {"ann": [], "bob": []}
    for t in range(1, 7):
        lines = []
        for i in range(12):
            about = (waiting, money, other)[i % 3]
            season = ("spring", "summer", "autumn")[t % 3]
            said = f"Well, {about[(i + t) % 4]} and {about[(i * t + 1) % 4]} that {season}."
            lines += [f"Interviewer: And what about part {i + 1} of it?", f"P1: {said}"]
            code = ("Waiting", "Money", "")[i % 3]
            if code and t <= 4:
                rows["ann"].append(f"t{t},{code},{2 * i + 2}")
            if code and t <= 2 and i % 5:
                rows["bob"].append(f"t{t},{code},{2 * i + 2}")
        files[f"transcripts/t{t}.txt"] = "\n".join(lines) + "\n"
    for coder, found in rows.items():
        files[f"codings/{coder}.csv"] = "\n".join(["transcript,code,turn", *found, ""])
    files["codebook.csv"] = "code,definition\nWaiting,Time lost\nMoney,What it cost\nHope,Looking ahead\n"
    return files


@pytest.fixture(scope="session")
def planted_names() -> dict[str, str]:
    """What stands in the tiny study's files -> the invented name that stands there in a planted study."""
    return {
        "t1": "Postlethwaite_1",
        "P1": "Thistlethwaite",
        "Waiting": "Higginbottom",
        "ann": "Ramsbottom",
        "my sister": "Marjorie Entwistle",
        "the garden": "07700900123",
    }


@pytest.fixture(scope="session")
def write_planted_tiny_study(
    tiny_study_files: dict[str, str], planted_names: dict[str, str]
) -> Callable[[Path], Path]:
    """Write the tiny study, with names wherever names can stand and a file that cannot be read."""

    def planted(text: str) -> str:
        for word, name in planted_names.items():
            text = text.replace(word, name)
        return text

    def write(folder: Path) -> Path:
        for name, content in tiny_study_files.items():
            path = folder / planted(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(planted(content), encoding="utf-8")
        (folder / "participants.csv").write_text(
            f"transcript,role\n{planted_names['t1']},Clutterbuck\n", encoding="utf-8"
        )
        (folder / "study.toml").write_text('[model]\nencoder = "none"\n', encoding="utf-8")
        (folder / "transcripts" / "Clutterbuck.xyz").write_bytes(b"\x00\x01")
        return folder

    return write


@pytest.fixture(scope="session")
def planted_in(planted_names: dict[str, str]) -> Callable[[Path], list[tuple[str, str]]]:
    """(file, name) wherever a planted name stands below a folder, in the bytes of a file or in its own name."""
    words = (*(name.split()[-1] for name in planted_names.values()), "Clutterbuck")
    return lambda folder: planted_below(folder, words)


@pytest.fixture(scope="session")
def named_study(tmp_path_factory: pytest.TempPathFactory, tiny_study_files: dict[str, str]) -> Study:
    """The tiny study after a run, in which people speak of Katherine; only to be looked at."""
    root = tmp_path_factory.mktemp("named") / "study"
    for name, content in tiny_study_files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("my sister", "our Katherine"), encoding="utf-8")
    study = load_study(root)
    run_study(study)
    return study


@pytest.fixture
def own_named_study(named_study: Study, tmp_path: Path) -> Study:
    """A copy of ``named_study`` that may be changed."""
    shutil.copytree(named_study.root, tmp_path / "named")
    return load_study(tmp_path / "named")


@pytest.fixture(scope="session")
def model_file(named_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of ``named_study`` as it is given away, names and all."""
    path = tmp_path_factory.mktemp("given") / "given.precode-model"
    share_model(named_study, look_at_model(named_study), path, without_names=False)
    return path


@pytest.fixture(scope="session")
def more_interviews() -> Callable[[dict[str, str], int], dict[str, str]]:
    """(the tiny study's files, n) -> its first interviews read by Ann under n names, its fifth and sixth unread."""

    def make(files: dict[str, str], n: int) -> dict[str, str]:
        found = {name: files[name] for name in ("transcripts/t5.txt", "transcripts/t6.txt", "codebook.csv")}
        rows = ["transcript,code,turn"]
        for t in range(n):
            source = t % 4 + 1
            found[f"transcripts/i{t:02d}.txt"] = files[f"transcripts/t{source}.txt"]
            codings = files["codings/ann.csv"].splitlines()
            rows += [
                row.replace(f"t{source},", f"i{t:02d},") for row in codings if row.startswith(f"t{source},")
            ]
        found["codings/ann.csv"] = "\n".join([*rows, ""])
        return found

    return make


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and each text with the tags around it."""

    VOID = frozenset({"meta", "br", "input", "line", "circle", "path", "rect", "img", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, tuple[str, ...]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == [], "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((data, tuple(self._open)))

    @property
    def words(self) -> str:
        """All that is said, with single spaces, of which none is one that does not break."""
        return " ".join(" ".join(text for text, around in self.texts if "style" not in around).split())


@pytest.fixture(scope="session")
def read_page() -> type[Page]:
    """HTML -> what a browser would see of it."""
    return Page


@pytest.fixture(scope="session")
def make_run() -> Callable[[Path, Files], Path]:
    """(root, files below the study) -> the folder of the study's first run."""

    def make(root: Path, files: Files) -> Path:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
        return run_study(load_study(root)).run_dir

    return make


@pytest.fixture(scope="session")
def tiny_run_dir(tmp_path_factory: pytest.TempPathFactory, make_run: Any, tiny_study_files: Files) -> Path:
    """The run folder of the tiny study; only to be looked at."""
    return make_run(tmp_path_factory.mktemp("tiny") / "study", tiny_study_files)


@pytest.fixture(scope="session")
def sample_run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the sample study, without a sentence encoder; only to be looked at."""
    root = tmp_path_factory.mktemp("sample") / "study"
    shutil.copytree(SAMPLE, root, ignore=shutil.ignore_patterns("cache", "runs", "versions"))
    return run_study(load_study(root)).run_dir


@pytest.fixture(scope="session")
def ten_coders_run_dir(tmp_path_factory: pytest.TempPathFactory, shared_dir: Path) -> Path:
    """The run folder of AnnoMI: ten coders, seven conversations; only to be looked at."""
    root = tmp_path_factory.mktemp("ten") / "study"
    shutil.copytree(shared_dir / "data" / "annomi_ten_coders", root)
    return run_study(load_study(root)).run_dir


@pytest.fixture(scope="session")
def hostile() -> str:
    """Words that are meant to do harm: tags, quotes, an end of a style sheet, and a mark that turns the direction."""
    return "<img src=x onerror=alert(1)>\u202e\"'></style><script>alert(2)</script>"


@pytest.fixture(scope="session")
def hostile_run_dir(
    tmp_path_factory: pytest.TempPathFactory, make_run: Any, tiny_study_files: Files, hostile: str
) -> Path:
    """A run whose title, transcripts, speakers, words, coders' codes and participants' sheet are hostile."""

    def sheet(rows: list[list[str]]) -> str:
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows(rows)
        return table.getvalue()

    turns = [["transcript", "speaker", "text"]]
    for t in range(1, 7):
        lines = tiny_study_files[f"transcripts/t{t}.txt"].splitlines()
        for speaker, said in (line.split(": ", 1) for line in lines):
            turns.append([f"t{t} {hostile}", speaker.replace("P1", f"P1 {hostile}"), f"{said} {hostile}"])
    files = {"transcripts/turns.csv": sheet(turns)}
    for coder in ("ann", "bob"):
        head, *rows = csv.reader(io.StringIO(tiny_study_files[f"codings/{coder}.csv"]))
        named = [[f"{t} {hostile}", f"{code} {hostile}", turn] for t, code, turn in rows]
        files[f"codings/{coder}.csv"] = sheet([head, *named])
    people = [[f"t{t} {hostile}", f"{'old' if t % 2 else 'young'} {hostile}"] for t in range(1, 7)]
    files["participants.csv"] = sheet([["transcript", f"age {hostile}"], *people])
    files["study.toml"] = f"[study]\ntitle = {json.dumps('Study ' + hostile)}\n"
    return make_run(tmp_path_factory.mktemp("hostile") / "study", files)
