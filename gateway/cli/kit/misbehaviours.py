"""What a partner does wrong, done to a recorded answer: none of it may pass for a whole answer. Knows no partner."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.cli.kit.recorded import Spoil
from gateway.sources.http.credentials import RawResponse

_BOMB = b"<!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;&x;&x;&x;&x;&x;&x;'>]><a>&y;&y;&y;&y;</a>"


def _always(statut: int, headers: Mapping[str, str] | None = None) -> Spoil:
    return lambda _, __: RawResponse(statut, headers or {}, b"")


def _body(body: bytes) -> Spoil:
    return lambda response, _: replace(response, body=body)


def _cut(response: RawResponse, _: int) -> RawResponse:
    return replace(response, body=response.body[: len(response.body) * 2 // 3])


MISBEHAVIOURS: Mapping[str, Spoil] = {
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
    "corps coupé": _cut,
    "bombe XML": _body(_BOMB),
    "page trop longue": _body(b" " * 30_000_000),
}
