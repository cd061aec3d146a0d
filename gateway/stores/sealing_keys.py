"""Which keys have sealed what is kept, by their names: one that was taken away too early is told from damage. Knows no row.

The name of a key tells nothing of it (`Sealer.name`). A process notes its own before it seals anything; `cle tourner` takes the
others away once nothing is sealed by them. They stand beside the copy of the registry, which every gateway has.
"""

from collections.abc import Sequence

from sqlalchemy import Column, Connection, MetaData, String, Table, delete, inspect, select

from gateway.domain.seal import NAME_LENGTH, Sealer
from gateway.errors import ConfigurationError
from gateway.stores.sql import insertion

NAMES = Table("registre_cles", MetaData(), Column("nom", String(NAME_LENGTH), primary_key=True))

DAMAGED = (
    "altérée : aucune clé ne manque, et rien ne s'y ouvre ; la rendre d'une sauvegarde, ou la supprimer et moissonner"
)
UNOPENED = "que n'ouvre aucune clé de GATEWAY_CLES : y ajouter celle qui manque, ou moissonner"


def require_keys(connection: Connection, sealer: Sealer) -> bool:
    """Whether it is known which keys are needed; data of before they were noted does not tell. Raises ConfigurationError when one
    lacks: what it sealed would be taken for damaged."""
    noted = _noted(connection)
    if missing := noted - set(_ours(sealer)):
        raise ConfigurationError(
            f"GATEWAY_CLES : {len(missing)} clé(s) qui ont scellé ce qui est gardé n'y sont pas ; "
            "les remettre, puis « python -m gateway cle tourner » (docs/cles.md)"
        )
    return bool(noted)


def note_keys(connection: Connection, sealer: Sealer) -> None:
    """Note the key that seals from now on; where none was noted, each that may have sealed."""
    noted, ours = _noted(connection), _ours(sealer)
    for name in set(ours[:1] if noted else ours) - noted:
        connection.execute(insertion(connection, NAMES).values(nom=name).on_conflict_do_nothing())


def forget_keys(connection: Connection, sealer: Sealer) -> None:
    """Nothing is sealed any more but by the first key."""
    if inspect(connection).has_table(NAMES.name):
        connection.execute(delete(NAMES).where(NAMES.c.nom != _ours(sealer)[0]))


def _noted(connection: Connection) -> set[str]:
    return set(connection.scalars(select(NAMES.c.nom)))


def _ours(sealer: Sealer) -> Sequence[str]:
    return [one.name for one in sealer.ring]
