"""What tests of stable ids are written with: records told by hand, joined or not, read through the real store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from gateway.connectors.base import Dossier
from gateway.domain.sceau import Sceau
from gateway.federation.attribution import Attributeur, Attribution
from gateway.federation.grappes import grappe_de_personne, identites_partagees
from gateway.federation.identifiants import Identifiants
from gateway.federation.rapprochement import Groupe, rapprocher
from gateway.federation.temoignages import Temoignage
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Contrat, Jeune
from gateway.stores.liens import Liens

T0 = datetime(2026, 10, 1, 9, tzinfo=UTC)
IDENTIFIANTS = Identifiants(Sceau(bytes(32)))
NATURES = {"registre": TypeSource.REGISTRE_CONTRATS, "imilo": TypeSource.MISSION_LOCALE}


def dit(source: str, cle: str = "1", locataire: str = "", **valeurs: Any) -> Temoignage:
    """A record; the registry's has one contract, numbered as the record is called."""
    dits = {"nom": "Le Goff", "prenom": "Anaïs", "date_naissance": date(2006, 3, 7), **valeurs}
    if source == "registre":
        dits.setdefault("contrats", [Contrat(numero=cle, date_debut=date(2025, 9, 1))])
    nature = NATURES.get(source, TypeSource.ERP_CFA)
    return Temoignage(source, nature, locataire, Dossier(cle, Jeune(**dits)), T0)


def ensemble(*temoignages: Temoignage) -> Groupe:
    """A group, whatever joined it: the rules of joining are not what is tried here."""
    return Groupe("", tuple(sorted(temoignages, key=lambda temoignage: temoignage.rang)))


@dataclass(slots=True)
class Lecteur:
    """One process that reads: its attributor, over a ledger that others may share."""

    attributeur: Attributeur
    dernier: Attribution | None = None

    async def lire(self, *groupes: Groupe, apres: Sequence[Groupe] = (), complete: bool = True) -> list[str]:
        """The id of each group; `apres`: groups heard but out of the view; not `complete`: a source was not heard."""
        partagees = identites_partagees([*groupes, *apres], complete)
        grappes = [grappe_de_personne(groupe, partagees, IDENTIFIANTS.pseudonyme) for groupe in groupes]
        self.dernier = await self.attributeur.attribuer(grappes, ())
        return [self.dernier.objet(grappe) for grappe in grappes]

    async def joindre(self, *temoignages: Temoignage) -> list[str]:
        """The ids of the persons that today's joining makes of records."""
        return await self.lire(*rapprocher(temoignages))

    async def un(self, *temoignages: Temoignage) -> str:
        """The id of records that speak of one person."""
        (objet,) = await self.lire(ensemble(*temoignages))
        return objet

    def anciens(self) -> dict[str, str]:
        assert self.dernier is not None
        return dict(self.dernier.anciens)

    def a(self, instant: datetime) -> "Lecteur":
        """The same ledger, read at another instant."""
        return Lecteur(replace(self.attributeur, maintenant=lambda: instant))


def deriver(texte: str) -> str:
    return IDENTIFIANTS.pseudonyme(f"objet|{texte}")


def lecteur(magasin: Any, echecs: list[int] | None = None, delai: float = 30.0) -> Lecteur:
    """A process over a store; each reading without it adds to `echecs`."""
    compte = [] if echecs is None else echecs
    return Lecteur(Attributeur(magasin, deriver, lambda: T0, lambda: compte.append(1), delai))


def grand_livre(dossier: Path) -> Liens:
    return Liens(f"sqlite+aiosqlite:///{dossier / 'liens.sqlite'}")
