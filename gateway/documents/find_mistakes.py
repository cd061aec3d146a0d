"""What is wrong in a text, in the values it holds or in its variables, as mistakes said in French.

The library finds them; its messages, which echo literal values (docs/security.md F12), are only read. What a mistake says from
the graph is kept apart: `mistake_messages.py` tells it from the caller's own shape. Entered for what is refused only.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from graphql import GraphQLError, specified_rules
from graphql.validation import ValuesOfCorrectTypeRule

from gateway.documents.mistake import Detail, Mistake
from gateway.documents.wrong_values import NAME_MAX, TOO_MANY, Place, WrongValues


class _Known(NamedTuple):
    """A message of the library, and the mistake it is: numbers stand for the groups of the pattern, N for a name."""

    pattern: str
    detail: Detail
    said: str
    told: str = ""
    among: str = ""
    name: str = ""


_KNOWN = (
    _Known("Cannot query field 'N' on type 'N'", Detail.CHAMP_INCONNU, "Champ inconnu : {0}", " sur {1}", "{1}", "{0}"),
    _Known(
        "Unknown argument 'N' on field '(N.N)'",
        Detail.ARGUMENT_INCONNU,
        "Argument inconnu : {0}",
        " de {1}",
        "{1}",
        "{0}",
    ),
    _Known(
        "Unknown argument 'N' on directive '@N'",
        Detail.ARGUMENT_INCONNU,
        "Argument inconnu : {0} de @{1}",
        "",
        "@{1}",
        "{0}",
    ),
    _Known("Unknown type 'N'", Detail.TYPE_INCONNU, "Type inconnu : {0}", "", "*", "{0}"),
    _Known("Unknown directive '@N'", Detail.DIRECTIVE_INCONNUE, "Directive inconnue : @{0}", "", "@", "{0}"),
    _Known("Unknown fragment 'N'", Detail.FRAGMENT_INCONNU, "Fragment inconnu : {0}"),
    _Known("Directive '@N' may not", Detail.DIRECTIVE_MAL_PLACEE, "La directive @{0} ne s'écrit pas ici", among="@{0}"),
    _Known("The directive '@N' can only", Detail.REPETITION, "La directive @{0} est écrite deux fois au même endroit"),
    _Known(r"Variable '\$N' is not defined", Detail.VARIABLE_INCONNUE, "Variable non déclarée : ${0}"),
    _Known(r"Variable '\$N' is never used", Detail.VARIABLE_INUTILISEE, "Variable déclarée et inutilisée : ${0}"),
    _Known(
        r"Variable '\$N' cannot be non-input type '[!\[\]]*N",
        Detail.TYPE_INATTENDU,
        "La variable ${0} est déclarée {1}, qui se lit et ne s'envoie pas",
    ),
    _Known(
        r"Variable '\$N' of type '([!\[\]\w]+)' used in position expecting type '([!\[\]\w]+)'",
        Detail.TYPE_INATTENDU,
        "La variable ${0} est déclarée {1}, qui ne convient pas où elle sert",
        " : attendu {2}",
        "{2}",
    ),
    _Known(
        r"Argument '(@?[\w.]+)\(N:\)'", Detail.ARGUMENT_REQUIS, "Argument requis absent", " : {1} de {0}", "{0}({1})"
    ),
    _Known("Field 'N' of type '.+' must have", Detail.SELECTION_REQUISE, "Choisir des champs sous {0}"),
    _Known("Field 'N' must not have", Detail.SELECTION_REFUSEE, "{0} est une valeur : rien ne se choisit dessous"),
    _Known(
        "Fragment (?:'N' )?cannot condition on non composite type 'N'",
        Detail.TYPE_INATTENDU,
        "Un fragment porte sur un objet ou une interface, ce que {1} n'est pas",
    ),
    _Known(
        "Fragment (?:'N' )?cannot be spread here as objects of type 'N' can never be of type 'N'",
        Detail.FRAGMENT_IMPOSSIBLE,
        "Un fragment sur {2} ne s'applique jamais ici",
        ", où se lit {1}",
        "{1}",
    ),
    _Known("Fragment 'N' is never used", Detail.FRAGMENT_INUTILISE, "Fragment écrit et inutilisé : {0}"),
    _Known(
        "Fields '([^']*)' conflict",
        Detail.CHAMPS_EN_CONFLIT,
        "Deux champs qui diffèrent, par leur nom ou leurs arguments, répondraient sous {0} : donner un alias à l'un",
    ),
    _Known("There can be only one argument named 'N'", Detail.REPETITION, "L'argument {0} est donné deux fois"),
    _Known("There can be only one input field named 'N'", Detail.REPETITION, "Le champ {0} est donné deux fois"),
    _Known(r"There can be only one variable named '\$N'", Detail.REPETITION, "La variable ${0} est déclarée deux fois"),
    _Known("There can be only one fragment named 'N'", Detail.REPETITION, "Deux fragments se nomment {0}"),
    _Known("There can be only one operation named 'N'", Detail.REPETITION, "Deux opérations se nomment {0}"),
    _Known(
        "This anonymous operation",
        Detail.OPERATION_SANS_NOM,
        "Nommer l'opération : une seule peut être sans nom, seule",
    ),
    _Known(
        "The .+ is not executable",
        Detail.DEFINITION_REFUSEE,
        "Un document contient des opérations et des fragments, rien d'autre",
    ),
)
_SYNTAX = (
    ("Expected (.+), found (.+)\\.", "attendu {0}, trouvé {1}"),
    ("Unexpected single quote", "un texte s'écrit entre guillemets doubles"),
    ("Unexpected '\\.\\.'", "attendu trois points"),
    ("Unexpected character", "caractère inattendu"),
    ("Unexpected variable", "une valeur par défaut ne contient pas de variable"),
    ("Unexpected description", "une description ne s'écrit pas ici"),
    ("Unexpected (.+)\\.", "inattendu ici : {0}"),
    ("Unterminated string", "un texte n'est pas fermé par un guillemet"),
    ("Invalid .*escape", "échappement inconnu après \\"),
    ("Invalid number", "nombre mal écrit"),
    ("Invalid character", "caractère interdit dans un texte"),
)
_TOKENS = {"Name": "un nom", "String": "un texte", "BlockString": "un texte", "Int": "un nombre", "Float": "un nombre"}
RULES = [WrongValues if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules]


def as_mistakes(errors: Iterable[GraphQLError]) -> list[Mistake]:
    """What these errors of RULES say; the same one made again is told once, with all its places."""
    places: dict[Mistake, list[Place]] = {}
    for mistake in map(_mistake, errors):
        places.setdefault(replace(mistake, places=()), []).extend(mistake.places)
    return [replace(mistake, places=tuple(where)) for mistake, where in places.items()]


def _places(error: GraphQLError) -> tuple[Place, ...]:
    return tuple((place.line, place.column) for place in error.locations or ())


def _mistake(error: GraphQLError) -> Mistake:
    held = (error.extensions or {}).get("mistake")
    if held is not None:
        return held  # type: ignore[no-any-return]
    if error.message.startswith("Too many"):
        return TOO_MANY
    places = _places(error)
    for known in _KNOWN:
        if found := re.match(re.sub(r"\bN\b", "([_A-Za-z0-9]+)", known.pattern), error.message):
            names = [(name or "")[:NAME_MAX] for name in found.groups()]
            return Mistake(
                known.detail, known.said.format(*names), places, *(text.format(*names) for text in known[3:])
            )
    return Mistake(Detail.SYNTAXE, "Texte incorrect", places)


def syntax_mistake(error: GraphQLError) -> Mistake:
    """Why a text is not GraphQL. Of what it holds, only kinds are told: a word may be somebody's name without its quotes."""
    message = error.message.removeprefix("Syntax Error: ")
    for pattern, text in _SYNTAX:
        if found := re.match(pattern, message, re.DOTALL):
            return Mistake(
                Detail.SYNTAXE,
                f"Syntaxe GraphQL incorrecte : {text.format(*map(_token, found.groups()))}",
                _places(error),
            )
    return Mistake(Detail.SYNTAXE, "Syntaxe GraphQL incorrecte", _places(error))


def _token(text: str) -> str:
    if text == "<EOF>":
        return "la fin du texte"
    if punctuation := re.fullmatch(r"'([^\w\s]{1,3})'", text):
        return f"« {punctuation[1]} »"
    return _TOKENS.get(text.partition(" ")[0], "un autre mot")
