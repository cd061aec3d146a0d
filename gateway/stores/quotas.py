"""Who read how many distinct persons, counted exactly, in the transaction that writes the journal. SQL, no rule.

One row a reader and a person, with the last day: a person read again in the window does not count again.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    or_,
    select,
)

from gateway.domain.quotas import MARGE, Comptage, Franchissement, Plafond, juger
from gateway.stores.sql import insertion

_tables = MetaData()
LUES = Table(
    "quota_lues",
    _tables,
    Column("portee", String(16), primary_key=True),
    Column("qui", String(256), primary_key=True),
    Column("personne", BigInteger, primary_key=True, autoincrement=False),
    Column("jour", Date, nullable=False),  # of the last reading
    Index("quota_par_jour", "portee", "qui", "jour"),
    sqlite_with_rowid=False,
)
POPULATIONS = Table(  # how many persons a perimeter had, the most seen that day
    "quota_populations",
    _tables,
    Column("qui", String(256), primary_key=True),
    Column("jour", Date, primary_key=True),
    Column("nombre", Integer, nullable=False),
)
TABLES = tuple(_tables.sorted_tables)
COMPTEES_MAX = 500_000
CLE = ["portee", "qui", "personne"]


class Comptees:
    """Who is known here to be counted today: that never changes in a day, so it need not be read again. Bounded."""

    def __init__(self) -> None:
        self._par_lecteur: dict[tuple[str, str, date], set[int]] = {}

    def toutes(self, comptage: Comptage, personnes: Sequence[int]) -> bool:
        return all(self._par_lecteur.get(_lecteur(p), set()).issuperset(personnes) for p in comptage.plafonds)

    def retenir(self, comptage: Comptage, personnes: Sequence[int]) -> None:
        """To be told once they are written for good."""
        if sum(map(len, self._par_lecteur.values())) > COMPTEES_MAX:
            self._par_lecteur.clear()
        for plafond in comptage.plafonds:
            self._par_lecteur.setdefault(_lecteur(plafond), set()).update(personnes)


def compter(connexion: Connection, comptage: Comptage, personnes: Sequence[int]) -> list[Franchissement]:
    """Count persons as read today under every quota, unless one of them refuses: then nothing is counted."""
    franchis: list[Franchissement] = []
    lignes: list[dict[str, Any]] = []
    derniers = _derniers(connexion, comptage.plafonds, personnes)
    for plafond in comptage.plafonds:
        connues = derniers[plafond.portee]
        nouvelles = sum(connues.get(personne, date.min) < plafond.depuis for personne in personnes)
        if nouvelles:
            borne = _borne(connexion, plafond, comptage)
            franchis += juger(plafond, _deja(connexion, plafond), nouvelles, borne)
        lignes += [_ligne(plafond, personne) for personne in personnes if connues.get(personne) != plafond.jusqua]
    if lignes and not any(franchi.arret for franchi in franchis):
        ajout = insertion(connexion, LUES)
        maj = ajout.on_conflict_do_update(index_elements=CLE, set_={"jour": ajout.excluded.jour})
        connexion.execute(maj, lignes)
    return franchis


def oublier_avant(connexion: Connection, jour: date) -> None:
    """Forget readings and populations of before a day."""
    for table in TABLES:
        connexion.execute(delete(table).where(table.c.jour < jour))


def _derniers(
    connexion: Connection, plafonds: Sequence[Plafond], personnes: Sequence[int]
) -> dict[str, dict[int, date]]:
    """The last day each of these persons was read, under each quota."""
    siennes = or_(*((LUES.c.portee == plafond.portee) & (LUES.c.qui == plafond.qui) for plafond in plafonds))
    requete = select(LUES.c.portee, LUES.c.personne, LUES.c.jour).where(siennes & LUES.c.personne.in_(personnes))
    derniers: dict[str, dict[int, date]] = {plafond.portee: {} for plafond in plafonds}
    for lue in connexion.execute(requete):
        derniers[lue.portee][lue.personne] = lue.jour
    return derniers


def _deja(connexion: Connection, plafond: Plafond) -> int:
    """How many persons were read in the window."""
    siennes = (LUES.c.portee == plafond.portee) & (LUES.c.qui == plafond.qui) & (LUES.c.jour >= plafond.depuis)
    return int(connexion.scalar(select(func.count()).where(siennes)) or 0)


def _borne(connexion: Connection, plafond: Plafond, comptage: Comptage) -> int:
    """The limit; without a number, it follows the largest population seen: a source that is down makes nobody fewer."""
    if plafond.limite is not None:
        return plafond.limite
    vue = {"qui": comptage.perimetre, "jour": plafond.jusqua, "nombre": comptage.population}
    ajout = insertion(connexion, POPULATIONS).values(**vue)
    nombre = ajout.excluded.nombre
    maj = ajout.on_conflict_do_update(
        index_elements=["qui", "jour"], set_={"nombre": nombre}, where=nombre > POPULATIONS.c.nombre
    )
    connexion.execute(maj)
    siennes = (POPULATIONS.c.qui == comptage.perimetre) & (POPULATIONS.c.jour >= plafond.depuis)
    return int(MARGE * (connexion.scalar(select(func.max(POPULATIONS.c.nombre)).where(siennes)) or 0))


def _lecteur(plafond: Plafond) -> tuple[str, str, date]:
    return plafond.portee, plafond.qui, plafond.jusqua


def _ligne(plafond: Plafond, personne: int) -> dict[str, Any]:
    return {"portee": plafond.portee, "qui": plafond.qui, "personne": personne, "jour": plafond.jusqua}
