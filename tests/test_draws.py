from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.draws import RANDOM, READ_BEFORE, TEACHES_MOST, Draw, permanent_number, read_draws, write_draws
from corpus.errors import FileError
from corpus.files import study_lock
from corpus.study import coded_files, human_files

NAMES = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8), unique=True, max_size=12
)
SEEDS = st.integers(0, 2**32 - 1)


def draw(name: str, number: int, why: str, *, seed: int = 0) -> Draw:
    return Draw(name, number, why, permanent_number(seed, name))


@given(SEEDS, st.text())
def test_a_permanent_number_lies_between_0_and_1_and_depends_on_seed_and_name_alone(
    seed: int, name: str
) -> None:
    number = permanent_number(seed, name)
    assert 0 < number < 1
    assert number == permanent_number(seed, name)


@given(SEEDS, NAMES, NAMES)
def test_transcripts_that_come_later_change_no_order_among_the_earlier(seed, names, others) -> None:
    def order(found):
        return sorted(found, key=lambda name: permanent_number(seed, name))

    assert [name for name in order({*names, *others}) if name in names] == order(set(names))


def test_permanent_numbers_are_uniform_over_names_and_over_seeds() -> None:
    for numbers in (
        [permanent_number(0, f"interview {i}") for i in range(5000)],
        [permanent_number(seed, "interview 1") for seed in range(5000)],
    ):
        counts = np.histogram(numbers, bins=10, range=(0, 1))[0]
        assert (np.abs(counts - 500) < 5 * np.sqrt(450)).all()


def test_every_transcript_is_as_often_among_the_first_of_the_order() -> None:
    names = [f"t{i}" for i in range(8)]
    first = np.zeros(8)
    for seed in range(4000):
        order = np.argsort([permanent_number(seed, name) for name in names])
        first[order[:2]] += 1
    assert (np.abs(first / 4000 - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000)).all()


def test_no_file_is_no_draw(make_study) -> None:
    assert read_draws(make_study()) == ()


def test_draws_come_back_as_they_were_written(make_study) -> None:
    study = make_study()
    draws = (draw("t2", 0, READ_BEFORE), draw("=t1", 1, RANDOM), draw('a, "b"', 1, TEACHES_MOST))
    with study_lock(study.root):
        write_draws(study, draws)
    assert read_draws(study) == draws


def test_what_a_spreadsheet_makes_of_it_is_read(make_study) -> None:
    number = f"{permanent_number(0, 't1'):.6f}".replace(".", ",")
    study = make_study(
        {"next.csv": f"\ufeffTranscript;Draw;Why;Number;mine\r\n t1 ; 1;Random ;{number};x\r\n"}
    )
    assert read_draws(study) == (draw("t1", 1, RANDOM),)


def test_missing_columns_are_one_error_that_names_them(make_study) -> None:
    study = make_study({"next.csv": "transcript,round\nt1,1\n"})
    with pytest.raises(FileError, match="'draw' is missing") as error:
        read_draws(study)
    assert {problem.split("'")[1] for problem in error.value.problems} == {"draw", "why", "number"}


def test_every_bad_row_is_told_with_its_line(make_study) -> None:
    number = {name: f"{permanent_number(0, name):.6f}" for name in ("t1", "t2", "t3", "t4", "t5")}
    rows = [
        f"t1,1,random,{number['t1']}",
        f",1,random,{number['t1']}",
        f"t2,one,random,{number['t2']}",
        f"t3,0,random,{number['t3']}",
        f"t4,1,liked it,{number['t4']}",
        f"t5,-1,random,{number['t5']}",
        f"t1,2,teaches most,{number['t1']}",
        "t6,2,random,0.5",
        "t7,2,random,",
        "t8,2",
    ]
    study = make_study({"next.csv": "\n".join(["transcript,draw,why,number", *rows, ""])})
    with pytest.raises(FileError) as error:
        read_draws(study)
    text = str(error.value)
    assert len(error.value.problems) == 9
    assert "line 3: no transcript" in text
    assert "line 4: draw is 'one', not a whole number" in text
    assert "line 5: draw 0 and 'read before' belong together" in text
    assert "line 6: why is none of read before, random, teaches most" in text
    assert "line 7: draw -1 is negative" in text
    assert "lines 2, 8: transcript 't1' stands twice" in text
    assert "line 9: the number of 't6' is not what [study] seed = 0 gives" in text
    assert "line 11: 2 cells where the header has 4" in text


def test_a_changed_seed_cannot_draw_again_unnoticed(make_study) -> None:
    study = make_study()
    write_draws(study, [draw("t1", 1, RANDOM)])
    changed = make_study({"study.toml": "[study]\nseed = 7\n"})
    with pytest.raises(FileError, match=r"seed = 7 gives; was the seed changed"):
        read_draws(changed)


def test_a_run_sees_the_draws_and_the_model_does_not_depend_on_them(make_study) -> None:
    study = make_study(
        {"next.csv": "transcript,draw,why,number\n", "codings/ann.csv": "transcript,code,turn\n"}
    )
    assert study.root / "next.csv" in human_files(study)
    assert study.root / "next.csv" not in coded_files(study)
    assert set(coded_files(study)) < set(human_files(study))
