"""What is found of people in transcripts, and a model without it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.identifying import (
    ADDRESS,
    BEGINS,
    CAPITAL,
    CODER,
    NUMBER,
    PARTICIPANT,
    SPEAKER,
    Identifying,
    bare,
    find_identifying,
)
from corpus.names_to_check import NAMES_FILE, read_kept, write_names
from corpus.readers import read_transcripts
from corpus.study import load_study, transcript_files
from models.calibration import STRAIGHT, Calibration
from models.linear import Linear
from models.members import WORDS, FittedContext, FittedWords
from models.ngrams import count_ngrams, learn_vocabulary
from models.store import model_files
from models.theme_model import ThemeModel
from models.without_words import without_words


@pytest.fixture
def look(make_transcript):
    """(speaker, words), ... -> word -> why; those that only begin sentences if asked for."""

    def find(*turns, coders=(), participants=(), name="p1", begins=False):
        found = find_identifying([make_transcript(name, *turns)], coders=coders, participants=participants)
        return {word: why for word, why in found.words.items() if begins or why != BEGINS}

    return find


def test_word_with_a_capital_within_a_sentence_may_be_a_name(look):
    found = look(("P1", "Then I rang Katherine about the bus. The bus was late, said Mrs. Okafor."))
    assert found == {"katherine": CAPITAL, "okafor": CAPITAL}


def test_word_that_only_begins_sentences_may_be_a_name(look):
    said = "Katherine rang. The bus came. I saw the bus, it was late."
    found = look(("P1", said), ("P1", "It was the one."), begins=True)
    assert found == {"katherine": BEGINS}


def test_common_word_that_also_stands_with_a_capital_is_no_name(look):
    assert (
        look(("P1", "My hope is hope. We went to Hope, no, hope is not the word. We went, my word is no."))
        == {}
    )


def test_possessive_and_accent_change_no_name(look):
    found = look(("P1", "We met Zoë's mother and Zoe and ZOË at the bus."))
    assert found == {"zoe": CAPITAL}


def test_speaker_that_is_no_role_is_a_name_and_a_role_is_none(look):
    said = "we saw the ward and the ward saw us"
    found = look(("Grace Hill", said), ("Interviewer", said), ("P1", said), ("What was good about it?", said))
    assert found == {"grace": SPEAKER, "hill": SPEAKER}


def test_coders_ids_and_attributes_are_listed_but_common_words_of_attributes_are_not(look):
    found = look(
        ("P1", "The nurse was kind. The nurse came to the ward."),
        coders=["berta"],
        participants=["17_okafor", "nurse", "Leeds", "34"],
        name="17_okafor",
    )
    assert found == {"berta": CODER, "okafor": PARTICIPANT, "leeds": PARTICIPANT}


def test_addresses_and_long_numbers_are_listed(look):
    found = look(
        ("P1", "Write to k.frost@clinicx.example or ring 07700 900 123, on 3 of 10 days, it is fine.")
    )
    assert {found[word] for word in ("frost", "clinicx")} == {ADDRESS}
    assert {found[word] for word in ("07700", "900", "123")} == {NUMBER}
    assert "10" not in found


@pytest.mark.parametrize(
    "said", ["anna came to see the ward. anna left.", "ANNA CAME TO SEE THE WARD. SHE LEFT."]
)
def test_transcript_in_one_case_is_counted_for_its_capitals_tell_nothing(make_transcript, said):
    found = find_identifying([make_transcript("p1", ("P1", said))], coders=(), participants=())
    assert (dict(found.words), found.n_without_case) == ({}, 1)


def test_name_is_known_in_each_of_its_forms():
    names = Identifying({"zoe": SPEAKER}, 0)
    assert [names.named(word) for word in ("zoe", "zoë", "zoë's", "zoe’s", "zoe_2", "zoes", "zo")] == [
        "zoe"
    ] * 5 + [
        "",
        "",
    ]


@given(st.text(min_size=1, max_size=12))
def test_bare_words_stay_as_they_are(word):
    assert bare(bare(word)) == bare(word)


def test_all_who_are_named_in_the_sample_study_are_found():
    study = load_study(Path(__file__).parents[1] / "corpus" / "sample")
    read = [
        read_transcripts(study.transcripts_dir / n, source=n).transcripts for n in transcript_files(study)
    ]
    found = find_identifying([transcript for some in read for transcript in some], coders=(), participants=())
    people = """anwar bernie bev clive col delroy denise dot gary graham hilda jeannie ken lee lorraine mary maureen
        parveen pauline raymond sheila trevor walter yvonne"""
    assert set(people.split()) <= set(found.words)


def model_of(texts: list[str]) -> ThemeModel:
    """A model of two codes with drawn weights over all n-grams of some texts."""
    vocabulary = learn_vocabulary(texts)
    random = np.random.default_rng(0)
    linear = Linear(random.normal(size=(2, len(vocabulary))), np.zeros(2))
    return ThemeModel(
        ("one", "two"),
        {WORDS: FittedWords(vocabulary, np.ones(len(vocabulary)), linear)},
        {WORDS: 1.0},
        Calibration(np.ones(2), np.zeros(2), STRAIGHT),
        np.full(2, 0.5),
    )


WORDS_OF_TALK = st.sampled_from(
    ["the", "bus", "came", "late", "katherine", "kathedral", "rine", "ward", "katja", "war"]
)
TALK = st.lists(st.lists(WORDS_OF_TALK, min_size=1, max_size=8).map(" ".join), min_size=2, max_size=8)


@given(TALK, st.sets(st.sampled_from(["katherine", "katja", "late"]), min_size=1))
def test_what_is_left_could_all_have_come_from_texts_without_the_names(texts, names):
    fewer = without_words(model_of(texts), texts, names.__contains__).words.vocabulary
    blanked = [re.sub(r"\w+", lambda found: " " if found[0] in names else found[0], text) for text in texts]
    assert not {gram for gram in fewer.words if set(gram.split()) & names}
    pieces = " ".join(blanked).split()
    assert all(any(gram.strip() in piece for piece in pieces) for gram in fewer.characters)


@given(TALK, st.sets(st.sampled_from(["katherine", "katja", "late"]), min_size=1))
def test_text_that_holds_none_of_what_is_left_out_keeps_its_probabilities(texts, names):
    whole = model_of(texts)
    fewer = without_words(whole, texts, names.__contains__)
    left_out = set(whole.words.vocabulary.words) - set(fewer.words.vocabulary.words)
    left_out |= set(whole.words.vocabulary.characters) - set(fewer.words.vocabulary.characters)
    same = ["", *(text for text in texts if not any(gram.strip() in text for gram in left_out))]
    views = [{WORDS: count_ngrams(same, model.words.vocabulary)} for model in (whole, fewer)]
    np.testing.assert_allclose(fewer.probabilities(views[1]), whole.probabilities(views[0]), atol=1e-12)


def test_letters_of_a_name_stay_only_where_another_word_has_them():
    texts = ["katherine saw the kathedral", "the katherine bus, katherine's bus", "kathedral of the bus"]
    fewer = without_words(model_of(texts), texts, lambda word: bare(word) == "katherine").words.vocabulary
    assert {" kath", "athed"} <= set(fewer.characters)
    assert not {gram for gram in fewer.characters if "heri" in gram or "rine" in gram or "e's" in gram}


def test_members_that_see_no_words_are_carried_along_as_they_are():
    texts = ["katherine saw the bus", "katherine saw the ward"]
    whole = model_of(texts)
    other = FittedContext(Linear(np.ones((2, 5)), np.zeros(2)))
    with_other = replace(
        whole, members={**whole.members, "nearest": other}, shares={WORDS: 0.5, "nearest": 0.5}
    )
    fewer = without_words(with_other, texts, "katherine".__eq__)
    assert fewer.members["nearest"] is other
    assert fewer.shares == with_other.shares


def test_model_without_names_is_stored_as_any_other():
    texts = ["katherine saw the bus", "katherine saw the ward"]
    described = json.loads(
        model_files(without_words(model_of(texts), texts, "katherine".__eq__))["model.json"]
    )
    assert described["members"][WORDS]["words"] == [
        "bus",
        "saw",
        "saw the",
        "the",
        "the bus",
        "the ward",
        "ward",
    ]


def test_marks_of_the_owner_stay_when_the_list_is_written_again(make_study):
    study = make_study()
    write_names(study, {"may": CAPITAL, "okafor": CAPITAL}, {})
    text = (study.root / NAMES_FILE).read_text(encoding="utf-8")
    (study.root / NAMES_FILE).write_text(
        text.replace(f"may,{CAPITAL},", f"May,{CAPITAL},x"), encoding="utf-8"
    )
    kept = read_kept(study)
    assert kept == {"may": "x"}
    write_names(study, {"okafor": CAPITAL}, kept)
    assert read_kept(study) == kept


def test_list_without_its_column_is_refused(make_study):
    study = make_study({NAMES_FILE: "name\nkatherine\n"})
    with pytest.raises(FileError, match="word"):
        read_kept(study)
