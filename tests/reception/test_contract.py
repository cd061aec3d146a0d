"""The v3 contract, field by field: what it reads, what it refuses, what is kept of an item of which something is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.reception.fields import FIELDS, REQUIRED
from gateway.reception.items import FOREIGN, ItemOutcome, ReceivedItem, read_item
from tests.support.reception.facts import CONTRAT, FACTS, MINIMAL, NEVER_KEPT, SIRET, UAI, item
from tests.support.reception.world import FAMILY, SITE_SIRET, SITE_UAI, STRANGER_SIRET, STRANGER_UAI


def received(**changes: Any) -> ReceivedItem:
    return read_item(item(**changes), FAMILY)


def paths(found: ReceivedItem) -> set[str]:
    return {name for issue in found.issues for name in issue.path}


def test_the_contract_has_69_fields_of_which_12_are_required() -> None:
    assert len(FIELDS) == 69
    assert set(REQUIRED) == set(MINIMAL)
    suffixed = {f"{name}{suffix}" for name in CONTRAT for suffix in ("", "_2", "_3", "_4")}
    assert set(FACTS) | suffixed == set(FIELDS)


def test_the_minimal_item_is_accepted_without_contract_nor_address() -> None:
    found = received()
    assert (found.outcome, found.issues) == (ItemOutcome.ACCEPTED, ())
    assert found.record == {
        "nom_apprenant": "LENÔTRE",
        "prenom_apprenant": "Gaston",
        "date_de_naissance_apprenant": "2007-10-28",
        "annee_scolaire": "2026-2027",
        "id_erp_apprenant": "E-1",
        "date_entree_formation": "2026-09-01",
        "date_fin_formation": "2028-08-31",
        "etablissement_formateur_uai": UAI,
        "etablissement_formateur_siret": SIRET,
    }


@pytest.mark.parametrize("name", sorted(MINIMAL))
def test_without_a_required_field_nothing_is_kept(name: str) -> None:
    found = received(**{name: None})
    assert found.outcome is ItemOutcome.REJECTED
    assert name in paths(found)
    assert found.record == {}


READ = [(name, value) for name, (good, _) in FACTS.items() for value in good]
REFUSED = [(name, value) for name, (_, bad) in FACTS.items() for value in bad]


@pytest.mark.parametrize(("name", "value"), READ, ids=str)
def test_what_the_contract_reads_is_no_error(name: str, value: Any) -> None:
    assert received(**{name: value}).issues == ()


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=str)
def test_what_the_contract_refuses_is_told_by_its_field(name: str, value: Any) -> None:
    found = received(**{name: value})
    assert paths(found) == {name}
    assert found.outcome is (ItemOutcome.REJECTED if name in MINIMAL else ItemOutcome.PARTIAL)
    assert name not in found.record
    assert all(str(value) not in issue.message for issue in found.issues if len(str(value)) > 3)


@settings(max_examples=500, deadline=None)
@given(st.fixed_dictionaries({}, optional={n: st.sampled_from([*good, *bad]) for n, (good, bad) in FACTS.items()}))
def test_an_item_is_told_all_its_wrong_fields_and_no_other(changes: dict[str, Any]) -> None:
    found = received(**changes)
    wrong = {name for name, value in changes.items() if any(value is bad for bad in FACTS[name][1])}
    assert paths(found) == wrong
    assert (found.outcome is ItemOutcome.REJECTED) == bool(wrong & MINIMAL.keys())
    assert found.record.keys() & wrong == set()
    assert found.record.keys() & set(NEVER_KEPT) == set()


def test_the_texts_are_those_that_supports_of_erps_know() -> None:
    wrong = {
        "nom_apprenant": 1,
        "date_de_naissance_apprenant": "hier",
        "date_entree_formation": None,
        "annee_formation": "x",
        "rqth_apprenant": "oui",
        "etablissement_responsable_uai": "X",
        "etablissement_formateur_siret": "1",
        "formation_rncp": "X",
        "formation_cfd": "X",
        "email_contact": "x",
        "sexe_apprenant": "X",
        "statut_apprenant": 1,
        "code_commune_insee_apprenant": "X",
    }
    assert {issue.path[0]: issue.message for issue in received(**wrong).issues} == {
        "nom_apprenant": "String attendu",
        "date_de_naissance_apprenant": "Date invalide",
        "date_entree_formation": "Champ obligatoire",
        "annee_formation": "Number attendu",
        "rqth_apprenant": "Boolean attendu",
        "etablissement_responsable_uai": "UAI invalide",
        "etablissement_formateur_siret": "Siret invalide. Format attendu : 14 chiffres",
        "formation_rncp": "Code RNCP invalide",
        "formation_cfd": "Code CFD invalide",
        "email_contact": "Email non valide",
        "sexe_apprenant": "M, H ou F attendu",
        "statut_apprenant": "Valeurs possibles: 0,2,3",
        "code_commune_insee_apprenant": "Format invalide",
    }


@pytest.mark.parametrize(
    ("dialled", "kept"),
    [
        ("0628000000", "0628000000"),
        ("+33 6 28 00 00 00", "0628000000"),
        ("06-28.00 (00)00", "0628000000"),
        (628000000, "0628000000"),
        ("0692123456", "+262692123456"),
        ("+4915112345678", "+4915112345678"),
        ("", None),
    ],
)
def test_a_telephone_is_kept_in_one_form(dialled: Any, kept: str | None) -> None:
    assert received(tel_apprenant=dialled).record.get("tel_apprenant") == kept


@pytest.mark.parametrize(
    ("dialled", "told"),
    [("12", "Format invalide"), ("0700000000", "Numéro de téléphone invalide"),
     ("0890123456", "Numéro de téléphone est un numéro spécial")],
)  # fmt: skip
def test_why_a_telephone_is_refused(dialled: str, told: str) -> None:
    assert [issue.message for issue in received(tel_apprenant=dialled).issues] == [told]


def test_a_bad_optional_value_beside_a_new_rupture_loses_no_rupture() -> None:
    """The service that the contract comes from stores such an item and never uses it: nobody would call."""
    found = received(
        email_contact="gaston@", contrat_date_debut="2026-09-01", contrat_date_fin="2028-08-31",
        contrat_date_rupture="2026-10-10",
    )  # fmt: skip
    assert found.outcome is ItemOutcome.PARTIAL
    assert paths(found) == {"email_contact"}
    assert found.record["contrat_date_rupture"] == "2026-10-10"
    assert "email_contact" not in found.record


@pytest.mark.parametrize("suffix", ["", "_2", "_3", "_4"])
def test_a_contract_without_its_first_day_is_set_aside_with_two_lines(suffix: str) -> None:
    told = {f"contrat_date_rupture{suffix}": "2026-10-10", f"cause_rupture_contrat{suffix}": "démission"}
    found = received(**told)
    assert found.outcome is ItemOutcome.PARTIAL
    assert [set(issue.path) for issue in found.issues] == [set(told), {f"contrat_date_debut{suffix}"}]
    assert found.record.keys() & told.keys() == set()
    whole = received(**told, **{f"contrat_date_debut{suffix}": "2026-09-01"})
    assert whole.outcome is ItemOutcome.ACCEPTED
    assert whole.record.keys() >= told.keys()


def test_a_training_that_ends_before_it_begins_is_refused() -> None:
    found = received(date_fin_formation="2026-08-31")
    assert (found.outcome, paths(found)) == (ItemOutcome.REJECTED, {"date_fin_formation"})


@pytest.mark.parametrize("role", ["formateur", "responsable"])
def test_an_organisation_that_the_referential_has_not_is_told(role: str) -> None:
    names = {f"etablissement_{role}_uai": "9999999Z", f"etablissement_{role}_siret": "11111111111111"}
    found = received(**names)
    assert found.outcome is ItemOutcome.REJECTED
    assert [(issue.message, set(issue.path)) for issue in found.issues] == [
        (f"organisme {role} non trouvé", set(names))
    ]


def test_the_two_numbers_must_be_of_one_establishment() -> None:
    assert received(etablissement_formateur_siret=SITE_SIRET).outcome is ItemOutcome.REJECTED


def test_a_key_speaks_for_its_own_places_of_training() -> None:
    site = received(etablissement_formateur_uai=SITE_UAI, etablissement_formateur_siret=SITE_SIRET)
    assert site.outcome is ItemOutcome.ACCEPTED


def test_a_key_of_one_cfa_pushes_nothing_for_another() -> None:
    """The service that the contract comes from never compares them: a key could write the youths of any CFA."""
    found = received(etablissement_formateur_uai=STRANGER_UAI, etablissement_formateur_siret=STRANGER_SIRET)
    assert (found.outcome, found.record) == (ItemOutcome.FOREIGN, {})
    assert [issue.message for issue in found.issues] == [FOREIGN]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2007-10-28T00:00:00.000Z", "2007-10-28"),
        ("2007-10-27T22:00:00.000Z", "2007-10-28"),  # midnight in Paris, in summer
        ("2007-11-27T23:00:00.000Z", "2007-11-28"),  # and in winter
        ("2007-10-28T00:00:00+02:00", "2007-10-28"),
        ("2007-10-28", "2007-10-28"),
    ],
)
def test_a_day_sent_as_an_instant_is_the_day_that_was_meant(sent: str, kept: str) -> None:
    assert received(date_de_naissance_apprenant=sent).record["date_de_naissance_apprenant"] == kept
