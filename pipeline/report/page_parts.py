"""What every page is made with: the templates, the style sheet, and a policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent


def environment() -> Environment:
    """Templates; every word passes through autoescape, a name that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def style_sheet(filters: Iterable[int] = ()) -> str:
    """The style sheet, with a rule for each code that suggestions can be filtered by."""
    css = (HERE / "report.css").read_text(encoding="utf-8")
    rules = [
        f"body:has(#only-{n}:checked) :is(.segment,.shelf):not(:has(.code-{n})){{display:none}}"
        for n in filters
    ]
    return "\n".join([css, *rules])


def policy(style: str) -> str:
    """A content security policy: this style sheet by its hash, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
