"""A site whose association has a key to seal to, or signs with SM2; and its signing keys as they end."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import gmssl_pyx
import pytest
from builders import EAST_AND_WEST, claims, enrolled, page, row, take
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from web_side import ENVIRONMENT

from connectors.transport import webhook_sm2
from gateway import wiring
from gateway.errors import BadSettings
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.findings.looking import look_around
from gateway.flow.office import Office
from gateway.sandbox.inbox import BodyReader, Inbox
from gateway.settings.site import ended_keys
from gateway.store import findings

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

SECRET = ENVIRONMENT["HUBAO_NM_SECRET"]
POINT, SM2 = gmssl_pyx.sm2_key_generate()
_KEY = ec.generate_private_key(ec.SECP256R1())
PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

_leases = itertools.count()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def written(site: Path, old: str, new: str) -> None:
    file = site / "config" / "associations" / "nm.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def wrong_keys(site: Path) -> list[str]:
    """What `check` finds wrong with the association's file."""
    late = wiring.readiness(wiring.load_site(site))
    return [finding.key for finding in late if finding.file == "config/associations/nm.toml"]


@pytest.mark.parametrize("form", ["jwe", "sm"])
def test_claims_reach_the_association_sealed(
    make_office: MakeOffice, sqlite_url: str, tmp_path: Path, form: str, clock: Hands
) -> None:
    first = make_office(sqlite_url, feeds=EAST_AND_WEST)
    key = first.site / "keys" / "nm-public"
    key.write_text(PUBLIC if form == "jwe" else POINT.hex(), encoding="ascii")
    key.chmod(0o600)
    written(first.site, "[requests]", f'[sealing]\nform = "{form}"\npublic_key = "file:keys/nm-public"\n\n[requests]')
    reader = BodyReader(jwe=PEM, sm2=SM2)
    with Inbox.start(tmp_path / "inbox", secret=SECRET, reader=reader, clock=lambda: clock().timestamp()) as inbox:
        written(first.site, "http://127.0.0.1:8610", inbox.address)
        office = make_office(sqlite_url)
        assert wrong_keys(office.site) == []
        enrolled(office, 1)
        take(office, "east", page(row("S1", 1)))
        report = deliver_due(
            office, "nm", wiring.sender(office, "nm"), jitter=lambda: 0.0, new_lease=lambda: f"l{next(_leases)}"
        )
        assert report.states == {"accepted": 1}
        assert [entry.claim_id for entry in inbox.book.held()] == [claims(office)[0]["claim_id"]]
    key.write_text("no key at all", encoding="ascii")
    assert wrong_keys(office.site) == ["sealing.public_key"]


def test_what_is_fetched_is_not_sealed(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url)
    file = office.site / "config" / "associations" / "nm.toml"
    before, _, rest = file.read_text(encoding="utf-8").partition("[delivery]\n")
    requests = rest[rest.index("[requests]") :]
    sealing = '[sealing]\nform = "jwe"\npublic_key = "file:k"\n\n'
    file.write_text(f'{before}[delivery]\nkind = "pull"\n\n{sealing}{requests}', encoding="utf-8")
    with pytest.raises(BadSettings, match="sealing"):
        wiring.load_site(office.site)


def test_an_association_may_sign_its_requests_with_sm2(
    make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, clock: Hands
) -> None:
    first = make_office(sqlite_url)
    written(first.site, "[requests]\n", '[requests]\nsignature = "sm2"\n')
    monkeypatch.setenv("HUBAO_NM_REQUESTS_SECRET", POINT.hex())
    office = make_office(sqlite_url)
    seconds = int(clock().timestamp())
    headers = webhook_sm2.sign(SM2.hex(), message_id="m1", timestamp=seconds, body=b"{}")
    assert wiring.verifier(office, "nm")(headers, b"{}", clock()) == "m1"
    assert wiring.has_requests_secrets(office)
    assert wrong_keys(office.site) == []
    monkeypatch.setenv("HUBAO_NM_REQUESTS_SECRET", SECRET)
    assert not wiring.has_requests_secrets(office)
    assert wrong_keys(office.site) == ["requests.secret"]


def said(office: Office) -> list[tuple[str, str]]:
    look_around(office)
    with office.store.read() as tx:
        return [(row.name, row.level) for row in findings.open_findings(tx, code="signing_key_ending")]


def test_a_key_that_ends_is_said_two_weeks_before(
    make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, clock: Hands
) -> None:
    office = make_office(sqlite_url)
    other = ENVIRONMENT["HUBAO_NM_REQUESTS_SECRET"]
    end = clock().date().replace(day=28)
    monkeypatch.setenv("HUBAO_NM_SECRET", f"{other} {SECRET}@{end}")
    clock.set(end.year, end.month, 13, 23, 59)
    assert said(office) == []
    clock.set(end.year, end.month, 14, 0, 0)
    assert said(office) == [("nm/secret", "know")]
    monkeypatch.setenv("HUBAO_NM_SECRET", f"{SECRET}@{end}")
    assert said(office) == [("nm/secret", "act")]
    site = wiring.load_site(office.site)
    assert ended_keys(site, wiring.secret_options(site), today=end) == []
    [over] = ended_keys(site, wiring.secret_options(site), today=end.replace(month=end.month % 12 + 1, year=9999))
    assert (over.key, SECRET in str(over)) == ("delivery.secret", False)
    monkeypatch.setenv("HUBAO_NM_SECRET", other)
    assert said(office) == []
