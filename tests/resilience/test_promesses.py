"""The promises of SECURITY §5 in real time: a gateway under load while a partner hangs, is slow, dies or comes back.

Minutes long (`make chaos`). Durations are printed beside the number to reach, and never asserted: docs/fiabilite.md.
"""

import shutil
import time
from collections.abc import Iterator

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.chiffres import noter
from tests.salve import Cadran, Salve, Tir, tirer

pytestmark = pytest.mark.chaos
LEGERE = "query L($n: Int!) { ruptures(first: $n) { totalCount complet edges { node { date } } } }"
COMPLETE = """query C($n: Int!) { ruptures(first: $n) { totalCount complet edges { node { date sources
 jeune { nom telephone suivi { situation } } } } } }"""
VIVE = (
    "duree_secondes = 5.0\nperime_secondes = 5.0\nplancher_secondes = 0"  # partners are asked all along, and waited for
)

DELAIS = {"imilo": 2.0, "gestibase": 5.0}  # seconds for one reading


@pytest.fixture(scope="module")
def vive(monde: Monde, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A configuration whose answers last two seconds, and where two partners have little time to answer."""
    assert monde.dossier is not None
    copie = tmp_path_factory.mktemp("vive")
    shutil.copytree(monde.dossier / "partenaires", copie / "partenaires")
    shutil.copy(monde.dossier / "clients.toml", copie)
    texte = (monde.dossier / "gateway.toml").read_text(encoding="utf-8")
    (copie / "gateway.toml").write_text(texte.replace('"donnees"', f'"{monde.dossier / "donnees"}"'), encoding="utf-8")
    for fichier in (copie / "partenaires").glob("*.toml"):
        lu = fichier.read_text(encoding="utf-8").replace("duree_secondes = 300", VIVE)
        if fichier.stem in DELAIS:
            lu = lu.replace("[limites]\n", f"[limites]\ndelai_secondes = {DELAIS[fichier.stem]}\n")
        fichier.write_text(lu, encoding="utf-8")
    return str(copie)


@pytest.fixture
def lancee(monde: Monde, vive: str) -> Iterator[PasserelleLancee]:
    """A gateway of that configuration, warm."""
    with monde.gateway(GATEWAY_CONFIG=vive) as une:
        tirer(une.url, complete(monde, 1, 5), legere(monde, 5, 5))
        yield une
    monde.controle.lever_pannes()


def legere(monde: Monde, par_seconde: float, secondes: float) -> Tir:
    """A CFA's own list: its ERP (Ypareo) and the registry."""
    return Tir(monde.jeton("cfa"), LEGERE, {"n": 50}, par_seconde, secondes)


def complete(monde: Monde, par_seconde: float, secondes: float, rafale: bool = False) -> Tir:
    """A Mission locale's list: every source."""
    return Tir(monde.jeton("ml"), COMPLETE, {"n": 50}, par_seconde, secondes, rafale)


def sans_erreur(*salves: Salve) -> None:
    """Every answer is one: 200, or 503 for who is turned away."""
    assert [salve.erreurs for salve in salves] == [0] * len(salves)


def test_l_isolement_d_un_partenaire_pendu(monde: Monde, lancee: PasserelleLancee) -> None:
    """The same traffic with all partners, then with one that hangs, four times over: the machine drifts too."""
    trafic = legere(monde, 5, 15), complete(monde, 0.2, 15)
    avant, toutes, pendant, partielles = Salve(), Salve(), Salve(), Salve()
    cadran = Cadran(lancee.url, lancee.pid)
    for _ in range(4):
        avant, toutes = (somme + une for somme, une in zip((avant, toutes), tirer(lancee.url, *trafic), strict=True))
        monde.controle.panne("gestibase", "hang")
        unes = tirer(lancee.url, *trafic)
        pendant, partielles = (somme + une for somme, une in zip((pendant, partielles), unes, strict=True))
        monde.controle.lever_pannes()
    ecart = pendant.centile(0.99) / avant.centile(0.99) - 1
    noter(
        f"isolement : qui n'use pas du partenaire pendu, avant {avant}, pendant {pendant} : p99 {ecart:+.0%} (≤ +10 %)"
    )
    noter(f"isolement : qui en use, avant {toutes}, pendant {partielles}, {partielles.partielles} partielles")
    noter(f"sous charge : retard de boucle {cadran.boucle()} ; calcul {cadran.boucle('calcul')}")
    noter(f"sous charge : mémoire d'un processus {cadran.memoire():.0f} Mio (≤ 300)")
    sans_erreur(avant, pendant, toutes, partielles)
    assert "gestibase" not in pendant.nommees
    assert "gestibase" in partielles.nommees


def test_une_source_lente_de_dix_secondes(monde: Monde, lancee: PasserelleLancee) -> None:
    """Cut at two seconds while its breaker is closed; then not asked, but by a probe."""
    (saine,) = tirer(lancee.url, complete(monde, 0.5, 30))
    monde.controle.panne("imilo", "latency", 10_000)
    (coupee,) = tirer(lancee.url, complete(monde, 0.5, 20))
    (ouverte,) = tirer(lancee.url, complete(monde, 0.5, 60))
    plus = ouverte.centile(0.5) - saine.centile(0.5)
    noter(f"source lente de 10 s : composite {coupee}, {coupee.centile(1.0):.0f} ms au plus (≤ 3000)")
    noter(f"disjoncteur ouvert : saine {saine}, ouverte {ouverte} : p50 {plus:+.0f} ms (≤ +50)")
    sans_erreur(saine, coupee, ouverte)
    assert ouverte.nommees["imilo"] > len(ouverte.durees) / 2


def test_une_panne_d_une_minute_puis_le_retour(monde: Monde, lancee: PasserelleLancee) -> None:
    """The same readers for a minute of health, then for a minute of errors; then the partner is back."""
    tir = complete(monde, 0.5, 60)
    monde.controle.remettre_a_zero()
    (sain,) = tirer(lancee.url, tir)
    avant = sum(monde.controle.compteurs()["ypareo"].values())
    monde.controle.panne("ypareo", "error", 503)
    monde.controle.remettre_a_zero()
    (pendant,) = tirer(lancee.url, tir)
    panne = sum(monde.controle.compteurs()["ypareo"].values())
    monde.controle.lever_pannes()
    debut, retour = time.monotonic(), Salve()
    while (secondes := time.monotonic() - debut) < 60:
        (retour,) = tirer(lancee.url, complete(monde, 1, 1))
        if not retour.nommees:
            break
    noter(f"panne de 60 s : {panne} demandes au partenaire, {avant} en une minute saine (≤ 1.2 ×)")
    noter(f"retour : liste complète {secondes:.1f} s après (≤ 10)")
    sans_erreur(sain, pendant, retour)
    assert panne <= 1.2 * avant
    assert not retour.nommees


def test_mille_requetes_d_un_coup_sur_un_partenaire_pendu(monde: Monde, lancee: PasserelleLancee) -> None:
    """A hundred wait for it, the others are turned away at once; the readers of others go on (`test_foule.py`)."""
    (avant,) = tirer(lancee.url, legere(monde, 5, 20))
    monde.controle.panne("imilo", "hang")
    cadran = Cadran(lancee.url, lancee.pid)
    foule, pendant = tirer(lancee.url, complete(monde, 1000, 1, rafale=True), legere(monde, 5, 20))
    ecart = pendant.centile(0.99) / avant.centile(0.99) - 1
    noter(f"mille d'un coup sur un partenaire pendu : {dict(foule.statuts)}, {foule}")
    noter(f"les autres : avant {avant}, pendant {pendant}, {dict(pendant.statuts)} : p99 {ecart:+.0%} (inchangé)")
    noter(f"mille d'un coup : retard de boucle {cadran.boucle()} ; {cadran.memoire():.0f} Mio (≤ 300)")
    sans_erreur(avant, foule, pendant)
    assert cadran.jauge("passerelle_requetes_en_cours") == 0


def test_ce_que_coute_la_passerelle(monde: Monde) -> None:
    """The first reading of a cold process, then a warm list: nothing to ask of anybody."""
    with monde.gateway() as lancee:
        cadran = Cadran(lancee.url, lancee.pid)
        (froide,) = tirer(lancee.url, complete(monde, 1, 1))
        noter(f"à froid : {froide}, retard de boucle {cadran.boucle()} ; calcul {cadran.boucle('calcul')}")
        tirer(lancee.url, complete(monde, 1, 10), legere(monde, 5, 10))
        cadran = Cadran(lancee.url, lancee.pid)
        (chaude,) = tirer(lancee.url, legere(monde, 100, 30))
        processeur = cadran.calcul() / len(chaude.durees)
        noter(
            f"surcoût, 100 requêtes par seconde : {chaude} (p50 ≤ 3 ms, p99 ≤ 15 ms), {processeur:.1f} ms de processeur"
        )
        noter(f"à chaud : retard de boucle {cadran.boucle()} ; calcul {cadran.boucle('calcul')}")
        noter(f"mémoire d'un processus chaud : {cadran.memoire():.0f} Mio (≤ 300)")
    sans_erreur(froide, chaude)


def test_la_memoire_de_tous_les_perimetres(monde: Monde) -> None:
    """Every Mission locale of the population reads its whole list, one after the other: each view is kept."""
    codes = sorted(client for client in monde.clients if client.startswith("ml-") and client[3:].isdigit())
    with monde.gateway() as lancee:
        cadran = Cadran(lancee.url, lancee.pid)
        for client in codes:
            (une,) = tirer(lancee.url, Tir(monde.jeton(client), COMPLETE, {"n": 50}, 1, 1))
            sans_erreur(une)
        noter(f"mémoire d'un processus après {len(codes)} périmètres : {cadran.memoire():.0f} Mio (≤ 300)")
    assert len(codes) > 10
