"""A small league that answers 1101, 5201, 5203 and 5202. All people are invented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from misbehaving_server import Reply, Seen

from connectors.transport import tif
from gateway.errors import NotAuthentic

PAAS_ID, SECRET = "league-1", "EXAMPLE-SECRET-KEY-0001"
PATHS = {
    "/fsi/api/fsiPsnInfoService/queryPsnInfo": "1101",
    "/fsi/api/fsiIntegratedQueryService/queryMdtrtInfo": "5201",
    "/fsi/api/fsiIntegratedQueryService/queryDiagInfo": "5202",
    "/fsi/api/fsiIntegratedQueryService/querySetlInfo": "5203",
}


def id_number(serial: int) -> str:
    """An 18-digit id number of the invented region 150999 with its right check digit."""
    body = f"15099919800101{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


@dataclass
class Patient:
    """A person of the league: their number and visits; a visit without settlement is still in hospital."""

    psn_no: str
    visits: dict[str, str | None] = field(default_factory=dict)
    insuinfo: list[dict[str, Any]] = field(default_factory=lambda: [{"insuplc_admdvs": "150302"}])


Fault = Callable[[str, dict[str, Any]], Reply | None]
"""(infno, request) → what to answer instead, or None."""


@dataclass
class League:
    """The platform: what it knows, how it misbehaves, and what it was asked."""

    patients: dict[str, Patient] = field(default_factory=dict)
    fault: Fault = lambda infno, request: None
    clock: Callable[[], int] = lambda: 0
    requests: list[dict[str, Any]] = field(default_factory=list)

    def calls(self) -> Counter[str]:
        return Counter(request["infno"] for request in self.requests)

    def answer(self, seen: Seen) -> Reply:
        request: dict[str, Any] = msgspec.json.decode(seen.body)
        repeated = any(before["msgid"] == request["msgid"] for before in self.requests)
        self.requests.append(request)
        try:
            tif.verify(seen.headers, paas_id=PAAS_ID, secret=SECRET, now=self.clock())
        except NotAuthentic:
            return refusal("签名校验不通过")
        if repeated:
            return refusal("报文ID重复")
        infno = PATHS[seen.path]
        assert request["infno"] == infno
        return self.fault(infno, request) or self._reply(infno, request["input"]["data"])

    def _reply(self, infno: str, data: dict[str, str]) -> Reply:
        if infno == "1101":
            return self._who(data["certno"])
        patient = next(one for one in self.patients.values() if one.psn_no == data["psn_no"])
        if infno == "5201":
            visits = patient.visits if data["med_type"] == "21" else {}
            return good({"mdtrtinfo": [{"mdtrt_id": visit, "ipt_days": 9} for visit in visits]})
        if infno == "5203":
            settlement = patient.visits[data["mdtrt_id"]]
            return good({"setlinfo": settled(settlement)} if settlement else None, infcode="0")
        return good({"diseinfo": [{"diag_code": "I10.x00", "maindiag_flag": "1"}]})

    def _who(self, certno: str) -> Reply:
        patient = self.patients.get(certno)
        if patient is None:
            return refusal("未查询到该人员信息")
        return good({"baseinfo": {"psn_no": patient.psn_no, "certno": certno}, "insuinfo": patient.insuinfo})


def settled(settlement: str) -> dict[str, Any]:
    return {"setl_id": settlement, "medfee_sumamt": 100.10, "unheard_of": {"x": [1, None]}}


def good(output: Any, *, infcode: Any = 0) -> Reply:
    return envelope({"infcode": infcode, "err_msg": None, "output": output, "warn_msg": ""})


def refusal(message: str) -> Reply:
    return envelope({"infcode": -1, "err_msg": message, "output": None})


def envelope(fields: dict[str, Any]) -> Reply:
    return Reply(body=msgspec.json.encode(fields), headers={"content-type": "application/json"})
