"""What is kept of transmissions: sealed, whole or not at all, the last committed as the last word; on both databases."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from gateway.domain.days import paris_day
from gateway.reception.transmission import PreparedTransmission, prepare
from gateway.stores import receptions_writer
from gateway.stores.dossier_seal import opened
from gateway.stores.reception_tables import TransmissionError
from gateway.stores.receptions import ReceptionStore, ReceptionUnavailable
from tests.support.databases import at_rest
from tests.support.reception.facts import RESPONSABLE_UAI, SITE_UAI_ITEM, UAI, item
from tests.support.reception.world import FAMILY, NOW, SEALER, SITE_UAI

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


def prepared(*items: dict[str, Any], at: Any = NOW) -> PreparedTransmission:
    return prepare(json.dumps(items).encode(), FAMILY, SEALER, at)


async def push(store: ReceptionStore, *items: dict[str, Any], at: Any = NOW) -> frozenset[str]:
    made = prepared(*items, at=at)
    return await store.record(made.transmission, made.dossiers, at)


async def kept(store: ReceptionStore, uai: str = UAI) -> dict[str, dict[str, Any]]:
    """What is kept of a CFA, by the key of its ERP."""
    records = [opened(one.key, one.sealed, SEALER) or {} for one in await store.dossiers(uai)]
    return {record["id_erp_apprenant"]: record for record in records}


async def test_the_last_push_is_the_whole_truth_of_its_dossier(store: ReceptionStore) -> None:
    await push(store, item(email_contact="a@b.fr", contrat_date_debut="2026-09-01"))
    await push(store, item(contrat_date_debut="2026-09-02"))
    record = (await kept(store))["E-1"]
    assert record["contrat_date_debut"] == "2026-09-02"
    assert "email_contact" not in record  # no ghost of what was said before


async def test_a_nightly_resend_of_the_same_changes_no_version(store: ReceptionStore) -> None:
    assert await push(store, item(), item(id_erp_apprenant="E-2")) == {UAI}
    first = (await store.states()).get(UAI)
    assert await push(store, item(id_erp_apprenant="E-2"), item(), at=NOW + DAY) == frozenset()
    assert first
    assert (await store.states()).get(UAI) == (first[0], (NOW + DAY).replace(microsecond=0))
    assert {one.received_at for one in await store.dossiers(UAI)} == {(NOW + DAY).replace(microsecond=0)}
    assert await push(store, item(prenom_apprenant="Auguste"), at=NOW + DAY) == {UAI}
    assert ((await store.states()).get(UAI, (0,)))[0] == first[0] + 1


async def test_of_a_body_what_changed_alone_is_written_again(store: ReceptionStore) -> None:
    await push(store, item(), item(id_erp_apprenant="E-2"))
    later = (NOW + DAY).replace(microsecond=0)
    sent = [item(), item(id_erp_apprenant="E-2", prenom_apprenant="Autre"), item(id_erp_apprenant="E-3")]
    assert await push(store, *sent, at=later) == {UAI}
    told = {opened(one.key, one.sealed, SEALER)["id_erp_apprenant"]: one for one in await store.dossiers(UAI)}  # type: ignore[index]
    assert {one.received_at for one in told.values()} == {later}
    assert {key: one.changed_at == later for key, one in told.items()} == {"E-1": False, "E-2": True, "E-3": True}
    assert await push(store, *sent, at=later + DAY) == frozenset()


async def test_a_rejected_item_leaves_what_was_kept_before(store: ReceptionStore) -> None:
    await push(store, item())
    assert await push(store, item(nom_apprenant="", email_contact="a@b.fr")) == frozenset()
    assert "email_contact" not in (await kept(store))["E-1"]


async def test_a_body_sent_again_is_counted_once(store: ReceptionStore) -> None:
    for _ in range(3):
        await push(store, item(), item(id_erp_apprenant="E-2", email_contact="x"), item(nom_apprenant=None))
    (told,) = await store.transmissions(UAI)
    assert {name: told[name] for name in ("acceptes", "partiels", "rejetes", "rejoues")} == {
        "acceptes": 1, "partiels": 1, "rejetes": 1, "rejoues": 2,
    }  # fmt: skip
    assert sorted(error.champs for _, error in await store.errors(UAI, paris_day(NOW))) == [
        "email_contact",
        "nom_apprenant",
    ]


async def test_a_line_of_validation_names_a_dossier_by_its_erp_and_holds_no_value(store: ReceptionStore) -> None:
    await push(store, item(id_erp_apprenant=77, email_contact="secret@"))
    assert await store.errors(UAI, paris_day(NOW)) == [
        (paris_day(NOW), TransmissionError("77", "2026-2027", "email_contact", "Email non valide"))
    ]


async def test_a_year_that_does_not_read_is_no_place_for_a_value(store: ReceptionStore, url: str) -> None:
    await push(store, item(annee_scolaire="Canarinois Serinette"), item(annee_scolaire=None, id_erp_apprenant="E-2"))
    assert [(error.id_erp, error.annee) for _, error in await store.errors(UAI, paris_day(NOW))] == [
        ("E-1", ""),
        ("E-2", ""),
    ]
    assert b"anarinois" not in await at_rest(url)


async def test_a_site_has_its_own_dossiers_and_its_own_version(store: ReceptionStore) -> None:
    assert await push(store, item(), item(**SITE_UAI_ITEM)) == {UAI, SITE_UAI}
    assert len(await kept(store, SITE_UAI)) == len(await kept(store)) == 1
    assert (await store.states()).get(RESPONSABLE_UAI) is None


async def test_nothing_of_a_person_is_readable_at_rest(store: ReceptionStore, url: str) -> None:
    told = item(
        nom_apprenant="Canarinois", prenom_apprenant="Serinette", email_contact="canari@exemple.invalid",
        tel_apprenant="0628000123", adresse_apprenant="7 rue des Volières", nir_apprenant="107106006000123",
        cause_rupture_contrat="mésentente", contrat_date_debut="2026-09-01", siret_employeur="73282932000074",
        code_postal_de_naissance_apprenant="60999", custom_statut_apprenant="volière",
    )  # fmt: skip
    await push(store, told, {**told, "email_contact": "canari@", "id_erp_apprenant": "E-2"})
    bytes_ = await at_rest(url)
    for value in (
        "anarinois",
        "CANARINOIS",
        "erinette",
        "canari@",
        "0628000123",
        "Volières",
        "107106006000123",
        "sentente",
    ):
        assert value.encode() not in bytes_, value
    record = (await kept(store))["E-1"]
    assert record["cause_rupture_contrat"] == "mésentente"
    for never in ("nir", "107106006000123", "60999", "volière"):
        assert never not in json.dumps(record, ensure_ascii=False)


async def test_a_sealed_dossier_opens_under_its_own_key_only(store: ReceptionStore) -> None:
    await push(store, item(), item(id_erp_apprenant="E-2"))
    one, other = await store.dossiers(UAI)
    assert opened(one.key, one.sealed, SEALER)
    assert opened(one.key, other.sealed, SEALER) is None


@pytest.mark.parametrize("step", ["_transmitted", "_changed", "_upsert", "_account"])
async def test_i1_a_transmission_that_fails_at_any_step_leaves_nothing(
    store: ReceptionStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Killed before the commit: no acknowledgement, and nothing kept; sent again, it is kept whole and counted once."""
    await push(store, item(prenom_apprenant="Avant"))
    before = (await store.states()).get(UAI), await kept(store), await store.transmissions(UAI)
    whole = getattr(receptions_writer, step)

    def fail(*arguments: Any) -> Any:
        whole(*arguments)
        raise OperationalError("", {}, OSError("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(receptions_writer, step, fail)
        with pytest.raises(ReceptionUnavailable):
            await push(store, item(), item(id_erp_apprenant="E-2"), at=NOW + DAY)
    assert ((await store.states()).get(UAI), await kept(store), await store.transmissions(UAI)) == before
    assert await push(store, item(), item(id_erp_apprenant="E-2"), at=NOW + DAY) == {UAI}
    assert set(await kept(store)) == {"E-1", "E-2"}
    assert [told["rejoues"] for told in await store.transmissions(UAI)] == [0, 0]


async def test_two_pushes_of_one_dossier_at_once_leave_one_whole(store: ReceptionStore, url: str) -> None:
    """Order is that of commits: whichever came last is kept as it was sent, and each change moves the version."""
    other = ReceptionStore(url)
    try:
        sent = [item(prenom_apprenant=f"Prénom{rank}", email_contact=f"p{rank}@b.fr") for rank in range(20)]
        await asyncio.gather(*(push(one, told) for told, one in zip(sent, [store, other] * 10, strict=True)))
    finally:
        await other.close()
    record = (await kept(store))["E-1"]
    assert record["email_contact"] == f"p{record['prenom_apprenant'].removeprefix('Prénom')}@b.fr"
    assert ((await store.states()).get(UAI, (0,)))[0] == 20


async def test_what_was_kept_long_enough_is_forgotten(store: ReceptionStore) -> None:
    await push(store, item(), item(id_erp_apprenant="E-2", email_contact="x"))
    await store.import_key("e" * 32, "cfa", paris_day(NOW))
    await store.purge(NOW + 15 * DAY)
    assert len(await store.errors(UAI, paris_day(NOW))) == 1
    await store.purge(NOW + 17 * DAY)
    assert await store.errors(UAI, paris_day(NOW)) == []
    await push(store, item(), at=NOW + 300 * DAY)
    await store.purge(NOW + 366 * DAY)
    assert set(await kept(store)) == {"E-1"}
    assert await store.client_of_key("e" * 32, paris_day(NOW)) is None


async def test_a_key_unused_for_a_year_opens_nothing(store: ReceptionStore) -> None:
    today = paris_day(NOW)
    await store.import_key("a" * 32, "cfa", today)
    assert await store.client_of_key("a" * 32, today + 365 * DAY) == "cfa"
    assert await store.client_of_key("a" * 32, today + 730 * DAY) == "cfa"
    assert await store.client_of_key("a" * 32, today + 1096 * DAY) is None
    assert await store.client_of_key("b" * 32, today) is None
