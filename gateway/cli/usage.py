"""What was typed wrongly, in Chinese first: the command line's library says it in English only."""

from __future__ import annotations

from typing import Any, Final

_WORDS: Final = {
    "MissingParameter": "缺少必需的参数",
    "NoSuchOption": "没有这个选项",
    "BadParameter": "参数的值不对",
    "BadOptionUsage": "选项的用法不对",
    "BadArgumentUsage": "参数的用法不对",
    "FileError": "文件打不开",
}


def said_in_chinese(error: Any) -> str:
    """A usage error as lines to print: what, in which words the library says it, and where help is."""
    message: str = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        return message
    words = "没有这个命令" if message.startswith("No such command") else _WORDS.get(type(error).__name__, "用法不对")
    lines = [f"{words} ({message})"]
    context = getattr(error, "ctx", None)
    if context is not None:
        lines += [context.get_usage().replace("Usage:", "用法 (usage):"), f"帮助 (help): {context.command_path} --help"]
    return "\n".join(lines)
