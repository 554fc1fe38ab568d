"""``precode import``: files of a study, then models, which must fit the codebook that came with them or was there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus.bring_in import BroughtIn, bring_files_in
from corpus.errors import FileError, StudyError
from corpus.study import MODEL_SUFFIX, Study


def bring_all_in(study: Study, files: Sequence[Path], *, coder: str = "") -> BroughtIn:
    """Bring files in; one that is refused does not stop the others."""
    models = [path for path in files if path.suffix == MODEL_SUFFIX]
    brought = bring_files_in(study, [path for path in files if path not in models], coder=coder)
    return _bring_models_in(study, models, brought) if models else brought


def _bring_models_in(study: Study, models: Sequence[Path], others: BroughtIn) -> BroughtIn:
    from pipeline.receive_model import receive_model  # seconds, which other files need not wait for

    brought, set_aside = list(others.brought), dict(others.set_aside)
    for path in models:
        try:
            brought += receive_model(study, path)
        except FileError as error:
            set_aside[path.name] = "; ".join([*error.problems, error.remedy])
        except StudyError as error:
            set_aside[path.name] = str(error)
    return BroughtIn(tuple(brought), set_aside)
