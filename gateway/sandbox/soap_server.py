"""A league behind SOAP: XML in CDATA in GBK under a prolog that says UTF-8, tags now in capitals and now not, the same
settlement twice, and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from html import escape
from typing import Any, Final

import msgspec

from gateway.model.record import SettlementRecord
from gateway.sandbox.day_book import DayBook, as_listed, total_text
from gateway.sandbox.national import Row
from gateway.sandbox.people import words
from gateway.sandbox.servers import Request, ServerReply

SPACE: Final = "http://ws.example.invalid/settlements"

_WSDL: Final = f"""<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{SPACE}" targetNamespace="{SPACE}">
  <wsdl:types><xs:schema targetNamespace="{SPACE}" elementFormDefault="qualified">
    <xs:element name="querySettlements"><xs:complexType><xs:sequence>
      <xs:element name="AAE030" type="xs:string"/><xs:element name="AAE031" type="xs:string"/>
      <xs:element name="password" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="querySettlementsResponse"><xs:complexType><xs:sequence>
      <xs:element name="return" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:schema></wsdl:types>
  <wsdl:message name="In"><wsdl:part name="parameters" element="t:querySettlements"/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="parameters" element="t:querySettlementsResponse"/></wsdl:message>
  <wsdl:portType name="Port"><wsdl:operation name="querySettlements">
    <wsdl:input message="t:In"/><wsdl:output message="t:Out"/>
  </wsdl:operation></wsdl:portType>
  <wsdl:binding name="Binding" type="t:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="querySettlements"><soap:operation soapAction="query"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="Service"><wsdl:port name="Port" binding="t:Binding">
    <soap:address location="http://127.0.0.1/"/>
  </wsdl:port></wsdl:service>
</wsdl:definitions>"""

FIELDS: Final[Mapping[str, str]] = {
    "CKC618": "setl_id",
    "AKC190": "mdtrt_id",
    "AAC001": "psn_no",
    "AAC003": "psn_name",
    "AAC002": "certno",
    "AAC004": "gend",
    "AAC006": "brdy",
    "AAE140": "insutype",
    "AKC021": "psn_type",
    "AKB020": "fixmedins_code",
    "AKB021": "fixmedins_name",
    "AKA130": "med_type",
    "AKC192": "begndate",
    "AKC194": "enddate",
    "AAE040": "setl_time",
    "AKC196": "dise_codg",
    "AKC264": "medfee_sumamt",
    "AKB068": "fund_pay_sumamt",
    "AKB066": "acct_pay",
    "AKB067": "cash_payamt",
    "AKA151": "act_pay_dedc",
    "AKE039": "hifp_pay",
    "AKE035": "cvlserv_pay",
    "AKE026": "hifes_pay",
    "BKA825": "fulamt_ownpay_amt",
    "BKA826": "overlmt_selfpay",
    "AKC254": "preselfpay_amt",
    "YKA111": "inscp_scp_amt",
    "BKA840": "hosp_part_amt",
}
"""The codes of 赤峰 and what the national interface calls them."""

SUMS: Final[Mapping[str, tuple[str, str]]] = {"AKE029": ("hifmi_pay", "hifob_pay"), "BKA839": ("oth_pay", "maf_pay")}
"""Codes in which two amounts of the national interface are one."""


def as_coded(record: SettlementRecord) -> SettlementRecord:
    """The truth of a row in these codes: two pairs of amounts are one each, and some things are not told."""
    listed = as_listed(record)
    untold = (
        "employer_name insured_region care_region facility_level inpatient_days settlement_kind payment_place "
        "critical_illness_amount medical_aid_amount"
    )
    return msgspec.structs.replace(
        listed,
        **dict.fromkeys(words(untold)),
        large_amount_fund_amount=(record.large_amount_fund_amount or 0) + (record.critical_illness_amount or 0),
        other_fund_amount=(record.other_fund_amount or 0) + (record.medical_aid_amount or 0),
    )


class SoapApp:
    """`faulty`: which of its answers are faults. Every third settlement has its tags in small letters, every fifth
    stands there twice."""

    def __init__(self, book: DayBook, *, password: str, faulty: Iterable[int] = ()) -> None:
        self.book, self._password, self._faulty, self._answered = book, password, frozenset(faulty), 0

    def point(self, request: Request) -> str:
        """The description, or the service."""
        return "wsdl" if request.method == "GET" else "query"

    def answer(self, request: Request) -> ServerReply:
        """The description, a fault, or a day."""
        if request.method == "GET":
            return xml_reply(_WSDL.encode())
        text = request.body.decode()
        self._answered += 1
        if f">{escape(self._password)}<" not in text:
            return fault("用户名或密码错误，无权限")
        if self._answered in self._faulty:
            return fault("系统繁忙")
        day = date.fromisoformat(text.partition("AAE030>")[2][:10])
        rows = "".join(map(self.written, self.book.look(day)))
        inside = f'<?xml version="1.0" encoding="UTF-8"?><output><code>0</code><rows>{rows}</rows></output>'
        return xml_reply(
            in_envelope(
                f'<n:querySettlementsResponse xmlns:n="{SPACE}"><n:return><![CDATA[{inside}]]>'
                "</n:return></n:querySettlementsResponse>"
            ).encode("gb18030")
        )

    def written(self, row: Row) -> str:
        """A settlement in the words of 赤峰."""
        number = sum(str(row["setl_id"]).encode())
        style: Callable[[str], str] = str.lower if number % 3 == 0 else str
        return f"<row>{coded_cells(row, style)}</row>" * (2 if number % 5 == 0 else 1)


def coded_cells(row: Row, style: Callable[[str], str]) -> str:
    """A settlement in the codes of 五险合一, each an element; `style` writes their names."""
    values = {tag: row.get(key) for tag, key in FIELDS.items()}
    values |= {tag: total_text([{"sum": row.get(key)} for key in keys], "sum") for tag, keys in SUMS.items()}
    return "".join(f"<{style(tag)}>{text_of(value)}</{style(tag)}>" for tag, value in values.items())


def text_of(value: Any) -> str:
    """A value as the text of an element."""
    return "" if value is None else escape(str(value))


def in_envelope(inside: str) -> str:
    """A body in its SOAP envelope, whose prolog says UTF-8 whatever it is written in."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<soap:Body>{inside}</soap:Body></soap:Envelope>"
    )


def xml_reply(content: bytes, *, status: int = 200) -> ServerReply:
    """An XML answer."""
    return ServerReply(status=status, body=content, content_type="text/xml;charset=UTF-8")


def fault(text: str) -> ServerReply:
    """A SOAP fault, with status 500 as the protocol has it."""
    inside = f"<soap:Fault><faultcode>soap:Server</faultcode><faultstring>{text}</faultstring></soap:Fault>"
    return xml_reply(in_envelope(inside).encode("gb18030"), status=500)
