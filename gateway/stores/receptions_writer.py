"""Writes what one body of an ERP made, within a transaction: dossiers, lines of validation, counts, versions of CFAs.

A body is one parameter of each statement: its keys as two thousand of them would keep the interpreter from whoever reads
meanwhile, for as long as the database works.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, FromClause, delete, func, select, update

from gateway.stores.reception_tables import (
    CFAS,
    DAYS,
    DOSSIERS,
    ERASED,
    ERRORS,
    TRANSMISSIONS,
    ReceivedDossier,
    Transmission,
)
from gateway.stores.sql import batches, insertion, pairs_table, storable

BATCH = 500  # rows of one statement: both databases accept 32,000 parameters


def record(
    connection: Connection, transmission: Transmission, dossiers: Sequence[ReceivedDossier], now: str
) -> frozenset[str]:
    """Keep a transmission; the UAIs of which something changed."""
    uais = sorted({dossier.uai for dossier in dossiers} | {transmission.organisme})
    for uai in uais:  # first: whoever transmits for the same CFA waits here
        _transmitted(connection, uai, now)
    sent = _sent(connection, dossiers)
    if erased := _erased(connection, sent, now):
        dossiers = [dossier for dossier in dossiers if dossier.key not in erased]
        sent = _sent(connection, dossiers)
    changed = _changed(connection, dossiers, sent, now)
    for batch in batches(changed, BATCH):
        _upsert(connection, batch, now)
    moved = frozenset(dossier.uai for dossier in changed)
    change_versions(connection, moved)
    _account(connection, transmission)
    return moved


def _transmitted(connection: Connection, uai: str, now: str) -> None:
    insert = insertion(connection, CFAS).values(uai=uai, version=0, transmis_le=now)
    connection.execute(insert.on_conflict_do_update(index_elements=["uai"], set_={"transmis_le": now}))
    of_day = insertion(connection, DAYS).values(uai=uai, jour=now[: len("2026-10-15")])
    connection.execute(of_day.on_conflict_do_nothing())


def change_versions(connection: Connection, uais: Iterable[str]) -> None:
    """Tell every process that what these CFAs say has changed."""
    for uai in sorted(uais):
        connection.execute(update(CFAS).where(CFAS.c.uai == uai).values(version=CFAS.c.version + 1))


def _sent(connection: Connection, dossiers: Sequence[ReceivedDossier]) -> FromClause:
    """The dossiers of a body as a table: their keys, and what stands for what each says."""
    return pairs_table(connection, [(dossier.key, dossier.digest) for dossier in dossiers])


def _erased(connection: Connection, sent: FromClause, now: str) -> frozenset[str]:
    """The keys of those that were erased: remembered as long as their ERP sends them again."""
    found = frozenset(connection.scalars(select(ERASED.c.cle).where(ERASED.c.cle == sent.c.nom)))
    for batch in batches(sorted(found), BATCH):
        connection.execute(update(ERASED).where(ERASED.c.cle.in_(batch)).values(vue_le=now))
    return found


def _changed(
    connection: Connection, dossiers: Sequence[ReceivedDossier], sent: FromClause, now: str
) -> list[ReceivedDossier]:
    """Those that are not kept as they are; the others were received again."""
    same = (DOSSIERS.c.cle == sent.c.nom) & (DOSSIERS.c.empreinte == sent.c.groupe)
    connection.execute(update(DOSSIERS).where(same).values(recu_le=now))
    # One row rather than two thousand, most nights.
    if connection.scalar(select(func.count(DOSSIERS.c.cle)).where(same)) == len(dossiers):
        return []
    kept = frozenset(connection.scalars(select(DOSSIERS.c.cle).where(same)))
    return [dossier for dossier in dossiers if dossier.key not in kept]


def _upsert(connection: Connection, dossiers: Iterable[ReceivedDossier], now: str) -> None:
    rows = [
        {
            "cle": one.key,
            "uai": one.uai,
            "empreinte": one.digest,
            "recu_le": now,
            "change_le": now,
            "scelle": one.sealed,
        }
        for one in dossiers
    ]
    insert = insertion(connection, DOSSIERS)
    set_ = {name: insert.excluded[name] for name in ("uai", "empreinte", "recu_le", "change_le", "scelle")}
    connection.execute(insert.on_conflict_do_update(index_elements=["cle"], set_=set_), rows)


def _account(connection: Connection, transmission: Transmission) -> None:
    """The same body, the same day, is one transmission that was sent again."""
    key = {"organisme": transmission.organisme, "jour": transmission.jour, "empreinte": transmission.digest}
    counts = Counter(
        acceptes=transmission.acceptes, partiels=transmission.partiels, rejetes=transmission.rejetes, rejoues=0
    )
    insert = insertion(connection, TRANSMISSIONS).values({**key, **counts})
    again = {
        "rejoues": TRANSMISSIONS.c.rejoues + 1,
        **{name: counts[name] for name in ("acceptes", "partiels", "rejetes")},
    }
    connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=again))
    same = [ERRORS.c[name] == value for name, value in key.items()]
    connection.execute(delete(ERRORS).where(*same))
    rows = [
        {
            **key,
            "id_erp": storable(error.id_erp, 64),
            "annee": storable(error.annee, 32),
            "champs": error.champs,
            "message": error.message,
        }
        for error in transmission.errors
    ]
    for batch in batches(rows, BATCH):
        connection.execute(ERRORS.insert(), list(batch))
