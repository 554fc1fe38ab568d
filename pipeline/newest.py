"""The finished runs of a study, and what the newest says of itself: inputs, models, what was ever suggested when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.errors import FileError
from corpus.files import read_json
from corpus.study import Study

MANIFEST = "manifest.json"
_RUN_ID = re.compile(r"(\d+)(-[0-9a-f]+)?")


def run_number(run_id: str) -> int:
    """What orders runs; -1 for "" and for the name of a folder that no run made."""
    found = _RUN_ID.fullmatch(run_id)
    return int(found[1]) if found else -1


def finished_in(runs_dir: Path) -> tuple[str, ...]:
    """Ids of all finished runs in a folder of runs, oldest first."""
    names = [path.parent.name for path in runs_dir.glob(f"*/{MANIFEST}")]
    made = [name for name in names if run_number(name) >= 0]
    return tuple(sorted(made, key=lambda name: (run_number(name), name)))


def finished_runs(study: Study) -> tuple[str, ...]:
    """Ids of all finished runs of a study, oldest first."""
    return finished_in(study.runs_dir)


def latest_run(study: Study) -> str:
    """Id of the newest finished run, the one with the highest number, or ""."""
    return (finished_runs(study) or ("",))[-1]


def newest_manifest(study: Study) -> tuple[str, dict[str, Any]]:
    """Id and manifest of the finished run with the highest number; "" and nothing without one.

    Raises FileError if the manifest is damaged.
    """
    run_id = latest_run(study)
    if not run_id:
        return "", {}
    try:
        manifest: dict[str, Any] = read_json(study.runs_dir / run_id / MANIFEST)
        suggested(manifest)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FileError(
            f"runs/{run_id}/{MANIFEST}",
            ["damaged: it is not what a run wrote"],
            f"Put it back from a backup. Or delete the folder runs/{run_id} and run again: what only that run "
            "suggested is then forgotten, so write seen into the column basis of what was coded after it.",
        ) from None
    return run_id, manifest


def suggested(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Transcript -> when a run first suggested something for it (ISO 8601, UTC), up to this run.

    Each run hands on what the one before it knew, so that older runs may be deleted.
    """
    found = manifest.get("suggested", {})
    if isinstance(found, list):  # an earlier version listed what that run suggested
        return dict.fromkeys(found, manifest["created_at"])
    return dict(found.items())


def suggested_before(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What had been suggested when, as a run found it, from its own manifest."""
    return {name: when for name, when in suggested(manifest).items() if when != manifest["created_at"]}
