"""The ids of contracts, and when a rupture was first told: what stays, what follows a correction, what is noted once."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.domain.liens import Cle
from gateway.federation.contrats import ContratFondu, fondre
from gateway.federation.grappes import grappes_de_contrats
from gateway.federation.liens import Grappe
from gateway.federation.signalements import faits_sans_date, signaler
from gateway.federation.temoignages import Temoignage
from gateway.schema.nouns import Contrat, Employeur, Rupture
from gateway.schema.scalaires import SIRET
from gateway.stores.liens import Liens
from tests.unit.liens_outils import IDENTIFIANTS, T0, Lecteur, dit

pytestmark = pytest.mark.anyio

DEBUT = date(2025, 9, 1)
ROMPU = date(2026, 9, 20)


def erp(*contrats: Contrat, cle: str = "1", locataire: str = "A", **valeurs: Any) -> Temoignage:
    return dit("ypareo", cle, locataire, contrats=list(contrats), **valeurs)


def deca(*contrats: Contrat) -> Temoignage:
    return dit("registre", "p", contrats=list(contrats))


async def ids(ici: Lecteur, *temoignages: Temoignage) -> list[str]:
    """The ids of the contracts of one person, by first day."""
    fondus = fondre(sorted(temoignages, key=lambda temoignage: temoignage.rang))
    grappes = grappes_de_contrats(fondus, IDENTIFIANTS.pseudonyme)
    attribution = await ici.attributeur.attribuer(grappes, ())
    par_debut = [
        (str(fondu.versions[0][1].date_debut), attribution.objet(g)) for fondu, g in zip(fondus, grappes, strict=True)
    ]
    return [objet for _, objet in sorted(par_debut)]


async def test_a_start_that_is_corrected_keeps_the_contract_that_has_a_number(ici: Lecteur) -> None:
    avant = await ids(ici, deca(Contrat(numero="N1", date_debut=DEBUT)))
    assert await ids(ici, deca(Contrat(numero="n1", date_debut=date(2025, 9, 15)))) == avant


async def test_a_contract_told_by_an_erp_keeps_its_id_when_the_registry_hears_of_it_and_when_the_erp_forgets(
    ici: Lecteur,
) -> None:
    avant = await ids(ici, erp(Contrat(date_debut=DEBUT)))
    assert await ids(ici, erp(Contrat(date_debut=DEBUT)), deca(Contrat(numero="N1", date_debut=DEBUT))) == avant
    assert await ids(ici, deca(Contrat(numero="N1", date_debut=date(2025, 9, 3)))) == avant


async def test_a_number_told_late_and_a_start_corrected_after_keep_the_id(ici: Lecteur) -> None:
    avant = await ids(ici, erp(Contrat(date_debut=DEBUT)))
    assert await ids(ici, erp(Contrat(numero="N1", date_debut=DEBUT))) == avant
    assert await ids(ici, erp(Contrat(numero="N1", date_debut=date(2025, 10, 1)))) == avant


async def test_another_contract_before_it_changes_no_id(ici: Lecteur) -> None:
    (avant,) = await ids(ici, deca(Contrat(numero="N2", date_debut=DEBUT)))
    deux = await ids(
        ici, deca(Contrat(numero="N1", date_debut=date(2023, 9, 1)), Contrat(numero="N2", date_debut=DEBUT))
    )
    assert deux[1] == avant
    assert deux[0] != avant


async def test_two_contracts_alike_have_two_ids(ici: Lecteur) -> None:
    autre = Employeur(siret=SIRET("73282932000074"))
    alike = erp(Contrat(date_debut=DEBUT), Contrat(date_debut=DEBUT, employeur=autre))
    deux = await ids(ici, alike)
    assert len(set(deux)) == 2
    assert await ids(ici, alike) == deux


def rompu(signalee_le: date | None = None, jour: date = ROMPU, numero: str | None = "N1") -> Contrat:
    return Contrat(numero=numero, date_debut=DEBUT, rupture=Rupture(date=jour, signalee_le=signalee_le))


async def signalee(ici: Lecteur, *temoignages: Temoignage) -> tuple[date | None, int | None, int | None]:
    """signaleeLe, delaiSignalementJours and avanceSurRegistreJours of the one contract of a person."""
    (fondu,) = fondre(sorted(temoignages, key=lambda temoignage: temoignage.rang))
    faits = list(faits_sans_date(fondu, IDENTIFIANTS.pseudonyme))
    attribution = await ici.attributeur.attribuer([Grappe((Cle("0" * 32),))], faits)
    rupture = Rupture(date=ROMPU)
    signaler(rupture, fondu, attribution.vues, IDENTIFIANTS.pseudonyme)
    return rupture.signalee_le, rupture.delai_signalement_jours, rupture.avance_sur_registre_jours


async def test_a_source_that_states_its_day_is_believed(ici: Lecteur) -> None:
    assert await signalee(ici, erp(rompu(date(2026, 9, 25)))) == (date(2026, 9, 25), 5, None)


async def test_without_a_stated_day_it_is_the_first_one_we_saw_it_and_it_stays(ici: Lecteur) -> None:
    assert await signalee(ici, erp(rompu())) == (date(2026, 10, 1), 11, None)
    assert await signalee(ici.a(datetime(2026, 11, 1, 9, tzinfo=UTC)), erp(rompu())) == (date(2026, 10, 1), 11, None)


async def test_the_first_sight_is_a_day_in_paris(ici: Lecteur) -> None:
    assert (await signalee(ici.a(datetime(2026, 10, 1, 22, 30, tzinfo=UTC)), erp(rompu())))[0] == date(2026, 10, 2)


async def test_another_date_is_another_fact(ici: Lecteur) -> None:
    await signalee(ici, erp(rompu(jour=date(2026, 9, 18))))
    assert (await signalee(ici.a(datetime(2026, 10, 8, 9, tzinfo=UTC)), erp(rompu())))[0] == date(2026, 10, 8)


@pytest.mark.parametrize(
    ("du_cfa", "du_registre", "avance"),
    [
        (date(2026, 9, 22), date(2026, 10, 12), 20),
        (date(2026, 10, 12), date(2026, 9, 22), -20),
        (None, date(2026, 10, 12), 11),
    ],
    ids=["the CFA first", "the registry first", "the CFA states no day"],
)
async def test_how_long_before_the_registry_the_cfa_told_it(
    ici: Lecteur, du_cfa: date | None, du_registre: date, avance: int
) -> None:
    lu = await signalee(ici, erp(rompu(du_cfa)), deca(rompu(du_registre)))
    assert lu[2] == avance
    assert lu[0] == min(du_cfa or date(2026, 10, 1), du_registre)


async def test_no_advance_on_a_registry_that_ignores_the_rupture_nor_without_a_cfa(ici: Lecteur) -> None:
    jour = date(2026, 9, 22)
    sain = Contrat(numero="N1", date_debut=DEBUT)
    assert (await signalee(ici, erp(rompu(jour)), deca(sain)))[2] is None
    assert (await signalee(ici, erp(sain), deca(rompu(jour)))) == (jour, 2, None)


async def test_the_earliest_of_several_cfas_counts(ici: Lecteur) -> None:
    fondu = ContratFondu(
        [
            (erp(), rompu(date(2026, 9, 30))),
            (erp(locataire="B"), rompu(date(2026, 9, 25))),
            (deca(), rompu(date(2026, 10, 5))),
        ]
    )
    rupture = Rupture(date=ROMPU)
    signaler(rupture, fondu, {}, IDENTIFIANTS.pseudonyme)
    assert (rupture.signalee_le, rupture.avance_sur_registre_jours) == (date(2026, 9, 25), 10)


async def test_a_first_sight_is_kept_whatever_was_written_meanwhile(livre: Liens) -> None:
    fait = ("c" * 32, "f" * 32, "ypareo")
    plus_tard = datetime(2026, 10, 9, tzinfo=UTC)
    assert await livre.premieres_vues([fait], T0) == {fait[:2]: T0}
    assert await livre.premieres_vues([fait, ("c" * 32, "g" * 32, "ypareo")], plus_tard) == {
        fait[:2]: T0,
        ("c" * 32, "g" * 32): plus_tard,
    }
    await livre.purger(datetime(2030, 1, 1, tzinfo=UTC))
    assert await livre.premieres_vues([fait], plus_tard) == {fait[:2]: plus_tard}
