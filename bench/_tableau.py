"""The figures of a day as the tables of docs/charge.md, and what they become for the whole country. Pure but for sums."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from bench._journee import Journee
from bench._releve import MEGA, Releve
from fixtures.population.modele import Population
from fixtures.population.organismes import JEUNES_PAR_CFA
from gateway.auth.quotas import PERSONNES_JOUR
from gateway.domain.quotas import MARGE

PAYS = 1_040_000  # apprentices (DOMAIN §10)
MISSIONS_PAYS, PAGE_IMILO = 440, 150
ERPS = ("ypareo", "gestibase", "aimaira")
GESTIBASE_PAR_MINUTE = 60  # the vendor's quota, one a key (fixtures/README.md)


class QuotaDepasse(Exception):
    """A partner was asked more than it allows. The message says which."""


@dataclass(frozen=True, slots=True)
class Echantillon:
    """What was drawn, beside the country."""

    population: Population
    journee: Journee

    @property
    def jeunes(self) -> float:
        """How many times fewer young people."""
        return PAYS / len(self.population.personnes)

    @property
    def cfas(self) -> float:
        return round(PAYS / JEUNES_PAR_CFA) / len(self.population.cfas)

    @property
    def imilo(self) -> float:
        """How many times fewer requests to i-milo: structures that nobody asks for, and pages of those that hold fewer."""
        presentes, tenants = len(self.population.geographie.missions_locales), self.population.recits["imilo"]
        dits = [len(tenants.get(code, ())) for code in self.journee.missions]
        densite = self.jeunes * presentes / MISSIONS_PAYS
        pages = sum(1 + int(n * densite) // PAGE_IMILO for n in dits) / sum(1 + n // PAGE_IMILO for n in dits)
        return pages * MISSIONS_PAYS / len(self.journee.missions)

    def facteur(self, partenaire: str) -> float:
        return self.cfas if partenaire in ERPS else self.imilo if partenaire == "imilo" else 1.0


def verifier(releve: Releve) -> None:
    """No partner above its quota. Raises QuotaDepasse."""
    for nom, _, maximum, limite in quotas(releve):
        if maximum > limite:
            raise QuotaDepasse(f"{nom}: {maximum} requests, {limite:.0f} allowed")


def quotas(releve: Releve) -> list[tuple[str, str, int, float]]:
    """Partner, window, most requests in any such window, limit."""
    partenaires, comptoir = releve.services.sources.partenaires, releve.comptoir
    lignes = [
        (nom, "1 s", comptoir.par_seconde.maximum[nom], partenaires[nom].limites.par_seconde) for nom in partenaires
    ]
    for nom in ERPS:
        siens = [n for cle, n in comptoir.par_minute.maximum.items() if cle.startswith(f"{nom}/")]
        limite = partenaires[nom].limites.par_minute_locataire if nom in partenaires else 0
        permis = min(limite, GESTIBASE_PAR_MINUTE) if nom == "gestibase" else limite
        lignes.append((nom, "1 min, one tenant", max(siens, default=0), permis))
    return sorted(lignes)


def rediger(releve: Releve, echantillon: Echantillon) -> Iterator[str]:
    """The report, a line at a time."""
    yield from _titre(releve, echantillon)
    yield from _demandes(releve, echantillon)
    yield from _table(
        ("partner", "window", "most", "quota"),
        ((nom, fenetre, n, f"{limite:.0f}") for nom, fenetre, n, limite in quotas(releve)),
    )
    yield from _cache(releve)
    yield from _reponses(releve)
    yield from _personnes(releve)
    yield from _processus(releve)


def _titre(releve: Releve, echantillon: Echantillon) -> Iterator[str]:
    p, j = echantillon.population, echantillon.journee
    yield (
        f"{len(p.personnes)} young people, {len(p.cfas)} CFAs ({_erps(p)} with an ERP), {len(j.missions)} Missions locales "
        f"x {j.conseillers} advisers, {j.debut}:00-{j.fin}:00, seed {j.graine}: {releve.reponses} answers, "
        f"{releve.partielles} with a source missing, {sum(releve.refus.values())} refused"
    )
    yield (
        f"The country has {echantillon.jeunes:.1f} times the young people, {echantillon.cfas:.1f} times the CFAs, "
        f"{echantillon.imilo:.2f} times the pages of i-milo"
    )


def _erps(population: Population) -> int:
    return sum(1 for cfa in population.cfas.values() if cfa.erp)


def _demandes(releve: Releve, echantillon: Echantillon) -> Iterator[str]:
    journee, heures = echantillon.journee, releve.comptoir.par_heure
    noms = sorted({nom for nom, _ in heures})
    rangs = range(ceil(journee.fin - journee.debut))
    yield from _table(
        (
            "requests",
            *(f"{journee.debut + rang} h" for rang in rangs),
            "day",
            "x",
            "country, day",
            "country, /s at peak",
        ),
        ([nom, *(heures[nom, r] for r in rangs), *_pays(heures, nom, echantillon.facteur(nom))] for nom in noms),
    )


def _pays(heures: Counter[tuple[str, int]], nom: str, facteur: float) -> list[Any]:
    siens = [n for (partenaire, _), n in heures.items() if partenaire == nom]
    return [sum(siens), f"{facteur:.2f}", round(sum(siens) * facteur), f"{max(siens) * facteur / 3600:.1f}"]


def _cache(releve: Releve) -> Iterator[str]:
    noms = sorted({nom for nom, _ in releve.lectures})
    etats = ("touche", "perime", "manque")
    yield from _table(
        ("units read", *etats, "hit %", "age p50", "p95", "p99", "max"),
        (
            (
                nom,
                *(releve.lectures[nom, etat] for etat in etats),
                _part(releve.lectures[nom, "touche"], sum(releve.lectures[nom, etat] for etat in etats)),
                *_centiles(releve.ages[nom], "{:.0f} s"),
            )
            for nom in noms
        ),
    )


def _reponses(releve: Releve) -> Iterator[str]:
    yield from _table(
        ("answers", "number", "wait p50", "p95", "p99", "max"),
        ((nom, len(vus), *_centiles(vus, "{:.2f} s")) for nom, vus in sorted(releve.attentes.items())),
    )
    yield f"errors, by answers that tell them: {_comptes(releve.erreurs)}; refused: {_comptes(releve.refus)}"


def _personnes(releve: Releve) -> Iterator[str]:
    comptes, organisations = releve.personnes["COMPTE"], releve.personnes["ORGANISATION"]
    yield from _table(
        ("distinct persons", "readers", "p50", "p95", "p99", "max", "quota"),
        [
            ("an adviser, the day", len(comptes), *_centiles(comptes, "{:.0f}"), PERSONNES_JOUR),
            (
                "a Mission locale, the day",
                len(organisations),
                *_centiles(organisations, "{:.0f}"),
                f"{MARGE} x its people",
            ),
        ],
    )


def _processus(releve: Releve) -> Iterator[str]:
    debut, fin = releve.regards[0], releve.regards[-1]
    plus = max(regard.rss for regard in releve.regards)
    pleine = max(regard.octets for regard in releve.regards)
    vues = releve.vues
    n = max(1, releve.reponses)
    yield (
        f"gateway: {releve.cpu:.0f} s of CPU, {releve.cpu / n * 1000:.1f} ms an answer, "
        f"{releve.octets / n / 1000:.1f} kB an answer; simulators {releve.comptoir.cpu:.0f} s; {releve.duree:.0f} s real"
    )
    yield (
        f"memory over what stood before it: {debut.rss / MEGA:.0f} MB open, {plus / MEGA:.0f} MB at most, "
        f"{fin.rss / MEGA:.0f} MB at the end; cache {fin.entrees} units, {pleine / MEGA:.0f} MB reckoned at most"
    )
    yield f"views: {vues.demandees} asked, {vues.construites} built ({_part(vues.construites, vues.demandees)} %)"


def _centiles(valeurs: Sequence[float], forme: str) -> list[str]:
    rangees = sorted(valeurs) or [0]
    return [forme.format(rangees[min(len(rangees) - 1, int(len(rangees) * part))]) for part in (0.5, 0.95, 0.99, 1.0)]


def _part(nombre: int, total: int) -> str:
    return f"{100 * nombre / max(1, total):.1f}"


def _comptes(comptes: Mapping[str, int]) -> str:
    return ", ".join(f"{nom} {n}" for nom, n in sorted(comptes.items())) or "none"


def _table(titres: Sequence[Any], lignes: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(map(str, titres))} |"
    yield f"| --- |{' --: |' * (len(titres) - 1)}"
    yield from (f"| {' | '.join(map(str, ligne))} |" for ligne in lignes)
    yield ""
