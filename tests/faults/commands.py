"""``precode`` in a process of its own, and what Linux and Prefect's database know of it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

TOP = Path(__file__).parents[2]
LINUX = Path("/proc/self/stat").exists()


def start(
    home: Path,
    *arguments: object,
    source: str = "",
    before: Sequence[str] = (),
    merged: bool = False,
    **environment: str,
) -> subprocess.Popen[str]:
    """Start a command, in a session of its own.

    home: our folder in the user's. source: Python to run first, which may break something. before: a program that
    starts the command, as ["unshare", "-n"]. merged: standard error comes with standard output, in order.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "PRECODE"))}
    main = f"import sys; sys.argv = ['precode', *sys.argv[1:]]\n{source}\nfrom flows.cli import main; main()"
    return subprocess.Popen(
        [*before, sys.executable, "-c", main, *map(str, arguments)],
        cwd=TOP,
        env={**clean, "PRECODE_HOME": str(home), "PRECODE_CACHE": str(home / "cache"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


HANGING = """
import time
from flows.local_server import prefect_api
from pipeline.stages import STAGES
STAGES["{stage}"] = lambda *_: time.sleep({sleep})
with prefect_api():
    from flows.whole_study import whole_study
    state = whole_study.with_options(timeout_seconds={timeout})(sys.argv[1], return_state=True)
print(state.name)
raise SystemExit(0)
"""
"""A run of which a stage takes longer than the flow may: source for ``start``, to be formatted."""


def precode(
    home: Path, *arguments: object, source: str = "", before: Sequence[str] = (), **environment: str
) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    process = start(home, *arguments, source=source, before=before, **environment)
    try:
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
    return process.returncode, out, err


def members(session: int) -> list[int]:
    """Living processes of a session, by Linux's own list."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def recorded(home: Path, query: str) -> list[tuple[str, ...]]:
    """Rows of Prefect's database; closed at once, or SQLite would lose what the next process writes."""
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as database:
        return database.execute(query).fetchall()


def listening_addresses(pid: int) -> set[str]:
    """Local addresses of the sockets on which a process listens, as "127.0.0.1" or hexadecimal for others."""
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(handle.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (table.startswith("udp") or fields[3] == "0A"):
                address = fields[1].split(":")[0]
                found.add("127.0.0.1" if address == "0100007F" else address)
    return found
