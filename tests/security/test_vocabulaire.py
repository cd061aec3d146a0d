"""A prober that knows every word of schema.graphql learns no value and is told no other word (SECURITY G10, ANSWERS 14)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.monde import Monde
from gateway.schema.build import construire, graphe
from tests.chiffres import noter
from tests.security.bord import Bord

SCHEMA = Path("schema.graphql").read_text(encoding="utf-8")
MOTS = sorted(set(re.findall(r"[_A-Za-z][_A-Za-z0-9]*", re.sub(r'"""(.|\n)*?"""', "", SCHEMA))))
# What a refusal says of why a field is not read, never of what else there is; and words of French that are also fields.
DITS = frozenset(
    {"STATISTIQUES", "PILOTAGE", "PARCOURS", "RUPTURE", "CONTRAT", "TECHNIQUE"}
    | {"champ", "champs", "type", "finalite", "profil"}
)
TYPES = frozenset(nom for nom in graphe(construire()).type_map)


def _essais(mot: str) -> Iterator[str]:
    """Where a word may be tried: as a field at several levels, an argument, a type, a criterion, a sort key."""
    for ecrit in (mot, mot + "s", mot[:-1] or "x"):
        yield f"{{ {ecrit} }}"
        yield f"{{ jeunes(first: 1) {{ edges {{ node {{ {ecrit} }} }} }} }}"
    yield f'{{ node(id: "x") {{ ... on {mot} {{ {mot} }} }} }}'
    yield f"{{ ruptures(filtre: {{ {mot}: 1 }}, first: 1) {{ totalCount }} }}"
    yield f"{{ ruptures(tri: {mot}, first: 1) {{ totalCount }} }}"
    yield f"query {mot}($v: {mot}) {{ ruptures({mot}: $v) {{ totalCount }} }}"


def _valeurs(data: Any) -> Iterator[object]:
    if isinstance(data, dict):
        for dedans in data.values():
            yield from _valeurs(dedans)
    elif isinstance(data, list):
        for dedans in data:
            yield from _valeurs(dedans)
    elif data is not None:
        yield data


def _appris(message: str, envoye: str) -> set[str]:
    """The words of the graph that a message says and the caller had not."""
    mots = re.compile(r"[_A-Za-z0-9]+")
    return set(mots.findall(message)) & set(MOTS) - set(mots.findall(envoye)) - TYPES - DITS


def test_g10_the_whole_vocabulary_obtains_no_value_and_no_suggestion(bord: Bord, monde: Monde) -> None:
    porteur = f"Bearer {monde.jeton('statistiques')}"
    essais = [essai for mot in MOTS for essai in _essais(mot)]
    appris: dict[str, str] = {}
    for essai in essais:
        lue = bord.demander(essai, authorization=porteur).json
        assert list(_valeurs(lue.get("data"))) == [], essai
        appris |= {mot: essai for erreur in lue.get("errors", []) for mot in _appris(erreur["message"], essai)}
    assert appris == {}
    noter(f"vocabulaire : {len(MOTS)} mots, {len(essais)} essais, 0 valeur, 0 suggestion")


def test_g10_a_stranger_learns_nothing_at_all(bord: Bord) -> None:
    reponses = {bord.demander(f"{{ {mot} }}", authorization="").json["errors"][0]["message"] for mot in MOTS}
    assert reponses == {"Jeton d'accès absent, invalide ou expiré."}


@pytest.mark.parametrize(
    "requete",
    [
        "{ jeuns { totalCount } }",
        "{ jeunes(firs: 1) { totalCount } }",
        "{ node(id: 1) { ... on Jeun { id } } }",
        "{ ruptures(tri: DATE_DES) { totalCount } }",
        "{ ruptures(filtre: { depui: 1 }) { totalCount } }",
        "query MesRuptures { moi { profil } } query Autre { moi { profil } }",
        "{ moi { profil @skp(if: true) } }",
        "{ moi { ...Inconnu } } fragment Inconu on Moi { profil }",
    ],
)
def test_g10_no_name_is_suggested_wherever_it_is_misspelt(bord: Bord, requete: str) -> None:
    message = bord.graphql({"query": requete, "operationName": "MesRupture"}).json["errors"][0]["message"]
    assert _appris(message, requete) == set()
    assert "MesRuptures" not in message
    assert "Did you mean" not in message


NIR = "199055555555564"


@pytest.mark.parametrize(
    "document",
    [
        {"query": f'{{ jeunes(first: "{NIR}") {{ totalCount }} }}'},
        {"query": f'{{ ruptures(filtre: {{ depuis: "{NIR}" }}) {{ totalCount }} }}'},
        {"query": f'{{ cfa(uai: "{NIR}") {{ nom }} }}'},
        {"query": f'{{ jeunes(after: "{NIR}") {{ totalCount }} }}'},
        {"query": f'{{ "{NIR}" }}'},
        {"query": "query($n: Int!) { jeunes(first: $n) { totalCount } }", "variables": {"n": NIR}},
        {
            "query": "query($d: FiltreRuptures) { ruptures(filtre: $d) { totalCount } }",
            "variables": {"d": {"depuis": NIR}},
        },
        {"query": "query($u: UAI) { cfa(uai: $u) { nom } }", "variables": {"u": NIR}},
        {"query": "{ moi { profil } }", "operationName": NIR},
    ],
)
def test_g12_no_value_of_the_caller_comes_back_or_is_logged(
    bord: Bord, document: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        assert NIR not in bord.graphql(document).corps.decode()
    assert NIR not in caplog.text
