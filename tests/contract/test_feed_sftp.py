"""The SFTP feed against a real server: the suite of all pull feeds, and what machines of leagues are like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bad_line import BadLine, free_port
from by_hand import sftp
from pull_suite import SECRET, PullLeague, PullSuite, taken

from connectors.feeds.sftp import Sftp, SftpSpec
from connectors.registry import REGISTRY
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.page import Fetched
from gateway.sandbox.sftp_server import USER, SftpServer

PASSWORD = "the-password-of-the-league"
HEADER = "结算流水号,姓名\r\n".encode("gb18030")


class Machine(PullLeague):
    """A league's machine with a folder `out`; each put is a file of its own day."""

    def __init__(self, root: Path, server: SftpServer, line: BadLine) -> None:
        self.folder, self.server, self.line = root / "out", server, line
        self.folder.mkdir()
        self._day = 0

    def put(self, *numbers: str) -> None:
        """Ten settlements a file, as `feed()` wants more than one page of the suite's."""
        for start in range(0, len(numbers), 10):
            self._day += 1
            self.drop(f"setl_202603{self._day:02d}.csv", content_of(numbers[start : start + 10]))

    def drop(self, name: str, content: bytes, *, marker: bool = True) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        if marker:
            Path(f"{path}.ok").write_bytes(b"")
        return path

    def spec(self) -> SftpSpec:
        return SftpSpec(
            address=f"127.0.0.1:{self.line.port}",
            user=USER,
            host_key=self.server.host_key,
            password=PASSWORD,
            remote_folder="/out",
            pattern="setl_*.csv",
        )

    def spec_of_nobody(self) -> SftpSpec:
        return msgspec.structs.replace(self.spec(), address=f"127.0.0.1:{free_port()}")

    def feed(self, **options: Any) -> Sftp:
        return sftp(**{**msgspec.structs.asdict(self.spec()), **options})

    def numbers(self, page: Fetched) -> list[str]:
        lines = page.content.removeprefix(HEADER).decode("gb18030", "replace").splitlines()
        return [line.partition(",")[0] for line in lines]

    def hang(self) -> None:
        self.line.mood = "hang"

    def drip(self) -> None:
        self.line.mood = "drip"

    def feed_with_wrong_credentials(self) -> Sftp:
        return self.feed(password=SECRET)

    def put_broken(self) -> None:
        self.drop("setl_20260331.csv", b"\xff\x00\xfe")


def content_of(numbers: Any) -> bytes:
    return HEADER + "".join(f"{number},测试\r\n" for number in numbers).encode("gb18030")


@pytest.fixture
def league(tmp_path: Path) -> Iterator[Machine]:
    root = tmp_path / "machine"
    root.mkdir()
    with SftpServer(root, PASSWORD) as server, BadLine("127.0.0.1", server.port) as line:
        yield Machine(root, server, line)


class TestSftp(PullSuite):
    """Files that stay where they are."""


def test_the_registry_knows_it() -> None:
    assert REGISTRY.feeds["sftp"].make is Sftp


def test_another_host_key_is_refused_with_its_fingerprint_and_no_password_is_sent(league: Machine) -> None:
    league.put("S1")
    spec = league.spec()
    league.server.change_key()
    with pytest.raises(Refused) as refused:
        taken(sftp(**msgspec.structs.asdict(spec)))
    assert refused.value.code == "host_key_changed"
    assert league.server.host_key in str(refused.value)
    assert spec.host_key not in str(refused.value)


@pytest.mark.parametrize("after", ["delete", "move"])
def test_a_file_goes_once_it_is_stored(league: Machine, after: str) -> None:
    (league.folder.parent / "done").mkdir()
    for _ in range(2):
        league.drop("setl_20260301.csv", content_of(["S1"]))
        pages, _ = taken(league.feed(after=after, remote_moved_to="/done"))
        assert [league.numbers(page) for page in pages] == [["S1"]]
    assert list(league.folder.iterdir()) == []
    moved = sorted(path.name for path in (league.folder.parent / "done").iterdir())
    assert len(moved) == (4 if after == "move" else 0)


def test_a_file_without_its_marker_waits(league: Machine) -> None:
    league.drop("setl_20260301.csv", content_of(["S1"]), marker=False)
    feed = league.feed()
    assert taken(feed)[0] == []
    assert [(file.name, file.why) for file in feed.waiting()] == [("setl_20260301.csv", "no_marker")]


def test_without_markers_a_file_that_grows_between_two_listings_waits(league: Machine) -> None:
    growing = league.drop("setl_20260301.csv", content_of(["S1"]), marker=False)
    league.drop("setl_20260302.csv", content_of(["S2"]), marker=False)

    def write_on(seconds: float) -> None:
        with growing.open("ab") as file:
            file.write(b"S9,")

    feed = league.feed(marker=None, sleep=write_on)
    assert [league.numbers(page) for page in taken(feed)[0]] == [["S2"]]


def test_a_file_under_another_name_while_it_is_written_is_taken_once_it_is_renamed(league: Machine) -> None:
    path = league.drop("setl_20260301.csv.filepart", content_of(["S1"]), marker=False)
    options: dict[str, Any] = {"marker": None, "sleep": lambda _: None}
    assert taken(league.feed(**options))[0] == []
    path.rename(league.folder / "setl_20260301.csv")
    assert [league.numbers(page) for page in taken(league.feed(**options))[0]] == [["S1"]]


def test_links_and_folders_are_not_followed(league: Machine, tmp_path: Path) -> None:
    (tmp_path / "machine" / "secret.csv").write_bytes(content_of(["S1"]))
    (league.folder / "setl_20260301.csv").symlink_to("/secret.csv")
    (league.folder / "setl_20260301.csv.ok").write_bytes(b"")
    (league.folder / "setl_20260302.csv").mkdir()
    feed = league.feed()
    assert taken(feed)[0] == []
    assert {file.name: file.why for file in feed.waiting()}["setl_20260301.csv"] == "link"


def test_a_large_file_comes_in_parts(league: Machine) -> None:
    numbers = [f"S{number:07d}" for number in range(40_000)]
    league.drop("setl_20260301.csv", content_of(numbers))
    pages, cursor = taken(league.feed(limit=256 * 1024))
    assert len(pages) > 2
    assert [number for page in pages for number in league.numbers(page)] == numbers
    assert taken(league.feed(limit=256 * 1024), cursor)[0] == []


def test_a_line_that_drops_in_the_middle_of_a_file_is_taken_up_again(league: Machine) -> None:
    numbers = [f"S{number:07d}" for number in range(40_000)]
    league.drop("setl_20260301.csv", content_of(numbers))
    league.line.cut_after = 200_000
    pages, _ = taken(league.feed())
    assert [number for page in pages for number in league.numbers(page)] == numbers
    assert league.line.cut_after is None, "the line never dropped"


def test_a_folder_that_is_not_there_is_unavailable(league: Machine) -> None:
    with pytest.raises(Unavailable, match="目录"):
        taken(league.feed(remote_folder="/nowhere"))


WRONG: list[dict[str, Any]] = [
    {"host_key": "MD5:00"},
    {"password": None},
    {"after": "move"},
    {"private_key": "-----BEGIN nothing"},
]


@pytest.mark.parametrize("options", WRONG)
def test_options_that_cannot_be(league: Machine, options: dict[str, Any]) -> None:
    with pytest.raises(WrongUse):
        league.feed(**options)
