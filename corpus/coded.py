"""All that people made beside the transcripts: codebook, coders, codings, what was read, participants."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from corpus.codebook import read_codebook
from corpus.codings import REMEDY, CodingsReading, bindings_name, read_codings
from corpus.coverage import COVERAGE, coverage_of, reads_of
from corpus.errors import FileError
from corpus.names import (
    CONTEXT_CODING_SHARE,
    DEFAULT_CONTEXT_LABELS,
    fold_code,
    fold_name,
    fold_speaker,
    is_context,
    is_models,
    spelling_warnings,
    tidy_name,
)
from corpus.participants import read_participants
from corpus.records import Code, Codebook, Coding, Read, Sitting, Transcript
from corpus.study import Study, coder_files, other_files
from corpus.tables import read_table
from corpus.versions import Bindings, MadeOn, bindings_of, earlier_versions

CODER_KINDS = ("human", "consensus", "machine")
CONSENSUS = "consensus"


@dataclass(frozen=True, slots=True)
class Coded:
    """What people coded and read, ready for every stage.

    coders: name -> "human", "consensus" or "machine", in the order of their files.
    codings: only codes of the codebook; ``reads`` only transcripts that are here.
    participants: transcript id -> attribute -> value (rows without a speaker); attributes: their names in order.
    context: folded speaker labels whose words are neither coded by the model nor scored.
    notes: what a researcher should know, without words of a participant.
    sittings: of each coder in each transcript, how and when its rows were made.
    bindings: which version of its transcript each row of codings/ and coverage.csv refers to.
    outside: (coder, code, how often), of codings that are not used since the codebook lacks their code.
    """

    codebook: Codebook
    coders: Mapping[str, str]
    codings: tuple[Coding, ...]
    reads: tuple[Read, ...]
    participants: Mapping[str, Mapping[str, str]]
    attributes: tuple[str, ...]
    context: frozenset[str]
    notes: tuple[str, ...]
    sittings: tuple[Sitting, ...]
    bindings: Bindings
    outside: tuple[tuple[str, str, int], ...] = ()


def read_coded(study: Study, transcripts: Sequence[Transcript], *, some_set_aside: bool = False) -> Coded:
    """Read everything beside the transcripts.

    some_set_aside: files in transcripts/ could not be read, so codings may point to what is not here.
    Raises FileError, for the first file with problems, with all of its problems.
    """
    by_id = {transcript.transcript_id: transcript for transcript in transcripts}
    notes: list[str] = []
    earlier = earlier_versions(study, transcripts)
    readings = _read_codings_files(study, by_id, earlier, some_set_aside=some_set_aside, notes=notes)
    kinds = _read_coders(study, list(readings), notes=notes)
    codings = [coding for reading in readings.values() for coding in reading.codings]
    codebook = _read_codebook(study, codings, notes=notes)
    kept, outside = _of_codebook(codings, codebook, notes=notes)
    context = context_speakers(study.settings.speakers.context, transcripts, kept)
    notes += _context_note(kept, context, by_id)
    notes += _context_warnings(study.settings.speakers.context, transcripts)
    if transcripts and all(is_context(turn.speaker, context) for t in transcripts for turn in t.turns):
        notes.append("every speaker is a context speaker: nothing can be coded; see [speakers] in study.toml")
    if n_influenced := sum(coding.basis in ("seen", "accepted") for coding in kept):
        notes.append(
            f"{n_influenced:,} codings were made with a suggestion in view (basis seen or accepted): the audit keeps "
            "what was coded so apart from what was coded blind"
        )
    notes += [
        f"codings/{name}: not read, for codings are .csv files named after their coder"
        for name in other_files(study)
    ]
    participants, attributes = read_participants(study, by_id, notes=notes)
    coverage = coverage_of(study, by_id, earlier.get(COVERAGE, {}), notes=notes)
    made_on = {bindings_name(coder): reading.made_on for coder, reading in readings.items()}
    return Coded(
        codebook=codebook,
        coders=kinds,
        codings=tuple(kept),
        reads=reads_of(by_id, readings, coverage, notes=notes),
        participants=participants,
        attributes=attributes,
        context=context,
        notes=tuple(notes),
        sittings=tuple(sitting for reading in readings.values() for sitting in reading.sittings),
        bindings={file: bindings_of(rows) for file, rows in {**made_on, COVERAGE: coverage.made_on}.items()},
        outside=outside,
    )


def segment_unit(study: Study) -> str:
    """ "turn" or "passage": as study.toml says, else "turn" if every coding is addressed by turn alone.

    The consensus counts only where nobody else coded: a settled segment is addressed by its span, whatever it is.
    """
    stated = study.settings.segments.unit
    if stated:
        return stated
    files = coder_files(study)
    coders = [path for path in files if tidy_name(path.stem) != CONSENSUS]
    rows = [
        row.cells
        for path in coders or files
        for row in read_table(path.read_bytes(), file=f"codings/{path.name}", for_machines=True).rows
        if row.cells.get("code", "").strip()
    ]
    by_turn = all(row.get("turn") and not row.get("start") and not row.get("quote") for row in rows)
    return "turn" if rows and by_turn else "passage"


def _read_codings_files(
    study: Study,
    by_id: Mapping[str, Transcript],
    earlier: Mapping[str, MadeOn],
    *,
    some_set_aside: bool,
    notes: list[str],
) -> dict[str, CodingsReading]:
    readings = {}
    for path in coder_files(study):
        coder, file = tidy_name(path.stem), f"codings/{path.name}"
        if is_models(coder):
            problem = (
                f"'{coder}' is the model's own name: its figures and this coder's could not be told apart"
            )
            raise FileError(
                file,
                [problem],
                "Rename the file, for example to llm.csv; in coders.csv its kind may be machine.",
            )
        if coder in readings:
            raise FileError(file, [f"another file in codings/ is of '{coder}' too"], "Merge the two files.")
        reading = read_codings(
            path.read_bytes(),
            file=file,
            coder=coder,
            transcripts=by_id,
            some_set_aside=some_set_aside,
            earlier=earlier.get(bindings_name(coder)),
        )
        if reading.rejected:
            raise FileError(file, reading.rejected, REMEDY)
        notes += [f"{file}: {warning}" for warning in reading.warnings]
        if reading.n_unknown:
            notes.append(f"{file}: {reading.n_unknown} rows for transcripts that were set aside are not used")
        readings[coder] = reading
    return readings


def _read_coders(study: Study, names: list[str], *, notes: list[str]) -> dict[str, str]:
    kinds = {name: CONSENSUS if name == CONSENSUS else "human" for name in names}
    path = study.root / "coders.csv"
    if path.is_file():
        table = read_table(
            path.read_bytes(), file=path.name, required=["coder"], optional=["kind"], for_machines=True
        )
        problems = list(table.rejected)
        for row in table.rows:
            coder, kind = tidy_name(row.cells["coder"]), row.cells.get("kind", "").strip().lower() or "human"
            if kind not in CODER_KINDS:
                problems.append(f"line {row.line}: kind '{kind}' is none of {', '.join(CODER_KINDS)}")
            elif (coder == CONSENSUS) != (kind == CONSENSUS):
                problems.append(f"line {row.line}: kind consensus and codings/consensus.csv belong together")
            elif coder in kinds:
                kinds[coder] = kind
            else:
                notes.append(f"coders.csv: '{coder}' has no file in codings/")
        if problems:
            raise FileError(
                path.name, problems, "One row a coder; the name is the stem of the file in codings/."
            )
    notes += spelling_warnings(kinds, kind="coder")
    return kinds


def _read_codebook(study: Study, codings: Iterable[Coding], *, notes: list[str]) -> Codebook:
    path = study.root / "codebook.csv"
    if path.is_file() and (reading := read_codebook(path.read_bytes())).codebook.codes:
        notes += [f"codebook.csv: {warning}" for warning in reading.warnings]
        return reading.codebook
    names = sorted({coding.code for coding in codings})
    if names:
        notes.append("no code in codebook.csv: the codes that occur in the codings are taken as the codebook")
        notes += spelling_warnings(names, kind="code")
    return Codebook(tuple(Code(name) for name in names))


def _of_codebook(
    codings: Sequence[Coding], codebook: Codebook, *, notes: list[str]
) -> tuple[list[Coding], tuple[tuple[str, str, int], ...]]:
    """Codings of the codebook's codes, and how many of others each coder has, as ``Coded.outside``.

    One spelled with other case or joins is taken for the code and noted.
    """
    known = set(codebook.names)
    folded = {fold_code(name): name for name in codebook.names}
    kept, respelled, outside = [], Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for coding in codings:
        name = coding.code if coding.code in known else folded.get(fold_code(coding.code), "")
        if not name:
            outside[coding.coder, coding.code] += 1
            continue
        if name != coding.code:
            respelled[coding.code, name] += 1
        kept.append(replace(coding, code=name))
    notes += [f"code '{a}' is taken for '{b}' ({n} codings)" for (a, b), n in sorted(respelled.items())]
    unknown = Counter[str]()
    for (_, code), n in outside.items():
        unknown[code] += n
    for name, n in sorted(unknown.items()):
        near = difflib.get_close_matches(name, codebook.names, n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        notes.append(
            f"code '{name}' is not in codebook.csv{hint}: {n} codings not used; where they stand counts as not coded"
        )
    return kept, tuple((coder, code, n) for (coder, code), n in sorted(outside.items()))


def context_speakers(
    named: Sequence[str] | None, transcripts: Iterable[Transcript], codings: Sequence[Coding]
) -> frozenset[str]:
    """Folded labels of the speakers whose words only give context, for ``corpus.names.is_context``.

    named: ``[speakers] context`` of study.toml; None: the usual labels of interviewers, but never one that
        carries more than 5 % of the study's codings.
    """
    if named is not None:
        return frozenset(fold_name(label).rstrip(":") for label in named)
    labels = _speakers_of(codings, {t.transcript_id: t for t in transcripts})
    carried = Counter(fold_speaker(label) for label in labels)
    limit = CONTEXT_CODING_SHARE * len(codings)
    return frozenset(label for label in DEFAULT_CONTEXT_LABELS if carried[label] <= limit)


def _speakers_of(codings: Iterable[Coding], by_id: Mapping[str, Transcript]) -> list[str]:
    """For each coding the label of the turn that holds most of it."""
    found = []
    for coding in codings:
        turns = by_id[coding.transcript_id].turns
        touched = [turn for turn in turns if turn.start < coding.end and coding.start < turn.end]
        if touched:
            best = max(touched, key=lambda turn: min(turn.end, coding.end) - max(turn.start, coding.start))
            found.append(best.speaker)
    return found


def _context_warnings(named: Sequence[str] | None, transcripts: Iterable[Transcript]) -> list[str]:
    """Labels in study.toml that no speaker has: a typing error would let the interviewer's words be coded."""
    labels = sorted({turn.speaker for transcript in transcripts for turn in transcript.turns if turn.speaker})
    notes = []
    for name in named or ():
        if not any(is_context(label, {fold_name(name).rstrip(":")}) for label in labels):
            near = difflib.get_close_matches(name, labels, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            notes.append(
                f"study.toml: speakers.context names '{name}', but nobody speaks under that label{hint}"
            )
    return notes


def _context_note(
    codings: Sequence[Coding], context: frozenset[str], by_id: Mapping[str, Transcript]
) -> list[str]:
    n_on_context = sum(is_context(label, context) for label in _speakers_of(codings, by_id))
    return (
        [f"{n_on_context:,} codings on context speakers: not trained on, not scored"] if n_on_context else []
    )
