"""Ten thousand (viewer, operation, data): the server shows what the oracle says, on every coordinate, and refuses the same."""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee
from tests.access.operations import CHAMPS, Racine, attendre, comparable, ecrire, tirer_operation
from tests.access.outils import POLITIQUE
from tests.access.petit_monde import APPELANTS, PetitMonde, appelant, faits, lecteur, tirer
from tests.chiffres import noter

# Operations on which the two once differed, each over the population of its seed.
CORPUS = json.loads(Path(__file__).with_name("corpus_oracle.json").read_text(encoding="utf-8"))
CAS = 10_000
PAR_MONDE = 80  # operations over one drawn population
HABITANTS = 7


def _tout_lire() -> Politique:
    """A policy under which a CFA reads everything of its people: what there is to be known."""
    lignes = [ligne for ligne in POLITIQUE.regle if "CFA" not in {profil.value for profil in ligne.profils}]
    sienne = next(ligne for ligne in POLITIQUE.regle if "CFA" in {profil.value for profil in ligne.profils})
    entiere = sienne.model_copy(update={"categories": frozenset(CategorieDonnee)})
    return POLITIQUE.model_copy(update={"regle": (*lignes, entiere)})


def _feuilles(type_: str, sauf: tuple[str, ...] = ()) -> str:
    return " ".join(
        nom if cible is None else f"{nom} {{ {_feuilles(cible)} }}"
        for nom, (_, cible) in CHAMPS[type_].items()
        if nom not in sauf
    )


RUPTURE = _feuilles("Rupture", ("contrat", "jeune"))
CONTRAT = f"{_feuilles('Contrat', ('rupture', 'jeune'))} rupture {{ {RUPTURE} }}"
JEUNE = f"{_feuilles('Jeune', ('contrats', 'ruptures'))} contrats {{ {CONTRAT} }}"
TOUT = f"{{ jeunes(first: 50) {{ edges {{ node {{ {JEUNE} }} }} }} }}"
OMNISCIENTS = [appelant("CFA", "0600001A"), appelant("CFA", "0750001U"), appelant("CFA", "0770001H")]


async def verite(monde: PetitMonde) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What is to be known of each person, and what the graph tells of it to who may read everything."""
    entier = PetitMonde(monde.habitants, _tout_lire())
    dits: dict[int, dict[str, Any]] = {}
    for cfa in OMNISCIENTS:
        reponse = await entier.demander(cfa, TOUT)
        for arete in reponse["data"]["jeunes"]["edges"]:
            jeune = arete["node"]
            dits[int(jeune["nom"].split()[0].removeprefix("Nom"))] = _relie(jeune)
    assert len(dits) == len(monde.habitants)
    return [(faits(un), dits[un.numero]) for un in monde.habitants]


def _relie(jeune: dict[str, Any]) -> dict[str, Any]:
    for contrat in jeune["contrats"]:
        contrat["jeune"] = jeune
        if contrat["rupture"]:
            contrat["rupture"] |= {"contrat": contrat, "jeune": jeune}
    jeune["ruptures"] = [contrat["rupture"] for contrat in jeune["contrats"] if contrat["rupture"]]
    return jeune


@dataclass
class Confrontation:
    """A drawn population, what is to be known of it, and the ids of everybody's objects."""

    graine: int
    monde: PetitMonde
    connus: list[tuple[dict[str, Any], dict[str, Any]]]
    ids: dict[str, list[str]]

    @classmethod
    async def tirer(cls, graine: int) -> "Confrontation":
        monde = PetitMonde(tirer(Random(graine), HABITANTS))
        connus = await verite(monde)
        contrats = [contrat for _, jeune in connus for contrat in jeune["contrats"]]
        ids = {
            "Jeune": [jeune["id"] for _, jeune in connus],
            "Contrat": [contrat["id"] for contrat in contrats],
            "Rupture": [contrat["rupture"]["id"] for contrat in contrats if contrat["rupture"]],
        }
        return cls(graine, monde, connus, ids)

    async def comparer(self, operation: list[Racine]) -> int:
        """One operation asked by every caller. Returns the number of cases."""
        texte = ecrire(operation, Random(self.graine), self.ids)
        for viewer in APPELANTS:
            attente = attendre(lecteur(viewer), operation, self.connus, self.ids)
            recue = await self.monde.demander(viewer, texte)
            cas = json.dumps({"graine": self.graine, "operation": [asdict(racine) for racine in operation]})
            ou = f"{viewer.profil.value} {viewer.organisation}\n{texte}\nfor the corpus: {cas}"
            refus = [e["extensions"]["code"] for e in recue.get("errors", [])]
            if refus == ["REQUETE_TROP_COUTEUSE"]:
                return 0  # drawn beyond what anybody may ask: nothing was decided
            if attente.data is None:
                assert (recue["data"], refus) == (None, ["ARGUMENT_REFUSE"]), ou
                continue
            chemins = [tuple(e["path"]) for e in recue.get("errors", [])]
            assert sorted(zip(chemins, refus, strict=True)) == sorted(set(attente.refus)), ou
            assert comparable(recue["data"]) == comparable(attente.data), ou
        assert self.monde.arretees == []
        return len(APPELANTS)


@pytest.mark.parametrize("rang", range(len(CORPUS)))
def test_past_differences_stay_settled(rang: int) -> None:
    async def rejouer() -> None:
        confrontation = await Confrontation.tirer(CORPUS[rang]["graine"])
        await confrontation.comparer([Racine(**racine) for racine in CORPUS[rang]["operation"]])

    asyncio.run(rejouer())


def test_a11_the_server_agrees_with_the_oracle_on_every_coordinate() -> None:
    """New draws in every run; a difference prints the line to be added to the corpus."""
    premiere = int.from_bytes(os.urandom(6))

    async def confronter() -> int:
        cas = 0
        while cas < CAS:
            graine = premiere + cas
            confrontation, hasard = await Confrontation.tirer(graine), Random(graine)
            cas += sum([await confrontation.comparer(tirer_operation(hasard)) for _ in range(PAR_MONDE)])
        return cas

    cas = asyncio.run(confronter())
    noter(f"oracle  : {cas} cas (appelant, opération, données), 0 désaccord (graine {premiere})")
    assert cas >= CAS
