"""The study folder: where its files are, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpus.errors import StudyError
from corpus.settings import Settings, read_settings

#: How the file ends in which a trained model is given away.
MODEL_SUFFIX = ".precode-model"
#: Which transcripts were proposed for coding; see ``corpus/draws.py``.
DRAWS = "next.csv"
_NOT_MATERIAL = (".", "~$", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Study:
    """A study folder of a researcher's."""

    root: Path
    settings: Settings

    @property
    def transcripts_dir(self) -> Path:
        """The interviews, as they came."""
        return self.root / "transcripts"

    @property
    def codings_dir(self) -> Path:
        """What each coder coded, a file a coder."""
        return self.root / "codings"

    @property
    def cache_dir(self) -> Path:
        """What can be made again."""
        return self.root / "cache"

    @property
    def runs_dir(self) -> Path:
        """What runs made."""
        return self.root / "runs"

    @property
    def models_dir(self) -> Path:
        """Trained models."""
        return self.root / "models"

    @property
    def versions_dir(self) -> Path:
        """The text of every transcript version that codings refer to."""
        return self.root / "versions"

    @property
    def title(self) -> str:
        """The study's title, or its folder's name."""
        return self.settings.study.title or self.root.resolve().name


def load_study(root: Path, *, group_by: str = "") -> Study:
    """The study at ``root``; ``group_by``, if given, takes the place of what its settings say.

    Raises StudyError if it is no folder, has no transcripts/, or its settings are bad.
    """
    if not root.is_dir():
        raise StudyError(f"{root}: no such study folder. 'precode new {root}' makes one.")
    if not (root / "transcripts").is_dir():
        raise StudyError(
            f"{root.resolve().name}: no folder 'transcripts' in it. 'precode new DIR' makes a study folder."
        )
    settings = read_settings(root / "study.toml")
    if group_by:
        evaluation = settings.evaluation.model_copy(update={"group_by": group_by})
        settings = settings.model_copy(update={"evaluation": evaluation})
    return Study(root.resolve(), settings)


def transcript_files(study: Study) -> tuple[str, ...]:
    """Paths of all files below ``transcripts/``, sorted, with forward slashes.

    Hidden files and lock files that office programs leave are not material.
    """
    found = (
        path.relative_to(study.transcripts_dir).as_posix()
        for path in study.transcripts_dir.rglob("*")
        if path.is_file()
        and not any(part.startswith(_NOT_MATERIAL) for part in path.relative_to(study.transcripts_dir).parts)
    )
    return tuple(sorted(found))


def coder_files(study: Study) -> tuple[Path, ...]:
    """The codings files, sorted by coder; the file's stem is the coder's name."""
    if not study.codings_dir.is_dir():
        return ()
    found = (path for path in study.codings_dir.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    return tuple(sorted(path for path in found if not path.name.startswith(_NOT_MATERIAL)))


def other_files(study: Study) -> tuple[str, ...]:
    """Names of what else lies in codings/: nobody reads it, so somebody must be told."""
    known = {path.name for path in coder_files(study)}
    found = study.codings_dir.iterdir() if study.codings_dir.is_dir() else ()
    return tuple(
        sorted(p.name for p in found if p.name not in known and not p.name.startswith(_NOT_MATERIAL))
    )


def coded_files(study: Study) -> tuple[Path, ...]:
    """The files that say what people coded and read, and of whom: what the model and every figure depend on."""
    single = ("codebook.csv", "participants.csv", "coders.csv", "coverage.csv")
    return tuple(path for name in single if (path := study.root / name).is_file()) + coder_files(study)


def human_files(study: Study) -> tuple[Path, ...]:
    """Every file beside the transcripts and the settings that a run's key depends on."""
    draws = study.root / DRAWS
    return coded_files(study) + ((draws,) if draws.is_file() else ())
