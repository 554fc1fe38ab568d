"""Codes: a row a code under its parent, with how well the model knows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.report.figures import SHARE_AXIS, Axis, Mark, mark
from pipeline.report.levels import Level, judged_on_few, level_of
from pipeline.report.reliability_view import ReliabilityView, reliability_view
from pipeline.report.tables import CodeRow, RunTables
from pipeline.report.wording import (
    Number,
    coefficient,
    count,
    count_of,
    error,
    interval,
    listing,
    percent,
)

NO_PARENT = ""


@dataclass(frozen=True, slots=True)
class CodeView:
    """A code in the table. number: its place in the codebook, for anchors and filters."""

    number: int
    name: str
    depth: int
    is_heading: bool
    on_few: bool
    level: Level
    average_precision: Number
    precision: str
    recall: str
    prevalence: str
    n_positive: str
    n_groups: str
    n_suggestions: str
    status: str
    marks: tuple[Mark, ...]
    definition: str
    include: str
    exclude: str


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """The evaluation over all codes in one scope."""

    title: str
    n_units: str
    n_codes: str
    macro_average_precision: Number
    lrap: str
    recall_at_3: str
    micro_f1: Number | None
    macro_f1: Number | None
    ece: str


@dataclass(frozen=True, slots=True)
class CodesView:
    """The section on codes.

    families: top-level codes, each with those below it, in order. interval_note: on figures over all codes;
    code_note: on those of each code. never_flagged: a learned code has no precision. all_on_few: every learned
    code has few examples. reliability: None where the run has none. undefined: codes without a word of explanation.
    """

    families: tuple[tuple[CodeView, ...], ...]
    axis: Axis
    scopes: tuple[ScopeRow, ...]
    interval_note: str
    code_note: str
    group_word: str
    groups_word: str
    all_on_few: bool
    n_learned: int
    never_flagged: bool
    reliability: ReliabilityView | None
    undefined: tuple[str, ...]


def codes_view(run: RunTables) -> CodesView:
    """The section on codes."""
    ordered = list(_in_order(run.codes))
    parents = {row.parent for row in run.codes}
    numbers = code_numbers(run)
    definitions = {code["name"]: code for code in run.summary["codebook"]}
    cis = _intervals(run.evaluation)
    families: list[list[CodeView]] = []
    for row, depth in ordered:
        if depth == 0:
            families.append([])
        heading = row.code in parents and not row.n_positive
        families[-1].append(
            _code(row, depth, heading, numbers[row.code], definitions.get(row.code, {}), cis.get(row.code))
        )
    families = [[replace(code, status=in_words(code.status, run)) for code in family] for family in families]
    return CodesView(
        families=tuple(map(tuple, families)),
        axis=SHARE_AXIS,
        scopes=tuple(_scopes(run.evaluation)),
        interval_note=in_words(_interval_note(run.evaluation["scopes"].get("all", {}).get("ci", {})), run),
        code_note=in_words(_code_note(cis), run),
        group_word=group_word(run),
        groups_word=in_words("groups", run),
        all_on_few=all(judged_on_few(row) for row in run.codes if row.learned),
        n_learned=sum(row.learned for row in run.codes),
        never_flagged=any(row.learned and row.precision is None for row in run.codes),
        reliability=reliability_view(run),
        undefined=tuple(
            code.name
            for family in families
            for code in family
            if not (code.definition or code.include or code.exclude)
        ),
    )


def code_numbers(run: RunTables) -> dict[str, int]:
    """Code -> its number on the page, from 1."""
    return {row.code: number for number, row in enumerate(run.codes, start=1)}


def group_word(run: RunTables) -> str:
    """What is held out together: "transcript", or "group (site)" as ``group_by`` has it."""
    column = run.summary["settings"]["evaluation"]["group_by"]
    return "transcript" if column == "transcript" else f"group ({column})"


def in_words(text: str, run: RunTables) -> str:
    """A sentence of the program's own on groups, which are transcripts unless the study says otherwise."""
    if run.summary["settings"]["evaluation"]["group_by"] != "transcript":
        return text
    return re.sub(r"\bgroup(s?)\b", r"transcript\1", text)


def _in_order(rows: Sequence[CodeRow]) -> Iterator[tuple[CodeRow, int]]:
    """Codes with their depth, children below their parents; a parent that is missing or in a circle is none."""
    known = {row.code for row in rows}
    children: dict[str, list[CodeRow]] = {}
    for row in rows:
        children.setdefault(row.parent if row.parent in known else NO_PARENT, []).append(row)
    seen: set[str] = set()

    def walk(rows: Sequence[CodeRow], depth: int) -> Iterator[tuple[CodeRow, int]]:
        for row in rows:
            if row.code not in seen:
                seen.add(row.code)
                yield row, depth
                yield from walk(children.get(row.code, ()), depth + 1)

    yield from walk(children.get(NO_PARENT, ()), 0)
    yield from walk(rows, 0)


def _code(
    row: CodeRow,
    depth: int,
    heading: bool,
    number: int,
    words: Mapping[str, str],
    ci: Mapping[str, Any] | None,
) -> CodeView:
    low, high = (ci["low"], ci["high"]) if ci else (None, None)
    drawn = (
        mark(SHARE_AXIS, "chance", row.prevalence),
        mark(SHARE_AXIS, "model", row.average_precision, low, high),
    )
    return CodeView(
        number=number,
        name=row.code,
        depth=depth,
        is_heading=heading,
        on_few=judged_on_few(row),
        level=level_of(row),
        average_precision=Number(coefficient(row.average_precision), interval(low, high)),
        precision=percent(row.precision),
        recall=percent(row.recall),
        prevalence=percent(row.prevalence),
        n_positive=count(row.n_positive),
        n_groups=count(row.n_groups),
        n_suggestions=count(row.n_suggestions),
        status="" if row.suggested else row.status,
        marks=tuple(found for found in drawn if found) if row.learned else (),
        definition=words.get("definition", ""),
        include=words.get("include", ""),
        exclude=words.get("exclude", ""),
    )


def _intervals(evaluation: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Code -> interval of its average precision, where evaluation.json gives one."""
    rows = evaluation["scopes"].get("all", {}).get("codes", [])
    found = {row["code"]: row.get("ci", {}).get("average_precision") for row in rows}
    return {code: ci for code, ci in found.items() if ci}


def _scopes(evaluation: Mapping[str, Any]) -> Iterator[ScopeRow]:
    for name, title in (("all", "All segments that were read"), ("coded", "Only segments that carry a code")):
        scope = evaluation["scopes"].get(name)
        if scope:
            yield ScopeRow(
                title=title,
                n_units=count(scope["n_units"]),
                n_codes=count(scope["n_codes"]),
                macro_average_precision=_with_interval(scope, "macro_average_precision"),
                lrap=coefficient(scope["lrap"]),
                recall_at_3=percent(scope["recall_at_3"]),
                micro_f1=_with_interval(scope, "micro_f1") if "micro_f1" in scope else None,
                macro_f1=_with_interval(scope, "macro_f1") if "macro_f1" in scope else None,
                ece=error(scope["ece"]) if "ece" in scope else "",
            )


def _with_interval(scope: Mapping[str, Any], key: str) -> Number:
    ci = scope.get("ci", {}).get(key)
    return Number(coefficient(scope[key]), interval(ci["low"], ci["high"]) if ci else "")


def _interval_note(ci: Mapping[str, Any]) -> str:
    found = ci.get("macro_average_precision")
    if not found:
        return ""
    return (
        f"No intervals ({found['reason']})."
        if found["reason"]
        else f"In brackets 95 % intervals: {found['method']}."
    )


def _code_note(cis: Mapping[str, Mapping[str, Any]]) -> str:
    """How the intervals of codes were made, and why some have none, by kind."""
    made = Counter(_kind_of(ci["method"]) for ci in cis.values() if not ci["reason"])
    none = Counter(_NUMBER.sub(",", ci["reason"]) for ci in cis.values() if ci["reason"])
    why = "; ".join(f"none for {count_of(n, 'code')} ({reason})" for reason, n in sorted(none.items()))
    if not made:
        return f"No intervals ({'; '.join(sorted(none))})." if none else ""
    how = listing(f"{kind} ({count_of(n, 'code')})" for kind, n in sorted(made.items()))
    return f"In brackets, and as lines, 95 % intervals: {how}{'; ' if why else ''}{why}."


#: "too few groups hold the code: 5, at least 8 needed": the count is another one for each code.
_NUMBER = re.compile(r": \d+,")


def _kind_of(method: str) -> str:
    return method.partition(" over ")[0]
