"""Wrong use is said in Chinese first, under the program's own name, however it was started."""

from __future__ import annotations

import sys

import pytest

from gateway.cli.main import main


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("match", "try"), "缺少必需的参数 (Missing option '--roster'"),
        (("tomorrow",), "没有这个命令 (No such command 'tomorrow'"),
        (("match", "blocks", "--width"), "没有这个选项 (No such option"),
        (("review", "list", "--limit", "many"), "参数的值不对 (Invalid value for '--limit'"),
        (("review", "show", "1", "2"), "用法不对 (Got unexpected extra argument"),
    ],
)
def test_what_was_typed_wrongly(
    typed: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["__main__.py", *typed])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(words)
    assert "hubao" in said
    assert "--help" in said
    assert "python" not in said


def test_help_is_asked_for_under_the_program_s_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["__main__.py", "review", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "hubao review" in capsys.readouterr().out
