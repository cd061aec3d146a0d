"""Accounts of tests: any name, and the codes that counters would hold of it."""

from hashlib import sha256

from gateway.domain.quota_rules import Account


def account(agent: str = "a", client: str = "client") -> Account:
    codes = (sha256(text.encode()).hexdigest()[:32] for text in (client, f"{client}/{agent}"))
    return Account(client, agent, *codes)
