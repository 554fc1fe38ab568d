"""The lowest versions that pyproject.toml allows, as constraints for pip: ``python tests/faults/lowest.py``.

Of precode's own dependencies: what only its tests need is nobody's trouble who uses it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def lowest_versions(pyproject: str) -> list[str]:
    """``name==version`` of every requirement, sorted.

    Raises ValueError for one without a lower bound: nobody could say what its lowest version is.
    """
    found = []
    for requirement in tomllib.loads(pyproject)["project"]["dependencies"]:
        match = re.match(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?\s*>=\s*([0-9][0-9a-z.]*)", requirement)
        if not match:
            raise ValueError(f"{requirement}: no lowest version (name>=version)")
        found.append(f"{match[1]}=={match[2]}")
    return sorted(found)


if __name__ == "__main__":
    print("\n".join(lowest_versions(PYPROJECT.read_text(encoding="utf-8"))))
