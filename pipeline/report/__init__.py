"""report: one self-contained page from the tables of a run.

No script, nothing loaded from elsewhere, no clock: the same run folder gives the same bytes.

    tables           the run folder's tables as records
    wording          rounding, plurals, "undefined": the one place for how numbers are written
    levels           known well, partly, hardly, not yet
    reference        who must have given a code for a segment to count as coded
    overview, *_view a section each, or a part of one: tables -> plain dataclasses of finished strings
    figures          places on SVG tracks
    how, how_*       how each number was computed
    page             views -> HTML through the templates in templates/
"""

from __future__ import annotations

from pathlib import Path

from pipeline.report.page import render_page
from pipeline.report.tables import read_run


def render_report(run_dir: Path) -> str:
    """The report of a run folder, whose tables must all be there; the manifest need not."""
    return render_page(read_run(run_dir))
