"""What an event tells an endpoint: that it happened, and to whom by an opaque id; decided again each time that it is sent.

It is the answer to a subscription of ours, asked as the endpoint's client: its rights, its purpose, its perimeter, its quotas and
the journal are those of any operation. What the client may not read now is not sent; nor is any value of anybody, whom the
receiver asks about by `node(id:)`, with its own credentials. Knows no HTTP and no order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.auth.authentication.clients import Principal, RegisteredClient, Viewer, build_viewer
from gateway.correlation import start_trace
from gateway.domain.perimeter_events import LoggedEvent
from gateway.errors import FinaliteRequired
from gateway.evenements.perimeter_logs import KeptEvents
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.operation import Gateway, judge, serve
from gateway.operation_runner import GraphQLRequest, validate
from gateway.schema.events import TypeEvenement
from gateway.webhooks.endpoints import WebhookEndpoint
from gateway.webhooks.signing import WebhookMessage

DOCUMENT = """subscription Webhook($types: [TypeEvenement!]) {
  evenements(filtre: {types: $types}) { id type quand jeune { id } }
}"""
NAMES = {
    TypeEvenement.RUPTURE_NOUVELLE: "rupture.nouvelle",
    TypeEvenement.RUPTURE_ANNULEE: "rupture.annulee",
    TypeEvenement.NOUVEAU_CONTRAT: "contrat.nouveau",
    TypeEvenement.SANS_CONTRAT_NOUVEAU: "sans_contrat.nouveau",
    TypeEvenement.ECHEANCE_SANS_CONTRAT: "sans_contrat.echeance",
    TypeEvenement.SUIVI_MODIFIE: "suivi.modifie",
    TypeEvenement.ACCOMPAGNEMENT_DEMANDE: "accompagnement.demande",
    TypeEvenement.ACCOMPAGNEMENT_REPONDU: "accompagnement.repondu",
    TypeEvenement.ECRITURE_TRANSMISE: "ecriture.transmise",
    TypeEvenement.ECRITURE_REFUSEE: "ecriture.refusee",
    TypeEvenement.ECRITURE_EN_ECHEC: "ecriture.en_echec",
    TypeEvenement.SOURCE_AJOUTEE: "source.ajoutee",
    TypeEvenement.LACUNE: "lacune",
}


class EventBehind(Exception):
    """What an event tells is not known here yet: it is to be looked for again."""


@dataclass(frozen=True, slots=True)
class EventMessages:
    """Decides what is told, of the register as it is now."""

    gateway: Gateway
    clients: Mapping[str, RegisteredClient]

    def viewer(self, endpoint: WebhookEndpoint) -> Viewer | None:
        """Who the endpoint is; None where the register does not say so any more. Raises ClientsUnavailable, FinaliteRequired."""
        client = self.clients.get(endpoint.client)
        if client is None or client.mfa or client.agent_exige:
            return None
        finalite = endpoint.finalite.value if endpoint.finalite else None
        directory = self.gateway.directory().referentiel
        viewer = build_viewer(Principal(endpoint.client), client, finalite, directory)
        return replace(viewer, free_documents=True)  # the text is ours

    async def message(
        self, endpoint: WebhookEndpoint, viewer: Viewer, kept: KeptEvents, event: LoggedEvent
    ) -> WebhookMessage | None:
        """What is to be sent of an event, journaled; None where the client may not know of it, or did not ask.

        Raises what an operation raises, FinaliteRequired where the client may read no event at all, and EventBehind where this
        process may not have heard yet what the event tells.
        """
        types = [one.value for one in endpoint.types] if endpoint.types else None
        gateway = self.gateway
        validated = await validate(
            gateway, viewer, GraphQLRequest(DOCUMENT, None, {"types": types}, trace=start_trace(None, None))
        )
        judgement = await judge(gateway, viewer, validated)
        if not judgement.decision.roots:
            raise FinaliteRequired("Ce client ne lit aucun événement, à cette finalité.")
        key = WatchedPerimeter.of(viewer).key(gateway.opaque_ids)
        told = gateway.log.shown(key, kept, event)
        response = await serve(gateway, viewer, validated, judgement, told)
        if told.behind:
            raise EventBehind
        # An object that was shown before may be in its encoded form.
        shown = orjson.loads(orjson.dumps(response.data or {})).get("evenements")
        return _message(gateway.opaque_ids.stand_in(f"webhook/{endpoint.nom}/{shown['id']}"), shown) if shown else None


def _message(stand_in: str, shown: Mapping[str, Any]) -> WebhookMessage:
    jeune = shown["jeune"]
    document = {
        "type": NAMES[TypeEvenement(shown["type"])],
        "timestamp": shown["quand"],
        "data": {"id": jeune and jeune["id"], "evenement": shown["id"]},
    }
    return WebhookMessage(f"evt_{stand_in}", orjson.dumps(document))
