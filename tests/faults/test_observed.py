"""One ``precode run`` under a strange path, without a network, watched: whom it speaks to, what it stores."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from corpus.modes import file_mode, folder_mode, make_folder
from corpus.study import load_study
from pipeline.run import run_study
from tests.faults.commands import LINUX, listening_addresses, members, recorded, start
from tests.faults.planted import PLANTED, planted_below, write_planted_study
from tests.faults.small_study import write_small_study

ALONE = (
    "unshare",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && exec strace -f -qq -e trace=connect,sendto,sendmsg -e signal=none -o "$TRACE" "$@"',
    "sh",
)
"""A network namespace that has no interface but its own loopback, with every connection attempt written down."""


def can_be_alone() -> bool:
    if not LINUX or not all(map(shutil.which, ("unshare", "ip", "strace"))):
        return False
    return subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], check=False).returncode == 0


@dataclass
class Observed:
    """A run, and what was seen of it.

    opened: made by whoever opens the crafted pickle. trace: lines of strace, None where it cannot be run.
    """

    study_dir: Path
    home: Path
    opened: Path
    status: int
    out: str
    err: str
    listening: set[str] = field(default_factory=set)
    trace: str | None = None
    was_opened: bool = False


class Opened:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.mkdir, (str(self.path), 0o700)


def long_path(folder: Path, length: int = 250) -> Path:
    """A path of so many characters, with spaces and letters of several scripts."""
    while len(str(folder)) < length - 60:
        folder = folder / "Größe und Äther, 研究 مقابلة"
    return folder / ("ü" * (length - len(str(folder)) - 1))


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """The planted study, run with all logs at DEBUG; crafted pickles lie where Prefect keeps results."""
    top = tmp_path_factory.mktemp("observed")
    study_dir, home, opened, trace = long_path(top), top / "home", top / "opened", top / "trace"
    study_dir.mkdir(parents=True)
    write_planted_study(study_dir)
    storage = home / "prefect" / "storage"
    storage.mkdir(parents=True)
    for name in ("result", "whole study", "stage"):
        (storage / name).write_bytes(pickle.dumps(Opened(opened)))
    before: Sequence[str] = ALONE if can_be_alone() else ()
    debug = {"PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_SERVER_LOGGING_LEVEL": "DEBUG", "TRACE": str(trace)}
    process = start(home, "run", study_dir, "--json", before=before, **debug)
    found = Observed(study_dir, home, opened, 0, "", "")
    out, err = top / "out", top / "err"
    # Pipes would fill up while the sockets are looked at.
    with out.open("w") as out_stream, err.open("w") as err_stream:
        readers = [
            subprocess.Popen(["cat"], stdin=process.stdout, stdout=out_stream),
            subprocess.Popen(["cat"], stdin=process.stderr, stdout=err_stream),
        ]
        deadline = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < deadline:
            for pid in members(process.pid) if LINUX else ():
                try:
                    found.listening |= listening_addresses(pid)
                except OSError:  # it ended meanwhile
                    continue
            time.sleep(0.2)
        process.kill()
        for reader in readers:
            reader.wait(timeout=30)
    found.status, found.out, found.err = process.returncode, out.read_text(), err.read_text()
    found.was_opened = opened.exists()
    found.trace = trace.read_text() if before else None
    return found


def test_study_under_a_path_of_250_characters_with_spaces_and_other_scripts_is_run(
    observed: Observed,
) -> None:
    assert observed.status == 0, observed.err
    assert len(str(observed.study_dir)) == 250
    assert (Path(json.loads(observed.out)["run_dir"]) / "report.html").is_file()


def test_everything_works_without_a_network_and_nobody_else_is_asked(observed: Observed) -> None:
    if observed.trace is None:
        pytest.skip("a network of its own and strace need Linux and root")
    assert observed.status == 0, observed.err
    asked = [line for line in observed.trace.splitlines() if "sin_addr" in line or "sin6_addr" in line]
    assert any('inet_addr("127.0.0.1")' in line for line in asked)
    assert [line for line in asked if not re.search(r'inet_addr\("127\.0\.0\.1"\)', line)] == []
    assert 'sun_path="/run/systemd/resolve' not in observed.trace


@pytest.mark.skipif(not LINUX, reason="sockets are listed in /proc")
def test_nothing_listens_but_on_this_machine(observed: Observed) -> None:
    assert observed.listening == {"127.0.0.1"}


def test_crafted_pickle_among_prefects_results_is_never_opened(observed: Observed) -> None:
    assert observed.status == 0, observed.err
    assert not observed.was_opened
    pickle.loads((observed.home / "prefect" / "storage" / "result").read_bytes())
    assert observed.opened.is_dir(), "the pickle does what it says"


def test_none_of_forty_planted_names_is_in_prefects_folder_or_a_log(observed: Observed) -> None:
    assert len(set(PLANTED)) == 40
    assert "Beginning flow run" in observed.err
    assert planted_below(observed.home) == []
    assert [name for name in PLANTED if name in observed.err] == []
    names = "select name from flow_run union select name from task_run union select tags from flow_run"
    assert not {name for name in PLANTED for (row,) in recorded(observed.home, names) if name in row}
    report = next(observed.study_dir.glob("runs/*/report.html")).read_text(encoding="utf-8")
    assert "Ormerod" in report


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


MADE = ("cache", "models", "runs", "versions")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_what_precode_makes_is_its_owners_to_read(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        study = load_study(write_small_study(tmp_path / "study"))
        study.root.chmod(0o755)
        run_study(study)
    finally:
        os.umask(old)
    made = [path for name in MADE for path in [study.root / name, *(study.root / name).rglob("*")]]
    assert len(made) > 40
    assert {rights(path) for path in made if path.is_dir()} == {0o700}
    assert {rights(path) for path in made if path.is_file()} == {0o600}
    assert rights(study.root / ".precode.lock") & 0o077 == 0
    assert rights(study.root / "codebook.csv") == 0o644


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_prefects_folder_is_its_owners_to_read(observed: Observed) -> None:
    assert rights(observed.home / "prefect") == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
@pytest.mark.parametrize(
    ("parent", "folder", "file"),
    [
        (0o755, 0o700, 0o600),
        (0o700, 0o700, 0o600),
        (0o777, 0o770, 0o660),
        (0o775, 0o770, 0o660),
        (0o2770, 0o2770, 0o660),
        (0o2750, 0o2750, 0o640),
    ],
)
def test_rights_in_a_folder_follow_from_whether_it_is_shared_with_a_group(
    tmp_path, parent, folder, file
) -> None:
    tmp_path.chmod(parent)
    assert (folder_mode(tmp_path), file_mode(tmp_path)) == (folder, file)
    make_folder(tmp_path / "a" / "b")
    assert [rights(tmp_path / "a"), rights(tmp_path / "a" / "b")] == [folder, folder]
    tmp_path.chmod(0o700)


@pytest.mark.skipif(not LINUX or os.geteuid() != 0, reason="becomes two other users, which only root can")
def test_colleagues_who_share_a_folder_go_on_with_each_others_runs(tmp_path: Path) -> None:
    root, group = write_small_study(tmp_path / "study"), 54321
    for folder in tmp_path.parents:
        if folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o711)
    for path in [root, *root.rglob("*")]:
        os.chown(path, 65001, group)
        path.chmod(0o2770 if path.is_dir() else 0o660)
    for user in (65001, 65002):
        if user == 65002:
            with (root / "codings" / "ann.csv").open("a", encoding="utf-8") as stream:
                stream.write("t1,Hope,2\n")
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.umask(0o077)
                os.setgroups([group])
                os.setgid(60000)
                os.setuid(user)
                run_study(load_study(root))
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    runs = sorted((root / "runs").glob("[0-9]*"))
    assert [path.stat().st_uid for path in runs] == [65001, 65002]
