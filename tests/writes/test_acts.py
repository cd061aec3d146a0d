"""Each act by the graph: what it writes, who then reads it, what it refuses."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.access.small_world import caller
from tests.support.writes.world import (
    ADVISER,
    ASK,
    DECLARE,
    NOTE,
    OTHER_SCHOOL,
    REPLY,
    REQUEST,
    SCHOOL,
    STRANGER,
    WITHDRAW,
    WRITES,
    WrittenWorld,
    key,
    somebody,
    written_world,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[WrittenWorld]:
    people = [somebody(0), somebody(1, statut="APPRENTI"), somebody(2, statut="FIN_DE_FORMATION"), somebody(3, age=15)]
    async with written_world(tmp_path, people) as opened:
        yield opened


async def test_a_note_is_read_at_once_by_its_author(small: WrittenWorld) -> None:
    jeune = await small.id_of(ADVISER)
    result = await small.write(
        ADVISER, NOTE, jeune=jeune, situation="NOUVEAU_PROJET", commentaire="rappeler", connaissance="NON_CONNU"
    )
    assert result["erreurs"] == []
    assert {name: result["ecriture"][name] for name in ("acte", "etat", "essais", "rejouee")} == {
        "acte": "NOTER_SUIVI",
        "etat": "CONSERVEE",
        "essais": 0,
        "rejouee": False,
    }
    suivi = result["jeune"]["suivi"]
    assert (suivi["situation"], suivi["commentaire"], suivi["dejaConnu"]) == ("NOUVEAU_PROJET", "rappeler", False)
    assert suivi["ecriture"] == "CONSERVEE"
    assert [step["situation"] for step in suivi["historique"]] == ["NOUVEAU_PROJET", "AUTRE"]
    read = await small.jeune(ADVISER, "suivi { situation }")
    assert read["suivi"] == {"situation": "NOUVEAU_PROJET"}


async def test_a_second_note_loses_nothing_of_the_first(small: WrittenWorld) -> None:
    jeune = await small.id_of(ADVISER)
    await small.write(ADVISER, NOTE, jeune=jeune, situation="CONTACTE_SANS_RETOUR", commentaire="premier")
    small.later(minutes=5)
    result = await small.write(ADVISER, NOTE, jeune=jeune, situation="RDV_PRIS")
    suivi = result["jeune"]["suivi"]
    assert (suivi["situation"], suivi["commentaire"]) == ("RDV_PRIS", "premier")
    assert [step["situation"] for step in suivi["historique"]] == ["RDV_PRIS", "CONTACTE_SANS_RETOUR", "AUTRE"]


async def test_a_note_treats_the_rupture_and_takes_nothing_to_a_cfa_that_did_not_ask(small: WrittenWorld) -> None:
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="CONTACTE_SANS_RETOUR")
    read = await small.jeune(ADVISER, "ruptures { etat }")
    assert read["ruptures"] == [{"etat": "INJOIGNABLE"}]
    seen = await small.jeune(SCHOOL, "suivi { situation } collaboration { motifs }")
    assert (seen["suivi"], seen["collaboration"]) == (None, None)


@pytest.mark.parametrize(
    ("saisie", "champ"),
    [
        ({}, "situation"),
        ({"commentaire": "   "}, "situation"),
        ({"situation": "AUTRE"}, "situationAutre"),
        ({"situation": "RDV_PRIS", "situationAutre": "x"}, "situationAutre"),
        ({"commentaire": "x" * 2001}, "commentaire"),
        ({"commentaire": "sonn\x07er"}, "commentaire"),
    ],
    ids=["rien", "blanc", "autre sans précision", "précision sans autre", "trop long", "caractère de commande"],
)
async def test_a_note_that_says_nothing_or_too_much_is_refused(
    small: WrittenWorld, saisie: dict[str, Any], champ: str
) -> None:
    jeune = await small.id_of(ADVISER)
    if champ == "commentaire" and len(saisie["commentaire"]) > 2000:
        text = NOTE.replace("$saisie: SaisieSuivi!", "$cle: ID!, $jeune: ID!, $commentaire: String")
        text = text.replace("saisie: $saisie", "saisie: {cle: $cle, jeune: $jeune, commentaire: $commentaire}")
        answer = await small.ask(ADVISER, text, cle=key(), jeune=jeune, **saisie)
        result = answer["data"]["noterSuivi"]
    else:
        result = await small.write(ADVISER, NOTE, jeune=jeune, **saisie)
    assert [(error["code"], error["champ"]) for error in result["erreurs"]] == [("INVALIDE", champ)]
    assert result["ecriture"] is None
    assert (await small.ask(ADVISER, WRITES))["data"]["ecritures"]["totalCount"] == 0


async def test_a_stale_version_is_a_conflict_that_shows_the_present(small: WrittenWorld) -> None:
    jeune = await small.id_of(ADVISER)
    version = (await small.jeune(ADVISER, "suivi { version }"))["suivi"]["version"]
    await small.write(ADVISER, NOTE, jeune=jeune, situation="NOUVEAU_PROJET", version=version)
    result = await small.write(ADVISER, NOTE, jeune=jeune, situation="RDV_PRIS", version=version)
    assert [(error["code"], error["champ"]) for error in result["erreurs"]] == [("CONFLIT", "version")]
    assert result["jeune"]["suivi"]["situation"] == "NOUVEAU_PROJET"
    present = result["jeune"]["suivi"]["version"]
    assert (await small.write(ADVISER, NOTE, jeune=jeune, situation="RDV_PRIS", version=present))["erreurs"] == []


async def test_a_request_is_seen_by_the_mission_locale_and_its_answer_by_the_cfa(small: WrittenWorld) -> None:
    asked = await small.write(SCHOOL, ASK, jeune=await small.id_of(SCHOOL), **REQUEST)
    assert (asked["erreurs"], asked["ecriture"]["etat"]) == ([], "CONSERVEE")
    fields = "collaboration { motifs precisions { motif texte } referent causeRupture encoreAuCfa note reponse }"
    seen = (await small.jeune(ADVISER, fields))["collaboration"]
    assert seen == {
        "motifs": ["LOGEMENT", "MOBILITE"],
        "precisions": [{"motif": "LOGEMENT", "texte": "à la rue"}],
        "referent": "Référente fictive",
        "causeRupture": "fermeture",
        "encoreAuCfa": False,
        "note": "le matin",
        "reponse": None,
    }
    priority = (await small.jeune(ADVISER, "ruptures { prioritaire motifsPriorite }"))["ruptures"]
    assert priority == [{"prioritaire": True, "motifsPriorite": ["ACCOMPAGNEMENT_CONJOINT"]}]
    small.later(hours=1)
    replied = await small.write(
        ADVISER, REPLY, jeune=await small.id_of(ADVISER), reponse="ACCEPTEE", commentaire="vu mardi"
    )
    assert replied["erreurs"] == []
    read = await small.jeune(SCHOOL, "suivi { situation } collaboration { reponse reponduLe commentaireReponse }")
    assert read["collaboration"] == {
        "reponse": "ACCEPTEE",
        "reponduLe": "2026-10-15T10:00:00Z",
        "commentaireReponse": "vu mardi",
    }
    assert await small.jeune(OTHER_SCHOOL, "id") is None


async def test_a_request_opens_the_follow_up_to_its_cfa_until_it_is_withdrawn(small: WrittenWorld) -> None:
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")
    asked = await small.write(SCHOOL, ASK, jeune=await small.id_of(SCHOOL), **REQUEST)
    assert (await small.jeune(SCHOOL, "suivi { situation }"))["suivi"] == {"situation": "RDV_PRIS"}
    gone = await small.ask(SCHOOL, WITHDRAW, cle=key(), ecriture=asked["ecriture"]["id"])
    assert gone["data"]["abandonnerEcriture"]["ecriture"]["etat"] == "ABANDONNEE"
    seen = await small.jeune(SCHOOL, "suivi { situation } collaboration { motifs }")
    assert (seen["suivi"], seen["collaboration"]) == (None, None)
    assert (await small.jeune(ADVISER, "collaboration { motifs }"))["collaboration"] is None


@pytest.mark.parametrize(
    ("numero", "change", "code", "champ"),
    [
        (1, {}, "NON_ELIGIBLE", "jeune"),
        (2, {}, "NON_ELIGIBLE", "jeune"),
        (3, {}, "NON_ELIGIBLE", "jeune"),
        (0, {"motifs": []}, "INVALIDE", "motifs"),
        (0, {"precisions": [{"motif": "SANTE", "texte": "x"}]}, "INVALIDE", "precisions"),
        (0, {"telephoneVerifie": "12"}, "INVALIDE", "telephoneVerifie"),
        (0, {"courrielVerifie": "personne"}, "INVALIDE", "courrielVerifie"),
        (0, {"referent": " "}, "INVALIDE", "referent"),
        (0, {"missionLocale": "60002"}, "INVALIDE", "missionLocale"),
    ],
)
async def test_a_request_that_cannot_be_is_told_why(
    small: WrittenWorld, numero: int, change: dict[str, Any], code: str, champ: str
) -> None:
    saisie = {**REQUEST, **change} if "motifs" not in change else {**REQUEST, "precisions": None, **change}
    result = await small.write(SCHOOL, ASK, jeune=await small.id_of(SCHOOL, numero), **saisie)
    assert next((error["code"], error["champ"]) for error in result["erreurs"]) == (code, champ)
    assert (await small.ask(SCHOOL, WRITES))["data"]["ecritures"]["totalCount"] == 0


async def test_nobody_answers_a_request_that_was_not_made(small: WrittenWorld) -> None:
    result = await small.write(ADVISER, REPLY, jeune=await small.id_of(ADVISER), reponse="ACCEPTEE")
    assert [error["code"] for error in result["erreurs"]] == ["NON_ELIGIBLE"]


async def test_a_declared_rupture_is_one_for_all_who_see_the_contract(small: WrittenWorld) -> None:
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    result = await small.write(SCHOOL, DECLARE, contrat=contrat, date="2026-10-10", cause="démission")
    assert result["erreurs"] == []
    assert result["rupture"]["date"] == "2026-10-10"
    assert (result["rupture"]["joursDepuis"], result["rupture"]["sources"]) == (5, ["depot"])
    assert result["jeune"]["statut"] == {"valeur": "RUPTURANT", "depuis": "2026-10-10"}
    seen = await small.jeune(ADVISER, "statut { valeur } ruptures { id date etat signaleeLe delaiSignalementJours }", 1)
    assert seen["statut"] == {"valeur": "RUPTURANT"}
    assert seen["ruptures"] == [
        {
            "id": result["rupture"]["id"],
            "date": "2026-10-10",
            "etat": "TRAITE",
            "signaleeLe": "2026-10-15",
            "delaiSignalementJours": 5,
        }
    ]
    listed = await small.ask(
        ADVISER, '{ ruptures(filtre: {depuis: "2026-10-01"}) { totalCount nodes { jeune { nom } } } }'
    )
    assert listed["data"]["ruptures"]["totalCount"] == 1
    opened = await small.ask(ADVISER, "query($id: ID!) { rupture(id: $id) { date } }", id=result["rupture"]["id"])
    assert opened["data"]["rupture"] == {"date": "2026-10-10"}


@pytest.mark.parametrize(
    ("day", "code"),
    [("2025-10-14", "INVALIDE"), ("2026-10-16", "INVALIDE"), ("2025-10-15", None), ("2026-10-15", None)],
)
async def test_a_rupture_is_declared_within_a_year_and_not_to_come(
    small: WrittenWorld, day: str, code: str | None
) -> None:
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    result = await small.write(SCHOOL, DECLARE, contrat=contrat, date=day)
    assert [error["code"] for error in result["erreurs"]] == ([code] if code else [])


async def test_a_known_rupture_is_not_declared_again(small: WrittenWorld) -> None:
    contrat = (await small.jeune(SCHOOL, "contrats { id }"))["contrats"][0]["id"]
    result = await small.write(SCHOOL, DECLARE, contrat=contrat, date="2026-10-10")
    assert [(error["code"], error["champ"]) for error in result["erreurs"]] == [("NON_ELIGIBLE", "contrat")]


async def test_a_withdrawn_rupture_is_none_any_more(small: WrittenWorld) -> None:
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    result = await small.write(SCHOOL, DECLARE, contrat=contrat, date="2026-10-10")
    await small.ask(SCHOOL, WITHDRAW, cle=key(), ecriture=result["ecriture"]["id"])
    assert await small.jeune(ADVISER, "statut { valeur } ruptures { id }", 1) == {
        "nom": "Nom1 Identite1",
        "statut": {"valeur": "APPRENTI"},
        "ruptures": [],
    }


async def test_the_system_of_a_cfa_writes_for_it_and_reads_nobody(small: WrittenWorld) -> None:
    erp = caller("SI_PARTENAIRE", "0600001A", comme="CFA", finalite="GESTION_CFA")
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    text = (
        "mutation($saisie: SaisieRupture!) { declarerRupture(saisie: $saisie) { ecriture { etat } erreurs { code } } }"
    )
    assert (await small.write(erp, text, contrat=contrat, date="2026-10-10"))["ecriture"] == {"etat": "CONSERVEE"}
    answer = await small.ask(erp, DECLARE, saisie={"cle": key(), "contrat": contrat, "date": "2026-10-11"})
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "CHAMP_REFUSE"


async def test_a_stranger_is_told_of_nobody(small: WrittenWorld) -> None:
    own = await small.write(STRANGER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")
    nobody = await small.write(STRANGER, NOTE, jeune="n-existe-pas", situation="RDV_PRIS")
    assert own == nobody
    assert [error["code"] for error in own["erreurs"]] == ["INTROUVABLE"]
