"""Errors written for a researcher: the file, every problem in it, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class StudyError(Exception):
    """The study must be mended before work can go on (exit status 1); never a traceback.

    The message holds file names, lines, codes and settings, never a participant's words.
    reason: the same in a few words that name no file, code or person, for those who may not hear the message; "" if
        there is nothing to say without them.
    """

    def __init__(self, message: str = "", *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class StudyHeldError(StudyError):
    """Another process is at work on the study."""


class FileError(StudyError):
    """A file that cannot be used: all its problems at once, then what to do.

    file: the file's name as a researcher knows it (below the study, not an absolute path).
    problems: one line each, beginning with "line 3: " where a line is known.
    """

    def __init__(self, file: str | Path, problems: Sequence[str], remedy: str = "") -> None:
        self.file = str(file)
        self.problems = tuple(problems)
        self.remedy = remedy
        noun = "problem" if len(self.problems) == 1 else "problems"
        lines = [f"{self.file}: {len(self.problems)} {noun}"]
        lines += [f"  {problem}" for problem in self.problems]
        super().__init__("\n".join([*lines, remedy] if remedy else lines))
