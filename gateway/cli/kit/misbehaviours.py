"""What a partner does wrong, done to recorded answers: none of it may pass for a whole answer. Knows no partner."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.cli.kit.recorded import OTHER_MISSION, OTHER_UAI, Behaviour
from gateway.connectors.base import PartnerRequest, Tenant
from gateway.connectors.values import at
from gateway.sources.http.credentials import RawResponse

_BOMB = b"<!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;&x;&x;&x;&x;&x;&x;'>]><a>&y;&y;&y;&y;</a>"
ONE_KEY = "1"


def _always(statut: int, headers: Mapping[str, str] | None = None) -> Behaviour:
    return Behaviour(answer=lambda *_: RawResponse(statut, headers or {}, b""))


def _body(body: bytes) -> Behaviour:
    return Behaviour(answer=lambda response, _: replace(response, body=body))


def _cut(response: RawResponse, _: PartnerRequest) -> RawResponse:
    return replace(response, body=response.body[: len(response.body) * 2 // 3])


def _encoded_otherwise(response: RawResponse, request: PartnerRequest) -> RawResponse:
    """In the encoding that the partner does not announce."""
    told = response.body.decode(request.encoding, "replace")
    return replace(response, body=told.encode("cp1252" if request.encoding == "utf-8" else "utf-8", "replace"))


def _endless(pages: Sequence[bytes], rank: int) -> bytes:
    """The last page again and again, never to the letter."""
    return pages[rank] if rank < len(pages) else pages[-1] + b"\n" * rank


def _doubled(pages: Sequence[bytes], rank: int) -> bytes | None:
    """Each page twice."""
    return pages[rank // 2] if rank < 2 * len(pages) else None


MISBEHAVIOURS: Mapping[str, Behaviour] = {
    "refus": _always(401),
    "interdit": _always(403),
    "introuvable": _always(404),
    "quota": _always(429, {"Retry-After": "0"}),
    "panne": _always(500),
    "fermé": _always(503, {"Retry-After": "60"}),
    "redirection": _always(302),
    "page HTML": _body(b"<!DOCTYPE html><html><body>Maintenance</body></html>"),
    "réponse vide": _body(b""),
    "ni objet ni liste": _body(b'"ok"'),
    "corps coupé": Behaviour(answer=_cut),
    "encodage autre": Behaviour(answer=_encoded_otherwise),
    "bombe XML": _body(_BOMB),
    "page trop longue": _body(b" " * 30_000_000),
    "octet par octet": Behaviour(drips=True),
    "première page répétée": Behaviour(given=lambda pages, _: pages[0]),
    "pages doublées": Behaviour(given=_doubled),
    "lignes doublées": Behaviour(rows=lambda rows: [*rows, *rows]),
    "pages sans fin": Behaviour(given=_endless),
}


def misbehaviours(tenant: Tenant, key: Sequence[str]) -> Mapping[str, Behaviour]:
    """All of them; those of a tenant, and of the path of a record's key, where it is known, included."""
    own = {"page d'un autre": Behaviour(answer=lambda response, _: _of_another(response, tenant))}
    if key:
        own["une clé pour tous"] = Behaviour(rows=lambda rows: _of_one_key(rows, tuple(key)))
    return {**MISBEHAVIOURS, **own}


def _of_another(response: RawResponse, tenant: Tenant) -> RawResponse:
    """The same page, which names another establishment wherever it names this one."""
    other = OTHER_UAI if len(tenant.key) == len(OTHER_UAI) else OTHER_MISSION
    return (
        replace(response, body=response.body.replace(tenant.key.encode(), other.encode())) if tenant.key else response
    )


def _of_one_key(rows: list[Any], path: tuple[str, ...]) -> list[Any]:
    """The same rows, all with one key."""
    for row in rows:
        above = at(row, path[:-1])
        if isinstance(above, dict) and path[-1] in above:
            above[path[-1]] = ONE_KEY
    return rows
