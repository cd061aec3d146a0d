"""The texts of refusals for callers: the category asked for and what would open it. Never a value. Pure."""

from collections.abc import Set

from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.acts import Acte
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, Finalite
from gateway.errors import Code, WriteRefused


def field_refused(coordinate: str, refused: CategorieDonnee, viewer: Viewer, policy: AccessPolicy) -> str:
    """The reason why the field of that coordinate is null."""
    request = f"Le champ {coordinate.partition('.')[2]} demande la catégorie {refused.value}"
    missing = _missing(refused, viewer, policy)
    if viewer.finalite is None:
        return f"{request}. {missing}"
    profil, finalite = viewer.profil.value, viewer.finalite.value
    return f"{request}, que le profil {profil} ne lit pas pour la finalité {finalite}. {missing}"


def criterion_refused(path: str, refused: CategorieDonnee, viewer: Viewer, policy: AccessPolicy) -> str:
    """The reason why an operation that filters or sorts by `path` is refused."""
    request = f"Le critère {path} demande la catégorie {refused.value} pour toutes les personnes du périmètre"
    who = f"le profil {viewer.profil.value}"
    if refused in policy.categories(viewer.profil, viewer.finalite, viewer.perimetre.profil):
        return f"{request} : {who} ne la lit que pour certaines."
    return f"{request} : {who} ne la lit pas. {_missing(refused, viewer, policy)}"


def check_act(acts: Set[Acte], viewer: Viewer, policy: AccessPolicy) -> None:
    """Raises WriteRefused when a caller may do none of these acts for its purpose."""
    profil, comme = viewer.profil, viewer.perimetre.profil
    if acts & policy.acts(profil, viewer.finalite, comme):
        return
    useful = [f.value for f in viewer.finalites if acts & policy.acts(profil, f, comme)]
    if useful and viewer.finalite is None:
        raise WriteRefused(f"Écrire demande la finalité {' ou '.join(useful)}, par X-Finalite.", Code.FINALITE_REQUISE)
    wanted = " ou ".join(sorted(acte.value for acte in acts))
    purpose = f" pour la finalité {viewer.finalite.value}" if viewer.finalite else ""
    raise WriteRefused(f"Le profil {profil.value} ne fait pas {wanted}{purpose}.", Code.ACTE_REFUSE)


def useful_finalites(refused: CategorieDonnee, viewer: Viewer, policy: AccessPolicy) -> list[str]:
    """The purposes that the register grants to the caller and that would open the category."""
    return [
        f.value for f in viewer.finalites if refused in policy.categories(viewer.profil, f, viewer.perimetre.profil)
    ]


def _missing(refused: CategorieDonnee, viewer: Viewer, policy: AccessPolicy) -> str:
    useful = useful_finalites(refused, viewer, policy)
    if useful:
        return f"Il faut déclarer la finalité {' ou '.join(useful)} par X-Finalite."
    granting = [f.value for f in Finalite if refused in policy.categories(viewer.profil, f, viewer.perimetre.profil)]
    if granting:
        return f"Il faudrait que le registre accorde à ce client la finalité {' ou '.join(granting)}."
    return "Aucune finalité ne l'ouvre à ce profil."
