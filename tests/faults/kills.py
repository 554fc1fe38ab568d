"""Kill -9 at random moments, and look at what is left:

    python -m tests.faults.kills [STUDY] --kills 500 --seed 0 [--job run|ingest|prefect]

A job is done once without disturbance; that gives its length and its result. Then it is started again and again
on fresh copies and killed at a moment drawn uniformly over that length. After each kill nothing may be torn:
every file is one of the undisturbed result's, byte for byte, or stands where unfinished work stands; people's files
are untouched; what was reported as done is there. Half of the kills are followed by another one, the others by a
start that is let finish: its result is the undisturbed one, and no finished step was done again.

``run`` and ``ingest`` work in a child forked from a process that has imported everything (else 500 kills would be
500 imports): the kill is a real SIGKILL of a real process at real work. ``prefect`` starts ``precode run``.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from tests.faults.left_behind import (
    fingerprint,
    finished_folders,
    partial_files,
    read_log,
    torn,
    write_to_log,
)
from tests.faults.small_study import many_transcripts, write_small_study


@dataclass(slots=True)
class Told:
    """What came of the kills. faults: what should not be, with the number of the kill; empty if all is well."""

    seconds: float
    n_kills: int = 0
    n_finished: int = 0
    at: Counter[str] = field(default_factory=Counter)
    n_repeated: int = 0
    faults: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The same for a person."""
        where = ", ".join(f"{stage} {n}" for stage, n in sorted(self.at.items()))
        return [
            f"undisturbed: {self.seconds:.2f} s",
            f"{self.n_kills} kills, {self.n_finished} results compared with the undisturbed one",
            f"killed while at: {where}",
            f"{self.n_repeated} steps begun anew, each the one at which a process was killed",
            f"{len(self.faults)} faults",
            *self.faults,
        ]


@dataclass(slots=True)
class Trial:
    """One fresh copy of the study, through its kills until it is finished.

    log_path: where the job writes what it begins and ends. known: folders that were seen finished.
    n_read: lines of the log that were looked at.
    """

    root: Path
    log_path: Path
    known: set[str] = field(default_factory=set)
    n_read: int = 0
    n_kills: int = 0


def run_job(root: Path) -> None:
    """The main job without Prefect."""
    from corpus.study import load_study
    from pipeline.run import run_study

    run_study(load_study(root))


def ingest_job(root: Path) -> None:
    """Read the transcripts, nothing else."""
    from corpus.study import load_study
    from pipeline.run import run_until

    run_until(load_study(root), "ingest")


JOBS: Mapping[str, Callable[[Path], None]] = {"run": run_job, "ingest": ingest_job}


def start_job(job: Callable[[Path], None], trial: Trial) -> int:
    """Fork a child that does the job; returns its process id when it is about to begin."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
            os.close(ready)
            write_to_log(trial.log_path)
            os.write(tell, b"!")
            job(trial.root)
            status = 0
        finally:
            os._exit(status)
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    return pid


def killed_after(pid: int, seconds: float) -> bool:
    """Kill a child after a while; False if it had ended by then, and well.

    Raises RuntimeError if it had failed.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))
    os.kill(pid, signal.SIGKILL)  # a child that has ended is still there until it is waited for
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("the job failed without being killed")
    return os.WIFSIGNALED(status)


def finished(pid: int) -> None:
    """Wait for a child that must end well."""
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("the job failed after a kill")


def undisturbed(job: Callable[[Path], None], base: Path, scratch: Path) -> tuple[float, dict[str, str]]:
    """Length of the job and fingerprint of its result; the second of two, for the first reads files from disk."""
    results = []
    for number in (1, 2):
        trial = fresh(base, scratch / f"undisturbed{number}")
        pid, began = start_job(job, trial), time.monotonic()
        finished(pid)
        seconds = time.monotonic() - began
        results.append(fingerprint(trial.root))
    if results[0] != results[1]:
        raise RuntimeError("two undisturbed runs differ: kills would show nothing")
    return seconds, results[0]


def fresh(base: Path, folder: Path) -> Trial:
    """A new copy of the study, under the name that every copy has, for a title is part of the result."""
    shutil.rmtree(folder, ignore_errors=True)
    return Trial(Path(shutil.copytree(base, folder / "study")), folder / "log")


def kill_many(job: Callable[[Path], None], base: Path, scratch: Path, *, kills: int, seed: int) -> Told:
    """Kill the job so often, as the module says; ``base`` is not touched."""
    import_module("pipeline.run")  # now, so that the children need not
    moments = random.Random(seed)
    seconds, whole = undisturbed(job, base, scratch)
    before, told = fingerprint(base), Told(seconds)
    trial = fresh(base, scratch / "trial")
    while told.n_kills < kills:
        killed = killed_after(start_job(job, trial), moments.uniform(0, seconds))
        if killed:
            told.n_kills += 1
            trial.n_kills += 1
            told.at[stage_at(trial)] += 1
            told.faults += [f"kill {told.n_kills}: {fault}" for fault in faults_after(trial, whole, before)]
            if moments.random() < 0.5 and told.n_kills < kills:
                continue
            finished(start_job(job, trial))
        told.n_finished += 1
        told.faults += [f"after kill {told.n_kills}: {fault}" for fault in faults_at_end(trial, whole)]
        told.n_repeated += n_repeated(trial)
        trial = fresh(base, scratch / "trial")
    return told


def stage_at(trial: Trial) -> str:
    """The stage that the killed process was at: begun and not ended, else between stages."""
    lines = read_log(trial.log_path, trial.n_read)
    if not lines:
        return "(before the first step)"
    said, folder = lines[-1]
    return folder.split("/")[0] if said == "begin" else f"(after {folder.split('/')[0]})"


def faults_after(trial: Trial, whole: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """What is wrong after a kill: torn files, lost ones, steps that were finished and begun again."""
    found, lines = fingerprint(trial.root), read_log(trial.log_path, trial.n_read)
    there = finished_folders(trial.root)
    faults = torn(found, whole, before)
    ended = {name for said, name in lines if said == "end"}
    faults += [f"{name}: reported as done and not there" for name in ended - there]
    faults += [f"{name}: lost" for name in trial.known - there]
    faults += begun_again(lines, trial)
    trial.known, trial.n_read = there, trial.n_read + len(lines)
    return faults


def faults_at_end(trial: Trial, whole: Mapping[str, str]) -> list[str]:
    """What is wrong with a finished job: anything but the undisturbed result, anything unfinished left."""
    found, lines = fingerprint(trial.root), read_log(trial.log_path, trial.n_read)
    faults = [
        f"{name}: differs from the undisturbed result" for name in whole if found.get(name) != whole[name]
    ]
    faults += [f"{name}: one too many" for name in found if name not in whole]
    faults += [f"{name}: unfinished and left" for name in partial_files(trial.root)]
    faults += begun_again(lines, trial)
    if n_repeated(trial) > trial.n_kills:
        faults.append(f"{n_repeated(trial)} steps begun anew after {trial.n_kills} kills")
    return faults


def begun_again(lines: Sequence[tuple[str, str]], trial: Trial) -> list[str]:
    """Steps that were begun though they had been seen finished."""
    again = [name for said, name in lines if said != "end" and name in trial.known]
    return [f"{name}: finished and done again" for name in again]


def n_repeated(trial: Trial) -> int:
    """How many steps were begun once more, with what is within them: at most one for each kill."""
    begun = Counter(name for said, name in read_log(trial.log_path) if said == "begin")
    return sum(n - 1 for n in begun.values())


def main() -> int:
    """Exit status 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("study", nargs="?", type=Path, help="copied; default: three invented interviews")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--job", choices=[*JOBS, "prefect"], default="run")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        base = asked.study or scratch / "base"
        if not asked.study and asked.job == "ingest":
            many_transcripts(base, 97)
        elif not asked.study:
            write_small_study(base)
        if asked.job == "prefect":
            from tests.faults.prefect_kills import kill_many_flows

            told = kill_many_flows(base, scratch, kills=asked.kills, seed=asked.seed)
        else:
            told = kill_many(JOBS[asked.job], base, scratch, kills=asked.kills, seed=asked.seed)
    print("\n".join(told.lines()))
    return 1 if told.faults else 0


if __name__ == "__main__":
    sys.exit(main())
