"""What is written of a reading before its answer leaves: who, for what, which coordinates, of whom. Pure; never a value.

The references of data, not the data (SECURITY §3.1): coordinates of the graph, and keys of persons that the store turns
into pseudonyms.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from graphql import GraphQLSchema, is_object_type

from gateway.auth.coordonnees import categorie
from gateway.auth.decide import Decision
from gateway.auth.rules import CategorieDonnee
from gateway.auth.viewer import Viewer

Categories = frozenset[CategorieDonnee]


@dataclass(frozen=True, slots=True)
class Lecture:
    """One answer that shows persons.

    `document`: a stand-in for the text of the operation. `personnes`: what may be read of each, by secret key.
    `sources`: state of those that answered, by name.
    """

    quand: datetime
    requete: str
    viewer: Viewer
    document: str
    decision: Decision
    personnes: Mapping[str, Categories]
    sources: Mapping[str, str | None]


def gouvernees(schema: GraphQLSchema) -> Mapping[str, CategorieDonnee]:
    """The category of every governed coordinate of the graph that tells something of a person."""
    return {
        f"{type_.name}.{nom}": regle
        for type_ in schema.type_map.values()
        if is_object_type(type_) and type_ is not schema.query_type
        for nom, champ in type_.fields.items()
        if (regle := categorie(champ)) not in (None, CategorieDonnee.PUBLIQUE)
    }


def entree(lecture: Lecture, regles: Mapping[str, CategorieDonnee]) -> tuple[bytes, tuple[str, ...]]:
    """The entry, and the keys of its persons in the order of its `groupes`."""
    viewer, decision = lecture.viewer, lecture.decision
    groupes = _groupes(lecture.personnes)
    contenu = {
        "acte": "LECTURE",
        "quand": lecture.quand.isoformat(),
        "requete": lecture.requete,
        "client": viewer.client,
        "compte": viewer.compte,
        "profil": viewer.profil.value,
        "organisation": viewer.organisation,
        "finalite": viewer.finalite.value if viewer.finalite else None,
        "document": lecture.document,
        "coordonnees": _par_categorie(decision, regles),
        "refus": sorted({refus.coordonnee for refus in decision.refus}),
        "groupes": [{"categories": list(noms), "personnes": len(cles)} for noms, cles in groupes.items()],
        "sources": dict(lecture.sources),
    }
    return _ecrire(contenu), tuple(cle for cles in groupes.values() for cle in cles)


def acte(nom: str, quand: datetime, **dits: Any) -> bytes:
    """The entry of what was done to the journal itself: consulted, purged."""
    return _ecrire({"acte": nom, "quand": quand.isoformat(), **dits})


def ecrite_le(contenu: bytes) -> datetime:
    """The instant of an entry."""
    return datetime.fromisoformat(json.loads(contenu)["quand"])


def lignes(contenu: bytes, rang: int) -> str:
    """One reading of one person, for whoever asks: when, who, for what, which fields of hers."""
    lue = json.loads(contenu)
    categories = _categories_du_rang(lue["groupes"], rang)
    champs = sorted({champ for nom in categories for champ in lue["coordonnees"].get(nom, [])})
    qui = (lue["profil"], lue["organisation"], json.dumps(lue["compte"], ensure_ascii=True), lue["client"])
    return "\t".join((lue["quand"], *qui, str(lue["finalite"]), ",".join(champs), lue["requete"]))


def _categories_du_rang(groupes: list[dict[str, Any]], rang: int) -> list[str]:
    for groupe in groupes:
        if rang < groupe["personnes"]:
            return list(groupe["categories"])
        rang -= groupe["personnes"]
    return []


def _groupes(personnes: Mapping[str, Categories]) -> Mapping[tuple[str, ...], list[str]]:
    """The persons by what may be read of them: a page has one group or two."""
    groupes: dict[Categories, list[str]] = defaultdict(list)
    for cle, categories in personnes.items():
        groupes[categories].append(cle)
    return {tuple(sorted(c.value for c in categories)): cles for categories, cles in groupes.items()}


def _par_categorie(decision: Decision, regles: Mapping[str, CategorieDonnee]) -> Mapping[str, list[str]]:
    lues: dict[str, list[str]] = defaultdict(list)
    for coordonnee in sorted(decision.coordonnees & regles.keys()):
        lues[regles[coordonnee].value].append(coordonnee)
    return lues


def _ecrire(contenu: Mapping[str, Any]) -> bytes:
    return orjson.dumps(contenu)
