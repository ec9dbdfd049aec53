"""Every code a finding may have: its level, its words, and what to do about it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Level = Literal["act", "know"]
"""act: a person must do something, and `run`, `status` and `findings` end with 1; know: it is only said."""


class FindingCode(msgspec.Struct, frozen=True):
    """What a code means and what a person does about it, in the words of whoever reads them."""

    level: Level
    words: str
    advice: str


CODES: Final[dict[str, FindingCode]] = {
    "changes_held": FindingCode(
        "act",
        "一批变更会撤回或降低较多申领，有关会员暂按原样，等人确认"
        " (changes that would withdraw or lower many claims wait for a person; what stands stays)",
        "用 hubao holds show 编号 查看差异，再 hubao holds accept 或 refuse"
        " (look at the difference, then accept or refuse it)",
    ),
    "hold_expired": FindingCode(
        "act",
        "待确认的变更无人处理，原页已到期：原样保留，其中的新数据未入账"
        " (nobody decided about a hold before its pages had to go: what stands stays, its new rows were not taken in)",
        "请向盟市重新索取这些数据 (ask the league for these data again)",
    ),
    "clock_jump": FindingCode(
        "act",
        "本机时钟与此前已知的时间相差三天以上，到期销毁与定时取数暂停"
        " (the clock is out of line with what was known: nothing is let go, schedules wait)",
        "核对本机时间；确认无误后运行 hubao clock confirm --by 姓名 (check the clock; if it is right, confirm it)",
    ),
    "key_missing": FindingCode(
        "act",
        "曾经生成的密钥现已缺失，不会另造 (keys that were given out are missing, and are never made anew)",
        "从备份恢复 keys/vault/data；无法恢复的，用 hubao keys adopt-database 注销"
        " (restore the key folder; what cannot be restored is written off: hubao keys adopt-database)",
    ),
    "page_failed": FindingCode(
        "act",
        "一页处理失败，其余行尚未处理 (a page failed and waits)",
        "下次运行会从缺口处继续；若反复失败，请查看日志 (the next run goes on at the gap; if not, look at the log)",
    ),
    "rows_lost": FindingCode(
        "act",
        "页面已到期销毁，其中有行从未处理 (a page expired before all its rows were worked)",
        "请向盟市重新索取这些日期的数据 (ask the league for these days again)",
    ),
    "step_failed": FindingCode(
        "act",
        "夜间作业的一步失败 (a step of the night failed)",
        "下次运行会再做；若反复失败，请查看日志 (the next run does it again; look at the log if it fails again)",
    ),
    "unreadable": FindingCode(
        "act",
        "有密文打不开，有关人员暂不核算 (something stored does not open: nothing is concluded about whom it concerns)",
        "从备份恢复密钥或数据；不能恢复的，用 hubao unreadable list 查看后注销"
        " (restore keys or data from the backup; what cannot be restored is written off: hubao unreadable list)",
    ),
}
"""Code → what it means. A code that is not here cannot be raised."""

SUBJECTS: Final[dict[str, str]] = {
    "hold": "待确认",
    "page": "页",
    "feed": "盟市",
    "association": "协会",
    "step": "步骤",
    "clock": "时钟",
    "vault": "密钥库",
}
"""What a finding may be about."""
