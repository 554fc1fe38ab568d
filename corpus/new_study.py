"""``precode new``: an empty study folder with every setting and what it means."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from pydantic import BaseModel

from corpus.codebook import CODEBOOK_COLUMNS
from corpus.coverage import COVERAGE_COLUMNS
from corpus.errors import StudyError
from corpus.files import write_whole
from corpus.modes import make_folder
from corpus.settings import Settings
from corpus.tables import write_table

_EXAMPLES = {"speakers.context": '["Interviewer"]', "segments.unit": '"passage"', "model.encoder": '"minilm"'}
_TABLES = {
    "codebook.csv": CODEBOOK_COLUMNS,
    "participants.csv": ("transcript",),
    "coverage.csv": COVERAGE_COLUMNS,
    "coders.csv": ("coder", "kind"),
}


def make_study(folder: Path) -> tuple[str, ...]:
    """Make the folder; returns the names of what was made.

    Raises StudyError if something stands there already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"{folder}: is there already and not empty. Name a new folder.")
    for name in ("transcripts", "codings"):
        make_folder(folder / name)
    write_whole(folder / "study.toml", settings_file(folder.resolve().name).encode())
    for name, columns in _TABLES.items():
        write_table(folder / name, columns, [])
    return ("transcripts/", "codings/", "study.toml", *_TABLES)


def settings_file(title: str) -> str:
    """``study.toml`` with every key commented; keys without a default are shown as an example, switched off."""
    lines = ["# Settings of this study. Every key, and this file itself, may be left out."]
    for name, section in Settings.model_fields.items():
        model = section.annotation
        if not isinstance(model, type) or not issubclass(model, BaseModel):
            continue
        lines += ["", *_comment(model.__doc__ or ""), f"[{name}]"]
        for key, field in model.model_fields.items():
            lines += _comment(field.description or "")
            value = title if (name, key) == ("study", "title") else field.default
            example = _EXAMPLES.get(f"{name}.{key}", "")
            lines.append(f"# {key} = {example}" if value is None else f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join(text.split()), 96)]


def _toml(value: object) -> str:
    """A TOML literal; JSON's strings, numbers and arrays are TOML's too, but for a bare DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
