"""The short form of `python -m bench.charge`: a quarter of an hour of some advisers, in virtual time, judged by counts."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from bench._journee import Journee, vivre
from bench._partenaires import Fenetre
from bench._tableau import Echantillon, rediger, verifier
from bench._virtuel import jouer
from fixtures.monde import Monde
from tests.chiffres import noter


def test_a_quarter_of_an_hour_of_the_advisers_keeps_within_every_quota(
    monde: Monde, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    population = monde.population
    journee = Journee(population.aujourdhui, tuple(sorted(population.geographie.missions_locales)[:3]), 40, 9, 9.25)
    a_part = {**monde.environnement, "GATEWAY_JOURNAL_URL": f"sqlite+aiosqlite:///{tmp_path / 'journal.sqlite'}"}
    releve = vivre(population, a_part, journee, lambda _: None)

    verifier(releve)
    assert releve.refus == {}
    assert set(releve.erreurs) <= {"SOURCE_DELAI_DEPASSE"}, "a slow tenant, and nothing else"
    assert releve.reponses == 9
    assert releve.vues.construites < releve.reponses, "what did not change is not built again"
    assert max(age for ages in releve.ages.values() for age in ages) <= 3600
    assert 0 < sum(releve.personnes["ORGANISATION"]) <= sum(releve.personnes["COMPTE"]), "each reader counts for itself"
    assert {nom for nom, _ in releve.lectures} == {"aimaira", "gestibase", "imilo", "ypareo"}
    lues, touchees = sum(releve.lectures.values()), sum(n for (_, e), n in releve.lectures.items() if e == "touche")
    assert any("distinct persons" in ligne for ligne in rediger(releve, Echantillon(population, journee)))
    noter(
        f"charge : {releve.reponses} réponses en un quart d'heure virtuel, {releve.comptoir.total} appels, "
        f"{touchees} unités sur {lues} déjà là, {releve.vues.construites} vues construites"
    )


def test_virtual_time_jumps_to_the_next_timer_and_stands_still_for_threads() -> None:
    async def vivre_un_peu() -> list[float]:
        boucle = asyncio.get_running_loop()
        instants = [boucle.time()]
        await asyncio.sleep(3600)
        instants.append(boucle.time())
        async with asyncio.timeout(0.001):
            await asyncio.to_thread(time.sleep, 0.05)
        return [*instants, boucle.time()]

    assert jouer(lambda _: vivre_un_peu()) == [0.0, 3600.0, 3600.0]


def test_a_window_counts_the_most_that_fell_in_it() -> None:
    fenetre = Fenetre(1.0)
    for instant in (0.0, 0.1, 0.9, 1.0, 1.05, 5.0):
        fenetre.noter("partenaire", instant)
    assert fenetre.maximum["partenaire"] == 4  # 0.1, 0.9, 1.0, 1.05: the first left as the fourth came
