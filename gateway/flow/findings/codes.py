"""Every code a finding may have: its level, its words, and what to do about it."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.model.trouble import Level


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
    "mapping_changed": FindingCode(
        "know",
        "已存的页是用另一版映射读的 (stored pages were read with another mapping)",
        "新页用新映射；旧页用 hubao feed diff 看差异，再 hubao feed replay 重读"
        " (new pages use the new one; look at the difference, then read the old ones again)",
    ),
    "scheme_changed": FindingCode(
        "know",
        "方案文件已改，已存的页是按此前的方案核算的；新方案本身不改动已有申领"
        " (people of stored pages were assessed under other schemes; a new edition by itself changes no claim)",
        "用 hubao feed diff 看差异，再 hubao feed replay 重新核算；无需重算的，已阅即可"
        " (look at the difference, then replay; where nothing is to be assessed anew, acknowledge)",
    ),
    "hold_expired": FindingCode(
        "act",
        "待确认的变更无人处理，原页已到期：原样保留，其中的新数据未入账"
        " (nobody decided about a hold before its pages had to go: what stands stays, its new rows were not taken in)",
        "请向盟市重新索取这些数据 (ask the league for these data again)",
    ),
    "agreement_expired": FindingCode(
        "act",
        "数据协议已到期，不再取数 (the agreement has expired: nothing is taken in any more)",
        "续签协议后更新 config/feeds 中的 [legal]；或将该盟市停用 enabled = false"
        " (renew the agreement, then its file; or switch the feed off)",
    ),
    "agreement_expiring": FindingCode(
        "know",
        "数据协议即将到期 (the agreement will expire soon)",
        "联系盟市续签，并更新 config/feeds 中的 [legal] (renew it in time)",
    ),
    "association_late": FindingCode(
        "act",
        "协会未在承诺期限内审核或支付 (an association has not decided or paid in the time it promised)",
        "hubao status 查看是哪些申领，催办 (see which claims, and ask the association)",
    ),
    "claims_not_fetched": FindingCode(
        "act",
        "申领等协会领取或回执，已过约定天数 (claims wait to be fetched or acknowledged by the association)",
        "请协会查看其领取程序与密钥（hubao access list 列出最近使用）"
        " (ask the association to look at its program and its key: hubao access list shows the last use)",
    ),
    "claims_not_answered": FindingCode(
        "act",
        "申领已交给协会，过了约定天数还没有回执 (claims were handed over and not answered in the days agreed)",
        "请协会查看投放目录与回执文件；已经查明的用 hubao deliveries confirm 确认"
        " (ask the association to look at the folder and its answer files; confirm what it tells you)",
    ),
    "signing_key_ending": FindingCode(
        "know",
        "签名密钥即将到期或已过期 (a signing key ends soon, or is past its end)",
        "与对方换新：新密钥写在前面，过期的删去；过了止日的不再使用也不再接受"
        " (agree on a new one with the other side, put it in front, and take the old one out)",
    ),
    "papers_wanted": FindingCode(
        "know",
        "协会要求补材料的申领 (claims for which the association asks for papers)",
        "用 hubao claims show 看缺哪些，请会员补交 (see which with hubao claims show, and ask the member for them)",
    ),
    "claims_taken": FindingCode(
        "know",
        "近几日有申领被撤回或降低 (claims were withdrawn or lowered in the last days)",
        "逐项核对原因；不应减少的，联系盟市更正 (look at each cause; what should not have fallen must be corrected)",
    ),
    "day_missing": FindingCode(
        "act",
        "两天之间缺少数据日 (a day is missing between days)",
        "向盟市索取缺少的日期；确无结算的，已阅即可；非逐日发送的，设 expect.days"
        " (ask for these days; if there was nothing to send, acknowledge; set expect.days)",
    ),
    "doubts_jumped": FindingCode(
        "act",
        "存疑匹配的占比突增 (the share of doubtful matches has jumped)",
        "查看 hubao review list；多为姓名、证号的写法或编码变了"
        " (look at the doubts: names or numbers are written or encoded differently)",
    ),
    "feed_empty": FindingCode(
        "act",
        "有数据日没有任何结算 (a day came without any settlement)",
        "向盟市核实当日是否确无结算 (ask the league whether that is right)",
    ),
    "feed_edited": FindingCode(
        "act",
        "启用后的来源或映射文件被直接改动 (the files of a feed were edited after it was put in force)",
        "用 hubao feed activate 作为新版本启用，或用 hubao feed back --to 退回，见 hubao feed history"
        " (put it in force as a new version, or go back to the one that was)",
    ),
    "feed_failed": FindingCode(
        "act",
        "上次运行失败 (the last run failed)",
        "按说明处理后运行 hubao run (mend what it says, then run again)",
    ),
    "feed_late": FindingCode(
        "act",
        "过久没有新数据 (nothing new for too long)",
        "联系盟市，或核对 expect.fresh_within_hours (ask the league, or correct what is expected)",
    ),
    "field_vanished": FindingCode(
        "act",
        "一向有值的字段现在为空 (a field that was always filled is empty)",
        "核对对方是否改了列名或接口，hubao feed drift 给出建议；更正映射后重读"
        " (see whether a column was renamed: feed drift proposes; mend the mapping, then replay)",
    ),
    "file_twice": FindingCode(
        "act",
        "同一天有另一名称的文件，没有替换此前的文件"
        " (a second file of a day under another name; nothing was taken back for it)",
        "核对两个文件；若为更正，请盟市以原文件名重发 (compare both; a correction must come under the first name)",
    ),
    "not_taken_in": FindingCode(
        "act",
        "来源里有未取入的内容 (a feed holds what was not taken in)",
        "请盟市补上主键、重发文件；队列中另存的消息，查明原因后放回原队列"
        " (ask the league for keys or a whole file; look at the messages set aside, then put them back)",
    ),
    "files_waiting": FindingCode(
        "know",
        "有文件未取入 (files wait and are not taken in)",
        "按所列原因处理：补完成标记、改文件名，或更正 connector.pattern"
        " (send the marker, rename the file, or correct the pattern)",
    ),
    "items_expired": FindingCode(
        "know",
        "待办随页面到期关闭，无人处理 (open items ended with their pages, unanswered)",
        "请在到期前处理待核与隔离；需要时向盟市重新索取 (answer them in time; ask the league again if needed)",
    ),
    "keys_unused": FindingCode(
        "know",
        "出现了没有字段使用的新列或键 (new columns or keys that no field reads)",
        "hubao feed drift 显示其样子与建议；需要时更正映射"
        " (feed drift shows what they look like and proposes; mend the mapping)",
    ),
    "late_on_arrival": FindingCode(
        "know",
        "首次接入即已逾期的申领 (claims that were past their last day when the feed was first read)",
        "向协会确认是否受理 (ask the association whether it accepts them)",
    ),
    "quarantine_open": FindingCode(
        "know",
        "有记录读不了，在隔离中 (rows that could not be read stand in quarantine)",
        "hubao quarantine list --group 查看原因，hubao feed drift 给出建议，更正后 hubao quarantine retry --group"
        " (look at the reasons by group, see what changed, mend, retry)",
    ),
    "refunds_waiting": FindingCode(
        "know",
        "退费找不到原结算 (refunds whose original is not known)",
        "核对原结算是否缺失 (see whether the original never came)",
    ),
    "review_open": FindingCode(
        "know",
        "有疑问等待人工判断 (questions wait for a person)",
        "hubao review list 查看并判断 (look and decide)",
    ),
    "rows_at_limit": FindingCode(
        "act",
        "文件行数恰为上限，可能被截断 (a file has exactly as many rows as an export holds: it may be cut off)",
        "向盟市核实，请其分批导出 (ask the league, which may have to export in parts)",
    ),
    "rows_equal": FindingCode(
        "know",
        "连续几天行数相同 (the same number of rows day after day)",
        "核实是否重复发送或有页数上限 (see whether the same file comes again, or a page limit holds)",
    ),
    "rows_outside": FindingCode(
        "act",
        "一天的行数超出约定范围 (a day has fewer or more rows than expected)",
        "向盟市核实；约定有变的，更正 expect.rows_per_day (ask the league, or correct what is expected)",
    ),
    "rows_unusual": FindingCode(
        "know",
        "一天的行数与往常同一星期几相差甚远 (a day is far from the same weekday of other weeks)",
        "向盟市核实是否完整 (ask the league whether it is complete)",
    ),
    "rows_warned": FindingCode(
        "know",
        "会员的结算带提醒入账：核对需要的金额缺失或不平，应付可能偏低或偏高"
        " (members' rows were taken in with a warning: amounts are missing or do not add up, so claims may be wrong)",
        "用 hubao feed try 或 hubao normalise 查看这些行，更正映射后 hubao feed replay；盟市确实不送的金额，写入映射的"
        " checks.not_sent (look at the rows, mend the mapping, replay; what the league never sends: checks.not_sent)",
    ),
    "totals_differ": FindingCode(
        "act",
        "实收与对方所报合计不符 (rows or money differ from the feed's own totals)",
        "hubao reconcile 查看差异，向盟市核实 (look at the differences, ask the league)",
    ),
    "unknown_codes": FindingCode(
        "act",
        "决定待遇的字段出现未知代码 (a code that decides about money is not known)",
        "问明代码含义（hubao feed drift 有建议），写入映射的代码表，再重读已存页面"
        " (find out what it means, add it to the mapping, then replay)",
    ),
    "clock_jump": FindingCode(
        "act",
        "本机时钟与此前已知的时间相差三天以上，到期销毁与定时取数暂停"
        " (the clock is out of line with what was known: nothing is let go, schedules wait)",
        "核对本机时间；确认无误后运行 hubao clock confirm --by 姓名 (check the clock; if it is right, confirm it)",
    ),
    "audit_broken": FindingCode(
        "act",
        "审计日志与写入时不符：有条目被改动、删除、插入或截断 (the audit log is not as it was written)",
        "hubao audit verify 指出是哪几条；保留数据库现场，与另处留存的链头比对"
        " (it names the entries; keep the database as it is, compare with a head kept elsewhere)",
    ),
    "key_missing": FindingCode(
        "act",
        "曾经生成的密钥现已缺失，不会另造 (keys that were given out are missing, and are never made anew)",
        "从备份恢复 keys/vault/data；无法恢复的，用 hubao keys adopt-database 注销"
        " (restore the key folder; what cannot be restored is written off: hubao keys adopt-database)",
    ),
    "older_backups": FindingCode(
        "know",
        "升级前的数据库备份与归档日志中，申领所涉的就诊号、病种组仍是明文"
        " (backups and archived logs from before the upgrade hold visit numbers and disease groups in the clear)",
        "按规定销毁或另行加密这些备份；归档的数据库日志同样处理"
        " (destroy or encrypt these backups, and archived logs of the database)",
    ),
    "not_read_again": FindingCode(
        "act",
        "会员的结算再次收到时读不出，原有的仍然有效 (settlements came again unreadable; what stands stays)",
        "用 hubao quarantine list 查看；请盟市重发，或修好映射后 hubao quarantine retry"
        " (look at the quarantine; have the rows sent again, or mend the mapping and retry)",
    ),
    "calls_spent": FindingCode(
        "know",
        "当日允许的调用次数用完，其余次日接着问 (the day's calls were spent; the rest is asked the next day)",
        "若一轮总也问不完，与盟市商定更高的次数，改 [rate] per_day"
        " (if a round never ends, agree on more calls with the league)",
    ),
    "restored": FindingCode(
        "act",
        "数据库从备份恢复，副本之后的事它不知道 (the database was put back from a copy, and knows nothing since)",
        "请盟市补推、补放这段时间的数据，请协会重报核定与支付，核对停用的密钥和账号、已出的名单，"
        "再运行 hubao restore --checked --by 姓名"
        " (have pushes and files of these days sent again, decisions told again; check revoked keys and locked accounts"
        " and payment lists; then confirm)",
    ),
    "page_failed": FindingCode(
        "act",
        "一页处理失败，其余行尚未处理 (a page failed and waits)",
        "下次运行会从缺口处继续；若反复失败，请查看日志 (the next run goes on at the gap; if not, look at the log)",
    ),
    "rewriting": FindingCode(
        "know",
        "旧版本写下的数据正在改写，未完成前明文仍在 (what older releases stored is being rewritten)",
        "无需处理，下次运行继续；若长期未完成，请确认没有别的程序一直打开数据库"
        " (nothing to do: the next run goes on; if it never ends, see that nothing else keeps the database open)",
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
    "unreachable": FindingCode(
        "act",
        "协会的系统连不上或没有答复，申领在等 (the association's system cannot be reached: claims wait)",
        "核对线路与对方系统；恢复后自行补送 (check the line and the far side; what waits goes by itself)",
    ),
    "association_off": FindingCode(
        "act",
        "协会多日连不上，已停止送达，申领留在队列 (not reached for days: deliveries are switched off, claims wait)",
        "与协会核实线路和地址，修好后运行 hubao deliveries enable (mend the line, then enable it)",
    ),
    "address_refused": FindingCode(
        "act",
        "地址或网关拒绝了请求，没有说到任何申领 (the address refuses the requests, and says nothing of a claim)",
        "核对 config/associations 的 [delivery] address、密钥与中间代理；修好后自行补送"
        " (check the address, the secret and what stands between; what waits goes by itself)",
    ),
    "answers_prove_nothing": FindingCode(
        "act",
        "协会的答复不能证明收下或拒收了申领 (answers that prove neither a yes nor a no to a claim)",
        "照答复的样子写好 [accepted]，见 config/associations/README.md；不能查询的，核实后用 hubao deliveries confirm"
        " (say in [accepted] what an answer must hold; what cannot be asked about is confirmed by a person)",
    ),
    "claims_lapsing": FindingCode(
        "act",
        "申领将过最晚申领日而协会尚未收到 (claims about to lapse, or lapsed, undelivered)",
        "先看送达为何不成：hubao deliveries list、hubao findings；赶不及的，向协会说明"
        " (see why they are not delivered; tell the association about those that will be late)",
    ),
    "level_late": FindingCode(
        "act",
        "申领在某一级停留超过办理时限 (claims wait at a level longer than its clock allows)",
        "用 hubao desk list 查看在谁手里，催办：hubao desk pass、return 或核定 (see who has them, and ask that level)",
    ),
    "unpaid_old": FindingCode(
        "act",
        "应付而未付超过30天的申领 (claims that are payable and were not paid for more than 30 days)",
        "用 hubao unclaimed 看原因，逐项处理；等协会决定的，已阅即可"
        " (see why in hubao unclaimed; what waits for the association may be acknowledged)",
    ),
    "alarm_failed": FindingCode(
        "act",
        "告警没有送出去 (an alarm did not reach anybody)",
        "用 hubao alarms try 逐个试，核对 gateway.toml [alarms] 所指的地址与线路"
        " (try each with hubao alarms try; correct the addresses that [alarms] names, or the line)",
    ),
    "dead_letters": FindingCode(
        "act",
        "申领未能送达，不再自行尝试 (claims were not delivered, and are not tried again by themselves)",
        "修好后用 hubao deliveries redrive 重新排队；结果不明而不能查询的，核实后用 hubao deliveries confirm"
        " (redrive them; where nobody can be asked, find out and confirm)",
    ),
    "refused_by_status": FindingCode(
        "act",
        "旧版仅凭状态码记为拒收，答复没有说到申领 (taken for refused by an older release, by the status alone)",
        "先看：hubao deliveries redrive --refused --dry-run；再重新送出 (look first, then send them again)",
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
    "audit": "审计日志",
    "database": "数据库",
    "alarm": "告警",
}
"""What a finding may be about."""
