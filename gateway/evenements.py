"""POST /evenements/{partenaire}: a partner says that something changed. Knows no source and no person; answers nothing."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.entree import Irrecevable, lire_corps
from gateway.garde import refusal, retry_after
from gateway.sources.appels import Appel, Issue, Receveur

OCTETS_MAX = 8 * 1024

REFUSALS = {
    Issue.REFUSE: (401, "Appel non signé, mal signé, ou trop ancien.", {}),
    Issue.ILLISIBLE: (400, "Appel signé mais illisible.", {}),
    Issue.MUET: (503, "L'événement n'a pas pu être pris en compte : le renvoyer.", retry_after()),
}


def chemin_des_appels(receveur: Receveur) -> Route:
    """The route; an unknown partner is refused as a wrong signature is."""

    async def recevoir(request: Request) -> Response:
        try:
            corps = await lire_corps(request, OCTETS_MAX)
        except Irrecevable as erreur:
            return refusal(erreur.statut, str(erreur))
        entetes = request.headers
        appel = Appel(entetes.get("x-horodatage", ""), entetes.get("x-signature", ""), corps)
        issue = await receveur.recevoir(request.path_params["partenaire"], appel)
        return refusal(*REFUSALS[issue]) if issue in REFUSALS else Response(status_code=202)

    return Route("/evenements/{partenaire}", recevoir, methods=["POST"])
