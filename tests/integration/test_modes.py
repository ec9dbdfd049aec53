"""Database, logs and keys are their owner's alone, also those that an older release or an unpacked backup left open.

A folder through which a league hands over its files goes on letting it through.
"""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import enrolled, page, row, take
from typer.testing import CliRunner

from gateway import wiring
from gateway.cli.main import app
from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.settings.secrets import read_secret
from gateway.vault.modes import close_to_others, open_to_others
from gateway.wiring import new_webhook_secret

if TYPE_CHECKING:
    from conftest import MakeOffice


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def ours(site: Path) -> list[Path]:
    """What the gateway itself keeps in a site."""
    return [*(site / "data").glob("hubao.db*"), *(path for path in (site / "keys").rglob("*") if path.is_file())]


@pytest.fixture
def office(make_office: MakeOffice, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = make_office("sqlite:///data/hubao.db")
    enrolled(office, 1)
    take(office, "hinggan", page(row("S1", 1)))
    return office


def test_what_a_site_makes_nobody_else_can_read(office: Office) -> None:
    files = ours(office.site)
    assert {"hubao.db", "hubao.db-wal", "hubao.db-shm"} <= {path.name for path in files}
    assert {mode(path) for path in files} == {0o600}
    assert {mode(office.site / name) for name in ("data", "keys", "keys/vault", "keys/vault/data")} == {0o700}


def test_what_was_left_open_is_closed_at_the_next_start_and_said(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.store.close()
    folders = [office.site / name for name in ("data", "keys", "keys/vault", "keys/vault/data")]
    for folder in folders:
        folder.chmod(0o755)
    database = office.site / "data" / "hubao.db"
    database.chmod(0o644)
    with caplog.at_level(logging.WARNING, "hubao.modes"):
        wiring.open_office(office.site).store.close()
    assert (mode(database), {mode(folder) for folder in folders}) == (0o600, {0o700})
    assert {record.args[0] for record in caplog.records if isinstance(record.args, tuple)} == {database, *folders}
    caplog.clear()
    wiring.open_office(office.site).store.close()
    assert not caplog.records


def test_a_folder_through_which_others_deliver_lets_them_through_and_shows_nothing(tmp_path: Path) -> None:
    dropped_in = tmp_path / "data" / "inbound" / "league"
    dropped_in.mkdir(parents=True)
    dropped_in.chmod(0o777)
    (tmp_path / "data").chmod(0o755)
    close_to_others(tmp_path / "data")
    assert (mode(tmp_path / "data"), mode(dropped_in)) == (0o711, 0o777)
    dropped_in.chmod(0o700)
    close_to_others(tmp_path / "data")
    assert mode(tmp_path / "data") == 0o700


def test_a_link_and_what_is_not_there_are_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("x")
    target.chmod(0o644)
    (tmp_path / "link").symlink_to(target)
    close_to_others(tmp_path / "link")
    close_to_others(tmp_path / "absent")
    assert (mode(target), open_to_others(target), open_to_others(tmp_path / "absent")) == (0o644, True, False)
    target.chmod(0o600)
    assert not open_to_others(target)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone knows it")
def test_a_process_with_an_open_vault_leaves_no_core_file(office: Office) -> None:
    """Asked of the kernel, in a process of its own: prctl 3 is PR_GET_DUMPABLE."""
    script = (
        "import ctypes, sys; from pathlib import Path; from gateway import wiring; prctl = ctypes.CDLL(None).prctl;"
        "before = prctl(3, 0, 0, 0, 0); wiring.open_office(Path(sys.argv[1])).store.close();"
        "print(before, prctl(3, 0, 0, 0, 0))"
    )
    office.store.close()
    done = subprocess.run([sys.executable, "-c", script, str(office.site)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0"]


def test_a_secret_that_others_may_read_is_said_and_one_they_may_write_is_refused(tmp_path: Path) -> None:
    invoke = partial(CliRunner().invoke, app)
    assert invoke(["init", str(tmp_path / "site")]).exit_code == 0
    secret = tmp_path / "site" / "keys" / "hubao_nm_secret"
    secret.parent.mkdir(exist_ok=True)
    secret.unlink(missing_ok=True)
    secret.write_text(new_webhook_secret(), encoding="ascii")
    for mode_then, said, refused in ((0o600, False, False), (0o640, True, False), (0o660, True, True)):
        secret.chmod(mode_then)
        checked = invoke(["--site", str(tmp_path / "site"), "check"])
        assert ("他人可读" in checked.output, "可被他人改写" in checked.output) == (said, refused), checked.output
        assert secret.read_text("ascii") not in checked.output
        if refused:
            with pytest.raises(WrongUse):
                read_secret("file:keys/hubao_nm_secret", site=tmp_path / "site")  # type: ignore[arg-type]
