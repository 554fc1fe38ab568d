"""``precode import``: files of a study, then models, which must fit the codebook that came with them or was there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus.bring_in import BroughtIn, bring_files_in
from corpus.errors import FileError, StudyError
from corpus.study import Study
from models.one_file import SUFFIX
from pipeline.receive_model import receive_model


def bring_all_in(study: Study, files: Sequence[Path], *, coder: str = "") -> BroughtIn:
    """Bring files in; one that is refused does not stop the others."""
    models = [path for path in files if path.suffix == SUFFIX]
    others = bring_files_in(study, [path for path in files if path.suffix != SUFFIX], coder=coder)
    brought, set_aside = list(others.brought), dict(others.set_aside)
    for path in models:
        try:
            brought += receive_model(study, path)
        except FileError as error:
            set_aside[path.name] = "; ".join([*error.problems, error.remedy])
        except StudyError as error:
            set_aside[path.name] = str(error)
    return BroughtIn(tuple(brought), set_aside)
