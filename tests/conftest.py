"""Builders of small invented studies, so that every test says only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from corpus.records import Transcript, Turn
from corpus.study import Study, load_study

MakeTranscript = Callable[..., Transcript]
MakeStudy = Callable[..., Study]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real material beside the checkout; a test that asks for it is skipped without."""
    found = Path(__file__).parents[2] / "shared"
    if not found.is_dir():
        pytest.skip("the shared folder of real material is not beside the checkout")
    return found


@pytest.fixture(scope="session")
def make_transcript() -> MakeTranscript:
    """(id, (speaker, words), ...) -> a transcript with a line "speaker: words" for each turn."""

    def make(transcript_id: str, *turns: tuple[str, str]) -> Transcript:
        text, made = "", []
        for number, (speaker, words) in enumerate(turns, start=1):
            text += f"{speaker}: "
            made.append(Turn(number, speaker, len(text), len(text) + len(words)))
            text += words + "\n"
        return Transcript(transcript_id, text, tuple(made), f"{transcript_id}.txt")

    return make


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Files below the study -> the study; ``at`` names its folder where a test needs two."""

    def make(files: Mapping[str, str | bytes] | None = None, *, at: str = "study") -> Study:
        root = tmp_path / at
        (root / "transcripts").mkdir(parents=True, exist_ok=True)
        for name, content in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_study(root)

    return make
