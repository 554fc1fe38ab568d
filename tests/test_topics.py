"""Topics: planted ones are found again, noise is not shown, too little is explained, and bytes repeat."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from functools import partial
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
from models.topic_rows import (
    N_NEIGHBOURS,
    SHARE_OF_NEIGHBOURS,
    Rows,
    Vectors,
    count_rows,
    make_rows,
    nearest,
    smoothed_rows,
    weighted_rows,
)
from models.topics import Documents, LdaTopics, NmfTopics, make_documents, top_words
from pipeline.cache import CONTENTS, read_parquet, stage_dir
from pipeline.ingest import ingest
from pipeline.preprocess import preprocess, read_preprocessed
from pipeline.run import plan_run
from pipeline.topics import read_topics, topics
from pipeline.units import make_units, read_units

MODELS = [(NmfTopics, weighted_rows), (LdaTopics, count_rows)]
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


def planted_meanings(n: int = 192, *, noise: float = 0.5, seed: int = 0) -> Vectors:
    """Vectors of ``planted_texts``: texts of one thing lie near each other."""
    rng = np.random.default_rng(seed)
    return (np.eye(3, 6)[np.arange(n) % 3] + noise * rng.normal(size=(n, 6))).astype(np.float32)


def whole(documents: Documents, rows_of) -> object:
    return make_rows(documents, [], rows_of).whole


def n_stable(make: type, rows: Rows, *, n_topics: int) -> int:
    model = make(n_topics, seed=0).fit(rows.whole)
    stability = measure_stability(model, lambda seed: make(n_topics, seed=seed), rows, seed=0)
    return int((stability >= STABLE_FROM).sum())


@pytest.mark.parametrize(("make", "rows_of"), MODELS)
def test_planted_topics_are_found_again(make, rows_of):
    texts, _ = planted_texts()
    documents = make_documents(texts)
    rows = whole(documents, rows_of)
    model = make(3, seed=0).fit(rows)
    found = [{documents.words[column] for column in topic} for topic in top_words(model.topic_words_)]
    assert all(any(words <= set(planted) for words in found) for planted in PLANTED)
    main = model.transform(rows).argmax(axis=1)[documents.row_of]
    of_planted = [set(main[i::3]) for i in range(3)]
    assert [len(topics) for topics in of_planted] == [1, 1, 1]
    assert len(set.union(*of_planted)) == 3


@pytest.mark.parametrize(("make", "rows_of"), MODELS)
def test_planted_topics_come_back_and_topics_of_shuffled_words_do_not(make, rows_of):
    texts, groups = planted_texts()
    halves = draw_halves(groups, seed=0)
    assert n_stable(make, make_rows(make_documents(texts), halves, rows_of), n_topics=3) == 3
    assert n_stable(make, make_rows(make_documents(shuffled(texts)), halves, rows_of), n_topics=3) == 0


@pytest.mark.parametrize(("make", "rows_of"), MODELS)
def test_rows_of_topics_and_of_shares_sum_to_one(make, rows_of):
    rows = whole(make_documents(planted_texts()[0]), rows_of)
    model = make(3, seed=0).fit(rows)
    assert model.topic_words_.sum(axis=1) == pytest.approx(1)
    assert model.transform(rows).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(("make", "rows_of"), MODELS)
def test_shares_of_a_document_are_the_same_whenever_asked(make, rows_of):
    rows = whole(make_documents(planted_texts()[0]), rows_of)
    model = make(3, seed=0).fit(rows)
    assert (model.transform(rows) == model.transform(rows)).all()


def test_smoothed_topics_come_back_and_those_of_words_and_meanings_by_chance_do_not():
    texts, groups = planted_texts()
    halves = draw_halves(groups, seed=0)
    by_chance = np.random.default_rng(1).permutation(planted_meanings())
    smoothed = partial(smoothed_rows, vectors=planted_meanings())
    chance = partial(smoothed_rows, vectors=by_chance)
    assert n_stable(NmfTopics, make_rows(make_documents(texts), halves, smoothed), n_topics=3) == 3
    assert n_stable(NmfTopics, make_rows(make_documents(shuffled(texts)), halves, chance), n_topics=3) == 0


def test_texts_of_one_meaning_share_a_topic_though_they_share_no_word():
    """Words are of one text in three only in pairs, so that plain NMF cannot know what belongs together."""
    rng = np.random.default_rng(0)
    texts = [
        " ".join(rng.choice(PLANTED[i % 3][6 * (i // 3 % 2) :][:6], 3, replace=False)) for i in range(192)
    ]
    documents = make_documents(texts)

    def share_right(rows) -> float:
        main = NmfTopics(3, seed=0).fit(rows).transform(rows).argmax(axis=1)[documents.row_of]
        return np.mean([np.bincount(main[i::3]).max() / len(main[i::3]) for i in range(3)])

    plain = share_right(whole(documents, weighted_rows))
    smoothed = share_right(whole(documents, partial(smoothed_rows, vectors=planted_meanings(noise=0.2))))
    assert plain < 0.8
    assert smoothed > 0.95


@pytest.mark.parametrize("n", [0, 1, 2, 7, 200])
@pytest.mark.parametrize("block", [1, 150, 1 << 20])
def test_nearest_are_those_of_the_whole_table_whatever_the_blocks(n, block, monkeypatch):
    monkeypatch.setattr("models.topic_rows.BLOCK_CELLS", block)
    vectors = np.random.default_rng(0).integers(-2, 3, size=(n, 4)).astype(np.float32)
    table = -(vectors @ vectors.T)
    np.fill_diagonal(table, np.inf)
    n_near = max(0, min(N_NEIGHBOURS, n - 1))
    expected = np.sort(np.argsort(table, axis=1, kind="stable")[:, :n_near], axis=1)
    assert nearest(vectors).tolist() == expected.tolist()


def test_memory_of_nearest_does_not_grow_with_the_square_of_the_documents(monkeypatch):
    monkeypatch.setattr("models.topic_rows.BLOCK_CELLS", 20_000)
    vectors = np.random.default_rng(0).normal(size=(2000, 4)).astype(np.float32)
    tracemalloc.start()
    try:
        nearest(vectors)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(vectors) ** 2 / 2


def test_smoothed_row_is_a_fifth_its_own_and_the_rest_of_its_neighbours():
    documents = make_documents(planted_texts()[0])
    plain = whole(documents, weighted_rows).toarray()
    vectors = planted_meanings()
    smoothed = whole(documents, partial(smoothed_rows, vectors=vectors)).toarray()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    text = int(np.flatnonzero(documents.row_of == 5)[0])
    others = np.argsort(-(unit @ unit[text]))[1 : N_NEIGHBOURS + 1]
    mean = plain[documents.row_of[others]].mean(axis=0)
    assert smoothed[5] == pytest.approx((1 - SHARE_OF_NEIGHBOURS) * plain[5] + SHARE_OF_NEIGHBOURS * mean)


def test_neighbours_of_a_half_are_within_the_half():
    texts, groups = planted_texts()
    documents = make_documents(texts)
    half = draw_halves(groups, seed=0)[0]
    vectors, others = planted_meanings(), planted_meanings()
    others[~half] = 9.0
    rows = [smoothed_rows(documents, half, vectors=found) for found in (vectors, others)]
    assert (rows[0] != rows[1]).nnz == 0
    assert (
        smoothed_rows(documents, ~half, vectors=vectors) != smoothed_rows(documents, ~half, vectors=others)
    ).nnz


def test_document_of_several_texts_has_their_mean_meaning():
    texts = [*planted_texts()[0][:30], "bus driver", "bus driver"]
    documents = make_documents(texts)
    vectors = planted_meanings(32)
    vectors[30:] = [[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]]
    same = vectors.copy()
    same[30:] = np.sqrt(0.5) * np.array([1, 1, 0, 0, 0, 0])
    rows = [whole(documents, partial(smoothed_rows, vectors=found)) for found in (vectors, same)]
    assert rows[0].toarray() == pytest.approx(rows[1].toarray())


def test_topic_of_one_transcript_comes_back_only_in_the_halves_that_hold_it():
    texts, groups = planted_texts()
    rng = np.random.default_rng(1)
    texts[:24] = [" ".join(rng.choice(FARM, size=5, replace=False)) for _ in range(24)]
    documents = make_documents(texts)
    halves = draw_halves(groups, seed=0)
    rows = make_rows(documents, halves, weighted_rows)
    model = NmfTopics(4, seed=0).fit(rows.whole)
    stability = measure_stability(model, lambda seed: NmfTopics(4, seed=seed), rows, seed=0)
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
    rows = make_rows(make_documents(texts), draw_halves(groups, seed=0), weighted_rows)
    tried = try_numbers(rows, seed=0)
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


@pytest.mark.parametrize(("make", "rows_of"), MODELS)
@pytest.mark.filterwarnings("error")
def test_half_with_fewer_documents_than_topics_is_refitted_without_complaint(make, rows_of):
    texts, groups = planted_texts(n_transcripts=2, per_transcript=60)
    groups = ["long"] * 118 + ["short"] * 2
    documents = make_documents(texts)
    halves = draw_halves(groups, seed=0)
    assert {int(half.sum()) for half in halves} == {2, 118}
    rows = make_rows(documents, halves, rows_of)
    model = make(3, seed=0).fit(rows.whole)
    stability = measure_stability(model, lambda seed: make(3, seed=seed), rows, seed=0)
    assert ((stability >= 0) & (stability < 1)).all()


def test_gensim_logs_no_words(caplog):
    caplog.set_level(logging.DEBUG)
    documents = make_documents(planted_texts()[0])
    LdaTopics(3, seed=0).fit(documents.counts)
    measure_coherence([np.arange(5)], documents)
    assert not any(word in caplog.text for words in PLANTED for word in words)


def run_topics(study, *, meanings=None):
    """The keys of units and of topics, and of preprocess, after all stages that they need.

    meanings: texts -> vectors that stand where the encode stage would put them; None for words only.
    """
    plan = plan_run(study)
    ingested = [ingest(study, batch) for batch in plan.batches]
    segments = [preprocess(study, key, unit=plan.unit) for key in ingested]
    units = make_units(study, ingested, segments)
    encoded = [] if meanings is None else [encode_by_hand(study, key, meanings) for key in segments]
    return topics(study, units, segments, encoded), units, segments


def encode_by_hand(study, preprocess_key: str, meanings) -> str:
    texts = [segment.text for segment in read_preprocessed(study, [preprocess_key]).segments]
    folder = stage_dir(study, "encode", preprocess_key)
    folder.mkdir(parents=True)
    np.savez(folder / "embeddings.npz", vectors=meanings(texts), rows=np.arange(len(texts)))
    return preprocess_key


def meanings_by_word(texts: Sequence[str]) -> Vectors:
    """A vector for each text: which of the three things, or the interviewer's holidays, it speaks of."""
    words = [set(text.lower().strip(".?").split()) for text in texts]
    found = np.array([[float(bool(said & set(planted))) for planted in PLANTED] for said in words])
    none = 1 - found.max(axis=1, keepdims=True)
    noise = np.random.default_rng(0).normal(scale=0.1, size=(len(texts), 4))
    return (np.hstack([found, none]) + noise).astype(np.float32)


def interviews(*, n_transcripts: int = 8, per_transcript: int = 24) -> dict[str, str]:
    """Files of a study in which an interviewer asks about holidays and people speak of three things."""
    texts, groups = planted_texts(n_transcripts=n_transcripts, per_transcript=per_transcript)
    files: dict[str, str] = {}
    for text, group in zip(texts, groups, strict=True):
        name = f"transcripts/{group}.txt"
        files[name] = files.get(name, "") + f"INT: Holiday beach holiday sunshine?\nP1: The {text}.\n"
    return files


@pytest.mark.parametrize(
    ("meanings", "names"),
    [(None, {"nmf", "lda"}), (meanings_by_word, {"smoothed nmf", "lda"})],
    ids=["words only", "encoder"],
)
def test_stage_shows_planted_topics_and_leaves_the_interviewer_out(make_study, meanings, names):
    study = make_study(interviews())
    key, units_key, segment_keys = run_topics(study, meanings=meanings)
    found = read_topics(study, key)
    assert found["models"].keys() == names
    assert found["default"] in names - {"lda"}
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


def main_topics(study, key: str) -> list[tuple[str, str, int, float]]:
    """Segment id, model, number of its main topic, share of the segment."""
    table = read_parquet(stage_dir(study, "topics", key) / "topic_shares.parquet")
    return list(table.itertuples(index=False, name=None))


def test_stage_examples_are_of_different_transcripts_and_speak_of_the_topic(make_study):
    study = make_study(interviews())
    key, units_key, segment_keys = run_topics(study)
    texts = {segment.segment_id: segment for segment in read_units(study, units_key, segment_keys).segments}
    main = {(model, segment): topic for segment, model, topic, _ in main_topics(study, key)}
    for name, model in read_topics(study, key)["models"].items():
        for topic in model["topics"]:
            examples = [texts[segment_id] for segment_id in topic["segment_ids"]]
            assert topic["examples"] == [
                {"transcript": example.transcript_id, "speaker": "P1", "text": example.text}
                for example in examples
            ]
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
    assert main_topics(study, key) == []


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
    assert set(written[0]) == {"topics.json", "topic_shares.parquet", CONTENTS}
