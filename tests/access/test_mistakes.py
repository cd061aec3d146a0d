"""What a caller is told of his mistakes: what, where, what was expected, the nearest name of his own graph (docs/erreurs.md).

The mistakes are those of the validation rules and of the coercion of values, as the specification of GraphQL lists them (§5, §3).
No message says a value, nor a name that the caller's introspection does not show.
"""

import json
import re
import string
from pathlib import Path
from random import Random
from typing import Any

import pytest
from graphql import GraphQLSchema, parse, validate

from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.rules import Profil
from gateway.documents.find_mistakes import RULES, as_mistakes
from gateway.documents.mistake import Detail, Mistake
from gateway.errors import Code
from gateway.response import mistaken_response
from tests.support.access.small_world import SmallWorld, caller
from tests.support.access.tools import POLICY, SCHEMA, viewer

pytestmark = pytest.mark.anyio

Place = tuple[int, int]
F = "query ($f: FiltreRuptures) { ruptures(filtre: $f) { totalCount } }"
Told = tuple[str, str, list[Place]]


def _table() -> list[tuple[str, dict[str, Any], list[Told]]]:
    """By section of the specification, 5.1 to 5.8, then the coercion of variables, the syntax, docs/graphe.md: a text, its
    variables, and for each mistake its detail, its message, where it stands."""
    rows = json.loads(Path(__file__).with_name("mistakes.json").read_text(encoding="utf-8"))
    return [
        (row["text"], row.get("variables", {}), [(d, m, [(line, at) for line, at in p]) for d, m, p in row["told"]])
        for row in rows
    ]


MISTAKES = _table()


def _as_told(message: str, places: list[Place]) -> str:
    """Clients that show a message alone still say where."""
    return f"{message} (ligne {places[0][0]}, colonne {places[0][1]})" if places else message


@pytest.mark.parametrize(
    ("text", "variables", "awaited"), MISTAKES, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_b2_a_mistake_says_what_where_and_what_was_expected(
    text: str, variables: dict[str, Any], awaited: list[Told]
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
    assert {detail for *_, mistakes in MISTAKES for detail, *_ in mistakes} == set(Detail) - {
        Detail.AUTRES_ERREURS,
        Detail.OPERATION_NON_SERVIE,  # published, and told no longer
    }


@pytest.mark.parametrize("words", [Code, Detail])
def test_b2_the_page_says_of_each_code_what_it_means_and_what_to_do(words: type[Code] | type[Detail]) -> None:
    page = Path("docs/erreurs.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([A-Z_]+)` \| .{10,} \| .+ \|$", page, re.MULTILINE)
    assert set(words) <= set(told)
    assert len(told) == len(set(told)) == len(Code) + len(Detail)


async def test_b2_all_mistakes_of_a_text_are_told_at_once_and_not_without_end() -> None:
    async def told(number: int) -> list[str]:
        text = "{ moi { " + " ".join(f"inconnu{n}" for n in range(number)) + " } }"
        response = await SmallWorld([]).request(caller("MISSION_LOCALE", "60001"), text)
        return [e["extensions"]["detail"] for e in response["errors"]]

    assert await told(20) == ["CHAMP_INCONNU"] * 20
    assert await told(300) == ["CHAMP_INCONNU"] * 20 + ["AUTRES_ERREURS"]


async def test_b2_a_mistake_made_again_is_told_once_with_its_places() -> None:
    text = "{ moi { inconnu profil @aa @aa @aa inconnu } }"
    response = await SmallWorld([]).request(caller("MISSION_LOCALE", "60001"), text)
    assert [(e["extensions"]["detail"], [p["column"] for p in e["locations"]]) for e in response["errors"]] == [
        ("CHAMP_INCONNU", [9, 36]),
        ("DIRECTIVE_INCONNUE", [24, 28, 32]),
    ]


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


async def test_b2_a_field_that_lacks_is_named_to_whom_the_graph_shows_it_alone() -> None:
    """Every one of them is named to who may write it; nothing, not even their number, to who may not."""
    text = "mutation ($s: SaisieAccompagnement!) { demanderAccompagnement(saisie: $s) { erreurs { code } } }"
    given = {"cle": "Zwyxbert", "precisions": [{"motif": "SANTE"}]}
    school, adviser = caller("CFA", "0600001A"), caller("MISSION_LOCALE", "60001")
    told = [e["message"] for e in (await SmallWorld([]).request(school, text, s=given))["errors"]]
    names = [re.match(r"Champ requis absent : (\S+) ; attendu : .+\. \(ligne 1, colonne 11\)$", one) for one in told]
    assert [name[1] for name in names if name] == [
        "$s.jeune",
        "$s.motifs",
        "$s.precisions[0].texte",
        "$s.referent",
        "$s.telephoneVerifie",
    ]
    hidden = (await SmallWorld([]).request(adviser, text, s=given))["errors"]
    assert [(e["message"], e["extensions"]["detail"]) for e in hidden] == [
        ("Champ requis absent. (ligne 1, colonne 11)", "VALEUR_REQUISE")
    ]


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
            word in str(errors)
            for word in ("FiltreRuptures", "TriRuptures", "EtatTraitement", "DATE_", "Rupture", "TRAITE")
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
        words |= {
            argument for field in getattr(type_, "fields", {}).values() for argument in getattr(field, "args", ())
        }
    return words


@pytest.fixture(scope="module")
def probes() -> list[tuple[set[str], list[Mistake]]]:
    """Every word of the whole graph, misspelt, asked wherever a name may stand: the words of each text, and its mistakes."""
    randomness, made = Random(66), []
    for word in sorted(_words(SCHEMA)):
        typo = randomness.choice(sorted(_typos(word, randomness)))
        text = f"""query A($v: {typo}) {{ {typo} moi {{ {typo} }} jeune({typo}: 1) {{ {typo} }} ruptures({typo}: 1, tri: {typo},
          filtre: {{{typo}: 1, etat: {typo}}}) {{ edges {{ node {{ ... on {typo} {{ id }} }} }} }} }}"""
        made.append((_written_in(text), as_mistakes(validate(SCHEMA, parse(text), RULES, hide_suggestions=True))))
    return made


# Said of any String, « attendu : un texte », whatever the graph names so.
OF_THE_SENTENCE = {"texte"}


def _written_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize("profil", list(Profil))
def test_b2_a_prober_learns_no_name_that_introspection_does_not_show_him(
    profil: Profil, probes: list[tuple[set[str], list[Mistake]]]
) -> None:
    """What is told beyond what he wrote is of his own shape (docs/decisions/0066)."""
    shape = VisibleSchemas(SCHEMA, POLICY).for_viewer(viewer(profil))
    shown = _words(shape)
    hidden, seen = _words(SCHEMA) - shown, 0
    for written, mistakes in probes:
        for mistake, error in zip(mistakes, mistaken_response(mistakes, shape).errors, strict=True):
            nearest = set(error["extensions"].get("suggestions", ()))
            seen += len(nearest)
            assert nearest <= shown, error
            told = _written_in(error["message"].removeprefix(mistake.said)) - written
            assert not told & hidden - OF_THE_SENTENCE, error
            names = {
                word for word in _written_in(mistake.said) - written if not word.islower() and word.upper() != word[0]
            }
            assert not names & hidden, error
    assert seen > 50
