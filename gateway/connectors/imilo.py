"""i-milo-like system of the Missions locales: the dossiers of one structure, with follow-up and collaboration.

The page of a structure's dossiers is an invention of ours (docs/domaine.md), declared as a capability: the documented calls read
one dossier by number, and asking person by person would grow with rows.
"""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from gateway.connectors.base import (
    ChangeNotice,
    Connector,
    EventQueue,
    PagingStyle,
    PartnerRequest,
    PartnerWrite,
    Payload,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    UnexpectedAnswer,
    filled,
    mapped,
    of_one_person,
    read,
    rows_of,
)
from gateway.connectors.values import (
    Boolean,
    CodePostalValue,
    Courriel,
    InstantParis,
    IsoDate,
    Listed,
    Required,
    Telephone,
    Text,
    UaiValue,
    code,
    text,
)
from gateway.domain.days import PARIS
from gateway.schema.nouns import Adresse, Collaboration, EtapeSuivi, Jeune, SituationSuivi, Suivi
from gateway.schema.organisations import ModeSource, TypeSource
from gateway.schema.write_states import MotifAccompagnement, PrecisionDite, ReponseAccompagnement

PAGE_SIZE = 150


class ImiloAddress(Payload):
    numero: Text = None
    voie: Text = Field(None, alias="libelleVoie")
    complement: Text = None
    code_postal: CodePostalValue = Field(None, alias="codePostal")
    commune: Text = None


Situation = Annotated[SituationSuivi | None, BeforeValidator(lambda raw: code(SituationSuivi.__members__, text(raw)))]
Motif = Annotated[MotifAccompagnement, BeforeValidator(lambda raw: code(MotifAccompagnement.__members__, text(raw)))]


Answered = Annotated[
    ReponseAccompagnement | None, BeforeValidator(lambda raw: code(ReponseAccompagnement.__members__, text(raw)))
]


class ImiloEtape(Payload):
    situation: Situation = None
    date: InstantParis = None


class ImiloSuivi(Payload):
    situation: Situation = None
    situation_autre: Text = Field(None, alias="situationAutre")
    commentaire: Text = None
    deja_connu: Boolean = Field(None, alias="dejaConnu")
    conseiller: Text = None
    maj_le: InstantParis = Field(None, alias="majLe")
    souhaite_rdv: Boolean = Field(None, alias="souhaiteRdv")
    historique: Listed[ImiloEtape] = ()


class ImiloPrecision(Payload):
    motif: Motif
    texte: Text = None


class ImiloCollaboration(Payload):
    demandee_le: InstantParis = Field(None, alias="demandeeLe")
    motifs: Listed[Motif] = ()
    commentaire: Text = None
    cause: Text = Field(None, alias="causeRupture")
    referent: Text = None
    uai: UaiValue = None
    precisions: Listed[ImiloPrecision] = ()
    encore_au_cfa: Boolean = Field(None, alias="encoreAuCfa")
    note: Text = None
    reponse: Answered = None
    repondu_le: InstantParis = Field(None, alias="reponduLe")
    commentaire_reponse: Text = Field(None, alias="commentaireReponse")


class Structure(Payload):
    code: Text = Field(None, alias="codeStructure")


class ImiloRecord(Payload):
    id: Required = Field(alias="idDossier")
    nom: Required = Field(alias="nomNaissance")
    usage: Text = Field(None, alias="nomUsage")
    prenom: Required
    naissance: IsoDate = Field(alias="dateNaissance")
    mail: Courriel = None
    telephone: Telephone = None
    adresse: ImiloAddress | None = None
    structure: Structure | None = Field(None, alias="structureRattachement")
    suivi: ImiloSuivi | None = Field(None, alias="suiviApprentissage")
    collaboration: ImiloCollaboration | None = None


def records(structure: Tenant, today: date) -> ReadingSteps[ReadingResult]:
    """All the dossiers of one Mission locale."""
    params = {"page": "1", "taillePage": str(PAGE_SIZE)}
    (pages,) = yield [
        PartnerRequest(
            "dossiers",
            f"/operateurs/structures/{structure.code or structure.key}/dossiers",
            params=params,
            pages=PagingStyle.SIZE,
            size=PAGE_SIZE,
            empty_is_absence=True,
            acces="dossier",
        )
    ]
    account = QualityCounts()
    told = of_one_person(read(ImiloRecord, rows_of(pages), account), lambda record: record.id, account)
    found = mapped(_record, told, account)
    return account.result(found)


def _record(told: ImiloRecord) -> Record:
    jeune = Jeune(
        nom=told.nom,
        autres_noms=(told.usage,) if told.usage else (),
        prenom=told.prenom,
        date_naissance=told.naissance,
        telephone=told.telephone,
        courriel=told.mail,
        adresse=_address(told.adresse) if told.adresse else None,
        suivi=_suivi(told.suivi) if told.suivi else None,
        collaboration=_collaboration(told.collaboration) if told.collaboration else None,
    )
    structure = told.structure.code if told.structure else None
    return Record(told.id, jeune, told.suivi.maj_le if told.suivi else None, structure or "")


def _address(told: ImiloAddress) -> Adresse | None:
    voie = " ".join(part for part in (told.numero, told.voie) if part) or None
    return filled(Adresse(voie=voie, complement=told.complement, code_postal=told.code_postal, ville=told.commune))


def _suivi(told: ImiloSuivi) -> Suivi:
    etapes = [EtapeSuivi(situation=step.situation, date=step.date) for step in told.historique if step.date]
    return Suivi(
        situation=told.situation,
        situation_autre=told.situation_autre,
        commentaire=told.commentaire,
        deja_connu=told.deja_connu,
        conseiller=told.conseiller,
        date=told.maj_le,
        souhaite_rdv=bool(told.souhaite_rdv),
        historique=sorted(etapes, key=lambda step: step.date, reverse=True),
    )


def _collaboration(told: ImiloCollaboration) -> Collaboration:
    return Collaboration(
        demandee_le=told.demandee_le,
        motifs=list(told.motifs),
        commentaire=told.commentaire,
        cause_rupture=told.cause,
        referent=told.referent,
        uai=told.uai,
        precisions=[PrecisionDite(motif=one.motif, texte=one.texte) for one in told.precisions] or None,
        encore_au_cfa=told.encore_au_cfa,
        note=told.note,
        reponse=told.reponse,
        repondu_le=told.repondu_le,
        commentaire_reponse=told.commentaire_reponse,
    )


class Event(Payload):
    """What cannot stand in a path cannot be acknowledged."""

    identifiant: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    type: Text = None
    record: Text = Field(None, alias="idDossier")


class Placed(Payload):
    """A dossier, of which nothing is read but where it is."""

    structure: Structure | None = Field(None, alias="structureRattachement")


def evenements() -> ReadingSteps[list[ChangeNotice]]:
    """What waits in the queue: appointments and sessions too, which nothing that we show depends on."""
    (pages,) = yield [_from_queue("events", "/operateurs/events")]
    events = read(Event, rows_of(pages), QualityCounts())
    return [
        ChangeNotice(key=event.identifiant, record=(event.record or "") if event.type == "DOSSIER" else "")
        for event in events
    ]


def place(numero: str) -> ReadingSteps[str | None]:
    """Events name a dossier and not its structure: the documented call tells it. The number goes in the path, as this partner
    has it (docs/security.md L02: a recorded exception, docs/decisions/0021)."""
    if not re.fullmatch(r"[0-9]{1,18}", numero):
        raise UnexpectedAnswer("not the number of a dossier")
    (pages,) = yield [_from_queue("dossier", f"/sue/dossiers/{numero}", acces="dossier")]
    placed = read(Placed, pages, QualityCounts())
    return placed[0].structure.code if placed and placed[0].structure else None


def acknowledge(identifiant: str) -> ReadingSteps[None]:
    yield [_from_queue("ack", f"/operateurs/events/{identifiant}/ack", "POST")]


WRITTEN = {
    "NOTER_SUIVI": "suivi-apprentissage",
    "DEMANDER_ACCOMPAGNEMENT": "collaboration",
    "REPONDRE_ACCOMPAGNEMENT": "collaboration-reponse",
}


def write(one: PartnerWrite) -> ReadingSteps[None]:
    """Say a follow-up, a request or its answer. The calls are inventions of ours (docs/domaine.md, i-milo): the documented ones
    write nothing of the kind."""
    if not re.fullmatch(r"[0-9]{1,18}", one.dossier):
        raise UnexpectedAnswer("not the number of a dossier")
    told = {_camel(name): value for name, value in one.content.items()}
    seen = {"If-Match": f'"{_local(one.seen)}"'} if one.seen else {}
    yield [
        PartnerRequest(
            "ecriture",
            f"/operateurs/dossiers/{one.dossier}/{WRITTEN[one.acte]}",
            "PUT",
            headers={"Idempotency-Key": one.key, **seen},
            body={**told, "auteur": one.author, "date": _local(one.at)},
            empty_is_absence=True,
            acces="dossier",
        )
    ]


def _local(instant: datetime) -> str:
    """As this partner writes one: the wall clock of Paris, without a zone."""
    return f"{instant.astimezone(PARIS):%Y-%m-%d %H:%M:%S}"


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _from_queue(operation: str, path: str, method: str = "GET", acces: str = "events") -> PartnerRequest:
    return PartnerRequest(operation, path, method, empty_is_absence=True, acces=acces, witness=False)


CONNECTOR = Connector(
    "imilo",
    TypeSource.MISSION_LOCALE,
    ModeSource.INTERROGATION,
    structure_records=records,
    queue=EventQueue(evenements, place, acknowledge),
    capabilities=frozenset({"dossiers_structure"}),
    write=write,
    acts=frozenset(WRITTEN),
)
