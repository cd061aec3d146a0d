"""Dossiers of the v3 contract as they are kept, and the exact nouns they become."""

from datetime import UTC, date, datetime
from typing import Any

from gateway.connectors.base import Record
from gateway.connectors.pushed_dossiers import ReceivedRow, received_records
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Representant, Rupture, Sexe
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import SIRET, UAI, CodePostal

FIRST, LATER = datetime(2026, 9, 2, 1, tzinfo=UTC), datetime(2026, 10, 14, 1, tzinfo=UTC)
CENTRE = Cfa(uai=UAI("0600001A"), siret=SIRET("19750655300019"))
SAID: dict[str, Any] = {
    "nom_apprenant": "LENÔTRE",
    "prenom_apprenant": "Gaston",
    "date_de_naissance_apprenant": "2007-10-28",
    "annee_scolaire": "2026-2027",
    "id_erp_apprenant": "E-1",
    "ine_apprenant": "123456789AB",
    "email_contact": "gaston@jeune.invalid",
    "tel_apprenant": "0639980001",
    "libelle_court_formation": "CAP PATISSIER",
    "formation_rncp": "RNCP35316",
    "formation_cfd": "50022141",
    "adresse_apprenant": "7 rue de la Paix",
    "code_postal_apprenant": "60000",
    "code_commune_insee_apprenant": "60057",
    "sexe_apprenant": "M",
    "rqth_apprenant": True,
    "responsable_apprenant_mail1": "parent@parent.invalid",
    "responsable_apprenant_mail2": "autre@parent.invalid",
    "contrat_date_debut": "2026-09-01",
    "contrat_date_fin": "2028-08-31",
    "contrat_date_rupture": "2026-10-10",
    "cause_rupture_contrat": "démission",
    "siret_employeur": "73282932000074",
    "date_entree_formation": "2026-09-01",
    "date_fin_formation": "2028-08-31",
    "etablissement_formateur_uai": "0600001A",
    "etablissement_formateur_siret": "19750655300019",
}


def rows(*said: dict[str, Any], at: datetime = FIRST, attested: bool = True) -> list[ReceivedRow]:
    return [ReceivedRow({**SAID, **one}, at, attested) for one in said]


def only(*received: ReceivedRow) -> Jeune:
    (record,) = received_records(received).records
    return record.jeune


def formation(**values: Any) -> Formation:
    told: dict[str, Any] = {
        "intitule": "CAP PATISSIER", "rncp": "RNCP35316", "cfd": "50022141", "date_debut": date(2026, 9, 1),
        "date_fin": date(2028, 8, 31), "cfa": CENTRE,
    }  # fmt: skip
    return Formation(**{**told, **values})


def test_a_dossier_whole() -> None:
    (record,) = received_records(rows({})).records
    assert record == Record(
        "E-1",
        Jeune(
            nom="LENÔTRE",
            prenom="Gaston",
            date_naissance=date(2007, 10, 28),
            sexe=Sexe.M,
            ine="123456789AB",
            rqth=True,
            telephone="0639980001",
            courriel="gaston@jeune.invalid",
            adresse=Adresse(voie="7 rue de la Paix", code_postal=CodePostal("60000"), insee="60057"),
            representants=[
                Representant(courriel="parent@parent.invalid"),
                Representant(courriel="autre@parent.invalid"),
            ],
            formations=[formation()],
            contrats=[
                Contrat(
                    date_debut=date(2026, 9, 1),
                    date_fin=date(2028, 8, 31),
                    employeur=Employeur(siret=SIRET("73282932000074")),
                    cfa=CENTRE,
                    rupture=Rupture(date=date(2026, 10, 10), cause="démission"),
                )
            ],
        ),
        FIRST,
    )


def test_the_least_dossier_tells_no_contract_and_no_home() -> None:
    kept = {name for name in SAID if name.endswith(("apprenant", "_scolaire", "_formation", "_uai", "_siret"))}
    least = {
        name: SAID[name] for name in kept if not name.startswith(("tel", "ine", "rqth", "sexe", "adresse", "code_"))
    }
    (record,) = received_records([ReceivedRow(least, FIRST, True)]).records
    assert (record.jeune.contrats, record.jeune.adresse, record.jeune.telephone) == ([], None, None)


def test_four_contracts_each_with_its_own_suffix() -> None:
    said = {
        f"{name}{suffix}": value
        for suffix, month in (("_2", 2), ("_3", 3), ("_4", 4))
        for name, value in (("contrat_date_debut", f"2027-0{month}-01"), ("contrat_date_rupture", f"2027-0{month}-20"))
    }
    told = [(c.date_debut, c.rupture and c.rupture.date) for c in only(*rows(said)).contrats or []]
    assert told == [
        (date(2026, 9, 1), date(2026, 10, 10)),
        (date(2027, 2, 1), date(2027, 2, 20)),
        (date(2027, 3, 1), date(2027, 3, 20)),
        (date(2027, 4, 1), date(2027, 4, 20)),
    ]


def test_two_school_years_of_one_number_are_one_person() -> None:
    """Of the contract that both tell, the dossier last told is believed, whole: it takes a rupture back too."""
    before = rows({"annee_scolaire": "2025-2026", "date_fin_formation": "2026-08-31", "tel_apprenant": "0639980009"})
    corrected = {name: value for name, value in SAID.items() if "rupture" not in name}
    jeune = only(*before, ReceivedRow(corrected, LATER, True))
    assert jeune.telephone == "0639980001"
    assert [one.date_fin for one in jeune.formations or []] == [date(2028, 8, 31), date(2026, 8, 31)]
    assert [one.rupture for one in jeune.contrats or []] == [None]


def test_a_rupture_of_a_dossier_that_is_no_longer_sent_still_testifies() -> None:
    """August's roll-over takes last year's records away just when ruptures matter."""
    old = rows({"annee_scolaire": "2025-2026", "contrat_date_debut": "2025-09-01"}, attested=False)
    new = {name: value for name, value in SAID.items() if "contrat" not in name and name != "siret_employeur"}
    jeune = only(*old, ReceivedRow(new, LATER, True))
    assert [one.rupture and one.rupture.date for one in jeune.contrats or []] == [date(2026, 10, 10)]


def test_a_session_no_longer_sent_is_not_attested_unless_another_dossier_tells_it() -> None:
    assert [one.is_attested for one in only(*rows({}, attested=False)).formations or []] == [False]
    both = [*rows({"annee_scolaire": "2025-2026"}, at=LATER, attested=False), *rows({})]
    assert [one.is_attested for one in only(*both).formations or []] == [True]


def test_a_number_that_two_persons_bear_designates_nobody() -> None:
    """Nothing tells whose the contracts are: set aside and counted, the others are there."""
    other = {"nom_apprenant": "MARTIN", "prenom_apprenant": "Zoé", "date_de_naissance_apprenant": "2005-01-02"}
    result = received_records(
        [*rows({}), *rows({**other, "annee_scolaire": "2025-2026"}), *rows({"id_erp_apprenant": "E-2"})]
    )
    assert ([record.key for record in result.records], result.rejects) == (["E-2"], 2)


def test_poison_for_one_person_hides_nobody_else() -> None:
    """A dossier that this version cannot read, whatever wrote it."""
    poison = [
        ReceivedRow({**SAID, "id_erp_apprenant": "E-9", "date_entree_formation": "2026-02-31"}, FIRST, True),
        ReceivedRow({"id_erp_apprenant": "E-8"}, FIRST, True),
        ReceivedRow({**SAID, "id_erp_apprenant": ["E-7"]}, FIRST, True),
    ]
    result = received_records([*poison, *rows({})])
    assert ([record.key for record in result.records], result.rejects) == (["E-1"], 3)
