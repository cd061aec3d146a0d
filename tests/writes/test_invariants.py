"""The invariants of what is written (docs/ecritures.md): rights (I4), all or nothing (I5), read your writes (I6), replays (I7),
no value where none may be (I14). Each against the document, never against the code."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from gateway.auth.authentication.clients import ClientQuotas, Viewer
from gateway.errors import JournalUnavailable, QuotaReached, WritesUnavailable
from gateway.federation.views.write_resolver import WriteResolver
from gateway.stores.write_store import WriteStore
from tests.support.access.small_world import CALLERS, caller
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
PEOPLE = [somebody(0, collaboration=True, asked_by="0600001A"), somebody(1, statut="APPRENTI")]
OUTCOME = "{ ecriture { id etat rejouee } erreurs { code champ } }"
# docs/ecritures.md, Qui écrit quoi: profile, whom it acts as, purpose.
WRITERS = {
    ("MISSION_LOCALE", "MISSION_LOCALE", "ACCOMPAGNEMENT"): {"noterSuivi", "repondreAccompagnement"},
    ("SI_PARTENAIRE", "MISSION_LOCALE", "ACCOMPAGNEMENT"): {"noterSuivi", "repondreAccompagnement"},
    ("CFA", "CFA", "GESTION_CFA"): {"demanderAccompagnement", "declarerRupture"},
    ("SI_PARTENAIRE", "CFA", "GESTION_CFA"): {"demanderAccompagnement", "declarerRupture"},
}
OWN = {"MISSION_LOCALE": "60001", "CFA": "0600001A"}  # whose people they are


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[WrittenWorld]:
    async with written_world(tmp_path, PEOPLE) as opened:
        yield opened


def mutation(field: str, type_: str) -> str:
    return f"mutation($saisie: {type_}!) {{ {field}(saisie: $saisie) {OUTCOME} }}"


async def acts(small: WrittenWorld) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each act as a document that shows nobody, with an input that would be accepted."""
    jeune = await small.id_of(ADVISER)
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    return {
        "noterSuivi": (mutation("noterSuivi", "SaisieSuivi"), {"jeune": jeune, "situation": "RDV_PRIS"}),
        "repondreAccompagnement": (
            mutation("repondreAccompagnement", "SaisieReponse"),
            {"jeune": jeune, "reponse": "ACCEPTEE"},
        ),
        "demanderAccompagnement": (
            mutation("demanderAccompagnement", "SaisieAccompagnement"),
            {"jeune": jeune, **REQUEST},
        ),
        "declarerRupture": (mutation("declarerRupture", "SaisieRupture"), {"contrat": contrat, "date": "2026-10-10"}),
    }


MACHINE = caller("SI_PARTENAIRE", "0600001A", comme="CFA", finalite="GESTION_CFA")


@pytest.mark.parametrize(
    "who", [*CALLERS, MACHINE], ids=lambda who: f"{who.profil.value}-{who.organisation}-{who.finalite}"
)
async def test_i4_no_effect_without_right(small: WrittenWorld, who: Viewer) -> None:
    finalite = who.finalite.value if who.finalite else ""
    granted = WRITERS.get((who.profil.value, who.perimetre.profil.value, finalite), set())
    for field, (document, saisie) in (await acts(small)).items():
        before = len(await small.store.since(0))
        answer = await small.ask(who, document, saisie={"cle": key(), **saisie})
        written = len(await small.store.since(0)) - before
        if field not in granted:
            assert (answer["data"], written) == (None, 0), field
            assert answer["errors"][0]["extensions"]["code"] in ("ACTE_REFUSE", "FINALITE_REQUISE"), field
        elif who.organisation == OWN[who.perimetre.profil.value]:
            assert (answer["data"][field]["erreurs"], written) == ([], 1), field
        else:
            assert (answer["data"][field]["erreurs"][0]["code"], written) == ("INTROUVABLE", 0), field


async def test_i4_somebody_out_of_sight_and_nobody_get_the_same_bytes(small: WrittenWorld) -> None:
    for field, (document, saisie) in (await acts(small)).items():
        who = STRANGER if "uivi" in field or "repondre" in field else OTHER_SCHOOL
        target = "contrat" if "contrat" in saisie else "jeune"
        answers = [
            await small.ask(who, document, saisie={"cle": key(), **saisie, target: identifier})
            for identifier in (saisie[target], "n-existe-pas", saisie[target][:-4] + "AAAA")
        ]
        assert answers[0] == answers[1] == answers[2], field


async def test_i4_a_write_of_another_organisation_is_nobodys(small: WrittenWorld) -> None:
    document, saisie = (await acts(small))["noterSuivi"]
    answer = await small.ask(ADVISER, document, saisie={"cle": key(), **saisie})
    own = answer["data"]["noterSuivi"]["ecriture"]["id"]
    for identifier in (own, "n-existe-pas"):
        gone = await small.ask(STRANGER, WITHDRAW, cle=key(), ecriture=identifier)
        assert gone["data"]["abandonnerEcriture"] == {
            "ecriture": None,
            "erreurs": [{"code": "INTROUVABLE", "champ": "ecriture"}],
        }
    assert (await small.ask(STRANGER, WRITES))["data"]["ecritures"]["totalCount"] == 0
    opened = "query($id: ID!) { node(id: $id) { ... on Ecriture { etat } } }"
    assert (await small.ask(STRANGER, opened, id=own))["data"]["node"] is None
    assert (await small.ask(ADVISER, opened, id=own))["data"]["node"] == {"etat": "CONSERVEE"}


async def test_i5_one_field_refused_and_nothing_is_written(small: WrittenWorld) -> None:
    jeune = await small.id_of(SCHOOL)
    document = """mutation($saisie: SaisieAccompagnement!) { demanderAccompagnement(saisie: $saisie) {
      ecriture { etat } jeune { sansContrat { jours } } } }"""
    answer = await small.ask(SCHOOL, document, saisie={"cle": key(), "jeune": jeune, **REQUEST})
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "CHAMP_REFUSE")
    assert await small.store.since(0) == []
    assert [one for one in await small.entries() if one["acte"] == "ECRITURE"] == []


class ClosedJournal:
    """A journal that cannot be written."""

    async def append(self, _: object) -> None:
        raise JournalUnavailable


async def test_i5_without_the_journal_nothing_is_written(small: WrittenWorld) -> None:
    jeune = await small.id_of(ADVISER)
    writes: Any = replace(small.writes, journal=ClosedJournal())  # type: ignore[arg-type]
    small.world.gateway = replace(small.gateway, writes=writes)
    with pytest.raises(JournalUnavailable):
        await small.ask(ADVISER, NOTE, saisie={"cle": key(), "jeune": jeune, "situation": "RDV_PRIS"})
    assert await small.store.since(0) == []


class FullStore(WriteStore):
    """A store whose disk is full once it is opened."""

    full = False

    async def transaction(self, make: Any) -> Any:
        def failing(connection: Connection) -> Any:
            if self.full:
                raise OSError(28, "no space")
            return make(connection)

        return await super().transaction(failing)


async def test_i5_a_full_disk_is_told_and_asked_again_with_the_same_key(tmp_path: Path) -> None:
    async with written_world(tmp_path, PEOPLE, make_store=FullStore) as small:
        saisie = {"cle": key(), "jeune": await small.id_of(ADVISER), "situation": "RDV_PRIS"}
        assert isinstance(small.store, FullStore)
        small.store.full = True
        with pytest.raises(WritesUnavailable):
            await small.ask(ADVISER, NOTE, saisie=saisie)
        small.store.full = False
        assert await small.store.since(0) == []
        again = (await small.ask(ADVISER, NOTE, saisie=saisie))["data"]["noterSuivi"]
        assert (again["erreurs"], again["ecriture"]["rejouee"]) == ([], False)


async def test_i5_the_quota_of_a_day_is_counted_and_a_replay_is_not(small: WrittenWorld) -> None:
    limited = replace(ADVISER, quotas=ClientQuotas(writes_a_day=2))
    jeune = await small.id_of(ADVISER)
    saisie = {"cle": key(), "jeune": jeune, "situation": "RDV_PRIS"}
    await small.ask(limited, NOTE, saisie=saisie)
    await small.ask(limited, NOTE, saisie={**saisie, "cle": key()})
    assert (await small.ask(limited, NOTE, saisie=saisie))["data"]["noterSuivi"]["ecriture"]["rejouee"] is True
    with pytest.raises(QuotaReached):
        await small.ask(limited, NOTE, saisie={**saisie, "cle": key()})
    assert len(await small.store.since(0)) == 2


async def test_i5_two_fields_or_a_get_write_nothing(small: WrittenWorld) -> None:
    one = 'abandonnerEcriture(cle: "0123456789abcdef", ecriture: "a") { erreurs { code } }'
    answer = await small.ask(ADVISER, f"mutation {{ a: {one} b: {one} }}")
    assert answer["errors"][0]["extensions"] == {"code": "REQUETE_INVALIDE", "detail": "UNE_ECRITURE"} | {
        "requestId": answer["errors"][0]["extensions"]["requestId"]
    }
    skipped = await small.ask(ADVISER, f"mutation {{ {one.replace(' {', ' @skip(if: true) {', 1)} }}")
    assert skipped["data"] == {}


async def test_i6_each_reader_sees_a_write_as_it_may_and_no_other_person_moves(small: WrittenWorld) -> None:
    fields = "id statut { valeur } suivi { situation } collaboration { motifs } ruptures { etat }"
    others = await small.jeune(ADVISER, fields, 1)
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="NOUVEAU_PROJET")
    assert (await small.jeune(ADVISER, fields))["suivi"] == {"situation": "NOUVEAU_PROJET"}
    # The CFA of this person asked for joint support, in i-milo: it reads the note as it would read i-milo's.
    assert (await small.jeune(SCHOOL, fields))["suivi"] == {"situation": "NOUVEAU_PROJET"}
    assert await small.jeune(ADVISER, fields, 1) == others
    for who in (caller("DREETS", "32"), caller("TETE_DE_RESEAU", "mfr")):
        read = await small.jeune(who, "suivi { situation } collaboration { motifs }")
        assert (read["suivi"], read["collaboration"]) == (None, None)


async def test_i6_ids_and_pages_are_those_of_before(small: WrittenWorld) -> None:
    listing = "{ jeunes(first: 10, tri: NOM_ASC) { totalCount edges { cursor node { id } } } }"
    before = (await small.ask(ADVISER, listing))["data"]["jeunes"]
    await small.write(ADVISER, NOTE, jeune=await small.id_of(ADVISER), situation="RDV_PRIS")
    assert (await small.ask(ADVISER, listing))["data"]["jeunes"] == before


async def test_i6_another_process_reads_it_once_it_has_followed(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'partagee.sqlite'}"
    (tmp_path / "un").mkdir()
    (tmp_path / "deux").mkdir()
    async with (
        written_world(tmp_path / "un", PEOPLE, url=url) as first,
        written_world(tmp_path / "deux", PEOPLE, url=url) as second,
    ):
        await first.write(ADVISER, NOTE, jeune=await first.id_of(ADVISER), situation="NOUVEAU_PROJET")
        await second.writes.pending.follow()
        assert (await second.jeune(ADVISER, "suivi { situation }"))["suivi"] == {"situation": "NOUVEAU_PROJET"}


async def test_a_stale_version_is_a_conflict_though_another_process_wrote_since(tmp_path: Path, url: str) -> None:
    """Neither has heard of the other: what the database holds decides, and one of the two is told the conflict."""
    (tmp_path / "un").mkdir()
    (tmp_path / "deux").mkdir()
    async with (
        written_world(tmp_path / "un", PEOPLE, url=url) as first,
        written_world(tmp_path / "deux", PEOPLE, url=url) as second,
    ):
        jeune = await first.id_of(ADVISER)
        version = (await first.jeune(ADVISER, "suivi { version }"))["suivi"]["version"]
        said = {"jeune": jeune, "situation": "RDV_PRIS", "version": version}
        asked = [one.ask(ADVISER, NOTE, saisie={"cle": key(), **said}) for one in (first, second)]
        results = [answer["data"]["noterSuivi"] for answer in await asyncio.gather(*asked)]
        codes = [[error["code"] for error in result["erreurs"]] for result in results]
        assert sorted(codes) == [[], ["CONFLIT"]]
        (refused,) = [result for result in results if result["erreurs"]]
        assert refused["jeune"]["suivi"]["situation"] == "RDV_PRIS"
        assert len(await first.store.since(0)) == 1


async def test_i7_fifty_equal_keys_at_once_over_two_processes_write_once(tmp_path: Path, url: str) -> None:
    (tmp_path / "un").mkdir()
    (tmp_path / "deux").mkdir()
    async with (
        written_world(tmp_path / "un", PEOPLE, url=url) as first,
        written_world(tmp_path / "deux", PEOPLE, url=url) as second,
    ):
        saisie = {"cle": key(), "jeune": await first.id_of(ADVISER), "situation": "RDV_PRIS"}
        document = mutation("noterSuivi", "SaisieSuivi")
        asked = [(first, second)[rank % 2].ask(ADVISER, document, saisie=saisie) for rank in range(50)]
        results = [answer["data"]["noterSuivi"] for answer in await asyncio.gather(*asked)]
        assert len({result["ecriture"]["id"] for result in results}) == 1
        assert [result["ecriture"]["rejouee"] for result in results].count(False) == 1
        assert len(await first.store.since(0)) == 1


async def test_i7_a_key_with_another_input_is_refused_and_writes_nothing(small: WrittenWorld) -> None:
    saisie = {"cle": key(), "jeune": await small.id_of(ADVISER), "situation": "RDV_PRIS"}
    await small.ask(ADVISER, NOTE, saisie=saisie)
    for other in ({"situation": "NOUVEAU_PROJET"}, {"commentaire": "x"}):
        answer = await small.ask(ADVISER, NOTE, saisie={**saisie, **other})
        assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "CLE_REUTILISEE")
    again = await small.ask(ADVISER, NOTE, saisie=saisie)
    assert again["data"]["noterSuivi"]["ecriture"]["rejouee"] is True
    colleague = replace(ADVISER, account="collègue")
    fresh = await small.ask(colleague, NOTE, saisie={**saisie, "situation": "NOUVEAU_PROJET"})
    assert fresh["data"]["noterSuivi"]["ecriture"]["rejouee"] is False


async def test_a_resolver_that_fails_after_the_write_leaves_one_write(
    small: WrittenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The executor starts again from the beginning: the write is done already, once."""
    document, saisie = (await acts(small))["noterSuivi"]
    asked = {"cle": key(), **saisie}
    with monkeypatch.context() as patch:
        patch.setattr(WriteResolver, "outcome_as", lambda *_: 1 / 0)
        for _ in range(3):
            answer = await small.ask(ADVISER, document, saisie=asked)
            assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "ERREUR_INTERNE")
    assert len(await small.store.since(0)) == 1
    again = (await small.ask(ADVISER, document, saisie=asked))["data"]["noterSuivi"]
    assert (again["erreurs"], again["ecriture"]["rejouee"]) == ([], True)


@pytest.mark.parametrize("wrong", ["", "courte", "x" * 65, "clé-de-seize-signes", "cle de seize signes", "a" * 15])
async def test_a_key_has_a_form(small: WrittenWorld, wrong: str) -> None:
    saisie = {"cle": wrong, "jeune": await small.id_of(ADVISER), "situation": "RDV_PRIS"}
    result = (await small.ask(ADVISER, NOTE, saisie=saisie))["data"]["noterSuivi"]
    assert [(error["code"], error["champ"]) for error in result["erreurs"]] == [("INVALIDE", "cle")]


async def test_i14_no_value_key_or_id_stands_in_clear(small: WrittenWorld, tmp_path: Path) -> None:
    own, jeune = key(), await small.id_of(ADVISER)
    said = {"situation": "AUTRE", "situationAutre": "canari-autre", "commentaire": "canari-commentaire"}
    await small.ask(ADVISER, NOTE, saisie={"cle": own, "jeune": jeune, **said})
    school = {**REQUEST, "commentaire": "canari-cfa"}
    await small.write(SCHOOL, ASK, jeune=await small.id_of(SCHOOL), **school)
    await small.write(ADVISER, REPLY, jeune=jeune, reponse="REFUSEE", commentaire="canari-reponse")
    contrat = (await small.jeune(SCHOOL, "contrats { id }", 1))["contrats"][0]["id"]
    await small.write(SCHOOL, DECLARE, contrat=contrat, date="2026-10-10", cause="canari-cause")
    await small.store.transaction(lambda connection: connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")))
    canaries = ("canari", own, jeune, contrat, "Référente fictive", "0639981234", "06 39 98 12 34", "Nom0", "60001")
    for file in await asyncio.to_thread(lambda: sorted(tmp_path.rglob("*.sqlite*"))):
        content = await asyncio.to_thread(file.read_bytes)
        values = canaries[:-1] if file.name.startswith("journal") else canaries
        assert [value for value in values if value.encode() in content] == [], file.name


async def test_the_journal_tells_the_act_the_fields_and_the_outcome_before_and_after(small: WrittenWorld) -> None:
    jeune = await small.id_of(ADVISER)
    await small.write(ADVISER, NOTE, jeune=jeune, situation="RDV_PRIS", commentaire="canari")
    told = [one for one in await small.entries() if one["acte"] == "ECRITURE"]
    assert [one["issue"] for one in told] == ["DEMANDEE", "ACCEPTEE"]
    assert told[0]["coordonnees"] == {"noterSuivi": ["commentaire", "situation"]}
    assert {name: told[0][name] for name in ("client", "compte", "profil", "organisation", "finalite")} == {
        "client": "MISSION_LOCALE",
        "compte": "MISSION_LOCALE",
        "profil": "MISSION_LOCALE",
        "organisation": "60001",
        "finalite": "ACCOMPAGNEMENT",
    }


async def test_what_is_erased_or_kept_long_enough_is_said_no_more(small: WrittenWorld) -> None:
    jeune = await small.id_of(ADVISER)
    await small.write(ADVISER, NOTE, jeune=jeune, situation="NOUVEAU_PROJET")
    assert await small.store.erase([small.writes.person_name(jeune)], small.instant) == 1
    await small.writes.pending.follow()
    assert (await small.jeune(ADVISER, "suivi { situation }"))["suivi"] == {"situation": "RDV_PRIS"}
    (kept,) = await small.store.since(0)
    assert (kept.sealed, kept.personne) == (b"", "")
    await small.write(ADVISER, NOTE, jeune=jeune, situation="REORIENTATION")
    small.later(days=364)
    await small.store.purge(small.instant)
    assert len(small.writes.pending.by_person) == 1
    small.later(days=2)
    await small.store.purge(small.instant)
    await small.writes.pending.follow()
    assert small.writes.pending.by_person == {}
    small.later(days=3)
    await small.store.purge(small.instant)
    assert await small.store.since(0) == []
