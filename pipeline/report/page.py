"""From views to one HTML page that allows itself nothing but its own style sheet."""

from __future__ import annotations

from markupsafe import Markup

from pipeline.report.beside_view import beside_view
from pipeline.report.budget_view import budget_view
from pipeline.report.codes_view import codes_view
from pipeline.report.how import how_groups
from pipeline.report.notes_view import notes_view
from pipeline.report.overview import encoder_of, overview
from pipeline.report.page_parts import environment, policy, style_sheet
from pipeline.report.prevalence_view import prevalence_view
from pipeline.report.reading_view import reading_view
from pipeline.report.reference import reference_of
from pipeline.report.tables import RunTables
from pipeline.report.topics_view import topics_view


def render_page(run: RunTables) -> str:
    """The whole page. Every word of a table passes through autoescape."""
    beside, reading = beside_view(run), reading_view(run)
    style = style_sheet(number for number, _, _ in reading.filters)
    return (
        environment()
        .get_template("report.html")
        .render(
            style=Markup(style),  # noqa: S704 - the package's own file and numbers
            policy=policy(style),
            title=run.summary["title"] or "Untitled study",
            reflexive=run.summary["approach"] == "reflexive",
            overview=overview(run, beside),
            codes=codes_view(run),
            prevalence=prevalence_view(run),
            reading=reading,
            budget=budget_view(run),
            topics=topics_view(run),
            beside=beside,
            notes=notes_view(run),
            how=how_groups(
                run.evaluation,
                run.topics,
                {"cohen_kappa"},
                encoder=encoder_of(run),
                reference=reference_of(run),
            ),
            reference=reference_of(run),
        )
    )
