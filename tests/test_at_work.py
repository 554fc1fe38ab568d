"""Locks of flow runs: a folder that cannot be looked at keeps no run from saying so itself."""

from __future__ import annotations

import errno
from pathlib import Path
from uuid import uuid4

import pytest

from flows.at_work import begin_work, known_runs


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES])
def test_folder_that_cannot_be_looked_at_raises_nothing(number, tmp_path, monkeypatch):
    def fails(path: Path) -> bool:
        raise OSError(number, "planted", str(path))

    monkeypatch.setattr(Path, "is_dir", fails)
    begin_work(tmp_path, uuid4())


def test_folder_that_is_no_study_gets_no_lock(tmp_path):
    begin_work(tmp_path, uuid4())
    assert (list(tmp_path.iterdir()), known_runs(tmp_path)) == ([], {})
