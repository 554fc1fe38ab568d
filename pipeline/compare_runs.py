"""Two run folders of the same inputs, file by file: the same bytes, or the same figures.

What is told of a difference is where it stands and both numbers, never the words of a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.compare_json import compare_json
from pipeline.compare_rule import DIFFERS, RENDERED, SAME, TOLERANCE, Compared, Difference, Rule
from pipeline.compare_tables import CELLS, SUGGESTIONS, compare_tables, n_flags_of

#: Compared first: how many of their flags differ, by so many counts elsewhere may.
FIRST = (SUGGESTIONS, CELLS)


def compare_folders(then: Path, here: Path, names: Sequence[str], *, by_bytes: bool) -> tuple[Compared, ...]:
    """Every file of these names and every other in ``here``: by bytes, or else by figures.

    then, here: folders. names: what the run had made.
    """
    every = {*names, *(path.name for path in here.iterdir())}
    rule, found = Rule(0.0 if by_bytes else TOLERANCE), list[Compared]()
    for name in sorted(every, key=lambda name: (name not in FIRST, name)):
        compared = compare_file(then / name, here / name, rule)
        found.append(compared)
        if not by_bytes:
            rule = _with_flags(rule, compared)
    return tuple(sorted(found, key=lambda compared: compared.file))


def _with_flags(rule: Rule, compared: Compared) -> Rule:
    if compared.file == SUGGESTIONS:
        return replace(rule, n_flags=len(compared.flags))
    return replace(rule, n_said=len(compared.flags)) if compared.file == CELLS else rule


def compare_file(then: Path, here: Path, rule: Rule) -> Compared:
    """One file, by bytes if the rule tolerates nothing."""
    name = here.name
    if not here.is_file() or not then.is_file():
        where = "only then" if then.is_file() else "only here"
        return Compared(name, DIFFERS, (Difference("the file", what=where),))
    if then.read_bytes() == here.read_bytes():
        return Compared(name, SAME, n_flags=n_flags_of(then))
    found = _by_content(then, here, rule)
    if rule.tolerance or found.verdict == DIFFERS:
        return found
    only = Difference("the file", what="bytes differ, the figures in it do not")
    return Compared(name, DIFFERS, (only,), n_flags=found.n_flags, n_reasons=found.n_reasons)


def _by_content(then: Path, here: Path, rule: Rule) -> Compared:
    if here.suffix == ".json":
        return compare_json(then, here, rule)
    if here.suffix == ".csv":
        return compare_tables(then, here, rule)
    if here.suffix == ".html":
        return Compared(here.name, RENDERED)
    return Compared(here.name, DIFFERS, (Difference("the file", what="bytes differ"),))
