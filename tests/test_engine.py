"""Batches on a Dask cluster: the same bytes as in this process, and what is said when the cluster is no good.

Real clusters: one that the run starts itself, and a scheduler with two workers in processes of their own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus.errors import StudyError
from corpus.files import digest, read_json, study_lock
from corpus.study import load_study
from flows.engine import refuse_without_dask, unfit_for
from pipeline.cache import code_version
from pipeline.ingest import BATCH_FILES
from pipeline.run import run_study
from tests.faults.commands import HANGING, LINUX, listening_addresses, members, precode, recorded, start
from tests.faults.planted import PLANTED, planted_below, write_planted_study

ROOT = Path(__file__).parents[1]
COLUMN = "Postlethwaite"
N_BATCHES = 5

distributed = pytest.importorskip("distributed")


@dataclass(frozen=True)
class Cluster:
    """A running scheduler, with its process number, and two workers; said: what all three wrote, into files."""

    address: str
    scheduler: int
    said: Path

    def words(self) -> str:
        """All that its processes wrote so far."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.said.iterdir()))

    def n_done(self) -> list[int]:
        """How many tasks each worker has done so far."""
        with distributed.Client(self.address, timeout=20, set_as_default=False) as client:
            return sorted(client.run(lambda dask_worker: dask_worker.state.executed_count).values())


def ends_a_batch(name: str) -> bool:
    """Whether a file of that name is the last of its batch."""
    return int(digest(name)[:8], 16) % BATCH_FILES == 0


def write_study(folder: Path, *, engine: str = "", language: str = "en") -> Path:
    """The planted study with more interviews, cut into batches."""
    write_planted_study(folder)
    names = [name for number in range(200) if ends_a_batch(name := f"more_{number}.txt")]
    for name in names[:N_BATCHES]:
        text = (folder / "transcripts" / "Wigglesworth_1.txt").read_text(encoding="utf-8")
        (folder / "transcripts" / name).write_text(f"{text}INT: {name}?\nAnn: The bus, again.\n", "utf-8")
    settings = f'[study]\nlanguage = "{language}"\n[model]\nencoder = "none"\n{engine}'
    (folder / "study.toml").write_text(settings, encoding="utf-8")
    return folder


def on_dask(address: str = "") -> str:
    return f'[engine]\nkind = "dask"\naddress = "{address}"\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Our folder in the user's home."""
    return tmp_path_factory.mktemp("precode")


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, str]:
    """Name -> sha256 of every output of the study, made by plain functions in this process."""
    study = load_study(write_study(tmp_path_factory.mktemp("plain") / "study"), group_by=COLUMN)
    return outputs(run_study(study).run_dir.parent)


def outputs(runs_dir: Path) -> dict[str, str]:
    (manifest,) = runs_dir.glob("*/manifest.json")
    found: dict[str, str] = read_json(manifest)["outputs"]
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """``dask scheduler`` and two ``dask worker``, on loopback."""
    with running_cluster(tmp_path_factory.mktemp("cluster"), str(ROOT)) as started:
        yield started


@contextmanager
def running_cluster(folder: Path, search: str) -> Iterator[Cluster]:
    """Started, and stopped at the end. search: PYTHONPATH of its processes; workers find the scheduler's number."""
    said, scratch = folder / "said", folder / "scratch"
    said.mkdir()
    scratch.mkdir()
    processes: list[subprocess.Popen[bytes]] = []

    def begin(name: str, *arguments: str) -> Path:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
        if processes:
            clean["SCHEDULER"] = str(processes[0].pid)
        with (said / name).open("wb") as stream:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"],
                    cwd=scratch,
                    env={**clean, "PYTHONPATH": search, "PREFECT_HOME": str(scratch / "prefect")},
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        return said / name

    try:
        address = wait_for(begin("scheduler", "scheduler", "--port", "0"), r"Scheduler at:\s+(\S+)")
        for name in ("one", "two"):
            begin(name, "worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", str(scratch))
        for name in ("one", "two"):
            wait_for(said / name, "Registered to")
        yield Cluster(address, processes[0].pid, said)
    finally:
        for process in processes:  # not asked to end: a worker that lost its scheduler may take for ever
            process.kill()
            process.wait()


def wait_for(path: Path, pattern: str) -> str:
    """The match, or its group, as soon as it stands in a file."""
    deadline = time.monotonic() + 60
    while not (found := re.search(pattern, path.read_text(encoding="utf-8"))):
        assert time.monotonic() < deadline, path.read_text(encoding="utf-8")
        time.sleep(0.05)
    return found.group(found.lastindex or 0)


def assert_ends(session: int) -> None:
    """Of a session no process is left: that of Python's for shared memory ends a moment after its parent."""
    deadline = time.monotonic() + 10
    while left := members(session):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def states(home: Path) -> set[str]:
    """States of the task runs of the newest flow run."""
    newest = "(select id from flow_run order by start_time desc limit 1)"
    return {
        state for (state,) in recorded(home, f"select state_type from task_run where flow_run_id = {newest}")
    }


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_own_cluster_gives_the_same_bytes_and_hears_nobody_else_and_leaves_no_process(
    home, expected, tmp_path
):
    study_dir = write_study(tmp_path / "study", engine=on_dask())
    process = start(home, "run", study_dir, "--group-by", COLUMN)
    assert process.stderr is not None
    assert any(line.startswith("ingest:") for line in process.stderr)
    heard_on = {address for pid in members(process.pid) for address in listening_addresses(pid)}
    _, err = process.communicate(timeout=120)
    assert (process.returncode, heard_on) == (0, {"127.0.0.1"}), err
    assert outputs(study_dir / "runs") == expected
    assert_ends(process.pid)
    assert states(home) == {"COMPLETED"}
    assert [path.name for path in (study_dir / "cache").glob("asked*")] == []


def test_two_workers_of_a_running_scheduler_share_the_batches_and_give_the_same_bytes(
    cluster, home, expected, tmp_path
):
    study_dir = write_study(tmp_path / "study", engine=on_dask(cluster.address))
    before = cluster.n_done()
    status, _, err = precode(home, "run", study_dir, "--group-by", COLUMN)
    assert status == 0, err
    assert outputs(study_dir / "runs") == expected
    done = [now - then for now, then in zip(cluster.n_done(), before, strict=True)]
    assert sum(done) == 3 * N_BATCHES  # ingest, preprocess, suggest
    assert min(done) > 0
    assert states(home) == {"COMPLETED"}


def test_error_of_a_batch_on_a_worker_reaches_us_and_neither_prefect_nor_the_workers_log(
    cluster, home, tmp_path
):
    study_dir = write_study(tmp_path / "study", engine=on_dask(cluster.address), language=PLANTED[0])
    status, _, err = precode(home, "run", study_dir)
    assert status == 1
    assert f"study.language '{PLANTED[0]}' is no language" in err
    assert "Traceback" not in err
    assert "FAILED" in states(home)
    assert planted_below(home) == []
    assert [name for name in PLANTED if name in cluster.words()] == []


def test_scheduler_that_is_not_there_is_named_with_what_to_do(home, tmp_path):
    study_dir = write_study(tmp_path / "study", engine=on_dask("tcp://127.0.0.1:1"))
    begun = time.monotonic()
    status, _, err = precode(home, "run", study_dir)
    assert (status, "Traceback" in err) == (1, False)
    assert "the Dask scheduler at 'tcp://127.0.0.1:1' does not answer" in err
    assert "dask scheduler" in err
    assert 'kind = "threads"' in err
    assert time.monotonic() - begun < 60


def test_dask_that_is_missing_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    with pytest.raises(StudyError, match=re.escape("pip install 'precode[dask]'")):
        refuse_without_dask()


def test_flows_are_imported_without_dask_and_the_engine_without_prefect(home):
    told = (
        "print('prefect' in sys.modules); import flows.whole_study; print('dask' in sys.modules); sys.exit()"
    )
    status, out, err = precode(home, source=f"import flows.engine; {told}")
    assert (status, out.split()) == (0, ["False", "False"]), err


@pytest.mark.parametrize(
    ("seen", "code", "url", "problem"),
    [
        (False, None, None, "sees no study"),
        (True, "other", None, "another version"),
        (True, None, "http://127.0.0.1:1/api", "does not reach Prefect at http://127.0.0.1:1/api"),
    ],
)
def test_worker_that_cannot_do_the_work_says_why(seen, code, url, problem, cluster, tmp_path):
    study_dir = write_study(tmp_path / "study") if seen else tmp_path / "nowhere"
    asked = (str(study_dir), code or code_version(), url or cluster.address, {"PRECODE_TRIED": "yes"})
    with distributed.Client(cluster.address, timeout=20, set_as_default=False) as client:
        found = client.run(unfit_for, *asked)
    assert len(found) == 2
    assert all(len(problems) == 1 and problem in problems[0] for problems in found.values())


FAILED_THERE = """
import concurrent.futures, pathlib, uuid
from flows.stage_tasks import of_worker, part_of
from corpus.study import load_study
from pipeline.run import plan_run
from pipeline.stages import Keys
failed = concurrent.futures.Future()
failed.set_exception(RuntimeError("lost"))
failed.task_run_id = uuid.uuid4()
key = plan_run(load_study(pathlib.Path(sys.argv[1]))).key
lost = []
print(of_worker(failed, "ingest", lambda: part_of("ingest", 0, sys.argv[1], key, Keys()), lost))
assert lost == [failed.task_run_id]
raise SystemExit(0)
"""


def test_worker_that_fails_where_this_machine_does_not_is_told_and_nothing_is_lost(home, tmp_path):
    study_dir = write_study(tmp_path / "study")
    status, out, err = precode(home, study_dir, source=FAILED_THERE)
    assert status == 0, err
    assert err.startswith("ingest: a worker of the Dask cluster failed where this machine does not")
    assert [path.name for path in (study_dir / "cache" / "ingest").iterdir()] == [out.strip()]


DIES = """
import os, signal, sys, time
if "--multiprocessing-fork" in sys.orig_argv or "worker" in sys.orig_argv:
    from pipeline.stages import STAGES
    STAGES["preprocess"] = lambda *_: (os.kill({who}, signal.{number}), time.sleep(600))
"""


def dying(folder: Path, who: str, number: str = "SIGKILL") -> str:
    """PYTHONPATH with which a worker that is given words to prepare kills or stops somebody."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(DIES.format(who=who, number=number), encoding="utf-8")
    return os.pathsep.join(filter(None, (str(folder / "site"), str(ROOT), os.environ.get("PYTHONPATH"))))


@pytest.mark.skipif(not LINUX, reason="kills with a signal")
def test_run_whose_workers_die_is_finished_on_this_machine_and_says_so(home, expected, tmp_path):
    study_dir = write_study(tmp_path / "study", engine=on_dask())
    environment = {
        "PYTHONPATH": dying(tmp_path, "os.getpid()"),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    }
    status, _, err = precode(home, "run", study_dir, "--group-by", COLUMN, **environment)
    assert status == 0, err
    # Started again each time, or at some time no more: which of the two, chance decides.
    assert "where this machine does not" in err or "this machine goes on alone" in err, err
    assert outputs(study_dir / "runs") == expected


@pytest.mark.skipif(not LINUX, reason="kills with a signal")
@pytest.mark.parametrize(
    ("who", "number"),
    [
        ("os.getpid()", "SIGKILL"),
        ('int(os.environ["SCHEDULER"])', "SIGKILL"),
        ('int(os.environ["SCHEDULER"])', "SIGSTOP"),
    ],
    ids=["workers die", "scheduler dies", "scheduler does not answer"],
)
def test_run_that_loses_its_cluster_goes_on_alone_and_says_so_once(who, number, home, expected, tmp_path):
    with running_cluster(tmp_path, dying(tmp_path, who, number)) as cluster:
        study_dir = write_study(tmp_path / "study", engine=on_dask(cluster.address))
        status, _, err = precode(home, "run", study_dir, "--group-by", COLUMN)
    assert status == 0, err
    assert (
        err.count("preprocess: the Dask cluster has no worker any more, so this machine goes on alone") == 1
    ), err
    assert outputs(study_dir / "runs") == expected
    assert states(home) <= {"COMPLETED", "CRASHED"}


DIES_BETWEEN = """
import os, signal
from pipeline.stages import STAGES
units = STAGES["units"]
STAGES["units"] = lambda *given: (os.kill({pid}, signal.SIGKILL), units(*given))[1]
"""


@pytest.mark.skipif(not LINUX, reason="kills with a signal")
def test_scheduler_that_dies_while_it_has_nothing_to_do_ends_no_run(home, expected, tmp_path):
    with running_cluster(tmp_path, str(ROOT)) as cluster:
        study_dir = write_study(tmp_path / "study", engine=on_dask(cluster.address))
        source = DIES_BETWEEN.format(pid=cluster.scheduler)
        status, _, err = precode(home, "run", study_dir, "--group-by", COLUMN, source=source)
    assert status == 0, err
    assert (
        err.count("suggest: the Dask cluster has no worker any more, so this machine goes on alone") == 1
    ), err
    assert outputs(study_dir / "runs") == expected


def test_batch_that_hangs_in_a_thread_is_told_to_prefect_when_the_time_is_over(home, tmp_path):
    study_dir = write_study(tmp_path / "study")
    source = HANGING.format(stage="preprocess", sleep=30, timeout=4)
    assert precode(home, study_dir, source=source)[1].split() == ["TimedOut"]
    newest = "(select id from flow_run order by start_time desc limit 1)"
    ((seconds,),) = recorded(
        home,
        "select (julianday(o.timestamp) - julianday(r.timestamp)) * 86400 from flow_run_state o, "
        f"flow_run_state r where o.flow_run_id = {newest} and r.flow_run_id = {newest} and r.name = 'Running' "
        "and o.name = 'TimedOut'",
    )
    assert 4 <= float(seconds) < 20
    with study_lock(study_dir):
        assert (study_dir / "cache" / "ingest").is_dir()


HANGS_WHEN_SERVED = """
import os, time
if "PREFECT__FLOW_RUN_ID" in os.environ:
    import flows.whole_study as whole
    from pipeline.stages import STAGES
    whole.whole_study.timeout_seconds = 30.0
    preprocess = STAGES["preprocess"]
    def hanging(study, *rest):
        time.sleep(600 if study.root.name == "hangs" else 0)
        return preprocess(study, *rest)
    STAGES["preprocess"] = hanging
"""


@pytest.mark.skipif(not LINUX, reason="processes are counted in /proc")
def test_batch_that_hangs_for_ever_keeps_no_other_study_from_its_turn(home, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HANGS_WHEN_SERVED, encoding="utf-8")
    search = os.pathsep.join(filter(None, (str(tmp_path / "site"), str(ROOT), os.environ.get("PYTHONPATH"))))
    studies = [write_study(tmp_path / "hangs"), write_planted_study(tmp_path / "other")]
    environment = {"PYTHONPATH": search, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    process = start(home, "serve", *studies, "--now", merged=True, **environment)
    too_long = threading.Timer(240, process.kill)
    too_long.start()
    try:
        assert process.stdout is not None
        said = [next(line for line in process.stdout if "whole study:" in line) for _ in studies]
        process.terminate()
        process.communicate(timeout=60)
    finally:
        too_long.cancel()
        process.kill()
        for pid in members(process.pid):
            os.kill(pid, signal.SIGKILL)
    ends = {line.split()[2].rpartition("/")[2]: line for line in said}
    assert ends.keys() == {"hangs:", "other:"}, said
    assert "whole study: hangs: TimedOut: " in ends["hangs:"]
    of_it = f"where parameters like '%{tmp_path.name}/hangs%' and start_time is not null"
    assert recorded(home, f"select state_name from flow_run {of_it}") == [("TimedOut",)]


TIMEOUTS = """
import flows.whole_study as whole
from prefect import Flow
flows = [flow for flow in vars(whole).values() if isinstance(flow, Flow)]
print(*sorted(f"{flow.name} {flow.timeout_seconds:.0f}" for flow in flows), sep=";")
raise SystemExit(0)
"""


def test_every_flow_ends_after_a_day(home):
    flows = ["audit", "ingest", "pre-code", "retrain", "whole-study"]
    _, out, err = precode(home, source=TIMEOUTS)
    assert out.strip().split(";") == [f"precode-{flow} 86400" for flow in flows], err


def test_engine_is_no_part_of_what_a_run_depends_on(home, expected, tmp_path):
    study_dir = write_study(tmp_path / "study")
    run_id = run_study(load_study(study_dir)).run_id
    shutil.copy(write_study(tmp_path / "other", engine=on_dask()) / "study.toml", study_dir)
    assert run_study(load_study(study_dir)).run_id == run_id
