from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from typer.testing import CliRunner

from corpus.draws import RANDOM, READ_BEFORE, TEACHES_MOST, permanent_number, read_draws
from corpus.errors import FileError, StudyError
from corpus.files import study_lock
from corpus.study import Study
from flows.cli import app
from pipeline.next_draw import RANDOM_REASON, choose, propose_next, teaching_reason
from pipeline.next_expected import Expected, as_common_as_read, teach_most
from pipeline.run import run_study

NAMES = st.lists(st.sampled_from([f"t{i}" for i in range(30)]), unique=True, min_size=1)


def expecting(
    counts: dict[str, list[float]], n_excerpts: list[float], words: list[float] | None = None
) -> Expected:
    table = np.array(list(counts.values()), dtype=float)
    codes = tuple(f"c{i}" for i in range(table.shape[1]))
    n_words = np.array(words or [100.0] * len(counts))
    return Expected(tuple(counts), codes, table, np.array(n_excerpts), n_words)


def order(names: list[str] | tuple[str, ...], seed: int = 0) -> list[str]:
    return sorted(names, key=lambda name: permanent_number(seed, name))


@pytest.fixture
def coded(make_study, tiny_study_files) -> Callable[..., Study]:
    """The tiny study, its interviews t5 and t6 unread, with some files added or replaced."""

    def make(changes: dict[str, str] | None = None) -> Study:
        return make_study({**tiny_study_files, **(changes or {})})

    return make


def code_all(study: Study, *names: str) -> None:
    """Ann reads all of these and codes the second turn."""
    path = study.codings_dir / "ann.csv"
    path.write_text(path.read_text() + "".join(f"{name},Money,4\n" for name in names))


def words(told) -> dict[str, str]:
    return {proposal.transcript: proposal.why for proposal in told.proposals}


# Which are chosen


@given(NAMES, st.integers(0, 2**32 - 1), st.integers(1, 12), st.floats(0, 1))
def test_the_random_ones_are_those_with_the_smallest_numbers_and_one_at_least(names, seed, n, share) -> None:
    expected = expecting({name: [1.0] for name in names}, [3.0])
    drawn = choose(seed, names, expected, n=n, random_share=share, draw=1)
    random = [draw.transcript for draw in drawn if draw.why == RANDOM]
    assert random == order(names, seed)[: len(random)]
    assert len(random) == min(len(names), max(1, int(np.ceil(n * share - 1e-9))))
    assert len({draw.transcript for draw in drawn}) == len(drawn) == min(n, len(names))


@given(NAMES, st.integers(1, 8))
def test_without_any_coding_all_are_random(names, n) -> None:
    drawn = choose(0, names, None, n=n, random_share=0.5, draw=1)
    assert [draw.transcript for draw in drawn] == order(names)[:n]
    assert {draw.why for draw in drawn} == {RANDOM}


def test_excerpts_of_a_rare_code_teach_more_than_as_many_of_a_common_one() -> None:
    expected = expecting({"common": [5, 0], "rare": [0, 5]}, [200, 3])
    assert teach_most(expected, ["common", "rare"], 1) == ["rare"]


def test_a_second_transcript_of_the_same_kind_teaches_less_than_one_of_another() -> None:
    expected = expecting({"a": [9, 0], "b": [8.9, 0], "c": [0, 6]}, [3, 3])
    assert teach_most(expected, ["a", "b", "c"], 2) == ["a", "c"]


def test_of_two_that_hold_the_same_the_shorter_is_chosen() -> None:
    expected = expecting({"long": [5], "short": [5]}, [3], [900, 300])
    assert teach_most(expected, ["long", "short"], 1) == ["short"]


@given(arrays(float, (20, 3), elements=st.floats(-8, 8)), arrays(np.intp, (3,), elements=st.integers(0, 50)))
def test_expected_excerpts_are_as_common_as_those_read_and_keep_their_order(logits, n_positive) -> None:
    found = as_common_as_read(logits, n_positive, 50)
    assert found.mean(axis=0) == pytest.approx((n_positive + 0.5) / 51)
    assert ((found >= 0) & (found <= 1)).all()
    for code in range(3):
        assert (np.diff(found[np.argsort(logits[:, code]), code]) >= 0).all()


@given(st.permutations(["a", "b", "c", "d"]))
def test_what_teaches_most_does_not_depend_on_the_order_of_the_free(names) -> None:
    expected = expecting({"a": [2, 1], "b": [1, 2], "c": [3, 0], "d": [1, 1]}, [5, 1])
    assert teach_most(expected, names, 3) == teach_most(expected, ["a", "b", "c", "d"], 3)


# The draw is kept


def test_first_draw_says_what_was_read_before_and_proposes_the_rest(coded) -> None:
    study = coded()
    found = propose_next(study, n=2)
    first = order(("t5", "t6"))
    assert words(found) == {first[0]: RANDOM, first[1]: TEACHES_MOST}
    assert (found.is_new, found.n_read, found.n_transcripts) == (True, 4, 6)
    kept = {draw.transcript: (draw.draw, draw.why) for draw in read_draws(study)}
    assert kept == dict.fromkeys(("t1", "t2", "t3", "t4"), (0, READ_BEFORE)) | {
        first[0]: (1, RANDOM),
        first[1]: (1, TEACHES_MOST),
    }


def test_reasons_are_in_a_researchers_words(coded) -> None:
    reasons = {p.why: p.reason for p in propose_next(coded(), n=2).proposals}
    assert reasons[RANDOM] == RANDOM_REASON
    assert reasons[TEACHES_MOST] == (
        "about 4 segments may hold 'Waiting', of which you have 16 so far; "
        "about 4 segments may hold 'Money', of which you have 16 so far"
    )


def test_a_code_that_nobody_has_found_yet_is_named_as_such() -> None:
    expected = expecting({"t": [0.2]}, [0])
    assert teaching_reason(expected, "t") == "a segment might hold 'c0', of which you have none so far"


def test_calling_again_repeats_the_open_draw_byte_for_byte(coded) -> None:
    study = coded()
    first = propose_next(study, n=1)
    kept = (study.root / "next.csv").read_bytes()
    again = propose_next(study, n=2, random_share=1)
    assert not again.is_new
    assert again.proposals == first.proposals
    assert (study.root / "next.csv").read_bytes() == kept


def test_a_new_draw_comes_when_the_last_is_read_and_keeps_the_earlier(coded) -> None:
    study = coded()
    first = propose_next(study, n=1)
    (name,) = words(first)
    before = (study.root / "next.csv").read_text()
    code_all(study, name)
    second = propose_next(study, n=1)
    assert second.is_new
    assert words(second) == {({"t5", "t6"} - {name}).pop(): RANDOM}
    assert [p.draw for p in second.proposals] == [2]
    assert (study.root / "next.csv").read_text().startswith(before)


def test_a_transcript_that_was_begun_counts_as_not_read(coded) -> None:
    study = coded()
    (name,) = words(propose_next(study, n=1))
    end = (study.transcripts_dir / f"{name}.txt").read_text().index("part 4")
    code_all(study, name)
    rows = [f"ann,{t},," for t in ("t1", "t2", "t3", "t4")] + [f"ann,{name},0,{end}"]
    (study.root / "coverage.csv").write_text("\n".join(["coder,transcript,start,end", *rows, ""]))
    found = propose_next(study)
    assert not found.is_new
    assert list(words(found)) == [name]
    assert found.proposals[0].reason == f"{RANDOM_REASON}; begun: 3 of 12 segments read"


def test_with_more_another_draw_comes_beside_the_open_one(coded) -> None:
    study = coded()
    propose_next(study, n=1)
    found = propose_next(study, n=1, more=True)
    assert {p.transcript: p.draw for p in found.proposals} == {
        name: draw for draw, name in enumerate(order(("t5", "t6")), start=1)
    }
    assert not propose_next(study, n=1, more=True).is_new


def test_new_transcripts_find_their_place_and_move_no_other(coded, tiny_study_files) -> None:
    names = [f"n{i}" for i in range(8)]
    text = tiny_study_files["transcripts/t5.txt"]
    study = coded()
    propose_next(study, n=1, random_share=1)
    coded({f"transcripts/{name}.txt": text + f"P1: In {name}.\n" for name in names})
    found = propose_next(study, n=20, random_share=1, more=True)
    first = order(("t5", "t6"))[0]
    drawn = [p.transcript for p in found.proposals if p.draw == 2]
    assert drawn == [name for name in order(("t5", "t6", *names)) if name != first]


def test_rows_of_transcripts_that_are_gone_are_noted_kept_and_not_waited_for(coded) -> None:
    study = coded()
    (name,) = words(propose_next(study, n=1))
    (study.transcripts_dir / f"{name}.txt").unlink()
    found = propose_next(study, n=1)
    assert found.is_new
    assert any(f"('{name}')" in note for note in found.notes)
    assert name in {draw.transcript for draw in read_draws(study)}


def test_nothing_coded_yet_is_said_and_the_draw_is_random(coded, tiny_study_files) -> None:
    study = coded({"codings/ann.csv": "transcript,code,turn\n", "codings/bob.csv": "transcript,code,turn\n"})
    found = propose_next(study)
    assert words(found) == dict.fromkeys(order([f"t{i}" for i in range(1, 7)])[:4], RANDOM)
    assert found.notes == ("nobody has coded anything yet, so a draw is random as a whole",)


def test_nothing_left_to_read_draws_nothing(coded) -> None:
    study = coded()
    code_all(study, "t5", "t6")
    found = propose_next(study)
    assert (found.proposals, found.is_new, found.n_read) == ((), False, 6)
    assert not (study.root / "next.csv").exists()


def test_no_transcript_is_an_error(make_study) -> None:
    with pytest.raises(StudyError, match="no transcript in transcripts/"):
        propose_next(make_study())


def test_a_draw_waits_for_nobody_who_holds_the_study(coded) -> None:
    study = coded()
    with study_lock(study.root), pytest.raises(StudyError, match="another run holds this study"):
        propose_next(study)
    assert not (study.root / "next.csv").exists()


def test_a_broken_file_is_an_error_and_is_left_as_it_is(coded) -> None:
    study = coded({"next.csv": "transcript,draw\nt5,1\n"})
    with pytest.raises(FileError, match=r"next\.csv: 2 problems"):
        propose_next(study)
    assert (study.root / "next.csv").read_text() == "transcript,draw\nt5,1\n"


def test_of_short_answers_fifty_are_drawn(make_study) -> None:
    answers = [f"r{i},P,{'we waited so long' if i % 2 else 'parking cost a lot'} {i}" for i in range(90)]
    codings = [f"r{i},{'Waiting' if i % 2 else 'Money'},1" for i in range(30)]
    study = make_study(
        {
            "transcripts/survey.csv": "\n".join(["transcript,speaker,text", *answers, ""]),
            "codings/ann.csv": "\n".join(["transcript,code,turn", *codings, ""]),
        }
    )
    found = propose_next(study)
    assert sorted(words(found).values()) == [RANDOM] * 25 + [TEACHES_MOST] * 25
    assert len(read_draws(study)) == 80


def test_a_run_sees_a_draw_and_trains_nothing_again(coded) -> None:
    study = coded()
    first = run_study(study)
    trained = sorted(path.name for path in (study.cache_dir / "train").iterdir())
    propose_next(study, n=1)
    second = run_study(study)
    assert not second.unchanged
    assert sorted(path.name for path in (study.cache_dir / "train").iterdir()) == trained
    manifest = json.loads((second.run_dir / "manifest.json").read_text())
    assert "next.csv" in manifest["inputs"]
    for name in ("suggestions.csv", "evaluation.json"):
        assert (first.run_dir / name).read_bytes() == (second.run_dir / name).read_bytes()


# What is said


def test_the_command_says_what_to_code_and_why(coded) -> None:
    study = coded()
    told = CliRunner().invoke(app, ["next", str(study.root), "--n", "2"])
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[0] == "To code next (next.csv; 4 of 6 transcripts are read):"
    assert any("random: keeps the figures unbiased" in line for line in lines)
    assert "Learning curve: cannot say: a learning curve takes 5 groups." in lines
    again = CliRunner().invoke(app, ["next", str(study.root)])
    assert again.stdout.startswith("Still to code, as drawn before (next.csv): 2 of 2.")


def test_the_command_says_that_nothing_is_left_and_what_stands(coded) -> None:
    study = coded()
    code_all(study, "t5", "t6")
    told = CliRunner().invoke(app, ["next", str(study.root)])
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("Nothing is left to read: people have read all 6 transcripts.")


def test_a_machine_gets_one_object(coded) -> None:
    study = coded()
    told = CliRunner().invoke(app, ["next", str(study.root), "--n", "1", "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert [p["transcript"] for p in found["proposals"]] == order(("t5", "t6"))[:1]
    assert found["is_new"] is True
    assert found["learning_curve"]["reason"].startswith("cannot say")


@pytest.mark.parametrize(
    ("options", "status"), [(["--n", "0"], 2), (["--random-share", "1.5"], 2), (["--n", "x"], 2)]
)
def test_wrong_use_is_status_2(coded, options, status) -> None:
    assert CliRunner().invoke(app, ["next", str(coded().root), *options]).exit_code == status


def test_a_broken_file_is_status_1_and_a_file_set_aside_status_3(coded) -> None:
    study = coded({"transcripts/broken.docx": "no document"})
    told = CliRunner().invoke(app, ["next", str(study.root)])
    assert told.exit_code == 3
    assert "Set aside: broken.docx" in told.stderr
    (study.root / "next.csv").write_text("transcript,draw,why,number\nt5,1,random,0.5\n")
    told = CliRunner().invoke(app, ["next", str(study.root)])
    assert told.exit_code == 1
    assert "line 2: the number of 't5'" in told.stderr
