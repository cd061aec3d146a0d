"""An answer as a value: data, errors of the closed list, extensions. Knows no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.auth.decide import Refus
from gateway.auth.motifs import champ_refuse, finalites_utiles
from gateway.auth.politique import Politique
from gateway.auth.viewer import Viewer
from gateway.errors import Code, ErreurAppelant, ErreurSource

Erreur = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reponse:
    """`refusee`: nothing was executed; the document has no `data` (GraphQL-over-HTTP, request error)."""

    data: Any
    erreurs: list[Erreur] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    refusee: bool = False

    def corps(self, identifiant: str) -> dict[str, Any]:
        """The JSON document of the answer; `identifiant` lets a caller name it to the operator."""
        for erreur in self.erreurs:
            erreur["extensions"]["requestId"] = identifiant
        corps: dict[str, Any] = {"errors": self.erreurs} if self.erreurs else {}
        if not self.refusee:
            corps["data"] = self.data
        return corps | ({"extensions": self.extensions} if self.extensions else {})


def reponse_sans_donnee(erreur: ErreurAppelant) -> Reponse:
    """The whole operation is refused for what it selects by: answered, with nothing (ANSWERS 13)."""
    return Reponse(None, [erreur_graphql(erreur)])


def reponse_refusee(cause: Exception) -> Reponse:
    """The whole operation is refused before any work."""
    return Reponse(None, [erreur_graphql(cause)], refusee=True)


def erreur_graphql(cause: Exception, chemin: Sequence[str | int] | None = None) -> Erreur:
    """The caller's errors are shown as they are; ours say only that they are ours."""
    if isinstance(cause, ErreurAppelant):
        return error_entry(str(cause), cause.code, chemin)
    return error_entry("Erreur interne de la passerelle.", Code.ERREUR_INTERNE, chemin)


def erreur_refus(refus: Refus, viewer: Viewer, politique: Politique) -> Erreur:
    """One refused path pattern; list indexes are left out of it. A purpose not declared is said as such (ANSWERS 15)."""
    a_declarer = viewer.finalite is None and finalites_utiles(refus.categorie, viewer, politique)
    texte = champ_refuse(refus.coordonnee, refus.categorie, viewer, politique)
    return error_entry(texte, Code.FINALITE_REQUISE if a_declarer else Code.CHAMP_REFUSE, list(refus.chemin))


def erreur_de_source(erreur: ErreurSource, racines: Sequence[str]) -> Erreur:
    """One failed source, whatever the number of its rows; the root fields that miss it are listed."""
    brute = error_entry(str(erreur), erreur.code, list(racines[:1]))
    brute["extensions"] |= {"source": erreur.source, "chemins": [[racine] for racine in racines]}
    return brute


def erreur_secourue(erreur: ErreurSource, racines: Sequence[str], age: int) -> Erreur:
    """A failed source whose earlier answer is shown: rows are there, what it would say now may be missing."""
    brute = erreur_de_source(erreur, racines)
    brute["message"] += f" ; sa dernière réponse, d'il y a {age} s au plus, est montrée"
    brute["extensions"] |= {"cache": "perime", "ageSecondes": age}
    return brute


def error_entry(message: str, code: Code, path: Sequence[str | int] | None = None) -> Erreur:
    """One entry of `errors`, as every body of an error has it."""
    entry: Erreur = {"message": message, "extensions": {"code": code.value}}
    return entry | ({"path": list(path)} if path else {})


def annuler(data: Any, chemins: Sequence[Sequence[str]]) -> Any:
    """Set to null the paths decided so: a refused field that was never read, an object left with nothing granted."""
    for chemin in chemins:
        _annuler(data, chemin)
    return data


def _annuler(data: Any, chemin: Sequence[str]) -> None:
    if isinstance(data, list):
        for element in data:
            _annuler(element, chemin)
    elif isinstance(data, dict) and chemin and chemin[0] in data:
        if len(chemin) == 1:
            data[chemin[0]] = None
        else:
            _annuler(data[chemin[0]], chemin[1:])
