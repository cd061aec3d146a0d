"""The weight of an operation is judged on its text, linearly, before any work."""

import pytest
from graphql import parse

from gateway.errors import RequeteInvalide, RequeteTropCouteuse
from gateway.limits import COUT_MAX, Mesure, juger, mesurer


def peser(texte: str, **variables: object) -> Mesure:
    (forme,) = juger(parse(texte)).values()
    return mesurer(forme, variables)


def test_the_cost_counts_written_fields_by_the_size_of_the_page() -> None:
    assert peser("{ ruptures(first: 100) { totalCount edges { node { date } } } }").cout == 1 + 100 * 4


def test_an_unsaid_page_counts_for_its_default_and_an_absurd_one_for_the_largest() -> None:
    assert peser("{ jeunes { totalCount } }").cout == 21
    assert peser("query($n: Int) { jeunes(first: $n) { totalCount } }", n=10).cout == 11
    for absurde in ("2147483647", "-1", "null", "$inconnue"):
        assert peser(f"{{ jeunes(first: {absurde}) {{ totalCount }} }}").cout == 501


def test_inner_lists_count_for_their_usual_size() -> None:
    assert peser('{ jeune(id: "x") { contrats { numero } parcours { depuis } } }').cout == 1 + (1 + 4) + (1 + 10)


TOUT = """
query Tout($n: Int!) { ruptures(first: $n) { totalCount complet pageInfo { hasNextPage endCursor } edges { cursor node {
  id date cause signaleeLe delaiSignalementJours joursDepuis etat prioritaire motifsPriorite sources
  provenance { champ source recueLe retenue divergente }
  contrat { id numero type dateDebut dateFin employeur { siret denomination naf idcc }
    formation { intitule rncp cfd niveau dateDebut dateFin } cfa { id uai siret nom commune { code nom } region { code } } }
  jeune { id nom prenom dateNaissance sexe age mineur rqth telephone courriel
    adresse { voie complement codePostal commune { code nom } } representants { nom courriel telephone }
    commune { code nom codesPostaux } missionLocale { code nom } statut { valeur depuis } parcours { valeur depuis }
    formations { intitule rncp niveau dateDebut dateFin cfa { uai nom } }
    contrats { id numero dateDebut dateFin employeur { siret denomination } cfa { uai } rupture { date } }
    ruptures { id date sources } suivi { situation date conseiller commentaire historique { situation date } }
    collaboration { demandeeLe motifs referent } provenance { champ source retenue divergente } } } } } }
"""


def test_a_hundred_ruptures_with_everything_nested_pass_and_nothing_ten_times_as_heavy() -> None:
    cout = peser(TOUT, n=100).cout
    print(f"cost of ruptures(first: 100) with everything nested: {cout} of {COUT_MAX}")
    assert COUT_MAX / 10 < cout <= COUT_MAX


@pytest.mark.parametrize("n", [22, 60])
def test_g06_fragments_that_fan_out_are_measured_once_each_and_refused(n: int) -> None:
    fragments = " ".join(f"fragment F{i} on Jeune {{ ...F{i + 1} ...F{i + 1} }}" for i in range(n))
    with pytest.raises(RequeteTropCouteuse):
        peser(f'{{ jeune(id: "x") {{ ...F0 }} }} {fragments} fragment F{n} on Jeune {{ id nom prenom }}')


def test_g07_a_fragment_that_includes_itself_is_refused() -> None:
    with pytest.raises(RequeteInvalide):
        peser('{ jeune(id: "x") { ...A } } fragment A on Jeune { ...B } fragment B on Jeune { ...A }')


@pytest.mark.parametrize(
    "texte",
    [
        "{" + " ".join(f"a{i}: moi {{ profil }}" for i in range(11)) + "}",
        '{ jeune(id: "x") {' + " ".join(f"a{i}: nom" for i in range(61)) + "} }",
        '{ jeune(id: "x") { nom ' + "@skip(if: false) " * 41 + "} }",
        "{ jeunes { edges { node " + "{ contrats { jeune " * 8 + "{ nom }" + "} }" * 8 + " } } }",
    ],
    ids=["roots", "aliases", "directives", "depth"],
)
def test_g01_g02_g04_each_limit_refuses(texte: str) -> None:
    with pytest.raises(RequeteTropCouteuse):
        peser(texte)
