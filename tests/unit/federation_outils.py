"""Testimonies written by hand, and the small directory in which they are merged."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from gateway.auth.decide import Decision
from gateway.auth.perimetre import Perimetre
from gateway.auth.rules import Finalite, Profil
from gateway.connectors.base import Dossier
from gateway.domain.liens import Connus
from gateway.domain.referentiel import LigneCommune, LigneMissionLocale, Referentiel
from gateway.domain.sceau import Sceau
from gateway.domain.statut import StatutApprenant
from gateway.federation.annuaire import Annuaire
from gateway.federation.attribution import Attribution
from gateway.federation.contexte import ContexteOperation
from gateway.federation.identifiants import Identifiants
from gateway.federation.liens import decider
from gateway.federation.merge import Fusion, fusionner
from gateway.federation.provenance import attacher
from gateway.federation.rapprochement import rapprocher
from gateway.federation.recolte import Recolte
from gateway.federation.temoignages import Temoignage
from gateway.federation.views import Droits, Vue, inscrire, retenir
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Contrat, Formation, Jeune, Rupture
from gateway.schema.scalaires import SIRET
from tests.access.outils import POLITIQUE, decision, viewer

JOUR = date(2026, 10, 15)
RECU = datetime(2026, 10, 15, 9, tzinfo=UTC)
UN, AUTRE = SIRET("73282932000074"), SIRET("35600000000048")
IDENTIFIANTS = Identifiants(Sceau(bytes(32)))
ANNUAIRE = Annuaire(
    Referentiel(
        communes={
            "60057": LigneCommune("60057", "Beauvais", ("60000",), "60", "32", "20", "60001"),
            "60175": LigneCommune("60175", "Creil", ("60100",), "60", "32", "20", "60002"),
            "60176": LigneCommune("60176", "Nogent", ("60100",), "60", "32", "20", "60001"),
        },
        missions_locales={
            code: LigneMissionLocale(1, code, f"Mission locale {code}", None, None, None) for code in ("60001", "60002")
        },
    ),
    IDENTIFIANTS,
)


def dit(
    source: str, cle: str = "1", locataire: str = "", modifie: datetime | None = None, **valeurs: Any
) -> Temoignage:
    """What a source says; its kind goes with its name, and the identity is always the same unless told."""
    nature = {"registre": TypeSource.REGISTRE_CONTRATS, "imilo": TypeSource.MISSION_LOCALE}.get(
        source, TypeSource.ERP_CFA
    )
    identite = {"nom": "Le Goff", "prenom": "Anaïs", "date_naissance": date(2006, 3, 7)}
    return Temoignage(source, nature, locataire, Dossier(cle, Jeune(**{**identite, **valeurs}), modifie), RECU)


def contrat(debut: date, fin: date = date(2027, 8, 31), rompu: date | None = None, **valeurs: Any) -> Contrat:
    return Contrat(date_debut=debut, date_fin=fin, rupture=Rupture(date=rompu) if rompu else None, **valeurs)


def session(debut: date, fin: date) -> Formation:
    return Formation(date_debut=debut, date_fin=fin)


def fusion(*temoignages: Temoignage, jour: date = JOUR) -> Fusion:
    (groupe,) = rapprocher(temoignages)
    return fusionner(groupe, ANNUAIRE, jour)


def statut(une: Fusion) -> StatutApprenant:
    assert une.jeune.statut is not None
    return une.jeune.statut.valeur


def provenance(une: Fusion) -> dict[tuple[str, str], tuple[bool, bool]]:
    """(field, source) -> (kept, contradicted), of the person, of its contracts and of its ruptures."""
    attacher(une)
    porteurs: list[Any] = [une.jeune, *une.contrats, *(c.rupture for c in une.contrats if c.rupture)]
    lignes = [ligne for porteur in porteurs for ligne in porteur.lignes or []]
    return {(ligne.champ, ligne.source): (ligne.retenue, ligne.divergente) for ligne in lignes}


def _vue(recolte: Recolte, droits: Droits) -> Vue:
    """Built as the gateway does, with a ledger of links that knows nothing yet."""
    retenues = retenir(recolte, droits, ANNUAIRE, JOUR)
    decision = decider(retenues.grappes, Connus(), ANNUAIRE.pseudonyme, RECU)
    return inscrire(retenues, Attribution(decision.objets, {}, {}, False), droits, ANNUAIRE, recolte)


@cache
def _liste() -> Decision:
    return decision(
        Profil.MISSION_LOCALE, "{ ruptures { totalCount pageInfo { endCursor } edges { node { id date etat } } } }"
    )


def contexte(temoignages: Sequence[Temoignage], code: str = "60001") -> ContexteOperation:
    """What a Mission locale may list of what was heard, its own system included."""
    perimetre = Perimetre(Profil.MISSION_LOCALE, code)
    droits = Droits(POLITIQUE, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, perimetre)
    recolte = Recolte(list(temoignages), suivi_entendu=frozenset({code}))
    return ContexteOperation(
        viewer=viewer(Profil.MISSION_LOCALE),
        droits=droits,
        decision=_liste(),
        annuaire=ANNUAIRE,
        identifiants=IDENTIFIANTS,
        jour=JOUR,
        etats=list,
        source_du_cfa=lambda uai: None,
        recolte=recolte,
        vue=_vue(recolte, droits),
    )
