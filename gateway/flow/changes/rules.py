"""What conclusions rest on beside the facts, taken from the site once a transaction."""

from __future__ import annotations

from gateway.core.changes import Rules
from gateway.core.schemes import could_pay_any, in_order_of_payment
from gateway.flow.office import Office
from gateway.store.values import to_ms


def rules_of(office: Office) -> Rules:
    """The site's schemes and keyed digests, and the instant it is."""
    families = {name: in_order_of_payment(office.families(name)) for name in office.associations}
    return Rules(
        families=families.__getitem__,
        could_pay=lambda association, record: could_pay_any(record, families[association], refund=record.reversal),
        record_key=office.record_key,
        number_key=office.number_key,
        digest_content=office.vault.digest_content,
        digest_doubt=office.vault.fingerprinter("doubt"),
        digest_stay=office.vault.digest_stay,
        now_ms=to_ms(office.now()),
        first_version=office.first_version,
    )
