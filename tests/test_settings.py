from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import FileError
from corpus.settings import Settings, read_settings


@pytest.fixture
def refused(tmp_path: Path) -> object:
    """TOML -> the problems that reading it gives."""

    def read(toml: str | bytes) -> tuple[str, ...]:
        path = tmp_path / "study.toml"
        path.write_bytes(toml if isinstance(toml, bytes) else toml.encode())
        with pytest.raises(FileError) as caught:
            read_settings(path)
        assert caught.value.file == "study.toml"
        return caught.value.problems

    return read


def test_study_without_settings_has_the_defaults_of_the_design(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "study.toml")
    assert settings == Settings()
    assert (settings.study.language, settings.study.seed, settings.study.approach) == ("en", 0, "codebook")
    assert settings.speakers.context is None
    assert settings.segments.unit is None
    assert settings.target.gold == "share"
    assert settings.evaluation.group_by == "transcript"
    assert settings.audit.margin == 0.10
    assert settings.retrain.after_codings == 50
    assert (settings.engine.kind, settings.engine.address) == ("threads", "")


@pytest.mark.parametrize("empty", [b"", b"\xef\xbb\xbf", b"# nothing\r\n", b"[study]\n"])
def test_empty_settings_are_the_defaults(tmp_path: Path, empty: bytes) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(empty)
    assert read_settings(path) == Settings()


def test_settings_that_are_given_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        '[study]\ntitle = "Café 🙂"\nseed = 4294967295\n[speakers]\ncontext = ["Anna", "INT"]\n'
        '[segments]\nunit = "turn"\n[audit]\nmargin = 0\n[target]\ngold = "ann"\n',
        encoding="utf-8",
    )
    settings = read_settings(path)
    assert settings.study.title == "Café 🙂"
    assert settings.study.seed == 2**32 - 1
    assert settings.speakers.context == ("Anna", "INT")
    assert settings.segments.unit == "turn"
    assert settings.audit.margin == 0
    assert settings.target.gold == "ann"


def test_no_context_speakers_is_not_the_same_as_no_key(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text("[speakers]\ncontext = []\n", encoding="utf-8")
    assert read_settings(path).speakers.context == ()


@pytest.mark.parametrize(
    ("toml", "where", "nearest"),
    [
        ("[study]\nlangauge = 'de'\n", "study.langauge", "'language'"),
        ("[segment]\nunit = 'turn'\n", "segment", "'segments'"),
        ("[target]\ngolden = 'any'\n", "target.golden", "'gold'"),
        ("title = 'x'\n", "title", None),
    ],
)
def test_unknown_key_names_the_nearest_known_one(refused, toml: str, where: str, nearest: str | None) -> None:
    (problem,) = refused(toml)
    assert problem.startswith(f"{where}: unknown key")
    assert nearest is None or f"did you mean {nearest}?" in problem


def test_every_problem_is_in_one_message(refused) -> None:
    problems = refused(
        "[study]\nseed = -1\napproach = 'grounded'\ntilte = ''\n[audit]\nmargin = 2\n[engine]\nkind = 'ray'\n"
        "[retrain]\nafter_codings = 0\n[speakers]\ncontext = 'Interviewer'\n[evalution]\n"
    )
    starts = sorted(problem.partition(":")[0] for problem in problems)
    assert starts == [
        "audit.margin",
        "engine.kind",
        "evalution",
        "retrain.after_codings",
        "speakers.context",
        "study.approach",
        "study.seed",
        "study.tilte",
    ]


@pytest.mark.parametrize(
    "toml",
    [
        "[study]\nseed = '0'\n",
        "[study]\nseed = 1.0\n",
        "[study]\nseed = true\n",
        "[study]\nseed = 4294967296\n",
        "[study]\ntitle = 3\n",
        "[audit]\nmargin = nan\n",
        "[segments]\nunit = 'Turn'\n",
        "study = 3\n",
        "[speakers]\ncontext = [1]\n",
    ],
)
def test_value_of_the_wrong_kind_is_refused_and_located(refused, toml: str) -> None:
    (problem,) = refused(toml)
    assert toml.strip("[").split("]")[0].split(" ")[0] in problem


def test_broken_toml_says_the_line(refused) -> None:
    (problem,) = refused('[study]\ntitle = "no end\n')
    assert "line 2" in problem


def test_settings_that_are_not_utf8_are_refused_by_name(refused) -> None:
    assert len(refused('[study]\ntitle = "Caf\xe9"\n'.encode("latin-1"))) == 1
