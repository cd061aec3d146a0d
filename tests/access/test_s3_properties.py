"""S3 as properties, over drawn worlds in this process: what is selected changes no value, and dossiers that a caller has no
right to change no byte. The oracle is docs/droits.md, « D'où vient une réponse »; a new seed each run."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random, SystemRandom
from typing import Any

from gateway.auth.authentication.clients import Viewer
from tests.support.access.dossiers import Dossier, TalkativeSources, draw_dossiers
from tests.support.access.small_world import CALLERS, Inhabitant, SmallWorld, draw_from
from tests.support.figures import note

SELECTIONS, PARTS, INHABITANTS = 10_000, 60, 12
PAIRS = 30
NOBODY = ("ARML", "REGION", "OPCO", "STATISTIQUES", "ADMINISTRATEUR")
OTHERS = [one for one in CALLERS if one.perimetre.profil.value not in ("MISSION_LOCALE", *NOBODY)]
LEAVES = {
    "Jeune": [
        *["id", "nom", "prenom", "dateNaissance", "sexe", "age", "mineur", "ine", "rqth", "telephone", "courriel"],
        *(
            "adresse { voie codePostal }",
            "commune { code }",
            "missionLocale { code }",
            "missionsLocalesPossibles { code }",
        ),
        *("representants { nom }", "statut { valeur depuis }", "parcours { valeur depuis }", "formations { intitule }"),
        *("contrats { id numero }", "ruptures { id date sources signaleeLe }", "collaboration { demandeeLe referent }"),
        *(
            "suivi { situation commentaire conseiller missionLocale { code } }",
            "provenance { champ source retenue divergente }",
        ),
        "rapprochements { champ accord poids sources niveau }",
    ],
    "Rupture": [
        *[
            "id",
            "date",
            "cause",
            "signaleeLe",
            "joursDepuis",
            "etat",
            "prioritaire",
            "motifsPriorite",
            "nouveauContrat",
            "sources",
        ],
        *("jeune { id telephone }", "contrat { id numero }", "provenance { champ source }"),
    ],
    "Contrat": [
        "id",
        "numero",
        "dateDebut",
        "cfa { uai }",
        "jeune { id courriel }",
        "rupture { id sources }",
        "provenance { source }",
    ],
}
LISTS = {
    "Jeune": "jeunes(first: 50)",
    "Rupture": 'ruptures(first: 50, filtre: {statut: [INSCRIT APPRENTI RUPTURANT ABANDON], depuis: "2020-01-01"})',
    "Contrat": "contrats(first: 50)",
}
RELAY = ["totalCount", "complet", "pageInfo { hasNextPage }"]


def world_of(inhabitants: list[Inhabitant], dossiers: tuple[Dossier, ...]) -> SmallWorld:
    return SmallWorld(inhabitants, live_sources=TalkativeSources(inhabitants, dossiers=dossiers))


def query(type_: str, relay: list[str], leaves: list[str]) -> str:
    return f"{{ liste: {LISTS[type_]} {{ {' '.join(relay)} edges {{ node {{ {' '.join(leaves)} }} }} }} }}"


def test_s3_any_part_of_a_selection_gives_the_same_values() -> None:
    seed = SystemRandom().randrange(2**48)
    cases, told = asyncio.run(_select(seed))
    note(f"S3 : {cases} parties de sélection, 0 valeur qui change, {told} lignes comparées (graine {seed})")
    assert told > cases, f"seed {seed}: the worlds must not be empty"


async def _select(seed: int) -> tuple[int, int]:
    randomness, cases, told = Random(seed), 0, 0
    # Drawn once: a document known costs a tenth of a new one.
    parts = {type_: [_part(type_, randomness) for _ in range(PARTS)] for type_ in LEAVES}
    while cases < SELECTIONS:
        inhabitants = draw_from(randomness, INHABITANTS)
        world = world_of(inhabitants, draw_dossiers(inhabitants, randomness))
        for viewer in [one for one in CALLERS if one.profil.value not in NOBODY]:
            for type_, leaves in LEAVES.items():
                whole = (await world.request(viewer, query(type_, RELAY, leaves)))["data"]["liste"]
                for text in randomness.sample(parts[type_], PARTS // 2):
                    part = (await world.request(viewer, text))["data"]["liste"]
                    assert part == _restricted(whole, part), f"seed {seed}: {viewer.profil} {text}"
                    told += len((part or {}).get("edges", ()))
                    cases += 1
    return cases, told


def _part(type_: str, randomness: Random) -> str:
    share = randomness.choice((0.1, 0.5, 0.9))
    kept = [leaf for leaf in LEAVES[type_] if randomness.random() < share] or ["id"]
    return query(type_, randomness.sample(RELAY, randomness.randint(1, 3)), kept)


def _restricted(whole: Any, part: Any) -> Any:
    """What the whole answer says of the keys of a part of it."""
    if isinstance(whole, Mapping) and isinstance(part, Mapping):
        return {key: _restricted(whole[key], part[key]) for key in part}
    if isinstance(whole, list) and isinstance(part, list) and len(whole) == len(part):
        return [_restricted(one, other) for one, other in zip(whole, part, strict=True)]
    # A list or an object of which nothing selected is granted is null, whatever else of it is (docs/graphe.md, Refus).
    return part if part is None and isinstance(whole, Mapping) else whole


def test_s3_dossiers_without_right_change_no_byte() -> None:
    seed = SystemRandom().randrange(2**48)
    cases = asyncio.run(_compare(seed))
    note(f"S3 : {cases} réponses de deux mondes aux dossiers différents, 0 octet d'écart (graine {seed})")


async def _compare(seed: int) -> int:
    randomness, cases = Random(seed), 0
    for _ in range(PAIRS):
        inhabitants = draw_from(randomness, INHABITANTS)
        dossiers = draw_dossiers(inhabitants, randomness)
        for viewer in OTHERS:
            one, other = (
                world_of(inhabitants, dossiers),
                world_of(inhabitants, _others(inhabitants, dossiers, viewer, randomness)),
            )
            for text in _texts(inhabitants, randomness):
                here, there = await one.request(viewer, text), await other.request(viewer, text)
                assert json.dumps(here) == json.dumps(there), (
                    f"seed {seed}: {viewer.profil} {viewer.organisation} {text}"
                )
                cases += 1
    return cases


def _others(
    inhabitants: list[Inhabitant], dossiers: tuple[Dossier, ...], viewer: Viewer, randomness: Random
) -> tuple[Dossier, ...]:
    """Other dossiers for those whose follow-up is not open to that caller: gone, rewritten, or new."""
    as_cfa = viewer.perimetre.profil.value == "CFA"
    # docs/droits.md, Conditions: the CFA that asked, and no other; one that is not named is the person's only CFA.
    asked = {
        one.numero for one in inhabitants if one.collaboration and (one.asked_by or one.cfa) == viewer.organisation
    }
    open_ = asked if as_cfa else set()
    kept = [d for d in dossiers if d.numero in open_]
    for one in inhabitants:
        if one.numero not in open_:
            free = {d.structure for d in dossiers if d.numero == one.numero} | {one.mission_locale}
            kept += [
                Dossier(one.numero, code, f"Secret{randomness.randrange(10**6)}", randomness.randrange(4), False)
                for code in sorted(free)
                if randomness.random() < 0.6
            ]
    return tuple(kept)


def _texts(inhabitants: list[Inhabitant], randomness: Random) -> list[str]:
    everything = [query(type_, RELAY, leaves) for type_, leaves in LEAVES.items()]
    one = randomness.choice(inhabitants)
    birth = f"{2026 - one.age}-{1 + one.numero % 9:02}-{1 + 3 * one.numero % 28:02}"
    search = f"""{{ rechercheJeune(nom: "Nom{one.numero} Identite{one.numero}", prenom: "Ana", dateNaissance: "{birth}") {{
 score niveau sources indices {{ champ accord }} jeune {{ {" ".join(LEAVES["Jeune"])} }} }} }}"""
    return [*everything, search]


def test_the_comparison_is_able_to_fail() -> None:
    """The control: a dossier of somebody whose support this CFA asked for does show."""

    async def compare() -> None:
        one = replace(draw_from(Random(1), 1)[0], cfa="0600001A", collaboration=True, followed_by=frozenset({"60001"}))
        one = replace(one, mission_locale="60001", numero=1)
        cfa = next(caller for caller in CALLERS if caller.organisation == "0600001A")
        text = query("Jeune", RELAY, LEAVES["Jeune"])
        worlds = [world_of([one], (Dossier(1, "60001", f"Secret{mark}", 0, True),)) for mark in (1, 2)]
        here, there = [await world.request(cfa, text) for world in worlds]
        (node,) = [edge["node"] for edge in here["data"]["liste"]["edges"]]
        assert node["suivi"]["conseiller"] == "Secret1"
        assert {line["champ"] for line in node["provenance"] if line["source"] == "imilo"} == {"suivi", "collaboration"}
        assert json.dumps(here) != json.dumps(there)

    asyncio.run(compare())
