"""Operations drawn at random over the schema: nested, aliased, in fragments, with variables and directives."""

from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from tests.access.outils import SCHEMA

PROFONDEUR = 5
VALEURS = {
    "String": ('"x"', '"2026"', "null"),
    "ID": ('"J0"', '"C0-0"', '"R0-0"', '"R1-0"', '"CFA"', '"ML"', '"?"'),
    "Int": ("0", "1", "5"),
    "Boolean": ("true", "false"),
    "Date": ('"2026-01-01"', '"2026-08-01"'),
    "UAI": ('"0594899E"',),
    "SIRET": ('"13002526500013"',),
    "CodeInsee": ('"59350"',),
}
RACINES = ("ruptures", "ruptures", "jeunes", "jeunes", "contrats", "node", "jeune", "rupture", "contrat")


class Tirage:
    """One operation being drawn."""

    def __init__(self, hasard: Random) -> None:
        self.hasard = hasard
        self.fragments: list[str] = []
        self.variables: dict[str, tuple[str, str | None, Any]] = {}  # type, default, value

    def operation(self) -> tuple[str, dict[str, Any]]:
        """The text and its variables."""
        racine: Any = SCHEMA.query_type
        noms = [nom for nom in racine.fields if nom not in RACINES]
        choisis = [self.hasard.choice(RACINES if self.hasard.random() < 0.8 else noms) for _ in range(self._combien(2))]
        corps = " ".join(self._champ(racine, nom, 0, alias=f"r{rang}") for rang, nom in enumerate(choisis))
        declarees = ", ".join(
            f"${nom}: {type_}" + (f" = {defaut}" if defaut else "")
            for nom, (type_, defaut, _) in self.variables.items()
        )
        texte = f"query Q{f'({declarees})' if declarees else ''} {{ {corps} }} " + " ".join(self.fragments)
        return texte, {nom: valeur for nom, (_, _, valeur) in self.variables.items() if valeur is not ...}

    def _combien(self, au_plus: int) -> int:
        return self.hasard.randint(1, au_plus)

    def _selection(self, type_: Any, profondeur: int) -> str:
        """A selection of a composite type; some of it in fragments."""
        parts = [self._part(type_, profondeur) for _ in range(self._combien(4))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, type_: Any, profondeur: int) -> str:
        tire = self.hasard.random()
        if tire < 0.08:
            return "__typename"
        if is_abstract_type(type_) or tire < 0.22:
            return self._fragment(type_, profondeur)
        if profondeur >= PROFONDEUR:
            feuilles = [nom for nom, champ in type_.fields.items() if is_leaf_type(get_named_type(champ.type))]
            return self._champ(type_, self.hasard.choice(feuilles), profondeur)
        return self._champ(type_, self.hasard.choice(list(type_.fields)), profondeur)

    def _fragment(self, type_: Any, profondeur: int) -> str:
        vise = type_
        if is_abstract_type(type_):
            if self.hasard.random() < 0.2:
                return "id"
            vise = self.hasard.choice(SCHEMA.get_possible_types(type_))
        elif type_.interfaces and self.hasard.random() < 0.2:
            return f"... on {type_.interfaces[0].name} {self._condition()} {{ id __typename }}"
        corps = self._selection(vise, profondeur)
        if self.hasard.random() < 0.5:
            sur = f"on {vise.name} " if vise is not type_ or self.hasard.random() < 0.5 else ""
            return f"... {sur}{self._condition()} {corps}"
        nom = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {nom} on {vise.name} {corps}")
        return f"...{nom} {self._condition()}" + (f" ...{nom}" if self.hasard.random() < 0.2 else "")

    def _champ(self, type_: Any, nom: str, profondeur: int, alias: str = "") -> str:
        champ = type_.fields[nom]
        arguments = [self._argument(cle, argument) for cle, argument in champ.args.items()]
        dits = ", ".join(dit for dit in arguments if dit)
        if dits and not alias:
            alias = f"a{self.hasard.randint(0, 10**6)}"  # two of one name with other arguments would not merge
        elif not alias and self.hasard.random() < 0.2:
            alias = f"{nom}{self._combien(2)}"
        cible: GraphQLNamedType = get_named_type(champ.type)
        dessous = "" if is_leaf_type(cible) else self._selection(cible, profondeur + 1)
        tete = f"{alias}: " if alias else ""
        return f"{tete}{nom}{f'({dits})' if dits else ''} {self._condition()} {dessous}"

    def _condition(self) -> str:
        if self.hasard.random() > 0.1:
            return ""
        directive = self.hasard.choice(("skip", "include"))
        if self.hasard.random() < 0.5:
            return f"@{directive}(if: {self.hasard.choice(('true', 'false'))})"
        nom = f"v{len(self.variables)}"
        defaut = self.hasard.choice(("true", "false")) if self.hasard.random() < 0.5 else None
        vrai = self.hasard.random() < 0.5
        donne: Any = vrai if defaut is None or self.hasard.random() < 0.5 else ...
        self.variables[nom] = ("Boolean!" if defaut is None else "Boolean! ", defaut, donne)
        return f"@{directive}(if: ${nom})"

    def _argument(self, nom: str, argument: GraphQLArgument) -> str:
        if not is_non_null_type(argument.type) and self.hasard.random() < (0.9 if nom in ("filtre", "after") else 0.6):
            return ""
        if nom == "first" and self.hasard.random() < 0.5:
            cle = f"v{len(self.variables)}"
            self.variables[cle] = ("Int! ", "3", self.hasard.choice((..., 2, 3, 5, 5, 501, -1)))
            return f"first: ${cle}"
        return f"{nom}: {self._litteral(argument.type)}"

    def _litteral(self, type_: Any) -> str:
        if is_non_null_type(type_):
            dit = self._litteral(type_.of_type)
            return self._litteral(type_) if dit == "null" else dit
        if is_list_type(type_):
            return "[" + ", ".join(self._litteral(type_.of_type) for _ in range(self._combien(2))) + "]"
        if is_input_object_type(type_):
            return self._objet(type_)
        if is_enum_type(type_):
            return self._enum(type_)
        valeur: str = self.hasard.choice(VALEURS[type_.name])
        return valeur

    def _enum(self, type_: GraphQLEnumType) -> str:
        valeur: str = self.hasard.choice(list(type_.values))
        return valeur

    def _objet(self, type_: GraphQLInputObjectType) -> str:
        noms = self.hasard.sample(list(type_.fields), k=self.hasard.randint(0, 2))
        return "{" + ", ".join(f"{nom}: {self._litteral(type_.fields[nom].type)}" for nom in noms) + "}"


def operation(hasard: Random) -> tuple[str, dict[str, Any]]:
    """A query and its variables."""
    return Tirage(hasard).operation()
