"""The table of conflicts: published as applied, and each of its notions of "the same" and of "who is kept"."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.connectors import deca
from gateway.federation.join.precedence import CONTRAT, JEUNE, RUPTURE, fold
from gateway.schema.nouns import Adresse, Employeur, Representant, Rupture
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import SIRET, UAI, CodePostal
from tests.support.unit.federation import AUTRE, UN, contrat, merged, provenance, told

NEIGHBOUR = SIRET(UN[:9] + "00082")  # another establishment of the same legal unit
LU, READ_AGAIN = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
AVENANT = {"noContrat": "1", "noAvenant": "1", "dateFinContrat": "2027-09-30"}
SIGNED = {"noContrat": "1", "dateDebutContrat": "2025-09-01", "dateFinContrat": "2027-08-31"}
WHO = {"nom": "LE GOFF", "prenom": "ANAIS", "dateNaissance": "2006-03-07"}


def test_the_published_table_is_the_one_applied() -> None:
    text = (Path(__file__).parents[2] / "docs" / "domaine.md").read_text(encoding="utf-8")
    published = dict(re.findall(r"^\| `(\w+\.\w+)` \| (\w+) \|", text, re.MULTILINE))
    tables = {"Jeune": JEUNE, "Contrat": CONTRAT, "Rupture": RUPTURE}
    applied = {f"{name}.{champ}": rule.order.value for name, table in tables.items() for champ, rule in table.items()}
    assert published == applied


def adresse(
    cp: str | None = None, ville: str | None = None, insee: str | None = None, voie: str | None = None
) -> Adresse:
    return Adresse(code_postal=CodePostal(cp) if cp else None, ville=ville, insee=insee, voie=voie)


@pytest.mark.parametrize(
    ("regle", "one", "other", "same"),
    [
        (JEUNE["nom"], "Le Goff", "LE-GOFF", True),
        (JEUNE["prenom"], "Anaïs", "Anaé", False),
        (JEUNE["telephone"], "0639980001", "0639980002", False),
        (JEUNE["adresse"], adresse("60100", "St-Leu", voie="1 rue A"), adresse("60100", "SAINT LEU CEDEX"), True),
        (JEUNE["adresse"], adresse("60100", "Creil"), adresse("60100"), True),
        (JEUNE["adresse"], adresse("60100", "Creil"), adresse("60100", "Nogent"), False),
        (JEUNE["adresse"], adresse("60100", insee="60175"), adresse("60100", insee="60176"), False),
        (JEUNE["adresse"], adresse("60100", "Creil", insee="60175"), adresse("60100", "Creil"), True),
        (JEUNE["adresse"], adresse("60100", "Creil", insee="60175"), adresse("60100", "Nogent"), False),
        (JEUNE["adresse"], adresse("60100", insee="60175"), adresse("60000"), False),
        (JEUNE["representants"], [Representant(nom="LÉA GOFF")], [Representant(nom="Lea Goff")], True),
        (JEUNE["representants"], [Representant(telephone="1")], [Representant(telephone="1")], True),
        (JEUNE["representants"], [Representant(telephone="1")], [Representant(telephone="2")], False),
        (JEUNE["representants"], [Representant(nom="Goff")], [Representant(nom="Goff", courriel="a@b.invalid")], False),
        (JEUNE["representants"], [Representant(nom="Goff")], [], False),
        (CONTRAT["numero"], "02B2025", "02b2025", True),
        (CONTRAT["employeur"], Employeur(siret=UN), Employeur(siret=NEIGHBOUR), True),
        (CONTRAT["employeur"], Employeur(siret=UN), Employeur(denomination="X"), True),
        (CONTRAT["employeur"], Employeur(siret=UN), Employeur(siret=AUTRE), False),
        (CONTRAT["cfa"], Cfa(uai=UAI("0010856A")), Cfa(siret=UN), True),
        (CONTRAT["cfa"], Cfa(uai=UAI("0010856A")), Cfa(uai=UAI("0951099D")), False),
        (CONTRAT["rupture"], Rupture(date=date(2026, 9, 10)), Rupture(date=date(2026, 9, 11)), True),
        (RUPTURE["date"], date(2026, 9, 10), date(2026, 9, 12), False),
        (RUPTURE["cause"], "Démission", "DEMISSION", True),
    ],
)  # fmt: skip
def test_two_values_are_the_same_as_the_field_means_it(regle: Any, one: Any, other: Any, same: bool) -> None:
    assert regle.same(one, other) is regle.same(other, one) is same


@pytest.mark.parametrize("champ", ["telephone", "courriel"])
@pytest.mark.parametrize(
    ("written_values", "kept"),
    [
        ((LU, None, READ_AGAIN), "imilo"),
        ((READ_AGAIN, None, LU), "ypareo"),
        ((None, None, LU), "imilo"),  # one that says when it was written, before those that do not
        ((None, None, None), "ypareo"),
    ],
)
def test_the_contact_written_last_is_kept_and_the_others_in_provenance(
    champ: str, written_values: tuple[Any, ...], kept: str
) -> None:
    sources = ("ypareo", "registre", "imilo")
    by_source = zip(sources, written_values, strict=True)
    one = merged(
        *(told(source, modifie=written, **{champ: f"{source}@jeune.invalid"}) for source, written in by_source)
    )
    rows = provenance(one)
    assert getattr(one.jeune, champ) == f"{kept}@jeune.invalid"
    assert {source: rows[champ, source] for source in sources} == {s: (s == kept, True) for s in sources}
    assert rows["nom", "ypareo"] == (True, False)  # the name stays with the CFA, whenever it wrote it


def test_the_cfa_is_believed_on_a_rupture_and_the_registry_kept_in_provenance() -> None:
    one = merged(
        told(
            "registre", modifie=READ_AGAIN, contrats=[contrat(date(2025, 9, 1), broken=date(2026, 9, 20), numero="1")]
        ),
        told("ypareo", modifie=LU, contrats=[contrat(date(2025, 9, 1), broken=date(2026, 9, 1), numero="1")]),
    )
    (rupture,) = one.jeune.ruptures or []
    rows = provenance(one)
    assert rupture.date == date(2026, 9, 1)
    assert (rows["date", "ypareo"], rows["date", "registre"]) == ((True, True), (False, True))
    assert rows["rupture", "registre"] == (False, True)


def test_an_amendment_of_the_registry_is_its_contract_with_the_end_in_force() -> None:
    folded = deca.contrat([{"alternant": WHO, "detailsContrat": SIGNED}, {"alternant": WHO, "detailsContrat": AVENANT}])
    assert folded is not None
    single = merged(told("registre", contrats=[folded[1]])).contrats
    assert [(c.date_debut, c.date_fin) for c in single] == [(date(2025, 9, 1), date(2027, 9, 30))]
    with_the_erp = merged(
        told("registre", contrats=[folded[1]]), told("ypareo", contrats=[contrat(date(2025, 9, 1), numero="1")])
    )
    assert [c.date_fin for c in with_the_erp.contrats] == [date(2027, 8, 31)]
    assert provenance(with_the_erp)["dateFin", "registre"] == (False, True)


def test_an_end_at_its_term_breaks_nothing_even_for_the_status() -> None:
    one = merged(told("ypareo", contrats=[contrat(date(2025, 9, 1), date(2026, 9, 30), date(2026, 9, 30))]))
    assert "RUPTURANT" not in {step.valeur.value for step in one.jeune.steps or []}


def test_a_contract_without_employer_does_not_make_one_of_two_employers() -> None:
    silent = told("gestibase", contrats=[contrat(date(2025, 9, 2))])
    one = told("aimaira", contrats=[contrat(date(2025, 9, 1), employeur=Employeur(siret=UN))])
    other = told("registre", contrats=[contrat(date(2025, 9, 3), employeur=Employeur(siret=AUTRE))])
    assert sorted(len(folded.versions) for folded in fold([one, silent, other])) == [1, 2]


def test_of_two_contracts_the_one_that_starts_the_nearest_is_completed() -> None:
    erp = told("ypareo", contrats=[contrat(date(2025, 9, 1)), contrat(date(2025, 9, 7))])
    near = contrat(date(2025, 9, 6), employeur=Employeur(siret=UN))
    _, second = fold([erp, told("registre", contrats=[near])])
    assert [version for _, version in second.versions][1:] == [near]


def test_an_employer_is_never_named_after_another() -> None:
    erp = told("ypareo", contrats=[contrat(date(2025, 9, 1), numero="1", employeur=Employeur(siret=UN))])
    false_entry = told(
        "gestibase",
        contrats=[contrat(date(2025, 9, 1), numero="1", employeur=Employeur(siret=AUTRE, denomination="B"))],
    )
    truth = told(
        "registre",
        contrats=[contrat(date(2025, 9, 1), numero="1", employeur=Employeur(siret=NEIGHBOUR, denomination="A"))],
    )
    (complet,) = merged(erp, truth).contrats
    assert complet.employeur == Employeur(siret=UN, denomination="A")
    employeurs = [c.employeur for c in merged(erp, false_entry, truth).contrats]
    assert all(e and (e.siret == AUTRE) == (e.denomination == "B") for e in employeurs)
