"""When and where is it run? Prefect tasks and flows, and the command line."""

from importlib.util import find_spec
from pathlib import Path

for _room in ("corpus", "models", "pipeline"):
    _spec = find_spec(_room)
    _origin = _spec.origin if _spec else None
    if _origin is None or Path(_origin).parent.parent != Path(__file__).parent.parent:
        raise ImportError(
            f"precode needs its own package '{_room}', but Python finds another of that name first: "
            f"{_origin or 'a folder without __init__.py'}. Rename that one, or start Python in another folder."
        )
