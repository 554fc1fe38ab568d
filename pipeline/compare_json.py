"""Two JSON files of the same run: every figure by its path, counts of what the model says by what follows from it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.compare.columns import MODEL
from pipeline.compare.confusions import FEWEST_CROSSINGS
from pipeline.compare_rule import Compared, Difference, Rule, judged

AGREEMENT = "agreement.json"
_PLACE = re.compile(r"\[\d+\]")
#: In agreement.json, in rows of the model: counts of segments and transcripts to which it or a coder gave the code,
#: and the sentences that tell them.
SAID = re.compile(
    r"verdicts\.(n_units|n_transcripts|why|verdict|method)"
    r"|comparisons\.ci\.\w+\.(n_transcripts|method|reason)"
    r"|beside\.ci\.(n_transcripts|method|reason)"
)
#: Which codes it gave instead of a coder's: counted once for each coder.
CONFUSED = re.compile(
    r"confusions\.model\.(matrix|crossings\.(observed|expected|first_then_second|second_then_first|alone))"
)
CROSSINGS = "confusions.model.crossings"
#: They follow from the counts beside them.
OF_COUNTS = ("ratio", "share")


@dataclass(frozen=True, slots=True)
class _At:
    """A place in the file.

    path: as it is told. name: the nearest key above, which tells counts of flags. of_model: whether the row is of the
    model. n_pairs: of a coder and the model, that ``confusions`` adds up.
    """

    path: str = ""
    name: str = ""
    of_model: bool = False
    n_pairs: int = 0

    @property
    def where(self) -> str:
        return self.path or "the file"

    @property
    def plain(self) -> str:
        """The path without the numbers of entries."""
        return _PLACE.sub("", self.path)

    def key(self, key: str) -> _At:
        return replace(self, path=f"{self.path}.{key}".lstrip("."), name=key)

    def entry(self, place: int) -> _At:
        return replace(self, path=f"{self.path}[{place}]")

    def most(self, n_said: int) -> int:
        """By how many a count here may differ if so many flags of the model do."""
        if self.of_model and SAID.fullmatch(self.plain):
            return n_said
        return n_said * self.n_pairs if CONFUSED.fullmatch(self.plain) else 0


def compare_json(then: Path, here: Path, rule: Rule) -> Compared:
    """One file; what follows from the model's flags may differ by as many as they do in agreement.json alone."""
    rule = rule if here.name == AGREEMENT else replace(rule, n_said=0)
    found = json_differences(json.loads(then.read_bytes()), json.loads(here.read_bytes()), rule)
    return judged(here.name, tuple(found))


def json_differences(then: Any, here: Any, rule: Rule, at: _At = _At()) -> Iterator[Difference]:
    """Depth first, in the order of the file."""
    if isinstance(then, dict) and isinstance(here, dict):
        yield from _of_objects(then, here, rule, _entered(then, here, at))
    elif isinstance(then, list) and isinstance(here, list):
        if rule.n_said and at.path == CROSSINGS:
            yield from _of_crossings(then, here, rule, at)
        else:
            yield from _of_lists(then, here, rule, at)
    elif _is_figure(then) and _is_figure(here):
        if not rule.allows(at.name, then, here, n_said=at.most(rule.n_said)):
            yield Difference(at.where, then, here)
    elif (type(then) is not type(here) or then != here) and not _same_words(then, here, rule, at):
        numbers = [float(value) if _is_figure(value) else None for value in (then, here)]
        yield Difference(at.where, numbers[0], numbers[1], _kinds(then, here))


def _of_objects(
    then: Mapping[str, Any], here: Mapping[str, Any], rule: Rule, at: _At
) -> Iterator[Difference]:
    for key in sorted(then.keys() | here.keys()):
        inside = at.key(key)
        if key not in then or key not in here:
            yield Difference(inside.path, what="only then" if key in then else "only here")
        else:
            yield from json_differences(then[key], here[key], rule, inside)


def _entered(then: Mapping[str, Any], here: Mapping[str, Any], at: _At) -> _At:
    """Whether the object is a row of the model, or what ``confusions`` says of it."""
    if at.path == "confusions.model":
        return replace(at, n_pairs=min(int(found.get("n_pairs", 0)) for found in (then, here)))
    is_row = all(MODEL in (found.get("other"), found.get("b")) for found in (then, here))
    return replace(at, of_model=at.of_model or is_row)


def _of_lists(then: list[Any], here: list[Any], rule: Rule, at: _At) -> Iterator[Difference]:
    if len(then) != len(here):
        yield Difference(at.where, len(then), len(here), "entries")
    for place, (old, new) in enumerate(zip(then, here, strict=False)):
        yield from json_differences(old, new, rule, at.entry(place))


def _of_crossings(then: list[Any], here: list[Any], rule: Rule, at: _At) -> Iterator[Difference]:
    """By their codes, for their order follows from counts, and so does whether there are enough to be told."""
    old, new = ({tuple(row["codes"]): row for row in rows} for rows in (then, here))
    for place, codes in enumerate(dict.fromkeys([*old, *new])):
        inside = at.entry(place)
        if codes in old and codes in new:
            same = (
                old[codes]["observed"] == new[codes]["observed"]
                and old[codes]["alone"] == new[codes]["alone"]
            )
            a, b = (
                {key: value for key, value in rows[codes].items() if same or key not in OF_COUNTS}
                for rows in (old, new)
            )
            yield from json_differences(a, b, rule, inside)
        elif (old.get(codes) or new[codes])["observed"] - FEWEST_CROSSINGS >= rule.n_said * at.n_pairs:
            yield Difference(inside.path, what="only then" if codes in old else "only here")


def _same_words(then: Any, here: Any, rule: Rule, at: _At) -> bool:
    """Whether both are sentences on the model that tell figures which agree."""
    if not (isinstance(then, str) and isinstance(here, str) and at.most(rule.n_said)):
        return False
    return rule.allows_words(then, here, n_said=at.most(rule.n_said))


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _kinds(then: Any, here: Any) -> str:
    if then is None or here is None:
        return "undefined here" if here is None else "undefined then"
    return "another text" if isinstance(then, str) and isinstance(here, str) else "another value"
