"""What a partner does wrong, done to recorded answers: none of it may pass for a whole answer. Knows no partner."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.cli.kit.recorded import Behaviour
from gateway.sources.http.credentials import RawResponse

_BOMB = b"<!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;&x;&x;&x;&x;&x;&x;'>]><a>&y;&y;&y;&y;</a>"


def _always(statut: int, headers: Mapping[str, str] | None = None) -> Behaviour:
    return Behaviour(answer=lambda _: RawResponse(statut, headers or {}, b""))


def _body(body: bytes) -> Behaviour:
    return Behaviour(answer=lambda response: replace(response, body=body))


def _cut(response: RawResponse) -> RawResponse:
    return replace(response, body=response.body[: len(response.body) * 2 // 3])


def _endless(pages: Sequence[bytes], rank: int) -> bytes:
    """The last page again and again, never to the letter."""
    return pages[rank] if rank < len(pages) else pages[-1] + b"\n" * rank


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
    "bombe XML": _body(_BOMB),
    "page trop longue": _body(b" " * 30_000_000),
    "première page répétée": Behaviour(given=lambda pages, _: pages[0]),
    "pages sans fin": Behaviour(given=_endless),
}
