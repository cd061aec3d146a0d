"""A small world in this process: drawn people, fake sources that count what they are asked, and the whole gateway over them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import orjson

from gateway.auth.candidate import Candidate
from gateway.auth.formes import Formes
from gateway.auth.jugement import Juge
from gateway.auth.perimetre import construire_perimetre
from gateway.auth.politique import Politique
from gateway.auth.rules import Finalite, Profil
from gateway.auth.viewer import Viewer
from gateway.connectors.base import Dossier
from gateway.documents import Documents
from gateway.domain.liens import Connus
from gateway.domain.referentiel import LigneCommune, LigneMissionLocale, LigneOrganisme, Referentiel
from gateway.domain.sceau import Sceau
from gateway.enregistres import Enregistres
from gateway.execution.executeur import Executeur
from gateway.federation.annuaire import Annuaire
from gateway.federation.attribution import Attribution
from gateway.federation.collecte import Collecteur, Interrogeables
from gateway.federation.identifiants import Identifiants
from gateway.federation.liens import Grappe, decider
from gateway.federation.signalements import Fait
from gateway.operation import Demande, Passerelle, repondre
from gateway.schema.build import construire, graphe
from gateway.schema.lieux import Cfa, TypeSource
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    EtapeSuivi,
    Formation,
    Jeune,
    MotifAccompagnement,
    Representant,
    Rupture,
    Sexe,
    SituationSuivi,
    Suivi,
)
from gateway.schema.scalaires import SIRET, UAI, CodePostal
from gateway.sources.unites import Echec, EtatCache, Ressource, Resultat, Unite
from tests.access.outils import FINALITES, POLITIQUE

JOUR = date(2026, 10, 15)
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
RECU = datetime(2026, 10, 15, 9, tzinfo=UTC)
REGIONS = {"32": ("60001", "60002"), "11": ("75001", "75002")}
CFAS = {  # uai: region, département, académie, networks, places of training it answers for
    "0600001A": ("32", "60", "20", ("mfr",), ("0600002B",)),
    "0600002B": ("32", "02", "20", ("cci",), ()),
    "0750001U": ("11", "75", "01", ("mfr",), ()),
    "0770001H": ("11", "77", "24", (), ()),
}
STATUTS = {  # status today: session, contract, rupture
    "INSCRIT": ((date(2026, 9, 1), date(2028, 8, 31)), None, None),
    "APPRENTI": ((date(2025, 9, 1), date(2027, 8, 31)), (date(2025, 10, 1), date(2027, 8, 31)), None),
    "RUPTURANT": ((date(2025, 9, 1), date(2027, 8, 31)), (date(2025, 10, 1), date(2027, 8, 31)), date(2026, 9, 1)),
    "ABANDON": ((date(2025, 9, 1), date(2027, 8, 31)), (date(2025, 10, 1), date(2027, 8, 31)), date(2026, 1, 15)),
    "FIN_DE_FORMATION": ((date(2024, 9, 1), date(2026, 8, 31)), (date(2024, 10, 1), date(2026, 8, 31)), None),
}


@dataclass(slots=True)
class Habitant:
    """Somebody, as drawn. `cachet`: what is in each of his texts, so that two worlds may tell him differently."""

    numero: int
    mission_locale: str
    cfa: str
    suivi_par: frozenset[str]
    statut: str
    age: int
    rqth: bool
    collaboration: bool
    souhaite_rdv: bool
    cachets: dict[str, str] = field(default_factory=dict)  # by category

    def __getitem__(self, categorie: str) -> str:
        return self.cachets.get(categorie, f"{categorie.title()}{self.numero}")


def tirer(hasard: Random, nombre: int) -> list[Habitant]:
    """People of every kind; whoever is in a CFA lives in its region, so that whoever may see them asks that CFA."""
    habitants = []
    for numero in range(nombre):
        cfa = hasard.choice(sorted(CFAS))
        locales = REGIONS[CFAS[cfa][0]]
        habitants.append(
            Habitant(
                numero=numero,
                mission_locale=hasard.choice(locales),
                cfa=cfa,
                suivi_par=frozenset(code for code in locales if hasard.random() < 0.3),
                statut=hasard.choice(sorted(STATUTS)),
                age=hasard.choice((15, 16, 17, 18, 25, 26, 30)),
                rqth=hasard.random() < 0.4,
                collaboration=hasard.random() < 0.5,
                souhaite_rdv=hasard.random() < 0.3,
            )
        )
    return habitants


def faits(un: Habitant) -> dict[str, Any]:
    """What the oracle is told of him."""
    region, departement, academie, reseaux, _ = CFAS[un.cfa]
    recente = un.statut == "RUPTURANT"
    raisons = {
        "ACCOMPAGNEMENT_CONJOINT": un.collaboration,
        "SOUHAITE_RDV": un.souhaite_rdv,
        "RQTH": un.rqth and recente,
        "MINEUR": un.age < 18 and recente,
    }
    return {
        "liens": {
            "residence": {un.mission_locale},
            "suivi": set(un.suivi_par),
            "cfa": {un.cfa},
            "reseau": set(reseaux),
            "region_cfa": {region},
            "departement_cfa": {departement},
            "academie_cfa": {academie},
            "region": {region},
        },
        "statut": un.statut,
        "age": un.age,
        "rqth": un.rqth,
        "collaboration": un.collaboration,
        "motifs": [motif for motif, vrai in raisons.items() if vrai],
    }


def dossier(un: Habitant) -> Dossier:
    """All that his CFA's system says, every field told."""
    session, bornes, rompu = STATUTS[un.statut]
    formation = Formation(
        intitule=un["PARCOURS"],
        rncp="RNCP1",
        cfd="C1",
        niveau=4,
        date_debut=session[0],
        date_fin=session[1],
        cfa=_cfa(un),
    )
    contrats = [] if bornes is None else [_contrat(un, bornes, rompu)]
    insee = f"{un.mission_locale[:2]}0{un.mission_locale[3:]}"
    jeune = Jeune(
        nom=f"Nom{un.numero} {un['IDENTITE']}",
        prenom=PRENOMS[un.numero % len(PRENOMS)],
        date_naissance=date(JOUR.year - un.age, 1 + un.numero % 9, 1 + 3 * un.numero % 28),
        sexe=Sexe.F,
        ine=un["IDENTIFIANT_NATIONAL"],
        rqth=un.rqth,
        telephone=un["CONTACT"],
        courriel=f"{un['CONTACT']}@exemple.invalid",
        adresse=Adresse(
            voie=un["ADRESSE"], complement="2e étage", code_postal=CodePostal(insee), insee=insee, ville=un["ADRESSE"]
        ),
        representants=[Representant(nom=un["REPRESENTANT"], courriel="r@exemple.invalid", telephone="0199000000")],
        formations=[formation],
        contrats=contrats,
        suivi=_suivi(un),
        collaboration=_collaboration(un) if un.collaboration else None,
    )
    return Dossier(f"E{un.numero}", jeune)


def _cfa(un: Habitant) -> Cfa:
    return Cfa(uai=UAI(un.cfa))


def _contrat(un: Habitant, bornes: tuple[date, date], rompu: date | None) -> Contrat:
    return Contrat(
        numero=un["CONTRAT"],
        type="11",
        date_debut=bornes[0],
        date_fin=bornes[1],
        employeur=Employeur(siret=SIRET("73282932000074"), denomination=un["CONTRAT"], naf="1071C", idcc="843"),
        cfa=_cfa(un),
        rupture=Rupture(date=rompu, cause=un["COLLABORATION"], signalee_le=rompu) if rompu else None,
    )


def _suivi(un: Habitant) -> Suivi:
    etape = EtapeSuivi(situation=SituationSuivi.AUTRE, date=RECU)
    return Suivi(
        situation=SituationSuivi.RDV_PRIS,
        situation_autre=un["SUIVI"],
        date=RECU,
        conseiller=un["SUIVI"],
        commentaire=un["SUIVI"],
        deja_connu=True,
        historique=[etape],
        souhaite_rdv=un.souhaite_rdv,
    )


def _collaboration(un: Habitant) -> Collaboration:
    return Collaboration(
        demandee_le=RECU,
        motifs=[MotifAccompagnement.LOGEMENT],
        commentaire=un["COLLABORATION"],
        cause_rupture=un["COLLABORATION"],
        referent=un["COLLABORATION"],
    )


@dataclass
class Sources:
    """Answers for every CFA and every Mission locale, and notes what it is asked."""

    habitants: Sequence[Habitant]
    demandes: list[tuple[str, str]] = field(default_factory=list)

    def partenaire_du_cfa(self, uai: str) -> str | None:
        return "erp"

    def sources_de(self, type_source: TypeSource) -> tuple[str, ...]:
        return ("imilo",)

    async def tenues(self, unites: Sequence[Unite]) -> list[Resultat | None]:
        return [None for _ in unites]  # nothing is kept: everything is asked, and noted, each time

    def plafond(self, source: str) -> int:
        return 200

    async def lire(
        self, unites: Sequence[Unite], delai: float, age_max: float | None, compte: object
    ) -> list[Resultat | Echec]:
        self.demandes += [(unite.source, unite.cle) for unite in unites]
        return [Resultat(unite, self._dossiers(unite), RECU, EtatCache.TOUCHE, "1") for unite in unites]

    def _dossiers(self, unite: Unite) -> tuple[Dossier, ...]:
        if unite.ressource is Ressource.CFA:
            return tuple(dossier(un) for un in self.habitants if un.cfa == unite.cle)
        return tuple(connu(un) for un in self.habitants if unite.cle in un.suivi_par)


def connu(un: Habitant) -> Dossier:
    """A Mission locale's dossier that says who, and nothing else."""
    entier = dossier(un).jeune
    jeune = Jeune(nom=entier.nom, prenom=entier.prenom, date_naissance=entier.date_naissance, sexe=entier.sexe)
    return Dossier(f"M{un.numero}", jeune)


@dataclass(frozen=True, slots=True)
class RegistreVide:
    """A registry harvested, which knows nobody."""

    dossiers: tuple[Dossier, ...] = ()
    as_of: datetime | None = RECU
    version: str = "1"


class Registre:
    async def version(self) -> str:
        return "1"

    async def dossiers(
        self, codes_postaux: Collection[str], cfas: Collection[str], identites: Collection[Any]
    ) -> RegistreVide:
        return RegistreVide()


REFERENTIEL = Referentiel(
    communes={
        f"{code[:2]}0{code[3:]}": LigneCommune(
            f"{code[:2]}0{code[3:]}", f"Ville {code}", (f"{code[:2]}0{code[3:]}",), code[:2], region, "20", code
        )
        for region, codes in REGIONS.items()
        for code in codes
    },
    missions_locales={
        code: LigneMissionLocale(rang, code, f"Mission locale {code}", None, "0199000000", "ml@exemple.invalid")
        for rang, code in enumerate(code for codes in REGIONS.values() for code in codes)
    },
    organismes={
        uai: LigneOrganisme(uai, "", f"CFA {uai}", None, departement, region, academie, reseaux, formateurs=formateurs)
        for uai, (region, departement, academie, reseaux, formateurs) in CFAS.items()
    },
)
SCHEMA = construire()
DOCUMENTS = Documents(graphe(SCHEMA))
IDENTIFIANTS = Identifiants(Sceau(bytes(32)))


class SansLivre:
    """Ids as a ledger of links gives them when it knows nobody yet; none of these tests lives twice."""

    async def attribuer(self, grappes: Sequence[Grappe], _faits: Sequence[Fait]) -> Attribution:
        decision = decider(grappes, Connus(), IDENTIFIANTS.pseudonyme, RECU)
        return Attribution(decision.objets, decision.anciens, {}, provisoire=False)


class SansConsigne:
    """Nobody is counted and nothing is written: who reads whom is tried elsewhere."""

    async def payer(self, *_: object) -> None: ...
    async def retenir(self, *_: object) -> None: ...
    async def consigner(self, *_: object) -> None: ...


class PetitMonde:
    """The gateway over drawn people. `politique`: another one than the one shipped, for tests that break it.
    `interrogeables`: other sources than those that keep nothing; `secondes`: the collector's; `delai`: of an answer."""

    def __init__(
        self,
        habitants: Sequence[Habitant],
        politique: Politique = POLITIQUE,
        candidate: Candidate | None = None,
        interrogeables: Interrogeables | None = None,
        secondes: Callable[[], float] = lambda: 0.0,
        delai: float = 3.0,
    ) -> None:
        self.habitants = habitants
        self.sources = Sources(habitants)
        self.arretees: list[str] = []
        annuaire = Annuaire(REFERENTIEL, IDENTIFIANTS)
        schema = graphe(SCHEMA)
        self.passerelle = Passerelle(
            schema=SCHEMA,
            politique=politique,
            documents=DOCUMENTS,
            enregistres=Enregistres({}),
            executeur=Executeur(schema, lambda _voie: None),
            juge=Juge(schema, politique),
            formes=Formes(schema, politique),
            candidate=candidate,
            arretee=self.arretees.append,
            collecteur=Collecteur(
                interrogeables or self.sources, Registre(), "registre", delai, secondes, lambda _source, _nombre: None
            ),
            identifiants=IDENTIFIANTS,
            attributeur=SansLivre(),  # type: ignore[arg-type]
            consigne=SansConsigne(),  # type: ignore[arg-type]
            annuaire=lambda: annuaire,
            etats=list,
            etat_de=lambda _: None,
            source_du_cfa=lambda _uai: None,
            maintenant=lambda: RECU,
            jour=lambda: JOUR,
        )

    async def demander(self, viewer: Viewer, requete: str, **variables: Any) -> dict[str, Any]:
        """The answer, as its JSON document."""
        reponse = await repondre(self.passerelle, viewer, Demande(requete, None, variables))
        lu: dict[str, Any] = orjson.loads(orjson.dumps(reponse.corps("")))
        return lu


def appelant(profil: str, organisation: str, comme: str | None = None, finalite: str | None = "") -> Viewer:
    """A caller of the small world; `finalite` "": the one its profile works with; None: two, none declared."""
    du_profil = FINALITES[Profil(profil)]
    autres = (du_profil, Finalite.EXPLOITATION)
    choisie = du_profil if finalite == "" else Finalite(finalite) if finalite else None
    return Viewer(
        client=profil,
        compte=profil,
        profil=Profil(profil),
        organisation=organisation,
        nom=profil,
        finalites=(choisie,) if choisie else autres,
        finalite=choisie,
        perimetre=construire_perimetre(Profil(comme or profil), organisation, REFERENTIEL),
    )


def lecteur(viewer: Viewer) -> dict[str, Any]:
    """What the oracle is told of a caller."""
    return {
        "profil": viewer.profil.value,
        "role": viewer.perimetre.profil.value,
        "finalite": viewer.finalite.value if viewer.finalite else None,
        "finalites": [finalite.value for finalite in viewer.finalites],
        "organisations": {viewer.organisation, *CFAS.get(viewer.organisation, ((),))[-1]},
    }


APPELANTS = [
    appelant("MISSION_LOCALE", "60001"),
    appelant("MISSION_LOCALE", "75002"),
    appelant("MISSION_LOCALE", "60001", finalite=None),
    appelant("MISSION_LOCALE", "60001", finalite="PILOTAGE"),
    appelant("CFA", "0600001A"),
    appelant("CFA", "0770001H"),
    appelant("TETE_DE_RESEAU", "mfr"),
    appelant("DREETS", "32"),
    appelant("DDETS", "75"),
    appelant("ACADEMIE", "20"),
    appelant("FRANCE_TRAVAIL", "11"),
    appelant("ARML", "32"),
    appelant("SI_PARTENAIRE", "60002", comme="MISSION_LOCALE"),
    appelant("SI_PARTENAIRE", "0750001U", comme="CFA"),
    appelant("STATISTIQUES", ""),
    appelant("ADMINISTRATEUR", ""),
]
