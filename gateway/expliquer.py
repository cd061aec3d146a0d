"""Explains an operation without executing it: its cost, what is refused of it, which sources it asks, its functions.

Needs no configuration: the perimeter is that of a profile, not of an organisation.
"""

from gateway.auth.decide import Decision, decider
from gateway.auth.motifs import champ_refuse
from gateway.auth.perimetre import Perimetre
from gateway.auth.politique import Politique, lire_politique
from gateway.auth.rules import Finalite, Profil
from gateway.auth.viewer import Viewer
from gateway.documents import Documents
from gateway.errors import ErreurAppelant, ErreurConfiguration
from gateway.execution.ecriture import NonCouvert
from gateway.execution.plans import planifier
from gateway.federation.plan import besoin_de_vue
from gateway.limits import mesurer
from gateway.schema.build import construire, graphe
from gateway.schema.tables import TOLD_BY_MISSION_LOCALE

COURTS = {"ml": Profil.MISSION_LOCALE, "reseau": Profil.TETE_DE_RESEAU, "admin": Profil.ADMINISTRATEUR}


def expliquer(texte: str, profil: str) -> str:
    """What would be done of a query for a profile (`ml`, `cfa`, `france-travail`…). Raises ErreurConfiguration."""
    schema, politique = graphe(construire()), lire_politique()
    viewer = _viewer(profil, politique)
    try:
        document = Documents(schema).lire(texte, None)
        variables = document.variables(schema, {}).coerced
        cout = mesurer(document.forme, variables)
        decision = decider(schema, document.arbre, document.operation, variables, viewer, politique)
    except ErreurAppelant as erreur:
        raise ErreurConfiguration(f"requête refusée ({erreur.code.value}) : {erreur}") from None
    try:
        sources = planifier(schema, document, frozenset(chemin for chemin, _ in decision.nuls), variables).sources
    except NonCouvert as raison:
        sources = [f"# exécutée par graphql-core : {raison}"]
    return "\n\n".join(
        [f"coût : {cout}", _refused_fields(decision, viewer, politique), f"sources : {_demandees(decision)}", *sources]
    )


def _viewer(nom: str, politique: Politique) -> Viewer:
    profil = COURTS.get(nom) or Profil.__members__.get(nom.upper().replace("-", "_"))
    if profil is None:
        raise ErreurConfiguration(f"profil {nom} : inconnu")
    utiles = [finalite for finalite in Finalite if politique.lignes(profil, finalite)]
    return Viewer("", "", profil, "", "", tuple(utiles), utiles[0] if utiles else None, Perimetre(profil, ""))


def _refused_fields(decision: Decision, viewer: Viewer, politique: Politique) -> str:
    lignes = [
        f"  {'.'.join(refus.chemin)} : {champ_refuse(refus.coordonnee, refus.categorie, viewer, politique)}"
        for refus in decision.refus
    ]
    return "\n".join(["refusés :", *lignes]) if lignes else "refusés : aucun"


def _demandees(decision: Decision) -> str:
    if not besoin_de_vue(decision):
        return "aucune"
    suivi = " ; le suivi des Missions locales" if decision.coordonnees & TOLD_BY_MISSION_LOCALE else ""
    return f"les ERP des CFA du périmètre ; le registre des contrats{suivi}"
