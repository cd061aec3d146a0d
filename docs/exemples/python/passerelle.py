"""Un client de la passerelle, réduit à ce qu'il lui faut : un jeton, un POST, et savoir réessayer.

L'environnement dit où appeler et comme qui. Sans lui : la démonstration (`make run`), comme une Mission locale.
"""

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import httpx

URL = os.environ.get("PASSERELLE_URL", "http://127.0.0.1:8000/graphql")
URL_JETON = os.environ.get("PASSERELLE_URL_JETON", "http://127.0.0.1:8010/token")
CLIENT = os.environ.get("PASSERELLE_CLIENT", "ml")
SECRET = os.environ.get("PASSERELLE_SECRET", "demo")
FINALITE = os.environ.get("PASSERELLE_FINALITE", "")  # inutile à qui n'en a qu'une
ESSAIS = 5


class Refus(Exception):
    """La requête entière est refusée : rien n'a été lu. `code` vient d'une liste fermée (docs/erreurs.md)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} : {message}")
        self.code = code


class Passerelle:
    """Garde le jeton tant qu'il vaut, et réessaie ce qui peut l'être."""

    def __init__(self) -> None:
        self._http = httpx.Client(timeout=30)
        self._jeton, self._fin = "", 0.0

    def jeton(self) -> str:
        if time.monotonic() > self._fin:
            qui = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
            recu = self._http.post(URL_JETON, data=qui).raise_for_status().json()
            self._jeton = recu["access_token"]
            self._fin = (
                time.monotonic() + recu["expires_in"] - 60
            )  # une minute d'avance : une requête le trouve encore bon
        return self._jeton

    def demander(self, corps: dict[str, Any]) -> dict[str, Any]:
        """La réponse entière : `data`, et les erreurs à côté. Lève Refus quand il n'y a rien à montrer."""
        for essai in range(ESSAIS):
            entetes = {"authorization": f"Bearer {self.jeton()}", **({"x-finalite": FINALITE} if FINALITE else {})}
            reponse = self._http.post(URL, json=corps, headers=entetes)
            if reponse.status_code not in (429, 503) or essai == ESSAIS - 1:
                break
            # Attendre ce qui est demandé, et un peu plus au hasard : tous ne reviennent pas à la même seconde.
            time.sleep(float(reponse.headers.get("retry-after", 1)) * (1 + random.random() / 2))
        recu: dict[str, Any] = reponse.json()
        if recu.get("data") is None:
            erreur = recu["errors"][0]
            raise Refus(erreur["extensions"]["code"], erreur["message"])
        return recu


def dire_ce_qui_manque(reponse: dict[str, Any]) -> Iterator[str]:
    """Une phrase par source qui manque et par champ refusé : à montrer à côté des données, jamais à leur place."""
    for erreur in reponse.get("errors", ()):
        extensions = erreur["extensions"]
        if extensions["code"].startswith("SOURCE_"):
            yield f"réponse partielle : {extensions['source']} n'a pas répondu ({extensions['code']})"
    for refus in reponse.get("extensions", {}).get("refus", ()):
        yield f"champ refusé : {'.'.join(refus['chemin'])} ({refus['nombre']} fois)"
