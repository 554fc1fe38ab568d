"""Which pairs enter means over pairs: a third coder who read one interview must not decide what two agree on.

Each pair counts the same in a mean over pairs, and kappa of a few segments may be anything. So where a pair shares as
many transcripts as an interval takes, pairs that share fewer are left out of means, and named; where none does, all
count. Krippendorff's alpha of all coders needs no such rule: there each segment counts by how many read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.agreement.intervals import FEWEST
from pipeline.compare.columns import CONSENSUS

PEOPLE = "human-human"
#: Pairs that a note names.
MOST_NAMED = 5

Row = Mapping[str, Any]


def enter_means(n_transcripts: Sequence[int]) -> list[bool]:
    """Whether each pair enters the mean over them. n_transcripts: with a segment that both of the pair share."""
    some = any(n >= FEWEST for n in n_transcripts)
    return [n >= FEWEST or not some for n in n_transcripts]


def with_means(pairs: Sequence[Sequence[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Rows of ``comparisons``, those of each pair together, with ``in_means``; pairs of one kind stand together.

    Of the model, a machine or a consensus with coders, those of each by itself.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place, (pooled, *_) in enumerate(pairs):
        groups.setdefault(_group(pooled), []).append(place)
    enters = dict[int, bool]()
    for places in groups.values():
        found = enter_means([pairs[place][0]["n_transcripts"] for place in places])
        enters |= dict(zip(places, found, strict=True))
    return [[row | {"in_means": enters[place]} for row in rows] for place, rows in enumerate(pairs)]


def _group(row: Row) -> tuple[str, str]:
    if row["kind"] == PEOPLE:
        return PEOPLE, ""
    return row["kind"], row["a"] if row["kind"].startswith(CONSENSUS) else row["b"]


def pairs_left_out(pairs: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """``left_out_of_means`` of agreement.json: pairs that share too little, if anything. pairs: with ``in_means``."""
    keys = ("a", "b", "kind", "n_units", "n_transcripts")
    pooled = (rows[0] for rows in pairs)
    return [{key: row[key] for key in keys} for row in pooled if row["n_units"] and not row["in_means"]]


def notes_on_pairs(pairs: Sequence[Sequence[Row]]) -> list[str]:
    """Who is left out of means over pairs of coders, and why; pairs: with ``in_means``."""
    people = [rows[0] for rows in pairs if rows[0]["kind"] == PEOPLE and rows[0]["n_units"]]
    kept = {name for row in people if row["in_means"] for name in (row["a"], row["b"])}
    out = [row for row in people if not row["in_means"]]
    coders = dict.fromkeys(name for row in out for name in (row["a"], row["b"]) if name not in kept)
    return [*_of_coders(coders, out), *_of_pairs([row for row in out if {row["a"], row["b"]} <= kept])]


def _of_coders(coders: Mapping[str, None], out: Sequence[Row]) -> Iterator[str]:
    for name in coders:
        most = max(row["n_transcripts"] for row in out if name in (row["a"], row["b"]))
        yield (
            f"{name} shares {_interviews(most)} with another coder{' at most' if len(out) > 1 else ''}, {FEWEST} are "
            f"needed for an interval: {name} is left out of means over pairs of coders and over coders with the model"
        )


def _of_pairs(out: Sequence[Row]) -> Iterator[str]:
    if not out:
        return
    named = [f"{row['a']} and {row['b']} ({row['n_transcripts']})" for row in out[:MOST_NAMED]]
    more = [f"{len(out) - MOST_NAMED} more pairs"] if len(out) > MOST_NAMED else []
    yield (
        f"fewer interviews in common than the {FEWEST} that an interval needs: {', '.join([*named, *more])}; left "
        "out of means over pairs of coders"
    )


def _interviews(n: int) -> str:
    return "1 interview" if n == 1 else f"{n} interviews"
