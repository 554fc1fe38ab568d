"""What was set aside, what was assumed, how codings map onto segments, which settings held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.report.tables import RunTables
from pipeline.report.wording import count, percent

MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class FileNote:
    """A file with what was said of it, cut at MOST_LINES lines in all."""

    file: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacementRow:
    """How many codings map onto segments in one way."""

    way: str
    n: str
    share: str


@dataclass(frozen=True, slots=True)
class NotesView:
    """The section on what was set aside. coders: (name, kind, codings)."""

    set_aside: tuple[FileNote, ...]
    read_in_part: tuple[FileNote, ...]
    warned: tuple[FileNote, ...]
    n_left_out: int
    notes: tuple[str, ...]
    context: tuple[str, ...]
    n_context_segments: str
    placement: tuple[PlacementRow, ...]
    coders: tuple[tuple[str, str, str], ...]
    settings: tuple[tuple[str, str], ...]


def notes_view(run: RunTables) -> NotesView:
    """The section on what was set aside."""
    facts = run.summary
    files = facts["files"]
    aside = [FileNote(file["file"], tuple(file["rejected"])) for file in files if not file["n_transcripts"]]
    partly = [
        FileNote(f["file"], tuple(f["rejected"])) for f in files if f["n_transcripts"] and f["rejected"]
    ]
    warned = [
        FileNote(f["file"], tuple(f["warnings"])) for f in files if f["n_transcripts"] and f["warnings"]
    ]
    n_left_out = sum(max(0, _n_lines(part) - MOST_LINES) for part in (aside, partly, warned))
    return NotesView(
        set_aside=tuple(_cut(aside)),
        read_in_part=tuple(_cut(partly)),
        warned=tuple(_cut(warned)),
        n_left_out=n_left_out,
        notes=tuple(facts["notes"][:MOST_LINES]),
        context=tuple(facts["context"]),
        n_context_segments=count(facts["n_context_segments"]),
        placement=tuple(_placement(facts["placement"])),
        coders=tuple((name, kind, count(facts["n_codings"].get(name, 0))) for name, kind in facts["coders"]),
        settings=tuple(_settings(facts["settings"])),
    )


def _n_lines(notes: list[FileNote]) -> int:
    return sum(len(note.lines) for note in notes)


def _cut(notes: list[FileNote]) -> Iterator[FileNote]:
    left = MOST_LINES
    for note in notes:
        if left > 0:
            yield FileNote(note.file, note.lines[:left])
            left -= max(1, len(note.lines))


def _placement(placement: Mapping[str, int]) -> Iterator[PlacementRow]:
    total = sum(placement.values())
    for way in ("exact", "widened", "narrowed", "unplaced"):
        yield PlacementRow(way, count(placement[way]), percent(placement[way] / total) if total else "")


def _settings(settings: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for section, values in settings.items():
        for key, value in values.items():
            yield f"{section}.{key}", _setting(value)


def _setting(value: Any) -> str:
    if value is None:
        return "(default)"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "(none)"
    return str(value) if value != "" else "(empty)"
