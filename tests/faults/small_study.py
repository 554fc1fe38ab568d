"""A study of three invented interviews in which every stage has something to do, words only."""

from __future__ import annotations

from pathlib import Path

WAITING = ("we waited so long", "the queue was endless", "hours late again", "waiting and waiting")
MONEY = ("parking cost a lot", "we paid the taxi", "money was tight", "the bus fare went up")
OTHER = ("my sister came along", "they were kind", "the room was cold", "I like the garden")
N_TURNS, N_READ = 30, 18
"""Answers in each interview, and how many of them Ann and Bob read."""


def small_study_files() -> dict[str, str]:
    """Path below the study -> text. Two codes can be learned, a third has suggestions from its definition alone."""
    files: dict[str, str] = {}
    rows: dict[str, list[str]] = {"ann": [], "bob": []}
    coverage = ["coder,transcript,start,end"]
    for t in (1, 2, 3):
        answers = [_answer(t, i) for i in range(N_TURNS)]
        files[f"transcripts/t{t}.txt"] = "".join(answers)
        read = len("".join(answers[:N_READ]))
        coverage += [f"{coder},t{t},0,{read}" for coder in rows]
        for i in range(N_READ):
            if code := ("Waiting", "Money", "")[i % 3]:
                rows["ann"].append(f"t{t},{code},{2 * i + 2}")
                if i % 5:
                    rows["bob"].append(f"t{t},{code},{2 * i + 2}")
    for coder, found in rows.items():
        files[f"codings/{coder}.csv"] = "\n".join(["transcript,code,turn", *found, ""])
    files["coverage.csv"] = "\n".join([*coverage, ""])
    files["codebook.csv"] = "code,definition\nWaiting,Time lost\nMoney,What it cost\nHope,Looking ahead\n"
    files["study.toml"] = '[model]\nencoder = "none"\n'
    return files


def _answer(t: int, i: int) -> str:
    about = (WAITING, MONEY, OTHER)[i % 3]
    season = ("spring", "summer", "autumn")[t % 3]
    said = f"Well, {about[(i + t) % 4]} and {about[(i * t + 1) % 4]} that {season}."
    return f"Interviewer: And what about part {i + 1} of it?\nP1: {said}\n"


def write_small_study(folder: Path) -> Path:
    """Write the study; returns its folder."""
    for name, text in small_study_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def many_transcripts(folder: Path, n: int, *, turns: int = 12) -> Path:
    """The same with n uncoded interviews beside the three, each of so many answers."""
    write_small_study(folder)
    for number in range(n):
        text = "".join(_answer(number % 7, i + number) for i in range(turns))
        (folder / "transcripts" / f"more{number:05d}.txt").write_text(text, encoding="utf-8")
    return folder
