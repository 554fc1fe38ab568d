"""What to code next: transcripts drawn at random, so that figures stay unbiased, and those that teach most.

The draw is kept in ``next.csv`` and not made again until all of it is read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from corpus.draws import RANDOM, READ_BEFORE, TEACHES_MOST, Draw, permanent_number, read_draws, write_draws
from corpus.files import study_lock
from corpus.study import DRAWS, Study
from pipeline.ingest import read_ingested
from pipeline.next_expected import Expected, expected_excerpts, teach_most
from pipeline.run import plan_run
from pipeline.stages import OnStage, one_by_one, quiet, run_stages
from pipeline.units import Units, read_units

NEEDED = ("ingest", "preprocess", "encode", "units")
USUAL, USUAL_OF_SHORT = 4, 50
_SHORT_BELOW = 5
RANDOM_REASON = "random: keeps the figures unbiased"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A transcript to code next.

    reason: in a researcher's words. n_words: of what can be coded in it. n_read, n_segments: how far it is read.
    """

    transcript: str
    draw: int
    why: str
    reason: str
    n_words: int
    n_read: int
    n_segments: int

    @property
    def is_read(self) -> bool:
        """Wholly: a transcript that was begun counts as not read."""
        return self.n_read == self.n_segments


@dataclass(frozen=True, slots=True)
class Proposed:
    """What ``precode next`` found.

    proposals: of the open draws; none if there is nothing left to read. is_new: drawn now. n_transcripts, n_read: of
    the study. set_aside: (file, reason).
    """

    proposals: tuple[Proposal, ...]
    is_new: bool
    n_transcripts: int
    n_read: int
    notes: tuple[str, ...]
    set_aside: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far people have read each transcript: what can be coded of it, in segments and words."""

    n_segments: Counter[str]
    n_read: Counter[str]
    n_words: Counter[str]

    def is_read(self, name: str) -> bool:
        return self.n_read[name] == self.n_segments[name]


def propose_next(
    study: Study,
    *,
    n: int | None = None,
    random_share: float = 0.5,
    more: bool = False,
    on_stage: OnStage = quiet,
) -> Proposed:
    """The open draw, or a new one where all of it is read; under the study's lock.

    n: transcripts in a new draw; None: 4, or 50 where most transcripts have fewer than 5 segments.
    random_share: in 0..1, rounded up to whole transcripts, one at least. more: draw though the last one is open.
    Raises StudyError if there is no transcript, FileError for a ``next.csv`` that cannot be used.
    """
    with study_lock(study.root):
        draws = read_draws(study)
        plan = plan_run(study)
        keys = run_stages(plan, one_by_one(study, plan, on_stage), wanted=NEEDED)
        units = read_units(study, keys.units[0], keys.preprocess)
        ingested = read_ingested(study, keys.ingest)
        names = [transcript.transcript_id for transcript in ingested.transcripts]
        progress = _progress(units)
        left = [name for name in names if not progress.is_read(name)]
        open_draws = _open(draws, left)
        free = sorted(set(left) - {draw.transcript for draw in open_draws})
        is_new = bool(free) and (more or not open_draws)
        expected = expected_excerpts(study, units, keys, encoder=plan.encoder) if left else None
        notes = _notes(draws, names, expected, left)
        if more and not free and open_draws:
            notes.append("nothing is left to draw: all other transcripts are read or drawn")
        if is_new:
            before = draws or _read_before(study, names, progress)
            new = choose(
                study.settings.study.seed,
                free,
                expected,
                n=n or _usual_size(progress),
                random_share=random_share,
                draw=1 + max((draw.draw for draw in before), default=0),
            )
            write_draws(study, [*before, *new])
            open_draws += new
    return Proposed(
        proposals=tuple(_proposal(draw, progress, expected) for draw in open_draws),
        is_new=is_new,
        n_transcripts=len(names),
        n_read=len(names) - len(left),
        notes=tuple(notes),
        set_aside=tuple((file.file, "; ".join(file.rejected)) for file in ingested.set_aside),
    )


def choose(
    seed: int, free: Sequence[str], expected: Expected | None, *, n: int, random_share: float, draw: int
) -> list[Draw]:
    """A draw from the free transcripts: those with the smallest permanent numbers, then those that teach most.

    expected: None where nothing is coded yet; then all are random.
    """
    order = sorted(free, key=lambda name: (permanent_number(seed, name), name))
    n_random = n if expected is None else max(1, math.ceil(n * random_share - 1e-9))
    random, rest = order[:n_random], order[n_random:]
    teaching = teach_most(expected, rest, n - n_random) if expected else []
    chosen = [(name, RANDOM) for name in random] + [(name, TEACHES_MOST) for name in teaching]
    return [Draw(name, draw, why, permanent_number(seed, name)) for name, why in chosen]


def _progress(units: Units) -> _Progress:
    n_segments, n_read, n_words = Counter[str](), Counter[str](), Counter[str]()
    read = units.read_by_person
    for row in np.flatnonzero(~units.context).tolist():
        segment = units.segments[row]
        n_segments[segment.transcript_id] += 1
        n_read[segment.transcript_id] += bool(read[row])
        n_words[segment.transcript_id] += len(segment.text.split())
    return _Progress(n_segments, n_read, n_words)


def _open(draws: Sequence[Draw], left: Sequence[str]) -> list[Draw]:
    """The rows of every draw that is not all read; of transcripts that are not in the study nothing is waited for."""
    unread = set(left)
    waiting = {draw.draw for draw in draws if draw.draw and draw.transcript in unread}
    return [draw for draw in draws if draw.draw in waiting]


def _read_before(study: Study, names: Sequence[str], progress: _Progress) -> tuple[Draw, ...]:
    seed = study.settings.study.seed
    return tuple(
        Draw(name, 0, READ_BEFORE, permanent_number(seed, name)) for name in names if progress.is_read(name)
    )


def _usual_size(progress: _Progress) -> int:
    return USUAL_OF_SHORT if median(progress.n_segments.values()) < _SHORT_BELOW else USUAL


def _notes(
    draws: Sequence[Draw], names: Sequence[str], expected: Expected | None, left: Sequence[str]
) -> list[str]:
    notes = []
    if gone := sorted({draw.transcript for draw in draws} - set(names)):
        shown = ", ".join(f"'{name}'" for name in gone[:3]) + (" ..." if len(gone) > 3 else "")
        notes.append(f"{DRAWS}: {len(gone)} rows for transcripts that are not here ({shown}); they are kept")
    if left and expected is None:
        notes.append("nobody has coded anything yet, so a draw is random as a whole")
    return notes


def _proposal(draw: Draw, progress: _Progress, expected: Expected | None) -> Proposal:
    name = draw.transcript
    found = Proposal(
        name,
        draw.draw,
        draw.why,
        "",
        progress.n_words[name],
        progress.n_read[name],
        progress.n_segments[name],
    )
    if found.is_read:
        return replace(found, reason="read")
    begun = f"; begun: {found.n_read} of {found.n_segments} segments read" if found.n_read else ""
    reason = RANDOM_REASON if draw.why == RANDOM else teaching_reason(expected, name)
    return replace(found, reason=reason + begun)


def teaching_reason(expected: Expected | None, name: str, *, most: int = 2) -> str:
    """What a transcript may bring, in words: the codes for which it adds most."""
    if expected is None or name not in expected.transcripts:
        return "teaches most"
    counts, gains = expected.of(name), expected.gains(name)
    parts = []
    for code in np.argsort(-gains, kind="stable")[:most].tolist():
        n, have = round(float(counts[code])), int(expected.n_excerpts[code])
        many = f"about {n} segment{'s' * (n > 1)} may" if n else "a segment might"
        parts.append(f"{many} hold '{expected.codes[code]}', of which you have {have or 'none'} so far")
    return "; ".join(parts)
