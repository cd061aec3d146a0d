"""Who is counted: the account of a caller, and how many accounts a client acts as in a day. Knows no person.

The readings of all processes are counted exactly, in the store of the journal (stores/counters.py). Here each process bounds
what costs no reading too: guesses, and whatever is kept by account.
"""

from collections.abc import Callable
from datetime import date

from gateway.auth.authentication.clients import Viewer
from gateway.domain.quotas import Account, QuotaCrossed
from gateway.domain.seal import OpaqueIds


def account_of(viewer: Viewer, opaque_ids: OpaqueIds) -> Account:
    """The account of a caller, with its codes."""
    client, agent = viewer.client, viewer.account
    # The length says where the client ends: two clients never share an account, whatever they are called.
    return Account(
        client,
        agent,
        opaque_ids.stand_in(f"client/{client}"),
        opaque_ids.stand_in(f"compte/{len(client)}/{client}{agent}"),
    )


class DailyAccounts:
    """The accounts that each client acted as today, in this process. `tell` is told once a day of a client that has too many."""

    def __init__(self, tell: Callable[[QuotaCrossed], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self._day = date.min
        self._by_client: dict[str, set[str]] = {}

    def take(self, viewer: Viewer, day: date) -> QuotaCrossed | None:
        """None when a client may act as this account today."""
        if day != self._day:
            self._day = day
            self._by_client.clear()
            self._told.clear()
        accounts, limit = self._by_client.setdefault(viewer.client, set()), viewer.quotas.agents_a_day
        if viewer.account in accounts:
            return None
        if len(accounts) < limit:
            accounts.add(viewer.account)
            return None
        crossed = QuotaCrossed("AGENTS", viewer.client, len(accounts), limit, arret=True)
        if viewer.client not in self._told:
            self._told.add(viewer.client)
            self._tell(crossed)
        return crossed
