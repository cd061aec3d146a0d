"""i-milo-like system of the Missions locales: the dossiers of one structure, with follow-up and collaboration.

The page of a structure's dossiers is an invention of ours (docs/domaine.md), declared as a capability: the documented calls read
one dossier by number, and asking person by person would grow with rows.
"""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

from gateway.connectors.base import (
    ChangeNotice,
    Connector,
    EventQueue,
    PagingStyle,
    PartnerRequest,
    Payload,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    UnexpectedAnswer,
    filled,
    read,
    rows_of,
)
from gateway.connectors.values import (
    Boolean,
    CodePostalValue,
    Courriel,
    InstantParis,
    ListQuery,
    Naissance,
    Required,
    Telephone,
    Text,
    code,
    text,
)
from gateway.schema.nouns import Adresse, Collaboration, EtapeSuivi, Jeune, MotifAccompagnement, SituationSuivi, Suivi
from gateway.schema.organisations import ModeSource, TypeSource

PAGE_SIZE = 150


class ImiloAddress(Payload):
    numero: Text = None
    voie: Text = Field(None, alias="libelleVoie")
    complement: Text = None
    code_postal: CodePostalValue = Field(None, alias="codePostal")
    commune: Text = None


Situation = Annotated[SituationSuivi | None, BeforeValidator(lambda lu: code(SituationSuivi.__members__, text(lu)))]
Motif = Annotated[MotifAccompagnement, BeforeValidator(lambda lu: code(MotifAccompagnement.__members__, text(lu)))]


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
    historique: ListQuery[ImiloEtape] = ()


class ImiloCollaboration(Payload):
    demandee_le: InstantParis = Field(None, alias="demandeeLe")
    motifs: ListQuery[Motif] = ()
    commentaire: Text = None
    cause: Text = Field(None, alias="causeRupture")
    referent: Text = None


class Structure(Payload):
    code: Text = Field(None, alias="codeStructure")


class ImiloRecord(Payload):
    id: Required = Field(alias="idDossier")
    nom: Required = Field(alias="nomNaissance")
    usage: Text = Field(None, alias="nomUsage")
    prenom: Required
    naissance: Naissance = Field(alias="dateNaissance")
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
    values_read = [_record(lu) for lu in read(ImiloRecord, rows_of(pages), account)]
    return ReadingResult(values_read, account.rejects, account.ignored_fields, account.drifts)


def _record(lu: ImiloRecord) -> Record:
    jeune = Jeune(
        nom=lu.nom,
        autres_noms=(lu.usage,) if lu.usage else (),
        prenom=lu.prenom,
        date_naissance=lu.naissance,
        telephone=lu.telephone,
        courriel=lu.mail,
        adresse=_address(lu.adresse) if lu.adresse else None,
        suivi=_suivi(lu.suivi) if lu.suivi else None,
        collaboration=_collaboration(lu.collaboration) if lu.collaboration else None,
    )
    structure = lu.structure.code if lu.structure else None
    return Record(lu.id, jeune, lu.suivi.maj_le if lu.suivi else None, structure or "")


def _address(row_read: ImiloAddress) -> Adresse | None:
    voie = " ".join(part for part in (row_read.numero, row_read.voie) if part) or None
    return filled(
        Adresse(voie=voie, complement=row_read.complement, code_postal=row_read.code_postal, ville=row_read.commune)
    )


def _suivi(lu: ImiloSuivi) -> Suivi:
    etapes = [EtapeSuivi(situation=step.situation, date=step.date) for step in lu.historique if step.date]
    return Suivi(
        situation=lu.situation,
        situation_autre=lu.situation_autre,
        commentaire=lu.commentaire,
        deja_connu=lu.deja_connu,
        conseiller=lu.conseiller,
        date=lu.maj_le,
        souhaite_rdv=bool(lu.souhaite_rdv),
        historique=sorted(etapes, key=lambda step: step.date, reverse=True),
    )


def _collaboration(row_read: ImiloCollaboration) -> Collaboration:
    return Collaboration(
        demandee_le=row_read.demandee_le,
        motifs=list(row_read.motifs),
        commentaire=row_read.commentaire,
        cause_rupture=row_read.cause,
        referent=row_read.referent,
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
    values_read = read(Event, rows_of(pages), QualityCounts())
    return [
        ChangeNotice(key=lu.identifiant, record=(lu.record or "") if lu.type == "DOSSIER" else "") for lu in values_read
    ]


def place(numero: str) -> ReadingSteps[str | None]:
    """Events name a dossier and not its structure: the documented call tells it. The number goes in the path, as this partner
    has it (docs/security.md L02: a recorded exception, docs/decisions/0021)."""
    if not re.fullmatch(r"[0-9]{1,18}", numero):
        raise UnexpectedAnswer("not the number of a dossier")
    (pages,) = yield [_from_queue("dossier", f"/sue/dossiers/{numero}", acces="dossier")]
    values_read = read(Placed, pages, QualityCounts())
    return values_read[0].structure.code if values_read and values_read[0].structure else None


def acknowledge(identifiant: str) -> ReadingSteps[None]:
    yield [_from_queue("ack", f"/operateurs/events/{identifiant}/ack", "POST")]


def _from_queue(operation: str, path: str, method: str = "GET", acces: str = "events") -> PartnerRequest:
    return PartnerRequest(operation, path, method, empty_is_absence=True, acces=acces, witness=False)


CONNECTOR = Connector(
    "imilo",
    TypeSource.MISSION_LOCALE,
    ModeSource.INTERROGATION,
    structure_records=records,
    queue=EventQueue(evenements, place, acknowledge),
    capabilities=frozenset({"dossiers_structure"}),
)
