"""Our joining beside Splink's on the same records: quality, time of a lookup, growth.

    python -m bench.rapprochement [--graines 21 22] [--jeunes 3000] [--bruit 2]

Splink is given every value that we compare and learns by expectation-maximisation on the very records that it then judges, which
is in its favour. Its recall is read where its precision is not below ours, at a threshold chosen with the truth: of its pairs as
they are, then of its pairs taken best first, one record of an installation a person, as ours are. Prints, asserts nothing.
"""

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench._population import AUJOURDHUI, Releve, nommer, recits, relever, traits_de
from bench._splink import entrainer, ligne, table
from fixtures.evaluation.mesure import Enregistrement, Mesure, Scores, mesurer
from fixtures.population.generateur import generer
from gateway.domain.appariement import apparier
from gateway.domain.identity import Traits
from gateway.domain.recherche import Repertoire

ANNUAIRE = 200_000  # people looked up among
RECHERCHES = 2_000
TAILLES = (1_000, 4_000, 16_000)
DEPARTEMENTS = ("02", "59", "60", "62", "80")
Paire = tuple[float, Enregistrement, Enregistrement]  # score in bits


def notres(releve: Releve) -> Mesure:
    """What our joining makes of the records."""
    personnes, _ = apparier(releve.traits)
    return mesurer(releve.verite, [{nommer(trait) for trait in personne.membres} for personne in personnes])


@dataclass(frozen=True, slots=True)
class DeSplink:
    """Splink on one population: its persons made as ours are, its pairs alone, and the milliseconds of `score_pair`."""

    personnes: Mesure
    seuil: float  # bits
    paires: Scores
    seuil_des_paires: float
    score_pair: float


def de_splink(releve: Releve, precision: float) -> DeSplink:
    """Splink's best recall at this precision or better, whatever the threshold it takes."""
    linker = entrainer(table(releve))
    lignes = linker.inference.predict(threshold_match_weight=-5).as_record_list()
    noms = {repr(trait.rang): nommer(trait) for trait in releve.traits}
    scores = [(float(une["match_weight"]), noms[une["unique_id_l"]], noms[une["unique_id_r"]]) for une in lignes]
    mesures = [
        (mesurer(releve.verite, regrouper(scores, seuil, noms.values())), float(seuil)) for seuil in range(-4, 40)
    ]
    surs = [mesure for mesure in mesures if mesure[0].paires.precision >= precision] or mesures[-1:]
    meilleure, seuil = max(surs, key=lambda mesure: mesure[0].paires.rappel)
    un, autre = (ligne(trait) for trait in releve.traits[:2])
    paires, seuil_des_paires = seules(releve, scores, precision)
    ms = _millisecondes(lambda: linker.inference.score_pair(un, autre), 20)
    return DeSplink(meilleure, seuil, paires, seuil_des_paires, ms)


def seules(releve: Releve, scores: Sequence[Paire], precision: float) -> tuple[Scores, float]:
    """The pairs that Splink scores above a threshold, taken as they are: nothing says that a school tells a person once."""
    qui = {nommer(trait): releve.personne(trait) for trait in releve.traits}
    siens = [sorted(groupe) for groupe in grouper(qui).values()]
    vraies = sum(un.installation != autre.installation for groupe in siens for un, autre in combinations(groupe, 2))
    mesures = []
    for seuil in range(-4, 40):
        prises = [
            (un, autre) for score, un, autre in scores if score >= seuil and un.installation != autre.installation
        ]
        justes = sum(qui[un] == qui[autre] for un, autre in prises)
        mesures.append((Scores(justes, len(prises) - justes, vraies - justes), float(seuil)))
    sures = [mesure for mesure in mesures if mesure[0].precision >= precision] or mesures[-1:]
    return max(sures, key=lambda mesure: mesure[0].rappel)


def grouper(qui: Mapping[Enregistrement, str]) -> Mapping[str, list[Enregistrement]]:
    """The records of each person."""
    par_personne: dict[str, list[Enregistrement]] = defaultdict(list)
    for enregistrement, personne in qui.items():
        par_personne[personne].append(enregistrement)
    return par_personne


def regrouper(scores: Sequence[Paire], seuil: float, tous: Iterable[Enregistrement]) -> list[set[Enregistrement]]:
    """Persons from scored pairs: best first, a record of an installation at most once."""
    amas = {un: {un} for un in tous}
    for score, un, autre in sorted(scores, reverse=True):
        gauche, droite = amas[un], amas[autre]
        libres = not {e.installation for e in gauche} & {e.installation for e in droite}
        if score >= seuil and gauche is not droite and libres:
            gauche |= droite
            amas |= dict.fromkeys(droite, gauche)
    return list({id(groupe): groupe for groupe in amas.values()}.values())


def _millisecondes(appel: Callable[[], object], fois: int) -> float:
    """CPU time of one call: what else runs on this machine is not counted."""
    debut = time.process_time()
    for _ in range(fois):
        appel()
    return (time.process_time() - debut) / fois * 1e3


def qualite(releve: Releve, graine: int) -> None:
    """Print one population's figures."""
    notre = notres(releve)
    splink = de_splink(releve, notre.paires.precision)
    print(
        f"graine {graine}, {len(releve.traits)} records, {notre.paires.justes + notre.paires.manques} pairs of one person"
    )
    for nom, p in (
        ("ours", notre.paires),
        (f"Splink's pairs, from {splink.seuil_des_paires:.0f} bits", splink.paires),
        (f"Splink's, joined as ours, from {splink.seuil:.0f} bits", splink.personnes.paires),
    ):
        print(
            f"  {nom:<40} precision {p.precision:.5f}  recall {p.rappel:.4f}  wrong {p.faux:>3}  missed {p.manques:>4}"
        )
    print(f"  Splink score_pair      {splink.score_pair:.1f} ms a pair")


def rapidite(par_personne: Mapping[int, Sequence[Traits]], recherches: Sequence[Traits]) -> None:
    """Print the CPU time of a lookup among these people."""
    repertoire = Repertoire((str(numero), siens) for numero, siens in par_personne.items())
    gc.freeze()
    durees = sorted(_millisecondes(lambda qui=qui: repertoire.chercher(qui), 1) for qui in recherches)  # type: ignore[misc]
    moyenne, mediane, dernier = sum(durees) / len(durees), durees[len(durees) // 2], durees[len(durees) * 99 // 100]
    print(
        f"lookup among {len(par_personne)} people: mean {moyenne:.3f} ms, median {mediane:.3f}, 99th centile {dernier:.3f}"
    )


def croissance(par_personne: Sequence[Sequence[Traits]]) -> None:
    """Print the time to join the records of more and more people."""
    for nombre in (800, *TAILLES):
        traits = [trait for siens in par_personne[:nombre] for trait in siens]
        ms = _millisecondes(lambda traits=traits: apparier(traits), 1)  # type: ignore[misc]
        print(
            f"joining {nombre:>6} people, {len(traits):>6} records: {ms:>7.0f} ms, {ms / len(traits) * 1e3:.0f} µs a record"
        )


def vitesse() -> None:
    """A population too large to be served by HTTP here: its records are taken as the systems tell them. Who is looked up is as a
    Mission locale spells him, among the records of the other systems."""
    population = generer(
        graine=23, jeunes=ANNUAIRE, departements=DEPARTEMENTS, aujourdhui=AUJOURDHUI, progression=print
    )
    suivis = traits_de(recits(population, ["imilo"])[:RECHERCHES])
    par_personne: dict[int, list[Traits]] = {}
    for recit in recits(population, [systeme for systeme in population.recits if systeme != "imilo"]):
        par_personne.setdefault(recit.personne.numero, []).extend(traits_de([recit]))
    rapidite(par_personne, suivis)
    croissance([par_personne[numero] for numero in sorted(par_personne)])


def main() -> None:
    """Run the bench."""
    demande = argparse.ArgumentParser()
    demande.add_argument("--graines", type=int, nargs="*", default=[21, 22])
    demande.add_argument("--jeunes", type=int, default=3000)
    demande.add_argument("--bruit", type=float, default=2.0)
    voulu = demande.parse_args()
    for graine in voulu.graines:
        qualite(relever(graine, voulu.jeunes, voulu.bruit), graine)
    vitesse()


if __name__ == "__main__":
    main()
