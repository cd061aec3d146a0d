"""Two worlds that differ only in what a caller may not see: the same bytes, the same requests to partners (ANSWERS 20).

And one world with its cache and without it, asked by everybody at once: the same bytes again (SECURITY C01).
"""

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway.auth.viewer import Viewer
from tests.access.operations import ecrire, tirer_operation
from tests.access.oracle import oracle_decide
from tests.access.petit_monde import APPELANTS, Habitant, PetitMonde, appelant, faits, lecteur, tirer
from tests.chiffres import noter

HABITANTS, OPERATIONS = 14, 12
IDS = "{ jeunes(first: 50) { edges { node { id contrats { id rupture { id } } } } } }"
TEXTES = ("CONTACT", "ADRESSE", "REPRESENTANT", "IDENTIFIANT_NATIONAL", "CONTRAT", "SUIVI", "COLLABORATION")


def autre_monde(habitants: list[Habitant], viewer: Viewer, hasard: Random) -> list[Habitant]:
    """The same people for that caller; for everybody else, another world."""
    qui = lecteur(viewer)
    vus = [un for un in habitants if oracle_decide(qui, faits(un), "PARCOURS")]
    changes = [_change(un, qui) for un in vus]
    inconnus = [un for un in tirer(hasard, 40) if not oracle_decide(qui, faits(un), "PARCOURS")]
    autres = [replace(un, numero=len(habitants) + rang) for rang, un in enumerate(inconnus[: hasard.randint(0, 12)])]
    return sorted(changes + autres, key=lambda un: un.numero)


def _change(un: Habitant, qui: dict[str, Any]) -> Habitant:
    """The same person with other values wherever the caller reads nothing."""

    def cachee(categorie: str) -> bool:
        return not oracle_decide(qui, faits(un), categorie)

    cachets = {categorie: f"Autre{un.numero}" for categorie in TEXTES if cachee(categorie)}
    return replace(
        un,
        cachets=cachets,
        rqth=not un.rqth if cachee("SENSIBLE") else un.rqth,
        collaboration=not un.collaboration if cachee("COLLABORATION") else un.collaboration,
        souhaite_rdv=not un.souhaite_rdv if cachee("SUIVI") else un.souhaite_rdv,
    )


def _octets(reponse: dict[str, Any]) -> str:
    return json.dumps({cle: reponse.get(cle) for cle in ("data", "errors")}, ensure_ascii=False)


async def _ids(monde: PetitMonde) -> dict[str, list[str]]:
    """Ids of everybody's objects, those that the caller may not see included."""
    trouves: dict[str, list[str]] = {"Jeune": [], "Contrat": [], "Rupture": []}
    for uai in ("0600001A", "0750001U", "0770001H"):
        reponse = await monde.demander(appelant("CFA", uai), IDS)
        for arete in reponse["data"]["jeunes"]["edges"]:
            trouves["Jeune"].append(arete["node"]["id"])
            for contrat in arete["node"]["contrats"]:
                trouves["Contrat"].append(contrat["id"])
                trouves["Rupture"] += [contrat["rupture"]["id"]] if contrat["rupture"] else []
    return trouves


@pytest.mark.parametrize("graine", range(6))
def test_a05_a06_what_may_not_be_seen_changes_no_byte_and_no_request(graine: int) -> None:
    async def comparer() -> int:
        hasard = Random(graine)
        habitants = tirer(hasard, HABITANTS)
        ids = await _ids(PetitMonde(habitants))
        textes = [ecrire(tirer_operation(hasard), hasard, ids) for _ in range(OPERATIONS)]
        for viewer in APPELANTS:
            un, autre = PetitMonde(habitants), PetitMonde(autre_monde(habitants, viewer, hasard))
            for texte in textes:
                ici, la_bas = await un.demander(viewer, texte), await autre.demander(viewer, texte)
                assert _octets(ici) == _octets(la_bas), (viewer.profil, texte)
                assert un.sources.demandes == autre.sources.demandes, (viewer.profil, texte)
        return len(APPELANTS) * OPERATIONS

    cas = asyncio.run(comparer())
    if graine == 0:
        noter(
            f"non-interférence : 6 × {cas} paires de mondes (appelant, opération), 0 octet et 0 requête de différence"
        )


def test_two_worlds_that_differ_in_what_is_seen_do_differ() -> None:
    """The control: the comparison above is able to fail."""

    async def comparer() -> None:
        habitants = [replace(un, mission_locale="60001", cfa="0600001A", age=17) for un in tirer(Random(1), 3)]
        autres = [replace(un, cachets={"CONTACT": "Autre"}) for un in habitants]
        texte = "{ jeunes { edges { node { telephone } } } }"
        ici, la_bas = [await PetitMonde(m).demander(APPELANTS[0], texte) for m in (habitants, autres)]
        assert ici["data"]["jeunes"]["edges"]
        assert _octets(ici) != _octets(la_bas)

    asyncio.run(comparer())


@pytest.mark.parametrize("graine", [10, 11])
def test_c01_c06_with_and_without_memory_everybody_at_once(graine: int) -> None:
    """Views, masks and decisions kept between callers, asked concurrently in a drawn order: as if nothing were kept."""

    async def comparer() -> None:
        hasard = Random(graine)
        habitants = tirer(hasard, HABITANTS)
        ids = await _ids(PetitMonde(habitants))
        textes = [ecrire(tirer_operation(hasard), hasard, ids) for _ in range(6)]
        questions = [(viewer, texte) for viewer in APPELANTS for texte in textes] * 2
        hasard.shuffle(questions)
        seul = {question: _octets(await PetitMonde(habitants).demander(*question)) for question in set(questions)}
        chaud = PetitMonde(habitants)
        for debut in range(0, len(questions), 20):
            lot = questions[debut : debut + 20]
            reponses = await asyncio.gather(*(chaud.demander(*question) for question in lot))
            assert [_octets(reponse) for reponse in reponses] == [seul[question] for question in lot]

    asyncio.run(comparer())
