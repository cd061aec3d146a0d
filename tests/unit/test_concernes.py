"""Which CFAs concern a Mission locale, in what order and why; and what one query asks when they are too many."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest
import respx

from gateway.auth.perimetre import construire_perimetre
from gateway.auth.rules import Profil
from gateway.connectors.base import Dossier, Locataire
from gateway.domain.referentiel import Referentiel
from gateway.errors import SourceMenagee
from gateway.federation.annuaire import Annuaire
from gateway.federation.collecte import Collecteur
from gateway.federation.concernes import decrire, residents_par_cfa
from gateway.federation.plan import plan_du_perimetre
from gateway.schema.lieux import Cfa
from gateway.schema.nouns import Adresse, Contrat, Jeune
from gateway.schema.scalaires import SIRET, UAI, CodePostal
from gateway.sources.entretien import Entretien
from gateway.sources.fichier import LimitesFichier
from gateway.sources.locataires import Abonne
from tests.access.petit_monde import IDENTIFIANTS, REFERENTIEL
from tests.sources_aide import BASE, INSTANT, Banc, banc, partenaire, transport

pytestmark = pytest.mark.anyio
SIRET_LOIN = SIRET("73282932000074")
ICI, VOISINE = "60001", "60002"
LOIN = "0750001U"  # a CFA of another region
CODE = CodePostal("60001")  # two communes share it


@pytest.fixture
def annuaire() -> Annuaire:
    communes = {c.code: replace(c, codes_postaux=(CODE,)) for c in REFERENTIEL.communes.values()}
    organismes = {**REFERENTIEL.organismes, LOIN: replace(REFERENTIEL.organismes[LOIN], siret=SIRET_LOIN)}
    return Annuaire(Referentiel(communes, REFERENTIEL.missions_locales, organismes), IDENTIFIANTS)


def resident(commune: str | None, *cfas: Cfa) -> Dossier:
    adresse = Adresse(code_postal=CODE, insee=commune)
    contrats = [Contrat(date_debut=date(2026, 9, 1), cfa=cfa) for cfa in cfas]
    jeune = Jeune(nom="Zz", prenom="Yy", date_naissance=date(2008, 1, 2), adresse=adresse, contrats=contrats)
    return Dossier(f"{commune}{len(cfas)}", jeune)


DOSSIERS = (
    resident("60001", Cfa(uai=UAI("0600001A")), Cfa(siret=SIRET_LOIN)),
    resident("60001", Cfa(siret=SIRET_LOIN)),
    resident(None, Cfa(uai=UAI("0600001A"))),  # nobody can place this home: it may be theirs
    resident("60002", Cfa(uai=UAI("0770001H"))),  # the other commune of that postal code
)


def test_les_cfa_d_un_territoire_sont_ceux_de_sa_region_et_de_ses_residents(annuaire: Annuaire) -> None:
    perimetre = construire_perimetre(Profil.MISSION_LOCALE, ICI, REFERENTIEL)
    plan = plan_du_perimetre(perimetre, annuaire.referentiel, suivi=True)
    residents = residents_par_cfa(DOSSIERS, plan, annuaire)
    assert residents == {"0600001A": 2, LOIN: 2}
    lignes = dict(decrire(plan, residents, perimetre, annuaire))
    assert list(lignes)[:2] == ["0600001A", LOIN]
    assert set(lignes) == set(plan.uais) | {LOIN}
    dit = "CFA 0600001A : d'une région que touche son territoire ; 2 contrat(s) de résidents au registre"
    assert lignes["0600001A"] == dit
    assert lignes[LOIN] == f"CFA {LOIN} : 2 contrat(s) de résidents au registre"


@dataclass(frozen=True)
class _Lu:
    dossiers: tuple[Dossier, ...]
    as_of: datetime | None = INSTANT
    version: str = "1"


class _Registre:
    async def version(self) -> str:
        return "1"

    async def dossiers(self, codes_postaux: Collection[str], cfas: Any, identites: Any) -> _Lu:
        return _Lu(DOSSIERS if codes_postaux else ())


@pytest.fixture
def erp() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as routes:
        routes.get(url__startswith=BASE).respond(json=[])
        yield routes


async def test_une_requete_ne_demande_pas_tous_les_locataires_d_un_editeur(
    annuaire: Annuaire, erp: respx.MockRouter
) -> None:
    """One at once: where most residents are, first; the rest is said to be missing, and comes with what follows."""
    perimetre = construire_perimetre(Profil.MISSION_LOCALE, ICI, REFERENTIEL)
    plan = plan_du_perimetre(perimetre, annuaire.referentiel, suivi=False)
    uais = [*plan.uais, LOIN]
    assert uais == ["0600001A", "0600002B", LOIN]
    async with banc(transport(erp), _editeur(uais, plafond=1)) as essai:
        collecteur = Collecteur(essai.sources, _Registre(), "registre", 3.0, lambda: 0.0, lambda _s, _n: None)
        premiere = await collecteur.collecter(plan, annuaire)
        demandes = {appel.request.url.path.rpartition("/")[2] for appel in erp.calls}
        compte = len(erp.calls)
        await _entretenir(essai)
        apportees = len(erp.calls)
        seconde = await collecteur.collecter(plan, annuaire)
    assert demandes == {"0600001A"}
    assert compte == 1
    assert isinstance(premiere.erreurs["erp"], SourceMenagee)
    assert "plus de 1 établissements" in str(premiere.erreurs["erp"])
    assert not premiere.complete
    assert (apportees, len(erp.calls)) == (3, 3)
    assert seconde.complete


async def test_sans_entretien_chaque_requete_avance(annuaire: Annuaire, erp: respx.MockRouter) -> None:
    perimetre = construire_perimetre(Profil.MISSION_LOCALE, ICI, REFERENTIEL)
    plan = plan_du_perimetre(perimetre, annuaire.referentiel, suivi=False)
    async with banc(transport(erp), _editeur([*plan.uais, LOIN], plafond=2)) as essai:
        collecteur = Collecteur(essai.sources, _Registre(), "registre", 3.0, lambda: 0.0, lambda _s, _n: None)
        completes = [(await collecteur.collecter(plan, annuaire)).complete for _ in range(2)]
    assert (completes, len(erp.calls)) == ([False, True], 3)


def _editeur(uais: list[str], plafond: int) -> Any:
    limites = LimitesFichier(par_seconde=10_000, simultanes=50, locataires_par_requete=plafond)
    return partenaire(abonnes={uai: Abonne(Locataire(uai, code=uai)) for uai in uais}, limites=limites)


async def _entretenir(essai: Banc) -> None:
    async def dormir(duree: float) -> None:
        essai.secondes[0] += duree

    await Entretien(essai.sources, essai.sources._socle.cache, dormir).tour("erp")


def test_personne_n_est_compte_sans_cfa(annuaire: Annuaire) -> None:
    plan = plan_du_perimetre(construire_perimetre(Profil.MISSION_LOCALE, ICI, REFERENTIEL), REFERENTIEL, suivi=False)
    assert residents_par_cfa([resident("60001", Cfa())], plan, annuaire) == Counter()
