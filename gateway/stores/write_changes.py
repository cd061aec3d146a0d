"""What becomes of a write that is kept, at the will of its organisation. SQL over a connection passed in."""

from sqlalchemy import Connection, func, select, update

from gateway.stores.write_store import FAILED, HELD, WAITING, WITHDRAWN, KeptWrite
from gateway.stores.write_tables import WRITES


def withdraw(connection: Connection, kept: KeptWrite) -> bool:
    """Take back a write that no partner received: what it says is no longer said. False where one did, or may have."""
    if kept.etat not in (WAITING, HELD, FAILED) or kept.uncertain:
        return False
    connection.execute(update(WRITES).where(WRITES.c.id == kept.id).values(etat=WITHDRAWN))
    return True


def resume(connection: Connection, kept: KeptWrite) -> bool:
    """Send again, behind the others of its person, a write that could not be sent. False for any other."""
    if kept.etat != FAILED:
        return False
    mine = select(WRITES.c.sujet).where(WRITES.c.id == kept.id).scalar_subquery()
    last = int(connection.scalar(select(func.max(WRITES.c.rang)).where(WRITES.c.sujet == mine)) or 0)
    again = {"etat": WAITING, "rang": last + 1, "essais": 0, "prochain": 0.0, "motif": ""}
    connection.execute(update(WRITES).where(WRITES.c.id == kept.id).values(again))
    return True
