"""Zip archives and XML from strangers: every limit is checked before anything is expanded."""

from __future__ import annotations

import io
import zipfile

import pytest

from corpus.errors import FileError
from corpus.readers import archive as rooms
from corpus.readers.archive import MAX_MEMBER_BYTES, MAX_MEMBERS, MAX_READ_BYTES, Archive
from corpus.readers.safe_xml import MAX_MARKS, parse_xml


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return written.getvalue()


def opened(data: bytes) -> Archive:
    return Archive(data, file="a.docx", kind="a Word document")


def reasons(data: bytes, *read: str) -> str:
    with pytest.raises(FileError) as raised:
        archive = opened(data)
        for name in read:
            archive.read(name)
    return " ".join(raised.value.problems)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_by_name(method: int) -> None:
    archive = opened(zipped({"a.xml": b"<a/>", "b": b"x" * 9}, method))
    assert (archive.names, archive.read("a.xml"), archive.read("b")) == (("a.xml", "b"), b"<a/>", b"x" * 9)
    assert "c" not in archive


def test_a_name_that_climbs_out_is_a_name_like_any_other() -> None:
    assert opened(zipped({"../../etc/passwd": b"x"})).read("../../etc/passwd") == b"x"


def test_a_member_that_says_it_is_too_large_is_refused_without_being_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the member was opened")

    data = zipped({"bomb": bytes(MAX_MEMBER_BYTES + 1)})
    monkeypatch.setattr(zipfile.ZipFile, "open", never)
    assert "bomb expands to 12.0 MB: one part may have 12 MB" in reasons(data, "bomb")


def test_members_that_are_too_large_together_are_refused() -> None:
    n_bytes = MAX_READ_BYTES // 3 + 1
    data = zipped({name: bytes(n_bytes) for name in "abc"})
    assert "c expands" in reasons(data, "a", "b", "c")


def test_a_member_that_holds_more_than_it_says_is_refused() -> None:
    data = zipped({"bomb": bytes(5_000_000)})
    lie = data.replace((5_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lie != data
    assert "damaged member bomb" in reasons(lie, "bomb")


def test_a_changed_byte_is_noticed() -> None:
    data = bytearray(zipped({"a": b"words that were said"}, zipfile.ZIP_STORED))
    data[data.find(b"words")] ^= 1
    assert "damaged member a" in reasons(bytes(data), "a")


def test_an_archive_whose_first_bytes_are_gone_is_damaged() -> None:
    assert "damaged member a" in reasons(zipped({"a": b"x" * 99, "b": b"y"})[8:], "a")


def test_too_many_members_are_refused() -> None:
    data = zipped({str(number): b"" for number in range(MAX_MEMBERS + 1)})
    assert f"{MAX_MEMBERS} are allowed" in reasons(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a", b"one")
        archive.writestr("a", b"two")
    assert reasons(written.getvalue()) == "duplicate members: 'a'"


def test_members_that_share_bytes_are_refused() -> None:
    data = zipped({"a": b"x" * 40, "b": b"x" * 40}, zipfile.ZIP_STORED)
    second = data.rfind(b"PK\x01\x02")
    overlapping = data[: second + 42] + (0).to_bytes(4, "little") + data[second + 46 :]
    assert reasons(overlapping) == "overlapping members: two of them share bytes"


def test_names_that_differ_only_by_case_are_told() -> None:
    assert opened(zipped({"a": b"", "A": b""})).warnings[0].startswith("two members of the archive differ")


def test_encryption_is_named() -> None:
    data = bytearray(zipped({"a": b"x"}))
    data[data.find(b"PK\x01\x02") + 8] |= 1
    assert reasons(bytes(data)) == "encrypted"


def test_unusual_packing_is_refused() -> None:
    assert "packed by a method" in reasons(zipped({"a": b"x" * 99}, zipfile.ZIP_LZMA), "a")


def test_limits_are_what_the_messages_say() -> None:
    assert (rooms.MAX_MEMBERS, MAX_MEMBER_BYTES, MAX_READ_BYTES, MAX_MARKS) == (
        5_000,
        12 * 2**20,
        24 * 2**20,
        900_000,
    )


def xml_reason(data: bytes) -> str:
    with pytest.raises(FileError) as raised:
        parse_xml(data, file="a.docx", member="part.xml")
    return " ".join(raised.value.problems)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "dtd",
    [
        "<!DOCTYPE a>",
        '<!DOCTYPE a [<!ENTITY x "y">]>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://nowhere.invalid/x.dtd"> %p;]>',
        '<!DOCTYPE a SYSTEM "http://nowhere.invalid/x.dtd">',
    ],
)
def test_every_dtd_is_refused(dtd: str, encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>{dtd}<a>&x;</a>'.encode(encoding)
    assert xml_reason(declared) == "part.xml: a DTD is not allowed in this format"


def test_a_broken_part_is_named_with_its_line() -> None:
    assert xml_reason(b"<a>\n<b>\n</a>").startswith("line 3 of part.xml: not well-formed XML")


def test_nesting_has_a_limit() -> None:
    assert "nested too deeply" in xml_reason(b"<a>" * 300 + b"</a>" * 300)


def test_too_many_tags_are_refused_before_parsing() -> None:
    assert "900000 are allowed" in xml_reason(b"<a" + b" =" * MAX_MARKS + b"/>")


def test_illegal_characters_are_replaced_and_counted() -> None:
    root, warnings = parse_xml("<a>é\x0b\x01</a>".encode(), file="a.docx", member="part.xml")
    assert root.text == "é\ufffd\ufffd"
    assert warnings == ("2 illegal characters in part.xml replaced by U+FFFD",)


def test_comments_and_instructions_are_no_text() -> None:
    root, _ = parse_xml(b"<a><?x y?>b<!-- c -->d</a>", file="a.docx", member="part.xml")
    assert "".join(root.itertext()) == "bd"
