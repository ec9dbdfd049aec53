"""Every error the gateway raises on purpose. The type says what to do next.

    HubaoError
    ├── WrongUse            the caller asked for something that cannot be: exit 2
    │   ├── ForeignDatabase this database and this key folder do not belong together: nothing is begun
    │   └── NotAllowed      the account has no right to this; it is written down
    ├── BadSettings         files of an administrator are wrong; carries all findings at once
    ├── BadInput            bytes or values from outside are wrong
    │   ├── BadPage         a whole page cannot be read: it is set aside, the feed goes on
    │   └── BadCase         one case of `scheme assess` cannot be answered
    ├── Unavailable         the other side did not answer; try again later
    │   ├── OutcomeUnknown  it may or may not have done what was asked: ask before trying again
    │   ├── CallsSpent      what we may ask of it today is spent: go on tomorrow
    │   └── KeyMissing      a key that was given out is not there: it must be restored, never made anew
    ├── Refused             the other side answered no; trying again changes nothing
    ├── BrokenSeal          something sealed does not open; says nothing more
    ├── UnknownForm         a newer program wrote what is kept here: use that one, nothing is lost
    ├── NotAuthentic        a message from outside does not prove its sender; says nothing more
    └── Conflict            somebody else changed it first; read again

Messages name the place, the kind of value found and what is allowed, never a value that
could belong to a person. They are shown to people, so they are Chinese first where a user reads them.
"""

from __future__ import annotations

from dataclasses import dataclass


class HubaoError(Exception):
    """The root: catch it at the edge of the program, nowhere else."""


class WrongUse(HubaoError):
    """The command or call cannot be carried out as asked; the message says how to ask."""


class ForeignDatabase(WrongUse):
    """The database is not the one this site's keys belong to. The message says what was seen and what to do."""


class NotAllowed(WrongUse):
    """An account asked for what none of its roles has a right to, or for data outside of its scope."""

    def __init__(self) -> None:
        super().__init__("您的账号没有这项权限，已记入审计日志 (your account has no right to this; it is written down)")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong in a file: where, what was found, what is allowed."""

    file: str
    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.found}；允许 (allowed): {self.allowed}"


class BadSettings(HubaoError):
    """One or more findings in the files of a site, all listed at once."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


class BadInput(HubaoError):
    """Something from outside is not what it must be. `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


class BadPage(BadInput):
    """A page whose bytes cannot be turned into rows at all."""


class BadCase(BadInput):
    """A case of `scheme assess` that contradicts itself."""


class Unavailable(HubaoError):
    """The other side could not be reached or asked us to wait; nothing was done."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class OutcomeUnknown(Unavailable):
    """The request may have been carried out: ask, do not guess."""


class CallsSpent(Unavailable):
    """The calls that the line's owner allows us in a day are spent; `pages`: what was stored before."""

    pages = 0


class KeyMissing(Unavailable):
    """A data key that was given out is gone: what it sealed cannot be read, and no other takes its place."""

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        super().__init__(
            f"密钥 {purpose} 曾经生成，现已缺失，不会另造；请从备份恢复 keys/vault/data，见 hubao keys status "
            "(a key that was given out is missing and is never made anew: restore the key folder)"
        )


class Refused(HubaoError):
    """The other side understood and said no."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


class BrokenSeal(HubaoError):
    """A sealed value does not open. Mute on purpose: the reason would help a forger."""

    def __init__(self) -> None:
        super().__init__("密文无法打开 (a sealed value does not open)")


class UnknownForm(HubaoError):
    """What is kept has a form of a newer program. It is whole: the program that wrote it, or a newer one, reads it."""

    def __init__(self, what: str, form: int, newest: int) -> None:
        super().__init__(
            f"{what}：由更新的程序写入（格式{form}，本程序只识别到{newest}）；请改用写入它的版本或更新的版本"
            f" (kept in form {form}, this program knows forms up to {newest}: use the one that wrote it or a newer one)"
        )


class NotAuthentic(HubaoError):
    """A message does not prove where it comes from. Mute on purpose: `part`, what was wrong, is for our log alone."""

    def __init__(self, part: str = "") -> None:
        self.part = part
        super().__init__("message is not authentic (验签未通过)")


class Conflict(HubaoError):
    """A compare-and-set lost: somebody else moved first."""
