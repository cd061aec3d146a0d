"""A small world in this process: drawn people, fake sources that count what they are asked, and the whole gateway over them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import orjson

from gateway.auth.authentication.clients import Viewer, build_perimetre
from gateway.auth.authorization.candidate_policy import CandidatePolicy
from gateway.auth.authorization.decision_cache import DecisionCache
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import Finalite, Profil
from gateway.connectors.base import Record
from gateway.documents.parse import Documents, PersistedDocuments
from gateway.domain.links import KnownLinks
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.edge.graphql_http import body
from gateway.execution.executor import Executor
from gateway.federation.collect.collector import Collector, LiveSources
from gateway.federation.ids.anchors import anchor, resolve_anchored
from gateway.federation.ids.id_assigner import AssignedIds, Fact
from gateway.federation.ids.keep_or_create import RecordKeys, keep_or_create
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.event_resolver import EventResolver
from gateway.operation import Gateway, answer
from gateway.operation_runner import GraphQLRequest
from gateway.reception.report import TransmissionReports
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    EtapeSuivi,
    Formation,
    Jeune,
    Representant,
    Rupture,
    Sexe,
    SituationSuivi,
    Suivi,
)
from gateway.schema.organisations import Cfa, TypeSource
from gateway.schema.query import build, core_schema
from gateway.schema.scalars import SIRET, UAI, CodePostal
from gateway.schema.write_states import MotifAccompagnement
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult
from gateway.statistiques.published_figures import Published
from tests.support.access import droit_oracle as oracle
from tests.support.access.law import Asker, Known, requester
from tests.support.access.tools import FINALITES, POLICY
from tests.support.answered_figures import statistics

DAY = date(2026, 10, 15)
PRENOMS = (
    "Anaïs",
    "Brieuc",
    "Chloé",
    "Djibril",
    "Ewan",
    "Fatou",
    "Gaspard",
    "Hawa",
    "Ilan",
    "Jeanne",
    "Killian",
    "Lou",
)
RECEIVED = datetime(2026, 10, 15, 9, tzinfo=UTC)
REGIONS = {"32": ("60001", "60002"), "11": ("75001", "75002")}
CFAS = {  # uai: region, département, académie, networks, places of training it answers for
    "0600001A": ("32", "60", "20", ("mfr",), ("0600002B",)),
    "0600002B": ("32", "02", "20", ("cci",), ()),
    "0750001U": ("11", "75", "01", ("mfr",), ()),
    "0770001H": ("11", "77", "24", (), ()),
}
STATUSES = {  # status today: session, contract, rupture
    "INSCRIT": ((date(2026, 9, 1), date(2028, 8, 31)), None, None),
    "APPRENTI": ((date(2025, 9, 1), date(2027, 8, 31)), (date(2025, 10, 1), date(2027, 8, 31)), None),
    "RUPTURANT": ((date(2025, 9, 1), date(2027, 8, 31)), (date(2025, 10, 1), date(2027, 8, 31)), date(2026, 9, 1)),
    "ABANDON": ((date(2025, 9, 1), date(2027, 8, 31)), (date(2025, 10, 1), date(2027, 8, 31)), date(2026, 1, 15)),
    "FIN_DE_FORMATION": ((date(2024, 9, 1), date(2026, 8, 31)), (date(2024, 10, 1), date(2026, 8, 31)), None),
}


@dataclass(slots=True)
class Inhabitant:
    """Somebody, as drawn. `cachet`: what is in each of his texts, so that two worlds may tell him differently."""

    numero: int
    mission_locale: str
    cfa: str
    followed_by: frozenset[str]
    statut: str
    age: int
    rqth: bool
    collaboration: bool
    souhaite_rdv: bool
    asked_by: str = ""  # the CFA that asked; "": the source does not name it
    cachets: dict[str, str] = field(default_factory=dict)  # by category

    def __getitem__(self, categorie: str) -> str:
        return self.cachets.get(categorie, f"{categorie.title()}{self.numero}")


def draw_from(randomness: Random, number: int) -> list[Inhabitant]:
    """People of every kind; whoever is in a CFA lives in its region, so that whoever may see them asks that CFA."""
    inhabitants = []
    for numero in range(number):
        cfa = randomness.choice(sorted(CFAS))
        locales = REGIONS[CFAS[cfa][0]]
        inhabitants.append(
            Inhabitant(
                numero=numero,
                mission_locale=randomness.choice(locales),
                cfa=cfa,
                followed_by=frozenset(code for code in locales if randomness.random() < 0.3),
                statut=randomness.choice(sorted(STATUSES)),
                age=randomness.choice((15, 16, 17, 18, 25, 26, 30)),
                rqth=randomness.random() < 0.4,
                collaboration=randomness.random() < 0.5,
                souhaite_rdv=randomness.random() < 0.3,
                asked_by=randomness.choice(("", cfa, cfa, *sorted(CFAS))),
            )
        )
    return inhabitants


def facts(one: Inhabitant) -> Known:
    """What the oracle is told of him."""
    region, departement, academie, reseaux, _ = CFAS[one.cfa]
    recent = one.statut == "RUPTURANT"
    reasons = {
        "ACCOMPAGNEMENT_CONJOINT": one.collaboration,
        "SOUHAITE_RDV": one.souhaite_rdv,
        "RQTH": one.rqth and recent,
        "MINEUR": one.age < 18 and recent,
    }
    places = f"REGION:{region}", f"DEPARTEMENT:{departement}", f"ACADEMIE:{academie}"
    responsables = {uai for uai, cfa in CFAS.items() if one.cfa in cfa[-1]}
    liens = {
        oracle.RESIDENCE: frozenset({one.mission_locale}),
        oracle.SUIVI: one.followed_by,
        oracle.CFA: frozenset({one.cfa, *responsables}),
        oracle.RESEAU: frozenset(reseaux),
        oracle.TERRITOIRE_CFA: frozenset(places),
        oracle.REGION_RESIDENCE: frozenset({region}),
    }
    demandes = frozenset({one.asked_by or one.cfa}) if one.collaboration else frozenset[str]()
    personne = oracle.Personne(one.statut, one.age, one.rqth, liens, demandes)
    return Known(personne, tuple(reason for reason, truth in reasons.items() if truth))


def record(one: Inhabitant) -> Record:
    """All that his CFA's system says, every field told."""
    session, bounds, broken = STATUSES[one.statut]
    formation = Formation(
        intitule=one["PARCOURS"],
        rncp="RNCP1",
        cfd="C1",
        niveau=4,
        date_debut=session[0],
        date_fin=session[1],
        cfa=_cfa(one),
    )
    contrats = [] if bounds is None else [_contrat(one, bounds, broken)]
    insee = f"{one.mission_locale[:2]}0{one.mission_locale[3:]}"
    jeune = Jeune(
        nom=f"Nom{one.numero} {one['IDENTITE']}",
        prenom=PRENOMS[one.numero % len(PRENOMS)],
        date_naissance=date(DAY.year - one.age, 1 + one.numero % 9, 1 + 3 * one.numero % 28),
        sexe=Sexe.F,
        ine=one["IDENTIFIANT_NATIONAL"],
        rqth=one.rqth,
        telephone=one["CONTACT"],
        courriel=f"{one['CONTACT']}@exemple.invalid",
        adresse=Adresse(
            voie=one["ADRESSE"], complement="2e étage", code_postal=CodePostal(insee), insee=insee, ville=one["ADRESSE"]
        ),
        representants=[Representant(nom=one["REPRESENTANT"], courriel="r@exemple.invalid", telephone="0199000000")],
        formations=[formation],
        contrats=contrats,
        suivi=_suivi(one),
        collaboration=_collaboration(one) if one.collaboration else None,
    )
    return Record(f"E{one.numero}", jeune)


def _cfa(one: Inhabitant) -> Cfa:
    return Cfa(uai=UAI(one.cfa))


def _contrat(one: Inhabitant, bounds: tuple[date, date], broken: date | None) -> Contrat:
    return Contrat(
        numero=one["CONTRAT"],
        type="11",
        date_debut=bounds[0],
        date_fin=bounds[1],
        employeur=Employeur(siret=SIRET("73282932000074"), denomination=one["CONTRAT"], naf="1071C", idcc="843"),
        cfa=_cfa(one),
        rupture=Rupture(date=broken, cause=one["COLLABORATION"], signalee_le=broken) if broken else None,
    )


def _suivi(one: Inhabitant) -> Suivi:
    step = EtapeSuivi(situation=SituationSuivi.AUTRE, date=RECEIVED)
    return Suivi(
        situation=SituationSuivi.RDV_PRIS,
        situation_autre=one["SUIVI"],
        date=RECEIVED,
        conseiller=one["SUIVI"],
        commentaire=one["SUIVI"],
        deja_connu=True,
        historique=[step],
        souhaite_rdv=one.souhaite_rdv,
    )


def _collaboration(one: Inhabitant) -> Collaboration:
    return Collaboration(
        demandee_le=RECEIVED,
        motifs=[MotifAccompagnement.LOGEMENT],
        commentaire=one["COLLABORATION"],
        cause_rupture=one["COLLABORATION"],
        referent=one["COLLABORATION"],
        uai=one.asked_by or None,
    )


@dataclass
class Sources:
    """Answers for every CFA and every Mission locale, and notes what it is asked."""

    inhabitants: Sequence[Inhabitant]
    requests: list[tuple[str, str]] = field(default_factory=list)

    def partner_of_cfa(self, uai: str) -> str | None:
        return "erp"

    def sources_of_cfa(self, uai: str) -> tuple[str, ...]:
        return ("erp",)

    def sources_of(self, type_source: TypeSource) -> tuple[str, ...]:
        return ("imilo",)

    def partners_of_structure(self, code: str) -> tuple[str, ...]:
        return ("imilo",)

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        return [None for _ in units]  # nothing is kept: everything is asked, and noted, each time

    def cap(self, source: str) -> int:
        return 200

    async def read(
        self, units: Sequence[Unit], timeout: float, age_max: float | None, account: object
    ) -> list[UnitResult | UnitFailure]:
        self.requests += [(unit.source, unit.key) for unit in units]
        return [UnitResult(unit, self._records(unit), RECEIVED, CacheStatus.HIT, "1") for unit in units]

    def _records(self, unit: Unit) -> tuple[Record, ...]:
        if unit.resource is Resource.CFA:
            return tuple(record(one) for one in self.inhabitants if one.cfa == unit.key)
        return tuple(known(one) for one in self.inhabitants if unit.key in one.followed_by)


def known(one: Inhabitant) -> Record:
    """A Mission locale's dossier that says who, and nothing else."""
    integer = record(one).jeune
    jeune = Jeune(nom=integer.nom, prenom=integer.prenom, date_naissance=integer.date_naissance, sexe=integer.sexe)
    return Record(f"M{one.numero}", jeune)


@dataclass(frozen=True, slots=True)
class EmptyRegistry:
    """A registry harvested, which knows nobody."""

    records: tuple[Record, ...] = ()
    as_of: datetime | None = RECEIVED
    version: str = "1"


class RegistryStore:
    async def version(self) -> str:
        return "1"

    async def records(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[Any]
    ) -> EmptyRegistry:
        return EmptyRegistry()


REFERENTIEL = Referentiel(
    communes={
        f"{code[:2]}0{code[3:]}": CommuneLine(
            f"{code[:2]}0{code[3:]}", f"Ville {code}", (f"{code[:2]}0{code[3:]}",), code[:2], region, "20", code
        )
        for region, codes in REGIONS.items()
        for code in codes
    },
    missions_locales={
        code: MissionLocaleRow(rank, code, f"Mission locale {code}", None, "0199000000", "ml@exemple.invalid")
        for rank, code in enumerate(code for codes in REGIONS.values() for code in codes)
    },
    organismes={
        uai: OrganismeRow(uai, "", f"CFA {uai}", None, departement, region, academie, reseaux, formateurs=formateurs)
        for uai, (region, departement, academie, reseaux, formateurs) in CFAS.items()
    },
)
SCHEMA = core_schema(build())
DOCUMENTS = Documents(SCHEMA, str)
SHAPES = VisibleSchemas(SCHEMA, POLICY)  # they depend on nothing else, and take long to cut
IDS = OpaqueIds(Sealer(bytes(32)))


class WithoutLedger:
    """Ids as a ledger of links gives them when it knows nobody yet; none of these tests lives twice."""

    async def assign(
        self, key_sets: Sequence[RecordKeys], _facts: Sequence[Fact], base: Sequence[RecordKeys] = ()
    ) -> AssignedIds:
        decision = keep_or_create(base or key_sets, KnownLinks(), IDS.pseudonym, RECEIVED)
        if base:
            groups = anchor(key_sets, base, decision.objects, IDS.pseudonym)
            decision = resolve_anchored(groups, KnownLinks(), RECEIVED)
            pairs = zip(key_sets, groups.key_sets, strict=True)
            objects = {own.first: decision.objects[anchored.first] for own, anchored in pairs}
            return AssignedIds(objects, decision.former_ids, {}, provisional=False)
        return AssignedIds(decision.objects, decision.former_ids, {}, provisional=False)


class WithoutAccounting:
    """Nobody is counted and nothing is written: who reads whom is tried elsewhere."""

    async def charge(self, *_: object) -> None: ...
    async def charge_request(self, *_: object) -> None: ...
    async def limit_lookups(self, *_: object) -> None: ...
    async def record(self, *_: object) -> None: ...


class WithoutEvents:
    """A log in which nothing ever happened."""

    async def told(self, *_: object) -> EventResolver:
        return EventResolver()


class SmallWorld:
    """The gateway over drawn people. `policy`: another one than the one shipped, for tests that break it.
    `live_sources`: other sources than those that keep nothing; `seconds`: the collector's; `timeout`: of an answer;
    `published`: the snapshots that statistics are read of."""

    def __init__(
        self,
        inhabitants: Sequence[Inhabitant],
        policy: AccessPolicy = POLICY,
        candidate: CandidatePolicy | None = None,
        live_sources: LiveSources | None = None,
        seconds: Callable[[], float] = lambda: 0.0,
        timeout: float = 3.0,
        *,
        published: Published | None = None,
    ) -> None:
        self.inhabitants = inhabitants
        self.sources = Sources(inhabitants)
        self.stopped: list[str] = []
        directory = Directory(REFERENTIEL, IDS)
        self.gateway = Gateway(
            schema=SCHEMA,
            policy=policy,
            documents=DOCUMENTS,
            persisted_documents=PersistedDocuments({}),
            executor=Executor(SCHEMA, lambda _path: None),
            decision_cache=DecisionCache(SCHEMA, policy),
            shapes=SHAPES if policy is POLICY else VisibleSchemas(SCHEMA, policy),
            candidate=candidate,
            stopped=self.stopped.append,
            collector=Collector(
                live_sources or self.sources,
                RegistryStore(),
                "registre",
                timeout,
                seconds,
                lambda _source, _number: None,
            ),
            opaque_ids=IDS,
            id_assigner=WithoutLedger(),  # type: ignore[arg-type]
            statistics=statistics(policy, IDS, RECEIVED, published),
            log=WithoutEvents(),  # type: ignore[arg-type]
            accounting=WithoutAccounting(),  # type: ignore[arg-type]
            directory=lambda: directory,
            states=list,
            state_of=lambda _: None,
            source_of_cfa=lambda _uai: None,
            pushing=lambda _uai: None,
            reports=TransmissionReports(None, lambda: RECEIVED),
            now=lambda: RECEIVED,
        )

    async def request(self, viewer: Viewer, partner_request: str, **variables: Any) -> dict[str, Any]:
        """The answer, as its JSON document."""
        response = await answer(self.gateway, viewer, GraphQLRequest(partner_request, None, variables))
        result: dict[str, Any] = orjson.loads(orjson.dumps(body(response, "")))
        return result


def caller(profil: str, organisation: str, comme: str | None = None, finalite: str | None = "") -> Viewer:
    """A caller of the small world; `finalite` "": the one its profile works with; None: two, none declared."""
    of_the_profile = FINALITES[Profil(profil)]
    others = (of_the_profile, Finalite.EXPLOITATION)
    chosen = of_the_profile if finalite == "" else Finalite(finalite) if finalite else None
    return Viewer(
        client=profil,
        account=profil,
        profil=Profil(profil),
        organisation=organisation,
        nom=profil,
        finalites=(chosen,) if chosen else others,
        finalite=chosen,
        perimetre=build_perimetre(Profil(comme or profil), organisation, REFERENTIEL),
    )


def reader(viewer: Viewer) -> Asker:
    """What the oracle is told of a caller."""
    profil, role = viewer.profil.value, viewer.perimetre.profil.value
    finalite = viewer.finalite.value if viewer.finalite else None
    asks = requester(profil, viewer.organisation, finalite, role if role != profil else None)
    return Asker(asks, tuple(finalite.value for finalite in viewer.finalites))


CALLERS = [
    caller("MISSION_LOCALE", "60001"),
    caller("MISSION_LOCALE", "75002"),
    caller("MISSION_LOCALE", "60001", finalite=None),
    caller("MISSION_LOCALE", "60001", finalite="PILOTAGE"),
    caller("CFA", "0600001A"),
    caller("CFA", "0600002B"),
    caller("CFA", "0770001H"),
    caller("TETE_DE_RESEAU", "mfr"),
    caller("DREETS", "32"),
    caller("DDETS", "75"),
    caller("ACADEMIE", "20"),
    caller("FRANCE_TRAVAIL", "11"),
    caller("ARML", "32"),
    caller("REGION", "11"),
    caller("OPCO", "OPCO"),
    caller("SI_PARTENAIRE", "60002", comme="MISSION_LOCALE"),
    caller("SI_PARTENAIRE", "0750001U", comme="CFA"),
    caller("SI_PARTENAIRE", "0600001A", comme="CFA"),
    caller("STATISTIQUES", ""),
    caller("ADMINISTRATEUR", ""),
]
