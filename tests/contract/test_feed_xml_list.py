"""Lists in XML over HTTP keep the contract; a code in either form is judged, a forgotten session is begun anew."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from day_feed_contract import DAYS, DayFeedContract, DayRig, days_of, once, take
from misbehaving_server import Reply, Seen

from connectors.feeds.xml_list import XmlList, XmlListSpec, digest_of_rows, question, value_of
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.sandbox.xml_server import LIST, SIGN_IN, USER, XmlApp

PASSWORD = "EXAMPLE-<&>-密码"


def program(inside: str) -> Reply:
    return Reply(body=f'<?xml version="1.0" encoding="UTF-8"?><Program>{inside}</Program>'.encode("gb18030"))


class TestXmlList(DayFeedContract):
    wrong_secrets: ClassVar[dict[str, Any]] = {"secret": "another-password"}

    def league(self, rig: DayRig, **options: Any) -> XmlApp:
        return XmlApp(rig.book, password=PASSWORD, **options)

    def feed(self, rig: DayRig, *, tries: int = 3, **options: Any) -> XmlList:
        given: dict[str, Any] = {
            "address": rig.server.address,
            "function": LIST,
            "user": USER,
            "secret": PASSWORD,
            "sign_in_function": SIGN_IN,
            "timeout_seconds": 1.0,
        }
        return XmlList(XmlListSpec(**{**given, **options}), rig.around(), tries=tries, sleep=rig.sleep)

    def test_a_page_is_the_answer_as_it_came(self, rig: DayRig) -> None:
        page = next(iter(self.feed(rig).fetch(None, first=None, last=None)))
        text = page.content.decode("gb18030")
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?><Program><ERRORTYPE>0</ERRORTYPE>')
        assert "<ROW1>" in text
        assert "<ROW2>" in text
        assert "测试甲" in text

    def test_a_session_that_is_forgotten_is_begun_anew(self, rig: DayRig) -> None:
        rig.app = self.league(rig, forgets=[2])
        assert days_of(list(self.feed(rig).fetch(None, first=None, last=None))) == DAYS
        assert sum(SIGN_IN.encode() in seen.body for seen in rig.server.seen) == 2

    def test_a_session_that_is_always_forgotten_ends_the_run(self, rig: DayRig) -> None:
        rig.app = self.league(rig, forgets=range(100))
        with pytest.raises(Refused, match="sign_in"):
            list(self.feed(rig).fetch(None, first=None, last=None))

    def test_a_busy_answer_is_asked_for_again(self, rig: DayRig) -> None:
        rig.app = self.league(rig, busy=[2])
        assert days_of(list(self.feed(rig).fetch(None, first=None, last=None))) == DAYS

    @pytest.mark.parametrize(
        "inside",
        [
            "<errortype>3</errortype><errorno>77</errorno><errormessage>未曾见过</errormessage>",
            "<RETURN_CODE>-9</RETURN_CODE><RETURN_CODE_MESSAGE>未曾见过</RETURN_CODE_MESSAGE>",
            "<rowset></rowset>",
        ],
        ids=["errortype", "return_code", "no code"],
    )
    def test_what_no_line_knows_is_shown_to_a_person_and_asked_for_again(self, rig: DayRig, inside: str) -> None:
        rig.fault = once(program(inside), nth=2)
        pages, cursor = take(self.feed(rig))
        assert days_of(pages) == DAYS
        assert pages[0].content == program(inside).body
        assert DAYS[0] in days_of(take(self.feed(rig), cursor)[0])

    def test_a_day_of_which_there_is_nothing(self, rig: DayRig) -> None:
        rig.fault = once(
            program("<return_code>-1</return_code><return_code_message>未查询到数据</return_code_message>"), nth=2
        )
        assert days_of(list(self.feed(rig).fetch(None, first=None, last=None))) == DAYS[1:]

    def test_the_table_of_the_feed_comes_first(self, rig: DayRig) -> None:
        rig.fault = once(
            program("<return_code>-1</return_code><return_code_message>系统繁忙</return_code_message>"), nth=2
        )
        with pytest.raises(Refused):
            list(self.feed(rig, answers={"* 繁忙": "stop"}).fetch(None, first=None, last=None))

    def test_a_sign_in_without_a_session(self, rig: DayRig) -> None:
        def no_session(seen: Seen) -> Reply | None:
            return program("<return_code>0</return_code>") if SIGN_IN.encode() in seen.body else None

        rig.fault = no_session
        with pytest.raises(Unavailable, match="broken_reply"):
            list(self.feed(rig, tries=1).fetch(None, first=None, last=None))

    def test_a_parameter_that_can_be_no_element(self, rig: DayRig) -> None:
        with pytest.raises(WrongUse, match="more_input"):
            self.feed(rig, more_input={"a><b": "1"})


def test_values_stay_values() -> None:
    assert question("F<1>", {"name": "<a>&"}) == (
        '<?xml version="1.0" encoding="UTF-8"?><Program><FunctionID>F&lt;1&gt;</FunctionID>'
        "<parameters><name>&lt;a&gt;&amp;</name></parameters></Program>"
    )


def test_the_code_is_not_read_out_of_a_row() -> None:
    reply = "<Program><rowset><row1><return_code>0</return_code></row1></rowset></Program>".encode("gb18030")
    assert value_of(reply, "return_code") == ""


def test_rows_in_another_order_and_under_other_numbers_say_the_same() -> None:
    one = b"<Program><time>1</time><rowset><row1>A</row1><row2>B</row2></rowset></Program>"
    other = b"<Program><time>2</time><ROWSET><ROW1>B</ROW1><ROW2>A</ROW2></ROWSET></Program>"
    assert digest_of_rows(one) == digest_of_rows(other)
    assert digest_of_rows(one) != digest_of_rows(one.replace(b"<row2>B", b"<row2>C"))
