"""The tables of a run folder: what a person opens, and what the report is made from."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from corpus.files import read_json, write_json
from corpus.study import Study
from corpus.tables import write_table
from models.theme_model import POSITIVE_FROM
from pipeline.cache import read_parquet, stage_dir
from pipeline.compare.stage import FILES as COMPARE_FILES
from pipeline.compare.stage import STAGE as COMPARE_STAGE
from pipeline.estimate import AVERAGE, SURE, read_estimates
from pipeline.ingest import Ingested
from pipeline.reading_list import write_reading_list
from pipeline.stages import Keys
from pipeline.suggest import suggestions_path
from pipeline.target import headings, make_target
from pipeline.topics import read_topics
from pipeline.train import STAGE as TRAIN_STAGE
from pipeline.units import Units, read_study_json, read_units

SUGGESTION_COLUMNS = (
    "transcript",
    "start",
    "end",
    "speaker",
    "quote",
    "code",
    "probability",
    "evidence",
    "nearest",
    "nearest_not",
    "codebook",
)
EXCERPT_COLUMNS = ("segment", "transcript", "start", "end", "speaker", "quote", "codes")
CODE_COLUMNS = (
    "code",
    "parent",
    "n_positive",
    "n_groups",
    "prevalence",
    "threshold",
    "precision",
    "recall",
    "f1",
    "average_precision",
    "average_precision_low",
    "average_precision_high",
    "brier_skill",
    "reading_cut",
    "reading_share",
    "reading_reason",
    "reading_cut_sure",
    "reading_share_sure",
    "reading_reason_sure",
    "n_interviews",
    "n_interviews_read",
    "interviews_share",
    "interviews_low",
    "interviews_high",
    "segments_share",
    "segments_low",
    "segments_high",
    "share_reason",
    "n_suggestions",
    "status",
)
TOPIC_COLUMNS = ("model", "topic", "words", "coherence", "stability", "shown", "n_segments", "share")
AGREEMENT = "agreement.json"
LEARNED = "suggested"
HEADING = "a heading: its children are coded, not it"


def write_tables(
    folder: Path,
    study: Study,
    ingested: Ingested,
    keys: Keys,
    *,
    encoder: str,
    unit: str,
    told: str = "",
) -> dict[str, Any]:
    """Write every table into a run folder; returns the summary that is also in ``summary.json``.

    told: what became of the models, "" for nothing.
    """
    units_key = keys.units[0]
    units = read_units(study, units_key, keys.preprocess)
    facts = read_study_json(study, units_key)
    suggestions = _suggestions(study, keys.suggest)
    evaluation = read_json(stage_dir(study, TRAIN_STAGE, keys.train[0]) / "evaluation.json")
    write_json(folder / "evaluation.json", evaluation)
    for name in COMPARE_FILES:
        shutil.copyfile(stage_dir(study, COMPARE_STAGE, keys.compare[0]) / name, folder / name)
    _write_suggestions(folder / "suggestions.csv", suggestions, facts["codebook"])
    _write_excerpts(folder / "excerpts.csv", study, units)
    estimates = read_estimates(study, keys.estimate[0])
    write_json(folder / "estimates.json", estimates)
    write_reading_list(folder / "reading.csv", study, keys, estimates)
    n_suggestions = Counter(suggestions["code"])
    _write_codes(folder / "codes.csv", facts["codebook"], evaluation, estimates, n_suggestions)
    topics = read_topics(study, keys.topics[0])
    write_json(folder / "topics.json", topics)
    _write_topics(folder / "topics.csv", topics)
    n_scored = int(suggestions["probability"].notna().sum())
    summary = _summary(study, ingested, units, facts) | {
        "encoder": encoder,
        "unit": unit,
        "n_suggestions": n_scored,
        "n_first_suggestions": len(suggestions) - n_scored,
    }
    # Before all others, for the terminal shows only the first few.
    first = [note for note in (told, evaluation.get("imported")) if note]
    summary["notes"] = [*first, *read_json(folder / AGREEMENT)["notes"], *summary["notes"]]
    write_json(folder / "summary.json", summary)
    return summary


def _suggestions(study: Study, keys: Sequence[str]) -> pd.DataFrame:
    frames = [read_parquet(suggestions_path(study, key)) for key in keys]
    whole = pd.concat(frames, ignore_index=True)
    return whole.sort_values(
        ["transcript_id", "start", "probability", "code"], ascending=[True, True, False, True]
    )


def _write_suggestions(path: Path, table: pd.DataFrame, codebook: Sequence[Mapping[str, str]]) -> None:
    lines = {code["name"]: codebook_line(code) for code in codebook}
    rows = [
        [
            row.transcript_id,
            row.start,
            row.end,
            row.speaker,
            row.text,
            row.code,
            _probability(row.probability),
            row.evidence,
            row.nearest,
            row.nearest_not,
            lines[str(row.code)],
        ]
        for row in table.itertuples(index=False)
    ]
    write_table(path, SUGGESTION_COLUMNS, [[str(cell) for cell in row] for row in rows])


def _probability(value: Any) -> str:
    """Empty for a code that is not learned yet."""
    return "" if pd.isna(value) else f"{value:.4f}"


def codebook_line(code: Mapping[str, str]) -> str:
    """What the codebook says of a code, in a line: definition, when to use it, when not; "" if it says nothing."""
    said = [("", "definition"), ("Include: ", "include"), ("Exclude: ", "exclude")]
    return " ".join(before + " ".join(code[field].split()) for before, field in said if code[field].strip())


def _write_excerpts(path: Path, study: Study, units: Units) -> None:
    """The segments that the model learned from: what ``nearest`` and ``nearest_not`` point to.

    A segment without codes was read and not coded.
    """
    target = make_target(units, gold=study.settings.target.gold)
    rows = []
    for row, shares in zip(target.rows, target.shares, strict=True):
        codes = "; ".join(units.codes[place] for place in np.flatnonzero(shares >= POSITIVE_FROM))
        s = units.segments[row]
        rows.append([s.segment_id, s.transcript_id, str(s.start), str(s.end), s.speaker, s.text, codes])
    write_table(path, EXCERPT_COLUMNS, rows)


def _write_codes(
    path: Path,
    codebook: Sequence[Mapping[str, str]],
    evaluation: Mapping[str, Any],
    estimates: Mapping[str, Any],
    n_suggestions: Mapping[str, int],
) -> None:
    """Every code with what is known of it; ``status`` says why the model abstains where it does."""
    scored = {row["code"]: row for row in evaluation["scopes"].get("all", {}).get("codes", [])}
    n_positive = {row["code"]: row["n_positive"] for row in [*scored.values(), *evaluation["not_scored"]]}
    above = headings(codebook, [n_positive.get(code["name"], 0) for code in codebook])
    abstained = {row["code"]: row for row in evaluation["not_scored"]}
    estimated = {row["code"]: row for row in estimates["codes"]}
    rows = []
    for code in codebook:
        found = scored.get(code["name"]) or abstained.get(code["name"], {})
        interval = found.get("ci", {}).get("average_precision", {})
        known = {
            **found,
            "average_precision_low": interval.get("low"),
            "average_precision_high": interval.get("high"),
            **_reading(estimated.get(code["name"], {})),
            **_shares(estimated[code["name"]]["prevalence"]),
        }
        figures = [known.get(column) for column in CODE_COLUMNS[2:-2]]
        status = found.get("abstains") or LEARNED if code["name"] in scored else found.get("reason", "")
        if code["name"] in above:
            status, figures = HEADING, [None] * len(figures)
        rows.append(
            [
                code["name"],
                code["parent"],
                *map(_cell, figures),
                str(n_suggestions.get(code["name"], 0)),
                status,
            ]
        )
    write_table(path, CODE_COLUMNS, rows)


def _reading(estimated: Mapping[str, Any]) -> dict[str, Any]:
    """What of a code's reading budget is in codes.csv."""
    budget = estimated.get("budget", {})
    return {
        f"reading_{column}{ending}": budget.get(version, {}).get(key)
        for version, ending in ((AVERAGE, ""), (SURE, "_sure"))
        for column, key in (("cut", "cut"), ("share", "reading_share"), ("reason", "reason"))
    }


def _shares(prevalence: Mapping[str, Any]) -> dict[str, Any]:
    """What of how common a code is in all interviews is in codes.csv."""
    interviews = prevalence["interviews"]
    return {
        "n_interviews": interviews["n_with"],
        "n_interviews_read": interviews["n_read"],
        "share_reason": interviews["reason"],
    } | {
        f"{unit}_{column}": prevalence[unit][column]
        for unit in ("interviews", "segments")
        for column in ("share", "low", "high")
    }


def _cell(value: str | float | int | None) -> str | float:
    if value is None:
        return ""
    return value if isinstance(value, str | int) else round(value, 4)


def _write_topics(path: Path, topics: Mapping[str, Any]) -> None:
    rows = []
    for name, model in topics["models"].items():
        for topic in model["topics"]:
            words = " ".join(word for word, _ in topic["words"])
            figures = [topic["coherence"], topic["stability"]]
            shown = "yes" if topic["shown"] else "no"
            rows.append(
                [
                    name,
                    str(topic["number"]),
                    words,
                    *map(_cell, figures),
                    shown,
                    str(topic["n_segments"]),
                    _cell(topic["share"]),
                ]
            )
    write_table(path, TOPIC_COLUMNS, rows)


def _summary(study: Study, ingested: Ingested, units: Units, facts: Mapping[str, Any]) -> dict[str, Any]:
    read = units.read_by_person & ~units.context
    read_transcripts = {units.segments[row].transcript_id for row in np.flatnonzero(read)}
    return {
        "precode": version("precode"),
        "title": study.title,
        "approach": study.settings.study.approach,
        "settings": study.settings.that_count(),
        "n_transcripts": len(ingested.transcripts),
        "n_words": sum(len(transcript.text.split()) for transcript in ingested.transcripts),
        "n_segments": len(units.segments),
        "n_context_segments": int(units.context.sum()),
        "n_read_segments": int(read.sum()),
        "n_read_transcripts": len(read_transcripts),
        "n_codings": facts["n_codings"],
        "coders": facts["coders"],
        "context": facts["context"],
        "placement": facts["placement"],
        "notes": facts["notes"],
        "participants": facts["participants"],
        "attributes": facts["attributes"],
        "codebook": facts["codebook"],
        "files": [
            {
                "file": file.file,
                "n_transcripts": file.n_transcripts,
                "warnings": list(file.warnings),
                "rejected": list(file.rejected),
            }
            for file in ingested.files
        ],
    }
