"""The reference of what callers meet besides the graph: error codes and HTTP headers. Each is read from the code that serves it,
beside what docs/erreurs.md says of it. French: it is read by who calls."""

from gateway.app import STATUSES
from gateway.documents.mistake import Detail
from gateway.edge.cross_origin import ASKED, SHOWN
from gateway.edge.guard import HEADERS, UNIQUE
from gateway.errors import Code
from gateway.response import graphql_error
from tools.site.documented_rows import documented

LEFT = 499  # the client left: nobody reads the answer
SENT = {
    "authorization": "le jeton d'accès, `Bearer …` ; jamais avec `x-cle-api`",
    "x-cle-api": "la clé d'API d'une machine inscrite ; jamais avec `authorization`",
    "x-finalite": "la finalité de cette requête, quand le client en a plusieurs",
    "content-type": "`application/json`",
    "last-event-id": "à la reprise d'un flux, la place du dernier événement reçu",
    "x-request-id": "un identifiant de requête, gardé s'il a la forme de celui d'une machine",
    "traceparent": "la trace dont cette requête est un segment (W3C Trace Context)",
    "host": "un des noms auxquels cette passerelle répond",
    "content-length": "la longueur du corps",
    "content-encoding": "refusé s'il n'est pas `identity` ; l'envoi des dossiers admet `gzip`",
}
IGNORED = "admis d'une page d'une autre origine, et non lu : les bibliothèques l'ajoutent d'elles-mêmes"
TOLD = {
    "x-request-id": "l'identifiant de la requête, à donner à l'exploitant",
    "retry-after": "secondes à attendre avant de redemander (429, 503)",
    "www-authenticate": "pourquoi l'appelant n'est pas identifié (401)",
    "ratelimit-limit": "unités de coût par minute de ce client",
    "ratelimit-remaining": "celles qui restent",
    "ratelimit-reset": "secondes jusqu'à ce qu'elles soient toutes revenues",
}


def errors_page() -> str:
    """Every code of an error and every detail, with its status and what to do."""
    codes, rows = documented("erreurs.md", "Codes"), documented("erreurs.md")
    lines = [f"| `{code}` | {_statuses(code)} | {' | '.join(codes[code])} |" for code in Code]
    details = [f"| `{detail}` | {' | '.join(rows[detail])} |" for detail in Detail]
    return "\n".join(
        (
            "# Codes d'erreur\n",
            "`extensions.code` de chaque erreur, liste fermée. Comment lire une erreur : [Erreurs](../erreurs.md).\n",
            "## Codes\n",
            "| code | statut HTTP | sens | que faire |\n| --- | --- | --- | --- |",
            *lines,
            "\n## Détails\n",
            "`extensions.detail`, avec `REQUETE_INVALIDE`.\n",
            "| detail | sens | que faire |\n| --- | --- | --- |",
            *details,
            "",
        )
    )


def _statuses(code: Code) -> str:
    """The statuses of what never became an operation; an error of a field comes with 200."""
    told = {status for kind, status in STATUSES.items() if status not in (None, LEFT) and _code(kind) == code}
    told |= {500} if code is Code.ERREUR_INTERNE else set()
    return ", ".join(str(status) for status in sorted(filter(None, told))) or "celui de la réponse"


def _code(kind: type[Exception]) -> Code:
    """The code that an error of a kind is told by; made without what it is about."""
    return Code(graphql_error(kind.__new__(kind))["extensions"]["code"])


def headers_page() -> str:
    """Every header that is read and told. Raises KeyError for one whose meaning is not written above."""
    others = [name for name in ASKED if name not in SENT]
    read = sorted({*(name.decode() for name in UNIQUE), *ASKED} - set(others))
    sent = [f"| `{name}` | {'oui' if name.encode() in UNIQUE else 'non'} | {SENT[name]} |" for name in read]
    sent += [f"| `{name}` | non | {IGNORED} |" for name in others]
    told = [f"| `{name}` | {TOLD[name]} |" for name in SHOWN]
    fixed = [f"| `{name}` | `{value}` |" for name, value in HEADERS.items()]
    return "\n".join(
        (
            "# En-têtes HTTP\n",
            "## Ce qui s'envoie\n",
            "Un en-tête « une seule fois » donné deux fois fait refuser la requête (400).\n",
            "| en-tête | une seule fois | sens |\n| --- | --- | --- |",
            *sent,
            "\n## Ce qui se lit d'une réponse\n",
            "| en-tête | sens |\n| --- | --- |",
            *told,
            "\n## Ce que porte toute réponse\n",
            "Sauf où la page servie dit autre chose d'elle-même.\n",
            "| en-tête | valeur |\n| --- | --- |",
            *fixed,
            "",
        )
    )
