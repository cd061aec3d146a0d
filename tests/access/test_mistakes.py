"""What a caller is told of his mistakes: what, where, what was expected, the nearest name of his own graph (docs/erreurs.md).

The mistakes are those of the validation rules and of the coercion of values, as the specification of GraphQL lists them (§5, §3).
No message says a value, nor a name that the caller's introspection does not show.
"""

import string
from random import Random
from typing import Any

import pytest
from graphql import GraphQLSchema

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.documents.mistakes import find_mistakes
from gateway.documents.nearest import mistaken_response
from gateway.documents.parse import parse
from gateway.errors import Detail
from tests.support.access.small_world import CALLERS, SmallWorld, caller
from tests.support.access.tools import POLICY, SCHEMA

pytestmark = pytest.mark.anyio

Place = tuple[int, int]
STATUTS = "StatutApprenant (INSCRIT, APPRENTI, RUPTURANT, ABANDON, FIN_DE_FORMATION)"
TRI = "TriJeunes (STATUT_RECENT, NOM_ASC, NOM_DESC)"
UAI = "UAI (Code d'un établissement : 7 chiffres et une lettre de contrôle)"
F = "query ($f: FiltreRuptures) { ruptures(filtre: $f) { totalCount } }"
N = "query ($n: Int!) { jeunes(first: $n) { totalCount } }"
# Text, variables, and each mistake: its detail, its message, where it stands.
MISTAKES: list[tuple[str, dict[str, Any], list[tuple[str, str, list[Place]]]]] = [
    # §5.1 documents, §5.2 operations
    ("type A { a: Int } { moi { profil } }", {}, [("DEFINITION_REFUSEE", "Un document contient des opérations et des fragments, rien d'autre.", [(1, 1)])]),
    ("{ moi { profil } } query A { moi { profil } }", {}, [("OPERATION_SANS_NOM", "Nommer l'opération : une seule peut être sans nom, seule.", [(1, 1)])]),
    ("query A { moi { profil } } query A { moi { profil } }", {}, [("REPETITION", "Deux opérations se nomment A.", [(1, 7), (1, 34)])]),
    ("query A { moi { profil } } query B { moi { profil } }", {}, [("OPERATION_INCONNUE", "Nommer l'opération à exécuter : operationName est absent ou inconnu ; le texte a A, B.", [])]),
    ("mutation { moi { profil } }", {}, [("OPERATION_NON_SERVIE", "Seules les requêtes (query) sont servies, non mutation.", [(1, 1)])]),
    ("subscription { moi { profil } }", {}, [("OPERATION_NON_SERVIE", "Seules les requêtes (query) sont servies, non subscription.", [(1, 1)])]),
    # §5.3 fields
    ("{\n  moi {\n    profill\n  }\n}", {}, [("CHAMP_INCONNU", "Champ inconnu : profill sur Moi. Plutôt profil ?", [(3, 5)])]),
    ("{ moi }", {}, [("SELECTION_REQUISE", "Choisir des champs sous moi.", [(1, 3)])]),
    ("{ moi { profil { a } } }", {}, [("SELECTION_REFUSEE", "profil est une valeur : rien ne se choisit dessous.", [(1, 16)])]),
    ("{ moi { x: profil x: finalite } }", {}, [("CHAMPS_EN_CONFLIT", "Deux champs qui diffèrent, par leur nom ou leurs arguments, répondraient sous x : donner un alias à l'un.", [(1, 9), (1, 19)])]),
    # §5.4 arguments
    ("{ jeunes(frist: 3) { totalCount } }", {}, [("ARGUMENT_INCONNU", "Argument inconnu : frist de Query.jeunes. Plutôt first ou tri ?", [(1, 10)])]),
    ("{ jeunes(first: 1, first: 1) { totalCount } }", {}, [("REPETITION", "L'argument first est donné deux fois.", [(1, 10), (1, 20)])]),
    ("{ jeune { id } }", {}, [("ARGUMENT_REQUIS", "Argument requis absent : id de Query.jeune.", [(1, 3)])]),
    ("query @fraicheur(maxSeconde: 3) { moi { profil } }", {}, [
        ("ARGUMENT_INCONNU", "Argument inconnu : maxSeconde de @fraicheur. Plutôt maxSecondes ?", [(1, 18)]),
        ("ARGUMENT_REQUIS", "Argument requis absent : maxSecondes de @fraicheur.", [(1, 7)]),
    ]),
    # §5.5 fragments
    ("fragment F on Moi { profil } fragment F on Moi { profil } { moi { ...F } }", {}, [("REPETITION", "Deux fragments se nomment F.", [(1, 10), (1, 39)])]),
    ("fragment F on Moy { nom } { moi { ...F } }", {}, [("TYPE_INCONNU", "Type inconnu : Moy. Plutôt Moi ?", [(1, 15)])]),
    ("fragment F on Profil { a } { moi { ...F } }", {}, [("TYPE_INATTENDU", "Un fragment porte sur un objet ou une interface, ce que Profil n'est pas.", [(1, 15)])]),
    ("{ moi { ... on String { a } } }", {}, [("TYPE_INATTENDU", "Un fragment porte sur un objet ou une interface, ce que String n'est pas.", [(1, 16)])]),
    ("fragment F on Moi { profil } { moi { profil } }", {}, [("FRAGMENT_INUTILISE", "Fragment écrit et inutilisé : F.", [(1, 1)])]),
    ("{ moi { ...F } }", {}, [("FRAGMENT_INCONNU", "Fragment inconnu : F.", [(1, 12)])]),
    ("fragment F on Moi { ...F } { moi { ...F } }", {}, [("FRAGMENT_CIRCULAIRE", "Le fragment F s'inclut lui-même.", [(1, 1)])]),
    ("{ moi { ... on Jeune { id } } }", {}, [("FRAGMENT_IMPOSSIBLE", "Un fragment sur Jeune ne s'applique jamais ici, où se lit Moi.", [(1, 9)])]),
    ("fragment F on Jeune { id } { moi { ...F } }", {}, [("FRAGMENT_IMPOSSIBLE", "Un fragment sur Jeune ne s'applique jamais ici, où se lit Moi.", [(1, 36)])]),
    # §5.6 values, §3.5 to 3.12 coercion of what is written
    ("{ jeunes(tri: NOM_AS) { totalCount } }", {}, [("VALEUR_INCONNUE", f"Valeur inconnue : tri ; attendu : {TRI}. Plutôt NOM_ASC ou NOM_DESC ?", [(1, 15)])]),
    ('{ jeunes(tri: "NOM_ASC") { totalCount } }', {}, [("VALEUR_INVALIDE", f"Valeur invalide : tri, un texte entre guillemets ; attendu : {TRI}.", [(1, 15)])]),
    ('{ jeunes(first: "3") { totalCount } }', {}, [("VALEUR_INVALIDE", "Valeur invalide : first, un texte entre guillemets ; attendu : un entier de 32 bits.", [(1, 17)])]),
    ("{ jeunes(first: 3.5) { totalCount } }", {}, [("VALEUR_INVALIDE", "Valeur invalide : first, un nombre à virgule ; attendu : un entier de 32 bits.", [(1, 17)])]),
    ("{ jeunes(first: null) { totalCount } }", {}, [("VALEUR_REQUISE", "Valeur nulle : first, où une valeur est requise ; attendu : un entier de 32 bits.", [(1, 17)])]),
    ("{ jeunes(filtre: {nom: DUPONT}) { totalCount } }", {}, [("VALEUR_INVALIDE", "Valeur invalide : filtre.nom, un nom sans guillemets ; attendu : un texte.", [(1, 24)])]),
    ("{ jeune(id: true) { id } }", {}, [("VALEUR_INVALIDE", "Valeur invalide : id, un booléen ; attendu : un identifiant.", [(1, 13)])]),
    ('{ ruptures(filtre: {mineur: "oui"}) { totalCount } }', {}, [("VALEUR_INVALIDE", "Valeur invalide : filtre.mineur, un texte entre guillemets ; attendu : true ou false.", [(1, 29)])]),
    ('{ ruptures(filtre: {depuis: "01/09/2026"}) { totalCount } }', {}, [("VALEUR_INVALIDE", "Valeur invalide : filtre.depuis, un texte entre guillemets ; attendu : Date (Jour, AAAA-MM-JJ (RFC 3339, full-date)).", [(1, 29)])]),
    ('{ ruptures(filtre: {cfa: "0751234"}) { totalCount } }', {}, [("VALEUR_INVALIDE", f"Valeur invalide : filtre.cfa, un texte entre guillemets ; attendu : {UAI}.", [(1, 26)])]),
    ('{ jeunes(filtre: {nomm: "abc"}) { totalCount } }', {}, [("CHAMP_INCONNU", "Champ inconnu : nomm dans filtre (FiltreJeunes). Plutôt nom ?", [(1, 18)])]),
    ('{ jeunes(filtre: {nom: "abc", nom: "abd"}) { totalCount } }', {}, [("REPETITION", "Le champ nom est donné deux fois.", [(1, 19), (1, 31)])]),
    ('{ jeunes(filtre: "x") { totalCount } }', {}, [("VALEUR_INVALIDE", "Valeur invalide : filtre, un texte entre guillemets ; attendu : FiltreJeunes (statut, cfa, communes, nom).", [(1, 18)])]),
    ("{ jeunes(filtre: {statut: [RUPTURANTE]}) { totalCount } }", {}, [("VALEUR_INCONNUE", f"Valeur inconnue : filtre.statut[0] ; attendu : {STATUTS}. Plutôt RUPTURANT ?", [(1, 28)])]),
    ("query ($n: Int = trois) { jeunes(first: $n) { totalCount } }", {}, [("VALEUR_INVALIDE", "Valeur invalide : $n, un nom sans guillemets ; attendu : un entier de 32 bits.", [(1, 18)])]),
    # §5.7 directives
    ("{ moi @fraicheurs { profil } }", {}, [("DIRECTIVE_INCONNUE", "Directive inconnue : @fraicheurs. Plutôt @fraicheur ?", [(1, 7)])]),
    ("{ moi @fraicheur(maxSecondes: 3) { profil } }", {}, [("DIRECTIVE_MAL_PLACEE", "La directive @fraicheur ne s'écrit pas ici.", [(1, 7)])]),
    ("{ moi @skip(if: true) @skip(if: true) { profil } }", {}, [("REPETITION", "La directive @skip est écrite deux fois au même endroit.", [(1, 7), (1, 23)])]),
    # §5.8 variables
    ("query ($n: Int!, $n: Int!) { jeunes(first: $n) { totalCount } }", {}, [("REPETITION", "La variable $n est déclarée deux fois.", [(1, 9), (1, 19)])]),
    ("query ($j: Jeune) { jeune(id: $j) { id } }", {}, [("TYPE_INATTENDU", "La variable $j est déclarée Jeune, qui se lit et ne s'envoie pas.", [(1, 12)])]),
    ("{ jeune(id: $x) { id } }", {}, [("VARIABLE_INCONNUE", "Variable non déclarée : $x.", [(1, 13), (1, 1)])]),
    ("query ($x: Int) { moi { profil } }", {}, [("VARIABLE_INUTILISEE", "Variable déclarée et inutilisée : $x.", [(1, 8)])]),
    ("query ($n: String) { jeunes(first: $n) { totalCount } }", {}, [("TYPE_INATTENDU", "La variable $n est déclarée String, qui ne convient pas où elle sert : attendu Int!.", [(1, 8), (1, 36)])]),
    # Coercion of what is sent
    (N, {}, [("VALEUR_REQUISE", "Variable absente : $n ; attendu : un entier de 32 bits.", [(1, 8)])]),
    (N, {"n": None}, [("VALEUR_REQUISE", "Valeur nulle : $n, où une valeur est requise ; attendu : un entier de 32 bits.", [(1, 8)])]),
    (N, {"n": "3"}, [("VALEUR_INVALIDE", "Valeur invalide : $n, un texte ; attendu : un entier de 32 bits.", [(1, 8)])]),
    (F, {"f": {"statut": ["RUPTURANTE", 3]}}, [
        ("VALEUR_INCONNUE", f"Valeur inconnue : $f.statut[0] ; attendu : {STATUTS}. Plutôt RUPTURANT ?", [(1, 8)]),
        ("VALEUR_INVALIDE", f"Valeur invalide : $f.statut[1], un entier ; attendu : {STATUTS}.", [(1, 8)]),
    ]),
    (F, {"f": {"depuis": 3, "ageMax": "x"}}, [
        ("VALEUR_INVALIDE", "Valeur invalide : $f.depuis, un entier ; attendu : Date (Jour, AAAA-MM-JJ (RFC 3339, full-date)).", [(1, 8)]),
        ("VALEUR_INVALIDE", "Valeur invalide : $f.ageMax, un texte ; attendu : un entier de 32 bits.", [(1, 8)]),
    ]),
    (F, {"f": {"statuts": []}}, [("CHAMP_INCONNU", "Champ inconnu : statuts dans $f (FiltreRuptures). Plutôt statut ?", [(1, 8)])]),
    # §2 the text itself
    ("{ jeunes(first: 3 { totalCount } }", {}, [("SYNTAXE", "Syntaxe GraphQL incorrecte : attendu un nom, trouvé « { ».", [(1, 19)])]),
    ("{ moi { profil }", {}, [("SYNTAXE", "Syntaxe GraphQL incorrecte : attendu un nom, trouvé la fin du texte.", [(1, 17)])]),
    ("{ jeunes(after: 'x') { totalCount } }", {}, [("SYNTAXE", "Syntaxe GraphQL incorrecte : un texte s'écrit entre guillemets doubles.", [(1, 17)])]),
    ("qury { moi { profil } }", {}, [("SYNTAXE", "Syntaxe GraphQL incorrecte : inattendu ici : un nom.", [(1, 1)])]),
    # docs/graphe.md, what is refused before any source is asked
    ("{ jeunes(first: 501, filtre: {nom: \"a\"}) { totalCount } }", {}, [
        ("ARGUMENT_IMPOSSIBLE", "L'argument first va de 0 à 500.", [(1, 3)]),
        ("ARGUMENT_IMPOSSIBLE", "Le filtre nom demande 3 lettres au moins.", [(1, 3)]),
    ]),
]  # fmt: skip


def _as_told(message: str, places: list[Place]) -> str:
    """Clients that show a message alone still say where."""
    return f"{message} (ligne {places[0][0]}, colonne {places[0][1]})" if places else message


@pytest.mark.parametrize(("text", "variables", "awaited"), MISTAKES, ids=lambda value: value if isinstance(value, str) else "")
async def test_b2_a_mistake_says_what_where_and_what_was_expected(
    text: str, variables: dict[str, Any], awaited: list[tuple[str, str, list[Place]]]
) -> None:
    world = SmallWorld([])
    response = await world.request(caller("MISSION_LOCALE", "60001"), text, **variables)
    told = [
        (e["extensions"]["detail"], e["message"], [(p["line"], p["column"]) for p in e.get("locations", [])])
        for e in response["errors"]
    ]
    assert told == [(detail, _as_told(message, places), places) for detail, message, places in awaited]
    assert {e["extensions"]["code"] for e in response["errors"]} == {"REQUETE_INVALIDE"}
    assert "data" not in response
    assert world.sources.requests == []


def test_b2_every_kind_of_mistake_is_one_of_the_table() -> None:
    """33 at least, and no word of the closed list without an example."""
    assert len(MISTAKES) >= 33
    assert {detail for *_, mistakes in MISTAKES for detail, *_ in mistakes} == set(Detail) - {Detail.AUTRES_ERREURS}


async def test_b2_all_mistakes_of_a_text_are_told_at_once_and_not_without_end() -> None:
    async def told(number: int) -> list[str]:
        text = "{ moi { " + " ".join(f"inconnu{n}" for n in range(number)) + " } }"
        response = await SmallWorld([]).request(caller("MISSION_LOCALE", "60001"), text)
        return [e["extensions"]["detail"] for e in response["errors"]]

    assert await told(20) == ["CHAMP_INCONNU"] * 20
    assert await told(300) == ["CHAMP_INCONNU"] * 20 + ["AUTRES_ERREURS"]


async def test_b2_all_mistakes_of_the_variables_are_told_at_once_and_not_without_end() -> None:
    text = "query ($s: [StatutApprenant!]) { jeunes(filtre: {statut: $s}) { totalCount } }"
    response = await SmallWorld([]).request(caller("MISSION_LOCALE", "60001"), text, s=["AILLEURS"] * 300)
    assert [e["extensions"]["detail"] for e in response["errors"]] == ["VALEUR_INCONNUE"] * 20 + ["AUTRES_ERREURS"]


async def test_b2_no_value_is_told_written_or_sent() -> None:
    """A name, a date and a key that stand where they should not are somebody's all the same (docs/security.md F12)."""
    who, world = caller("MISSION_LOCALE", "60001"), SmallWorld([])
    texts = (
        '{ jeunes(filtre: {nom: "Zwyxbert" Zwyxbert}) { totalCount } }',
        '{ jeunes(filtre: {statut: "Zwyxbert", communes: ["Zwyxbert"]}, first: "Zwyxbert") { totalCount } }',
        '{ ruptures(filtre: {depuis: "Zwyxbert", ageMax: Zwyxbert}) { totalCount } }',
        '{ jeunes(filtre: "Zwyxbert", tri: "Zwyxbert") { totalCount } }',
        "{ jeunes(tri: Zwyxbert) { totalCount } }",
        '{ jeunes(after: "Zwyxbert) { totalCount } }',
    )
    for text in texts:
        assert "Zwyxbert" not in str((await world.request(who, text))["errors"]), text
    for value in ("Zwyxbert", {"statut": ["Zwyxbert"]}, {"depuis": "Zwyxbert"}, {"M. Zwyxbert": 1}, ["Zwyxbert"]):
        assert "Zwyxbert" not in str((await world.request(who, F, f=value))["errors"])


async def test_b2_one_text_is_told_to_each_by_his_own_graph() -> None:
    """Kept by its text, and told anew: who asks first gives nobody else his suggestions."""
    text = '{ jeune(id: "1") { rqthh } }'
    ml, dreets = caller("MISSION_LOCALE", "60001"), caller("DREETS", "32")
    for order in ((ml, dreets), (dreets, ml)):
        world = SmallWorld([])
        told = {who.client: (await world.request(who, text))["errors"][0]["message"] for who in order}
        assert told == {
            "MISSION_LOCALE": "Champ inconnu : rqthh sur Jeune. Plutôt rqth ? (ligne 1, colonne 20)",
            "DREETS": "Champ inconnu : rqthh sur Jeune. (ligne 1, colonne 20)",
        }


async def test_b2_a_type_that_is_not_shown_is_not_named_either() -> None:
    """What an ARML, who reads nobody, obtains of the filters of ruptures."""
    world, arml = SmallWorld([]), caller("ARML", "32")
    for text in (
        "{ ruptures(filtre: {etatt: A}) { totalCount } }",
        "{ ruptures(filtre: {etat: A}) { totalCount } }",
        "{ ruptures(tri: DATE) { totalCount } }",
        "{ rupture { idd } }",
        "query ($t: String) { ruptures(tri: $t) { totalCount } }",
    ):
        errors = (await world.request(arml, text))["errors"]
        assert not any(
            word in str(errors) for word in ("FiltreRuptures", "TriRuptures", "EtatTraitement", "DATE_", "Rupture", "TRAITE")
        ), errors


def _typos(word: str, randomness: Random) -> set[str]:
    """The word with a letter less, more, changed, and exchanged with the next; in the other case; without its half."""
    place, letter = randomness.randrange(len(word)), randomness.choice(string.ascii_letters)
    before, after = word[:place], word[place + 1 :]
    made = {before + after, before + letter + after, word + letter, before + after[:1] + word[place] + after[1:]}
    return {typo for typo in made | {word.swapcase(), word[: len(word) // 2 + 1]} if typo.isidentifier()}


def _words(schema: GraphQLSchema) -> set[str]:
    """All that a schema names."""
    words = {directive.name for directive in schema.directives} | {a for d in schema.directives for a in d.args}
    for name, type_ in schema.type_map.items():
        words |= {name, *getattr(type_, "values", ()), *getattr(type_, "fields", ())}
        words |= {argument for field in getattr(type_, "fields", {}).values() for argument in getattr(field, "args", ())}
    return words


@pytest.mark.parametrize("who", CALLERS, ids=lambda who: f"{who.profil.value}-{who.finalite}")
def test_b2_a_prober_learns_no_name_that_introspection_does_not_show_him(who: Viewer) -> None:
    """Every word of the whole graph, misspelt, asked at every place where a name may stand: whatever is told beyond the text asked
    is of the caller's own shape (docs/decisions/0066)."""
    randomness, shape = Random(66), VisibleSchemas(SCHEMA, POLICY).for_viewer(who)
    hidden = _words(SCHEMA) - _words(shape)
    seen = 0
    for word in sorted(_words(SCHEMA)):
        for typo in sorted(_typos(word, randomness)):
            text = f"""query A($v: {typo}) {{
              {typo} moi {{ {typo} }} jeune({typo}: 1) {{ {typo} contrats {{ {typo} }} }} ruptures({typo}: 1, tri: {typo},
              filtre: {{{typo}: 1, etat: {typo}}}) {{ edges {{ node {{ {typo} ... on {typo} {{ id }} }} }} }} }}"""
            mistakes = find_mistakes(SCHEMA, parse(text))
            response = mistaken_response(mistakes, shape)
            for error in response.errors:
                told = set(error["extensions"].get("suggestions", ()))
                seen += len(told)
                assert told <= _words(shape), (typo, error)
                said = set("".join(c if c.isalnum() or c == "_" else " " for c in error["message"]).split())
                assert not said & (hidden - {typo, "jeune", "ruptures", "contrats", "tri", "filtre", "etat", "id"}), (typo, error)
    assert seen > 50
