"""From views to one HTML page that allows itself nothing but its own style sheet."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.agreement_view import agreement_view
from pipeline.report.beside_view import beside_view
from pipeline.report.budget_view import budget_view
from pipeline.report.codes_view import codes_view
from pipeline.report.how import how_groups
from pipeline.report.notes_view import notes_view
from pipeline.report.overview import encoder_of, overview
from pipeline.report.prevalence_view import prevalence_view
from pipeline.report.reading_view import reading_view
from pipeline.report.reference import reference_of
from pipeline.report.tables import RunTables
from pipeline.report.topics_view import topics_view

HERE = Path(__file__).parent


def render_page(run: RunTables) -> str:
    """The whole page. Every word of a table passes through autoescape."""
    beside, agreement, reading = beside_view(run), agreement_view(run), reading_view(run)
    style = _style([number for number, _, _ in reading.filters])
    return (
        _environment()
        .get_template("report.html")
        .render(
            style=Markup(style),  # noqa: S704 - the package's own file and numbers
            policy=_policy(style),
            title=run.summary["title"] or "Untitled study",
            reflexive=run.summary["approach"] == "reflexive",
            overview=overview(run, beside),
            codes=codes_view(run),
            prevalence=prevalence_view(run),
            reading=reading,
            budget=budget_view(run),
            topics=topics_view(run),
            beside=beside,
            agreement=agreement,
            notes=notes_view(run),
            how=how_groups(
                run.evaluation,
                run.topics,
                {key for key, _ in agreement.columns},
                encoder=encoder_of(run),
                reference=reference_of(run),
            ),
            reference=reference_of(run),
        )
    )


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _style(filters: list[int]) -> str:
    """The style sheet, with a rule for each code that suggestions can be filtered by."""
    css = (HERE / "report.css").read_text(encoding="utf-8")
    rules = [
        f"body:has(#only-{n}:checked) :is(.segment,.shelf):not(:has(.code-{n})){{display:none}}"
        for n in filters
    ]
    return "\n".join([css, *rules])


def _policy(style: str) -> str:
    """A content security policy: this style sheet by its hash, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
