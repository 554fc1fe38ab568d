"""The audit page: views -> HTML, by the same rules as the report."""

from __future__ import annotations

from markupsafe import Markup

from pipeline.report.agreement_view import agreement_view
from pipeline.report.audit.doctor_view import doctor_view
from pipeline.report.audit.heat_view import heat_views
from pipeline.report.audit.how_audit import how_groups_of_audit
from pipeline.report.audit.methods import methods
from pipeline.report.audit.model_view import model_view
from pipeline.report.audit.people_view import people_view
from pipeline.report.audit.settle_view import settle_view
from pipeline.report.audit.slices_view import slices_view
from pipeline.report.audit.trust_view import trust_view
from pipeline.report.notes_view import notes_view
from pipeline.report.page_parts import environment, policy, style_sheet
from pipeline.report.reference import reference_of
from pipeline.report.reliability_view import reliability_view
from pipeline.report.tables import RunTables


def render_audit_page(run: RunTables) -> str:
    """The whole page. Every word of a table passes through autoescape."""
    style, reference = style_sheet(), reference_of(run)
    return (
        environment()
        .get_template("audit/audit.html")
        .render(
            style=Markup(style),  # noqa: S704 - the package's own file
            policy=policy(style),
            title=run.summary["title"] or "Untitled study",
            reflexive=run.summary["approach"] == "reflexive",
            trust=trust_view(run),
            people=people_view(run),
            model=model_view(run),
            settle=settle_view(run),
            doctor=doctor_view(run),
            heat=heat_views(run),
            slices=slices_view(run),
            reliability=reliability_view(run),
            methods=methods(run),
            agreement=agreement_view(run),
            notes=notes_view(run),
            reference=reference,
            how=how_groups_of_audit(run, reference),
        )
    )
