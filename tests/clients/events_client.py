"""The example of docs/evenements.md for a Mission locale's own system: events by Server-Sent Events, with httpx alone."""

import json
import time
from collections.abc import Callable, Generator
from typing import Any

import httpx

SOUSCRIPTION = "subscription { evenements { id type jeune { id } } }"


def receive(url: str, jeton: Callable[[], str], place: str | None = None) -> Generator[dict[str, Any]]:
    """Chaque événement ; la place à garder est l'`id` du dernier traité."""
    while True:
        try:
            for evenement in stream(url, jeton(), place):
                yield evenement
                place = evenement["id"]  # traité : on reprendra après lui
        except httpx.HTTPError:
            pass  # coupé : l'événement manqué attend dans le fil
        time.sleep(1)


def stream(url: str, jeton: str, place: str | None) -> Generator[dict[str, Any]]:
    """Une connexion, jusqu'à sa fin."""
    headers = {"authorization": f"Bearer {jeton}", "accept": "text/event-stream"}
    if place:
        headers["last-event-id"] = place
    with httpx.stream("POST", url, json={"query": SOUSCRIPTION}, headers=headers, timeout=30) as reponse:
        reponse.raise_for_status()
        for ligne in reponse.iter_lines():
            if ligne.startswith("data: {"):
                recu = json.loads(ligne[6:])
                if not recu.get("data"):
                    break  # dernier message : jeton fini, droits changés, plafond
                yield recu["data"]["evenements"]
