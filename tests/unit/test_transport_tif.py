"""x-tif-* signing: the published vector, and everything a forger or a slow clock could send."""

from __future__ import annotations

import pytest

from connectors.transport import tif
from gateway.errors import NotAuthentic

NOW = 1_700_000_000
SECRET = "EXAMPLE-SECRET-KEY-0001"


def headers(**changed: str) -> dict[str, str]:
    given = tif.sign("league-1", SECRET, timestamp=NOW, nonce="a1b2c3d4")
    return {**given, **{f"x-tif-{name}": value for name, value in changed.items()}}


def test_the_published_vector() -> None:
    assert headers() == {
        "x-tif-paasid": "league-1",
        "x-tif-timestamp": "1700000000",
        "x-tif-nonce": "a1b2c3d4",
        "x-tif-signature": "0c803fde1d174187ab1b28e94ba072d4018a5f49c8a9d3c8d8dbf1fa3ac5a1e1",
    }


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_inside_the_window_proves_the_caller(seconds: int) -> None:
    tif.verify(headers(), paas_id="league-1", secret=SECRET, now=NOW + seconds)


def test_header_names_and_hex_in_capitals_are_the_same() -> None:
    given = headers(signature=headers()["x-tif-signature"].upper())
    shouted = {name.upper(): value for name, value in given.items()}
    tif.verify(shouted, paas_id="league-1", secret=SECRET, now=NOW)


FORGED = {
    "another signature": headers(signature="0" * 64),
    "an empty signature": headers(signature=""),
    "another paas id": headers(paasid="league-2"),
    "another nonce": headers(nonce="a1b2c3d5"),
    "no nonce": headers(nonce=""),
    "a later time than signed": headers(timestamp=str(NOW + 1)),
    "a time that is no number": headers(timestamp="soon"),
    "a time in full-width digits": headers(timestamp="１７００００００００"),
    "a time without end": headers(timestamp="9" * 400),
    "a signature that is no ASCII": headers(signature="签" * 64),
    "no headers": {},
}


@pytest.mark.parametrize("given", FORGED.values(), ids=FORGED.keys())
def test_nothing_else_proves_the_caller(given: dict[str, str]) -> None:
    with pytest.raises(NotAuthentic, match="not authentic"):
        tif.verify(given, paas_id="league-1", secret=SECRET, now=NOW)


@pytest.mark.parametrize("name", ["paasid", "timestamp", "nonce", "signature"])
def test_every_header_is_needed(name: str) -> None:
    given = headers()
    del given[f"x-tif-{name}"]
    with pytest.raises(NotAuthentic):
        tif.verify(given, paas_id="league-1", secret=SECRET, now=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_outside_the_window_proves_nothing(seconds: int) -> None:
    with pytest.raises(NotAuthentic):
        tif.verify(headers(), paas_id="league-1", secret=SECRET, now=NOW + seconds)


def test_another_secret_proves_nothing() -> None:
    with pytest.raises(NotAuthentic):
        tif.verify(headers(), paas_id="league-1", secret=SECRET + "x", now=NOW)
