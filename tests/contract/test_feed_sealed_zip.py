"""The sealed zip feed: the suite of all pull feeds, and what an archive may hold against us."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pyzipper
from by_hand import sealed_zip
from pull_suite import SECRET, PullLeague, PullSuite, taken

from connectors.feeds.sealed_zip import SealedZip, SealedZipSpec
from connectors.registry import REGISTRY
from connectors.transport.archives import BadArchive, open_archive
from gateway.errors import Unavailable
from gateway.model.page import Fetched

PASSWORD = "the-password-of-the-league"
HEADER = "结算流水号,姓名\r\n".encode("gb18030")


def content_of(numbers: Any) -> bytes:
    return HEADER + "".join(f"{number},测试\r\n" for number in numbers).encode("gb18030")


def sealed(members: dict[str, bytes], *, password: str | None = PASSWORD) -> bytes:
    file = io.BytesIO()
    with pyzipper.AESZipFile(file, "w", compression=pyzipper.ZIP_DEFLATED) as archive:
        if password is not None:
            archive.setencryption(pyzipper.WZ_AES, nbits=256)
            archive.setpassword(password.encode())
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


class Dropped(PullLeague):
    """A folder zips are dropped in, each with a file for every ten settlements."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._day = 0

    def put(self, *numbers: str) -> None:
        self._day += 1
        parts = [numbers[start : start + 10] for start in range(0, len(numbers), 10)]
        members = {f"setl_{order}.csv": content_of(part) for order, part in enumerate(parts)}
        self.drop(f"setl_202603{self._day:02d}.zip", sealed(members))

    def drop(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        Path(f"{path}.ok").write_bytes(b"")
        os.utime(path, (1_772_000_000 + self._day, 1_772_000_000 + self._day))
        return path

    def spec(self) -> SealedZipSpec:
        return SealedZipSpec(folder=str(self.folder), password=PASSWORD, after="keep")

    def spec_of_nobody(self) -> SealedZipSpec:
        return msgspec.structs.replace(self.spec(), folder="not/there")

    def feed(self, **options: Any) -> SealedZip:
        return sealed_zip(**{**msgspec.structs.asdict(self.spec()), **options})

    def numbers(self, page: Fetched) -> list[str]:
        lines = page.content.removeprefix(HEADER).decode("gb18030", "replace").splitlines()
        return [line.partition(",")[0] for line in lines]

    def feed_with_wrong_credentials(self) -> SealedZip:
        return self.feed(password=SECRET)

    def put_broken(self) -> None:
        self.drop("setl_20260331.zip", sealed({"a.csv": content_of(["B1"])})[:-40])


@pytest.fixture
def league(tmp_path: Path) -> Dropped:
    folder = tmp_path / "drop"
    folder.mkdir()
    return Dropped(folder)


class TestSealedZip(PullSuite):
    """Zips that stay where they are."""


def test_the_registry_knows_it() -> None:
    assert REGISTRY.feeds["sealed-zip"].make is SealedZip


def test_a_zip_goes_once_all_of_its_files_are_stored(league: Dropped) -> None:
    path = league.drop("setl_20260301.zip", sealed({"b.csv": content_of(["S2"]), "a.csv": content_of(["S1"])}))
    feed = league.feed(after="delete")
    pages = list(feed.fetch(None, first=None, last=None))
    assert [(league.numbers(page), page.part, page.parts) for page in pages] == [(["S1"], 1, 2), (["S2"], 2, 2)]
    feed.release(pages[0])
    assert path.exists()
    feed.release(pages[1])
    assert list(league.folder.iterdir()) == []


def test_a_large_member_comes_in_parts_with_its_header(league: Dropped) -> None:
    numbers = [f"S{number:07d}" for number in range(40_000)]
    league.drop("setl_20260301.zip", sealed({"a.csv": content_of(numbers)}))
    pages, _ = taken(league.feed(limit=256 * 1024))
    assert len(pages) > 2
    assert all(page.content.startswith(HEADER) for page in pages)
    assert [number for page in pages for number in league.numbers(page)] == numbers


def test_names_in_cp936_are_read(league: Dropped) -> None:
    # A Windows sender writes bytes of CP936 and sets no sign; the library would write UTF-8.
    plain = sealed({"AAAABBBB.csv": content_of(["S1"])})
    league.drop("setl_20260301.zip", plain.replace(b"AAAABBBB.csv", "医保对账.csv".encode("gb18030")))
    pages, _ = taken(league.feed(members="医保*.csv"))
    assert [league.numbers(page) for page in pages] == [["S1"]]


def test_other_files_are_passed_over_and_counted(league: Dropped) -> None:
    league.drop("setl_20260301.zip", sealed({"a.csv": content_of(["S1"]), "readme.txt": b"x"}))
    feed = league.feed()
    assert len(taken(feed)[0]) == 1
    assert [(notice.kind, notice.count) for notice in feed.notices()] == [("members_passed_over", 1)]


def declared_smaller(content: bytes) -> bytes:
    """The same archive, saying in both places that its first file has ten bytes unpacked."""
    at = content.index(b"PK\x01\x02")
    return content[:22] + struct.pack("<I", 10) + content[26 : at + 24] + struct.pack("<I", 10) + content[at + 28 :]


GOOD = content_of(["S1"])
REFUSED = [
    ("password", sealed({"a.csv": GOOD}, password="another"), "密码不对"),
    ("plain", sealed({"a.csv": GOOD}, password=None), "没有加密"),
    ("no zip", b"PK\x03\x04 and nothing else", "不是完整的 zip"),
    ("cut", sealed({"a.csv": GOOD})[:-30], "不是完整的 zip"),
    ("above", sealed({"../a.csv": GOOD}), "越出目录"),
    ("above on windows", sealed({"x\\..\\..\\a.csv": GOOD}), "越出目录"),
    ("absolute", sealed({"/etc/a.csv": GOOD}), "越出目录"),
    ("drive", sealed({"C:a.csv": GOOD}), "越出目录"),
    ("nested by name", sealed({"a.csv": GOOD, "b.zip": GOOD}), "还有压缩包"),
    ("nested by bytes", sealed({"a.csv": sealed({"b.csv": GOOD})}), "还有压缩包"),
    ("bomb", sealed({"a.csv": b"0" * 20_000_000}), "超过上限或压缩比过大"),
    ("too many", sealed({f"{number}.csv": b"x" for number in range(201)}), "文件多于200个"),
    ("nothing wanted", sealed({"a.xml": GOOD}), "没有 members 所指的文件"),
    ("lies about its size", declared_smaller(sealed({"a.csv": GOOD * 50})), "声明的不符"),
]


@pytest.mark.parametrize(("content", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_refused_stays_and_stops_no_other(league: Dropped, content: bytes, message: str) -> None:
    league.drop("setl_20260301.zip", content)
    league.drop("setl_20260302.zip", sealed({"a.csv": content_of(["S2"])}))
    feed, told = league.feed(after="delete"), []
    with pytest.raises(Unavailable, match=message) as refused:
        for page in feed.fetch(None, first=None, last=None):
            told += league.numbers(page)
            feed.release(page)
    assert "S2" in told
    assert "a.csv" not in str(refused.value)
    assert (league.folder / "setl_20260301.zip").exists()
    assert not (league.folder / "setl_20260302.zip").exists()


def test_the_limit_of_a_site_counts(league: Dropped) -> None:
    league.drop("setl_20260301.zip", sealed({"a.csv": os.urandom(2 * 1024 * 1024)}))
    with pytest.raises(Unavailable, match="超过上限"):
        taken(league.feed(most_mib=1))


@pytest.mark.parametrize("change", [0x01, 0x55, 0xFF])
def test_no_byte_that_came_wrong_is_more_than_a_bad_archive(change: int) -> None:
    text = "".join(f"{number},{number}.00\n" for number in range(60)).encode()
    whole, refused = sealed({"a.csv": text}), 0
    for at in range(len(whole)):
        content = whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
        try:
            members, _ = open_archive(
                io.BytesIO(content), password=PASSWORD.encode(), is_wanted=lambda name: True, most_bytes=2**20
            )
            assert [member.content.read() for member in members] == [text]
        except BadArchive:
            refused += 1
    assert refused > len(whole) // 2
