"""Accounts in words: roles, states, what the audit log writes down."""

from __future__ import annotations

from typing import Final

ROLES: Final = {
    "clerk": "经办",
    "reviewer": "复核",
    "policy": "政策",
    "league_admin": "盟市管理",
    "viewer": "只看",
    "system": "系统管理员",
    "security": "安全管理员",
    "audit": "审计管理员",
}
"""What an account is there for."""

ACCOUNT_STATES: Final = {
    "active": "在用",
    "new": "待首次登录",
    "locked": "已锁定",
    "failing": "失败过多，暂时锁定",
}

ACTS: Final = {
    "login": "登录",
    "login_refused": "登录被拒",
    "logout": "退出",
    "refused": "无权被拒",
    "account_made": "新建账号",
    "account_roles": "改角色",
    "account_scope": "改数据范围",
    "account_locked": "锁定账号",
    "account_unlocked": "解锁账号",
    "account_reset": "重置账号",
    "account_password": "改密码",
    "account_second": "启用动态码",
    "reveal": "查看待核事项明文",
    "quarantine": "查看待修行明文",
    "search": "按证件号码找申领",
    "roster_search": "查找会员",
    "roster_show": "查看会员",
    "roster_export": "导出名册",
    "claims_export": "导出申领清单",
    "roster_brought": "送来名册，待确认",
    "roster_imported": "确认导入名册",
    "roster_lowered": "确认名册终止或缩短",
    "feed_try": "试取来源",
    "feed_drift": "核对来源变化",
    "feed_rewind": "回退来源位置",
    "feed_activate": "启用来源",
    "feed_back": "退回来源版本",
    "feed_set_aside": "留存来源文件",
    "audit_shown": "查看审计日志",
    "command": "用命令查看明文",
    "second_asked": "提请双人操作",
    "second_confirmed": "双人操作经第二人确认",
    "second_refused": "双人操作被第二人拒绝",
    "payments_fetched": "取支付名单文件",
    "key_made": "新建接口密钥",
    "key_rotated": "更换接口密钥",
    "key_revoked": "停用接口密钥",
}
"""What is written down in the audit log."""

PURPOSES: Final = {"decide": "核定", "mend": "修映射", "print": "打印"}
"""Why plain values were looked at."""

BREAKS: Final = {
    "edited": "条目被改动",
    "deleted": "此前有条目被删除",
    "inserted": "条目并非本程序写入",
    "truncated": "日志被截断：已存证的条目不在",
    "anchor": "存证文件被改动或缺失",
}
"""What a walk over the audit log finds."""
