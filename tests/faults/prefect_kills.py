"""Kill ``precode run`` at random moments: no process stays, Prefect is told, the result is the same."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from tests.faults.commands import members, recorded, start
from tests.faults.kills import Told
from tests.faults.left_behind import fingerprint, partial_files, torn

STARTING = 0.25
"""Share of kills while Python and Prefect start, which takes longer than the stages of so small a study."""
UNFINISHED = "select count(*) from flow_run where state_type not in ('COMPLETED', 'CRASHED')"
UNFINISHED_TASKS = "select count(*) from task_run where state_type not in ('COMPLETED', 'CRASHED')"
STATES = "select state_type, count(*) from flow_run group by state_type"


def kill_many_flows(
    base: Path, scratch: Path, *, kills: int, seed: int, n_before: int = 2, finish_share: float = 1.0
) -> Told:
    """Kill so many runs, with one folder of Prefect's for all.

    n_before: undisturbed runs; the last is timed, and the first makes Prefect's database, which takes a while.
    finish_share: share of kills that are followed by a run that is let finish, not by another kill.
    """
    moments, home = random.Random(seed), scratch / "home"
    told, starting, whole = _undisturbed(base, scratch, home, n_before)
    before, root = fingerprint(base), _fresh(base, scratch / "trial")
    while told.n_kills < kills:
        process = start(home, "run", root)
        said = ""
        if moments.random() < STARTING:
            time.sleep(moments.uniform(0, starting))
        else:
            said = _first_line(process)
            time.sleep(moments.uniform(0, told.seconds - starting))
        process.send_signal(signal.SIGKILL)
        err = said + process.communicate()[1]
        if process.returncode == -signal.SIGKILL:
            told.n_kills += 1
            told.at[_last_said(err)] += 1
            told.faults += [
                f"kill {told.n_kills}: {fault}" for fault in torn(fingerprint(root), whole, before)
            ]
        if left := members(process.pid):
            told.faults.append(f"kill {told.n_kills}: processes {left} stayed")
        if told.n_kills < kills and moments.random() >= finish_share:
            continue
        told.faults += [f"after kill {told.n_kills}: {fault}" for fault in _finish(home, root, whole)]
        told.n_finished += 1
        root = _fresh(base, scratch / "trial")
    told.at |= Counter({f"Prefect says {state}": int(n) for state, n in recorded(home, STATES)})
    return told


def _undisturbed(base: Path, scratch: Path, home: Path, n: int) -> tuple[Told, float, dict[str, str]]:
    """Length of the last run, how long it took until its first stage was done, its result."""
    for number in range(n):
        root, began = _fresh(base, scratch / f"undisturbed{number}"), time.monotonic()
        process = start(home, "run", root)
        said = _first_line(process)
        starting = time.monotonic() - began
        err = said + process.communicate()[1]
        seconds = time.monotonic() - began
        if process.returncode:
            raise RuntimeError(err)
    return Told(seconds), starting, fingerprint(root)


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def _fresh(base: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(base, folder / "study"))


def _finish(home: Path, root: Path, whole: dict[str, str]) -> list[str]:
    """Let a run finish after a kill; what is wrong then."""
    process = start(home, "run", root)
    out, err = process.communicate()
    faults = [] if process.returncode == 0 else [f"exit status {process.returncode}: {err}"]
    faults += [f"processes {left} stayed" for left in [members(process.pid)] if left]
    found = fingerprint(root)
    faults += [f"{name}: differs" for name in {*found, *whole} if found.get(name) != whole.get(name)]
    faults += [f"{name}: unfinished and left" for name in partial_files(root)]
    # A kill after the report was written leaves nothing to do, so that Prefect is not started.
    if "Nothing changed" not in out:
        for query in (UNFINISHED, UNFINISHED_TASKS):
            faults += [f"{n} runs are called unfinished" for (n,) in recorded(home, query) if int(n)]
    return faults


def _last_said(err: str) -> str:
    lines = [line for line in err.splitlines() if ": " in line]
    return f"(after {lines[-1].split(':')[0]})" if lines else "(before the first stage ended)"
