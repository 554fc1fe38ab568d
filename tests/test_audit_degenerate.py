"""Studies of which little or nothing can be said: the audit says so clearly, and never a number that is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from pipeline.report import render_audit
from pipeline.report.audit.methods import methods
from pipeline.report.audit.standing import UNKNOWN
from pipeline.report.audit.trust_view import trust_view
from pipeline.report.tables import read_run

SAID = (
    "we waited long",
    "it cost a lot",
    "my sister came",
    "the queue again",
    "money was tight",
    "they were kind",
)
BOOK = {"codebook.csv": "code,definition\nWaiting,Time lost\nMoney,What it cost\n"}
INTERVIEWS = {
    f"transcripts/t{t}.txt": "".join(f"{'PQ'[i % 2]}: {words} number {t}\n" for i, words in enumerate(SAID))
    for t in (1, 2, 3)
}
NOT_SHARED = "That is unknown: no two coders have read the same segment"
NO_MODEL = "There is nothing to say: no code has been learned"
NOT_MEASURED = "so agreement between coders was not measured"
#: What a study without agreement must not hold in its first section: a coefficient.
FIGURE = re.compile(r"\d\.\d\d")


def codings(*rows):
    return "\n".join(["transcript,code,turn", *rows, ""])


def throughout(code):
    return codings(*(f"t{t},{code},{turn}" for t in (1, 2, 3) for turn in range(1, len(SAID) + 1)))


@dataclass(frozen=True)
class Case:
    """files below the study. said: sentences of the page. in_common: whether two coders share a segment."""

    files: dict[str, str]
    said: tuple[str, ...]
    in_common: bool = False
    paragraph: tuple[str, ...] = field(default=(NOT_MEASURED,))


READ_ALL = codings("t1,,", "t2,,", "t3,,")
CASES = {
    "no segment at all": Case(
        {**BOOK, "transcripts/t1.txt": "\n"},
        (NOT_SHARED, NO_MODEL, "Nobody has coded yet", "Not looked for: nobody has given a code yet"),
        paragraph=("No segment has been coded yet",),
    ),
    "no codebook and no codings": Case(
        {**INTERVIEWS},
        (NOT_SHARED, NO_MODEL, "Nobody has coded yet"),
        paragraph=("No segment has been coded yet",),
    ),
    "no codings": Case(
        {**BOOK, **INTERVIEWS},
        (NOT_SHARED, NO_MODEL, "Nobody has coded yet"),
        paragraph=("No segment has been coded yet",),
    ),
    "one coder": Case(
        {**BOOK, **INTERVIEWS, "codings/ann.csv": codings("t1,Waiting,1", "t2,Money,2")},
        (NOT_SHARED, NO_MODEL, "Not looked for: no two coders read the same segments"),
        paragraph=("12 segments (speaker turns) of 2 transcripts were coded", NOT_MEASURED),
    ),
    "one unit": Case(
        {
            **BOOK,
            "transcripts/t1.txt": "P: we waited long\n",
            "codings/ann.csv": codings("t1,Waiting,1"),
            "codings/bob.csv": codings("t1,Money,1"),
        },
        ("One segment: not interpretable", "too few transcripts with the code: 1, at least 8 needed"),
        in_common=True,
        paragraph=("figures of one segment and cannot be interpreted",),
    ),
    "all the same": Case(
        {
            **BOOK,
            **INTERVIEWS,
            "codings/ann.csv": throughout("Waiting"),
            "codings/bob.csv": throughout("Waiting"),
        },
        (
            "no variation: the code was always given",
            "no variation: the code was never given",
            "Nowhere: on what they read in common they gave the same codes",
        ),
        in_common=True,
        paragraph=("was undefined for every code",),
    ),
    "nobody coded anything": Case(
        {**BOOK, **INTERVIEWS, "codings/ann.csv": READ_ALL, "codings/bob.csv": READ_ALL},
        (
            "Krippendorff's alpha is undefined for every code",
            "Alpha is undefined: no variation: the code was never given",
            "Not looked for: nobody has given a code yet",
        ),
        in_common=True,
        paragraph=("was undefined for every code. Figures were computed",),
    ),
    "no overlap": Case(
        {
            **BOOK,
            **INTERVIEWS,
            "codings/ann.csv": codings("t1,Waiting,1"),
            "codings/bob.csv": codings("t2,Waiting,1"),
        },
        (NOT_SHARED, NO_MODEL, "undefined (no unit with two coders)"),
    ),
    "codes outside the codebook": Case(
        {
            **BOOK,
            **INTERVIEWS,
            "codings/ann.csv": codings("t1,Waiting,1", "t1,Hats,2", "t2,Money,2"),
            "codings/bob.csv": codings("t1,Waiting,1", "t1,Shoes,3", "t2,Hats,1"),
        },
        (
            "segments of 2 transcripts were read by both",
            "code 'Hats' is not in codebook.csv",
            "too few transcripts with the code: 2, at least 8 needed",
        ),
        in_common=True,
        paragraph=("a codebook of 2 codes",),
    ),
    "all context": Case(
        {
            **BOOK,
            **INTERVIEWS,
            "codings/ann.csv": codings("t1,Waiting,1"),
            "codings/bob.csv": codings("t1,Waiting,2"),
            "study.toml": '[speakers]\ncontext = ["P", "Q"]\n',
        },
        (NOT_SHARED, NO_MODEL),
        paragraph=("No segment has been coded yet",),
    ),
    "consensus only": Case(
        {**BOOK, **INTERVIEWS, "codings/consensus.csv": codings("t1,Waiting,1", "t2,Money,2")},
        (NOT_SHARED, NO_MODEL),
    ),
}


@pytest.fixture(scope="module", params=CASES)
def found(request, tmp_path_factory, make_run, read_page):
    """A case, the tables of its run, and the words of its audit: the page, and the first section alone."""
    case = CASES[request.param]
    run_dir = make_run(tmp_path_factory.mktemp("degenerate") / "study", case.files)
    page = render_audit(run_dir)
    first = re.search(r'<section id="trust".*?</section>', page, flags=re.DOTALL)[0]
    return case, read_run(run_dir), read_page(page).words, read_page(first).words


def test_degenerate_study_is_told_what_cannot_be_said(found):
    case, _, words, _ = found
    for sentence in case.said:
        assert sentence in words


def test_degenerate_study_gets_no_verdict_on_any_code(found):
    _, run, _, first = found
    rows = trust_view(run).rows
    assert {row.standing for row in rows} <= {UNKNOWN}
    assert not {row.verdict_key for row in rows} & {"well", "hardly"}
    assert "tentatively" not in first


def test_degenerate_study_without_a_shared_segment_shows_no_coefficient(found):
    case, run, words, first = found
    assert bool(run.agreement["overall"]) == case.in_common
    assert (NOT_SHARED in first) == (not case.in_common)
    if not case.in_common:
        assert not FIGURE.search(first)
        assert "No two coders have read the same segment" in words


def test_degenerate_study_shows_no_value_of_a_program(found):
    words = found[2].replace("None is the right one", "")
    assert not re.findall(r"\b(?:nan|None|null|inf|True|False)\b", words)


def test_paragraph_of_a_degenerate_study_claims_nothing_that_was_not_measured(found):
    case, run, _, _ = found
    text = " ".join(methods(run).split())
    for sentence in case.paragraph:
        assert sentence in text
    assert (NOT_MEASURED in text) == (not case.in_common)
    assert bool(FIGURE.search(text.split("Figures were computed")[0])) == (
        case.in_common and run.agreement["overall_mean"]["krippendorff_alpha"]["mean"] is not None
    )
    assert "0 segments" not in text


def test_codes_outside_the_codebook_are_in_no_figure(tmp_path, make_run):
    run_dir = make_run(tmp_path / "study", CASES["codes outside the codebook"].files)
    run = read_run(run_dir)
    assert {row["code"] for row in run.agreement["overall"]} == {None, "Waiting", "Money"}
    assert [row.code for row in trust_view(run).rows] == ["Waiting", "Money"]
