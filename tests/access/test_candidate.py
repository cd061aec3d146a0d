"""A policy on trial: what it would change is counted and told without a value; the answer is the same."""

import logging
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from gateway.auth.candidate import Candidate
from gateway.auth.jugement import Juge
from gateway.auth.mesures import MesuresAcces
from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee, Profil
from tests.access.outils import POLITIQUE, SCHEMA
from tests.access.petit_monde import PetitMonde, appelant, tirer

pytestmark = pytest.mark.anyio

ML, DREETS = appelant("MISSION_LOCALE", "60001"), appelant("DREETS", "32")
REQUETE = '{ jeunes(filtre: {nom: "Nom"}) { edges { node { age nom telephone adresse { voie } } } } }'


def _sans(*categories: CategorieDonnee) -> Politique:
    lignes = tuple(r.model_copy(update={"categories": r.categories - set(categories)}) for r in POLITIQUE.regle)
    return POLITIQUE.model_copy(update={"regle": lignes})


def _essai(politique: Politique) -> tuple[Candidate, CollectorRegistry]:
    registre = CollectorRegistry()
    return Candidate(Juge(SCHEMA, politique), MesuresAcces(registre).ecart), registre


def _comptes(registre: CollectorRegistry) -> dict[tuple[str, str, str], float]:
    return {
        (ligne.labels["profil"], ligne.labels["coordonnee"], ligne.labels["ecart"]): ligne.value
        for metrique in registre.collect()
        for ligne in metrique.samples
        if ligne.name == "passerelle_politique_candidate_total"
    }


async def test_what_it_would_refuse_is_told_and_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    candidate, registre = _essai(_sans(CategorieDonnee.CONTACT, CategorieDonnee.ADRESSE))
    habitants = tirer(Random(3), 8)
    sans, avec = PetitMonde(habitants), PetitMonde(habitants, candidate=candidate)
    with caplog.at_level(logging.INFO, logger="gateway.acces"):
        assert await avec.demander(ML, REQUETE) == await sans.demander(ML, REQUETE)
    assert avec.sources.demandes == sans.sources.demandes
    assert _comptes(registre) == {
        ("MISSION_LOCALE", coordonnee, "refuserait"): 1
        for coordonnee in ("Jeune.telephone", "Jeune.adresse", "Adresse.voie")
    }
    assert [trace.getMessage() for trace in caplog.records] == [
        "politique candidate, profil MISSION_LOCALE : refuserait Adresse.voie, Jeune.adresse, Jeune.telephone"
    ]


async def test_an_operation_it_would_refuse_as_a_whole() -> None:
    candidate, registre = _essai(_sans(CategorieDonnee.IDENTITE))
    assert (await PetitMonde([], candidate=candidate).demander(ML, REQUETE))["data"]["jeunes"] is not None
    assert ("MISSION_LOCALE", "FiltreJeunes.nom", "refuserait") in _comptes(registre)
    assert ("MISSION_LOCALE", "Jeune.age", "refuserait") in _comptes(registre)


async def test_what_it_would_open() -> None:
    lignes = tuple(
        r.model_copy(update={"categories": r.categories | {CategorieDonnee.SENSIBLE}})
        if Profil.DREETS in r.profils
        else r
        for r in POLITIQUE.regle
    )
    candidate, registre = _essai(POLITIQUE.model_copy(update={"regle": lignes}))
    monde = PetitMonde(tirer(Random(3), 8), candidate=candidate)
    reponse = await monde.demander(DREETS, "{ jeunes { edges { node { age rqth } } } }")
    assert {arete["node"]["rqth"] for arete in reponse["data"]["jeunes"]["edges"]} == {None}
    assert _comptes(registre) == {("DREETS", "Jeune.rqth", "ouvrirait"): 1}


async def test_the_same_policy_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    candidate, registre = _essai(POLITIQUE)
    with caplog.at_level(logging.INFO, logger="gateway.acces"):
        await PetitMonde([], candidate=candidate).demander(ML, REQUETE)
        await PetitMonde([], candidate=candidate).demander(DREETS, "{ ruptures(tri: PRIORITE) { totalCount } }")
    assert _comptes(registre) == {}
    assert caplog.records == []
