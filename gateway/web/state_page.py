"""`/etat`, for everybody, where the operator opens it; `/etat.json`, for who watches over the process. HTML written by the
server, no script. Knows no state: it shows what the board tells."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.days import PARIS
from gateway.state_settings import Incident
from gateway.web.html_document import POLICY, html_document
from gateway.web.public_state import PublicState, PublicSystem, StateBoard

PATH, TITLE = "/etat", "État du service"
# As old as the board itself may be: whoever looks again later sees what is true then.
HEADERS = {"content-security-policy": POLICY, "cache-control": "no-cache"}
ABOUT = (
    "<h2>Ce que dit cette page</h2><p>Des systèmes, jamais une personne ni un établissement. Les âges sont arrondis. Un système "
    "qui ne répond pas n’arrête pas le service : chaque réponse dit elle-même ce qui lui manque, et de quand datent ses données. "
    'La page est faite au moment où on la demande : la recharger la met à jour.</p><p><a href="/">Accueil</a></p>'
)


def state_links(board: StateBoard) -> list[tuple[str, str]]:
    """What the index says of it."""
    return [(PATH, TITLE)] if board.settings.page else []


def state_routes(board: StateBoard) -> list[BaseRoute]:
    """The page, where it is open."""

    async def page(_: Request) -> Response:
        return state_html(await board.public())

    return [Route(PATH, page)] if board.settings.page else []


def state_route_in_detail(board: StateBoard) -> Route:
    """The same with its figures, of the other listener: whether the page is open or not."""

    async def told(_: Request) -> Response:
        return JSONResponse(await board.detailed())

    return Route("/etat.json", told)


def state_html(state: PublicState) -> HTMLResponse:
    """GET /etat."""
    kind, sentence = _summary(state)
    head = (
        f'<p class="bilan {kind}"><strong>{escape(sentence)}</strong></p>'
        f"<p>Le {_moment(state.instant)}, heure de Paris.</p>"
    )
    systems = "".join(_system(system) for system in state.systems)
    body = f'{head}{"".join(_incidents(state))}<h2>Systèmes partenaires</h2><ul class="systemes">{systems}</ul>{ABOUT}'
    return HTMLResponse(html_document(TITLE, body), headers=HEADERS)


def _summary(state: PublicState) -> tuple[str, str]:
    """How it looks, and what it says: the look alone tells nothing."""
    if not state.serves:
        return "arrete", "Le service est interrompu : aucune requête n’est servie en ce moment."
    if state.lacking:
        return "partiel", f"Le service répond. Des réponses peuvent être partielles : {', '.join(state.lacking)}."
    return "entier", "Le service répond, et tous les systèmes partenaires avec lui."


def _system(system: PublicSystem) -> str:
    kind = "partiel" if system.is_wrong else "entier"
    age = f"Données d’il y a {system.age}." if system.age else "Aucune donnée encore."
    change = f" {system.change}" if system.change else ""
    return (
        f'<li class="{kind}"><h3>{escape(system.name)}</h3><p><strong>{escape(system.state)}.</strong> '
        f"{escape(age)}{escape(change)}</p></li>"
    )


def _incidents(state: PublicState) -> Iterator[str]:
    groups = {
        "Incidents en cours": [
            one for one in state.incidents if one.debut <= state.instant and not one.is_over(state.instant)
        ],
        "Interventions prévues": [one for one in state.incidents if one.debut > state.instant],
        "Incidents terminés depuis une semaine": [one for one in state.incidents if one.is_over(state.instant)],
    }
    for title, incidents in groups.items():
        if incidents:
            yield f"<h2>{title}</h2>{_list(incidents)}"


def _list(incidents: Sequence[Incident]) -> str:
    return f'<ul class="systemes">{"".join(_incident(one) for one in incidents)}</ul>'


def _incident(incident: Incident) -> str:
    end = f", jusqu’au {_moment(incident.fin)}" if incident.fin else ""
    paragraphs = "".join(f"<p>{escape(one)}</p>" for one in incident.texte.split("\n\n") if one.strip())
    return f"<li><h3>{escape(incident.titre)}</h3><p>Du {_moment(incident.debut)}{end}.</p>{paragraphs}</li>"


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(PARIS):%d/%m/%Y à %Hh%M}"
