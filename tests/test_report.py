from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.report import render_report
from pipeline.report.beside_view import beside_view
from pipeline.report.codes_view import codes_view
from pipeline.report.levels import scored_rows
from pipeline.report.page import render_page
from pipeline.report.reading_view import MOST_SEGMENTS, mark_words, reading_view
from pipeline.report.reference import reference_of
from pipeline.report.reliability_view import reliability_view
from pipeline.report.tables import RunTables, Suggestion, read_evidence, read_run
from pipeline.report.wording import UNDEFINED, coefficient, percent, shorten

Files = dict[str, str]


def with_summary(run: RunTables, **changes: Any) -> RunTables:
    return replace(run, summary={**run.summary, **changes})


@pytest.fixture(scope="module")
def run(tiny_run_dir: Path) -> RunTables:
    return read_run(tiny_run_dir)


@pytest.fixture(scope="module")
def page(tiny_run_dir, read_page):
    return read_page(render_report(tiny_run_dir))


@pytest.fixture(scope="module")
def rendered(read_page) -> Callable[[RunTables], str]:
    """Tables -> all that the page says."""
    return lambda run: read_page(render_page(run)).words


# What it says


def test_overview_says_what_the_tables_hold(page, run, rendered, read_page, make_run):
    facts = run.summary
    segments = {(row.transcript, row.start) for row in run.suggestions if row.probability is not None}
    words = page.words.replace("\N{NO-BREAK SPACE}", " ")
    overview = words[words.index("Overview") : words.index("What the model knows")]
    for said in (
        f"{facts['n_transcripts']} transcripts",
        f"{facts['n_words']:,} words",
        f"{facts['n_segments']} segments",
        f"{len(facts['coders'])} coders",
        f"{sum(facts['n_codings'].values())} codings",
        f"{sum(row.probability is not None for row in run.suggestions)} suggestions",
        f"for {len(segments)} segments",
        f"people have read {facts['n_read_transcripts']} of the transcripts",
        f"about {round(sum(row.probability or 0 for row in run.suggestions))} of them can be expected",
    ):
        assert said in overview


def test_each_code_stands_with_its_figures_or_its_reason(page, run):
    views = [view for family in codes_view(run).families for view in family]
    assert {view.name for view in views} == {row.code for row in run.codes}
    for row in run.codes:
        if row.learned:
            assert coefficient(row.average_precision) in page.words
        else:
            assert row.status and row.status.replace("group", "transcript") in page.words


def test_kappa_of_the_report_says_how_it_is_computed(page):
    (kappa,) = [found for found in COEFFICIENTS if found.key == "cohen_kappa"]
    assert "#how-cohen_kappa" in {found.get("href") for _, found in page.tags}
    for text in (kappa.formula, kappa.source, kappa.missing):
        assert " ".join(text.split()) in page.words


def test_interval_of_a_code_is_shown_where_the_evaluation_gives_one(run, rendered):
    evaluation = json.loads(json.dumps(run.evaluation))
    ci = {"low": 0.61, "high": 0.87, "method": "jackknife over 9 groups, t(8)", "reason": ""}
    codes = evaluation["scopes"]["all"]["codes"]
    codes[0]["ci"] = {"average_precision": ci}
    words = rendered(replace(run, evaluation=evaluation)).replace("\N{NO-BREAK SPACE}", " ")
    n_without = "1 code" if len(codes) == 2 else f"{len(codes) - 1} codes"
    assert "[0.61 to 0.87]" in words
    assert "95 % intervals: jackknife (1 code); none for " + n_without in words
    assert "(too few transcripts hold the code, at least 8 needed)" in words


def test_groups_are_called_so_where_the_study_holds_out_others_than_transcripts(run, rendered):
    settings = {**run.summary["settings"], "evaluation": {"group_by": "site"}}
    assert "at least 8 needed" in rendered(run)
    assert "too few groups hold the code" not in rendered(run)
    assert "too few groups hold the code" in rendered(with_summary(run, settings=settings))


def test_parent_without_codings_of_its_own_is_a_heading_and_not_a_code_to_learn(run, rendered):
    reason = "not learned yet: 0 segments in 0 groups (needs 10 in 3)"
    none = {"n_positive": 0, "n_groups": 0, "n_suggestions": 0, "status": reason}
    parent = replace(run.codes[0], code="Kinds", parent="", average_precision=None, **none)
    headed = replace(run, codes=(parent, *(replace(row, parent="Kinds") for row in run.codes)))
    first = codes_view(headed).families[0][0]
    assert (first.name, first.is_heading) == ("Kinds", True)
    assert parent not in scored_rows(headed.codes)
    assert rendered(headed).count("not learned yet: 0 segments") == rendered(run).count(
        "not learned yet: 0 segments"
    )


# Whose codings count


@pytest.mark.parametrize(
    ("n_coders", "gold", "who"),
    [
        (1, "share", "the coder"),
        (2, "share", "at least one of the two coders"),
        (3, "share", "at least half of the coders who read it"),
        (1, "majority", "the coder"),
        (2, "majority", "more than half of the coders who read it"),
        (2, "any", "at least one of the two coders"),
        (3, "any", "at least one of the coders who read it"),
        (3, "consensus", "the consensus"),
        (3, "c0", "the coder whom target.gold names"),
    ],
)
def test_report_says_whose_codings_count(n_coders, gold, who, run, rendered):
    coders = [*([f"c{n}", "human"] for n in range(n_coders)), ["robot", "machine"]]
    changed = with_summary(run, coders=coders, settings={**run.summary["settings"], "target": {"gold": gold}})
    assert reference_of(changed).long == who
    words = rendered(changed)
    assert f"counts as coded if {who} gave the code." in words
    assert f"A segment counts as coded if {who} gave the code." in words
    assert ("precision and recall here differ from those under agreement" in words) == (n_coders > 1)
    assert f"{reference_of(changed).short} had coded about" in words
    assert f"what {reference_of(changed).short} would have coded" in words


# Pairs of coders


def compared(kappa: float | None, *, n_units: int = 40, code: str | None = "Waiting") -> dict[str, Any]:
    low_high = {"low": 0.42, "high": 0.93, "method": "jackknife", "reason": ""}
    return {
        "kind": "human-human",
        "code": code,
        "n_units": n_units,
        "in_means": True,
        "cohen_kappa": kappa,
        "ci": {} if kappa is None else {"cohen_kappa": low_high},
        "prevalence_a": 0.2 if n_units else None,
        "prevalence_b": 0.3 if n_units else None,
    }


@pytest.mark.parametrize(
    ("found", "text", "interval", "pairs"),
    [
        ([compared(0.68)], "0.68", "0.42 to 0.93", ""),
        ([compared(0.68), compared(None, n_units=0)], "0.68", "0.42 to 0.93", ""),
        ([compared(0.33), compared(0.34)], "0.34", "", "2 pairs: 0.33–0.34"),
        ([compared(0.0), compared(None), compared(None)], "0.00", "0.42 to 0.93", "1 of 3 pairs"),
        ([compared(0.2), compared(0.4), compared(None)], "0.30", "", "2 of 3 pairs: 0.20–0.40"),
        ([compared(-0.1), compared(0.3)], "0.10", "", "2 pairs: \N{MINUS SIGN}0.10 to 0.30"),
        ([compared(None), compared(None)], UNDEFINED, "", ""),
    ],
)
def test_range_over_pairs_is_never_written_as_an_interval(found, text, interval, pairs, run):
    comparisons = [row | {"code": code} for row in found for code in (None, "Waiting")]
    view = beside_view(replace(run, agreement={**run.agreement, "comparisons": comparisons}))
    people = view.rows[0].people
    shown = people.pairs.replace("\N{NO-BREAK SPACE}", " ")
    assert (people.text, people.interval, shown) == (text, interval, pairs)
    assert view.n_pairs == (sum(row["n_units"] > 0 for row in found), 0)
    assert (view.n_units, view.rows[0].n_units) == ("40", "40")
    assert [mark.over_pairs for mark in view.rows[0].marks] == [":" in pairs] * (text != UNDEFINED)


# The sentence encoder


@pytest.mark.parametrize(
    ("cell", "words", "parts"),
    [
        ("", (), ()),
        ("queue +0.61; waited +0.40", (("queue", 0.61), ("waited", 0.4)), ()),
        (
            "queue +0.61; [meaning] +0.80; [context] -0.31",
            (("queue", 0.61),),
            (("meaning", 0.8), ("context", -0.31)),
        ),
        ("[meaning] -1.20; [context] +0.00", (), (("meaning", -1.2), ("context", 0.0))),
        ("[context] +0.20; x +0.10", (("[context]", 0.2), ("x", 0.1)), ()),
        (
            "[meaning] +0.50; [meaning] +0.10; [context] +0.20",
            (("[meaning]", 0.5),),
            (("meaning", 0.1), ("context", 0.2)),
        ),
        ("-3 +0.20; a +1.00 b +0.10; ;x +0.05", (("-3", 0.2), ("a +1.00 b", 0.1), (";x", 0.05)), ()),
    ],
)
def test_evidence_is_read_as_words_and_then_parts(cell, words, parts):
    assert read_evidence(cell) == (words, parts)


def test_parts_of_a_suggestion_are_said_in_words_and_never_marked(run, rendered):
    first, *others = run.suggestions
    quote = f"meaning and context: {first.quote}"
    with_parts = replace(first, quote=quote, parts=(("meaning", 0.8), ("context", -0.31)))
    large = replace(run, suggestions=(with_parts, *others))
    segment = reading_view(large).shelves[0].segments[0]
    said = (("what it means as a whole", "+0.80"), ("what was said around it", "\N{MINUS SIGN}0.31"))
    assert said in [code.parts for code in segment.codes]
    assert not [piece for piece, mark in segment.quote if mark and piece in {"meaning", "context"}]
    assert "what it means as a whole +0.80 ; what was said around it \N{MINUS SIGN}0.31" in rendered(large)


@pytest.mark.parametrize(
    ("encoder", "asked", "said", "unsaid"),
    [
        ("minilm", None, "by the sentence encoder minilm", "words only"),
        ("", None, "words only (no sentence encoder; precode encoder install brings one)", "minilm"),
        ("", "none", "words only (study.toml asks for no sentence encoder)", "minilm"),
    ],
)
def test_report_says_what_the_model_sees(encoder, asked, said, unsaid, run, rendered):
    settings = {**run.summary["settings"], "model": {"encoder": asked}}
    words = rendered(with_summary(run, encoder=encoder, settings=settings))
    assert said in words
    assert unsaid not in words
    assert ("whose meaning is nearest" in words) == bool(encoder)
    assert ("most like the suggested one in words" in words) == (not encoder)


# The reliability diagram


def test_reliability_stands_as_table_and_figure(page, run):
    rows = run.evaluation["scopes"]["all"]["reliability"]
    view = reliability_view(run)
    assert [row.n for row in view.bins] == [f"{row['n']:,}" for row in rows]
    assert len(view.points) == sum(row["n"] > 0 for row in rows)
    circles = [
        found
        for tag, found in page.tags
        if tag == "circle" and found["class"].startswith("model") and found["r"] != "4.5"
    ]
    assert [(found["cx"], found["cy"]) for found in circles] == [(point.x, point.y) for point in view.points]
    assert any(found.get("id") == "how-reliability" for _, found in page.tags)


def test_reliability_places_points_by_share_and_tells_few_cells(run):
    bins = [
        {"low": 0.0, "high": 0.1, "n": 900, "mean_predicted": 0.05, "observed": 0.1},
        {"low": 0.3, "high": 0.4, "n": 60, "mean_predicted": 0.35, "observed": 0.3},
        {"low": 0.9, "high": 1.0, "n": 4, "mean_predicted": 0.95, "observed": 1.0},
    ]
    view = reliability_view(replace(run, evaluation={"scopes": {"all": {"reliability": bins}}}))
    assert [(point.x, point.y, point.few) for point in view.points] == [
        ("10.0", "180.0", False),
        ("70.0", "140.0", False),
        ("190.0", "0.0", True),
    ]
    assert view.example.replace("\N{NO-BREAK SPACE}", " ") == (
        "For example, 60 times it gave a code 30 to 40 %, on average 35 %: "
        "at least one of the two coders had coded so in 30 % of them."
    )


def test_run_without_a_reliability_table_has_no_diagram(run, rendered):
    evaluation = json.loads(json.dumps(run.evaluation))
    del evaluation["scopes"]["all"]["reliability"]
    assert "Can its percentages be believed?" in rendered(run)
    assert "Can its percentages be believed?" not in rendered(replace(run, evaluation=evaluation))


def test_reflexive_study_is_told_what_agreement_is_not(run, rendered):
    said = "Reflexive thematic analysis takes coding as the researcher's interpretation and rejects agreement"
    assert said not in rendered(run)
    assert said in rendered(with_summary(run, approach="reflexive"))


def test_files_set_aside_stand_with_their_reason(run, rendered):
    files = [{"file": "broken.docx", "n_transcripts": 0, "warnings": [], "rejected": ["is no Word file"]}]
    words = rendered(with_summary(run, files=files))
    assert "broken.docx is no Word file" in words
    assert "1 file could not be read and was set aside" in words.replace("\N{NO-BREAK SPACE}", " ")


# Suggestions


def test_suggestion_stands_with_quote_place_words_and_excerpts(run):
    segment = reading_view(run).shelves[0].segments[0]
    first = run.suggestions[0]
    assert "".join(piece for piece, _ in segment.quote) == first.quote
    assert (segment.transcript, segment.speaker, segment.start) == (
        first.transcript,
        first.speaker,
        first.start,
    )
    assert any(strength for _, strength in segment.quote)
    assert 1 <= len(segment.codes[0].nearest) <= 3
    assert all(segment.codes[0].name in near.codes.split("; ") for near in segment.codes[0].nearest)
    (other,) = segment.codes[0].nearest_not
    assert segment.codes[0].name not in other.codes.split("; ")
    assert segment.codes[0].codebook == first.codebook != ""
    assert segment.codes[0].evidence


def test_too_many_suggestions_are_cut_so_that_every_code_is_kept(run):
    def suggestion(number: int, code: str, probability: float) -> Suggestion:
        return Suggestion(
            f"t{number:05d}", 0, 9, "P", "some said", code, probability, (("some", 0.5),), (), (), (), ""
        )

    # "Money" is always the less probable one: a cut by probability alone would drop it.
    many = [suggestion(i, "Waiting", 0.9) for i in range(2 * MOST_SEGMENTS)]
    many += [suggestion(2 * MOST_SEGMENTS + i, "Money", 0.1) for i in range(2 * MOST_SEGMENTS)]
    large = replace(run, suggestions=tuple(many))
    view = reading_view(large)
    shown = [segment for shelf in view.shelves for segment in shelf.segments]
    assert len(shown) == MOST_SEGMENTS
    per_code = {code: n for _, code, n in view.filters}
    assert per_code["Waiting"] == per_code["Money"] == MOST_SEGMENTS // 2
    assert view.left_out.endswith("All are in suggestions.csv.")
    assert f"of {4 * MOST_SEGMENTS:,}" in view.left_out
    text = render_page(large)
    assert len(text.encode()) < 5_000_000
    assert html.escape(view.left_out) in text


@given(st.text("aAbBé'<. \n\u202e"), st.dictionaries(st.text("ab'é."), st.floats(0, 2)))
def test_marking_words_changes_no_character(text, words):
    assert "".join(piece for piece, _ in mark_words(text, words)) == text


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("The queue, the QUEUE.", {"queue": 0.9}, [("queue", "strong"), ("QUEUE", "strong")]),
        ("queues queue", {"queue": 0.1}, [("queue", "faint")]),
        ("I don't know", {"don't": 0.4, "don": 0.1}, [("don't", "strong")]),
        ("a.b axb", {"a.b": 1.0}, [("a.b", "strong")]),
        ("nothing", {}, []),
    ],
)
def test_only_whole_words_are_marked(text, words, marked):
    assert [pair for pair in mark_words(text, words) if pair[1]] == marked


# Empty studies


def without(files: Files, *beginnings: str) -> Files:
    return {name: text for name, text in files.items() if not name.startswith(beginnings)}


def all_read(files: Files) -> Files:
    rows = "".join(f"t{t},,1\n" for t in (5, 6))
    return {**files, "codings/ann.csv": files["codings/ann.csv"] + rows}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda files: without(files, "codings/"),
            ["Nobody has coded anything yet", "No code has been learned yet", "There is nothing to compare"],
            id="no codings",
        ),
        pytest.param(
            lambda files: without(files, "codings/", "codebook.csv"),
            ["There is no code yet: no codebook.csv and no coding", "Nobody has coded yet."],
            id="no codebook either",
        ),
        pytest.param(
            lambda files: without(files, "codings/bob"),
            ["The model agrees with the one coder at", "how far people agree with each other is unknown"],
            id="one coder",
        ),
        pytest.param(
            lambda files: {
                **without(files, "codings/bob"),
                "codings/ann.csv": "transcript,code,turn\nt1,Waiting,2\n",
            },
            ["No code could be learned yet", "not learned yet: 1 segment", "There is nothing to compare"],
            id="too few codings",
        ),
        pytest.param(
            all_read, ["People have read every segment, so there is nothing left to suggest"], id="all read"
        ),
    ],
)
def test_empty_states_are_said_in_a_sentence(
    change: Callable[[Files], Files],
    said: list[str],
    tmp_path: Path,
    tiny_study_files: Files,
    read_page,
    make_run,
):
    words = read_page(render_report(make_run(tmp_path / "study", change(tiny_study_files)))).words
    for sentence in said:
        assert sentence in words


def test_reason_for_no_topics_is_said(run, rendered):
    empty = {**run.topics, "reason": "too few segments for topics: 3"}
    assert "There are no topics: too few segments for topics: 3." in rendered(replace(run, topics=empty))


# How numbers are written


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.0004, "<0.1 %"),
        (0.004, "0.4 %"),
        (0.0096, "1 %"),
        (0.456, "46 %"),
        (0.9951, ">99 %"),
        (1.0, "100 %"),
        (None, UNDEFINED),
    ],
)
def test_percentages_are_whole_but_never_claim_none_or_all(share, text):
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.714, "0.71"),
        (-0.104, "\N{MINUS SIGN}0.10"),
        (-0.001, "0.00"),
        (0.9985, ">0.99"),
        (1.0, "1.00"),
        (None, UNDEFINED),
    ],
)
def test_coefficients_have_two_decimals_but_never_claim_one(value, text):
    assert coefficient(value) == text


def test_long_quotes_are_cut_at_a_space():
    assert shorten("one two three four", most=12) == "one two…"
    assert shorten("one  two\nthree", most=20) == "one two three"


def test_a_participant_on_both_sides_is_told_with_the_remedy(run, rendered):
    leak = run.evaluation["leak"] | {"n_people_on_both_sides": 1, "n_transcripts_of_these_people": 3}
    known = with_summary(replace(run, evaluation=run.evaluation | {"leak": leak}), attributes=["participant"])
    words = rendered(known).replace("\N{NO-BREAK SPACE}", " ")
    assert "The same participant speaks in 3 transcripts of different folds" in words
    assert '[evaluation] group_by = "participant" in study.toml holds them out together' in words
    assert "The same participant speaks" not in rendered(run)


def test_first_suggestions_alone_are_counted_as_what_they_are(
    tmp_path: Path, tiny_study_files: Files, read_page, make_run
):
    files = without(tiny_study_files, "codings/")
    words = read_page(render_report(make_run(tmp_path / "study", files))).words.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "0 suggestions" not in words
    assert re.search(r"Suggested \d+ first suggestions", words)
    assert "can be expected to be what" not in words
