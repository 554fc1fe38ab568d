"""What both pages of a run must be: closed to the world, sound as HTML, the same bytes anywhere, safe from words."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.report import render_audit, render_report

CHECKOUT = Path(__file__).parents[1]
OVERRIDE = "\u202e"
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
RENDER = {"report.html": render_report, "audit.html": render_audit}
SECTIONS = {
    "report.html": {"overview", "codes", "suggestions", "topics", "agreement", "notes", "how"},
    "audit.html": {
        "trust",
        "people",
        "model",
        "settle",
        "doctor",
        "slices",
        "more",
        "methods",
        "pairs",
        "how",
    },
}


@pytest.fixture(scope="module", params=sorted(RENDER))
def name(request):
    """The file name of a page."""
    return request.param


@pytest.fixture(scope="module")
def page(name, tiny_run_dir, read_page):
    return read_page(RENDER[name](tiny_run_dir))


@pytest.fixture(scope="module")
def hostile_page(name, hostile_run_dir, read_page):
    return read_page(RENDER[name](hostile_run_dir))


def style_of(page):
    return "".join(text for text, around in page.texts if "style" in around)


# What a page is


def test_page_loads_nothing_and_runs_nothing(page):
    assert not {tag for tag, _ in page.tags} & LOADING
    for tag, attributes in page.tags:
        target = attributes.get("href", "#")
        assert target.startswith("#") or (tag == "a" and target in RENDER)
        assert not {"src", "srcset", "style", "background"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in style_of(page)
    assert "@import" not in style_of(page)


def test_policy_allows_its_own_style_sheet_and_nothing_else(page):
    digest = base64.b64encode(hashlib.sha256(style_of(page).encode()).digest()).decode()
    policy = next(
        found["content"]
        for tag, found in page.tags
        if "content-security-policy" in found.get("http-equiv", "").lower()
    )
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy


def test_every_link_leads_somewhere_and_no_id_stands_twice(name, page, tiny_run_dir):
    ids = [found["id"] for _, found in page.tags if "id" in found]
    targets = {found["href"] for tag, found in page.tags if tag == "a"}
    others = targets - {f"#{there}" for there in ids}
    assert len(ids) == len(set(ids))
    assert others <= RENDER.keys() - {name}
    assert all((tiny_run_dir / other).is_file() for other in others)
    assert {f"#{section}" for section in SECTIONS[name]} <= targets


def test_each_page_leads_to_the_other(name, page):
    (other,) = RENDER.keys() - {name}
    assert other in {found["href"] for tag, found in page.tags if tag == "a"}


def test_tables_have_captions_and_header_cells_their_scope(page):
    names = [tag for tag, _ in page.tags]
    assert names.count("table") == names.count("caption") > 5
    assert all(found.get("scope") in {"row", "col", "rowgroup"} for tag, found in page.tags if tag == "th")


def test_regions_that_scroll_have_a_name_and_the_keyboard_reaches_them(page):
    ids = {found["id"] for _, found in page.tags if "id" in found}
    regions = [found for _, found in page.tags if found.get("class") == "scroll"]
    assert regions
    for found in regions:
        assert (found["role"], found["tabindex"]) == ("region", "0")
        assert found.get("aria-label") or found["aria-labelledby"] in ids


def test_headings_leave_out_no_level(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_same_run_folder_gives_the_same_bytes_in_another_process(name, tiny_run_dir):
    render = RENDER[name].__name__
    source = (
        f"import sys, pathlib; from pipeline.report import {render}; "
        f"sys.stdout.buffer.write({render}(pathlib.Path(sys.argv[1])).encode())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    other = subprocess.run(
        [sys.executable, "-c", source, str(tiny_run_dir)],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert other.stdout == (tiny_run_dir / name).read_bytes() == RENDER[name](tiny_run_dir).encode()


# Other people's words


def test_hostile_words_make_no_tag_and_no_attribute(page, hostile_page, hostile):
    known = {(tag, name) for tag, found in page.tags for name in found} | {
        ("rect", "class"),
        ("abbr", "title"),
    }
    assert {tag for tag, _ in hostile_page.tags} <= {tag for tag, _ in page.tags}
    for tag, attributes in hostile_page.tags:
        assert {(tag, name) for name in attributes} <= known
        # A name of a code that a table abbreviates stands whole in its title, which is plain text.
        assert not any(
            "onerror" in value and not ((tag, name) == ("abbr", "title") and hostile in value)
            for name, value in attributes.items()
        )
    assert hostile_page.words.count(" ".join(hostile.split())) > 50


def test_direction_marks_stay_in_the_words_that_hold_them(hostile_page):
    held = [(text, tags) for text, tags in hostile_page.texts if OVERRIDE in text]
    assert len(held) > 50
    # A browser shows the title as plain text, by itself.
    assert [text for text, tags in held if "bdi" not in tags and "title" not in tags] == []


# As a browser draws it


@pytest.mark.parametrize("study", ["tiny_run_dir", "sample_run_dir"])
@pytest.mark.parametrize("width", [400, 1280])
def test_page_never_scrolls_sideways(width, study, name, request, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium to draw the page with")
    inner = re.sub(
        r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", RENDER[name](request.getfixturevalue(study))
    )
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
