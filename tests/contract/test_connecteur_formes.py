"""Whatever JSON a partner puts where a value was due, nothing is raised: it is counted, and the neighbours are read."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors import aimaira, gestibase, imilo, registre, ypareo
from gateway.connectors.base import Lu, ReponseInattendue
from tests.contract import test_connecteur_aimaira as cas_aimaira
from tests.contract import test_connecteur_gestibase as cas_gestibase
from tests.contract import test_connecteur_imilo as cas_imilo
from tests.contract import test_connecteur_registre as cas_registre
from tests.contract import test_connecteur_ypareo as cas_ypareo
from tests.contract.connecteurs_outils import CFA, JOUR, MISSION, mener, par_operation

Ligne = dict[str, Any]
SCALAIRES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DATES = st.sampled_from(["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-12:00", "31/12/9999", "99999999", "24:00"])
JSON = st.recursive(
    SCALAIRES | DATES,
    lambda feuilles: st.lists(feuilles, max_size=3) | st.dictionaries(st.text(), feuilles, max_size=3),
    max_leaves=6,
)


def chemins(valeur: Any, prefixe: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a row where something stands."""
    paires = valeur.items() if isinstance(valeur, dict) else enumerate(valeur) if isinstance(valeur, list) else ()
    return [lieu for cle, dedans in paires for lieu in ((*prefixe, cle), *chemins(dedans, (*prefixe, cle)))]


@st.composite
def alterees(draw: st.DrawFn, ligne: Ligne) -> Any:
    """The row with something else in up to three places."""
    copie = deepcopy(ligne)
    for lieu in draw(st.lists(st.sampled_from(chemins(ligne)), min_size=1, max_size=3, unique=True)):
        cible = copie
        for cle in lieu[:-1]:
            cible = cible[cle] if isinstance(cible, dict | list) and _a(cible, cle) else {}
        if isinstance(cible, dict) or (isinstance(cible, list) and _a(cible, lieu[-1])):
            cible[lieu[-1]] = draw(JSON)
    return copie


def _a(cible: Any, cle: Any) -> bool:
    return cle in cible if isinstance(cible, dict) else isinstance(cle, int) and cle < len(cible)


def lu_ypareo(apprenant: Any, contrat: Any = None) -> Lu:
    voisin = {**cas_ypareo.APPRENANT, "codeApprenant": "voisin"}
    contrats = [contrat, {**cas_ypareo.CONTRAT, "codeApprenant": "voisin"}]
    return cas_ypareo.lu([apprenant, voisin], contrats)


def lu_gestibase(ligne: Any) -> Lu:
    return cas_gestibase.lu([ligne, {**cas_gestibase.LIGNE, "Elève ID": "voisin"}])


def lu_aimaira(ligne: Any, entite: str = "Apprenant") -> Lu:
    voisin = {**cas_aimaira.APPRENANT, "Id": "voisin"}
    entites = {"Apprenant": [voisin]} | {entite: [ligne]}
    if entite == "Apprenant":
        entites = {"Apprenant": [ligne, voisin]}
    return cas_aimaira.lu(**entites)


def lu_imilo(ligne: Any) -> Lu:
    return cas_imilo.lu([ligne, {**cas_imilo.DOSSIER, "idDossier": "voisin"}])


def verifier(lu: Lu) -> None:
    assert "voisin" in {dossier.cle for dossier in lu.dossiers}
    for dossier in lu.dossiers:
        jeune = dossier.jeune
        assert jeune.nom
        assert jeune.prenom
        assert isinstance(jeune.date_naissance, date)
        assert all(contrat.date_debut for contrat in jeune.contrats or ())
        assert all(isinstance(contrat.rupture.date, date) for contrat in jeune.contrats or () if contrat.rupture)


CAS: list[tuple[Callable[[Any], Lu], Ligne]] = [
    (lu_ypareo, cas_ypareo.APPRENANT),
    (lambda ligne: lu_ypareo(cas_ypareo.APPRENANT, ligne), cas_ypareo.CONTRAT),
    (lu_gestibase, cas_gestibase.LIGNE),
    (lu_imilo, cas_imilo.DOSSIER),
    (lu_aimaira, cas_aimaira.APPRENANT),
    *(
        (lambda ligne, nom=entite: lu_aimaira(ligne, nom), cas_aimaira.ENTITES[entite][0])
        for entite in ("Mail", "Adresse", "Programme", "Inscription", "Convention", "Entreprise")
    ),
]
NOMS = ["ypareo", "ypareo-contrat", "gestibase", "imilo", "aimaira", *(f"aimaira-{rang}" for rang in range(6))]


@pytest.mark.parametrize(("lire", "ligne"), CAS, ids=NOMS)
@settings(max_examples=40, deadline=None)
@given(donnees=st.data())
def test_an_altered_row_costs_no_other(lire: Callable[[Any], Lu], ligne: Ligne, donnees: st.DataObject) -> None:
    alteree = donnees.draw(alterees(ligne))
    avant = json.dumps(alteree)
    verifier(lire(alteree))
    assert json.dumps(alteree) == avant


@pytest.mark.parametrize("lire", [lu_ypareo, lu_gestibase, lu_aimaira, lu_imilo])
@settings(max_examples=60, deadline=None)
@given(ligne=JSON)
def test_any_row_at_all_costs_no_other(lire: Callable[[Any], Lu], ligne: Any) -> None:
    lu = lire(ligne)
    verifier(lu)
    assert [dossier.cle for dossier in lu.dossiers] == ["voisin"]


@pytest.mark.parametrize("vue", [cas_registre.TBA, cas_registre.LBA], ids=["TBA", "LBA"])
@settings(max_examples=80, deadline=None)
@given(donnees=st.data())
def test_an_altered_row_of_the_registry_costs_no_other(vue: Ligne, donnees: st.DataObject) -> None:
    alteree = donnees.draw(alterees(vue) | JSON)
    lignes, compte = cas_registre.moisson([alteree, vue], [])
    assert lignes[-1] == cas_registre.moisson([vue], [])[0][0]
    assert len(lignes) + compte.rejets in (1, 2)
    jeune, contrat = cas_registre.plie(alteree, vue)
    assert (jeune.nom, contrat.numero) == ("LE GOFF", contrat.numero)


@settings(max_examples=60, deadline=None)
@given(
    tables=st.fixed_dictionaries({nom: st.lists(JSON, max_size=3) for nom in cas_ypareo.TABLES if nom != "periodes"})
)
def test_bad_reference_lists_cost_what_they_name_and_no_person(tables: dict[str, list[Any]]) -> None:
    lue = cas_ypareo.lu([cas_ypareo.APPRENANT], [cas_ypareo.CONTRAT], **tables)
    assert [dossier.cle for dossier in lue.dossiers] == ["1042"]


@pytest.mark.parametrize(
    "lecture",
    [
        lambda: gestibase.dossiers(CFA, JOUR),
        lambda: aimaira.dossiers(CFA, JOUR),
        lambda: imilo.dossiers(MISSION, JOUR),
    ],
    ids=["gestibase", "aimaira", "imilo"],
)
def test_nothing_answered_is_nothing_known(lecture: Callable[[], Any]) -> None:
    assert mener(lecture(), par_operation({}))[1] == Lu()
    assert registre.contrat([]) is None


def test_u04_no_school_year_is_no_answer() -> None:
    """An empty answer means "nobody" at Ypareo's, but no CFA lives without school years."""
    with pytest.raises(ReponseInattendue):
        mener(ypareo.dossiers(CFA, JOUR), par_operation({}))
