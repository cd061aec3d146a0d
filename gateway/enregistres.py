"""Documents known by the SHA-256 of their text: the operator's, trusted, and those each client has taught.

Speaks Apollo's automatic persisted queries. Knows no graph: what a document may do is judged each time it is run.
"""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from cachetools import LRUCache

from gateway.auth.viewer import Viewer
from gateway.errors import DocumentInconnu, ErreurAppelant, ErreurConfiguration, RequeteInvalide

APPRIS_MAX = 8 * 1024 * 1024  # characters of the taught documents, all clients together


class Enregistres:
    """`confiance`: text by SHA-256 in hexadecimal, usable by every client."""

    def __init__(self, confiance: Mapping[str, str]) -> None:
        self._confiance = confiance
        self._appris: LRUCache[tuple[str, str], str] = LRUCache(APPRIS_MAX, len)

    def texte(self, viewer: Viewer, texte: str | None, empreinte: str | None) -> str:
        """The text to run. A text sent with its hash is learnt for that client only (SECURITY G20).

        Raises DocumentInconnu for a hash that this client never taught, RequeteInvalide for a hash that is not the
        text's, or for a text that is not trusted when the register gives the client nothing else.
        """
        if texte is None:
            return self._connu(viewer, empreinte or "")
        propre = sha256(texte.encode()).hexdigest()
        if empreinte not in (None, propre):
            raise RequeteInvalide("sha256Hash n'est pas l'empreinte SHA-256 de query.")
        if not viewer.documents_libres and propre not in self._confiance:
            raise RequeteInvalide("Ce client n'envoie que des documents enregistrés.")
        if empreinte and propre not in self._confiance:
            self._appris[viewer.client, propre] = texte
        return texte

    def _connu(self, viewer: Viewer, empreinte: str) -> str:
        if empreinte in self._confiance:
            return self._confiance[empreinte]
        if not viewer.documents_libres:
            raise RequeteInvalide("Ce client n'envoie que des documents enregistrés.")
        try:
            return self._appris[viewer.client, empreinte]
        except KeyError:
            raise DocumentInconnu from None


def lire_manifestes(dossier: Path, valider: Callable[[str], object]) -> Mapping[str, str]:
    """The trusted documents of a directory, none when it does not exist: JSON files that map a SHA-256 to a text, as
    build tools of front-ends write them. Raises ErreurConfiguration for a hash or a document that does not hold."""
    confiance: dict[str, str] = {}
    for chemin in sorted(dossier.glob("*.json")):
        confiance |= _manifeste(chemin, valider)
    return confiance


def _manifeste(chemin: Path, valider: Callable[[str], object]) -> Mapping[str, str]:
    lu = _lire(chemin)
    for empreinte, texte in lu.items():
        if not isinstance(texte, str) or sha256(texte.encode()).hexdigest() != empreinte:
            raise ErreurConfiguration(f"documents/{chemin.name} : {empreinte} n'est pas le SHA-256 de son texte")
        try:
            valider(texte)
        except ErreurAppelant as erreur:
            raise ErreurConfiguration(f"documents/{chemin.name} : {empreinte} : {erreur}") from erreur
    return lu


def _lire(chemin: Path) -> dict[str, str]:
    try:
        lu = json.loads(chemin.read_text(encoding="utf-8"))
    except (OSError, ValueError) as erreur:
        raise ErreurConfiguration(f"documents/{chemin.name} : JSON illisible") from erreur
    if not isinstance(lu, dict):
        raise ErreurConfiguration(f"documents/{chemin.name} : un objet {{empreinte: texte}} est attendu")
    return lu
