"""What can be a speaker label: the vocabulary of roles, and the look of a name."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_CHARACTERS = 40
MAX_WORDS = 5


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHORT_ROLES = _words("i int intv iv ivr interv mod fac res r resp p pt pp a q s sp spk m f w fg vo gp")
_ROLES = _words("""
    interviewer interviewee moderator facilitator researcher participant respondent speaker informant
    patient carer caregiver client counsellor counselor therapist nurse doctor clinician midwife professional
    manager chair teacher student pupil member volunteer user observer translator interpreter notetaker
    wife husband partner mother father mum mom dad parent daughter son sister brother friend relative visitor
    male female man woman child voice all everyone group several unknown unidentified host guest answer question
    interviewerin interviewter interviewte befragte befragter moderatorin teilnehmer teilnehmerin sprecher
    sprecherin entrevistador entrevistadora entrevistado entrevistada participante moderadora moderador hablante
    enquêteur enquêtrice enquêté enquêtée intervieweur intervieweuse participante animateur animatrice locuteur
    intervistatore intervistatrice intervistato intervistata partecipante geïnterviewde deelnemer deltaker
    informante respondente intervjuare intervjuer deltagare haastattelija haastateltava
    ведущий интервьюер респондент участник модератор
    מראיין מראיינת מרואיין מרואיינת משתתף משתתפת מנחה المحاور الباحث المشارك المشاركة
    話者 司会 質問者 回答者 聞き手 语者 采访者 受访者 主持人
    """)
_QUALIFIERS = _words(
    "co lead main male female first second third fourth other another new young older senior junior focus group "
    "one two three four five six seven eight nine ten 1st 2nd 3rd service"
)
_PARTICLES = _words("van von der den de del della di da dos du la le el al bin ben ibn y e zu ter ten")
_TALK = _words(  # words of a sentence that happens to hold a colon
    """
    and but so or then because if when while that this these those there here it its he she they we you me my
    his her their our your i'm it's that's what why how who where which like just well okay yes yeah no oh
    said says say saying asked asks ask told tells tell thought think goes went was were is are am be been have
    had has do did does to for with from at in on about as by not the thing things point
    und aber er sie sagte et mais il elle dit pero y dijo
    """
)
_NOT_SPEAKERS = _words(  # what heads a remark, a list or the sheet before the interview
    """
    note notes nb n.b ps pps re cc fyi eg e.g i.e ex example examples warning important summary quote source
    date time place location venue duration length file filename title project interview transcript transcription
    transcriber transcribed recording recorded recorder audio id study site wave version page section chapter
    part topic theme key legend language setting day monday tuesday wednesday thursday friday saturday sunday
    http https ftp mailto www end start begin break pause laughter laughs silence inaudible crosstalk ok
    datum ort zeit dauer fecha lugar lieu durée
    """
)
_SENTENCE_MARK = re.compile(r"[?!;…]|\.\.|\b(?!prof\b)\w{4,}\.\s", re.IGNORECASE)
_SPLIT = re.compile(r"[\s_.#/&+,\-]+")
_TRIM = "0123456789()[]<>\"'“”‘’*"


@lru_cache(maxsize=2048)
def is_role(label: str) -> bool:
    """Whether the label names a part in an interview, numbered or not: P1, INT, Female participant 2, 話者A."""
    if len(label) > MAX_CHARACTERS or _SENTENCE_MARK.search(label):
        return False
    words = [word for raw in _SPLIT.split(label.casefold()) if (word := raw.strip(_TRIM))]
    if not words or len(words) > MAX_WORDS:
        return False
    if all(word in _SHORT_ROLES for word in words):
        return len(words) <= 3
    named = [word for word in words if _is_long_role(word)]
    return bool(named) and all(len(word) == 1 or word in _QUALIFIERS or _is_long_role(word) for word in words)


def _is_long_role(word: str) -> bool:
    """The word, or the word before a letter in scripts that put no space there (話者A)."""
    return word in _ROLES or (not word[0].isascii() and word[:-1] in _ROLES and word[-1].isascii())


@lru_cache(maxsize=2048)
def is_name_like(label: str) -> bool:
    """Whether the label could be a name: short, no sentence, no small words but particles, no heading."""
    words = label.split()
    if not 1 <= len(words) <= MAX_WORDS or len(label) > MAX_CHARACTERS or _SENTENCE_MARK.search(label):
        return False
    if not any(character.isalpha() for character in label):
        return False
    folded = [word.casefold().strip(_TRIM + ".,:;").replace("’", "'") for word in words]
    if (
        folded[0] in _NOT_SPEAKERS
        or any(word in _TALK for word in folded)
        or label.casefold() in _NOT_SPEAKERS
    ):
        return False
    return len(words) == 1 or all(_fits_a_name(word) for word in words)


def _fits_a_name(word: str) -> bool:
    letters = word.strip(".,'’\"()[]")
    return not letters.isalpha() or not letters[0].islower() or letters in _PARTICLES
