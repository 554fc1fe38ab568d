"""``precode import``: files of a study, then decisions on what coders differ in, then models.

Models must fit the codebook that came with them or was there; decisions, the codings.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from corpus.bring_in import TABLES, BroughtIn, bring_files_in
from corpus.coded import CONSENSUS
from corpus.errors import FileError, StudyError
from corpus.readers import read_table_file
from corpus.study import MODEL_SUFFIX, Study

#: Columns by which a table is known for a copy of disagreements.csv, whatever columns it has lost: no other has them.
DECISIONS_KNOWN_BY = frozenset({"gave", "declined", "decision"})


def bring_all_in(
    study: Study, files: Sequence[Path], *, coder: str = "", today: date | None = None
) -> BroughtIn:
    """Bring files in, under the study's lock; one that is refused does not stop the others.

    today: the day on which decisions count as made; None: the clock's.
    """
    models = [path for path in files if path.suffix == MODEL_SUFFIX]
    decisions = [path for path in files if _holds_decisions(path)]
    others = [path for path in files if path not in models and path not in decisions]
    brought = bring_files_in(study, others, coder=coder)
    if decisions:
        brought = _bring_decisions_in(study, decisions, brought, coder=coder, today=today or date.today())
    return _bring_models_in(study, models, brought) if models else brought


def _holds_decisions(path: Path) -> bool:
    if path.suffix.lower() not in TABLES:
        return False
    try:
        return set(read_table_file(path, file=path.name).columns) >= DECISIONS_KNOWN_BY
    except (OSError, FileError):
        return False  # whoever brings it in as something else says what is wrong with it


def _bring_decisions_in(
    study: Study, decisions: Sequence[Path], others: BroughtIn, *, coder: str, today: date
) -> BroughtIn:
    from pipeline.adjudicate import adjudicate  # seconds, which other files need not wait for

    brought, set_aside = list(others.brought), dict(others.set_aside)
    for path in decisions:
        try:
            found = adjudicate(study, path, today=today)
        except StudyError as error:
            set_aside[path.name] = _reason(error)
            continue
        brought += found.told
        if coder:
            brought.append(f"{path.name}: --coder is not used: decisions become the {CONSENSUS}")
        if found.rejected:
            set_aside[path.name] = "\n".join(found.rejected)
    return BroughtIn(tuple(brought), set_aside)


def _reason(error: StudyError) -> str:
    return "; ".join([*error.problems, error.remedy]) if isinstance(error, FileError) else str(error)


def _bring_models_in(study: Study, models: Sequence[Path], others: BroughtIn) -> BroughtIn:
    from pipeline.receive_model import receive_model  # seconds, which other files need not wait for

    brought, set_aside = list(others.brought), dict(others.set_aside)
    for path in models:
        try:
            brought += receive_model(study, path)
        except StudyError as error:
            set_aside[path.name] = _reason(error)
    return BroughtIn(tuple(brought), set_aside)
