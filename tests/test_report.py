from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.study import load_study
from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.report import render_report
from pipeline.report.agreement_view import agreement_view
from pipeline.report.beside_view import beside_view
from pipeline.report.codes_view import codes_view
from pipeline.report.levels import scored_rows
from pipeline.report.page import render_page
from pipeline.report.reading_view import MOST_SEGMENTS, mark_words, reading_view
from pipeline.report.reference import reference_of
from pipeline.report.reliability_view import reliability_view
from pipeline.report.tables import RunTables, Suggestion, read_evidence, read_run
from pipeline.report.wording import UNDEFINED, coefficient, percent, shorten
from pipeline.run import run_study

CHECKOUT = Path(__file__).parents[1]
OVERRIDE = "\u202e"
HOSTILE = f"<img src=x onerror=alert(1)>{OVERRIDE}\"'></style><script>alert(2)</script>"
VOID = {"meta", "br", "input", "line", "circle", "path", "rect", "img", "link"}
LOADING = {
    "script",
    "link",
    "img",
    "iframe",
    "object",
    "embed",
    "base",
    "form",
    "audio",
    "video",
    "use",
    "image",
}

Files = dict[str, str]


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and each text with the tags around it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, tuple[str, ...]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == [], "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((data, tuple(self._open)))

    @property
    def words(self) -> str:
        return " ".join(" ".join(text for text, around in self.texts if "style" not in around).split())


def run_folder(root: Path, files: Files) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    return run_study(load_study(root)).run_dir


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, tiny_study_files: Files) -> Path:
    """The run folder of the tiny study; only to be looked at."""
    return run_folder(tmp_path_factory.mktemp("report") / "study", tiny_study_files)


@pytest.fixture(scope="module")
def run(run_dir: Path) -> RunTables:
    return read_run(run_dir)


@pytest.fixture(scope="module")
def page(run_dir: Path) -> Page:
    return Page(render_report(run_dir))


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory, tiny_study_files: Files) -> Page:
    """The report of a study whose title, transcripts, speaker, words, code and definition are meant to do harm."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["transcript", "speaker", "text"])
    for t in range(1, 7):
        lines = tiny_study_files[f"transcripts/t{t}.txt"].splitlines()
        for speaker, said in (line.split(": ", 1) for line in lines):
            writer.writerow([f"t{t} {HOSTILE}", speaker.replace("P1", f"P1 {HOSTILE}"), f"{said} {HOSTILE}"])
    files = {"transcripts/turns.csv": table.getvalue()}
    for coder in ("ann", "bob"):
        rows = list(csv.reader(io.StringIO(tiny_study_files[f"codings/{coder}.csv"])))
        sheet = io.StringIO()
        named = [[f"{t} {HOSTILE}", f"{code} {HOSTILE}", turn] for t, code, turn in rows[1:]]
        csv.writer(sheet, lineterminator="\n").writerows([rows[0], *named])
        files[f"codings/{coder}.csv"] = sheet.getvalue()
    files["study.toml"] = f"[study]\ntitle = {json.dumps('Study ' + HOSTILE)}\n"
    return Page(render_report(run_folder(tmp_path_factory.mktemp("hostile") / "study", files)))


def with_summary(run: RunTables, **changes: Any) -> RunTables:
    return replace(run, summary={**run.summary, **changes})


def rendered(run: RunTables) -> str:
    return Page(render_page(run)).words


# What the page is


def test_report_loads_nothing_and_runs_nothing(page):
    assert not {tag for tag, _ in page.tags} & LOADING
    for _, attributes in page.tags:
        assert attributes.get("href", "#").startswith("#")
        assert not {"src", "srcset", "style", "background"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    style = "".join(text for text, around in page.texts if "style" in around)
    assert "url(" not in style and "@import" not in style


def test_policy_allows_its_own_style_sheet_and_nothing_else(page):
    style = "".join(text for text, around in page.texts if "style" in around)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(
        found["content"]
        for tag, found in page.tags
        if "content-security-policy" in found.get("http-equiv", "").lower()
    )
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy


def test_every_link_leads_somewhere_on_the_page_and_no_id_stands_twice(page):
    ids = [found["id"] for _, found in page.tags if "id" in found]
    targets = {found["href"][1:] for tag, found in page.tags if tag == "a"}
    assert len(ids) == len(set(ids))
    assert targets <= set(ids)
    assert {"overview", "codes", "suggestions", "topics", "agreement", "notes", "how"} <= targets


def test_tables_have_captions_and_header_cells_their_scope(page):
    names = [tag for tag, _ in page.tags]
    assert names.count("table") == names.count("caption") > 5
    assert all(found.get("scope") in {"row", "col", "rowgroup"} for tag, found in page.tags if tag == "th")


def test_same_run_folder_gives_the_same_bytes_in_another_process(run_dir):
    source = (
        "import sys, pathlib; from pipeline.report import render_report; "
        "sys.stdout.buffer.write(render_report(pathlib.Path(sys.argv[1])).encode())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    other = subprocess.run(
        [sys.executable, "-c", source, str(run_dir)],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert other.stdout == (run_dir / "report.html").read_bytes() == render_report(run_dir).encode()


# Other people's words


def test_hostile_words_make_no_tag_and_no_attribute(page, hostile_page):
    assert {tag for tag, _ in hostile_page.tags} <= {tag for tag, _ in page.tags}
    for _, attributes in hostile_page.tags:
        assert not any("onerror" in part for pair in attributes.items() for part in pair)
    said = " ".join(HOSTILE.split())
    assert hostile_page.words.count(said) > 50


def test_direction_marks_stay_in_the_words_that_hold_them(hostile_page):
    around = [tags for text, tags in hostile_page.texts if OVERRIDE in text]
    assert len(around) > 50
    # A browser shows the title as plain text, by itself.
    assert all("bdi" in tags or "title" in tags for tags in around)


# What it says


def test_overview_says_what_the_tables_hold(page, run):
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


def test_every_coefficient_shown_says_how_it_is_computed(page, run):
    ids = {found.get("id") for _, found in page.tags}
    columns = agreement_view(run).columns
    known = {found.key: found for found in COEFFICIENTS}
    assert {"percent_agreement", "cohen_kappa", "krippendorff_alpha", "precision", "recall", "f1"} <= dict(
        columns
    ).keys()
    for key, title in columns:
        assert f"how-{key}" in ids
        assert title in page.words
        assert " ".join(known[key].formula.split()) in page.words
        assert known[key].source in page.words


def test_undefined_figures_are_called_so_and_give_the_reason(page, run):
    pairs = agreement_view(run).pairs
    column = [key for key, _ in agreement_view(run).columns].index("cohen_kappa")
    line = next(line for pair in pairs for line in pair.rows if line.code == "Hope")
    assert line.numbers[column].text == UNDEFINED
    assert "neither coder varied: both never gave the code" in line.note
    assert "neither coder varied: both never gave the code" in page.words


def test_too_few_transcripts_for_an_interval_are_said(page):
    assert "too few transcripts: 2, at least 8 needed" in page.words


def test_interval_of_a_code_is_shown_where_the_evaluation_gives_one(run):
    evaluation = json.loads(json.dumps(run.evaluation))
    ci = {"low": 0.61, "high": 0.87, "method": "jackknife over 9 groups, t(8)", "reason": ""}
    codes = evaluation["scopes"]["all"]["codes"]
    codes[0]["ci"] = {"average_precision": ci}
    words = rendered(replace(run, evaluation=evaluation)).replace("\N{NO-BREAK SPACE}", " ")
    n_without = "1 code" if len(codes) == 2 else f"{len(codes) - 1} codes"
    assert "[0.61 to 0.87]" in words
    assert "95 % intervals: jackknife (1 code); none for " + n_without in words
    assert "(too few transcripts hold the code, at least 8 needed)" in words


def test_groups_are_called_so_where_the_study_holds_out_others_than_transcripts(run):
    settings = {**run.summary["settings"], "evaluation": {"group_by": "site"}}
    assert "at least 8 needed" in rendered(run)
    assert "too few groups hold the code" not in rendered(run)
    assert "too few groups hold the code" in rendered(with_summary(run, settings=settings))


def test_parent_without_codings_of_its_own_is_a_heading_and_not_a_code_to_learn(run):
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
def test_report_says_whose_codings_count(n_coders, gold, who, run):
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


def test_parts_of_a_suggestion_are_said_in_words_and_never_marked(run):
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
def test_report_says_what_the_model_sees(encoder, asked, said, unsaid, run):
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


def test_run_without_a_reliability_table_has_no_diagram(run):
    evaluation = json.loads(json.dumps(run.evaluation))
    del evaluation["scopes"]["all"]["reliability"]
    assert "Can its percentages be believed?" in rendered(run)
    assert "Can its percentages be believed?" not in rendered(replace(run, evaluation=evaluation))


def test_reflexive_study_is_told_what_agreement_is_not(run):
    said = "Reflexive thematic analysis takes coding as the researcher's interpretation and rejects agreement"
    assert said not in rendered(run)
    assert said in rendered(with_summary(run, approach="reflexive"))


def test_files_set_aside_stand_with_their_reason(run):
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
    change: Callable[[Files], Files], said: list[str], tmp_path: Path, tiny_study_files: Files
):
    words = Page(render_report(run_folder(tmp_path / "study", change(tiny_study_files)))).words
    for sentence in said:
        assert sentence in words


def test_reason_for_no_topics_is_said(run):
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


# As a browser draws it


@pytest.mark.parametrize("width", [400, 1280])
def test_page_never_scrolls_sideways(width, run_dir, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium to draw the page with")
    inner = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", render_report(run_dir))
    inner = inner.replace("<details", "<details open")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<iframe width={width} height=900 style="border:0" srcdoc="{html.escape(inner)}"></iframe><script>'
        "onload = () => document.title = document.querySelector('iframe').contentDocument.documentElement.scrollWidth"
        "</script>",
        encoding="utf-8",
    )
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ]
    options += [
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
    ]
    drawn = subprocess.run(
        [chromium, *options, outer.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert f"<title>{width}</title>" in drawn.stdout


def test_a_participant_on_both_sides_is_told_with_the_remedy(run):
    leak = run.evaluation["leak"] | {"n_people_on_both_sides": 1, "n_transcripts_of_these_people": 3}
    known = with_summary(replace(run, evaluation=run.evaluation | {"leak": leak}), attributes=["participant"])
    words = rendered(known).replace("\N{NO-BREAK SPACE}", " ")
    assert "The same participant speaks in 3 transcripts of different folds" in words
    assert '[evaluation] group_by = "participant" in study.toml holds them out together' in words
    assert "The same participant speaks" not in rendered(run)


def test_first_suggestions_alone_are_counted_as_what_they_are(tmp_path: Path, tiny_study_files: Files):
    files = without(tiny_study_files, "codings/")
    words = Page(render_report(run_folder(tmp_path / "study", files))).words.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "0 suggestions" not in words
    assert re.search(r"Suggested \d+ first suggestions", words)
    assert "can be expected to be what" not in words
