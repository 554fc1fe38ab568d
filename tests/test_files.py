from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import StudyError
from corpus.files import (
    UNFINISHED_NAME,
    canonical_json,
    digest,
    make_folder_whole,
    read_json,
    sha256_of,
    study_lock,
    write_json,
    write_together,
    write_whole,
)

CHECKOUT = Path(__file__).parents[1]
HOLD = """
import sys, time
from pathlib import Path
from corpus.files import study_lock
with study_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of ``tmp_path``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_is_written_whole_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    write_whole(path, b"\0one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert names_in(path.parent) == ["file.bin"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "file.txt"
    write_whole(path, b"old")

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", no_space)
    else:
        monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file.txt"]


def test_file_that_is_written_anew_keeps_who_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "codings.csv"
    path.write_bytes(b"old")
    path.chmod(0o664)
    write_whole(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


def test_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "first").write_text("1")
        assert not (tmp_path / "result").exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_folder_whole(tmp_path / "result", half)
    assert names_in(tmp_path) == []
    make_folder_whole(tmp_path / "result", lambda folder: write_whole(folder / "sub" / "x", b"1"))
    assert (tmp_path / "result" / "sub" / "x").read_bytes() == b"1"
    assert names_in(tmp_path) == ["result"]


def test_folder_that_another_made_first_is_kept(tmp_path: Path) -> None:
    def slow(folder: Path) -> None:
        (folder / "who").write_text("second")
        make_folder_whole(tmp_path / "result", lambda other: (other / "who").write_text("first") and None)

    make_folder_whole(tmp_path / "result", slow)
    assert (tmp_path / "result" / "who").read_text() == "first"
    assert names_in(tmp_path) == ["result"]


def test_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_reads_back_and_equal_values_have_equal_digests(value: object) -> None:
    assert json.loads(canonical_json(value)) == value
    assert digest(value) == digest(json.loads(json.dumps(value)))


def test_order_of_keys_changes_no_digest_and_a_value_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_json_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert names_in(tmp_path) == []


def test_lock_that_a_live_process_holds_says_who_and_since_when(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(StudyError) as caught, study_lock(tmp_path):
        pass
    message = str(caught.value)
    assert f"process {holder.pid} on " in message
    assert f"since {time.gmtime().tm_year}-" in message


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_lock_of_a_killed_process_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    (tmp_path / "cache" / "train").mkdir(parents=True)
    (tmp_path / "cache" / "train" / ".partial-left").mkdir()
    (tmp_path / "codings").mkdir()
    (tmp_path / "codings" / ".partial-left").write_bytes(b"half")
    with study_lock(tmp_path):
        assert read_json(tmp_path / ".precode.lock.owner")["process"] == os.getpid()
        assert names_in(tmp_path / "cache" / "train") == []
        assert names_in(tmp_path / "codings") == []


@pytest.mark.parametrize(
    "left",
    [
        ".partial-x", "transcripts/.partial-x", "transcripts/2024/may/.partial-x", "codings/.partial-x",
        "cache/.partial-x", "cache/asked-0a1b.json", "cache/train/.partial-x", "runs/.partial-x",
        "models/.partial-x", "versions/.partial-x", "decisions/.partial-x",
    ],
)  # fmt: skip
def test_whoever_gets_the_lock_removes_what_a_killed_process_left_and_nothing_else(
    tmp_path: Path, left: str
) -> None:
    path = tmp_path / left
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    path.with_name("partial-mine.txt").write_bytes(b"whole")
    with study_lock(tmp_path):
        assert [name for name in names_in(path.parent) if not name.startswith(".precode")] == [
            "partial-mine.txt"
        ]


def test_lock_is_free_after_use_and_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), study_lock(tmp_path):
        raise RuntimeError
    with study_lock(tmp_path):
        pass
    assert not (tmp_path / ".precode.lock.owner").exists()


def test_lock_is_not_given_twice_in_one_process(tmp_path: Path) -> None:
    with (
        study_lock(tmp_path),
        pytest.raises(StudyError, match=f"process {os.getpid()} on"),
        study_lock(tmp_path),
    ):
        pass


def test_lock_waits_as_long_as_it_is_told(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(StudyError, match="another run holds"), study_lock(tmp_path, wait_seconds=0.3):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_study_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StudyError, match="cannot write into the study folder"), study_lock(tmp_path):
        pass
    tmp_path.chmod(0o700)


def interrupted(root: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Two files are to be written together; the process ends before file number ``at`` is put in place."""
    put, done = Path.replace, []

    def replace(path: Path, target: Path) -> Path:
        if len(done) == at:
            raise KeyboardInterrupt
        done.append(target)
        return put(path, target)

    (root / "a.csv").write_text("old a")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", replace)
        write_together(root, {"a.csv": b"new a", "below/b.csv": b"new b"})


@pytest.mark.parametrize(
    ("at", "expected"), [(0, ["old a"]), (1, ["new a", "new b"]), (2, ["new a", "new b"])]
)
def test_files_written_together_are_all_there_or_none_once_the_lock_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, expected: list[str]
) -> None:
    interrupted(tmp_path, monkeypatch, at)
    with study_lock(tmp_path):
        found = [
            path.read_text() for path in (tmp_path / "a.csv", tmp_path / "below/b.csv") if path.is_file()
        ]
    assert found == expected
    assert not (tmp_path / UNFINISHED_NAME).exists()


@pytest.mark.parametrize("at", [1, 2])
def test_a_file_that_somebody_changed_since_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    interrupted(tmp_path, monkeypatch, at)
    (tmp_path / "a.csv").write_text("by hand")
    with (
        pytest.raises(StudyError, match=r"a\.csv changed since.*delete \.precode\.unfinished"),
        study_lock(tmp_path),
    ):
        raise AssertionError("got the lock")
    assert (tmp_path / "a.csv").read_text() == "by hand"
    assert not (tmp_path / "below/b.csv").exists()
    (tmp_path / UNFINISHED_NAME).unlink()
    with study_lock(tmp_path):
        assert (tmp_path / "a.csv").read_text() == "by hand"


@pytest.mark.parametrize("kept", ["{}", "[]", "half", '{"../x": {"before": null, "after": "y"}}'])
def test_a_damaged_note_of_what_is_to_be_written_is_named_and_nothing_is_written(
    tmp_path: Path, kept: str
) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / UNFINISHED_NAME).write_text(kept)
    with pytest.raises(StudyError, match="Delete it"), study_lock(tmp_path / "study"):
        raise AssertionError("got the lock")
    assert names_in(tmp_path) == ["study"]
