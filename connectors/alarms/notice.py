"""An alarm to an office: in-house mail or webhook, or a group of WeCom, DingTalk or Feishu, through apprise.

An address is written as apprise writes them, and is a secret, since it holds what opens the group or the mailbox:

    mailtos://user:password@mail.example.cn:465/?from=hubao@example.cn&to=duty@example.cn
    jsons://hook.example.cn/hubao        json://127.0.0.1:9000/hubao
    wecombot://key        dingtalk://secret@token        feishu://token

Only these ways are allowed: what apprise can do besides (run programs, write files, speak to the desktop) is nobody's
alarm. The library is loaded when an alarm goes, since it takes a second.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final

from gateway.errors import Unavailable, WrongUse
from gateway.ports import SecretName, SecretOption

ALLOWED: Final = ("mailto", "mailtos", "json", "jsons", "form", "forms", "wecombot", "dingtalk", "feishu", "lark")
"""The ways of apprise that an alarm may go."""

_SCHEME: Final = re.compile(r"([a-z]{3,10})://[!-~]+", re.ASCII)
_SHOWN: Final = "、".join(ALLOWED)


def check_address(address: str) -> str:
    """The way an address goes. Raises WrongUse for one that is not allowed, never showing it."""
    scheme = _SCHEME.fullmatch(address)
    if scheme is None or scheme[1] not in ALLOWED:
        raise WrongUse(f"告警地址应为 {_SHOWN} 之一加 :// (an alarm's address begins with one of these)")
    return scheme[1]


def alarm_option(key: str, name: SecretName) -> SecretOption:
    """An option that names a secret which holds an address. The other side gives it out."""
    return SecretOption(key, name, check_address)


class OfficeAlarm:
    """An AlarmWay. Its address is read when something is said, so that one that is wrong stops no other."""

    def __init__(self, read_address: Callable[[], str]) -> None:
        self._read_address = read_address

    @property
    def way(self) -> str:
        """The way it goes; empty where its address is missing or wrong."""
        try:
            return check_address(self._read_address())
        except WrongUse:
            return ""

    def send(self, title: str, text: str) -> None:
        """Say it once. Raises Unavailable where nobody took it, and WrongUse where the address cannot be read."""
        address = self._read_address()
        way = check_address(address)
        from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

        # What it logs names hosts and answers; whether it was taken is all that is asked.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        # The name of the program stands in headers, which take ASCII alone.
        asset = AppriseAsset(app_id="hubao-gateway", async_mode=False, secure_logging=True, plugin_paths=[])
        notifier = Apprise(asset=asset)
        if not notifier.add(address):
            raise WrongUse(f"告警地址不完整 ({way}: the address cannot be read)")
        if not notifier.notify(text, title=title, notify_type=NotifyType.WARNING, body_format=NotifyFormat.TEXT):
            raise Unavailable(f"告警未送达：{way} (nobody took the alarm)")
