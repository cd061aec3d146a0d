"""A plain page for the support of an ERP: what became of what it sent, and what to mend (docs/reception.md). Knows no count.

Whoever has the key of an ERP reads its report: it is given in the body of a form, never in an address, and not shown again.
No script, nothing from elsewhere, nothing kept by the browser.
"""

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.edge.graphql_http import MalformedRequest, read_body
from gateway.edge.reception_http import ReceptionDoor, Turned
from gateway.errors import ClientsUnavailable
from gateway.reception.reception import Reception
from gateway.reception.report import TransmissionReport
from gateway.schema.reception_report import ErreurTransmission, JourTransmission, MessageTransmission
from gateway.stores.receptions import ReceptionUnavailable

PATH = "/transmissions"
FORM_MAX = 4096  # bytes
DAYS, LINES = 31, 500  # shown
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {"content-security-policy": POLICY}
COUNTED = ("Reçus", "Entiers", "Partiels", "Rejetés", "Renvois")
TITLE = "Transmissions de votre logiciel"  # of a CFA
# What to do, by how a text of validation begins; the others say it themselves.
ADVICE = (
    ("organisme formateur non rattaché", "Employer la clé de cet établissement, ou celle de son responsable."),
    ("organisme ", "Corriger l'UAI et le SIRET dans le logiciel : ils doivent être ceux du référentiel."),
    ("Contrat sans début", "Saisir la date de début du contrat, ou effacer ce qui en est dit."),
    ("La formation finit avant", "Corriger les dates de la session."),
    ("Champ obligatoire", "Saisir ce champ : sans lui, rien du dossier n'est gardé."),
    ("Date invalide", "Corriger la date : elle n'existe pas, ou ne s'écrit pas ainsi."),
    ("Numéro de téléphone", "Saisir un numéro à dix chiffres, ou laisser vide."),
    ("Email non valide", "Corriger l'adresse, ou laisser vide."),
    ("Valeur illisible", "Saisir à nouveau ce champ ; l'éditeur du logiciel doit envoyer de l'UTF-8."),
)


def transmissions_links(reception: Reception | None) -> list[tuple[str, str]]:
    """What the index says of it."""
    return [(PATH, TITLE)] if reception else []


def page_routes(door: ReceptionDoor | None) -> list[Route]:
    """The page; none where nothing is received."""
    if door is None:
        return []

    async def form(_: Request) -> Response:
        return _page(_FORM)

    async def report(request: Request) -> Response:
        return await _answer(door, request)

    return [Route(PATH, form, methods=["GET"]), Route(PATH, report, methods=["POST"])]


async def _answer(door: ReceptionDoor, request: Request) -> Response:
    try:
        body = await read_body(request, FORM_MAX)
        key = parse_qs(body.decode("ascii", "replace"), max_num_fields=4).get("cle", [""])[0].strip()
        transmitter, _ = await door.identify(request, f"Bearer {key}" if key else "")
        told = await door.reception.report(transmitter)
    except (Turned, MalformedRequest) as error:
        return _refused(error.status, str(error), getattr(error, "headers", None))
    except ValueError:
        return _refused(400, "Le formulaire ne se lit pas.")
    except (ReceptionUnavailable, ClientsUnavailable):
        return _refused(503, "Le compte rendu est momentanément indisponible : réessayer dans un moment.")
    return _page(_report(transmitter.uai, told))


def _refused(status: int, reason: str, headers: object = None) -> Response:
    told = f'<p role="alert" id="refus"><strong>{escape(reason)}</strong></p>'
    response = _page(told + _FORM, status)
    response.headers.update(headers if isinstance(headers, dict) else {})
    return response


def _page(body: str, status: int = 200) -> HTMLResponse:
    text = (
        '<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{TITLE}</title><link rel="stylesheet" href="/statistiques/style.css"></head><body>'
        '<a class="evitement" href="#contenu">Aller au contenu</a>'
        f'<main id="contenu"><h1>{TITLE}</h1>{body}</main></body></html>'
    )
    return HTMLResponse(text, status, HEADERS)


_FORM = (
    "<p>Ce que la passerelle a reçu de votre logiciel, jour par jour, et ce qui est à y corriger. Aucune donnée d'un jeune n'est "
    "montrée : un dossier est désigné par son numéro dans votre logiciel.</p>"
    f'<form method="post" action="{PATH}" class="cle"><label for="cle">Clé de votre logiciel</label>'
    '<p id="aide">Celle avec laquelle il transmet. Elle n\'est ni montrée, ni gardée.</p>'
    '<input id="cle" name="cle" type="password" autocomplete="off" required spellcheck="false" aria-describedby="aide">'
    '<button type="submit">Voir le compte rendu</button></form>'
)


def _report(uai: str, report: TransmissionReport) -> str:
    head = f"<p>Établissement <strong>{escape(uai)}</strong>. "
    if not report.days:
        return f"{head}Rien n'a encore été reçu de ce logiciel.</p>{_OTHER}"
    last = report.days[0]
    number = len(report.messages)
    found = f"{number} sorte{'s' if number > 1 else ''} d'erreurs à corriger." if number else "Rien n'est à corriger."
    told = f"Dernier envoi le <strong>{last.jour:%d/%m/%Y}</strong> : {last.recus} dossiers. {found}</p>"
    return head + told + _messages(report.messages) + _days(report.days[:DAYS]) + _lines(report.days) + _OTHER


_OTHER = f'<p><a href="{PATH}">Voir le compte rendu d\'une autre clé</a></p>'


def _messages(messages: Sequence[MessageTransmission]) -> str:
    if not messages:
        return ""
    rows = (
        (f"<td>{escape(one.message)}</td><td>{_champs(one.champs)}</td>"
         f'<td class="nombre">{one.dossiers}</td><td>{escape(_advice(one.message))}</td>')
        for one in messages
    )  # fmt: skip
    heads = ("Erreur", "Champs", "Dossiers", "Que faire")
    return "<h2>À corriger</h2>" + _table("Des quinze derniers jours, la plus fréquente d'abord", heads, rows)


def _days(days: Sequence[JourTransmission]) -> str:
    rows = (
        f"<td>{day.jour:%d/%m/%Y}</td>"
        + "".join(
            f'<td class="nombre">{number}</td>'
            for number in (day.recus, day.acceptes, day.partiels, day.rejetes, day.rejoues)
        )
        for day in days
    )
    note = (
        "<p>Partiels : gardés sans leurs valeurs refusées. Rejetés : rien n'en est gardé, et ce qui l'était avant le reste. "
        "Renvois : envois reçus une fois de plus, à l'identique.</p>"
    )
    return "<h2>Jour par jour</h2>" + note + _table("Jours d'envoi, le dernier d'abord", ("Jour", *COUNTED), rows)


def _lines(days: Sequence[JourTransmission]) -> str:
    lines = [(day, line) for day in days for line in day.lines]
    if not lines:
        return ""
    rows = (f"<td>{day.jour:%d/%m/%Y}</td>" + _line(line) for day, line in lines[:LINES])
    heads = ("Jour", "Numéro dans le logiciel", "Année scolaire", "Champs", "Erreur")
    caption = f"{min(LINES, len(lines))} lignes sur {len(lines)}, les plus récentes d'abord"
    return "<h2>Dossier par dossier</h2>" + _table(caption, heads, rows)


def _line(line: ErreurTransmission) -> str:
    told = (escape(line.id_erp), escape(line.annee_scolaire), _champs(line.champs), escape(line.message))
    return "".join(f"<td>{cell}</td>" for cell in told)


def _champs(champs: Iterable[str]) -> str:
    """Names that may be cut at their marks, where the page is narrow."""
    return ", ".join(escape(champ).replace("_", "_<wbr>") for champ in champs)


def _advice(message: str) -> str:
    return next((advice for start, advice in ADVICE if message.startswith(start)), "Corriger, ou laisser vide.")


def _table(caption: str, heads: Sequence[str], rows: Iterable[str]) -> str:
    numbers = {*COUNTED, "Dossiers"}
    columns = "".join(
        f'<th scope="col" class="{"nombre" if head in numbers else "texte"}">{escape(head)}</th>' for head in heads
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="defile" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="releve">'
        f"<caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )
