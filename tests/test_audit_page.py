"""The audit page says what agreement.json, doctor.json and disagreements.csv hold, and no more."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import binomtest

from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.agreement.verdict import AS_GOOD, KINDS, NOT_SHOWN, TOO_FEW, WORSE
from pipeline.compare.doctor_codes import HARDLY_USED, NO_AGREEMENT, ONE_CODER, UNUSED
from pipeline.compare.doctor_pairs import ALIKE, MIXED_UP, TOGETHER
from pipeline.report import render_audit, render_report
from pipeline.report.agreement_view import agreement_view
from pipeline.report.audit.doctor_view import doctor_view
from pipeline.report.audit.heat_view import MOST_CODES, SHADES, heat_views
from pipeline.report.audit.methods import methods
from pipeline.report.audit.model_view import model_view
from pipeline.report.audit.page import render_audit_page
from pipeline.report.audit.people_view import KEYS, KEYS_OF_ALL, people_view
from pipeline.report.audit.settle_view import MOST_SEGMENTS, QUOTE_LENGTH, settle_view
from pipeline.report.audit.slices_view import MOST_TRANSCRIPTS, slices_view
from pipeline.report.audit.standing import (
    FAIR,
    FEWEST_RELIABLE,
    FEWEST_TENTATIVE,
    OPEN,
    OPEN_ALIKE,
    OPEN_HIGH,
    OPEN_LOW,
    POOR,
    SOLID,
    UNKNOWN,
    lowest_share,
    standing_of,
)
from pipeline.report.audit.told import audit_json, audit_lines
from pipeline.report.audit.trust_view import trust_view
from pipeline.report.page import render_page
from pipeline.report.reference import reference_of
from pipeline.report.tables import Disputed, read_run
from pipeline.report.wording import UNDEFINED, coefficient, percent

CHECKOUT = Path(__file__).parents[1]
GOLDEN = Path(__file__).with_name("golden_audit_of_sample.txt")
RENEW = "PRECODE_RENEW_GOLDEN"
NO_INTERVAL = {"low": None, "high": None, "method": "", "reason": "too few transcripts: 2, at least 8 needed"}


def section_of(page: str, name: str) -> str:
    """The HTML of one section."""
    return re.search(f'<section id="{name}".*?</section>', page, flags=re.DOTALL)[0]


@pytest.fixture(scope="module")
def said(read_page):
    """(tables, name of a section) -> its words; without a name those of the whole page."""

    def say(run, name=""):
        page = render_audit_page(run)
        return read_page(section_of(page, name) if name else page).words

    return say


@pytest.fixture(scope="module")
def sample(sample_run_dir):
    return read_run(sample_run_dir)


@pytest.fixture(scope="module")
def tiny(tiny_run_dir):
    return read_run(tiny_run_dir)


@pytest.fixture(scope="module")
def ten_coders(ten_coders_run_dir):
    return read_run(ten_coders_run_dir)


@pytest.fixture(scope="module")
def one_coder(tmp_path_factory, make_run, tiny_study_files):
    files = {name: text for name, text in tiny_study_files.items() if name != "codings/bob.csv"}
    return read_run(make_run(tmp_path_factory.mktemp("one") / "study", files))


@pytest.fixture(scope="module")
def uncoded(tmp_path_factory, make_run, tiny_study_files):
    files = {name: text for name, text in tiny_study_files.items() if not name.startswith("codings/")}
    return read_run(make_run(tmp_path_factory.mktemp("uncoded") / "study", files))


def with_agreement(run, **parts):
    return replace(run, agreement={**run.agreement, **parts})


def plain(text):
    return " ".join(text.split())


# Which codes to trust


def scored(alpha, low, high, reason="", n=12):
    ci = {"low": low, "high": high, "n_transcripts": n, "reason": reason}
    return {"krippendorff_alpha": alpha, "ci": {"krippendorff_alpha": ci}}


@pytest.mark.parametrize(
    ("row", "standing"),
    [
        (scored(0.9, 0.8, 1.0), SOLID),
        (scored(0.9, 0.7999, 1.0), FAIR),
        (scored(0.7, 0.667, 0.75), FAIR),
        (scored(0.7, 0.6669, 0.75), OPEN),
        (scored(0.6, 0.5, 0.667), OPEN_LOW),
        (scored(0.9, 0.5, 1.0), OPEN_HIGH),
        (scored(0.6, 0.5, 0.6669), POOR),
        (scored(-0.1, -0.3, 0.1), POOR),
        (scored(0.95, None, None), UNKNOWN),
        (scored(None, None, None), UNKNOWN),
        (scored(1.0, None, None, "no spread between transcripts: each gives the same value", n=17), SOLID),
        (scored(1.0, None, None, "no spread between transcripts: each gives the same value", n=16), FAIR),
        (scored(1.0, None, None, "no spread between transcripts: each gives the same value", n=10), FAIR),
        (
            scored(1.0, None, None, "no spread between transcripts: each gives the same value", n=9),
            OPEN_ALIKE,
        ),
        (
            scored(1.0, None, None, "no spread between transcripts: each gives the same value", n=8),
            OPEN_ALIKE,
        ),
        (scored(1.0, None, None, "too few transcripts: 7, at least 8 needed", n=7), UNKNOWN),
        (
            scored(0.9, None, None, "no spread between transcripts: each gives the same value", n=40),
            OPEN_ALIKE,
        ),
        (scored(0.5, None, None, "no spread between transcripts: each gives the same value"), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_standing_is_told_by_the_whole_interval(row, standing):
    assert standing_of(row) is standing


@pytest.mark.parametrize("n", [1, 8, 9, 10, 16, 17, 100])
def test_lowest_share_is_that_of_the_exact_binomial_interval(n):
    exact = binomtest(n, n).proportion_ci(confidence_level=0.95, method="exact")
    assert lowest_share(n) == pytest.approx(exact.low)
    assert (lowest_share(n) >= 0.8) == (n >= FEWEST_RELIABLE)
    assert (lowest_share(n) >= 2 / 3) == (n >= FEWEST_TENTATIVE)


def test_eight_interviews_of_one_segment_each_do_not_make_a_code_reliable(tmp_path, make_run, read_page):
    files = {"codebook.csv": "code,definition\nTrust,About trust\nFear,About fear\n"}
    turns = "".join(f"P: We said {i} words of it.\n" for i in range(6))
    files |= {f"transcripts/t{t}.txt": turns.replace("words", f"words {t}") for t in range(8)}
    rows = "".join(f"t{t},Trust,1,blind\nt{t},Fear,{2 + t % 4},blind\n" for t in range(8))
    files |= {f"codings/{name}.csv": f"transcript,code,turn,basis\n{rows}" for name in ("ann", "bob")}
    run_dir = make_run(tmp_path / "study", files)
    view = trust_view(read_run(run_dir))
    assert [row.standing for row in view.rows] == [OPEN_ALIKE, OPEN_ALIKE]
    assert view.head is not None
    assert view.head.answer == "Shown to be reliable: no code."
    assert "fewer than 10 interviews with the code" in read_page(render_audit(run_dir)).words


def test_each_code_stands_in_one_group_and_the_page_counts_them(sample, said):
    view = trust_view(sample)
    grouped = [code for group in view.people for code in group.codes]
    assert sorted(grouped) == sorted(row.code for row in view.rows)
    assert sum(piece.n for piece in view.people_bar) == len(view.rows)
    words = said(sample, "trust")
    for group in (*view.people, *view.model_head.groups):
        assert f"{len(group.codes)} {group.phrase}" in words


def test_all_codes_of_the_codebook_but_headings_are_in_the_table(sample):
    parents = {entry["parent"] for entry in sample.summary["codebook"]}
    codes = [entry["name"] for entry in sample.summary["codebook"] if entry["name"] not in parents]
    shown = [row.code for row in trust_view(sample).rows]
    assert shown == codes
    assert parents - {""}
    assert not parents & set(shown)


def test_trust_table_holds_the_figures_of_agreement_json(sample):
    overall = {row["code"]: row for row in sample.agreement["overall"]}
    beside = {row["code"]: row for row in sample.agreement["beside"]}
    for row in trust_view(sample).rows:
        code = row.code
        assert row.alpha.text == coefficient(overall[code]["krippendorff_alpha"])
        assert (row.n_given, row.prevalence) == (
            str(overall[code]["n_given"]),
            percent(overall[code]["prevalence"]),
        )
        assert (row.model.text == "") == (code not in beside)
        if code in beside:
            assert row.model.text == coefficient(beside[code]["model"])
            assert row.difference.text.lstrip("+") == coefficient(beside[code]["difference"])
    head, mean = trust_view(sample).head, sample.agreement["overall_mean"]["krippendorff_alpha"]
    assert (head.mean.text, head.n_codes) == (coefficient(mean["mean"]), "15\N{NO-BREAK SPACE}codes")
    assert "Shown to be reliable: no code." in head.answer


@pytest.mark.parametrize(
    ("verdict", "key", "phrase"),
    [
        (AS_GOOD, "well", "as good as a coder"),
        (NOT_SHOWN, "hardly", "not shown, either way"),
        (WORSE, "poor", "worse than a coder"),
        ("too few units (n = 3)", "not-yet", "too few to say"),
        ("too few transcripts (n = 7)", "not-yet", "too few to say"),
    ],
)
def test_verdict_has_its_colour_and_its_group(verdict, key, phrase, tiny, said):
    kind = KINDS.get(verdict, TOO_FEW)
    rows = [{**row, "verdict": verdict, "class": kind} for row in tiny.agreement["verdicts"]]
    run = with_agreement(tiny, verdicts=rows)
    view = trust_view(run)
    assert {row.verdict_key for row in view.rows if row.verdict} == {key}
    assert [(group.key, group.phrase) for group in view.model_head.groups] == [(key, phrase)]
    assert f"{len(rows) - 1} {phrase}" in said(run, "trust")
    assert f'class="level wrap {key}">{verdict}<' in render_audit_page(run)


def test_one_coder_leaves_agreement_unknown(one_coder, said):
    words = said(one_coder, "trust")
    assert "That is unknown: no two coders have read the same segment" in words
    assert "That cannot be said: it takes two coders who read the same segments blind" in words
    assert {row.standing for row in trust_view(one_coder).rows} == {UNKNOWN}
    assert not trust_view(one_coder).with_people
    assert "reliable" not in words.replace("reliably", "")


def test_model_beside_one_coder_is_shown_by_kappa(one_coder):
    pairs = {row["code"]: row for row in one_coder.agreement["comparisons"] if row["kind"] == "model-human"}
    rows = {row.code: row for row in trust_view(one_coder).rows}
    for code in ("Waiting", "Money"):
        assert rows[code].model.text == coefficient(pairs[code]["cohen_kappa"])
        assert rows[code].verdict == "too few coders (n = 1)"


def test_without_codings_nothing_is_said_of_anybody(uncoded, said):
    words = said(uncoded, "trust")
    assert "That is unknown: no two coders have read the same segment" in words
    assert "There is nothing to say: no code has been learned" in words
    assert not re.search(r"\d\.\d\d", words)


def test_ten_coders_on_seven_conversations_are_too_few_transcripts(ten_coders, said):
    words = said(ten_coders, "trust")
    assert "A0, A1, A2, A3, A4, A5, A6, A7, A8 and A9 : 428 segments of 7 transcripts" in words.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "too few transcripts (n = 7)" in words
    assert {row.standing for row in trust_view(ten_coders).rows} == {UNKNOWN}
    assert "No intervals: too few transcripts with the code: 7, at least 8 needed" in words


# How it was computed


def test_every_explanation_linked_exists_and_says_something(sample, read_page):
    page = read_page(render_audit_page(sample))
    links = {found["href"][1:] for tag, found in page.tags if tag == "a" and "#how-" in found["href"]}
    ids = {found.get("id") for _, found in page.tags}
    assert links
    assert links <= ids


def test_every_coefficient_shown_is_linked_to_formula_source_and_missing_values(sample, read_page):
    page = read_page(render_audit_page(sample))
    links = {found["href"] for tag, found in page.tags if tag == "a"}
    words = page.words
    shown = {*KEYS, *(key for key, _ in agreement_view(sample).columns)} - {"prevalence"}
    known = {found.key: found for found in COEFFICIENTS}
    assert {"percent_agreement", "cohen_kappa", "gwet_ac1", "unitizing_code", "f1"} <= shown
    for key in shown | set(KEYS_OF_ALL):
        found = known[key]
        assert key in KEYS_OF_ALL or f"#how-{key}" in links
        for text in (found.title, found.formula, found.source, found.missing):
            assert plain(text) in words


def test_coefficients_of_all_codes_at_once_lead_to_their_entries_too(sample):
    ids = set(re.findall(r'id="how-([\w-]+)"', render_audit_page(sample)))
    assert set(KEYS_OF_ALL) <= ids


# Undefined


@pytest.mark.parametrize("study", ["sample", "tiny", "one_coder", "uncoded", "ten_coders"])
def test_no_word_of_the_page_is_a_value_of_a_program(study, request, said):
    words = said(request.getfixturevalue(study))
    words = words.replace("None is the right one", "")
    assert not re.findall(r"\b(?:nan|None|null|inf|True|False)\b", words)


def test_undefined_figures_are_called_so_and_give_the_reason(tiny, said):
    (hope,) = [line for line in people_view(tiny).codes.lines if line.name == "Hope"]
    assert hope.cells[KEYS.index("krippendorff_alpha")].text == UNDEFINED
    assert "no variation: the code was never given" in hope.note
    assert "no variation: the code was never given" in said(tiny, "people")
    column = [key for key, _ in agreement_view(tiny).columns].index("cohen_kappa")
    line = next(row for pair in agreement_view(tiny).pairs for row in pair.rows if row.code == "Hope")
    assert line.numbers[column].text == UNDEFINED
    assert "neither varied: both never gave the code" in line.note
    assert "neither varied: both never gave the code" in said(tiny, "pairs")


def test_too_few_transcripts_for_an_interval_are_said(tiny, said):
    assert "too few transcripts: 2, at least 8 needed" in said(tiny, "pairs")
    assert "No intervals: too few transcripts with the code: 2, at least 8 needed" in said(tiny, "people")


def test_undefined_alpha_of_all_codes_gives_its_own_reason(tiny):
    pooled, *each = tiny.agreement["overall"]
    why = {**pooled["undefined"], "krippendorff_alpha": "no variation: the code was never given"}
    nothing = {**pooled, "krippendorff_alpha": None, "undefined": why}
    run = with_agreement(tiny, overall=[nothing, *each])
    assert people_view(run).method == "Alpha is undefined: no variation: the code was never given."
    assert "alpha was undefined (no variation: the code was never given), Gwet's" in methods(run)


# For the paper


def test_numbers_of_the_paragraph_are_those_of_agreement_json(sample):
    text, pooled = plain(methods(sample)), sample.agreement["overall"][0]
    mean = sample.agreement["overall_mean"]["krippendorff_alpha"]
    ci = pooled["ci"]["krippendorff_alpha"]
    found = re.search(
        r"^(\d+) coders used a codebook of (\d+) codes; (\d+) segments \((.+?)\) of (\d+) transcripts were coded "
        r"blind, without a suggestion of the model in view, by both of them\. .*alpha \(nominal; Krippendorff 2019\) "
        r"was ([\d.]+) \(95 % interval ([\d.]+) to ([\d.]+), (.+?\))\) in the mean over the (\d+) codes for which it "
        r"is defined, and ranged from ([\d.]+) to ([\d.]+) over them\. Pooled .* alpha was ([\d.]+) \(95 % interval "
        r"([\d.]+) to ([\d.]+), (.+?\))\), Gwet's AC1 ([\d.]+), Fleiss' kappa ([\d.]+) and percent agreement (\d+) "
        r"%, at a mean prevalence of (\d+) %; .* was ([\d.]+)\.",
        text,
    ).groups()
    assert found == (
        str(len(pooled["coders"])),
        str(pooled["n_codes"]),
        str(pooled["n_units"]),
        "passages of at most 120 words within speaker turns",
        str(pooled["n_transcripts"]),
        f"{mean['mean']:.2f}",
        f"{mean['ci']['low']:.2f}",
        f"{mean['ci']['high']:.2f}",
        mean["ci"]["method"],
        str(mean["n_defined"]),
        f"{mean['lowest']:.2f}",
        f"{mean['highest']:.2f}",
        f"{pooled['krippendorff_alpha']:.2f}",
        f"{ci['low']:.2f}",
        f"{ci['high']:.2f}",
        ci["method"],
        f"{pooled['gwet_ac1']:.2f}",
        f"{pooled['fleiss_kappa']:.2f}",
        f"{100 * pooled['percent_agreement']:.0f}",
        f"{100 * pooled['prevalence']:.0f}",
        f"{pooled['alpha_masi']:.2f}",
    )


@pytest.mark.parametrize(
    ("n_blind", "n_seen", "said_of_it"),
    [
        (16, 0, ""),
        (13, 3, "Of 16 times that a coder coded a transcript, 3 were left out of all figures of agreement"),
        (15, 1, "Of 16 times that a coder coded a transcript, 1 was left out of all figures of agreement"),
    ],
)
def test_paragraph_says_how_much_was_left_out_for_it_was_not_blind(n_blind, n_seen, said_of_it, sample):
    basis = {**sample.agreement["basis"], "n_blind": n_blind, "n_seen": n_seen}
    text = plain(methods(with_agreement(sample, basis=basis)))
    assert said_of_it in text
    assert ("left out of all figures" in text) == bool(n_seen)


def test_paragraph_of_one_defined_code_gives_no_range(sample):
    mean = sample.agreement["overall_mean"]
    one = {**mean["krippendorff_alpha"], "n_defined": 1}
    text = plain(methods(with_agreement(sample, overall_mean={**mean, "krippendorff_alpha": one})))
    assert "was defined for 1 code alone" in text
    assert "ranged" not in text


def test_paragraph_counts_verdicts_and_names_the_test(sample):
    counts = Counter(row["verdict"] for row in sample.agreement["verdicts"] if row["code"])
    text = plain(methods(sample))
    assert "a test of non-inferiority in Cohen's kappa by a margin of 0.1" in text
    assert f"worse than a coder for {counts[WORSE]} codes" in text
    assert f"not shown, either way for {counts[NOT_SHOWN]} codes" in text


def test_paragraph_of_ten_coders_names_their_test(ten_coders):
    many = plain(methods(ten_coders))
    assert "the alternative annotator test (Calderon, Reichart & Dror 2025)" in many
    assert "epsilon 0.2" in many
    assert "coded blind, without a suggestion of the model in view, by two or more of them" in many
    assert "non-inferiority" not in many


def test_paragraph_of_one_coder_claims_no_second(one_coder):
    text = plain(methods(one_coder))
    assert "no segment was coded by two coders, so agreement between coders was not measured" in text
    assert not re.search(r"alpha|kappa|AC1|\d coders|as good as", text)


def test_paragraph_says_nothing_of_a_model_where_none_was_trained(uncoded, sample):
    assert "model" in methods(sample)
    assert "model" not in methods(uncoded)
    assert methods(uncoded).startswith("No segment has been coded yet")
    assert "transcripts were coded" not in plain(methods(uncoded))


@pytest.mark.parametrize(("n", "said_of_context"), [(0, False), (3, True)])
def test_paragraph_speaks_of_context_only_where_there_is_any(n, said_of_context, sample):
    run = replace(sample, summary={**sample.summary, "n_context_segments": n})
    assert ("only give context was not coded" in methods(run)) == said_of_context


def test_reflexive_study_is_told_on_both_pages_what_agreement_is_not(tiny, said, read_page):
    stance = (
        "Reflexive thematic analysis takes coding as the researcher's interpretation and rejects agreement"
    )
    reflexive = replace(tiny, summary={**tiny.summary, "approach": "reflexive"})
    for run, told in ((tiny, False), (reflexive, True)):
        assert (stance in said(run, "trust")) == told
        assert (stance in read_page(render_page(run)).words) == told
        assert ("think twice before reporting it" in said(run, "methods")) == told


# Where coders differ


def disputed(number, **changes):
    row = Disputed(
        transcript=f"t{number:03d}",
        start=0,
        end=9,
        speaker="P",
        quote=f"words {number}",
        code="Waiting",
        gave="ann",
        declined="bob; cy",
        agreed="Money",
        probability=0.31,
        model="no",
    )
    return replace(row, **changes)


def test_segments_stand_in_the_order_of_the_table(sample, said):
    places = list(dict.fromkeys((row.transcript, row.start) for row in sample.disagreements))
    view = settle_view(sample)
    quotes = {(row.transcript, row.start): row.quote for row in sample.disagreements}
    shown = [segment.quote for segment in view.segments]
    assert [plain(quotes[place])[:80] for place in places[:MOST_SEGMENTS]] == [quote[:80] for quote in shown]
    assert view.n_left_out == len(places) - MOST_SEGMENTS > 0
    words = said(sample, "settle")
    assert f"{len(sample.disagreements)} decisions on {len(places)} segments differ" in words
    assert f"{view.n_left_out} more segments are in disagreements.csv" in words


def test_segment_says_who_gave_who_declined_and_what_the_model_says(tiny, said):
    rows = (
        disputed(1),
        disputed(1, code="Hope", probability=0.62, model="yes", gave="bob", declined="ann"),
        disputed(2, probability=None, model="", agreed="", quote="long " * 400),
    )
    run = replace(tiny, disagreements=rows)
    first, second = settle_view(run).segments
    assert [code.code for code in first.codes] == ["Waiting", "Hope"]
    assert len(second.quote) <= QUOTE_LENGTH + 1
    assert second.codes[0].model == ""
    words = said(run, "settle")
    for sentence in (
        "t001 · P · all gave Money words 1",
        "Waiting given by ann ; not by bob; cy ; the model 31 %: it would not suggest it",
        "Hope given by bob ; not by ann ; the model 62 %: it would suggest it",
        "Waiting given by ann ; not by bob; cy",
    ):
        assert sentence in words
    assert words.count("the model ") == 2


def test_only_so_many_segments_are_on_the_page_and_the_rest_is_counted(tiny, said):
    run = replace(tiny, disagreements=tuple(disputed(n) for n in range(MOST_SEGMENTS + 3)))
    words = said(run, "settle")
    assert words.count("given by ann") == MOST_SEGMENTS
    assert "3 more segments are in disagreements.csv" in words
    exactly = replace(tiny, disagreements=run.disagreements[:MOST_SEGMENTS])
    assert "more segments" not in said(exactly, "settle")


def test_nothing_to_settle_is_said(tiny, one_coder, said):
    assert "Nowhere: on what they read in common they gave the same codes" in said(
        replace(tiny, disagreements=()), "settle"
    )
    assert "No two coders have read the same segment" in said(one_coder, "settle")


# Codebook doctor


def merged(first, second, after, moved):
    change = {"all_after_minus_before": {"value": moved, "low": None, "high": None}}
    values = {"first": first, "second": second, "merged": after, "all_before": 0.7, "all_after": 0.7 + moved}
    return {**values, "differences": change}


FINDINGS = {
    MIXED_UP: (
        {
            "between": ["coders", "model"],
            "coders": {"observed": 12, "expected": 3.14, "n_segments": 11},
            "model": {"observed": 1, "expected": 0.26, "n_segments": 1},
        },
        "On 11 segments one of two coders gave one where the other gave the other: 12 times, each two coders of a "
        "segment counted (by chance 3.1). On 1 segment one of coder and model gave one where the other gave the "
        "other: 1 time, each coder of a segment counted (by chance 0.3).",
    ),
    NO_AGREEMENT: (
        {"krippendorff_alpha": 0.123, "n_pairs_both": 4, "n_pairs_one": 1234},
        "Alpha 0.12. Of pairs of coders on a segment, 4 both gave it and in 1,234 one of the two did.",
    ),
    ONE_CODER: (
        {"coder": "ann", "n_given_where_others_read": 5, "others": ["bob", "cy"]},
        "Only ann gives it: 5 times where bob and cy read too and did not.",
    ),
    TOGETHER: (
        {"jaccard": 0.857, "n_both": 6, "n_either": 7},
        "Whoever gave one gave the other in 86 % of the times: 6 of 7.",
    ),
    ALIKE: (
        {"by": "words", "similarity": 0.71},
        "Their entries in the codebook are alike by words: 0.71 of 1.",
    ),
    UNUSED: ({"n_read": 48}, "Nobody gave it, in 48 segments that were read."),
    HARDLY_USED: (
        {"n_segments": 1, "n_read": 48},
        "Given to 1 of 48 segments that were read.",
    ),
}


@pytest.fixture(scope="module")
def ill(tiny):
    """The tiny study with a finding of each kind, two of them with what a merge would do."""
    example = {
        "text": "we waited",
        "transcript": "t1",
        "speaker": "P1",
        "given": {"ann": ["Waiting"], "bob": []},
    }
    no_model = {"reason": "no model has been trained"}
    people = {"reason": "", "krippendorff_alpha": merged(0.51, 0.42, 0.83, 0.04)}
    merge = {
        MIXED_UP: {"people": people, "model": {"reason": "", "f1": merged(0.2, None, 0.4, -0.01)}},
        TOGETHER: {"people": people, "model": no_model},
    }
    findings = [
        {
            "kind": kind,
            "codes": ["Waiting", "Money"] if kind in {MIXED_UP, TOGETHER, ALIKE} else ["Hope"],
            "numbers": numbers,
            "merge": merge.get(kind),
            "examples": [example] if kind in {MIXED_UP, ONE_CODER} else [],
        }
        for kind, (numbers, _) in FINDINGS.items()
    ]
    doctor = {
        **tiny.doctor,
        "findings": findings,
        "n_left_out": {UNUSED: 7},
        "not_examined": [{"kind": f"{MIXED_UP}, by coders", "reason": "for this reason"}],
    }
    return replace(tiny, doctor=doctor)


@pytest.mark.parametrize("kind", FINDINGS)
def test_finding_is_said_in_a_sentence_with_its_numbers_and_its_rule(kind, ill, said):
    words = said(ill, "doctor")
    assert FINDINGS[kind][1] in words
    assert kind.capitalize() in words
    assert plain(ill.doctor["rules"][kind])[1:] in words


def test_all_kinds_of_findings_have_a_sentence(tiny):
    assert set(tiny.doctor["rules"]) == set(FINDINGS)


def test_what_a_merge_would_do_is_said_as_doctor_json_has_it(ill, said):
    words = said(ill, "doctor")
    assert (
        "As one code, coders' alpha: 0.51 and 0.42 become 0.83; over all codes 0.70 becomes 0.74 (+0.04)."
        in words
    )
    assert (
        "As one code, the model's F1 with coders: 0.20 and undefined become 0.40; over all codes 0.70 becomes "
        "0.69 (\N{MINUS SIGN}0.01)." in words
    )
    assert words.count("As one code") == 3
    assert plain(ill.doctor["caution"]) in words


def test_interval_of_what_a_merge_would_do_has_its_level(ill, said):
    findings = [row for row in ill.doctor["findings"] if row["kind"] == TOGETHER]
    change = findings[0]["merge"]["people"]["krippendorff_alpha"]["differences"]["all_after_minus_before"]
    told = {**change, "low": 0.01, "high": 0.07, "level": 0.95}
    people = merged(0.51, 0.42, 0.83, 0.04) | {"differences": {"all_after_minus_before": told}}
    merge = {
        "people": {"reason": "", "krippendorff_alpha": people},
        "model": {"reason": "no model has been trained"},
    }
    run = replace(ill, doctor={**ill.doctor, "findings": [{**findings[0], "merge": merge}]})
    words = said(run, "doctor").replace("\N{NO-BREAK SPACE}", " ")
    assert "becomes 0.74 (+0.04, 95 % interval 0.01 to 0.07)." in words


@pytest.mark.parametrize("name", ["people", "slices", "more"])
def test_level_of_intervals_is_stated_in_every_section_that_has_some(name, sample, said):
    words = said(sample, name).replace("\N{NO-BREAK SPACE}", " ")
    assert "95 %" in words


def test_examples_say_who_gave_what(ill, said):
    words = said(ill, "doctor")
    assert "we waited t1 · P1 · ann : Waiting · bob : neither" in words
    assert "we waited t1 · P1 · ann : Waiting · bob : not given" in words


def test_what_was_not_examined_and_what_was_left_out_is_said(ill, said):
    words = said(ill, "doctor")
    assert "Not looked for: by coders: for this reason." in words
    assert "7 more are not listed" in words
    healthy = replace(ill, doctor={**ill.doctor, "findings": [], "n_left_out": {}, "not_examined": []})
    assert said(healthy, "doctor").count("No finding.") == len(FINDINGS)
    assert "Not looked for" not in said(healthy, "doctor")
    assert doctor_view(healthy).caution == ""


# Which codes stand for which


def confused(run, matrix, codes):
    labels = [*codes, "(no code)", "(nothing else)"]
    people = {"matrix": matrix, "codes": codes, "labels": labels, "n_pairs": 1, "reason": ""}
    return with_agreement(run, confusions={**run.agreement["confusions"], "people": people, "model": None})


def test_heat_map_has_a_row_a_code_and_a_column_a_label(sample):
    views = heat_views(sample)
    assert len(views) == 2
    for view, side in zip(views, ("people", "model"), strict=True):
        found = sample.agreement["confusions"][side]
        assert [name for name, _ in view.rows] == found["codes"]
        assert list(view.labels) == found["labels"]
        assert {len(cells) for _, cells in view.rows} == {len(view.labels)}
        assert all(cells[at].agreed for at, (_, cells) in enumerate(view.rows))
        assert sum(cell.agreed for _, cells in view.rows for cell in cells) == len(view.rows)


def test_shades_go_by_the_share_of_the_row(tiny):
    row = [50.0, 1.0, 30.0, 19.0]
    (view,) = heat_views(confused(tiny, [row, [0.3, 0.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4], ["A", "B"]))
    (_, cells), (_, other) = view.rows
    assert [cell.shade for cell in cells] == [3, 0, 2, 1]
    assert [cell.text for cell in cells] == ["50", "1", "30", "19"]
    # A third of a crossing happened: neither nothing nor, in digits, 0.
    assert [cell.text for cell in other] == ["<1", "", "", ""]
    assert other[0].shade == SHADES


def test_more_codes_than_fit_are_cut_to_those_confused_most_and_counted(tiny, said):
    n = MOST_CODES + 6
    codes = [f"code {i:02d}" for i in range(n)]
    matrix = [[0.0] * (n + 2) for _ in range(n + 2)]
    for i in range(6, n):
        matrix[i][n] = 5.0 + i
        matrix[i][i] = 9.0
    run = confused(tiny, matrix, codes)
    (view,) = heat_views(run)
    assert [name for name, _ in view.rows] == codes[6:]
    assert list(view.labels) == [*codes[6:], "(no code)", "(nothing else)"]
    assert view.n_left_out == 6
    assert "6 codes that stand for others least are left out" in said(run, "doctor")


# Better and worse, and how much more


def test_slices_stand_as_agreement_json_has_them(sample, said):
    view, found = slices_view(sample), sample.agreement["slices"]
    periods = [period for row in found["time"] for period in row["periods"]]
    assert [line.cells[3].text for line in view.time.lines] == [
        coefficient(period.get("krippendorff_alpha", period.get("pair_krippendorff_alpha")))
        for period in periods
    ]
    shown = [table.first for table in view.attributes]
    silent = [why.split(":")[0] for why in view.why_no_attributes]
    assert sorted({*shown, *silent}) == sorted(sample.summary["attributes"])
    assert {"role", "interview"} <= set(shown)
    assert [line.name for line in view.coders.lines] == [row["coder"] for row in found["coders"]]
    assert [line.name for line in view.transcripts.lines] == [
        row["transcript"] for row in found["transcripts"]
    ]
    words = said(sample, "slices")
    for row in found["attributes"]:
        for value in row["values"]:
            assert value["value"] in words


def test_values_of_one_interview_are_counted(sample, said):
    row = next(row for row in sample.agreement["slices"]["attributes"] if row["attribute"] == "role")
    rows = [{**row, "n_too_small": 2}]
    run = with_agreement(sample, slices={**sample.agreement["slices"], "attributes": rows})
    words = said(run, "slices")
    assert "Not shown: role: 2 values of one interview each" in plain(words)
    assert all(value["value"] in words for value in row["values"])


def test_tables_of_pooled_figures_say_what_pooling_does(sample):
    view = slices_view(sample)
    for table in (view.time, view.coders, view.transcripts, *view.attributes):
        assert "raises coefficients where codes differ in frequency" in table.caption
    assert "plan by the codes" in view.sample_size.caption
    basis = {**sample.agreement["basis"], "n_seen": 3}
    assert "raises coefficients" in model_view(with_agreement(sample, basis=basis)).basis.caption


def test_mean_over_codes_stands_above_pooled_figures_of_all_coders(sample):
    view, mean = people_view(sample), sample.agreement["overall_mean"]
    first, second = view.codes.lines[:2]
    assert (first.name, second.name) == ("mean over codes", "all codes, pooled")
    shown = dict(zip(KEYS, first.cells, strict=True))
    for key in ("krippendorff_alpha", "gwet_ac1", "fleiss_kappa"):
        assert shown[key].text == coefficient(mean[key]["mean"])
        assert shown[key].interval
    assert shown["percent_agreement"].text == percent(mean["percent_agreement"]["mean"])


def test_pair_is_headed_by_its_mean_over_codes(sample):
    means = {(row["a"], row["b"]): row["macro"]["cohen_kappa"] for row in sample.agreement["macro"]}
    for pair in agreement_view(sample).pairs:
        assert pair.kappa.text == coefficient(means[pair.a, pair.b])


def test_consensus_beside_a_coder_is_said_to_be_made_from_coders(sample, said):
    assert "made from the codings of its coders" not in said(sample, "pairs")
    comparisons = [
        {**row, "kind": "human-consensus"} if row["kind"] == "human-human" else row
        for row in sample.agreement["comparisons"]
    ]
    assert "made from the codings of its coders" in said(
        with_agreement(sample, comparisons=comparisons), "pairs"
    )


def test_reasons_stand_where_there_are_no_slices(tiny, uncoded, said):
    words = said(tiny, "slices")
    (reason,) = {row["reason"] for row in tiny.agreement["slices"]["time"]}
    assert f"Nothing can be said: {reason}" in words
    assert "Nobody has coded yet" in said(uncoded, "slices")
    silent = [{"attribute": "age", "kind": "human-human", "reason": "one value only"}]
    silent = [{**row, "n_too_small": 0, "values": []} for row in silent]
    run = with_agreement(tiny, slices={**tiny.agreement["slices"], "attributes": silent})
    assert "Not shown: age: one value only" in said(run, "slices")


def test_many_transcripts_are_cut_and_counted(tiny, said):
    row = tiny.agreement["slices"]["transcripts"][0]
    rows = [{**row, "transcript": f"i{n}"} for n in range(MOST_TRANSCRIPTS + 2)]
    run = with_agreement(tiny, slices={**tiny.agreement["slices"], "transcripts": rows})
    assert len(slices_view(run).transcripts.lines) == MOST_TRANSCRIPTS
    assert "2 more transcripts are in agreement.json" in said(run, "slices")


def test_how_much_more_to_code_stands_with_its_width_or_its_reason(sample, tiny, one_coder, said):
    words = said(sample, "more")
    assert "no wider than 0.2" in words
    for row in sample.agreement["sample_size"]:
        assert row["reason"] in words
        if row["n_more"]:
            assert (
                f"{row['n_needed']} {row['n_more']} {round(row['n_more'] * row['n_units_each']):,}" in words
            )
    assert "too few transcripts with the code: 2, at least 8 needed" in said(tiny, "more")
    assert "the spread of agreement over interviews is unknown" in said(one_coder, "more")


# The model beside the coders


def test_blind_and_seen_have_a_table_only_where_something_was_seen(sample, said):
    assert model_view(sample).basis is None
    assert "All was coded blind" in said(sample, "model")
    basis = sample.agreement["basis"]
    run = with_agreement(sample, basis={**basis, "n_blind": 13, "n_seen": 3, "n_stated": 6, "n_assumed": 10})
    assert [line.name for line in model_view(run).basis.lines] == [
        "coders with each other, blind",
        "coders with each other, with a suggestion in view",
        "coders with the model, blind",
        "coders with the model, with a suggestion in view",
    ]
    assert "Coded blind and with a suggestion in view" in render_audit_page(run)


@pytest.mark.parametrize(
    ("counts", "sentences"),
    [
        ((16, 0, 16, 0), ["All was coded blind", "16 times in all; 16 of them say"]),
        ((16, 0, 6, 10), ["All was coded blind", "16 times in all; 6 of them say", ", 10 do not"]),
        ((13, 3, 6, 10), ["3 of 16 were coded with a suggestion in view", "6 of them say", ", 10 do not"]),
        ((0, 0, 0, 0), []),
    ],
)
def test_note_counts_who_coded_blind(counts, sentences, sample):
    names = ("n_blind", "n_seen", "n_stated", "n_assumed")
    basis = {**sample.agreement["basis"], **dict(zip(names, counts, strict=True))}
    note = model_view(with_agreement(sample, basis=basis)).basis_note
    assert all(sentence in note for sentence in sentences)
    assert (note == "") == (not sentences)
    assert ("do not" in note) == (counts[3] > 0)


def test_verdicts_stand_with_differences_units_and_why(sample, said):
    (found,) = model_view(sample).verdicts
    rows = sample.agreement["verdicts"]
    assert found.other == "the model"
    assert [head.title for head in found.table.heads] == [
        "Verdict",
        "Difference in kappa",
        "At stake (transcripts)",
        "Why",
    ]
    assert {len(line.cells) for line in found.table.lines} == {len(found.table.heads)}
    assert [line.cells[0].text for line in found.table.lines] == [row["verdict"] for row in rows]
    assert [line.cells[-1].text for line in found.table.lines] == [row["why"] for row in rows]
    assert all(plain(row["why"]) in said(sample, "model") for row in rows)


def test_interval_that_decides_stands_with_its_level_and_so_does_the_other(sample, said):
    """A verdict by non-inferiority is by 90 %; where there is no such test the difference has 95 %."""
    first, second, *_ = (row for row in sample.agreement["verdicts"] if row["code"])
    tested = {**first, "difference": -0.05, "low": -0.15, "high": 0.05}
    few = {**second, "test": "", "difference": None, "low": None, "high": None}
    ci = {"low": -0.22, "high": 0.08, "level": 0.95, "reason": ""}
    beside = [
        {**row, "ci": ci, "difference": -0.07} if row["code"] == few["code"] else row
        for row in sample.agreement["beside"]
    ]
    (mean,) = (row for row in sample.agreement["verdicts"] if row["code"] is None)
    run = with_agreement(sample, verdicts=[mean, tested, few], beside=beside)
    for name in ("trust", "model"):
        words = said(run, name)
        assert "\N{MINUS SIGN}0.05 [90 %: \N{MINUS SIGN}0.15 to 0.05]" in words.replace(
            "\N{NO-BREAK SPACE}", " "
        )
        assert "\N{MINUS SIGN}0.07 [95 %: \N{MINUS SIGN}0.22 to 0.08]" in words.replace(
            "\N{NO-BREAK SPACE}", " "
        )
    (found,) = model_view(run).verdicts
    assert "90 % those by which a test of non-inferiority is decided, 95 % where no test was made" in (
        found.table.caption
    )
    assert "90 % where it decides the verdict, else 95 %" in said(run, "trust")


def test_caption_of_the_alternative_annotator_test_claims_no_90_percent(ten_coders):
    (found,) = model_view(ten_coders).verdicts
    assert "95 % where the alternative annotator test was made" in found.table.caption
    assert "90 %" not in found.table.caption


def test_rows_reached_by_two_tests_are_told_by_both(ten_coders):
    rows = ten_coders.agreement["verdicts"]
    other = {
        **rows[1],
        "test": "non-inferiority",
        "margin": 0.1,
        "difference": 0.01,
        "low": -0.1,
        "high": 0.1,
    }
    del other["epsilon"], other["winning_rate_all_units"]
    run = with_agreement(ten_coders, verdicts=[rows[0], other, *rows[2:]])
    (found,) = model_view(run).verdicts
    assert "alternative annotator test" in found.rule
    assert "by a margin of 0.1" in found.rule
    assert {len(line.cells) for line in found.table.lines} == {len(found.table.heads)}
    text = plain(methods(run))
    assert "by the alternative annotator test" in text
    assert "by a test of non-inferiority in Cohen's kappa by a margin of 0.1: " in text


def test_width_now_is_said_to_be_of_the_jackknife(sample, said):
    assert "Width now is by the same jackknife" in said(sample, "how")
    assert "BCa bootstrap, from 30 transcripts on" in said(sample, "how")


def test_another_machine_has_a_table_of_its_own(sample, said):
    rows, beside = sample.agreement["verdicts"], sample.agreement["beside"]
    run = with_agreement(
        sample,
        verdicts=[*({**row, "other": "gpt", "verdict": AS_GOOD, "difference": 0.987} for row in rows), *rows],
        beside=[*beside, *({**row, "other": "gpt"} for row in beside)],
    )
    model, machine = model_view(run).verdicts
    assert (model.other, machine.other) == ("the model", "gpt")
    assert {line.cells[1].text for line in machine.table.lines} == {"+0.99"}
    assert "Verdicts on gpt" in said(run, "model")
    view, words = trust_view(run), said(run, "trust")
    assert view.rows == trust_view(sample).rows
    assert [(head.other, head.verdict) for head in view.machines] == [("gpt", AS_GOOD)]
    assert "Is gpt as good as one more coder?" in words
    assert "Whether gpt was as good as one more coder was decided by a test of non-inferiority" in plain(
        methods(run)
    )


def sharing(run, *, n_seen):
    """The tables of coders who share no segment that both coded blind, and n_seen that they coded otherwise."""
    nothing, seen = {"n_units": 0}, {"n_units": n_seen}
    kinds = [
        {**row, "blind": nothing, "seen": seen, "n_units_between": 0} if row["kind"] == "human-human" else row
        for row in run.agreement["basis"]["kinds"]
    ]
    comparisons = [
        {**row, "n_units": 0} if row["kind"] == "human-human" else row for row in run.agreement["comparisons"]
    ]
    return with_agreement(
        run,
        overall=[],
        overall_mean={},
        beside=[],
        verdicts=[
            {**row, "test": "", "verdict": "too few coders (n = 2)"} for row in run.agreement["verdicts"]
        ],
        basis={**run.agreement["basis"], "kinds": kinds},
        comparisons=comparisons,
    )


def test_model_beside_two_coders_without_a_common_segment_is_their_mean(sample, said):
    run = sharing(sample, n_seen=0)
    words = plain(said(run, "trust"))
    assert "of the model with coder_a and coder_b , one at a time and then their mean" in words
    assert "the one coder" not in words
    pairs = [row for row in run.agreement["comparisons"] if row["kind"] == "model-human"]
    for row in trust_view(run).rows:
        kappas = [pair["cohen_kappa"] for pair in pairs if pair["code"] == row.code]
        assert row.model.text == (coefficient(sum(kappas) / 2) if kappas else "")


@pytest.mark.parametrize(
    ("n_seen", "reference", "paragraph"),
    [
        (0, "the coder who read it", "no segment was coded by two coders, so"),
        (1, "at least one of the two coders", "1 segment was coded by two coders, and not by both blind, "),
        (
            440,
            "at least one of the two coders",
            "440 segments were coded by two coders, but none by both blind, ",
        ),
    ],
)
def test_who_read_nothing_in_common_is_never_called_one_of_two(n_seen, reference, paragraph, sample):
    run = sharing(sample, n_seen=n_seen)
    assert reference_of(run).short == reference
    assert paragraph in plain(methods(run))


def test_machines_are_told_at_the_terminal_and_to_machines(sample, sample_run_dir, tmp_path):
    rows = sample.agreement["verdicts"]
    table = sample.agreement | {
        "verdicts": [
            *rows,
            *({**row, "other": "gpt", "verdict": AS_GOOD, "class": "as good"} for row in rows),
        ]
    }
    folder = tmp_path / "run"
    shutil.copytree(sample_run_dir, folder)
    (folder / "agreement.json").write_text(json.dumps(table), encoding="utf-8")
    n_codes = len(rows) - 1
    assert f"gpt beside them: as good as a coder. {n_codes} as good as a coder" in audit_lines(folder)
    told = audit_json(folder)["machines"]["gpt"]
    assert told["all"] == AS_GOOD
    assert set(told["codes"].values()) == {AS_GOOD}
    assert len(told["codes"]) == n_codes
    assert audit_json(sample_run_dir)["machines"] == {}


def test_unknown_code_says_its_alpha_and_what_is_missing(ten_coders, said):
    rows = {row["code"]: row for row in ten_coders.agreement["overall"]}
    words = said(ten_coders, "trust")
    for row in trust_view(ten_coders).rows:
        alpha = rows[row.code]["krippendorff_alpha"]
        held = rows[row.code]["ci"]["krippendorff_alpha"]["n_transcripts"]
        told = f"{held} interviews hold it, 8 are needed"
        nothing = "alpha undefined: no variation: the code was never given"
        assert plain(row.missing) == (nothing if alpha is None else told)
        shown = nothing if alpha is None else f"{told}; alpha {coefficient(alpha)}"
        assert f"{row.code} ( {shown} )" in plain(words)


def test_findings_of_the_doctor_stand_beside_the_code(ill, said):
    rows = {row.code: row for row in trust_view(ill).rows}
    found = [finding for finding in ill.doctor["findings"] if set(finding["codes"]) <= rows.keys()]
    assert found
    for finding in found:
        for code in finding["codes"]:
            assert any(told.startswith(finding["kind"]) for told in rows[code].doctor)
    assert "Doctor : " in said(ill, "trust")


def test_each_code_is_said_to_be_tested_on_its_own(sample, said):
    assert "of 20 codes that are all just at the margin, about one passes by chance" in said(sample, "trust")


def test_two_coders_of_three_are_named_in_the_paragraph_with_the_reason(sample):
    overall = [{**row, "coders": ["ann", "bob", "cyd"]} for row in sample.agreement["overall"]]
    verdicts = [{**row, "coders": ["ann", "bob"]} for row in sample.agreement["verdicts"]]
    text = plain(methods(with_agreement(sample, overall=overall, verdicts=verdicts)))
    assert "by a margin of 0.1 on ann and bob alone, since with cyd there were too few transcripts" in text
    assert "alone, since" not in plain(methods(sample))


def test_paragraph_gives_no_pooled_figure_where_every_code_is_undefined(sample):
    mean = sample.agreement["overall_mean"]
    nothing = {"mean": None, "lowest": None, "highest": None, "n_defined": 0, "ci": NO_INTERVAL}
    text = plain(methods(with_agreement(sample, overall_mean={**mean, "krippendorff_alpha": nothing})))
    assert "was undefined for every code" in text
    assert "Pooled" not in text


# Golden


def golden_words(read_page, run_dir):
    """The words of two sections, a paragraph, row or item on each line."""
    page = render_audit(run_dir)
    parts = [
        read_page(re.sub(r"(?=<(?:p|h2|h3|dt|tr|caption|blockquote)\b)", "¶", section_of(page, name))).words
        for name in ("trust", "methods")
    ]
    lines = "\n".join(parts).replace("¶", "\n").splitlines()
    words = "\n".join(line.strip() for line in lines if line.strip())
    return re.sub(r"precode \d[\w.]*", "precode VERSION", words) + "\n"


def test_what_the_sample_is_told_is_as_it_was(read_page, sample_run_dir):
    """PRECODE_RENEW_GOLDEN=1 writes the file anew: read the difference before it is committed."""
    words = golden_words(read_page, sample_run_dir)
    if os.environ.get(RENEW):
        GOLDEN.write_text(words, encoding="utf-8")
    assert words == GOLDEN.read_text(encoding="utf-8")


def test_both_pages_of_the_sample_are_the_same_bytes_in_another_process(sample_run_dir):
    source = (
        "import sys, pathlib; from pipeline.report import render_audit, render_report; "
        "path = pathlib.Path(sys.argv[1]); "
        "sys.stdout.buffer.write((render_audit(path) + render_report(path)).encode())"
    )
    other = subprocess.run(
        [sys.executable, "-c", source, str(sample_run_dir)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONHASHSEED": "11", "TZ": "Asia/Tokyo"},
        capture_output=True,
        check=True,
    )
    assert other.stdout == (render_audit(sample_run_dir) + render_report(sample_run_dir)).encode()
