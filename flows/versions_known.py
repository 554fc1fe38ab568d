"""Versions of libraries that are known not to work, or that nobody tried: named, with what to do.

pip keeps to what precode asks for, until something else is installed into the same environment.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from packaging.version import Version

from corpus.errors import StudyError

#: Library -> (first version that does not work, what happens with it). Measured with Prefect 3.8.8.
BROKEN = {"fastapi": ("0.155", "Prefect's server does not start")}
#: The same, for a server that makes the runs of schedules.
BROKEN_ON_SCHEDULE = {"sqlalchemy": ("2.1", "no run of a schedule ever starts")}


def refuse_broken(*, scheduling: bool) -> None:
    """Raise StudyError if a library is installed in a version with which a flow, or a schedule, cannot run."""
    wanted = allowed()
    for name, (first, what) in (BROKEN | (BROKEN_ON_SCHEDULE if scheduling else {})).items():
        found = installed(name)
        if found and Version(found) >= Version(first):
            remedy = f"pip install '{name}{wanted.get(name, f'<{first}')}'"
            raise StudyError(
                f"{name} {found} is installed, with which {what}. Mend it with: {remedy}\n"
                "Until then 'precode report STUDY' does the same job without Prefect."
            )


def untried() -> list[str]:
    """Libraries installed in versions that precode does not ask for, as "name version (asked for: ...)"."""
    return [
        f"{name} {found} (asked for: {specifier})"
        for name, specifier in allowed().items()
        if (found := installed(name)) and not Requirement(f"{name}{specifier}").specifier.contains(found)
    ]


def allowed() -> dict[str, str]:
    """Library -> versions that precode asks for, itself or for a cluster; empty if precode is not installed."""
    try:
        asked = [Requirement(line) for line in requires("precode") or ()]
    except PackageNotFoundError:
        return {}
    return {
        one.name: str(one.specifier)
        for one in asked
        if not one.marker or one.marker.evaluate({"extra": "dask"})
    }


def installed(name: str) -> str:
    """The installed version, or ""."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
