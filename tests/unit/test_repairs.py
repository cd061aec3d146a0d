"""A repair counts where a second witness speaks: what must never hide a rupture, split a person, or show somebody to others."""

from datetime import date
from typing import Any

import pytest

from gateway.connectors import ypareo
from gateway.connectors.base import QualityCounts, of_one_person, read
from gateway.domain.matching import match
from gateway.domain.referentiel import CommuneLine, Geographie, Referentiel, resolve
from gateway.domain.similarity import compare, weights
from gateway.domain.statut import StatutApprenant
from gateway.federation.join.join_records import link
from gateway.federation.join.merge import MergedPerson, merge
from gateway.federation.join.precedence import fold
from gateway.federation.organisation_directory import Directory
from gateway.schema.nouns import Adresse, Contrat, Employeur, Rupture
from gateway.schema.scalars import CodePostal
from tests.support.unit.federation import AUTRE, DAY, IDS, UN, contrat, merged, session, told
from tests.support.unit.identity import contrat as signed
from tests.support.unit.identity import trait

BEGUN, BROKEN = date(2025, 9, 1), date(2026, 10, 1)
NUMERO = "059202509120007"


def ruptures(one: MergedPerson) -> list[date | None]:
    return [rupture.date for rupture in one.jeune.ruptures or []]


@pytest.mark.parametrize(
    ("erp", "registry"),
    [
        (
            (date(2026, 8, 31), None),
            (date(2027, 8, 31), BROKEN),
        ),  # the CFA did not hear that the contract was prolonged
        ((date(2026, 8, 31), BROKEN), (date(2027, 8, 31), None)),
        ((date(2026, 8, 31), BROKEN), (date(2027, 8, 31), BROKEN)),
        ((date(2027, 8, 31), BROKEN), (date(2026, 8, 31), None)),  # nor the registry
        ((BEGUN, BROKEN), (None, None)),  # the start typed twice
        ((date(1900, 1, 1), BROKEN), (None, BROKEN)),  # the empty date of some systems
        ((date(2024, 8, 31), BROKEN), (date(1900, 1, 1), None)),
    ],
)
def test_a_rupture_is_compared_with_the_latest_plausible_end(
    erp: tuple[date | None, date | None], registry: tuple[date | None, date | None]
) -> None:
    one = merged(
        *(
            told(
                source,
                formations=[session(BEGUN, date(2027, 8, 31))],
                contrats=[
                    Contrat(numero=NUMERO, date_debut=BEGUN, date_fin=end, rupture=Rupture(date=day) if day else None)
                ],
            )
            for source, (end, day) in (("ypareo", erp), ("registre", registry))
        )
    )
    assert ruptures(one) == [BROKEN]
    assert one.jeune.statut
    assert one.jeune.statut.valeur is StatutApprenant.RUPTURANT


def test_a_rupture_at_the_latest_end_of_all_is_still_a_contract_that_ended() -> None:
    ends = (date(2026, 8, 31), date(2026, 10, 1))
    one = merged(
        *(told(s, contrats=[contrat(BEGUN, end, BROKEN)]) for s, end in zip(("ypareo", "registre"), ends, strict=True))
    )
    assert ruptures(one) == []


@pytest.mark.parametrize("written", ["59202509120007", "059 2025 09 12 0007", "059-2025-09-12-0007", 59202509120007])
def test_one_contract_number_however_the_erp_writes_it(written: object) -> None:
    row = {"codeContrat": 1, "codeApprenant": 1, "dateDebContrat": "01/09/2025", "numeroContrat": written}
    (payload,) = read(ypareo.YpareoContrat, [row], QualityCounts())
    assert payload.numero == NUMERO


@pytest.mark.parametrize(
    "written", ["5,92025E+13", "5.92025E+13", "EN COURS", "à venir", "2025-4471", "0", "059202513120007"]
)
def test_what_has_not_the_form_of_a_number_is_absent_and_the_contract_joins_by_employer_and_start(written: str) -> None:
    account = QualityCounts()
    row = {"codeContrat": 1, "codeApprenant": 1, "dateDebContrat": "01/09/2025", "numeroContrat": written}
    (payload,) = read(ypareo.YpareoContrat, [row], account)
    assert (payload.numero, account.ignored_fields, account.rejects) == (None, 1, 0)
    one = merged(
        told("ypareo", contrats=[contrat(BEGUN, numero=payload.numero, employeur=Employeur(siret=UN))]),
        told("registre", contrats=[contrat(BEGUN, broken=BROKEN, numero=NUMERO, employeur=Employeur(siret=UN))]),
    )
    assert len(one.contrats) == 1
    assert ruptures(one) == [BROKEN]


@pytest.mark.parametrize("written", ["732829320", "732 829 320", 732829320, "7328293200"])
def test_fewer_digits_than_a_siret_are_none_and_a_siren_only_compares(written: object) -> None:
    account = QualityCounts()
    (firm,) = read(ypareo.Entreprise, [{"codeEntreprise": 1, "siret": written}], account)
    assert firm.siret is None
    assert firm.siren == (None if written == "7328293200" else "732829320")
    assert account.repairs["valeur_moindre"] == (firm.siren is not None)


def test_an_employer_told_by_its_siren_is_the_one_of_the_registry_or_another() -> None:
    erp = told("ypareo", contrats=[contrat(BEGUN, employeur=Employeur(siren="732829320"))])
    same = told("registre", contrats=[contrat(BEGUN, broken=BROKEN, employeur=Employeur(siret=UN))])
    other = told("registre", contrats=[contrat(BEGUN, broken=BROKEN, employeur=Employeur(siret=AUTRE))])
    assert [len(fold([erp, registry])) for registry in (same, other)] == [1, 2]
    one = merged(erp, same)
    assert ruptures(one) == [BROKEN]
    assert [c.employeur.siret for c in one.contrats if c.employeur] == [UN]


GEO = Geographie(
    [
        CommuneLine("01053", "Bourg-en-Bresse", ("01000",), "01", "84", "10", "01001"),
        CommuneLine("07102", "Guilherand-Granges", ("07500",), "07", "84", "08", "07001"),
        CommuneLine("04112", "Manosque", ("04100",), "04", "93", "02", "04001"),
        CommuneLine("62041", "Arras", ("62000",), "62", "32", "09", "62001"),
    ]
)


@pytest.mark.parametrize(
    ("code", "ville", "mission", "departement", "candidates"),
    [
        ("1000", "BOURG EN BRESSE", "01001", "01", ()),
        ("4100", "Manosque", "04001", "04", ()),
        ("1000", "BRUXELLES", None, None, ("01053",)),
        ("7500", "Tournai", None, None, ("07102",)),
        ("4100", "Seraing", None, None, ("04112",)),
        ("1000", None, None, None, ("01053",)),  # no town: no second witness
        ("9000", "Gent", None, None, ()),
        ("01000", None, "01001", "01", ()),
        ("62000", "ST LAURENT", "62001", "62", ()),  # five digits are the source's own
    ],
)
def test_a_postal_code_that_may_lack_its_zero_counts_where_the_town_agrees(
    code: str, ville: str | None, mission: str | None, departement: str | None, candidates: tuple[str, ...]
) -> None:
    place = resolve(GEO, None, code, ville)
    assert (place.mission_locale, place.departement) == (mission, departement)
    assert place.candidates == candidates


def test_an_undecided_postal_code_is_shown_neither_with_its_zero_nor_without() -> None:
    abroad = Adresse(code_postal=CodePostal("1000"), ville="BRUXELLES")
    one = merged(told("ypareo", adresse=abroad))
    assert one.jeune.adresse
    assert (one.jeune.adresse.code_postal, one.jeune.mission_locale, one.jeune.departement) == (None, None, None)


@pytest.mark.parametrize(
    ("told_code", "ville", "shown"), [("1000", "Bourg-en-Bresse", "01000"), ("01000", "Péronnas", "01000")]
)
def test_a_postal_code_is_shown_with_its_zero_once_the_town_has_agreed(told_code: str, ville: str, shown: str) -> None:
    places = Directory(Referentiel(communes=GEO.by_insee), IDS)
    (group,) = link([told("ypareo", adresse=Adresse(code_postal=CodePostal(told_code), ville=ville))])
    adresse = merge(group, places, DAY).jeune.adresse
    assert adresse
    assert adresse.code_postal == shown


def test_one_number_of_the_registry_is_one_contract_in_one_source_too() -> None:
    first = contrat(BEGUN, date(2026, 8, 31), numero=NUMERO, employeur=Employeur(siret=UN))
    again = contrat(BEGUN, date(2027, 8, 31), BROKEN, numero="59202509120007")
    for contrats in ([first, again], [again, first]):
        one = merged(told("ypareo", formations=[session(BEGUN, date(2027, 8, 31))], contrats=contrats))
        (single,) = one.contrats
        assert ruptures(one) == [BROKEN]
        assert (single.date_fin, single.employeur and single.employeur.siret) == (date(2027, 8, 31), UN)
        assert one.jeune.statut
        assert one.jeune.statut.valeur is StatutApprenant.RUPTURANT
    assert (
        len(fold([told("ypareo", contrats=[contrat(BEGUN), contrat(BEGUN)])])) == 2
    )  # without a number, it knows they are two


def test_a_father_and_his_son_with_one_phone_one_mail_and_one_home_stay_two() -> None:
    contact: dict[str, Any] = {
        "telephone": "0639980001",
        "courriel": "famille@exemple.invalid",
        "code_postal": "62000",
        "sexe": "M",
    }
    son = trait(naissance=date(2006, 3, 7), **contact)
    father = trait("imilo", naissance=date(1974, 11, 22), **contact)
    assert compare(son, father).score < weights().probable
    assert compare(father, son).score < weights().probable
    assert len(match([son, father])[0]) == 2


def test_a_birth_mistyped_in_all_its_parts_is_still_joined_by_the_contract_number() -> None:
    one = trait(naissance=date(2006, 3, 7), telephone="0639980001", contrats=(signed(numero=NUMERO),))
    other = trait("registre", naissance=date(1999, 12, 30), telephone="0639980001", contrats=(signed(numero=NUMERO),))
    assert len(match([one, other])[0]) == 1


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (("BERNARD", "Louis", "22/11/2005"), 0),  # another name and another birth: whose is the contract?
        (("BERNARD", "Anaïs", "22/11/2005"), 0),
        (("LE GOFF", "Louis", "22/11/2005"), 0),
        (("LEGOFF", "ANAIS", "07/03/2006"), 2),
        (("LE GOFF", "Anaïs", "22/11/2005"), 2),  # a birth corrected
        (("BERNARD", "Anaïs", "07/03/2006"), 2),  # a name taken at a wedding
    ],
)
def test_a_key_that_designates_two_persons_is_set_aside_and_counted(other: tuple[str, str, str], kept: int) -> None:
    account = QualityCounts()
    identities = [("LE GOFF", "Anaïs", "07/03/2006"), other]
    people = [
        {"codeApprenant": 1, "nomApprenant": nom, "prenomApprenant": prenom, "dateNaissance": day}
        for nom, prenom, day in identities
    ]
    alone = {**people[0], "codeApprenant": 2}
    found = of_one_person(read(ypareo.Apprenant, [*people, alone], account), lambda who: who.code, account)
    assert [who.code for who in found] == ["1"] * kept + ["2"]
    assert (account.rejects, account.drifts["identite_double"]) == ((0, 0) if kept else (2, 1))


@pytest.mark.parametrize("cause", ["Annulée", "RUPTURE ANNULEE", "résiliation annulée"])
def test_a_source_takes_back_the_rupture_that_it_told_itself(cause: str) -> None:
    broken = contrat(BEGUN, numero=NUMERO, rupture=Rupture(date=BROKEN, cause=cause))
    assert ruptures(merged(told("ypareo", contrats=[broken]))) == []


def test_a_source_takes_back_no_rupture_of_another() -> None:
    silent = told("ypareo", contrats=[contrat(BEGUN, numero=NUMERO)])
    undone = told("ypareo", contrats=[contrat(BEGUN, numero=NUMERO, rupture=Rupture(date=BROKEN, cause="Annulée"))])
    registry = told("registre", contrats=[contrat(BEGUN, broken=BROKEN, numero=NUMERO)])
    assert ruptures(merged(silent, registry)) == ruptures(merged(undone, registry)) == [BROKEN]


@pytest.mark.parametrize("cause", ["Annulation par l'employeur", "Démission", None])
def test_another_cause_leaves_its_rupture(cause: str | None) -> None:
    broken = contrat(BEGUN, numero=NUMERO, rupture=Rupture(date=BROKEN, cause=cause))
    assert ruptures(merged(told("ypareo", contrats=[broken]))) == [BROKEN]


def test_a_rupture_absent_from_the_next_reading_of_the_erp_that_alone_told_it_is_over() -> None:
    before = told("ypareo", contrats=[contrat(BEGUN, broken=BROKEN, numero=NUMERO)])
    now = told("ypareo", contrats=[contrat(BEGUN, numero=NUMERO)])
    assert (ruptures(merged(before)), ruptures(merged(now))) == ([BROKEN], [])
