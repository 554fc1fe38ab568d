from __future__ import annotations

from collections.abc import Callable

import pytest

from corpus.coded import Coded, context_speakers, read_coded, segment_unit
from corpus.errors import FileError
from corpus.records import Coding, Transcript

HEADER = "transcript,code,start,end\n"


@pytest.fixture
def talks(make_transcript: Callable[..., Transcript]) -> list[Transcript]:
    """Two interviews, t1 and t2, each of one question and one answer."""
    return [
        make_transcript(name, ("Interviewer 1", "How was it?"), ("P1", "It was slow and loud."))
        for name in ("t1", "t2")
    ]


@pytest.fixture
def coded(make_study, talks) -> Callable[..., Coded]:
    """Files of the study -> what ``read_coded`` gives for the two interviews."""

    def read(files: dict[str, str], **options: bool) -> Coded:
        return read_coded(make_study(files), talks, **options)

    return read


@pytest.fixture
def turns_coded() -> Callable[..., list[Coding]]:
    """(transcript, {number of turn: how many codings}) -> those codings, each of a whole turn."""

    def make(transcript: Transcript, counts: dict[int, int]) -> list[Coding]:
        return [
            Coding(transcript.transcript_id, "ann", f"code {i}", turn.start, turn.end)
            for turn in transcript.turns
            for i in range(counts.get(turn.number, 0))
        ]

    return make


def speaker_talk(make_transcript, *speakers: str) -> Transcript:
    return make_transcript("t", *((speaker, "some words here") for speaker in speakers))


@pytest.mark.parametrize(
    "label", ["Interviewer", "INT", "i", "Moderator 2", "facilitator:", "Researcher #1", "Interviewer 12"]
)
def test_usual_labels_of_interviewers_give_context(make_transcript, label: str) -> None:
    found = context_speakers(None, [speaker_talk(make_transcript, label, "P1")], [])
    assert label.rstrip(":#0123456789 ").casefold() in found
    assert "p" not in found


@pytest.mark.parametrize(("n_on_int", "is_context"), [(0, True), (1, True), (2, False), (20, False)])
def test_usual_label_that_carries_more_than_one_coding_in_twenty_is_no_context(
    make_transcript, turns_coded, n_on_int: int, is_context: bool
) -> None:
    talk = speaker_talk(make_transcript, "INT", "P1")
    codings = turns_coded(talk, {1: n_on_int, 2: 20 - n_on_int})
    assert ("int" in context_speakers(None, [talk], codings)) is is_context


def test_one_usual_label_that_is_coded_does_not_spare_another(make_transcript, turns_coded) -> None:
    talk = speaker_talk(make_transcript, "I", "Moderator", "P1")
    found = context_speakers(None, [talk], turns_coded(talk, {1: 10, 3: 10}))
    assert "i" not in found
    assert "moderator" in found


def test_labels_with_different_numbers_are_counted_together(make_transcript, turns_coded) -> None:
    talk = speaker_talk(make_transcript, "INT1", "INT 2", "P1")
    assert "int" not in context_speakers(None, [talk], turns_coded(talk, {1: 1, 2: 1, 3: 20}))


def test_named_context_speakers_are_context_however_often_they_are_coded(
    make_transcript, turns_coded
) -> None:
    talk = speaker_talk(make_transcript, "Anna 1", "INT", "P1")
    assert context_speakers(["ANNA"], [talk], turns_coded(talk, {1: 50})) == {"anna"}
    assert context_speakers([], [talk], []) == frozenset()


def test_coding_over_two_turns_counts_for_the_one_that_holds_most_of_it(make_transcript) -> None:
    talk = make_transcript("t", ("INT", "Oh?"), ("P1", "a much longer answer than that"))
    whole = [Coding("t", "ann", "x", talk.turns[0].start, talk.turns[1].end)] * 10
    assert "int" in context_speakers(None, [talk], whole)


def test_codings_on_context_speakers_are_kept_and_counted(coded, talks) -> None:
    turn = talks[0].turns[0]
    files = {
        "study.toml": '[speakers]\ncontext = ["Interviewer"]\n',
        "codings/ann.csv": f"{HEADER}t1,x,{turn.start},{turn.end}\nt1,y,{turn.start},{turn.end}\nt2,x,27,31\n",
    }
    found = coded(files)
    assert len(found.codings) == 3
    assert "2 codings on context speakers: not trained on, not scored" in found.notes


def test_coders_are_the_files_and_humans_unless_said_otherwise(coded) -> None:
    row = f"{HEADER}t1,x,0,3\n"
    found = coded(
        {
            "codings/ann.csv": row,
            "codings/bob.csv": row,
            "codings/consensus.csv": row,
            "codings/old model.csv": row,
            "coders.csv": "coder,kind\nold model,machine\nann,\nbob,Human\nnobody,human\n",
        }
    )
    assert dict(found.coders) == {
        "ann": "human",
        "bob": "human",
        "consensus": "consensus",
        "old model": "machine",
    }
    assert "coders.csv: 'nobody' has no file in codings/" in found.notes


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("ann,robot", "kind 'robot' is none of human, consensus, machine"),
        ("ann,consensus", "kind consensus and codings/consensus.csv belong together"),
        ("consensus,human", "kind consensus and codings/consensus.csv belong together"),
        ("ann", "1 cell where the header has 2"),
    ],
)
def test_coders_file_refuses_what_does_not_fit(coded, row: str, reason: str) -> None:
    row_ = f"{HEADER}t1,x,0,3\n"
    with pytest.raises(FileError) as caught:
        coded(
            {
                "codings/ann.csv": row_,
                "codings/consensus.csv": row_,
                "coders.csv": f"coder,kind\n{row}\n",
            }
        )
    assert caught.value.problems == (f"line 2: {reason}",)


def test_coders_whose_names_differ_only_by_case_are_told(coded) -> None:
    row = f"{HEADER}t1,x,0,3\n"
    found = coded({"codings/Ann.csv": row, "codings/ann.csv": row})
    assert any(note.startswith("coders 'Ann' and 'ann' differ only by case") for note in found.notes)


@pytest.mark.parametrize("name", ["model", "Model", "MODEL"])
def test_a_coder_who_would_be_taken_for_the_model_is_refused(coded, name: str) -> None:
    with pytest.raises(FileError, match=rf"codings/{name}\.csv(.|\n)*the model's own(.|\n)*[Rr]ename"):
        coded({f"codings/{name}.csv": f"{HEADER}t1,x,0,3\n"})


def test_two_files_of_one_coder_are_refused(coded) -> None:
    row = f"{HEADER}t1,x,0,3\n"
    with pytest.raises(FileError, match="Zoë"):
        coded({"codings/Zo\u00eb.csv": row, "codings/Zoe\u0308.csv": row})


def test_one_bad_row_refuses_the_whole_codings_file_with_all_its_problems(coded) -> None:
    with pytest.raises(FileError) as caught:
        coded({"codings/ann.csv": f"{HEADER}t1,x,0,3\nt9,x,0,3\nt1,x,3,0\n"})
    assert caught.value.file == "codings/ann.csv"
    assert [problem[:6] for problem in caught.value.problems] == ["line 3", "line 4"]


def test_rows_for_transcripts_that_were_set_aside_are_counted(coded) -> None:
    found = coded({"codings/ann.csv": f"{HEADER}t1,x,0,3\nt9,x,0,3\n"}, some_set_aside=True)
    assert len(found.codings) == 1
    assert "codings/ann.csv: 1 rows for transcripts that were set aside are not used" in found.notes


def test_any_row_in_a_transcript_means_that_all_of_it_was_read_and_the_notes_say_assumed(
    coded, talks
) -> None:
    found = coded({"codings/ann.csv": f"{HEADER}t1,,,\n"})
    (read,) = found.reads
    assert (read.coder, read.transcript_id, read.start, read.end) == ("ann", "t1", 0, len(talks[0].text))
    assert read.assumed
    assert any("assumed" in note and "ann (1)" in note for note in found.notes)


def test_coverage_is_the_whole_truth_for_a_coder_who_stands_in_it(coded) -> None:
    row = f"{HEADER}t1,x,0,3\nt2,x,0,3\n"
    found = coded(
        {
            "codings/ann.csv": row,
            "codings/bob.csv": row,
            "coverage.csv": "coder,transcript,start,end\nann,t1,0,20\nann,t1,20,30\ncem,t1,,\n",
        }
    )
    spans = [(read.coder, read.transcript_id, read.start, read.end, read.assumed) for read in found.reads]
    assert [span for span in spans if span[0] == "ann"] == [
        ("ann", "t1", 0, 20, False),
        ("ann", "t1", 20, 30, False),
    ]
    assert [span[:2] for span in spans if span[0] == "bob"] == [("bob", "t1"), ("bob", "t2")]
    assert not any(span[0] == "cem" for span in spans)
    assert "coverage.csv: 'cem' has no file in codings/" in found.notes


def test_coder_whose_coverage_names_no_transcript_that_is_here_has_read_nothing(coded) -> None:
    found = coded({"codings/ann.csv": f"{HEADER}t1,x,0,3\n", "coverage.csv": "coder,transcript\nann,t-1\n"})
    assert found.reads == ()
    assert "coverage.csv: line 2: no transcript 't-1'; not used" in found.notes


def test_codes_that_are_not_in_the_codebook_are_counted_and_not_used(coded) -> None:
    found = coded(
        {
            "codebook.csv": "code\ntrust\n",
            "codings/ann.csv": f"{HEADER}t1,trust,0,3\nt1,hope,0,3\nt1,hope,3,5\nt1,fear,0,3\n",
        }
    )
    assert [coding.code for coding in found.codings] == ["trust"]
    assert (
        "code 'hope' is not in codebook.csv: 2 codings not used; where they stand counts as not coded"
        in found.notes
    )
    assert (
        "code 'fear' is not in codebook.csv: 1 codings not used; where they stand counts as not coded"
        in found.notes
    )


def test_code_spelt_with_other_case_is_taken_for_the_codes_own_and_told(coded) -> None:
    found = coded(
        {"codebook.csv": "code\nTrust\n", "codings/ann.csv": f"{HEADER}t1,trust,0,3\nt1,Trust,3,5\n"}
    )
    assert [coding.code for coding in found.codings] == ["Trust", "Trust"]
    assert "code 'trust' is taken for 'Trust' (1 codings)" in found.notes


def test_codes_that_the_codebook_keeps_apart_by_case_stay_apart(coded) -> None:
    found = coded(
        {
            "codebook.csv": "code\nTrust\ntrust\n",
            "codings/ann.csv": f"{HEADER}t1,trust,0,3\nt1,Trust,3,5\n",
        }
    )
    assert [coding.code for coding in found.codings] == ["trust", "Trust"]


@pytest.mark.parametrize("files", [{}, {"codebook.csv": "code,parent,definition\n"}])
def test_without_codes_in_a_codebook_the_codes_of_the_codings_are_the_codebook(coded, files) -> None:
    found = coded({**files, "codings/ann.csv": f"{HEADER}t1,trust,0,3\nt1,fear,0,3\n"})
    assert found.codebook.names == ("fear", "trust")
    assert len(found.codings) == 2
    assert any("are taken as the codebook" in note for note in found.notes)


def test_parent_without_a_row_can_be_coded(coded) -> None:
    found = coded(
        {"codebook.csv": "code,parent\ntrust,influence\n", "codings/ann.csv": f"{HEADER}t1,influence,0,3\n"}
    )
    assert [coding.code for coding in found.codings] == ["influence"]


def test_participants_have_attributes_by_transcript(coded) -> None:
    found = coded({"participants.csv": "Transcript, Role,site\nt1, patient ,north\nt2,carer,\n"})
    assert found.attributes == ("role", "site")
    assert dict(found.participants) == {
        "t1": {"role": "patient", "site": "north"},
        "t2": {"role": "carer", "site": ""},
    }


def test_participants_with_two_rows_for_a_transcript_are_refused_with_the_line(coded) -> None:
    with pytest.raises(FileError) as caught:
        coded({"participants.csv": "transcript,role\nt1,a\nt1,b\nt2,c\nt2,d\n"})
    assert [problem[:6] for problem in caught.value.problems] == ["line 3", "line 5"]


def test_participants_of_a_group_are_rows_with_a_speaker(coded) -> None:
    found = coded({"participants.csv": "transcript,speaker,role\nt1,P1,a\nt1,P2,b\nt1,,group\n"})
    assert dict(found.participants) == {"t1": {"role": "group"}}


def test_transcripts_without_a_participant_row_are_counted(coded) -> None:
    assert (
        "participants.csv: 1 transcripts have no row" in coded({"participants.csv": "transcript\nt1\n"}).notes
    )


def test_participant_row_for_an_unknown_transcript_is_told(coded) -> None:
    found = coded({"participants.csv": "transcript,role\nt1,a\nt2,b\nt-3,c\n"})
    assert any("t-3" in note for note in found.notes)


@pytest.mark.parametrize(
    ("rows", "unit"),
    [
        ("transcript,code,turn\nt1,x,1\nt1,x,2\n", "turn"),
        ("transcript,code,turn\nt1,x,1\nt1,,\n", "turn"),
        ("transcript,code,turn,quote\nt1,x,1,\nt1,x,2,slow\n", "passage"),
        ("transcript,code,start,end\nt1,x,0,3\n", "passage"),
        ("transcript,code,turn\nt1,,1\n", "passage"),
    ],
)
def test_unit_is_the_turn_only_if_every_coding_is_addressed_by_turn(make_study, rows: str, unit: str) -> None:
    assert segment_unit(make_study({"codings/ann.csv": rows})) == unit


def test_unit_that_study_toml_names_stands(make_study) -> None:
    files = {"codings/ann.csv": "transcript,code,turn\nt1,x,1\n"}
    assert segment_unit(make_study({**files, "study.toml": '[segments]\nunit = "passage"\n'})) == "passage"


def test_code_written_with_other_joins_is_taken_for_the_code(coded) -> None:
    found = coded({"codebook.csv": "code\nwork_day\n", "codings/ann.csv": f"{HEADER}t1,Work Day,0,3\n"})
    assert [coding.code for coding in found.codings] == ["work_day"]


def test_misspelt_code_names_the_nearest(coded) -> None:
    found = coded({"codebook.csv": "code\nbetrayal\n", "codings/ann.csv": f"{HEADER}t1,betrayl,0,3\n"})
    assert any(
        "code 'betrayl' is not in codebook.csv (did you mean 'betrayal'?)" in note for note in found.notes
    )


def test_label_in_the_settings_that_nobody_has_is_told(coded) -> None:
    found = coded({"study.toml": '[speakers]\ncontext = ["Nobodyhere"]\n', "codings/ann.csv": HEADER})
    assert any("speakers.context names 'Nobodyhere'" in note for note in found.notes)


def test_codings_made_with_a_suggestion_in_view_are_counted(coded) -> None:
    rows = "transcript,code,start,end,basis\nt1,trust,0,3,accepted\nt1,trust,3,5,blind\n"
    found = coded({"codings/ann.csv": rows})
    assert any(note.startswith("1 codings were made with a suggestion in view") for note in found.notes)


def test_attributes_on_which_the_speakers_of_a_transcript_agree_are_the_transcripts(coded) -> None:
    rows = "transcript,speaker,site,role\nt1,A,North,nurse\nt1,B,North,porter\n"
    found = coded({"participants.csv": rows, "codings/ann.csv": HEADER})
    assert found.participants["t1"] == {"site": "North", "role": ""}
    assert any("speakers differ in 'role'" in note for note in found.notes)


def test_cell_that_reads_like_talk_is_not_repeated_in_a_message(coded) -> None:
    said = "I never told my husband that it had come back"
    with pytest.raises(FileError) as refused:
        coded({"codings/ann.csv": f"{HEADER}{said},trust,0,3\n"})
    assert "husband" not in str(refused.value)
