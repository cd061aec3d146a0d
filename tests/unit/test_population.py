"""The fictitious population: who lives in it, and at which rates. A failing rate means that the demo stopped being realistic."""

import hashlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from fixtures.population.dits import ERPS
from fixtures.population.ecritures import lettres
from fixtures.population.generateur import generer
from fixtures.population.modele import Contrat, Personne, Population
from fixtures.population.organismes import LETTRES_UAI
from fixtures.population.verite import verite
from tests.chiffres import noter

AUJOURDHUI = date(2026, 10, 15)
RESERVES = re.compile(r"063998\d{4}|(019900|026191|035301|046571|053649)\d{4}")


@pytest.fixture(scope="module")
def population() -> Population:
    return generer(graine=1, jeunes=5000, aujourdhui=AUJOURDHUI)


def empreinte(population: Population) -> str:
    """Everything that a population holds, in one number."""
    tout = (population.personnes, population.recits, population.cfas, population.bruits)
    return hashlib.sha256(repr(tout).encode()).hexdigest()


def tous(population: Population) -> Iterable[Personne]:
    """The people of the truth, then every copy a system has of them."""
    yield from population.personnes
    for tenants in population.recits.values():
        for recits in tenants.values():
            yield from (recit.personne for recit in recits)


def luhn(chiffres: str) -> bool:
    doubles = [int(c) * (1 + rang % 2) for rang, c in enumerate(reversed(chiffres))]
    return sum(d - 9 if d > 9 else d for d in doubles) % 10 == 0


def test_a_seed_gives_the_same_population_in_another_process_whatever_the_hash_seed() -> None:
    commande = (
        "from datetime import date; from fixtures.population.generateur import generer;"
        "from tests.unit.test_population import empreinte;"
        "print(empreinte(generer(graine=7, jeunes=300, aujourdhui=date(2026, 3, 2))))"
    )
    dites = {
        subprocess.run(
            [sys.executable, "-c", commande], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": graine}
        ).stdout.strip()
        for graine in ("1", "2")
    }
    assert dites == {empreinte(generer(graine=7, jeunes=300, aujourdhui=date(2026, 3, 2)))}
    assert empreinte(generer(graine=8, jeunes=300, aujourdhui=date(2026, 3, 2))) not in dites


def test_noise_changes_what_systems_tell_and_never_the_truth() -> None:
    calme, bruyante = (generer(graine=3, jeunes=400, aujourdhui=AUJOURDHUI, bruit=bruit) for bruit in (0, 3))
    assert calme.personnes == bruyante.personnes
    assert set(calme.bruits) <= {"nom_tronque"}
    assert sum(bruyante.bruits.values()) > 1000


def test_establishments_have_valid_and_distinct_identifiers(population: Population) -> None:
    for cfa in population.cfas.values():
        assert LETTRES_UAI[int(cfa.uai[:7]) % 23] == cfa.uai[7]
        assert len(cfa.siret) == 14
        assert luhn(cfa.siret)
        assert luhn(cfa.siret[:9])
        assert cfa.commune in population.geographie.communes
    employeurs = {c.employeur.siret: c.employeur for p in population.personnes for c in p.contrats}
    assert all(luhn(siret) for siret in employeurs)
    assert len({cfa.siret for cfa in population.cfas.values()}) == len(population.cfas)
    par_employeur = sum(len(p.contrats) for p in population.personnes) / len(employeurs)
    assert 1.5 < par_employeur < 3


def test_every_vendor_serves_four_cfas_and_two_have_none(population: Population) -> None:
    erps = Counter(cfa.erp for cfa in population.cfas.values())
    assert all(erps[erp] >= 4 for erp in ERPS)
    assert erps[None] in (2, 3)
    assert {cfa.nature for cfa in population.cfas.values()} == {"responsable_formateur", "formateur"}
    for cfa in population.cfas.values():
        assert cfa.responsable_uai in {None, *population.cfas} - {cfa.uai}
    assert {uai for uai, cfa in population.cfas.items() if cfa.erp} == {
        uai for erp in ERPS for uai in population.recits[erp]
    }


def test_nobody_can_be_called_or_written_to(population: Population) -> None:
    for personne in tous(population):
        assert not personne.telephone or RESERVES.fullmatch(personne.telephone)
        assert not personne.courriel or personne.courriel.endswith(".invalid")
        for gardien in personne.representants:
            assert gardien.telephone is None or RESERVES.fullmatch(gardien.telephone)
            assert gardien.courriel is None or gardien.courriel.endswith(".invalid")
    for mission in population.geographie.missions_locales.values():
        assert RESERVES.fullmatch(mission.telephone)
        assert mission.courriel.endswith(".invalid")


def test_names_have_what_breaks_joins(population: Population) -> None:
    noms = {personne.nom for personne in population.personnes}
    prenoms = {personne.prenom for personne in population.personnes}
    assert any("-" in prenom for prenom in prenoms)
    for morceau in ("'", " ", "-", "œ", "é", "Ç"):
        assert any(morceau in nom for nom in noms), morceau
    homonymes = Counter((p.nom, p.prenom) for p in population.personnes)
    assert sum(n > 1 for n in homonymes.values()) > 50
    exacts = Counter((lettres(p.nom), lettres(p.prenom), p.date_naissance) for p in population.personnes)
    assert 2 <= sum(n > 1 for n in exacts.values()) <= 8


def test_twins_share_all_but_their_first_name(population: Population) -> None:
    paires = [
        (un, autre)
        for un, autre in zip(population.personnes, population.personnes[1:], strict=False)
        if (un.nom, un.date_naissance, un.adresse) == (autre.nom, autre.date_naissance, autre.adresse)
    ]
    assert 15 <= len(paires) <= 60
    assert all(un.prenom != autre.prenom for un, autre in paires)
    assert all(un.formations[-1].uai == autre.formations[-1].uai for un, autre in paires)


def test_ages_disability_and_contracts_are_those_of_the_field(population: Population) -> None:
    ages = sorted((AUJOURDHUI - p.date_naissance).days / 365.25 for p in population.personnes)
    assert ages[0] >= 14.5
    assert 17 < ages[len(ages) // 2] < 22
    assert ages[-1] < 42
    rqth = sum(p.rqth for p in population.personnes) / len(population.personnes)
    assert 0.014 < rqth < 0.022
    numeros = [c.numero for p in population.personnes for c in p.contrats]
    assert len(set(numeros)) == len(numeros)
    assert all(re.fullmatch(r"\d{3}20\d\d(0[1-9]|1[0-2])[0-7]\d{5}", numero) for numero in numeros)
    types = Counter(c.type for p in population.personnes for c in p.contrats)
    assert set(types) == {"11", "21", "22", "23"}
    avenants = Counter(a.type for p in population.personnes for c in p.contrats for a in c.avenants)
    assert set(avenants) == {str(code) for code in range(31, 39)}


def rompus_avant(contrats: list[Contrat], jours: int) -> float:
    return sum(c.rupture is not None and (c.rupture.date - c.debut).days <= jours for c in contrats) / len(contrats)


def test_contracts_break_at_the_rates_of_the_field(population: Population) -> None:
    """DARES: 9.1 % within three months, 21 % within nine; 60 % of those find no new contract within six months."""
    anciens = [
        contrat
        for personne in population.personnes
        for contrat in personne.contrats
        if contrat.debut <= AUJOURDHUI - timedelta(days=270) and (contrat.fin - contrat.debut).days > 300
    ]
    trois, neuf, tous_les_mois = (rompus_avant(anciens, jours) for jours in (90, 270, 2000))
    seuls, reprises = 0, 0
    for personne in population.personnes:
        for contrat, suivant in zip(personne.contrats, [*personne.contrats[1:], None], strict=False):
            if contrat.rupture and contrat.rupture.date <= AUJOURDHUI - timedelta(days=180):
                repris = suivant and (suivant.debut - contrat.rupture.date).days <= 180
                seuls, reprises = seuls + (not repris), reprises + bool(repris)
    sans_retour = seuls / (seuls + reprises)
    noter(
        f"population : {trois:.1%} rompus en 3 mois, {neuf:.1%} en 9 mois, {tous_les_mois:.1%} en tout ; "
        f"{sans_retour:.0%} sans contrat dans les six mois"
    )
    assert 0.08 < trois < 0.105
    assert 0.19 < neuf < 0.235
    assert 0.22 < tous_les_mois < 0.29
    assert 0.55 < sans_retour < 0.70


@pytest.mark.parametrize("jour", [date(2026, 1, 10), date(2026, 5, 3), date(2026, 8, 20), date(2026, 10, 15)])
def test_on_any_day_of_the_year_there_are_fresh_ruptures_ends_and_starts_to_come(jour: date) -> None:
    lignes = list(verite(generer(graine=2, jeunes=1500, aujourdhui=jour)))
    statuts = Counter(ligne["statut_reel"] for ligne in lignes)
    dates = [c["rupture"]["date"] for ligne in lignes for c in ligne["contrats"] if c["rupture"]]
    recentes = sum((jour - timedelta(days=180)).isoformat() <= d <= jour.isoformat() for d in dates)
    futurs = sum(c["date_debut"] > jour.isoformat() for ligne in lignes for c in ligne["contrats"])
    assert 0.03 < recentes / len(lignes) < 0.15
    assert min(statuts[s] for s in ("APPRENTI", "INSCRIT", "RUPTURANT", "ABANDON", "FIN_DE_FORMATION")) > 10
    assert futurs >= 2


def test_a_population_of_twenty_thousand_grows_its_cfas_and_stays_quick(population: Population) -> None:
    dites: list[str] = []
    grande = generer(
        graine=1, jeunes=20_000, departements=("59", "62", "80"), aujourdhui=AUJOURDHUI, progression=dites.append
    )
    assert len(grande.personnes) == 20_000
    assert len(grande.cfas) == 68
    assert len({p.ine for p in grande.personnes if p.ine}) == sum(1 for p in grande.personnes if p.ine)
    assert dites[-1] == "20000 young people told by 5 systems"
