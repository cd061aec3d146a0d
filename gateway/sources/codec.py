"""Records as bytes and back: JSON by the types of the classes, read once. Knows no class by name, and runs no code it reads.

A record is written as its fields that differ from their defaults, by rank. The version is drawn from the fields and their
types: a class that changed reads nothing that was written before.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from gateway.cache.coffre import Codec

Convertir = Callable[[Any], Any]
Paire = tuple[Convertir, Convertir]


def codec(classe: type) -> Codec:
    """How records of a dataclass are written, and all that they hold. Raises TypeError for a type that cannot be."""
    ecrire, lire = _paire(classe)
    empreinte = hashlib.sha256(repr(_forme(classe, set())).encode()).hexdigest()[:16]
    return Codec(
        empreinte,
        lambda valeur: json.dumps(ecrire(valeur), ensure_ascii=False, separators=(",", ":")).encode(),
        lambda octets: lire(json.loads(octets)),
    )


def _telle(valeur: Any) -> Any:
    return valeur


@cache
def _paire(type_: Any) -> Paire:
    """How a type is written and read."""
    type_ = getattr(type_, "__supertype__", type_)  # a NewType is written as what it stands for
    origine, arguments = get_origin(type_), get_args(type_)
    if origine in (Union, UnionType) and len(arguments) == 2 and NoneType in arguments:
        return _facultatif(_paire(next(a for a in arguments if a is not NoneType)))
    if origine is list or (origine is tuple and arguments[1:] == (...,)):
        return _suite(_paire(arguments[0]), origine)
    if origine is None and isinstance(type_, type):
        return _simple(type_)
    raise TypeError(f"no way to write {type_}")


def _simple(classe: type) -> Paire:
    if classe in (str, int, float, bool):
        return _telle, _telle
    if classe in (date, datetime):
        return classe.isoformat, classe.fromisoformat
    if issubclass(classe, Enum):
        return (lambda valeur: valeur.value), classe
    if dataclasses.is_dataclass(classe):
        return _objet(classe)
    raise TypeError(f"no way to write {classe}")


def _facultatif(paire: Paire) -> Paire:
    ecrire, lire = paire
    return (
        lambda valeur: None if valeur is None else ecrire(valeur),
        lambda valeur: None if valeur is None else lire(valeur),
    )


def _suite(paire: Paire, construire: Callable[[Any], Any]) -> Paire:
    ecrire, lire = paire
    return (lambda valeurs: [ecrire(v) for v in valeurs]), (lambda valeurs: construire(lire(v) for v in valeurs))


def _objet(classe: Any) -> Paire:
    """Fields are resolved at first use: nouns hold each other."""

    @cache
    def champs() -> list[tuple[str, Any, Paire]]:
        types = get_type_hints(classe)
        return [(champ.name, _defaut(champ), _paire(types[champ.name])) for champ in _champs(classe)]

    def ecrire(objet: Any) -> dict[str, Any]:
        valeurs = ((rang, getattr(objet, nom), defaut, e) for rang, (nom, defaut, (e, _)) in enumerate(champs()))
        return {
            str(rang): e(valeur) for rang, valeur, defaut, e in valeurs if valeur is not defaut and valeur != defaut
        }

    def lire(ecrit: dict[str, Any]) -> Any:
        connus = champs()
        choisis = ((connus[int(rang)], valeur) for rang, valeur in ecrit.items())
        return classe(**{nom: lire_champ(valeur) for (nom, _, (_, lire_champ)), valeur in choisis})

    return ecrire, lire


def _champs(classe: Any) -> list[Any]:
    return [champ for champ in dataclasses.fields(classe) if champ.init]


def _defaut(champ: Any) -> Any:
    return champ.default_factory() if champ.default_factory is not dataclasses.MISSING else champ.default


def _forme(type_: Any, vues: set[Any]) -> Any:
    """The names and types of all that a type leads to."""
    interieurs = [_forme(argument, vues) for argument in get_args(type_)]
    if not dataclasses.is_dataclass(type_) or type_ in vues:
        return [repr(type_), interieurs]
    vues.add(type_)
    types = get_type_hints(type_)
    return [repr(type_), [[champ.name, _forme(types[champ.name], vues)] for champ in _champs(type_)]]
