"""What a caller is told of a refusal: the category asked for and what would open it. Never a value. Pure."""

from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee, Finalite
from gateway.auth.viewer import Viewer


def champ_refuse(coordonnee: str, refusee: CategorieDonnee, viewer: Viewer, politique: Politique) -> str:
    """Why the field of that coordinate is null."""
    demande = f"Le champ {coordonnee.partition('.')[2]} demande la catégorie {refusee.value}"
    manque = _manque(refusee, viewer, politique)
    if viewer.finalite is None:
        return f"{demande}. {manque}"
    profil, finalite = viewer.profil.value, viewer.finalite.value
    return f"{demande}, que le profil {profil} ne lit pas pour la finalité {finalite}. {manque}"


def critere_refuse(chemin: str, refusee: CategorieDonnee, viewer: Viewer, politique: Politique) -> str:
    """Why an operation that filters or sorts by `chemin` is refused."""
    demande = f"Le critère {chemin} demande la catégorie {refusee.value} pour toutes les personnes du périmètre"
    qui = f"le profil {viewer.profil.value}"
    if refusee in politique.categories(viewer.profil, viewer.finalite):
        return f"{demande} : {qui} ne la lit que pour certaines."
    return f"{demande} : {qui} ne la lit pas. {_manque(refusee, viewer, politique)}"


def finalites_utiles(refusee: CategorieDonnee, viewer: Viewer, politique: Politique) -> list[str]:
    """The purposes that the register grants to the caller and that would open the category."""
    return [f.value for f in viewer.finalites if refusee in politique.categories(viewer.profil, f)]


def _manque(refusee: CategorieDonnee, viewer: Viewer, politique: Politique) -> str:
    utiles = finalites_utiles(refusee, viewer, politique)
    if utiles:
        return f"Il faut déclarer la finalité {' ou '.join(utiles)} par X-Finalite."
    ouvrantes = [f.value for f in Finalite if refusee in politique.categories(viewer.profil, f)]
    if ouvrantes:
        return f"Il faudrait que le registre accorde à ce client la finalité {' ou '.join(ouvrantes)}."
    return "Aucune finalité ne l'ouvre à ce profil."
