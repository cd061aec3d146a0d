"""An id stays: every case of a life among sources, through the real ledger, with exact expectations."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.liens import Connus, Ecritures
from gateway.errors import LiensIndisponibles
from gateway.federation.grappes import grappe_de_personne
from gateway.federation.liens import decider
from gateway.schema.nouns import Contrat, Sexe
from gateway.stores.liens import Liens
from tests.bases import au_repos
from tests.unit.liens_outils import IDENTIFIANTS, T0, Lecteur, deriver, dit, ensemble, grand_livre, lecteur

pytestmark = pytest.mark.anyio

ERP = dit("ypareo", "1", "A")
REGISTRE = dit("registre", "N1")
DEMAIN = T0 + timedelta(days=1)


async def test_a_corrected_name_keeps_the_id(ici: Lecteur) -> None:
    avant = await ici.un(dit("ypareo", "1", "A", nom="Le Gof"))
    assert await ici.un(dit("ypareo", "1", "A", nom="Le Goff")) == avant


async def test_a_name_corrected_by_the_registry_keeps_the_id_though_its_records_are_grouped_by_name(
    ici: Lecteur,
) -> None:
    contrats = [Contrat(numero="N1")]
    avant = await ici.un(dit("registre", "p1", nom="Le Gof", contrats=contrats))
    assert await ici.un(dit("registre", "p2", nom="Le Goff", contrats=contrats)) == avant


async def test_an_erp_that_replaces_the_registry_as_main_source_keeps_the_id(ici: Lecteur) -> None:
    avant = await ici.un(REGISTRE)
    assert await ici.un(ERP, REGISTRE) == avant
    assert await ici.un(ERP) == avant


async def test_a_second_contract_at_the_registry_keeps_the_id(ici: Lecteur) -> None:
    avant = await ici.un(REGISTRE)
    deux = [Contrat(numero="N2"), Contrat(numero="n1")]
    assert await ici.un(dit("registre", "p", contrats=deux)) == avant


async def test_a_change_of_cfa_that_overlaps_keeps_the_id(ici: Lecteur) -> None:
    suivant = dit("gestibase", "E9", "B", nom="Legoff-Martin")
    avant = await ici.un(ERP)
    assert await ici.un(ERP, suivant) == avant
    assert await ici.un(suivant) == avant


async def test_a_change_of_cfa_without_overlap_keeps_the_id_by_the_exact_identity(ici: Lecteur) -> None:
    avant = await ici.un(ERP)
    assert await ici.un(dit("gestibase", "E9", "B")) == avant


async def test_a_change_of_commune_and_of_mission_locale_keeps_the_id(ici: Lecteur) -> None:
    avant = await ici.un(ERP, dit("imilo", "5", "60001"))
    assert await ici.un(ERP, dit("imilo", "8", "60002")) == avant
    assert await ici.un(dit("imilo", "8", "60002")) == avant


async def test_two_viewers_that_see_different_records_of_one_person_see_one_id(ici: Lecteur) -> None:
    cfa_a = await ici.un(ERP, REGISTRE)
    cfa_b = await ici.un(dit("gestibase", "E9", "B"))
    mission = await ici.un(REGISTRE)
    assert cfa_a == cfa_b == mission


async def test_another_record_of_the_same_installation_is_another_person(ici: Lecteur) -> None:
    assert await ici.un(ERP) != await ici.un(dit("ypareo", "2", "A"))


async def test_homonyms_kept_apart_have_their_ids_and_a_third_record_is_neither(ici: Lecteur) -> None:
    homonymes = await ici.joindre(ERP, dit("ypareo", "2", "A"), REGISTRE)
    assert len(set(homonymes)) == 3
    assert await ici.joindre(ERP, dit("ypareo", "2", "A"), REGISTRE) == homonymes
    assert await ici.un(dit("gestibase", "E9", "B")) not in homonymes


async def test_an_identity_that_another_group_bears_designates_nobody(ici: Lecteur) -> None:
    """The other may be out of the view: it was heard."""
    ancien = await ici.un(dit("aimaira", "7", "C"))
    (nouveau,) = await ici.lire(ensemble(ERP), apres=[ensemble(dit("gestibase", "E9", "B"))])
    assert nouveau != ancien


async def test_an_identity_designates_nobody_while_a_source_is_not_heard(ici: Lecteur) -> None:
    ancien = await ici.un(ERP)
    (nouveau,) = await ici.lire(ensemble(dit("gestibase", "E9", "B")), complete=False)
    assert nouveau != ancien
    assert await ici.un(ERP, dit("gestibase", "E9", "B")) in (ancien, nouveau)


async def test_two_sexes_are_not_one_person_even_read_apart(ici: Lecteur) -> None:
    une = await ici.un(dit("ypareo", "1", "A", sexe=Sexe.F))
    assert await ici.un(dit("gestibase", "E9", "B", sexe=Sexe.M)) != une
    assert await ici.un(dit("aimaira", "7", "C", sexe=Sexe.F)) == une


async def test_a_name_that_was_corrected_designates_its_bearer_no_more(ici: Lecteur) -> None:
    corrigee = await ici.un(dit("ypareo", "1", "A", nom="Martin"))
    assert await ici.un(dit("ypareo", "1", "A", nom="Le Goff")) == corrigee
    assert await ici.un(dit("gestibase", "E9", "B", nom="Martin")) != corrigee


async def test_a_name_without_letters_designates_nobody(ici: Lecteur) -> None:
    assert await ici.un(dit("ypareo", "1", "A", nom="?")) != await ici.un(dit("gestibase", "1", "B", nom="?"))


async def test_two_persons_found_to_be_one_are_the_oldest_and_the_other_id_leads_to_it(ici: Lecteur) -> None:
    cadet = dit("gestibase", "E9", "B", nom="Legoff")
    plus_tard = ici.a(DEMAIN)
    survivant = await ici.un(dit("ypareo", "1", "A", nom="Martin"))
    absorbe = await plus_tard.un(cadet)
    assert absorbe != survivant
    assert await plus_tard.un(ERP, cadet) == survivant
    assert plus_tard.anciens() == {absorbe: survivant}
    assert await plus_tard.un(cadet) == survivant
    assert await plus_tard.un(ERP) == survivant
    assert plus_tard.anciens() == {absorbe: survivant}


async def test_of_two_seen_the_same_day_the_order_of_ids_decides(ici: Lecteur) -> None:
    cadet = dit("gestibase", "E9", "B", nom="Martin")
    deux = await ici.lire(ensemble(ERP), ensemble(cadet))
    assert await ici.un(cadet, ERP) == min(deux)


async def test_ids_absorbed_one_after_the_other_lead_to_the_last_survivor(ici: Lecteur) -> None:
    trois = [dit("ypareo", "1", "A"), dit("gestibase", "2", "B", nom="Martin"), dit("aimaira", "3", "C", nom="Durand")]
    ids = [await ici.a(T0 - timedelta(days=rang)).un(temoignage) for rang, temoignage in enumerate(trois)]
    assert await ici.un(trois[0], trois[1]) == ids[1]
    assert await ici.un(trois[1], trois[2]) == ids[2]
    assert await ici.un(trois[0]) == ids[2]
    assert ici.anciens() == {ids[0]: ids[2], ids[1]: ids[2]}


async def test_records_that_part_leave_the_id_to_the_record_it_was_made_from(ici: Lecteur) -> None:
    ensemble_, autre = await ici.un(ERP, REGISTRE), dit("registre", "N1", nom="Martin")
    separes = await ici.lire(ensemble(ERP), ensemble(autre))
    assert separes[0] == ensemble_
    assert separes[1] != ensemble_
    assert ici.anciens() == {}
    assert await ici.lire(ensemble(autre), ensemble(ERP)) == separes[::-1]
    assert [await ici.un(ERP), await ici.un(autre)] == separes


async def test_parts_without_the_first_record_are_told_apart_the_same_way_whatever_their_order(tmp_path: Path) -> None:
    a, b = dit("registre", "N1"), dit("imilo", "5", "60001", nom="Martin")
    lus = []
    for rang, ordre in enumerate(((a, b), (b, a))):
        (tmp_path / str(rang)).mkdir()
        livre = grand_livre(tmp_path / str(rang))
        ici = lecteur(livre)
        commun = await ici.un(ERP, a, b)
        lu = await ici.lire(*(ensemble(temoignage) for temoignage in ordre))
        assert commun in lu
        assert len(set(lu)) == 2
        lus.append(lu[:: 1 if rang == 0 else -1])
        await livre.fermer()
    assert lus[0] == lus[1]


async def test_an_id_absorbed_then_seen_apart_is_itself_again_and_is_never_absorbed_anew(ici: Lecteur) -> None:
    autre = dit("gestibase", "E9", "B", nom="Martin")
    un, deux = await ici.un(ERP), await ici.a(DEMAIN).un(autre)
    assert await ici.un(ERP, autre) == un
    assert await ici.lire(ensemble(ERP), ensemble(autre)) == [un, deux]
    assert await ici.un(autre) == deux
    assert await ici.un(ERP, autre) == un
    assert ici.anciens() == {deux: un}
    assert await ici.un(autre) == deux


async def test_an_absorbed_id_is_not_left_to_those_who_had_joined_it(ici: Lecteur) -> None:
    """Its first record lives on under another id: nobody else's file is shown under the old one."""
    premier, joint = dit("gestibase", "E9", "B", nom="Martin"), dit("imilo", "5", "60001", nom="Martin")
    un, deux = await ici.un(ERP), await ici.a(DEMAIN).un(premier, joint)
    lus = await ici.lire(ensemble(ERP, premier), ensemble(joint))
    assert lus[0] == un
    assert lus[1] not in (un, deux)
    assert ici.anciens() == {deux: un}
    assert await ici.un(joint) == lus[1]
    assert await ici.un(premier) == un


async def test_two_viewers_that_join_and_part_the_same_records_write_once(ici: Lecteur, livre: Liens) -> None:
    autre = dit("gestibase", "E9", "B")
    await ici.un(ERP, autre)
    ecritures = []
    for _ in range(3):
        await ici.un(ERP, autre)
        await ici.lire(ensemble(ERP), ensemble(autre))
        async with livre._moteur.connect() as connexion:
            lignes = (await connexion.exec_driver_sql("SELECT * FROM liens ORDER BY cle")).all()
            alias = (await connexion.exec_driver_sql("SELECT * FROM liens_alias ORDER BY ancien")).all()
        ecritures.append((lignes, [ligne for ligne in alias if not ligne.rompu]))
    assert ecritures[0] == ecritures[1] == ecritures[2]


async def test_two_processes_that_read_the_same_at_once_agree(url: str) -> None:
    livres = [Liens(url) for _ in range(2)]
    await livres[0].lire([])
    un, autre = (lecteur(livre) for livre in livres)
    temoignages = [dit("ypareo", str(rang), "A", nom="Le " + "G" * rang) for rang in range(50)]
    groupes = [ensemble(temoignage) for temoignage in temoignages]
    lus = await asyncio.gather(un.lire(*groupes), autre.lire(*groupes))
    assert lus[0] == lus[1]
    assert len(set(lus[0])) == 50
    for livre in livres:
        await livre.fermer()


async def test_two_processes_that_know_different_records_first_agree_in_the_end(url: str) -> None:
    livres = [Liens(url) for _ in range(2)]
    await livres[0].lire([])
    un, autre = (lecteur(livre) for livre in livres)
    await asyncio.gather(un.un(ERP, REGISTRE), autre.un(REGISTRE, dit("imilo", "5", "60001")))
    tous = (ERP, REGISTRE, dit("imilo", "5", "60001"))
    assert await un.un(*tous) == await autre.un(*tous) == await autre.un(ERP) == await un.un(REGISTRE)
    for livre in livres:
        await livre.fermer()


class Absent:
    """A store that does not answer, or not in time."""

    def __init__(self, attente: float = 0.0) -> None:
        self.attente = attente

    async def lire(self, _: object) -> Connus:
        await asyncio.sleep(self.attente)
        raise LiensIndisponibles

    lire_cousins = lire

    async def ecrire(self, _: Ecritures) -> None:
        raise LiensIndisponibles

    async def premieres_vues(self, *_: object) -> dict[tuple[str, str], object]:
        raise LiensIndisponibles


@pytest.mark.parametrize("attente", [0.0, 60.0], ids=["refuses", "hangs"])
async def test_without_the_ledger_ids_are_those_of_the_first_time_and_it_is_counted(
    ici: Lecteur, attente: float
) -> None:
    echecs: list[int] = []
    sans = lecteur(Absent(attente), echecs, delai=0.05)
    assert await sans.un(ERP, REGISTRE) == await ici.un(ERP, REGISTRE)
    assert sans.dernier is not None
    assert ici.dernier is not None
    assert (sans.dernier.provisoire, ici.dernier.provisoire) == (True, False)
    assert len(echecs) == 1


async def test_a_ledger_that_can_be_read_only_still_gives_the_known_ids(ici: Lecteur, livre: Liens) -> None:
    class EnLecture(Absent):
        async def lire(self, cles: object) -> Connus:
            return await livre.lire(cles)  # type: ignore[arg-type]

    avant = await ici.un(REGISTRE)
    seule = lecteur(EnLecture())
    assert await seule.un(ERP, REGISTRE) == avant
    assert seule.dernier is not None
    assert seule.dernier.provisoire


async def test_a_ledger_that_comes_back_is_used_again(tmp_path: Path) -> None:
    livre = Liens(f"sqlite+aiosqlite:///{tmp_path / 'absent' / 'liens.sqlite'}")
    with pytest.raises(LiensIndisponibles):
        await livre.lire(["0" * 32])
    (tmp_path / "absent").mkdir()
    ici = lecteur(livre)
    assert await ici.un(ERP) == await ici.un(ERP)
    assert ici.dernier is not None
    assert not ici.dernier.provisoire
    await livre.fermer()


async def test_what_is_known_is_not_written_again_but_for_a_date_once_a_month(ici: Lecteur, livre: Liens) -> None:
    await ici.un(ERP)
    grappe = grappe_de_personne(ensemble(ERP), frozenset(), IDENTIFIANTS.pseudonyme)
    connus = await livre.lire([grappe.premiere])
    for jours, changes in ((0, 0), (30, 0), (31, 1)):
        decision = decider([grappe], connus, deriver, T0 + timedelta(days=jours))
        assert (len(decision.ecritures.nouveaux), len(decision.ecritures.changes)) == (0, changes)


async def test_what_no_source_tells_any_more_is_forgotten(ici: Lecteur, livre: Liens) -> None:
    parti, reste = await ici.lire(ensemble(dit("ypareo", "2", "A", nom="Martin")), ensemble(ERP))
    await ici.a(T0 + timedelta(days=700)).un(ERP)
    await livre.purger(T0 + timedelta(days=30))
    async with livre._moteur.connect() as connexion:
        objets = (await connexion.exec_driver_sql("SELECT objet FROM liens")).scalars().all()
    assert objets == [reste]
    assert parti != reste


async def test_nothing_of_a_person_can_be_read_in_the_ledger(ici: Lecteur, livre: Liens, url: str) -> None:
    await ici.un(
        dit("ypareo", "CANARI-77", "0590001F", nom="Canari", telephone="0639980001"), dit("registre", "N98765")
    )
    await livre.fermer()
    octets = (await au_repos(url)).lower()
    assert [
        c for c in ("canari", "anaïs", "2006-03-07", "0639980001", "n98765", "ypareo") if c.encode() in octets
    ] == []
    assert b"liens_alias" in octets
