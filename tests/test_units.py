from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.coded import read_coded, segment_unit
from corpus.names import fold_speaker
from corpus.records import Coding, Read, Segment, Transcript, Turn
from corpus.study import load_study
from corpus.units import MAX_WORDS, place_codings, read_segments, segment_transcript


def ends_at_points(text: str) -> list[int]:
    """Sentence ends for tests: after every full stop, and at the end of the text."""
    return [*(i + 1 for i, sign in enumerate(text) if sign == "."), len(text)]


def one_turn(words: str) -> Transcript:
    return Transcript("t", words, (Turn(1, "P", 0, len(words)),))


def sentences(*sizes: int) -> str:
    return " ".join(" ".join(f"w{i}" for i in range(size - 1)) + " end." for size in sizes)


def cut(words: str, unit: str = "passage") -> list[Segment]:
    return segment_transcript(one_turn(words), unit=unit, sentence_ends=ends_at_points)


def n_words(segments: list[Segment]) -> list[int]:
    return [len(segment.text.split()) for segment in segments]


# How turns are cut


@pytest.mark.parametrize("unit", ["turn", "passage"])
def test_turn_of_120_words_is_one_segment(unit: str) -> None:
    assert n_words(cut(sentences(60, 60), unit)) == [120]


def test_turn_unit_is_the_turn_whatever_its_length() -> None:
    assert n_words(cut(sentences(*[30] * 20), "turn")) == [600]


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([61, 60], [61, 60]),
        ([40, 40, 41], [80, 41]),
        ([30, 30, 30, 31], [60, 61]),
        ([100, 30, 100], [100, 30, 100]),
        ([50] * 6, [100, 100, 100]),
        ([10] * 13, [60, 70]),
        ([119, 2, 119], [119, 2, 119]),
        ([20, 110, 20], [20, 110, 20]),
    ],
)
def test_passages_are_the_fewest_then_the_most_equal_runs_of_sentences(
    sizes: list[int], parts: list[int]
) -> None:
    found = n_words(cut(sentences(*sizes)))
    assert sorted(found) == sorted(parts)
    assert sum(found) == sum(sizes)


def test_sentence_over_the_limit_is_cut_into_near_equal_parts() -> None:
    assert n_words(cut(sentences(250))) == [83, 83, 84]


def test_passages_end_where_sentences_end() -> None:
    found = cut(sentences(*[25] * 12))
    assert len(found) > 1
    assert all(segment.text.endswith("end.") for segment in found)


def test_turn_without_words_has_no_segment(make_transcript: Callable[..., Transcript]) -> None:
    transcript = make_transcript("t", ("INT", " \n "), ("P", "yes"))
    found = segment_transcript(transcript, unit="passage", sentence_ends=ends_at_points)
    assert [(segment.turn, segment.speaker, segment.text) for segment in found] == [(2, "P", "yes")]


WORD = st.sampled_from(["a", "word", "🙂", "end.", "e\u0301.", "…", "\u200b"])
SPACE = st.sampled_from([" ", "  ", "\n", "\t", "\u00a0", "\u2003"])


@given(
    pieces=st.lists(st.tuples(WORD, SPACE), min_size=1, max_size=500),
    ends=st.lists(st.integers(1, 2000), max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_passages_lose_no_word_and_are_never_too_long(pieces: list[tuple[str, str]], ends: list[int]) -> None:
    words = "".join(word + space for word, space in pieces)
    borders = sorted({end for end in ends if end <= len(words)})
    found = segment_transcript(one_turn(words), unit="passage", sentence_ends=lambda _: borders)
    assert " ".join(segment.text for segment in found).split() == words.split()
    assert max(n_words(found)) <= MAX_WORDS
    assert all(segment.text == words[segment.start : segment.end] for segment in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert len({segment.segment_id for segment in found}) == len(found)


@given(sizes=st.lists(st.integers(1, 119), min_size=2, max_size=7))
@settings(max_examples=150, deadline=None)
def test_no_other_cut_at_sentence_ends_has_fewer_or_more_equal_passages(sizes: list[int]) -> None:
    def cuts(start: int) -> list[list[int]]:
        if start == len(sizes):
            return [[]]
        found = []
        for stop in range(start + 1, len(sizes) + 1):
            if sum(sizes[start:stop]) <= MAX_WORDS:
                found += [[sum(sizes[start:stop]), *rest] for rest in cuts(stop)]
        return found

    best = min((len(parts), sum(n * n for n in parts)) for parts in cuts(0))
    parts = n_words(cut(sentences(*sizes)))
    assert (len(parts), sum(n * n for n in parts)) == best


# How codings map onto segments

TEXT = "abcd efgh|ij klmnop|q  r s|"
"""A segment between bars, so that offsets are easy to count."""


def segments_of(text: str, borders: list[tuple[int, int]]) -> list[Segment]:
    return [Segment(f"s{i}", "t", 1, "P", a, b, text[a:b]) for i, (a, b) in enumerate(borders)]


BARS = segments_of(TEXT, [(0, 9), (10, 19), (20, 26)])


def placed(start: int, end: int) -> tuple[list[str], str]:
    found = place_codings(BARS, [Coding("t", "ann", "x", start, end)], {"t": TEXT})
    kinds = {"exact": found.n_exact, "widened": found.n_widened, "narrowed": found.n_narrowed}
    kinds["unplaced"] = len(found.unplaced)
    assert sum(kinds.values()) == 1
    return [applied.segment_id for applied in found.applied], max(kinds, key=lambda kind: kinds[kind])


@pytest.mark.parametrize(
    ("start", "end", "ids", "kind"),
    [
        (0, 9, ["s0"], "exact"),
        (0, 10, ["s0"], "narrowed"),  # the bar is a word that lies in no segment
        (1, 3, ["s0"], "widened"),
        (0, 19, ["s0", "s1"], "narrowed"),
        (4, 5, [], "unplaced"),  # a space
        (9, 10, [], "unplaced"),  # a bar
        (5, 12, ["s0"], "narrowed"),  # 4 of s0's 8, 2 of s1's 8, 7 of its own
        (7, 17, ["s1"], "narrowed"),  # 2 of s0's 8; 6 of s1's 8 and 6 of its own 9
        (20, 21, ["s2"], "widened"),
        (20, 26, ["s2"], "exact"),
        (19, 27, ["s2"], "narrowed"),
        (20, 25, ["s2"], "widened"),
    ],
)
def test_coding_applies_to_the_segments_it_mostly_covers_or_lies_in(
    start: int, end: int, ids: list[str], kind: str
) -> None:
    assert placed(start, end) == (ids, kind)


@pytest.mark.parametrize(("end", "expected"), [(34, "s0"), (35, "s1")])
def test_coding_that_is_thin_everywhere_goes_to_the_largest_overlap_and_to_the_first_of_equals(
    end: int, expected: str
) -> None:
    far_apart = segments_of("a" * 60, [(0, 20), (30, 50)])
    found = place_codings(far_apart, [Coding("t", "ann", "x", 16, end)], {"t": "a" * 60})
    assert [applied.segment_id for applied in found.applied] == [expected]


def brute_force(segments: list[Segment], start: int, end: int, text: str) -> list[str]:
    """The mapping rule as DESIGN words it, on sets of characters."""
    own = {i for i in range(start, end) if not text[i].isspace()}
    cells = [{i for i in range(s.start, s.end) if not text[i].isspace()} for s in segments]
    chosen = [
        segment.segment_id
        for segment, cell in zip(segments, cells, strict=True)
        if own & cell and (len(own & cell) * 2 >= len(cell) or len(own & cell) * 2 >= len(own))
    ]
    if chosen:
        return chosen
    overlaps = [len(own & cell) for cell in cells]
    return [segments[overlaps.index(max(overlaps))].segment_id] if max(overlaps, default=0) else []


@st.composite
def text_with_segments(draw: st.DrawFn) -> tuple[str, list[Segment]]:
    text = "".join(
        draw(st.lists(st.sampled_from(["a", "b", " ", "\n", "🙂", "\u0301"]), min_size=1, max_size=40))
    )
    marks = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    # Some stretches between marks are segments, others (labels, timestamps) are not.
    borders = [(a, b) for a, b in itertools.pairwise(marks) if draw(st.booleans())]
    return text, segments_of(text, [(a, b) for a, b in borders if text[a:b].strip()])


@given(made=text_with_segments(), data=st.data())
@settings(max_examples=400, deadline=None)
def test_mapping_equals_the_rule_applied_by_brute_force(
    made: tuple[str, list[Segment]], data: st.DataObject
) -> None:
    text, segments = made
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = place_codings(segments, [Coding("t", "ann", "x", start, end)], {"t": text})
    expected = brute_force(segments, start, end, text)
    assert [applied.segment_id for applied in found.applied] == expected
    assert found.unplaced == (() if expected else (0,))
    own = {i for i in range(start, end) if not text[i].isspace()}
    held = {
        i
        for s in segments
        if s.segment_id in expected
        for i in range(s.start, s.end)
        if not text[i].isspace()
    }
    kinds = (found.n_exact, found.n_widened, found.n_narrowed)
    if expected:
        assert kinds == (own == held, own < held, bool(own - held))


@given(made=text_with_segments(), data=st.data())
@settings(max_examples=200, deadline=None)
def test_segment_is_read_if_at_least_half_of_its_characters_are(
    made: tuple[str, list[Segment]], data: st.DataObject
) -> None:
    text, segments = made
    spans = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted).map(tuple), max_size=4
        )
    )
    seen = {i for a, b in spans for i in range(a, b)}
    expected = set()
    for segment in segments:
        words = {i for i in range(segment.start, segment.end) if not text[i].isspace()}
        if words & seen and 2 * len(words & seen) >= len(words):
            expected.add(segment.segment_id)
    found = read_segments(segments, [Read("ann", "t", a, b) for a, b in spans], {"t": text})
    assert found.get("ann", set()) == expected


def test_reading_of_one_transcript_or_coder_says_nothing_of_another() -> None:
    segments = [Segment("a", "t1", 1, "P", 0, 4, "abcd"), Segment("b", "t2", 1, "P", 0, 4, "abcd")]
    reads = [Read("ann", "t1", 0, 4), Read("bob", "t2", 0, 1)]
    assert read_segments(segments, reads, {"t1": "abcd", "t2": "abcd"}) == {"ann": {"a"}, "bob": set()}


# Real interviews


def test_real_interviews_give_the_counts_that_their_documentation_names(shared_dir) -> None:
    from corpus.readers import read_transcripts
    from pipeline.preprocess import load_language, sentence_ends

    root = shared_dir / "data" / "serdif"
    if not root.is_dir():
        pytest.skip("no serdif in the shared folder")
    study = load_study(root)
    transcripts = read_transcripts(study.transcripts_dir / "turns.csv", source="turns.csv").transcripts
    assert len(transcripts) == 17
    assert sum(len(transcript.turns) for transcript in transcripts) == 3009
    unit = segment_unit(study)
    assert unit == "turn"
    nlp = load_language("en", "")
    segments = [
        segment
        for transcript in transcripts
        for segment in segment_transcript(
            transcript, unit=unit, sentence_ends=lambda text: sentence_ends(nlp, text)
        )
    ]
    coded = read_coded(study, transcripts)
    assert len(coded.codings) == 2369
    assert "391 codings on context speakers: not trained on, not scored" in coded.notes
    assert len(coded.codebook.codes) == 22
    placement = place_codings(segments, coded.codings, {t.transcript_id: t.text for t in transcripts})
    assert (placement.n_exact, placement.n_widened, placement.n_narrowed) == (2369, 0, 0)
    assert placement.unplaced == ()

    # Who is learned: 21 of the 22 codes have ten segments in three interviews, context speakers left out.
    spoken = {segment.segment_id: segment for segment in segments}
    held: dict[str, set[str]] = defaultdict(set)
    for applied in placement.applied:
        if fold_speaker(spoken[applied.segment_id].speaker) not in coded.context:
            held[coded.codings[applied.coding].code].add(applied.segment_id)
    enough = [
        code
        for code, ids in held.items()
        if len(ids) >= 10 and len({spoken[name].transcript_id for name in ids}) >= 3
    ]
    assert len(enough) == 21
