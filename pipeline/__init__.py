"""What is done, in which order? Plain functions, a file or a folder a stage. Knows no scheduler."""

from importlib.util import find_spec
from pathlib import Path

for _room in ("corpus", "models"):
    _spec = find_spec(_room)
    _place = Path(_spec.origin).parent.parent if _spec and _spec.origin else None
    if _place != Path(__file__).parent.parent:
        raise ImportError(
            f"precode needs its own package '{_room}', but Python finds another of that name at "
            f"{_spec.origin if _spec else 'no place'}. Rename that file, or start Python elsewhere."
        )
