"""What is kept of a write, sealed, and the testimony that it is. Pure given the key; knows no store.

A body is bound to the id of its write: one that is moved under another does not open.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.auth.policy.acts import Acte
from gateway.auth.policy.rules import Profil
from gateway.domain.seal import Sealer
from gateway.federation.views.overlay import Answer, Testimony
from gateway.schema.nouns import Collaboration, Rupture, SituationSuivi, Suivi
from gateway.schema.write_states import EtatEcriture, MotifAccompagnement, PrecisionDite, ReponseAccompagnement
from gateway.schema.writes import ConnaissanceMl
from gateway.stores.write_store import FAILED, HELD, SENT, WAITING, KeptWrite
from gateway.writes.eligibility import WriteTarget
from gateway.writes.mutation_input import Saisie, content_of

USAGE = "ecriture"
TESTIFYING = frozenset({WAITING, SENT, HELD, FAILED})  # states of writes that are still said


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a write goes: a partner and its tenant, and the dossier of its person there; nowhere, where it has no name. `seen`:
    when what is shown of it was last changed there, where the gateway itself wrote nothing since."""

    name: str = ""
    dossier: str = ""
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """What is kept of a write. `dossier`: of the person at the partner that it is for; `organisation`: who writes; `seen`: when
    what its author read there was last changed, where nothing else may be written on."""

    jeune: str
    contrat: str | None
    organisation: str
    mission_locale: str
    dossier: str
    saisie: dict[str, Any]
    seen: str = ""


def person_name(sealer: Sealer, key: str) -> str:
    """What a person is called in the store; `key`: that of her id."""
    return sealer.pseudonym("ecriture/personne", key)


def subject_name(sealer: Sealer, person: str, destination: Destination) -> str:
    """What has one order in the store: a person at a destination."""
    return sealer.pseudonym("ecriture/sujet", f"{person}|{destination.name}")


def organisation_name(sealer: Sealer, role: Profil, organisation: str) -> str:
    """What an organisation is called in the store."""
    return sealer.pseudonym("ecriture/organisation", f"{role.value}/{organisation}")


def seal_body(sealer: Sealer, identifier: str, body: Body) -> bytes:
    """The bytes to keep."""
    plain = {name: getattr(body, name) for name in Body.__slots__}
    return sealer.seal(USAGE, content_of(plain), identifier.encode())


def open_body(sealer: Sealer, write: KeptWrite) -> Body | None:
    """What a write says; None once it was taken away, or for what this gateway did not seal."""
    plain = sealer.open(USAGE, write.sealed, write.id.encode()) if write.sealed else None
    return Body(**orjson.loads(plain)) if plain is not None else None


def body_of(saisie: Saisie, target: WriteTarget, organisation: str, destination: Destination) -> Body:
    """What is to be kept of an accepted write."""
    jeune, contrat = str(target.person.jeune.id), str(target.contrat.id) if target.contrat else None
    left = ("cle", "jeune", "contrat", "version")
    told = {name: value for name, value in vars(saisie).items() if name not in left and value is not None}
    if precisions := told.get("precisions"):
        told["precisions"] = [vars(one) for one in precisions]
    seen = destination.seen.isoformat() if destination.seen and getattr(saisie, "version", None) else ""
    content = orjson.loads(content_of(told))
    return Body(jeune, contrat, organisation, target.mission_locale, destination.dossier, content, seen)


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
