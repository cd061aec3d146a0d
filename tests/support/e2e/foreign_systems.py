"""Three more systems that no connector knows, over HTTP: an ERP of JSON by cursors behind OAuth2 by tenant, whose days are
instants of another zone; two systems of Missions locales, asked by a form and by GraphQL. Each tells what a population's accounts
tell, in the dialect of its folder under `tests/partenaires`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from graphql import FieldNode, SelectionSetNode, parse
from graphql.language import OperationDefinitionNode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fixtures.population.model import Account, Contrat, Population
from fixtures.simulators.common import tenants
from gateway.domain.days import PARIS

PAGE = 3
TABLES = Path(__file__).parents[2] / "partenaires"
KEY = "cle-de-la-demo"
RDV, CONTACTED = "RDV_PRIS", "CONTACTE_SANS_RETOUR"


def write(folder: Path, kind: str, url: str, tenants_csv: Sequence[str]) -> None:
    """The folder of a partner: the table of a kind at another address, and its tenants."""
    folder.mkdir()
    table = (TABLES / kind / "partenaire.toml").read_text(encoding="utf-8")
    (folder / "partenaire.toml").write_text(table.replace(f"https://{kind}.invalid", url), encoding="utf-8")
    (folder / "locataires.csv").write_text("\n".join(tenants_csv) + "\n", encoding="utf-8")


def application(population: Population, erp: str) -> Starlette:
    """Serves the three systems: the CFA of an ERP, and any Mission locale to both of theirs."""
    routes = [*CursorErp(population, erp).routes(), *FormSystem(population).routes(), *QuerySystem(population).routes()]
    return Starlette(routes=routes)


class CursorErp:
    """An ERP: a token for each CFA, a cursor, a deep envelope, midnights of Paris told in universal time."""

    def __init__(self, population: Population, erp: str) -> None:
        self._accounts = population.accounts.get(erp, {})
        self._served = {f"client-{one.code}": one for one in tenants(population, erp)}

    def routes(self) -> list[Route]:
        return [
            Route("/jeton", self.token, methods=["POST"]),
            Route("/galet/apprenants", self.page),
        ]

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        tenant = self._served.get(form.get("client_id", ""))
        if tenant is None or (form.get("client_secret"), form.get("scope")) != (tenant.secret, "lecture"):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": f"jeton-{tenant.uai}", "token_type": "Bearer", "expires_in": 600})

    async def page(self, request: Request) -> Response:
        uai = request.query_params["etablissement"]
        if request.headers.get("Authorization") != f"Bearer jeton-{uai}":
            return JSONResponse({"message": "jeton refusé"}, 401)
        own, start = self._accounts.get(uai, []), int(request.query_params.get("apres", "0-")[:-1])
        end = start + PAGE
        page = {"jeton": f"{end}-", "reste": end < len(own), "ensemble": len(own)}
        content = {"page": page, "elements": [_learner(one) for one in own[start:end]]}
        return JSONResponse({"enveloppe": {"tenant": {"rne": uai}, "contenu": content}})


def cursor_tenants(population: Population, erp: str) -> list[str]:
    rows = (f"{one.uai},{one.code},client-{one.code},GALET_{one.uai}" for one in tenants(population, erp))
    return ["uai,code,client,secret", *rows]


def _learner(account: Account) -> dict[str, Any]:
    who = account.person
    ways = [{"type": "mobile", "valeur": who.telephone}, {"type": "mail", "valeur": who.courriel}]
    town = {"libelle": who.adresse.ville, "insee": None}
    return {
        "uuid": account.key,
        "personne": {
            "patronyme": who.nom,
            "prenom": who.prenom,
            "naissance": _midnight(who.date_naissance),
            "genre": who.sexe,
            "coordonnees": [way for way in ways if way["valeur"]],
            "adresse": {"numero": "", "voie": who.adresse.voie, "cp": who.adresse.code_postal, "commune": town},
        },
        "engagements": [_signed(contrat) for contrat in who.contrats],
        "cursus": [],
        "maj": None,
    }


def _signed(contrat: Contrat) -> dict[str, Any]:
    return {
        "deca": contrat.numero,
        "debut": _midnight(contrat.debut),
        "fin": _midnight(contrat.fin),
        "entreprise": {"siret": contrat.employeur.siret, "nom": contrat.employeur.denomination},
        "arret": contrat.rupture and {"le": _midnight(contrat.rupture.date), "cause": None},
    }


def _midnight(day: date) -> str:
    """The evening before, in universal time."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC).isoformat().replace("+00:00", "Z")


class FormSystem:
    """A system of Missions locales: a form, pages numbered from 0, a failure told under a 200."""

    def __init__(self, population: Population) -> None:
        self._accounts = population.accounts.get("imilo", {})

    def routes(self) -> list[Route]:
        return [Route("/vigie/recherche", self.page, methods=["POST"])]

    async def page(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if request.headers.get("X-Api-Key") != KEY or form.get("action") != "liste":
            return JSONResponse({"ok": False})
        own, start = self._accounts.get(form["structure"], []), PAGE * int(form["p"])
        rows, more = [_watched(one) for one in own[start : start + PAGE]], start + PAGE < len(own)
        result = {"structure": form["structure"], "nb": len(own), "suite": more, "liste": rows}
        return JSONResponse({"ok": True, "resultat": result})


def _watched(account: Account) -> dict[str, Any]:
    who, step = account.person, account.person.suivi
    code = {RDV: "RDVP", CONTACTED: "CONT"}.get(step.situation or "") if step else None
    return {
        "num": int(account.key),
        "nom": who.nom,
        "prenom": who.prenom,
        "ne": int(f"{who.date_naissance:%Y%m%d}"),
        "tel": [who.telephone or ""],
        "mel": who.courriel,
        "cp": who.adresse.code_postal,
        "ville": who.adresse.ville,
        "statut": step and {"code": code, "le": f"{step.maj_le.astimezone(PARIS):%Y%m%d %H%M}", "par": step.conseiller},
        "demande": None,
    }


class QuerySystem:
    """A system of Missions locales by GraphQL, which answers what is asked of it and nothing more."""

    def __init__(self, population: Population) -> None:
        self._accounts = population.accounts.get("imilo", {})

    def routes(self) -> list[Route]:
        return [Route("/graphql", self.answer, methods=["POST"])]

    async def answer(self, request: Request) -> Response:
        asked = await request.json()
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return JSONResponse({"data": None, "errors": [{"message": "jeton refusé"}]})
        variables = asked["variables"]
        own, start = self._accounts.get(variables["ml"], []), int(variables.get("apres") or 0)
        end = start + PAGE
        rows = [_followed(one, variables["ml"]) for one in own[start:end]]
        told = {"total": len(own), "noeuds": rows, "fin": str(end), "encore": end < len(own)}
        return JSONResponse({"data": _selected({"suivis": told}, _selection(asked["query"]))})


def _followed(account: Account, structure: str) -> dict[str, Any]:
    who, step = account.person, account.person.suivi
    told = step and {
        "etape": {RDV: 1, "CHERCHE_CONTRAT": 2}.get(step.situation or "", 9 if step.situation else None),
        "le": step.maj_le.isoformat(),
        "referent": step.conseiller,
        "rappeler": step.souhaite_rdv,
    }
    return {
        "id": account.key,
        "nom": who.nom,
        "prenom": who.prenom,
        "naissance": who.date_naissance.isoformat(),
        "structure": structure,
        "portable": who.telephone,
        "suivi": told,
        "demande": None,
    }


def _selection(query: str) -> SelectionSetNode:
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation.selection_set


def _selected(value: Any, selection: SelectionSetNode | None) -> Any:
    if isinstance(value, list):
        return [_selected(one, selection) for one in value]
    if not isinstance(value, Mapping) or selection is None:
        return value
    fields = [field for field in selection.selections if isinstance(field, FieldNode)]
    return {field.name.value: _selected(value[field.name.value], field.selection_set) for field in fields}
