"""乌海's 医保云专线 as a real HTTP server: 1101, 5201, 5203, 5202 in the national envelope, with its moods.

It verifies the x-tif signature and has the moods of every platform of its kind (`national_server`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import Final, cast

from gateway.sandbox.faults import Faults
from gateway.sandbox.leagues import Sent, national_row
from gateway.sandbox.national_server import Gate, NationalApp, Output, PlatformError, Transaction, day_of
from gateway.sandbox.people import Person
from gateway.sandbox.servers import LocalServer

REGION: Final = "150300"


class CloudLineWorld:
    """Who is insured here and what was settled for them; may be changed between two nights."""

    def __init__(self, people: Iterable[Person], sent: Iterable[Sent]) -> None:
        self._people = {person.person_no: person for person in people}
        self._numbers = {person.id_number: person for person in self._people.values()}
        self._visits: dict[str, dict[str, list[Sent]]] = {}
        self.add(sent)

    def add(self, sent: Iterable[Sent]) -> None:
        """Settles more: new visits, or refunds of earlier ones."""
        for row in sent:
            visits = self._visits.setdefault(row.person.person_no, {})
            visits.setdefault(cast(str, row.record.visit_no), []).append(row)

    def person_with(self, id_number: str) -> Person | None:
        """Who has this id number (18 digits)."""
        return self._numbers.get(id_number.strip().upper())

    def person(self, person_no: str) -> Person | None:
        """Who has this person number."""
        return self._people.get(person_no)

    def visits(self, person_no: str, *, since: date, until: date, care_type: str) -> list[Sent]:
        """The first row of each of a person's visits that touch the window.

        A national care type stands for the local ones that begin with it: 14 for 140201.
        """
        return [
            rows[0]
            for rows in self._visits.get(person_no, {}).values()
            if cast(str, rows[0].record.care_type_code).startswith(care_type)
            and cast(date, rows[0].record.admitted_on) <= until
            and cast(date, rows[0].record.discharged_on) >= since
        ]

    def visit(self, person_no: str, visit_no: str) -> list[Sent]:
        """What was settled for one visit, refunds included, in the order it happened."""
        return list(self._visits.get(person_no, {}).get(visit_no, ()))


class CloudLineApp(NationalApp):
    """The platform without its port."""

    def __init__(self, world: CloudLineWorld, *, paas_id: str, secret: str, clock: Callable[[], float]) -> None:
        transactions: dict[str, Transaction] = {
            "1101": self._who,
            "5201": self._visits,
            "5202": self._diagnoses,
            "5203": self._settlement,
        }
        gate = Gate(region=REGION, paas_id=paas_id, paas_secret=secret)
        super().__init__(gate, transactions, clock=clock)
        self._world = world

    def _who(self, asked: Output) -> Output:
        """1101 人员信息: by id number; a name that is given must be the right one."""
        person = self._world.person_with(str(asked.get("certno") or asked.get("mdtrt_cert_no") or ""))
        if person is None or asked.get("psn_name") not in (None, "", person.name):
            raise PlatformError("未查询到该人员的参保信息")
        return {
            "baseinfo": _identity(person) | {"naty": person.nation, "age": 40.0, "exp_content": ""},
            "insuinfo": [
                {
                    "balc": 0,
                    "insutype": "310",
                    "psn_type": "12" if person.category == "retired" else "11",
                    "psn_insu_stas": "1",
                    "psn_insu_date": "2010-01-01",
                    "cvlserv_flag": "0",
                    "insuplc_admdvs": person.region,
                    "emp_name": person.employer,
                }
            ],
            "idetinfo": [],
        }

    def _visits(self, asked: Output) -> Output:
        """5201 就诊信息: one person's visits of one care type in a window."""
        person = self._known(asked)
        visits = self._world.visits(
            person.person_no,
            since=day_of(asked.get("begntime")),
            until=day_of(asked.get("endtime")),
            care_type=str(asked.get("med_type")),
        )
        return {"mdtrtinfo": [_visit(sent) for sent in visits]}

    def _settlement(self, asked: Output) -> Output:
        """5203 结算: an object, or an array when the visit was refunded."""
        person = self._known(asked)
        rows = self._world.visit(person.person_no, str(asked.get("mdtrt_id")))
        number = asked.get("setl_id")
        rows = [sent for sent in rows if number in (None, "", sent.record.settlement_no)]
        if not rows:
            raise PlatformError("未查询到结算信息")
        written = [national_row(sent) for sent in rows]
        return {
            "setlinfo": written if len(written) > 1 else written[0],
            "setldetail": [
                {
                    "fund_pay_type": "310100",
                    "fund_pay_type_name": "城镇职工基本医疗保险统筹基金",
                    "inscp_scp_amt": row["inscp_scp_amt"],
                    "crt_payb_lmt_amt": None,
                    "fund_payamt": row["fund_pay_sumamt"],
                    "setl_proc_info": "",
                }
                for row in written
            ],
        }

    def _diagnoses(self, asked: Output) -> Output:
        """5202 诊断信息: the main one is not the first in the list."""
        person = self._known(asked)
        rows = self._world.visit(person.person_no, str(asked.get("mdtrt_id")))
        if not rows:
            raise PlatformError("未查询到诊断信息")
        record = rows[0].record
        listed = [
            {
                "mdtrt_id": record.visit_no,
                "psn_no": record.person_no,
                "inout_diag_type": "2",
                "diag_type": "1",
                "maindiag_flag": "1" if order == 1 else "2",
                "diag_srt_no": order,
                "diag_code": code,
                "diag_name": "（诊断名称）",
            }
            for order, code in enumerate(record.diagnosis_codes, start=1)
        ]
        return {"diseinfo": listed[::-1]}

    def _known(self, asked: Output) -> Person:
        person = self._world.person(str(asked.get("psn_no")))
        if person is None:
            raise PlatformError("未查询到人员信息")
        return person


class CloudLineServer:
    """A running cloud line in a thread of this process."""

    def __init__(self, world: CloudLineWorld, server: LocalServer) -> None:
        self.world = world
        self.address = server.address
        self.stop = server.stop

    @classmethod
    def start(
        cls,
        world: CloudLineWorld,
        *,
        paas_id: str,
        secret: str,
        port: int = 0,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
    ) -> CloudLineServer:
        """Listens on 127.0.0.1. `clock` is in Unix seconds and must agree with the caller's."""
        app = CloudLineApp(world, paas_id=paas_id, secret=secret, clock=clock)
        return cls(world, LocalServer(app, port=port, faults=faults))


def _identity(person: Person) -> Output:
    return {
        "psn_no": person.person_no,
        "psn_cert_type": "01",
        "certno": person.id_number,
        "psn_name": person.name,
        "gend": "1" if person.sex == "M" else "2",
        "brdy": person.birth_date.isoformat(),
    }


def _visit(sent: Sent) -> Output:
    record = sent.record
    return _identity(sent.person) | {
        "mdtrt_id": record.visit_no,
        "med_type": record.care_type_code,
        "begntime": f"{record.admitted_on} 09:00:00",
        "endtime": f"{record.discharged_on} 10:00:00",
        "ipt_days": record.inpatient_days,
        "inhosp_stas": "0",
        "fixmedins_code": record.facility_no,
        "fixmedins_name": record.facility_name,
        "dscg_maindiag_code": record.diagnosis_codes[0] if record.diagnosis_codes else "",
        "vali_flag": "1",
    }
