"""The stages in their order: the one place that says what follows what.

Who calls them, one after the other in this process or as tasks of a flow, is the caller's business (``Each``).
What goes from one to the next are keys and numbers, so that nothing named nor said leaves the study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from corpus.study import Study
from pipeline.choose_model import train
from pipeline.compare.stage import compare
from pipeline.encode import encode
from pipeline.estimate import estimate
from pipeline.ingest import SourceFile, ingest
from pipeline.kept_models import Standing
from pipeline.preprocess import preprocess
from pipeline.suggest import suggest
from pipeline.topics import topics
from pipeline.units import make_units


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do, decided from the files' hashes alone.

    key: digest of all inputs, settings and source. study_key: the same without the models that the run starts with.
    unit: "turn" or "passage".
    encoder: name of the sentence encoder to use, or "" for words only.
    unchanged_since: id of the newest finished run if it has this key, or "".
    inputs: path below the study -> sha256. models: trained ones that the run starts with.
    """

    key: str
    study_key: str
    unit: str
    encoder: str
    batches: tuple[tuple[SourceFile, ...], ...]
    unchanged_since: str
    inputs: dict[str, str]
    models: Standing


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that the stages of one run gave; one a batch where a stage goes by batches."""

    ingest: tuple[str, ...] = ()
    preprocess: tuple[str, ...] = ()
    encode: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    suggest: tuple[str, ...] = ()
    estimate: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()


#: (study, plan, keys so far, number of the batch) -> key
Stage = Callable[[Study, Plan, Keys, int], str]

STAGES: Mapping[str, Stage] = {
    "ingest": lambda study, plan, keys, n: ingest(study, plan.batches[n]),
    "preprocess": lambda study, plan, keys, n: preprocess(study, keys.ingest[n], unit=plan.unit),
    "encode": lambda study, plan, keys, n: encode(study, keys.preprocess[n], encoder=plan.encoder),
    "units": lambda study, plan, keys, n: make_units(study, keys.ingest, keys.preprocess),
    "topics": lambda study, plan, keys, n: topics(study, keys.units[0], keys.preprocess, keys.encode),
    "train": lambda study, plan, keys, n: train(study, plan, keys),
    "suggest": lambda study, plan, keys, n: suggest(
        study, keys.units[0], keys.preprocess, keys.encode, keys.train[0], encoder=plan.encoder, batch=n
    ),
    "estimate": lambda study, plan, keys, n: estimate(study, keys),
    "compare": lambda study, plan, keys, n: compare(
        study, keys.units[0], keys.preprocess, keys.train[0], encoder=plan.encoder
    ),
}
BY_BATCH = frozenset({"ingest", "preprocess", "encode", "suggest"})
_NEEDED_BY_OTHERS = ("ingest", "preprocess", "encode", "units", "train")


def needed_for(last: str) -> tuple[str, ...]:
    """The stages that one needs, itself included, in their order."""
    order = tuple(STAGES)
    before = order[: order.index(last) + 1]
    return tuple(stage for stage in before if stage in (last, *_NEEDED_BY_OTHERS))


def n_parts_of(plan: Plan, wanted: Sequence[str]) -> int:
    """How many parts the wanted stages have together."""
    stages = [stage for stage in wanted if stage != "encode" or plan.encoder]
    return sum(len(plan.batches) if stage in BY_BATCH else 1 for stage in stages)


#: (name of a stage, keys so far, how many parts it has) -> the key of each part, in order.
Each = Callable[[str, Keys, int], Sequence[str]]
#: Called with the name of a stage and how many of its parts are done, of how many.
OnStage = Callable[[str, int, int], None]


def run_stages(plan: Plan, each: Each, *, wanted: Sequence[str] = tuple(STAGES)) -> Keys:
    """The wanted stages in their order, each by ``each``; what they need must be among them."""
    keys = Keys()
    for field in fields(Keys):
        stage = field.name
        if stage not in wanted or (stage == "encode" and not plan.encoder):
            continue
        n_parts = len(plan.batches) if stage in BY_BATCH else 1
        keys = replace(keys, **{stage: tuple(each(stage, keys, n_parts))})
    return keys


def one_by_one(study: Study, plan: Plan, on_stage: OnStage) -> Each:
    """Call the stages one after the other in this process."""

    def each(stage: str, keys: Keys, n_parts: int) -> list[str]:
        found: list[str] = []
        for number in range(n_parts):
            on_stage(stage, number, n_parts)
            found.append(STAGES[stage](study, plan, keys, number))
        on_stage(stage, n_parts, n_parts)
        return found

    return each


def quiet(stage: str, done: int, total: int) -> None:
    """For callers who do not want to hear of progress."""
