"""The invented sample study is whole, says that it is invented, and repeats no sentence."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "corpus" / "sample"
TRANSCRIPTS = sorted(path.stem for path in (SAMPLE / "transcripts").glob("*.txt"))
CODERS = ("coder_a", "coder_b")
SPEAKER_LINE = re.compile(r"(?:\[(\d\d):(\d\d):(\d\d)\] )?([A-Z][A-Za-z]*(?: ?\d)?): (.+)")
INTERVIEWER = re.compile(r"(?:interviewer|int|i) ?\d?", re.IGNORECASE)
PLACEHOLDERS = ("lorem", "ipsum", "placeholder", "todo", "xxx", "foo bar", "sample text", "insert ")


def read_text(transcript: str) -> str:
    return (SAMPLE / "transcripts" / f"{transcript}.txt").read_bytes().decode("utf-8")


def read_rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_turns(transcript: str) -> list[tuple[str, str]]:
    """Speaker and words of every turn; a line that is no speaker line fails."""
    turns = []
    for line in read_text(transcript).splitlines():
        if line:
            found = SPEAKER_LINE.fullmatch(line)
            assert found, f"{transcript}: no speaker line: {line!r}"
            turns.append((found[4], found[5]))
    return turns


def span_of(row: dict[str, str]) -> tuple[int, int]:
    text = read_text(row["transcript"])
    if row["start"]:
        return int(row["start"]), int(row["end"])
    assert text.count(row["quote"]) == 1, row
    start = text.index(row["quote"])
    return start, start + len(row["quote"])


def sentences(words: str) -> list[str]:
    plain = [re.sub(r"[^\w' ]", "", part).casefold().strip() for part in re.split(r"[.!?]+", words)]
    return [" ".join(part.split()) for part in plain if len(part.split()) >= 6]


def test_readme_says_that_everything_is_invented() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "Everything in this folder is invented" in readme


def test_there_are_twelve_transcripts() -> None:
    assert len(TRANSCRIPTS) == 12


@pytest.mark.parametrize("transcript", TRANSCRIPTS)
def test_transcript_is_plain_utf8_and_long_enough(transcript: str) -> None:
    data = (SAMPLE / "transcripts" / f"{transcript}.txt").read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data
    assert b"\0" not in data
    assert sum(len(words.split()) for _, words in read_turns(transcript)) >= 600


@pytest.mark.parametrize("transcript", TRANSCRIPTS)
def test_transcript_is_a_talk_of_an_interviewer_and_one_other(transcript: str) -> None:
    turns = read_turns(transcript)
    labels = {speaker for speaker, _ in turns}
    assert len(labels) == 2
    assert sum(bool(INTERVIEWER.fullmatch(label)) for label in labels) == 1
    assert all(earlier[0] != later[0] for earlier, later in pairwise(turns)), (
        "two turns of one speaker on end"
    )


def test_speaker_lines_come_in_the_forms_people_use() -> None:
    labels = {frozenset(speaker for speaker, _ in read_turns(name)) for name in TRANSCRIPTS}
    assert len(labels) >= 8
    stamped = [name for name in TRANSCRIPTS if read_text(name).startswith("[")]
    assert len(stamped) == 2
    for name in stamped:
        times = [line[1:9] for line in read_text(name).splitlines()]
        assert times == sorted(set(times))


def test_some_turns_are_long_enough_to_be_cut() -> None:
    lengths = [
        len(words.split())
        for name in TRANSCRIPTS
        for speaker, words in read_turns(name)
        if not INTERVIEWER.fullmatch(speaker)
    ]
    assert sum(length > 120 for length in lengths) >= 3
    assert sum(length <= 15 for length in lengths) >= 10


def test_every_participant_has_a_role_and_a_site() -> None:
    rows = read_rows("participants.csv")
    assert [row["transcript"] for row in rows] == TRANSCRIPTS
    assert Counter(row["role"] for row in rows) == {
        "patient": 3,
        "carer": 3,
        "staff": 3,
        "non-member": 3,
    }
    assert sorted(Counter(row["site"] for row in rows).values()) == [2] * 6


def test_codebook_has_two_levels_and_every_code_is_explained() -> None:
    rows = read_rows("codebook.csv")
    names = [row["code"] for row in rows]
    parents = [row["code"] for row in rows if not row["parent"]]
    assert list(rows[0]) == ["code", "parent", "definition", "include", "exclude", "example", "color"]
    assert len(set(names)) == len(names)
    assert len(parents) == 3
    assert Counter(row["parent"] for row in rows if row["parent"]) == dict.fromkeys(parents, 5)
    for row in rows:
        assert row["definition"]
        assert re.fullmatch(r"#[0-9a-f]{6}", row["color"])
        if row["parent"]:
            assert row["include"] and row["exclude"] and row["example"], row["code"]
            assert not any(row["example"] in read_text(name) for name in TRANSCRIPTS)


def test_settings_are_readable_and_name_the_interviewers() -> None:
    settings = tomllib.loads((SAMPLE / "study.toml").read_text(encoding="utf-8"))
    assert "invented" in settings["study"]["title"]
    named = {label.casefold() for label in settings["speakers"]["context"]}
    for name in TRANSCRIPTS:
        labels = {speaker.rstrip(" 0123456789").casefold() for speaker, _ in read_turns(name)}
        assert len(labels & named) == 1


@pytest.mark.parametrize("coder", CODERS)
def test_every_coding_quotes_what_stands_at_its_address(coder: str) -> None:
    rows = read_rows(f"codings/{coder}.csv")
    assert list(rows[0]) == ["transcript", "code", "start", "end", "quote", "memo", "coded_at", "basis"]
    for row in rows:
        assert bool(row["start"]) == bool(row["end"])
        start, end = span_of(row)
        assert row["quote"].strip()
        assert read_text(row["transcript"])[start:end] == row["quote"]


@pytest.mark.parametrize("coder", CODERS)
def test_every_coding_lies_in_one_turn_of_a_participant(coder: str) -> None:
    for row in read_rows(f"codings/{coder}.csv"):
        speakers = [speaker for speaker, words in read_turns(row["transcript"]) if row["quote"] in words]
        assert speakers and not any(INTERVIEWER.fullmatch(speaker) for speaker in speakers), row


@pytest.mark.parametrize("coder", CODERS)
def test_only_leaf_codes_of_the_codebook_are_used_and_no_coding_twice(coder: str) -> None:
    leaves = {row["code"] for row in read_rows("codebook.csv") if row["parent"]}
    rows = read_rows(f"codings/{coder}.csv")
    assert {row["code"] for row in rows} == leaves
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row["coded_at"]) for row in rows)
    assert {row["basis"] for row in rows} <= {"", "blind"}
    keys = Counter((row["transcript"], row["code"], *span_of(row)) for row in rows)
    assert max(keys.values()) == 1


def test_both_addresses_are_used() -> None:
    assert all(row["start"] for row in read_rows("codings/coder_a.csv"))
    assert {bool(row["start"]) for row in read_rows("codings/coder_b.csv")} == {True, False}


def test_both_coders_read_the_same_eight_and_four_are_left() -> None:
    read = {coder: {row["transcript"] for row in read_rows(f"codings/{coder}.csv")} for coder in CODERS}
    assert read["coder_a"] == read["coder_b"]
    left = set(TRANSCRIPTS) - read["coder_a"]
    assert left == {"interview_04", "interview_06", "interview_08", "interview_11"}
    rows = [row for row in read_rows("participants.csv") if row["transcript"] in left]
    assert len({row["role"] for row in rows}) == 4
    assert len({row["site"] for row in rows}) == 4


def test_most_codes_can_be_learned_and_two_cannot() -> None:
    counts: Counter[str] = Counter()
    for coder in CODERS:
        counts.update(row["code"] for row in read_rows(f"codings/{coder}.csv"))
    assert {code for code, count in counts.items() if count < 10} == {"Going public", "Training of staff"}
    assert sum(count >= 16 for count in counts.values()) >= 10


def turn_cells(coder: str) -> set[tuple[str, int, str]]:
    cells = set()
    for row in read_rows(f"codings/{coder}.csv"):
        turns = [words for _, words in read_turns(row["transcript"])]
        number = next(number for number, words in enumerate(turns) if row["quote"] in words)
        cells.add((row["transcript"], number, row["code"]))
    return cells


def test_coders_disagree_as_coders_do() -> None:
    """Cohen's kappa, pooled over participant turns x leaf codes, whole turns as units."""
    a, b = (turn_cells(coder) for coder in CODERS)
    read = {transcript for transcript, _, _ in a}
    n_turns = sum(not INTERVIEWER.fullmatch(speaker) for name in read for speaker, _ in read_turns(name))
    n_cells = n_turns * 15
    observed = 1 - len(a ^ b) / n_cells
    share_a, share_b = len(a) / n_cells, len(b) / n_cells
    expected = share_a * share_b + (1 - share_a) * (1 - share_b)
    assert 0.55 < (observed - expected) / (1 - expected) < 0.8


def test_no_sentence_is_said_in_two_transcripts() -> None:
    said: defaultdict[str, set[str]] = defaultdict(set)
    for name in TRANSCRIPTS:
        for _, words in read_turns(name):
            for sentence in sentences(words):
                said[sentence].add(name)
    assert len(said) > 500
    assert {sentence: names for sentence, names in said.items() if len(names) > 1} == {}


def test_nothing_is_placeholder_text() -> None:
    for path in SAMPLE.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8").casefold()
            assert not [word for word in PLACEHOLDERS if word in text], path.name
