"""What waits for a person, and is in no figure until it is answered."""

from __future__ import annotations

import msgspec

from gateway.model.money import yuan


class WaitingBills(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What figures about some people leave out. `bills`: bills and refunds that a question, a hold or quarantine keeps
    waiting, and `amount` their totals in fen, refunds without their sign; `held`: people for whom a hold keeps what
    stands; `unopened`: stored bills that do not open and are waited for no longer, counted in `bills` too.
    """

    bills: int = 0
    amount: int = 0
    held: int = 0
    unopened: int = 0

    def plus(self, further: WaitingBills) -> WaitingBills:
        """This and what waits of other people's."""
        return WaitingBills(
            bills=self.bills + further.bills,
            amount=self.amount + further.amount,
            held=self.held + further.held,
            unopened=self.unopened + further.unopened,
        )

    def plain(self) -> dict[str, int | str]:
        """As JSON tells it, the amount in yuan."""
        return {"bills": self.bills, "amount": yuan(self.amount), "held": self.held, "unopened": self.unopened}
