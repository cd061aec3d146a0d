"""What is kept of a write, sealed, and the testimony that it is. Pure given the key; knows no store.

A body is bound to the id of its write: one that is moved under another does not open.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.auth.policy.acts import Acte
from gateway.domain.seal import Sealer
from gateway.federation.views.overlay import Answer, Testimony
from gateway.schema.nouns import Collaboration, Rupture, SituationSuivi, Suivi
from gateway.schema.write_states import EtatEcriture, MotifAccompagnement, PrecisionDite, ReponseAccompagnement
from gateway.schema.writes import ConnaissanceMl
from gateway.stores.write_store import FAILED, HELD, SENT, WAITING, KeptWrite
from gateway.writes.asked import Saisie, content_of

USAGE = "ecriture"
TESTIFYING = frozenset({WAITING, SENT, HELD, FAILED})  # states of writes that are still said


@dataclass(frozen=True, slots=True)
class Body:
    """What is kept of a write. `dossier`: of the person at the partner that it is for; `organisation`: who writes."""

    jeune: str
    contrat: str | None
    organisation: str
    mission_locale: str
    dossier: str
    saisie: dict[str, Any]


def seal_body(sealer: Sealer, identifier: str, body: Body) -> bytes:
    """The bytes to keep."""
    plain = {name: getattr(body, name) for name in Body.__slots__}
    return sealer.seal(USAGE, content_of(plain), identifier.encode())


def open_body(sealer: Sealer, write: KeptWrite) -> Body | None:
    """What a write says; None once it was taken away, or for what this gateway did not seal."""
    plain = sealer.open(USAGE, write.sealed, write.id.encode()) if write.sealed else None
    return Body(**orjson.loads(plain)) if plain is not None else None


def body_of(
    saisie: Saisie, jeune: str, contrat: str | None, organisation: str, mission_locale: str, dossier: str
) -> Body:
    """What is to be kept of an accepted write."""
    left = ("cle", "jeune", "contrat", "version")
    told = {name: value for name, value in vars(saisie).items() if name not in left and value is not None}
    if precisions := told.get("precisions"):
        told["precisions"] = [vars(one) for one in precisions]
    return Body(jeune, contrat, organisation, mission_locale, dossier, orjson.loads(content_of(told)))


def testimony(sealer: Sealer, write: KeptWrite) -> Testimony | None:
    """What a write says of its person; None for one that says nothing any more."""
    body = open_body(sealer, write) if write.etat in TESTIFYING else None
    if body is None:
        return None
    told = _TOLD[Acte(write.acte)](body)
    etat = EtatEcriture(write.etat)
    return Testimony(
        write.id, body.jeune, body.contrat, body.organisation, write.accepted_at, write.sent_at, etat, told
    )


def _suivi(body: Body) -> Suivi:
    told = body.saisie
    known = told.get("connaissance")
    return Suivi(
        situation=SituationSuivi(told["situation"]) if "situation" in told else None,
        situation_autre=told.get("situation_autre"),
        commentaire=told.get("commentaire"),
        deja_connu=known != ConnaissanceMl.NON_CONNU.value if known else None,
    )


def _request(body: Body) -> Collaboration:
    told = body.saisie
    precisions = [
        PrecisionDite(motif=MotifAccompagnement(one["motif"]), texte=one["texte"]) for one in told.get("precisions", ())
    ]
    return Collaboration(
        motifs=[MotifAccompagnement(motif) for motif in told["motifs"]],
        precisions=precisions or None,
        commentaire=told.get("commentaire"),
        cause_rupture=told.get("cause_rupture"),
        encore_au_cfa=told.get("encore_au_cfa"),
        referent=told["referent"],
        note=told.get("note"),
        uai=body.organisation,
    )


def _answer(body: Body) -> Answer:
    return Answer(ReponseAccompagnement(body.saisie["reponse"]), body.saisie.get("commentaire"))


def _rupture(body: Body) -> Rupture:
    return Rupture(date=datetime.fromisoformat(body.saisie["date"]).date(), cause=body.saisie.get("cause"))


_TOLD: dict[Acte, Any] = {
    Acte.NOTER_SUIVI: _suivi,
    Acte.DEMANDER_ACCOMPAGNEMENT: _request,
    Acte.REPONDRE_ACCOMPAGNEMENT: _answer,
    Acte.DECLARER_RUPTURE: _rupture,
}
