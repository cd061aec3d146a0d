"""The table of conflicts: published as applied, and each of its notions of "the same" and of "who is kept"."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.connectors import registre
from gateway.federation.contrats import fondre
from gateway.federation.precedence import CONTRAT, JEUNE, RUPTURE
from gateway.schema.lieux import Cfa
from gateway.schema.nouns import Adresse, Employeur, Representant, Rupture
from gateway.schema.scalaires import SIRET, UAI, CodePostal
from tests.unit.federation_outils import AUTRE, UN, contrat, dit, fusion, provenance

VOISIN = SIRET(UN[:9] + "00082")  # another establishment of the same legal unit
LU, RELU = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
AVENANT = {"noContrat": "1", "noAvenant": "1", "dateFinContrat": "2027-09-30"}
SIGNE = {"noContrat": "1", "dateDebutContrat": "2025-09-01", "dateFinContrat": "2027-08-31"}
QUI = {"nom": "LE GOFF", "prenom": "ANAIS", "dateNaissance": "2006-03-07"}


def test_the_published_table_is_the_one_applied() -> None:
    texte = (Path(__file__).parents[2] / "docs" / "domaine.md").read_text(encoding="utf-8")
    publies = dict(re.findall(r"^\| `(\w+\.\w+)` \| (\w+) \|", texte, re.MULTILINE))
    tables = {"Jeune": JEUNE, "Contrat": CONTRAT, "Rupture": RUPTURE}
    appliques = {f"{nom}.{champ}": regle.ordre.value for nom, table in tables.items() for champ, regle in table.items()}
    assert publies == appliques


def adresse(
    cp: str | None = None, ville: str | None = None, insee: str | None = None, voie: str | None = None
) -> Adresse:
    return Adresse(code_postal=CodePostal(cp) if cp else None, ville=ville, insee=insee, voie=voie)


@pytest.mark.parametrize(
    ("regle", "un", "autre", "memes"),
    [
        (JEUNE["nom"], "Le Goff", "LE-GOFF", True),
        (JEUNE["prenom"], "Anaïs", "Anaé", False),
        (JEUNE["telephone"], "0639980001", "0639980002", False),
        (JEUNE["adresse"], adresse("60100", "St-Leu", voie="1 rue A"), adresse("60100", "SAINT LEU CEDEX"), True),
        (JEUNE["adresse"], adresse("60100", "Creil"), adresse("60100"), True),
        (JEUNE["adresse"], adresse("60100", "Creil"), adresse("60100", "Nogent"), False),
        (JEUNE["adresse"], adresse("60100", insee="60175"), adresse("60100", insee="60176"), False),
        (JEUNE["representants"], [Representant(nom="LÉA GOFF")], [Representant(nom="Lea Goff")], True),
        (CONTRAT["numero"], "02B2025", "02b2025", True),
        (CONTRAT["employeur"], Employeur(siret=UN), Employeur(siret=VOISIN), True),
        (CONTRAT["employeur"], Employeur(siret=UN), Employeur(denomination="X"), True),
        (CONTRAT["employeur"], Employeur(siret=UN), Employeur(siret=AUTRE), False),
        (CONTRAT["cfa"], Cfa(uai=UAI("0010856A")), Cfa(siret=UN), True),
        (CONTRAT["cfa"], Cfa(uai=UAI("0010856A")), Cfa(uai=UAI("0951099D")), False),
        (CONTRAT["rupture"], Rupture(date=date(2026, 9, 10)), Rupture(date=date(2026, 9, 11)), True),
        (RUPTURE["date"], date(2026, 9, 10), date(2026, 9, 12), False),
        (RUPTURE["cause"], "Démission", "DEMISSION", True),
    ],
)  # fmt: skip
def test_two_values_are_the_same_as_the_field_means_it(regle: Any, un: Any, autre: Any, memes: bool) -> None:
    assert regle.meme(un, autre) is regle.meme(autre, un) is memes


@pytest.mark.parametrize("champ", ["telephone", "courriel"])
@pytest.mark.parametrize(
    ("ecrits", "garde"),
    [
        ((LU, None, RELU), "imilo"),
        ((RELU, None, LU), "ypareo"),
        ((None, None, LU), "imilo"),  # one that says when it was written, before those that do not
        ((None, None, None), "ypareo"),
    ],
)
def test_the_contact_written_last_is_kept_and_the_others_in_provenance(
    champ: str, ecrits: tuple[Any, ...], garde: str
) -> None:
    sources = ("ypareo", "registre", "imilo")
    par_source = zip(sources, ecrits, strict=True)
    une = fusion(*(dit(source, modifie=ecrit, **{champ: f"{source}@jeune.invalid"}) for source, ecrit in par_source))
    lignes = provenance(une)
    assert getattr(une.jeune, champ) == f"{garde}@jeune.invalid"
    assert {source: lignes[champ, source] for source in sources} == {s: (s == garde, True) for s in sources}
    assert lignes["nom", "ypareo"] == (True, False)  # the name stays with the CFA, whenever it wrote it


def test_the_cfa_is_believed_on_a_rupture_and_the_registry_kept_in_provenance() -> None:
    une = fusion(
        dit("registre", modifie=RELU, contrats=[contrat(date(2025, 9, 1), rompu=date(2026, 9, 20), numero="1")]),
        dit("ypareo", modifie=LU, contrats=[contrat(date(2025, 9, 1), rompu=date(2026, 9, 1), numero="1")]),
    )
    (rupture,) = une.jeune.ruptures or []
    lignes = provenance(une)
    assert rupture.date == date(2026, 9, 1)
    assert (lignes["date", "ypareo"], lignes["date", "registre"]) == ((True, True), (False, True))
    assert lignes["rupture", "registre"] == (False, True)


def test_an_amendment_of_the_registry_is_its_contract_with_the_end_in_force() -> None:
    plie = registre.contrat(
        [{"alternant": QUI, "detailsContrat": SIGNE}, {"alternant": QUI, "detailsContrat": AVENANT}]
    )
    assert plie is not None
    seul = fusion(dit("registre", contrats=[plie[1]])).contrats
    assert [(c.date_debut, c.date_fin) for c in seul] == [(date(2025, 9, 1), date(2027, 9, 30))]
    avec_l_erp = fusion(
        dit("registre", contrats=[plie[1]]), dit("ypareo", contrats=[contrat(date(2025, 9, 1), numero="1")])
    )
    assert [c.date_fin for c in avec_l_erp.contrats] == [date(2027, 8, 31)]
    assert provenance(avec_l_erp)["dateFin", "registre"] == (False, True)


def test_an_end_at_its_term_breaks_nothing_even_for_the_status() -> None:
    une = fusion(dit("ypareo", contrats=[contrat(date(2025, 9, 1), date(2026, 9, 30), date(2026, 9, 30))]))
    assert "RUPTURANT" not in {etape.valeur.value for etape in une.jeune.etapes or []}


def test_a_contract_without_employer_does_not_make_one_of_two_employers() -> None:
    muet = dit("gestibase", contrats=[contrat(date(2025, 9, 2))])
    un = dit("aimaira", contrats=[contrat(date(2025, 9, 1), employeur=Employeur(siret=UN))])
    autre = dit("registre", contrats=[contrat(date(2025, 9, 3), employeur=Employeur(siret=AUTRE))])
    assert sorted(len(fondu.versions) for fondu in fondre([un, muet, autre])) == [1, 2]


def test_of_two_contracts_the_one_that_starts_the_nearest_is_completed() -> None:
    erp = dit("ypareo", contrats=[contrat(date(2025, 9, 1)), contrat(date(2025, 9, 7))])
    proche = contrat(date(2025, 9, 6), employeur=Employeur(siret=UN))
    _, second = fondre([erp, dit("registre", contrats=[proche])])
    assert [version for _, version in second.versions][1:] == [proche]


def test_an_employer_is_never_named_after_another() -> None:
    erp = dit("ypareo", contrats=[contrat(date(2025, 9, 1), numero="1", employeur=Employeur(siret=UN))])
    faux = dit(
        "gestibase",
        contrats=[contrat(date(2025, 9, 1), numero="1", employeur=Employeur(siret=AUTRE, denomination="B"))],
    )
    vrai = dit(
        "registre",
        contrats=[contrat(date(2025, 9, 1), numero="1", employeur=Employeur(siret=VOISIN, denomination="A"))],
    )
    (complet,) = fusion(erp, vrai).contrats
    assert complet.employeur == Employeur(siret=UN, denomination="A")
    employeurs = [c.employeur for c in fusion(erp, faux, vrai).contrats]
    assert all(e and (e.siret == AUTRE) == (e.denomination == "B") for e in employeurs)
