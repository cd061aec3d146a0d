"""How a partner cuts a long answer: what to ask next, from what was asked and received. Pure: does no I/O.

A `next` address must stay on the partner's origin and under its base path; totals are believed within a bound; a page that
comes back is a loop. What a partner does wrong is a PagesInvalides.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit

from gateway.connectors.base import Pages, Requete

_LIEN = re.compile(r"<([^<>]*)>([^<]*)")
_SUIVANT = re.compile(r';\s*rel\s*=\s*("[^"]*"|[^\s;,"]+)', re.IGNORECASE)


CHEMINS_MAX = 4096
ANNONCEES = frozenset({Pages.METADONNEES, Pages.INDEX})  # styles whose first page tells how many there are


class PagesInvalides(Exception):
    """The partner's paging cannot be followed. The message is French and holds no address."""


class Suite:
    """The pages met so far, by the digest of their body. A page met twice, or one too many, ends the reading."""

    def __init__(self, pages_max: int) -> None:
        self._pages_max = pages_max
        self._vues: set[bytes] = set()

    def ajouter(self, empreinte: bytes) -> None:
        if empreinte in self._vues:
            raise PagesInvalides("page répétée ou manquante")
        self._vues.add(empreinte)
        self.borner(len(self._vues))

    def borner(self, total: int) -> None:
        if total > self._pages_max:
            raise PagesInvalides(f"plus de {self._pages_max} pages")


def premiere(requete: Requete) -> Requete:
    """The request of the first page."""
    numerotee = _NUMEROTER.get(requete.pages)
    return numerotee(requete, 1) if numerotee else requete


def suivante(requete: Requete, base: str, lien: str, document: Any, rang: int) -> Requete | None:
    """The request that follows page `rang` (from 1), for styles that tell the next page only; None after the last one.

    `base` is the tenant's base URL, `lien` the Link header. Raises PagesInvalides.
    """
    if requete.pages is Pages.LIEN:
        return _vers(requete, base, _lien_suivant(lien))
    if requete.pages is Pages.ODATA:
        return _vers(requete, base, _texte(_objet(document).get("@odata.nextLink")))
    if requete.pages is Pages.TAILLE:
        pleine = isinstance(document, Sequence) and len(document) >= requete.taille
        return _page_taille(requete, rang + 1) if pleine else None
    return None


def annoncees(requete: Requete, document: Any) -> int:
    """How many pages the answer says there are, for styles that tell it; 1 for the others. Raises PagesInvalides."""
    if requete.pages is Pages.METADONNEES:
        return max(1, _entier(_objet(_objet(document).get("metadonnees")).get("totalPages")))
    if requete.pages is Pages.INDEX:
        total = _entier(_objet(_objet(document).get("pagination")).get("total"))
        return max(1, -(-total // max(1, requete.taille)))
    return 1


def numero(requete: Requete, rang: int) -> Requete:
    """The request of page `rang` (from 1), for styles that number their pages."""
    return _NUMEROTER[requete.pages](requete, rang)


def _page_taille(requete: Requete, rang: int) -> Requete:
    return replace(requete, params={**requete.params, "page": str(rang), "taillePage": str(requete.taille)})


def _page_index(requete: Requete, rang: int) -> Requete:
    return replace(requete, params={**requete.params, "page_index": str(rang - 1), "page_size": str(requete.taille)})


def _page_metadonnees(requete: Requete, rang: int) -> Requete:
    return replace(requete, corps={**(requete.corps or {}), "page": rang})


_NUMEROTER: Mapping[Pages, Callable[[Requete, int], Requete]] = {
    Pages.TAILLE: _page_taille,
    Pages.INDEX: _page_index,
    Pages.METADONNEES: _page_metadonnees,
}


def _lien_suivant(entete: str) -> str:
    """The target whose relation is `next` in a Link header (RFC 8288), "" when there is none."""
    for cible, attributs in _LIEN.findall(entete):
        relation = _SUIVANT.search(attributs)
        if relation and "next" in relation[1].strip('"').lower().split():
            return str(cible)
    return ""


def _vers(requete: Requete, base: str, adresse: str) -> Requete | None:
    """The same request at another address of the same partner."""
    if not adresse:
        return None
    ici, la = urlsplit(base), _decoupee(base + requete.chemin, adresse)
    chemin, racine = unquote(la.path), unquote(ici.path)
    if (la.scheme, la.netloc) != (ici.scheme, ici.netloc) or not chemin.startswith(racine + "/"):
        raise PagesInvalides("page suivante hors du partenaire")
    params = dict(parse_qsl(la.query, keep_blank_values=True))
    return replace(requete, chemin=chemin_sur(chemin.removeprefix(racine)), params=params)


def _decoupee(ici: str, adresse: str) -> SplitResult:
    try:
        return urlsplit(urljoin(ici, adresse))
    except ValueError:
        raise PagesInvalides("page suivante illisible") from None


@lru_cache(CHEMINS_MAX)
def chemin_cite(chemin: str) -> str:
    """A path of ours as it is asked. Raises PagesInvalides."""
    return quote(chemin_sur(chemin), safe="/")


def chemin_sur(chemin: str) -> str:
    """A path whose segments may not leave the base path, ready to be percent-encoded. Raises PagesInvalides."""
    segments = chemin.split("/")
    if segments[0] or any(segment in {"", ".", ".."} for segment in segments[1:]) or "\\" in chemin:
        raise PagesInvalides("chemin refusé")
    if not chemin.isprintable():
        raise PagesInvalides("chemin refusé")
    return chemin


def _objet(valeur: Any) -> Mapping[str, Any]:
    if not isinstance(valeur, Mapping):
        raise PagesInvalides("forme inattendue")
    return valeur


def _texte(valeur: Any) -> str:
    if valeur is not None and not isinstance(valeur, str):
        raise PagesInvalides("page suivante illisible")
    return valeur or ""


def _entier(valeur: Any) -> int:
    if not isinstance(valeur, int) or isinstance(valeur, bool) or valeur < 0:
        raise PagesInvalides("nombre de pages illisible")
    return valeur
