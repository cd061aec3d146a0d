"""Testimonies written by hand, and the small directory in which they are merged."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.connectors.base import Record
from gateway.domain.links import KnownLinks
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, Referentiel
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.domain.statut import StatutApprenant
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.ids.id_assigner import AssignedIds
from gateway.federation.ids.keep_or_create import keep_or_create
from gateway.federation.join.join_records import SourcedRecord, link
from gateway.federation.join.merge import MergedPerson, merge
from gateway.federation.join.provenance import attach
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.build import build_view
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.select import select_persons
from gateway.federation.views.view import Rights, View
from gateway.schema.nouns import Contrat, Formation, Jeune, Rupture
from gateway.schema.organisations import TypeSource
from gateway.schema.scalars import SIRET
from tests.support.access.tools import POLICY, decision, viewer

DAY = date(2026, 10, 15)
RECEIVED = datetime(2026, 10, 15, 9, tzinfo=UTC)
UN, AUTRE = SIRET("73282932000074"), SIRET("35600000000048")
IDS = OpaqueIds(Sealer(bytes(32)))
DIRECTORY = Directory(
    Referentiel(
        communes={
            "60057": CommuneLine("60057", "Beauvais", ("60000",), "60", "32", "20", "60001"),
            "60175": CommuneLine("60175", "Creil", ("60100",), "60", "32", "20", "60002"),
            "60176": CommuneLine("60176", "Nogent", ("60100",), "60", "32", "20", "60001"),
        },
        missions_locales={
            code: MissionLocaleRow(1, code, f"Mission locale {code}", None, None, None) for code in ("60001", "60002")
        },
    ),
    IDS,
)


def told(
    source: str, key: str = "1", tenant: str = "", modifie: datetime | None = None, **values: Any
) -> SourcedRecord:
    """What a source says; its kind goes with its name, and the identity is always the same unless told."""
    nature = {"registre": TypeSource.REGISTRE_CONTRATS, "imilo": TypeSource.MISSION_LOCALE}.get(
        source, TypeSource.ERP_CFA
    )
    identity = {"nom": "Le Goff", "prenom": "Anaïs", "date_naissance": date(2006, 3, 7)}
    return SourcedRecord(source, nature, tenant, Record(key, Jeune(**{**identity, **values}), modifie), RECEIVED)


def contrat(debut: date, fin: date = date(2027, 8, 31), broken: date | None = None, **values: Any) -> Contrat:
    told: dict[str, Any] = {"rupture": Rupture(date=broken) if broken else None, **values}
    return Contrat(date_debut=debut, date_fin=fin, **told)


def session(debut: date, fin: date) -> Formation:
    return Formation(date_debut=debut, date_fin=fin)


def merged(*sourced_records: SourcedRecord, day: date = DAY) -> MergedPerson:
    (group,) = link(sourced_records)
    return merge(group, DIRECTORY, day)


def statut(one: MergedPerson) -> StatutApprenant:
    assert one.jeune.statut is not None
    return one.jeune.statut.valeur


def provenance(one: MergedPerson) -> dict[tuple[str, str], tuple[bool, bool]]:
    """(field, source) -> (kept, contradicted), of the person, of its contracts and of its ruptures."""
    attach(one)
    holders: list[Any] = [one.jeune, *one.contrats, *(c.rupture for c in one.contrats if c.rupture)]
    rows = [line for holder in holders for line in holder.rows or []]
    return {(line.champ, line.source): (line.retenue, line.divergente) for line in rows}


def build(readings: SourceReadings, rights: Rights) -> View:
    """Built as the gateway does, with a ledger of links that knows nothing yet."""
    selected = select_persons(readings, rights, DIRECTORY, DAY)
    decision = keep_or_create(selected.key_sets, KnownLinks(), DIRECTORY.pseudonym, RECEIVED)
    return build_view(selected, AssignedIds(decision.objects, {}, {}, False), rights, DIRECTORY, readings)


@cache
def _list() -> Decision:
    return decision(
        Profil.MISSION_LOCALE, "{ ruptures { totalCount pageInfo { endCursor } edges { node { id date etat } } } }"
    )


def context(sourced_records: Sequence[SourcedRecord], code: str = "60001") -> OperationContext:
    """What a Mission locale may list of what was heard, its own system included."""
    perimetre = Perimetre(Profil.MISSION_LOCALE, code)
    rights = Rights(POLICY, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, perimetre)
    readings = SourceReadings(list(sourced_records), suivi_heard=frozenset({code}))
    return OperationContext(
        viewer=viewer(Profil.MISSION_LOCALE),
        rights=rights,
        decision=_list(),
        directory=DIRECTORY,
        opaque_ids=IDS,
        day=DAY,
        states=list,
        source_of_cfa=lambda uai: None,
        readings=readings,
        view=build(readings, rights),
    )
