"""report: two self-contained pages from the tables of a run, one for those who code and one for those who audit.

No script, nothing loaded from elsewhere, no clock: the same run folder gives the same bytes.

    tables           the run folder's tables as records
    wording          rounding, plurals, "undefined": the one place for how numbers are written
    levels           known well, partly, hardly, not yet
    reference        who must have given a code for a segment to count as coded
    overview, *_view a section each, or a part of one: tables -> plain dataclasses of finished strings
    figures          places on SVG tracks
    how, how_*       how each number was computed
    page, page_parts views -> HTML through the templates in templates/
    audit/           the second page
"""

from __future__ import annotations

from pathlib import Path

from pipeline.report.audit.page import render_audit_page
from pipeline.report.page import render_page
from pipeline.report.tables import read_run


def render_report(run_dir: Path) -> str:
    """The report of a run folder, whose tables must all be there; the manifest need not."""
    return render_page(read_run(run_dir))


def render_audit(run_dir: Path) -> str:
    """The audit report of a run folder, for those who distrust every number of the first."""
    return render_audit_page(read_run(run_dir))
