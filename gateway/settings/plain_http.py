"""Where what is said about people crosses a network unencrypted: addresses that are no `https://`, and our own
listening beyond this machine.

A line that has no TLS is allowed by `insecure_http`, with the reason, and is told of all the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final, get_args, get_type_hints
from urllib.parse import urlsplit

from gateway.errors import Finding
from gateway.ports import Address
from gateway.settings.associations import AssociationSpec
from gateway.settings.connectors import Connection
from gateway.settings.feeds import FeedSpec
from gateway.settings.gateway import GatewaySpec

_ALLOWED: Final = (
    'https://；专线没有 TLS 的，写 insecure_http = "原因" (https, or insecure_http with the reason it cannot be)'
)
_IN_FRONT: Final = "127.0.0.1，由本机的 TLS 代理转来 (a proxy with TLS on this machine in front), or insecure_http"


def is_this_machine(host: str) -> bool:
    """Whether what goes to this host never leaves the machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def not_allowed(feeds: Mapping[str, FeedSpec], associations: Mapping[str, AssociationSpec]) -> list[Finding]:
    """Addresses that are neither encrypted nor allowed to be plain."""
    return [
        Finding(file, key, f"http:// 到另一台机器 (plain http to another machine): {host}", _ALLOWED)
        for file, key, host, reason in _plain_lines(feeds, associations)
        if not reason
    ]


def reminders(
    gateway: GatewaySpec, feeds: Mapping[str, FeedSpec], associations: Mapping[str, AssociationSpec]
) -> list[Finding]:
    """What is plain and allowed to be, and a gateway that listens beyond this machine without a word why."""
    plain_lines = [
        Finding(file, key, f"{host} 未加密，原因 (plain http allowed): {reason}", "https://")
        for file, key, host, reason in _plain_lines(feeds, associations)
        if reason
    ]
    if not is_this_machine(gateway.listen_host) and not gateway.insecure_http:
        words = f"{gateway.listen_host} 未加密，他机可及 (plain http, open to other machines)"
        plain_lines.append(Finding("config/gateway.toml", "listen_host", words, _IN_FRONT))
    return plain_lines


def _plain_lines(
    feeds: Mapping[str, FeedSpec], associations: Mapping[str, AssociationSpec]
) -> list[tuple[str, str, str, str]]:
    """(settings file, key, host, reason given) of every address that is plain and not of this machine."""
    tables: list[tuple[str, str, Connection[Any, Any]]] = [
        *((f"config/feeds/{name}.toml", "connector", feed.connector) for name, feed in feeds.items()),
        *((f"config/associations/{name}.toml", "delivery", spec.delivery) for name, spec in associations.items()),
    ]
    lines = []
    for file, table, connection in tables:
        for key, hint in get_type_hints(type(connection.options)).items():
            if Address not in (hint, *get_args(hint)):
                continue
            value = getattr(connection.options, key)
            for address in value if isinstance(value, tuple) else (value,):
                parts = urlsplit(address or "")
                if parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
                    lines.append((file, f"{table}.{key}", parts.hostname or "", connection.insecure_http))
    return lines
