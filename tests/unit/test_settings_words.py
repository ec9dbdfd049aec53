"""What a settings file may say is told in Chinese first, whichever way it is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connectors.registry import REGISTRY
from gateway.errors import BadSettings
from gateway.settings.associations import association_file
from gateway.settings.feeds import feed_file
from gateway.settings.files import check
from gateway.settings.gateway import GatewaySpec

SPECS: dict[str, Any] = {
    "gateway": GatewaySpec,
    "feed": feed_file(REGISTRY),
    "association": association_file(REGISTRY),
}
FEED = {
    "feed": "Ha",
    "version": 0,
    "name": 3,
    "region": "15",
    "intake": "pul",
    "mapping": "m",
    "associations": [],
    "owner": "",
    "enabled": "perhaps",
    "retention_days": 99999,
    "takeback_share": 2,
    "connector": {"kind": "push", "secret": "hunter2", "tolerance_seconds": "soon"},
    "schedule": {"at": "early"},
    "legal": {"agreement": "a", "purpose": "p", "expires": "never"},
}


@pytest.mark.parametrize(
    ("spec", "tables", "keys"),
    [
        (
            "feed",
            FEED,
            {
                "feed",
                "version",
                "name",
                "region",
                "associations",
                "owner",
                "enabled",
                "retention_days",
                "takeback_share",
            },
        ),
        ("gateway", {"batch_rows": 1, "processes": 1.5, "review": {"second_person_above": "1.234"}}, {"batch_rows"}),
        ("gateway", {"review": 3, "keys": {"rest_days": "many"}, "root_key": "hunter2"}, {"review", "root_key"}),
        ("association", {"association": "nm", "name": "n", "schemes": "one", "owner": "o"}, {"schemes"}),
    ],
    ids=["feed", "limits", "kinds", "lists"],
)
def test_what_is_allowed_is_said_in_chinese_first(spec: str, tables: dict[str, Any], keys: set[str]) -> None:
    with pytest.raises(BadSettings) as refused:
        check(SPECS[spec], tables, shown_as="file.toml")
    findings = refused.value.findings
    assert keys <= {finding.key for finding in findings}
    for finding in findings:
        words = finding.allowed.split(" (")[0]
        literal = re.fullmatch(r"'.*'( 或 \(or\) '.*')*", finding.allowed)
        assert literal or re.search("[\u4e00-\u9fff]", words), f"{finding.key}: {finding.allowed}"
        assert "hunter2" not in str(finding)
