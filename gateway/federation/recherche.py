"""Who, in a view, may be the one that a caller looks for by identity. Pure; knows no mask."""

from datetime import date

from gateway.domain.identity import Traits
from gateway.domain.recherche import CANDIDATS_MAX, Candidat
from gateway.domain.ressemblance import Niveau, bareme
from gateway.errors import RequeteInvalide
from gateway.federation.views import Vue

CHERCHEUR = ("", "")  # the installation of whoever searches: no source


def chercher(vue: Vue, nom: str, prenom: str, naissance: date) -> list[tuple[Candidat, Niveau]]:
    """CANDIDATS_MAX at most, the most alike first, then those whose records only looked like theirs.

    Raises RequeteInvalide for a name without letters.
    """
    cherche = Traits(CHERCHEUR, "", (nom,), prenom, naissance)
    if not cherche.lettres or not cherche.lettres_prenom:
        raise RequeteInvalide("La recherche demande un nom et un prénom qui ont des lettres.")
    trouves = {candidat.personne: candidat for candidat in vue.repertoire.chercher(cherche)}
    offerts = {un.personne: un for trouve in trouves.values() for un in _a_confirmer(vue, trouve)}
    reponses = [(un, bareme().niveau(un.ressemblance.score) or Niveau.A_CONFIRMER) for un in trouves.values()]
    reponses += [(un, Niveau.A_CONFIRMER) for cle, un in offerts.items() if cle not in trouves]
    return reponses[:CANDIDATS_MAX]


def _a_confirmer(vue: Vue, trouve: Candidat) -> list[Candidat]:
    """The persons of the view with a record that looked like one of a person found, not enough to be joined."""
    liens = vue.personnes[trouve.personne].fusion.groupe.douteux
    bouts = [(vue.repertoire.personne(bout), lien.ressemblance) for lien in liens for bout in (lien.un, lien.autre)]
    return [Candidat(cle, ressemblance) for cle, ressemblance in bouts if cle]
