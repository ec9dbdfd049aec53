"""What a claim still needs (尚缺材料): what no settlement can tell, each with why and by which article."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal

import msgspec

from gateway.core.schemes.language.edition import Papers
from gateway.words.claims import BANK_ACCOUNT, CONSENT, CONSENT_ARTICLE, TRANSFER_PROOF, WHY_NEEDED

_EVENT_RULES: Final = frozenset({"lump_sum", "consolation"})
_OF_CARE: Final = frozenset({"emergency", "outpatient_special"})


class Needed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing the association must still get: `situation` says when it is asked for (policy A12)."""

    code: Literal["bank_account", "consent", "paper", "transfer_proof"]
    situation: str
    text: str
    why: str
    article: str | None


def situations_of(
    *, care: Collection[str | None], flags: Collection[str], rules: Iterable[str], unit: str, at_event: bool = False
) -> set[str]:
    """The situations of a claim that ask for papers of their own. `care`: kinds of care of its settlements; `rules`:
    of its lines; `unit`: what it is about where that is no stay."""
    situations = {"always"} | {kind for kind in care if kind in _OF_CARE}
    if "referral_to_confirm" in flags:
        situations.add("referral")
    if at_event or unit.startswith("event/") or not _EVENT_RULES.isdisjoint(rules):
        situations.add("death" if unit.endswith("/death") else "diagnosis")
    return situations


def still_needed(situations: Collection[str], flags: Collection[str], papers: Sequence[Papers]) -> list[Needed]:
    """What is still needed, in the order of the edition's file behind what every claim needs."""
    payee = _needed("bank_account", "death" if "death" in situations else "always", BANK_ACCOUNT)
    needed = [payee, _needed("consent", "always", CONSENT, CONSENT_ARTICLE)]
    if "transfer_to_confirm" in flags:
        needed.append(_needed("transfer_proof", "transfer", TRANSFER_PROOF))
    for group in papers:
        if group.situation in situations:
            why = WHY_NEEDED[group.situation]
            needed += [_needed("paper", group.situation, (item, why), group.article) for item in group.items]
    return needed


def _needed(
    code: Literal["bank_account", "consent", "paper", "transfer_proof"],
    situation: str,
    words: tuple[str, str],
    article: str | None = None,
) -> Needed:
    return Needed(code=code, situation=situation, text=words[0], why=words[1], article=article)
