"""JSON from strangers: RFC 8259 to the letter, under limits; what Python's reader would let pass is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

#: In memory an empty object takes twenty times its three bytes.
MAX_BYTES = 10 * 2**20
MAX_DEPTH = 100
#: Objects and lists; an hour of talk with a time for each word has about 10,000.
MAX_CONTAINERS = 300_000

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class JsonError(ValueError):
    """Why a text is not taken as JSON; the message holds nothing of its content."""


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises JsonError for what is no JSON (NaN and Infinity are none), a key that stands twice in one object, more
    than 100 brackets inside each other or 300,000 in all, and numbers of thousands of digits. Escaped lone
    surrogates pass: the text rule (``clean_text``) replaces and tells them.
    """
    if not text.strip():
        raise JsonError("empty file")
    _check_depth(text)
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, " if "\n" in text else ""
        raise JsonError(f"not JSON: malformed or cut at {where}character {error.colno}") from None
    except JsonError:
        raise
    except ValueError:
        raise JsonError("a number has too many digits") from None


def _check_depth(text: str) -> None:
    n_containers = text.count("{") + text.count("[")
    if n_containers > MAX_CONTAINERS:
        raise JsonError(f"{n_containers} objects and lists: {MAX_CONTAINERS} are allowed")
    if n_containers <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise JsonError(f"more than {MAX_DEPTH} brackets inside each other")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise JsonError("duplicate key in an object (programs disagree on which one counts)")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError(f"not JSON: {name} is no JSON number")
