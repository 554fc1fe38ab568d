"""The house rules on imports, read from the syntax trees: downhill only, and Prefect in one room."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
ROOMS = ("corpus", "models", "pipeline", "flows")
"""From the bottom up: a room may import itself and those before it."""

SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
IMPORTING_CALLS = {"import_module", "__import__", "find_spec", "resolve_name", "run_module", "run_path"}
DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)+(:\w+)?")


def imported_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of whatever the source imports, at the top, lazily or by a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and called_name(node) in IMPORTING_CALLS:
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            yield from ((node.lineno, text) for argument in arguments for text in strings_in(argument))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # "flows.cli:main" as a plain string is an import to come.
            room, _, _ = node.value.partition(".")
            if DOTTED_NAME.fullmatch(node.value) and room in ROOMS and not file_name(node.value):
                yield node.lineno, node.value


def called_name(call: ast.Call) -> str:
    """The last part of what is called: ``import_module`` for ``importlib.import_module(...)``."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def strings_in(node: ast.expr) -> list[str]:
    """Every string literal below a node, so that an f-string gives its parts."""
    constants = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def file_name(text: str) -> bool:
    """Whether a dotted string is a file of the study (models.json) and no module of a room."""
    return text.rsplit(".", 1)[-1] in {"csv", "json", "npz", "parquet", "html", "toml", "txt", "md"}


def uphill_imports(source: str, *, room: str) -> list[str]:
    """What a source in a room imports from a room above it."""
    above = ROOMS[ROOMS.index(room) + 1 :]
    found = imported_names(ast.parse(source))
    return [f"line {line}: {name}" for line, name in found if name.split(".")[0].split(":")[0] in above]


def namings_of_prefect(source: str) -> list[str]:
    """Lines that import Prefect, or name it in a string, an identifier or a comment."""
    lines = enumerate(source.splitlines(), start=1)
    return [f"line {number}" for number, line in lines if "prefect" in line.lower()]


def relative_imports(source: str) -> list[str]:
    """Relative imports, which hide the room that is meant."""
    nodes = ast.walk(ast.parse(source))
    return [f"line {node.lineno}" for node in nodes if isinstance(node, ast.ImportFrom) and node.level]


def class_definitions(source: str) -> list[str]:
    """Classes that a source defines, also inside functions and by ``type(...)`` or a class factory."""
    factories = {"make_dataclass", "namedtuple", "NamedTuple", "TypedDict", "create_model", "NewType", "Enum"}
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            names.append(f"line {node.lineno}: {node.name}")
        elif isinstance(node, ast.Call):
            name = called_name(node)
            if name in factories or (name == "type" and len(node.args) == 3):
                names.append(f"line {node.lineno}: {name}")
    return names


def taken_names() -> set[str]:
    """Names no file in flows/ may bear: rooms, standard modules, dependencies and what they bring."""
    return {*ROOMS, "tests", "precode", *sys.stdlib_module_names, *packages_distributions(), *dependencies()}


def dependencies() -> set[str]:
    """Names of what pyproject.toml asks for, extras included, as modules are spelt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    return {Requirement(text).name.lower().replace("-", "_") for text in requirements}


def room_of(path: Path) -> str:
    """The room in which a file stands."""
    return path.relative_to(ROOT).parts[0]


def ids(path: Path) -> str:
    """A file as the test report names it."""
    return str(path.relative_to(ROOT))


def test_all_four_rooms_are_read():
    assert {room_of(path) for path in SOURCES} == set(ROOMS)


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_imports_run_downhill_only(path):
    source = path.read_text(encoding="utf-8")
    assert uphill_imports(source, room=room_of(path)) == []


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_imports_are_absolute(path):
    assert relative_imports(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if room_of(path) != "flows"], ids=ids)
def test_only_flows_knows_prefect(path):
    assert namings_of_prefect(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if room_of(path) == "flows"], ids=ids)
def test_flows_define_no_class(path):
    assert class_definitions(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if room_of(path) == "flows"], ids=ids)
def test_flows_files_bear_no_name_of_another_module(path):
    assert path.stem == "__init__" or path.stem not in taken_names()


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("corpus", "import models"),
        ("corpus", "import models.linear as m"),
        ("corpus", "from pipeline import run"),
        ("corpus", "def late():\n    from flows.cli import main"),
        ("models", "import json, pipeline.run"),
        ("models", "if TYPE_CHECKING:\n    from pipeline.run import Plan"),
        ("models", "import importlib\nimportlib.import_module('pipeline.run')"),
        ("models", "from importlib import import_module\nimport_module(name='flows')"),
        ("models", "__import__('flows')"),
        ("pipeline", "import runpy\nrunpy.run_module('flows.cli')"),
        ("pipeline", "import_module(f'flows.{name}')"),
        ("pipeline", "ENTRY = 'flows.cli:main'"),
        ("pipeline", "async def late():\n    class A:\n        import flows"),
    ],
)
def test_checker_sees_uphill_import(room, source):
    assert uphill_imports(source, room=room)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("corpus", "import re\nfrom corpus.records import Turn"),
        ("models", "from corpus.errors import StudyError"),
        ("flows", "from pipeline.run import plan_run\nimport models, corpus"),
        ("pipeline", "import scipy.models\nTEXT = 'the talk flows. It stops.'"),
        ("corpus", "NAME = 'models.json'\nfrom modelsuite import x"),
    ],
)
def test_checker_lets_downhill_import_pass(room, source):
    assert uphill_imports(source, room=room) == []


@pytest.mark.parametrize(
    "source",
    [
        "import prefect",
        "from prefect import flow",
        "x = 'PREFECT_HOME'",
        "# as Prefect does",
        "def f():\n import prefect",
    ],
)
def test_checker_sees_prefect(source):
    assert namings_of_prefect(source)


@pytest.mark.parametrize(
    "source",
    [
        "class A: ...",
        "def f():\n    class A: ...",
        "A = type('A', (), {})",
        "A = collections.namedtuple('A', 'b')",
        "A = make_dataclass('A', ['b'])",
    ],
)
def test_checker_sees_class(source):
    assert class_definitions(source)


def test_checker_sees_relative_import():
    assert relative_imports("from . import records\nfrom ..models import linear") == ["line 1", "line 2"]


def test_checker_lets_type_of_a_value_pass():
    assert class_definitions("kind = type(error).__name__") == []


@pytest.mark.parametrize("name", ["pipeline", "json", "prefect", "typer", "sklearn", "numpy", "krippendorff"])
def test_checker_knows_taken_names(name):
    assert name in taken_names()
