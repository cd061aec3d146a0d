"""A partner that no connector knows, over HTTP: XML in pages, Basic by tenant, errors told under a 200. It tells what
one of the ERPs of a population does, in the dialect of `tests/partenaires/scform`."""

import base64
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fixtures.population.model import Account, Contrat, Population
from fixtures.simulators.common import Tenant, tenants

PAGE_SIZE = 7
FOLDER = Path(__file__).parents[2] / "partenaires" / "scform"


def application(population: Population, erp: str, asked: list[str]) -> Starlette:
    """Serves the tenants of an ERP; `asked` receives what was asked of it."""
    served = {tenant.code: tenant for tenant in tenants(population, erp)}
    accounts = population.accounts.get(erp, {})

    async def page(request: Request) -> Response:
        tenant = served[request.path_params["code"]]
        number = int(request.query_params.get("page", "1"))
        asked.append(f"{tenant.uai} {number}")
        if request.headers.get("Authorization") != f"Basic {base64.b64encode(account_of(tenant).encode()).decode()}":
            return _xml(f"<reponse etab={quoteattr(tenant.uai)}><erreur><code>401</code></erreur></reponse>")
        own = accounts.get(tenant.uai, [])
        rows = "".join("".join(_person(one)) for one in own[(number - 1) * PAGE_SIZE : number * PAGE_SIZE])
        head = f"<reponse etab={quoteattr(tenant.uai)} total='{len(own)}'>"
        return _xml(f"{head}<apprentis>{rows}</apprentis></reponse>")

    return Starlette(routes=[Route("/{code}/ws/apprentis", page)])


def account_of(tenant: Tenant) -> str:
    return f"cfa-{tenant.code}:{tenant.secret}"


def write_partner(record: Path, population: Population, erp: str, url: str) -> tuple[Path, Path]:
    """The folder of the partner under the name of that ERP, and the file of its secrets."""
    own = record / "a-moi"
    own.mkdir()
    table = (FOLDER / "partenaire.toml").read_text(encoding="utf-8")
    table = (
        table.replace('"scform"', f'"{erp}"', 1).replace("https://scform.invalid", url).replace(', secret = "S"', "")
    )
    (own / "partenaire.toml").write_text(table, encoding="utf-8")
    served = tenants(population, erp)
    rows = [f"{one.uai},{one.siret},{one.code},CLE_{one.uai}" for one in served]
    (own / "locataires.csv").write_text("\n".join(["uai,siret,code,secret", *rows]) + "\n", encoding="utf-8")
    secrets = record / "secrets.env"
    lines = [f"CLE_{one.uai}={account_of(one)}" for one in served]
    secrets.write_text("\n".join(["# un par établissement", *lines]) + "\n", encoding="utf-8")
    return own, secrets


def _xml(body: str) -> Response:
    whole = f'<?xml version="1.0" encoding="ISO-8859-15"?>\n{body}'
    return Response(whole.encode("iso-8859-15", "xmlcharrefreplace"), media_type="application/xml")


def _person(account: Account) -> Iterator[str]:
    who = account.person
    yield f"<apprenti id={quoteattr(account.key)}><civilite>{'M.' if who.sexe == 'M' else 'MME'}</civilite>"
    yield f"<nom>{escape(who.nom)}</nom><prenom>{escape(who.prenom)}</prenom><naissance>{_day(who.date_naissance)}</naissance>"
    yield f"<contacts><contact type='MOB'>{escape(who.telephone or '')}</contact></contacts>"
    yield f"<adresse><cp>{who.adresse.code_postal}</cp><ville>{escape(who.adresse.ville)}</ville></adresse><contrats>"
    yield from (_contrat(contrat) for contrat in who.contrats)
    yield "</contrats></apprenti>"


def _contrat(contrat: Contrat) -> str:
    last_day = _day(contrat.rupture.date - timedelta(days=1)) if contrat.rupture else ""
    return (
        f"<contrat><num>{contrat.numero or ''}</num><debut>{_day(contrat.debut)}</debut><fin>{_day(contrat.fin)}</fin>"
        f"<rupture>{last_day}</rupture><siret>{contrat.employeur.siret}</siret></contrat>"
    )


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
