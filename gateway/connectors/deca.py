"""DECA-like registry of contracts: extracts by window of processing days, two product views, amendments as rows.

The harvest keeps every row; `contrats` folds the rows of one contract, in order of day, into one person and one contract.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from gateway.connectors.base import (
    Connector,
    Harvest,
    PagingStyle,
    PartnerRequest,
    Payload,
    QualityCounts,
    filled,
    mapped,
    read,
    rows_of,
)
from gateway.connectors.values import (
    Boolean,
    Cfd,
    CodePostalValue,
    Courriel,
    IsoDate,
    IsoDay,
    Naf,
    NumeroRegistre,
    Required,
    Rncp,
    SexeValue,
    SirenValue,
    SiretValue,
    Telephone,
    Text,
    UaiValue,
    code,
    text,
)
from gateway.domain.official_numbers import normalise_code_postal, normalise_nom
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture
from gateway.schema.organisations import Cfa, ModeSource, TypeSource
from gateway.stores.registry_row import RegistryRow

P = TypeVar("P", bound=Payload)
VIEWS = ("TBA", "LBA")
DISPOSITIFS = {"": True, "APPR": True, "PROF": False}  # about one row in ten is a contrat de professionnalisation
# Whether a statut says the contract void, by its letters but for gender and number.
STATUTS = {"": None, "ANNUL": True, "SUPPRIM": True, "CORRIG": False, "ROMPU": False, "RUPTUREANNUL": False}
TAKEN_BACK = "RUPTUREANNULEE"  # the statut that undoes a rupture: a correction may speak of something else
# Labels of ours: the list of codes is not published. An unknown code is shown as it is.
MOTIFS = {
    "01": "Rupture pendant la période d'essai",
    "02": "Commun accord",
    "03": "Démission de l'apprenti",
    "04": "Licenciement",
    "05": "Force majeure",
    "06": "Inaptitude médicale",
    "07": "Obtention du diplôme",
    "08": "Cessation d'activité de l'employeur",
}


class DecaAddress(Payload):
    numero: Text = None
    voie: Text = None
    code_postal: CodePostalValue = Field(None, alias="codePostal")


class Alternant(Payload):
    nom: Required
    prenom: Required
    naissance: IsoDate = Field(alias="dateNaissance")
    sexe: SexeValue = None
    handicap: Boolean = None
    courriel: Courriel = None
    telephone: Telephone = None
    adresse: DecaAddress = DecaAddress()


class DecaFormation(Payload):
    debut: IsoDay = Field(None, alias="dateDebutFormation")
    fin: IsoDay = Field(None, alias="dateFinFormation")
    cfd: Cfd = Field(None, alias="codeDiplome")
    rncp: Rncp = None
    intitule: Text = Field(None, alias="intituleOuQualification")


class Organisme(Payload):
    uai: UaiValue = Field(None, alias="uaiCfa")
    siret: SiretValue = None


def _annule(value: Any) -> bool | None:
    return code(STATUTS, normalise_nom(text(value)).rstrip("ES"))


class Details(Payload):
    numero: NumeroRegistre = Field(alias="noContrat")
    avenant: Text = Field(None, alias="noAvenant")
    type: Text = Field(None, alias="typeContrat")
    dispositif: Text = None
    debut: IsoDay = Field(None, alias="dateDebutContrat")
    fin: IsoDay = Field(None, alias="dateFinContrat")
    statut: Text = None
    annule: Annotated[bool | None, BeforeValidator(_annule)] = Field(None, alias="statut")


class DecaRupture(Payload):
    effet: IsoDay = Field(None, alias="dateEffetRupture")
    motif: Text = Field(None, alias="codeMotifRupture")
    signalement: IsoDay = Field(None, alias="dateSignalement")


class DecaEmployeur(Payload):
    siret: SiretValue = None
    siren: SirenValue = Field(None, alias="siret")
    denomination: Text = None
    naf: Naf = None
    idcc: Text = Field(None, alias="codeIdcc")


class Row(Payload):
    """One row of either view."""

    alternant: Alternant
    details: Details = Field(alias="detailsContrat")
    formation: DecaFormation = DecaFormation()
    etablissement: Organisme = Field(Organisme(), alias="etablissementFormation")
    responsable: Organisme = Field(Organisme(), alias="organismeFormationResponsable")
    rupture: DecaRupture = DecaRupture()
    employeur: DecaEmployeur = DecaEmployeur()


def partner_requests(debut: date, fin: date) -> list[PartnerRequest]:
    """Both views of what was processed from `debut` to `fin`, both included; at most 60 days, up to yesterday."""
    return [_extracted(view, debut, fin) for view in VIEWS]


def rows(partner_request: PartnerRequest, fin: date, document: Any) -> tuple[list[RegistryRow], QualityCounts]:
    """The rows of one page of a view."""
    account, view = QualityCounts(), partner_request.acces.upper()
    payloads = rows_of([document], "contrats")
    found = mapped(lambda payload: list(_rows(view, fin, payload, account)), payloads, account)
    return [line for lines in found for line in lines], account


def _extracted(view: str, debut: date, fin: date) -> PartnerRequest:
    return PartnerRequest(
        f"extract{view}",
        f"/contrats/extract{view}",
        method="POST",
        body={"dateDebut": debut.isoformat(), "dateFin": fin.isoformat(), "page": 1},
        pages=PagingStyle.METADATA,
        acces=view.lower(),
    )


def _rows(view: str, day: date, payload: Mapping[str, Any], account: QualityCounts) -> Iterator[RegistryRow]:
    """The row of an apprenticeship contract; none for another scheme, nor for what cannot be read."""
    for row in read(Row, [payload], account):
        own = DISPOSITIFS.get(normalise_nom(row.details.dispositif or "")[:4])
        if own is None:  # kept, it might be no apprentice's; lost in silence, it might be all of them
            account.reject("code_inconnu", "dispositif")
        elif own:
            yield RegistryRow(
                no_contrat=row.details.numero,
                view=view,
                day=day,
                nom=row.alternant.nom,
                prenom=row.alternant.prenom,
                date_naissance=row.alternant.naissance,
                code_postal=normalise_code_postal(row.alternant.adresse.code_postal),
                uai=row.responsable.uai,
                siret_formation=row.responsable.siret or row.etablissement.siret,
                fin=row.details.fin,
                payload=payload,
            )


def contrat(payloads: Sequence[Mapping[str, Any]]) -> tuple[Jeune, Contrat] | None:
    """Fold the rows of one contract, in order of day: the last word told of each thing holds."""
    rows = read(Row, payloads, QualityCounts())
    if not rows:
        return None
    cfa = _cfa(rows)
    return _jeune(rows, cfa), _contrat(rows, cfa)


def _folded(blocks: Sequence[P]) -> P:
    """One block, of the last value told of each field."""
    told = {champ: value for block in blocks for champ, value in vars(block).items() if value is not None}
    return blocks[-1].model_copy(update=told)


def _jeune(rows: list[Row], cfa: Cfa | None) -> Jeune:
    told = _folded([line.alternant for line in rows])
    formation = _formation(rows, cfa)
    return Jeune(
        nom=told.nom,
        prenom=told.prenom,
        date_naissance=told.naissance,
        sexe=told.sexe,
        rqth=told.handicap,
        courriel=told.courriel,
        telephone=told.telephone,
        adresse=_address([line.alternant.adresse for line in rows]),
        formations=[formation] if formation.date_debut and formation.date_fin else None,
    )


def _address(addresses: list[DecaAddress]) -> Adresse | None:
    """The last home told, whole: a number of one home and the street of another make none."""
    told = [adresse for adresse in addresses if any(vars(adresse).values())]
    if not told:
        return None
    voie = " ".join(filter(None, (told[-1].numero, told[-1].voie))) or None
    return Adresse(voie=voie, code_postal=told[-1].code_postal)


def _formation(rows: list[Row], cfa: Cfa | None) -> Formation:
    told = _folded([line.formation for line in rows])
    return Formation(
        intitule=told.intitule,
        rncp=told.rncp,
        cfd=told.cfd,
        date_debut=told.debut,
        date_fin=told.fin,
        cfa=cfa,
    )


def _cfa(rows: list[Row]) -> Cfa | None:
    responsable = _folded([line.responsable for line in rows])
    siret = responsable.siret or _folded([line.etablissement for line in rows]).siret
    return filled(Cfa(uai=responsable.uai, siret=siret))


def _contrat(rows: list[Row], cfa: Cfa | None) -> Contrat:
    """The type and the start are the contract's own; amendments have types of their own and move the end only."""
    details = [line.details for line in rows]
    told = _folded(details)
    own = _folded([detail for detail in details if not detail.avenant] or details)
    firm = _folded([line.employeur for line in rows])
    return Contrat(
        numero=details[0].numero,
        type=own.type,
        date_debut=own.debut,
        date_fin=_end(details) or told.fin,  # no amendment moved it
        employeur=filled(Employeur(**vars(firm))),
        cfa=cfa,
        rupture=_rupture(_told_ruptures(rows)),
        annule=bool(told.annule),
    )


def _end(details: list[Details]) -> date | None:
    """The planned end told by the highest amendment."""
    avenants = sorted((detail for detail in details if detail.avenant), key=lambda detail: _rank(detail.avenant))
    return next((avenant.fin for avenant in reversed(avenants) if avenant.fin), None)


def _rank(avenant: str | None) -> tuple[int, str]:
    numero = avenant or ""
    return (int(numero) if numero.isdecimal() else 0, numero)


def _told_ruptures(rows: list[Row]) -> list[DecaRupture]:
    """The ruptures told since the registry last took one back, in so many words: a later row that says nothing does not."""
    told: list[DecaRupture] = []
    for line in rows:
        if line.rupture.effet:
            told.append(line.rupture)
        elif normalise_nom(line.details.statut or "") == TAKEN_BACK:
            told.clear()
    return told


def _rupture(ruptures: list[DecaRupture]) -> Rupture | None:
    """Told once, a rupture holds whatever later rows leave empty; it was reported when it first was."""
    if not ruptures:
        return None
    reason = _folded(ruptures).motif
    cause = MOTIFS.get(reason.rjust(2, "0"), reason) if reason else None
    reports = [rupture.signalement for rupture in ruptures if rupture.signalement]
    return Rupture(date=ruptures[-1].effet, cause=cause, signalee_le=min(reports, default=None))


CONNECTOR = Connector(
    "registre",
    TypeSource.REGISTRE_CONTRATS,
    ModeSource.MOISSON,
    moisson=Harvest(partner_requests, rows),
    contrat=contrat,
)
