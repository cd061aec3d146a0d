"""What is executed by a plan, what is not, and what a row costs."""

import ast
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult

from gateway.auth.decide import decider
from gateway.auth.rules import CategorieDonnee, Profil
from gateway.documents import Documents
from gateway.domain.statut import StatutApprenant
from gateway.errors import ErreurAppelant
from gateway.execution.executeur import Executeur, Voie
from gateway.expliquer import expliquer
from gateway.federation.views import Personne
from gateway.schema.nouns import Statut
from tests.access.outils import POLITIQUE, SCHEMA, viewer
from tests.chiffres import noter
from tests.execution.differentiel import Monde
from tests.execution.donnees import JOUR
from tests.exemples import exemples

RACINE = Path(__file__).resolve().parents[2]
PAGE = """{ ruptures(first: 100) { edges { node { date joursDepuis etat prioritaire sources
  jeune { nom prenom age telephone courriel commune { nom } statut { valeur depuis } suivi { situation conseiller } }
  contrat { dateDebut employeur { denomination } formation { intitule } cfa { nom } } } } } }"""


def _executer(texte: str, monde: Monde, fois: int, profil: Profil = Profil.MISSION_LOCALE) -> tuple[Any, Counter[Voie]]:
    """The last answer, and the ways."""
    voies: Counter[Voie] = Counter()
    executeur = Executeur(SCHEMA, lambda voie: voies.update([voie]))
    document = Documents(SCHEMA).lire(texte, None)
    variables: dict[str, Any] = dict.fromkeys(("n", "first"), 5)
    lues = document.variables(SCHEMA, variables)
    decision = decider(SCHEMA, document.arbre, document.operation, lues.coerced, viewer(profil), POLITIQUE)
    rendu: ExecutionResult | None = None
    for _ in range(fois):
        rendu = executeur.executer(document, lues, monde.contexte(profil, decision))
    return rendu, voies


def _textes(fichier: Path) -> list[str]:
    """The queries written in a test or in the README."""
    if fichier.suffix == ".md":
        source = fichier.read_text(encoding="utf-8")
        return [morceau.split('"}')[0] for morceau in source.split('"query":\n "')[1:]]
    arbre = ast.parse(fichier.read_text(encoding="utf-8"))
    dits = [n.value for n in ast.walk(arbre) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [
        dit
        for dit in dits
        if dit.lstrip().startswith(("{ ", "query")) and "__schema" not in dit and "__type(" not in dit
    ]


def _requetes() -> list[str]:
    fichiers = [RACINE / "README.md", *sorted((RACINE / "tests/e2e").glob("*.py"))]
    candidates = [exemple.requete for exemple in exemples()] + [t for f in fichiers for t in _textes(f)]
    return list(dict.fromkeys(candidates))


def test_no_query_of_ours_falls_back() -> None:
    monde, servies = Monde(Random(1), gatee=False), 0
    for texte in _requetes():
        try:
            _, voies = _executer(texte, monde, 3)
        except (ErreurAppelant, KeyError):
            continue  # refused on purpose, or a piece of a query
        assert voies == {Voie.PREMIERE_VUE: 1, Voie.PLAN: 2}, texte
        servies += 1
    assert servies >= 25


def test_a_query_asked_once_costs_no_plan() -> None:
    _, voies = _executer("{ moi { profil } }", Monde(Random(1), gatee=False), 1)
    assert voies == {Voie.PREMIERE_VUE: 1}


def test_introspection_falls_back_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    rendu, voies = _executer("{ __schema { queryType { name } } }", Monde(Random(1), gatee=False), 4)
    assert rendu.data == {"__schema": {"queryType": {"name": "Query"}}}
    assert voies == {Voie.PREMIERE_VUE: 1, Voie.REPLI: 3}
    assert [r.getMessage().split(" : ", 1)[1] for r in caplog.records] == ["repli, NonCouvert (introspection)"]


def test_a_value_out_of_place_is_told_by_graphql_core() -> None:
    monde = Monde(Random(5), gatee=False)
    for personne, rupture in list(monde.vue.ruptures.values()):
        monde.vue.ruptures[rupture.id] = (_ouverte(personne), rupture)
        rupture.jours_depuis = "hier"  # type: ignore[assignment]
    rendu, voies = _executer("{ ruptures { edges { node { joursDepuis } } } }", monde, 2)
    assert voies == {Voie.PREMIERE_VUE: 1, Voie.REPRISE: 1}
    assert rendu.data["ruptures"]["edges"][0] == {"node": {"joursDepuis": None}}
    assert rendu.errors[0].path == ["ruptures", "edges", 0, "node", "joursDepuis"]


def test_a_refused_field_is_not_in_the_function() -> None:
    texte = expliquer("{ ruptures { edges { node { cause jeune { ine nom } } } } }", "reseau")
    assert "'cause': None" in texte
    assert ".cause" not in texte.split("# ruptures")[1]
    assert "'ine': v if" in texte


def test_a_row_costs_five_python_calls_at_most() -> None:
    """Page, perimeter looked at again, mask and execution: what fifty rows more cost, their copies known, then the page."""
    par_ligne, gardee = [(_appels_d_une_page(100, vus) - _appels_d_une_page(50, vus)) / 50 for vus in (False, True)]
    noter(f"exécution : {par_ligne:.1f} appels Python par ligne de 22 champs, page comprise ; {gardee:.0f} page connue")
    assert 0 < par_ligne <= 5
    assert gardee == 0


def _appels_d_une_page(lignes: int, page_connue: bool) -> int:
    monde = Monde(Random(5), gatee=False)
    modele = next(iter(monde.vue.ruptures.values()))
    tous = _ouverte(modele[0])
    monde.vue.ruptures = {f"R{rang}": (tous, _copie(modele[1], rang)) for rang in range(lignes)}
    executeur = Executeur(SCHEMA, lambda _: None)
    document = Documents(SCHEMA).lire(PAGE, None)
    sans = document.variables(SCHEMA, {})
    decision = decider(SCHEMA, document.arbre, document.operation, {}, viewer(Profil.MISSION_LOCALE), POLITIQUE)
    for _ in range(3):
        rendu = executeur.executer(document, sans, monde.contexte(Profil.MISSION_LOCALE, decision))
    assert len(orjson.loads(orjson.dumps(rendu.data))["ruptures"]["edges"]) == lignes
    for montres in () if page_connue else monde.vue._montres.values():
        montres.pages.clear()
    return _appels(lambda: executeur.executer(document, sans, monde.contexte(Profil.MISSION_LOCALE, decision)))


def _ouverte(personne: Personne) -> Personne:
    """The same, a RUPTURANT read whole."""
    personne.jeune.statut = Statut(valeur=StatutApprenant.RUPTURANT, depuis=JOUR)
    return Personne(personne.fusion, personne.rattachement, frozenset(CategorieDonnee))


def _copie(rupture: Any, rang: int) -> Any:
    copie = object.__new__(type(rupture))
    copie.__dict__.update(rupture.__dict__, id=f"R{rang}")
    return copie


def _appels(faire: Any) -> int:
    compte = 0

    def compter(cadre: Any, evenement: str, _argument: Any) -> None:
        nonlocal compte
        compte += evenement == "call"

    sys.setprofile(compter)
    try:
        faire()
    finally:
        sys.setprofile(None)
    return compte
