"""Views filled with nouns drawn at random: nulls wherever they may be and, when asked, values that no connector would write."""

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from random import Random
from types import SimpleNamespace
from typing import Any

from strawberry import ID
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition

from gateway.auth.perimetre import Rattachement
from gateway.auth.rules import CategorieDonnee, Profil
from gateway.domain.sceau import Sceau
from gateway.domain.statut import StatutApprenant
from gateway.errors import RequeteInvalide
from gateway.federation.contexte import ContexteOperation
from gateway.federation.identifiants import Identifiants
from gateway.federation.views import Droits, Personne, Vue
from gateway.schema.explications import Provenance
from gateway.schema.lieux import Cfa, MissionLocale, Source, Territoire, TypeTerritoire
from gateway.schema.nouns import Contrat, Jeune, Rupture, Statut
from tests.access.outils import POLITIQUE, viewer

IDENTIFIANTS = Identifiants(Sceau(bytes(range(32))))
JOUR = date(2026, 10, 15)
TEXTES = ("", "Anaïs", "L'Haÿ", 'dit "le grand"', "nom\nprenom", "数", "0", "None")
SIMPLES: dict[object, Any] = {
    str: lambda h: h.choice(TEXTES),
    int: lambda h: h.choice((0, 7, -3, 2**31 - 1)),
    float: lambda h: h.choice((0.0, 12.5, -1e-7, 3.0)),
    bool: lambda h: h.random() < 0.5,
    date: lambda h: date(2026, h.randint(1, 10), h.randint(1, 28)),
    datetime: lambda h: datetime(2026, 1, 1, 12, tzinfo=UTC),
}
FAUX = (
    None,
    3.5,
    2**40,
    "texte",
    float("nan"),
    RequeteInvalide("faute"),
    b"octets",
    [None],
    date(2026, 1, 1),
    object(),
)
# The mask of the oracle walks these whatever is asked, and lists are cut by those: wrong there, nothing is shown at all.
INTACTS = frozenset(
    [
        "id",
        "lignes",
        "motifs_priorite",
        "champ",
        "statut",
        "contrats",
        "ruptures",
        "depuis",
        "date",
        "date_debut",
        "nom",
        "prenom",
        "age",
    ]
)
ICI = "59010"  # the organisation of the viewers, whatever it is
RATTACHEMENT = Rattachement(ICI, frozenset({ICI}), ICI, ICI, *[frozenset({ICI})] * 5)
PROPRES = (Jeune, Contrat, Rupture)


def _valeur(type_: Any, hasard: Random) -> Any:
    if isinstance(type_, StrawberryOptional):
        return None if hasard.random() < 0.3 else _valeur(type_.of_type, hasard)
    if isinstance(type_, StrawberryList):
        return [_valeur(type_.of_type, hasard) for _ in range(hasard.randint(0, 3))]
    if isinstance(type_, StrawberryEnumDefinition):
        return hasard.choice(list(type_.wrapped_cls))
    if hasattr(type_, "__strawberry_definition__"):
        return None if type_ in PROPRES else noun(type_, hasard)
    return SIMPLES.get(type_, SIMPLES[str])(hasard)


def noun(classe: type, hasard: Random) -> Any:
    """An object of a noun; those that lead to a person are left out."""
    definition: Any = classe.__strawberry_definition__  # type: ignore[attr-defined]
    champs = [champ for champ in definition.fields if champ.base_resolver is None and _court(champ, hasard)]
    return classe(**{champ.python_name: _valeur(champ.type, hasard) for champ in champs})


def _court(champ: Any, hasard: Random) -> bool:
    """Deep places are drawn less often: they are all alike."""
    profond = champ.python_name in {"commune", "mission_locale", "source", "cfa"}
    return not (isinstance(champ.type, StrawberryList) and champ.type.of_type in PROPRES) and not (
        profond and isinstance(champ.type, StrawberryOptional) and hasard.random() < 0.5
    )


def _jeune(rang: int, hasard: Random) -> Jeune:
    jeune: Jeune = noun(Jeune, hasard)
    jeune.id, jeune.age = ID(f"J{rang}"), 20
    if hasard.random() < 0.8:  # else the lists without filter would be nearly always empty
        jeune.statut = Statut(valeur=StatutApprenant.RUPTURANT, depuis=JOUR)
    jeune.etapes = None if hasard.random() < 0.2 else [noun(Statut, hasard) for _ in range(3)]
    jeune.lignes = _lignes(hasard)
    jeune.contrats = [_contrat(jeune, f"{rang}-{place}", hasard) for place in range(hasard.randint(1, 2))]
    jeune.ruptures = [contrat.rupture for contrat in jeune.contrats if contrat.rupture]
    return jeune


def _lignes(hasard: Random) -> list[Provenance]:
    lignes = [noun(Provenance, hasard) for _ in range(3)]
    for ligne in lignes:
        ligne.champ = hasard.choice(("telephone", "nom", "date", "numero", "rupture", "inconnu"))
    return lignes


def _contrat(jeune: Jeune, suffixe: str, hasard: Random) -> Contrat:
    contrat: Contrat = noun(Contrat, hasard)
    contrat.id, contrat.jeune, contrat.lignes = ID(f"C{suffixe}"), jeune, _lignes(hasard)
    if hasard.random() < 0.8:
        rupture: Rupture = noun(Rupture, hasard)
        rupture.id, rupture.jeune, rupture.contrat = ID(f"R{suffixe}"), jeune, contrat
        rupture.date = date(2026, 9, hasard.randint(1, 28))
        rupture.lignes = None if hasard.random() < 0.2 else _lignes(hasard)
        contrat.rupture = rupture
    return contrat


def vue(hasard: Random, personnes: int) -> Vue:
    """A view of that many persons, each read under categories of its own."""
    creee = Vue()
    for rang in range(personnes):
        categories = frozenset(c for c in CategorieDonnee if hasard.random() < 0.85)
        fusion: Any = SimpleNamespace(jeune=_jeune(rang, hasard))
        personne = Personne(fusion, RATTACHEMENT, categories)
        creee.personnes[personne.jeune.id] = personne
        for contrat in personne.jeune.contrats or []:
            creee.contrats[contrat.id] = (personne, contrat)
            if contrat.rupture:
                creee.ruptures[contrat.rupture.id] = (personne, contrat.rupture)
    return creee


def gater(choisie: Vue, hasard: Random) -> None:
    """Put values where they have no place: a wrong class, a null that may not be, an exception, nothing at all."""
    tenus = [objet for personne in choisie.personnes.values() for objet in _tenus(personne.jeune, set())]
    for objet in hasard.choices(tenus, k=10 * len(tenus)):
        noms = sorted(vars(objet).keys() - INTACTS)
        if noms and hasard.random() < 0.9:
            setattr(objet, hasard.choice(noms), hasard.choice(FAUX))
        elif noms and not isinstance(objet, PROPRES):  # the mask needs every attribute of those
            delattr(objet, hasard.choice(noms))


def _tenus(objet: Any, vus: set[int]) -> Iterator[Any]:
    if isinstance(objet, list):
        for element in objet:
            yield from _tenus(element, vus)
    elif is_dataclass(objet) and not isinstance(objet, Enum) and id(objet) not in vus:
        vus.add(id(objet))
        yield objet
        for valeur in vars(objet).values():
            yield from _tenus(valeur, vus)


class Annuaire:
    """Stands for the directory: one CFA, one Mission locale."""

    def __init__(self, hasard: Random) -> None:
        self._cfa = noun(Cfa, hasard)
        self._mission = noun(MissionLocale, hasard)

    def cfa(self, uai: str | None, siret: str | None = None) -> Cfa | None:
        return self._cfa if uai or siret else None

    def mission_locale(self, code: str) -> MissionLocale | None:
        return self._mission if code else None

    def territoire(self, nature: TypeTerritoire, code: str) -> Territoire:
        return Territoire(type=nature, code=code)

    def noeud(self, identifiant: str) -> Any:
        return {"CFA": self._cfa, "ML": self._mission}.get(identifiant)


def contexte(profil: Profil, decision: Any, choisie: Vue, annuaire: Any, sources: list[Source]) -> ContexteOperation:
    """The product's own context, over that view."""
    qui = viewer(profil)
    return ContexteOperation(
        viewer=qui,
        droits=Droits(POLITIQUE, qui.profil, qui.finalite, replace(qui.perimetre, uais=frozenset({ICI}))),
        decision=decision,
        annuaire=annuaire,
        identifiants=IDENTIFIANTS,
        jour=JOUR,
        etats=lambda: sources,
        source_du_cfa=lambda uai: sources[0].nom if sources else None,
        vue=choisie,
    )
