"""Topics: planted ones are found again, noise is not shown, too little is explained, and bytes repeat."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.topic_quality import (
    FEWEST_TRANSCRIPTS,
    STABLE_FROM,
    Candidate,
    average_jaccard,
    choose_number,
    draw_halves,
    match_topics,
    measure_coherence,
    measure_stability,
    try_numbers,
    why_no_topics,
)
from models.topics import LdaTopics, NmfTopics, make_documents, top_words
from pipeline.ingest import ingest
from pipeline.preprocess import preprocess
from pipeline.run import plan_run
from pipeline.topics import read_main_topics, read_topics, topics
from pipeline.units import make_units, read_units

MODELS = [NmfTopics, LdaTopics]
PLANTED = (
    (
        "bus",
        "driver",
        "road",
        "ticket",
        "stop",
        "fare",
        "seat",
        "route",
        "delay",
        "timetable",
        "wheel",
        "lane",
    ),
    (
        "bread",
        "oven",
        "flour",
        "butter",
        "cake",
        "recipe",
        "sugar",
        "kitchen",
        "bake",
        "dough",
        "knife",
        "spoon",
    ),
    (
        "piano",
        "song",
        "choir",
        "violin",
        "drum",
        "concert",
        "melody",
        "singer",
        "rhythm",
        "stage",
        "tune",
        "opera",
    ),
)
FARM = ("goat", "horse", "sheep", "tractor", "barn", "hay", "plough", "field")
ROOT = Path(__file__).parents[1]


def planted_texts(
    *, n_transcripts: int = 8, per_transcript: int = 24, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Lemma texts that each speak of one of three things, and their transcripts."""
    rng = np.random.default_rng(seed)
    n = n_transcripts * per_transcript
    texts = [" ".join(rng.choice(PLANTED[i % 3], size=7, replace=False)) for i in range(n)]
    return texts, [f"t{i // per_transcript}" for i in range(n)]


def shuffled(texts: Sequence[str], *, seed: int = 0) -> list[str]:
    """The same words and lengths of texts, in which word stands with word by chance."""
    words = iter(np.random.default_rng(seed).permutation([word for text in texts for word in text.split()]))
    return [" ".join(next(words) for _ in text.split()) for text in texts]


def n_stable(make: type, texts: Sequence[str], groups: Sequence[str], *, n_topics: int) -> int:
    documents = make_documents(texts)
    model = make(n_topics, seed=0).fit(documents.counts)
    stability = measure_stability(
        model, lambda seed: make(n_topics, seed=seed), documents, draw_halves(groups, seed=0), seed=0
    )
    return int((stability >= STABLE_FROM).sum())


@pytest.mark.parametrize("make", MODELS)
def test_planted_topics_are_found_again(make):
    texts, _ = planted_texts()
    documents = make_documents(texts)
    model = make(3, seed=0).fit(documents.counts)
    found = [{documents.words[column] for column in topic} for topic in top_words(model.topic_words_)]
    assert all(any(words <= set(planted) for words in found) for planted in PLANTED)
    main = model.transform(documents.counts).argmax(axis=1)[documents.row_of]
    of_planted = [set(main[i::3]) for i in range(3)]
    assert [len(topics) for topics in of_planted] == [1, 1, 1]
    assert len(set.union(*of_planted)) == 3


@pytest.mark.parametrize("make", MODELS)
def test_planted_topics_come_back_and_topics_of_shuffled_words_do_not(make):
    texts, groups = planted_texts()
    assert n_stable(make, texts, groups, n_topics=3) == 3
    assert n_stable(make, shuffled(texts), groups, n_topics=3) == 0


@pytest.mark.parametrize("make", MODELS)
def test_rows_of_topics_and_of_shares_sum_to_one(make):
    documents = make_documents(planted_texts()[0])
    model = make(3, seed=0).fit(documents.counts)
    assert model.topic_words_.sum(axis=1) == pytest.approx(1)
    assert model.transform(documents.counts).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("make", MODELS)
def test_shares_of_a_document_are_the_same_whenever_asked(make):
    documents = make_documents(planted_texts()[0])
    model = make(3, seed=0).fit(documents.counts)
    assert (model.transform(documents.counts) == model.transform(documents.counts)).all()


def test_topic_of_one_transcript_comes_back_only_in_the_halves_that_hold_it():
    texts, groups = planted_texts()
    rng = np.random.default_rng(1)
    texts[:24] = [" ".join(rng.choice(FARM, size=5, replace=False)) for _ in range(24)]
    documents = make_documents(texts)
    model = NmfTopics(4, seed=0).fit(documents.counts)
    halves = draw_halves(groups, seed=0)
    stability = measure_stability(model, lambda seed: NmfTopics(4, seed=seed), documents, halves, seed=0)
    is_farm = np.array([documents.words[topic[0]] in FARM for topic in top_words(model.topic_words_)])
    assert stability[is_farm] == pytest.approx(np.mean([half[0] for half in halves]), abs=0.05)
    assert stability[~is_farm].min() > stability[is_farm].max()
    assert stability[is_farm].max() < STABLE_FROM


def test_coherence_is_higher_for_planted_topics_than_for_mixed_words():
    documents = make_documents(planted_texts()[0])
    place = {word: i for i, word in enumerate(documents.words)}
    planted = [np.array([place[word] for word in words[:9]]) for words in PLANTED]
    mixed = [np.concatenate([words[3 * i : 3 * i + 3] for words in planted]) for i in range(3)]
    assert min(measure_coherence(planted, documents)) > 0.1 > max(measure_coherence(mixed, documents))


def test_coherence_of_a_single_word_is_undefined():
    documents = make_documents(planted_texts()[0])
    assert measure_coherence([np.array([0]), np.array([], dtype=int)], documents) == [None, None]


def test_average_jaccard_weighs_the_first_words_most():
    ranked = np.array([[0, 1, 2, 3]])
    others = np.array([[0, 1, 2, 9], [9, 1, 2, 3], [0, 1, 3, 2], [9, 8, 7, 6]])
    # Jaccard of the first 1, 2, 3 and 4 words, by hand.
    by_hand = [(1, 1, 1, 3 / 5), (0, 1 / 3, 2 / 4, 3 / 5), (1, 1, 2 / 4, 1), (0, 0, 0, 0)]
    assert average_jaccard(ranked, others)[0] == pytest.approx([np.mean(depths) for depths in by_hand])


def test_matching_is_one_to_one_and_best_as_a_whole():
    a, b, c = (np.arange(10) + shift for shift in (0, 20, 40))
    near_a = np.concatenate([a[:8], [60, 61]])
    assert match_topics([a, near_a, b], [b, a]) == pytest.approx([1, 0, 1])
    assert match_topics([a, b], [c]) == pytest.approx([0, 0])


def test_topic_of_few_words_matches_no_word_that_is_not_there():
    assert match_topics([np.array([1, 2])], [np.array([3])]) == pytest.approx([0])


@pytest.mark.parametrize(
    ("tried", "chosen"),
    [
        ([(3, 3), (4, 3), (8, 5), (10, 4)], 4),
        ([(3, 3), (8, 6), (15, 10), (20, 12)], 15),
        ([(3, 1), (8, 4), (10, 4)], 8),
        ([(3, 0), (4, 0)], 3),
    ],
)
def test_number_is_the_largest_of_which_two_thirds_come_back(tried, chosen):
    assert choose_number([Candidate(n, back, 0.5) for n, back in tried]) == chosen


def test_numbers_that_are_tried_leave_twenty_documents_and_ten_words_a_topic():
    texts, groups = planted_texts()
    tried = try_numbers(make_documents(texts), draw_halves(groups, seed=0), seed=0)
    assert [candidate.n_topics for candidate in tried] == [3]


def test_halves_hold_whole_transcripts_and_depend_on_the_seed():
    groups = [f"t{i % 6}" for i in range(30)]
    halves = draw_halves(groups, seed=0)
    for half in halves:
        inside = {group for group, taken in zip(groups, half, strict=True) if taken}
        outside = {group for group, taken in zip(groups, half, strict=True) if not taken}
        assert len(inside) == 3
        assert not inside & outside
    assert any((a != b).any() for a, b in zip(halves, draw_halves(groups, seed=1), strict=True))


def test_equal_texts_are_one_document_and_empty_ones_none():
    documents = make_documents(["answer", "", "wait hour", "answer", "  ", "wait hour long", "hour answer"])
    assert documents.row_of.tolist()[1] == documents.row_of.tolist()[4] == -1
    assert documents.row_of[0] == documents.row_of[3] >= 0
    assert len(documents) == len(set(documents.tokens)) == documents.counts.shape[0]


def test_frequent_pair_of_words_is_a_phrase():
    texts = [f"{a} mental health {b}" for a in PLANTED[0] for b in PLANTED[1][:3]] + list(PLANTED[2])
    documents = make_documents(texts)
    assert any("mental health" in tokens for tokens in documents.tokens)


@pytest.mark.parametrize(
    ("texts", "n_groups", "reason"),
    [
        ([], 0, "too few segments for topics: 0"),
        (["", "", ""], 1, "too few segments for topics: 3"),
        (["bus stop", "bus stop", "cake"], 3, "too few segments for topics: 3"),
        ([""] * 500, 5, "too few segments for topics: 500"),
        (["did answer"] * 500, 5, "too few segments for topics: 500"),
        (planted_texts()[0], 1, "too few transcripts for topics: 1"),
        ([f"{a} {b}" for a in "abcdefghij" for b in "klmnopqrst"], 5, "too few words for topics: 20"),
    ],
)
def test_too_little_for_topics_is_explained(texts, n_groups, reason):
    assert why_no_topics(make_documents(texts), n_groups).startswith(reason)


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.filterwarnings("error")
def test_half_with_fewer_documents_than_topics_is_refitted_without_complaint(make):
    texts, groups = planted_texts(n_transcripts=2, per_transcript=60)
    groups = ["long"] * 118 + ["short"] * 2
    documents = make_documents(texts)
    model = make(3, seed=0).fit(documents.counts)
    halves = draw_halves(groups, seed=0)
    assert {int(half.sum()) for half in halves} == {2, 118}
    stability = measure_stability(model, lambda seed: make(3, seed=seed), documents, halves, seed=0)
    assert ((stability >= 0) & (stability < 1)).all()


def test_gensim_logs_no_words(caplog):
    caplog.set_level(logging.DEBUG)
    documents = make_documents(planted_texts()[0])
    LdaTopics(3, seed=0).fit(documents.counts)
    measure_coherence([np.arange(5)], documents)
    assert not any(word in caplog.text for words in PLANTED for word in words)


def run_topics(study):
    """The keys of units and of topics, and of preprocess, after all stages that they need."""
    plan = plan_run(study)
    ingested = [ingest(study, batch) for batch in plan.batches]
    segments = [preprocess(study, key, unit=plan.unit) for key in ingested]
    units = make_units(study, ingested, segments)
    return topics(study, units, segments), units, segments


def interviews(*, n_transcripts: int = 8, per_transcript: int = 24) -> dict[str, str]:
    """Files of a study in which an interviewer asks about holidays and people speak of three things."""
    texts, groups = planted_texts(n_transcripts=n_transcripts, per_transcript=per_transcript)
    files: dict[str, str] = {}
    for text, group in zip(texts, groups, strict=True):
        name = f"transcripts/{group}.txt"
        files[name] = files.get(name, "") + f"INT: Holiday beach holiday sunshine?\nP1: The {text}.\n"
    return files


def test_stage_shows_planted_topics_and_leaves_the_interviewer_out(make_study):
    study = make_study(interviews())
    key, units_key, segment_keys = run_topics(study)
    found = read_topics(study, key)
    units = read_units(study, units_key, segment_keys)
    assert found["reason"] == ""
    assert found["n_segments"] == 8 * 24 == (~units.context).sum()
    for model in found["models"].values():
        shown = [topic for topic in model["topics"] if topic["shown"]]
        assert len(shown) == 3
        assert model["n_topics"] == len(model["topics"]) == 3 + model["n_hidden"]
        assert (
            sum(topic["n_segments"] for topic in model["topics"]) + model["n_segments_without_topic"]
            == 8 * 24
        )
        assert not {"holiday", "beach"} & {word for topic in model["topics"] for word, _ in topic["words"]}
        assert [topic["number"] for topic in model["topics"]] == [1, 2, 3]


def test_stage_examples_are_of_different_transcripts_and_speak_of_the_topic(make_study):
    study = make_study(interviews())
    key, units_key, segment_keys = run_topics(study)
    texts = {segment.segment_id: segment for segment in read_units(study, units_key, segment_keys).segments}
    main = {(model, segment): topic for segment, model, topic, _ in read_main_topics(study, key)}
    for name, model in read_topics(study, key)["models"].items():
        for topic in model["topics"]:
            examples = [texts[segment_id] for segment_id in topic["segment_ids"]]
            assert len({segment.transcript_id for segment in examples}) == len(examples) == 3
            assert {main[name, segment.segment_id] for segment in examples} == {topic["number"]}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (interviews(n_transcripts=1, per_transcript=3), "too few segments for topics: 3"),
        (interviews(n_transcripts=1, per_transcript=100), "too few transcripts for topics: 1"),
        ({"transcripts/a.txt": "INT: And then?\nINT: And so?\n"}, "too few segments for topics: 0"),
        ({"transcripts/a.txt": "P1: And then?\nP1: 12, 13!\n"}, "too few segments for topics: 2"),
    ],
    ids=["three segments", "one transcript", "interviewer only", "no words"],
)
def test_stage_with_too_little_has_no_topics_and_says_why(make_study, files, reason):
    study = make_study(files)
    key, _, _ = run_topics(study)
    found = read_topics(study, key)
    assert found["reason"].startswith(reason)
    assert [(model["n_topics"], model["topics"]) for model in found["models"].values()] == [(0, []), (0, [])]
    assert read_main_topics(study, key) == []


def test_fewest_transcripts_leave_a_half_on_both_sides():
    assert FEWEST_TRANSCRIPTS == 2
    assert all(half.sum() == 1 for half in draw_halves(["a", "b"], seed=0))


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from corpus.study import load_study
from pipeline.ingest import ingest
from pipeline.preprocess import preprocess
from pipeline.run import plan_run
from pipeline.topics import topics
from pipeline.units import make_units
study = load_study(Path(sys.argv[2]))
plan = plan_run(study)
read = [ingest(study, batch) for batch in plan.batches]
cut = [preprocess(study, key, unit=plan.unit) for key in read]
print(topics(study, make_units(study, read, cut), cut))
"""


def test_two_processes_with_other_hash_seeds_and_threads_write_the_same_bytes(make_study):
    written = []
    for number in (1, 2):
        study = make_study(interviews(), at=f"study{number}")
        threads = {name: str(number) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(ROOT), str(study.root)],
            env={**os.environ, **threads, "PYTHONHASHSEED": str(number)},
            capture_output=True,
            text=True,
            check=True,
        )
        folder = study.cache_dir / "topics" / ran.stdout.strip()
        written.append(
            {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        )
    assert written[0] == written[1]
    assert set(written[0]) == {"topics.json", "topic_shares.parquet"}
