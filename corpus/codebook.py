"""The codebook: ``codebook.csv`` with a row for each code."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from corpus.errors import FileError
from corpus.names import spelling_warnings, tidy_name
from corpus.records import Code, Codebook
from corpus.tables import Table, read_table

CODEBOOK_COLUMNS = ("code", "parent", "definition", "include", "exclude", "example", "color")


@dataclass(frozen=True, slots=True)
class CodebookReading:
    """A codebook and what a researcher should know of its file."""

    codebook: Codebook
    warnings: tuple[str, ...] = ()


def read_codebook(data: bytes, *, file: str = "codebook.csv") -> CodebookReading:
    """Codes in the order of the file; a parent without a row of its own becomes a code without definition.

    Raises FileError for duplicate names, rows without a name, damaged rows and circles of parents.
    """
    table = read_table(data, file=file, required=["code"], optional=CODEBOOK_COLUMNS[1:], for_machines=True)
    return codebook_of(table, file=file)


def codebook_of(table: Table, *, file: str, code_column: str = "code") -> CodebookReading:
    """The codebook in a table; as ``read_codebook``. code_column: what the table calls the code's name."""
    codes, lines = [], defaultdict(list)
    problems = list(table.rejected)
    for row in table.rows:
        name = tidy_name(row.cells[code_column])
        if not name:
            problems.append(f"line {row.line}: a code without a name")
            continue
        lines[name].append(row.line)
        rest = {column: row.cells.get(column, "").strip() for column in CODEBOOK_COLUMNS[2:]}
        codes.append(Code(name=name, parent=tidy_name(row.cells.get("parent", "")), **rest))
    problems += [
        f"lines {', '.join(map(str, found))}: code '{name}' is defined {len(found)} times"
        for name, found in lines.items()
        if len(found) > 1
    ]
    codes += _missing_parents(codes)
    problems += _circles(codes)
    if problems:
        raise FileError(file, problems, "Give each code one row; put variants in the 'include' column.")
    warnings = [*table.warnings, *spelling_warnings(lines, kind="code"), *_alike_definitions(codes)]
    return CodebookReading(Codebook(tuple(codes)), tuple(warnings))


def _missing_parents(codes: list[Code]) -> list[Code]:
    known = {code.name for code in codes}
    parents = dict.fromkeys(code.parent for code in codes if code.parent and code.parent not in known)
    return [Code(name) for name in parents]


def _circles(codes: list[Code]) -> list[str]:
    parent = {code.name: code.parent for code in codes}
    problems = []
    for name, above in parent.items():
        seen, step = {name}, above
        while step and step not in seen:
            seen.add(step)
            step = parent.get(step, "")
        if step == name:
            problems.append(f"code '{name}' is its own ancestor")
    return problems


def _alike_definitions(codes: list[Code]) -> list[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for code in codes:
        if code.definition:
            groups[code.definition.casefold()].append(code.name)
    return [
        f"codes {', '.join(names)} have the same definition" for names in groups.values() if len(names) > 1
    ]
