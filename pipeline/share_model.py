"""A study's model, to be given away as one file: what in it may name people, and the file itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.coded import read_coded
from corpus.errors import StudyError
from corpus.files import canonical_json, read_json, write_whole
from corpus.identifying import Identifying, find_identifying
from corpus.names_to_check import read_kept, write_names
from corpus.participants import participant_cells
from corpus.readers import read_transcripts
from corpus.records import Codebook, Transcript
from corpus.study import DRAWS, MODEL_SUFFIX, Study, coder_files
from models.members import CONTEXT, WORDS
from models.one_file import README, pack
from models.store import CARD, MODEL, model_files, parse_object, read_model
from models.theme_model import ThemeModel
from models.without_words import without_words
from pipeline.cache import stage_dir
from pipeline.model_card import OWN_ENCODER, shared_card
from pipeline.newest import newest_manifest
from pipeline.receive_model import IMPORTED
from pipeline.run import plan_run
from pipeline.train import STAGE as TRAIN_STAGE

_ODD_IN_FILE_NAMES = '/\\:*?"<>|\0'


@dataclass(frozen=True, slots=True)
class Shareable:
    """A model that may be given away, and what its owner should look at first.

    run_id: of the run that made it. texts: what it may have learned from. names: words that may identify somebody;
    listed: those of them in the model's vocabulary, but for the words that the owner marked as no names.
    """

    run_id: str
    model: ThemeModel
    card: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    texts: tuple[str, ...]
    names: Identifying
    listed: Mapping[str, str]

    @property
    def n_listed(self) -> dict[str, int]:
        """Why words are listed -> how many are."""
        return dict(Counter(self.listed.values()))

    @property
    def holds_embeddings(self) -> bool:
        """Whether a member keeps what it learned from, beside those that keep weights only."""
        return not set(self.model.members) <= {WORDS, CONTEXT}


@dataclass(frozen=True, slots=True)
class Shared:
    """What was written. n_left_out: n-grams taken out because of names, of n_ngrams."""

    path: Path
    n_ngrams: int
    n_left_out: int


def look_at_model(study: Study) -> Shareable:
    """The model of the newest finished run and the words in it that may be names, which go to names-to-check.csv too.

    Raises StudyError if there is no run, no model in it, if it needs an encoder of the study's own, or if files were
    changed since: names would be looked for in other texts than it learned from.
    """
    run_id, manifest = newest_manifest(study)
    if not run_id:
        raise StudyError(f"{study.root.name}: no finished run, so no model. 'precode run STUDY' makes one.")
    folder = _model_dir(study, run_id, manifest)
    model, card = read_model(folder), parse_object((folder / CARD).read_bytes(), file=CARD)
    if "scores" in card:
        raise StudyError(
            f"{study.root.name}: the model of run {run_id} was imported. Pass on the file that you were given."
        )
    if card["encoder"] == OWN_ENCODER:
        raise StudyError(
            f"{study.root.name}: its model needs a sentence encoder of the study's own, which nobody else has. "
            'Run the study with [model] encoder = "minilm" or "none" first.'
        )
    if changed := _changed(plan_run(study).inputs, manifest["inputs"]):
        raise StudyError(
            f"{study.root.name}: changed since run {run_id}: {', '.join(changed)}. "
            "'precode run' on the study first, then export."
        )
    transcripts, names, codebook = _said(study, manifest["inputs"])
    kept = read_kept(study)
    listed = {word: why for word, why in _in_vocabulary(model, names).items() if word not in kept}
    write_names(study, listed, kept)
    names = Identifying({w: why for w, why in names.words.items() if w not in kept}, names.n_without_case)
    return Shareable(
        run_id=run_id,
        model=model,
        card=card,
        evaluation=read_json(study.runs_dir / run_id / "evaluation.json"),
        texts=(*(transcript.text for transcript in transcripts), *_of_codebook(codebook)),
        names=names,
        listed=listed,
    )


def _changed(now: Mapping[str, str], then: Mapping[str, str]) -> list[str]:
    """Files that differ; neither a draw of what to code next nor the models that a run starts with change its own."""
    names = sorted(name for name in (now.keys() | then.keys()) - {DRAWS} if not _is_trained(name))
    return [name for name in names if now.get(name) != then.get(name)]


def _is_trained(name: str) -> bool:
    return name.startswith("models/") and name != IMPORTED


def _model_dir(study: Study, run_id: str, manifest: Mapping[str, Any]) -> Path:
    kept: list[Path] = [study.models_dir / manifest["model"]["version"]] if manifest["model"] else []
    for folder in (*kept, stage_dir(study, TRAIN_STAGE, manifest["stages"]["train"][0])):
        if (folder / MODEL).is_file():
            return folder
    raise StudyError(
        f"{study.root.name}: run {run_id} has no model: no code could be learned yet, or the model was deleted. "
        "codes.csv in its folder says what each code needs."
    )


def _said(study: Study, inputs: Iterable[str]) -> tuple[list[Transcript], Identifying, Codebook]:
    """All transcripts that can be read, the words that may identify somebody, and the codebook."""
    transcripts: list[Transcript] = []
    sources = [path.removeprefix("transcripts/") for path in inputs if path.startswith("transcripts/")]
    n_aside = 0
    for source in sorted(sources):
        try:
            transcripts += read_transcripts(study.transcripts_dir / source, source=source).transcripts
        except StudyError:  # the run has set it aside too
            n_aside += 1
    coded = read_coded(study, transcripts, some_set_aside=n_aside > 0)
    coders = [path.stem for path in coder_files(study)]
    names = find_identifying(transcripts, coders=coders, participants=participant_cells(study))
    return transcripts, names, coded.codebook


def _of_codebook(codebook: Codebook) -> list[str]:
    fields = ("name", "definition", "include", "exclude", "example")
    return [getattr(code, field) for code in codebook.codes for field in fields]


def _in_vocabulary(model: ThemeModel, names: Identifying) -> dict[str, str]:
    """Those of the names that are in the model, in their order."""
    known = {found for word in _single_words(model) if (found := names.named(word))}
    return {word: why for word, why in names.words.items() if word in known}


def _single_words(model: ThemeModel) -> set[str]:
    return {word for gram in model.words.vocabulary.words for word in gram.split(" ")}


def share_model(study: Study, found: Shareable, out: Path | None, *, without_names: bool) -> Shared:
    """Write the file; the same model gives the same bytes.

    out: a path that ends as model files do; None: in the study folder, named after the study.
    """
    path = out or study.root / f"{_file_name(study.title)}{MODEL_SUFFIX}"
    if path.suffix != MODEL_SUFFIX:
        raise StudyError(
            f"{path.name}: a model file ends with {MODEL_SUFFIX}, so that 'precode import' knows it."
        )
    model = (
        without_words(found.model, found.texts, lambda word: bool(found.names.named(word)))
        if without_names
        else found.model
    )
    n_ngrams = len(found.model.words.vocabulary)
    n_left_out = n_ngrams - len(model.words.vocabulary)
    files = model_files(model)
    card = shared_card(found.card, files, found.evaluation, n_left_out=n_left_out)
    readme = readme_of(study.title, found, n_left_out=n_left_out)
    write_whole(path, pack({**files, CARD: canonical_json(card).encode(), README: readme.encode()}))
    return Shared(path, n_ngrams, n_left_out)


def _file_name(title: str) -> str:
    """A title as a file may be called everywhere."""
    plain = "".join(" " if sign in _ODD_IN_FILE_NAMES or ord(sign) < 32 else sign for sign in title)
    return " ".join(plain.split())[:80].strip(" .") or "model"


def readme_of(title: str, found: Shareable, *, n_left_out: int) -> str:
    """What the file says of itself to a person who opens it. n_left_out: n-grams taken out because of names."""
    needs = f"the sentence encoder '{found.card['encoder']}'" if found.card["encoder"] else "words only"
    lines = [
        f"A precode model of the study '{title}'.",
        "",
        f"It suggests {len(found.model.codes)} theme codes for interview transcripts, from {needs}.",
        f"It learned from {found.card['n_segments']} segments in {found.card['n_groups']} groups, as interviews are.",
        "",
        "To use it: precode import STUDY FILE, in a study with the same codebook.csv, which is not in this file.",
        "A study with codings of its own to learn from uses its own model.",
        "",
        "In it: model.json (codes, and the words, pairs of words and parts of words that it knows), model.npz",
        "(numbers), card.json (hashes, and how well it did on interviews that it had not seen). Nothing in it",
        "is run when it is read. No transcript, excerpt or quote is in it.",
        "",
        "Mind: the words are those that participants said.",
        f"{n_left_out} n-grams were taken out because of names."
        if n_left_out
        else "Words that may be names are in it as they were said.",
    ]
    if found.holds_embeddings:
        lines += [EMBEDDINGS]
    return "\n".join([*lines, ""])


EMBEDDINGS = (
    "Embeddings of coded excerpts are in it. From an embedding a text can in part be made out again, names included: "
    "give the file only to people who may read the interviews."
)
