"""A small study in which forty invented names, addresses and numbers stand wherever a person can be named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PARTICIPANT = "Quillfeather"
NAMES = (
    "Ormerod",  # a code
    "Tunnicliffe",  # a speaker
    "Brocklebank",  # an attribute
    "Snodgrass",  # a coder, and so the name of a file
    "Wigglesworth",  # the name of a transcript's file
    "Thistlethwayte",  # a folder in transcripts/
    "Blenkinsop",  # a code without codings
    "Cholmondeley",  # a definition
    "Featherstonehaugh",  # a memo
    "Winterbotham",  # a second speaker
    "Postlethwaite",  # a column of participants.csv
    "Higginbottom",  # the study's title
    "Ramsbottom",  # an example in the codebook
)
IN_TEXTS = (
    PARTICIPANT,
    *("Arkwright", "Birtwhistle", "Cruickshank", "Dalrymple", "Entwistle", "Fotheringay", "Goodfellow"),
    *("Hathersage", "Illingworth", "Jellicoe", "Kirkbride", "Lockwood-Vane", "Micklethwait"),
    "07700900123",
    "07700900456",
    "+441632960789",
    "M7734912",
    "QQ123456C",
    "4111111111111111",
    "1954-03-17",
    "m.quill@example.org",
    "bram.arkwright@example.com",
    "jelli99@example.net",
    "SK17-8QT",
    "GB29NWBK60161331926819",
    "198.51.100.77",
)
PLANTED = (*NAMES, *IN_TEXTS)


def write_planted_study(folder: Path) -> Path:
    """Three interviews, two of them coded; words only, whatever encoder this machine has."""
    told = " ".join(f"Write to {name} too." for name in IN_TEXTS[1:])
    answers = (
        "Well, Marjorie Quillfeather drove me there. It took an hour, and the bus never comes on a Sunday.",
        "I was frightened at first. Then the group rang me, on 07700900123, and I felt that somebody listened.",
        "They changed the leaflet because of what we said. That was a good day for all of us.",
        told,
    )
    speakers = ("Tunnicliffe", "Tunnicliffe", "Winterbotham", "Tunnicliffe")
    for number, place in ((1, "."), (2, "."), (3, "Thistlethwayte")):
        lines = [
            f"INT: How was it?\n{speaker}: {answer} Number {number}."
            for speaker, answer in zip(speakers, answers, strict=True)
        ]
        path = folder / "transcripts" / place / f"Wigglesworth_{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = {
        "study.toml": '[study]\ntitle = "Higginbottom"\n[model]\nencoder = "none"\n',
        "codebook.csv": "code,definition,example\nOrmerod,travel with Cholmondeley,Ramsbottom\n"
        "voice,being heard,\nBlenkinsop,,\n",
        "participants.csv": "transcript,role,Postlethwaite\nWigglesworth_1,Brocklebank,yes\n",
    }
    rows = ["transcript,code,turn,memo"]
    for number in (1, 2):
        rows += [f"Wigglesworth_{number},Ormerod,2,Featherstonehaugh", f"Wigglesworth_{number},voice,4,"]
    for name, text in {**files, "codings/Snodgrass.csv": "\n".join(rows) + "\n"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def planted_below(folder: Path, names: Sequence[str] = PLANTED) -> list[tuple[str, str]]:
    """(file, name) wherever a planted name stands below a folder, in the bytes of a file or in its own name."""
    found = []
    for path in folder.rglob("*"):
        content = str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b"")
        found += [(str(path), name) for name in names if name.encode() in content]
    return found
