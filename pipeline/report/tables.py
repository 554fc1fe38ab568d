"""What the report is made from: the tables of a run folder, read back as records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.files import read_json
from corpus.tables import read_table
from pipeline.outputs import LEARNED

# An id ends in "#start-end".
_SEGMENT_ID = re.compile(r"(.+?#\d+-\d+)(?:; |$)", re.DOTALL)


#: Names with what each added, in logits, as the table orders them.
Evidence = tuple[tuple[str, float], ...]
#: What a cell of evidence may end with, in square brackets.
PARTS = ("meaning", "context", "nearest")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A row of suggestions.csv.

    probability: None where the code is not learned yet. evidence: words with what each added, in logits. parts:
    what no single word added, PARTS, where there is a sentence encoder. nearest: ids of segments in excerpts.csv.
    """

    transcript: str
    start: int
    end: int
    speaker: str
    quote: str
    code: str
    probability: float | None
    evidence: Evidence
    parts: Evidence
    nearest: tuple[str, ...]
    nearest_not: tuple[str, ...]
    codebook: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A row of excerpts.csv: a segment that people read. codes: joined by "; ", as the table has them, or ""."""

    segment: str
    transcript: str
    start: int
    end: int
    speaker: str
    quote: str
    codes: str


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A row of codes.csv; figures are None where the model has not learned the code, and ``status`` says why."""

    code: str
    parent: str
    n_positive: int
    n_groups: int
    prevalence: float | None
    threshold: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    brier_skill: float | None
    n_suggestions: int
    status: str

    @property
    def learned(self) -> bool:
        """Whether the model knows the code, so that there are figures."""
        return self.average_precision is not None

    @property
    def suggested(self) -> bool:
        """Whether the model suggests it: a code may be learned and yet no better than its base rate."""
        return self.status == LEARNED


@dataclass(frozen=True, slots=True)
class Disputed:
    """A row of disagreements.csv. gave, declined, agreed: names joined for reading. model: "yes", "no" or ""."""

    transcript: str
    start: int
    end: int
    speaker: str
    quote: str
    code: str
    gave: str
    declined: str
    agreed: str
    probability: float | None
    model: str


@dataclass(frozen=True, slots=True)
class RunTables:
    """All tables of a run folder but the manifest, which is written after the report.

    excerpts: by segment id. The last six are the JSON files as they stand.
    """

    suggestions: tuple[Suggestion, ...]
    excerpts: Mapping[str, Excerpt]
    codes: tuple[CodeRow, ...]
    disagreements: tuple[Disputed, ...]
    summary: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    agreement: Mapping[str, Any]
    topics: Mapping[str, Any]
    estimates: Mapping[str, Any]
    doctor: Mapping[str, Any]


def read_run(run_dir: Path) -> RunTables:
    """Read the tables of one run."""
    return RunTables(
        suggestions=tuple(_suggestion(cells) for cells in _rows(run_dir / "suggestions.csv")),
        excerpts={cells["segment"]: _excerpt(cells) for cells in _rows(run_dir / "excerpts.csv")},
        codes=tuple(_code(cells) for cells in _rows(run_dir / "codes.csv")),
        disagreements=tuple(_disputed(cells) for cells in _rows(run_dir / "disagreements.csv")),
        summary=read_json(run_dir / "summary.json"),
        evaluation=read_json(run_dir / "evaluation.json"),
        agreement=read_json(run_dir / "agreement.json"),
        topics=read_json(run_dir / "topics.json"),
        estimates=read_json(run_dir / "estimates.json"),
        doctor=read_json(run_dir / "doctor.json"),
    )


def _rows(path: Path) -> list[Mapping[str, str]]:
    table = read_table(path.read_bytes(), file=path.name, for_machines=True)
    return [row.cells for row in table.rows]


def read_evidence(cell: str) -> tuple[Evidence, Evidence]:
    """Words, then parts, of "queue +0.61; don't +0.40; [meaning] +0.80; [context] -0.31".

    A word may hold anything but "; ", also brackets: a part is one of PARTS, each at most once and at the end.
    """
    pairs = []
    for piece in cell.split("; ") if cell else ():
        name, _, value = piece.rpartition(" ")
        pairs.append((name, float(value)))
    n_words = len(pairs)
    for part in reversed(PARTS):
        if n_words and pairs[n_words - 1][0] == f"[{part}]":
            n_words -= 1
    return tuple(pairs[:n_words]), tuple((name[1:-1], value) for name, value in pairs[n_words:])


def _suggestion(cells: Mapping[str, str]) -> Suggestion:
    evidence, parts = read_evidence(cells["evidence"])
    return Suggestion(
        transcript=cells["transcript"],
        start=int(cells["start"]),
        end=int(cells["end"]),
        speaker=cells["speaker"],
        quote=cells["quote"],
        code=cells["code"],
        probability=float(cells["probability"]) if cells["probability"] else None,
        evidence=evidence,
        parts=parts,
        nearest=tuple(_SEGMENT_ID.findall(cells["nearest"])),
        nearest_not=tuple(_SEGMENT_ID.findall(cells["nearest_not"])),
        codebook=cells["codebook"],
    )


def _excerpt(cells: Mapping[str, str]) -> Excerpt:
    return Excerpt(
        segment=cells["segment"],
        transcript=cells["transcript"],
        start=int(cells["start"]),
        end=int(cells["end"]),
        speaker=cells["speaker"],
        quote=cells["quote"],
        codes=cells["codes"],
    )


def _disputed(cells: Mapping[str, str]) -> Disputed:
    return Disputed(
        transcript=cells["transcript"],
        start=int(cells["start"]),
        end=int(cells["end"]),
        speaker=cells["speaker"],
        quote=cells["quote"],
        code=cells["code"],
        gave=cells["gave"],
        declined=cells["declined"],
        agreed=cells["agreed"],
        probability=_share(cells["probability"]),
        model=cells["model"],
    )


def _code(cells: Mapping[str, str]) -> CodeRow:
    return CodeRow(
        code=cells["code"],
        parent=cells["parent"],
        n_positive=int(cells["n_positive"] or 0),
        n_groups=int(cells["n_groups"] or 0),
        prevalence=_share(cells["prevalence"]),
        threshold=_share(cells["threshold"]),
        precision=_share(cells["precision"]),
        recall=_share(cells["recall"]),
        f1=_share(cells["f1"]),
        average_precision=_share(cells["average_precision"]),
        brier_skill=_share(cells["brier_skill"]),
        n_suggestions=int(cells["n_suggestions"] or 0),
        status=cells["status"],
    )


def _share(cell: str) -> float | None:
    return float(cell) if cell else None
