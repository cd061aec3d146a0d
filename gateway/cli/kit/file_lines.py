"""Where what is told of a partner stands in its file: the line of a key, or of the field that a reading blames. Knows no
verdict."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gateway.cli.kit.replay import LOSSES, Replay
from gateway.toml_file import line_of

# The key of a table that an error of a reading speaks of, by words of its message.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "[dialecte] lignes": ("lignes",),
    "chemin absent de la page": ("exige",),
    "pour un autre établissement": ("exige",),
    "annonce une erreur": ("erreurs",),
    "que rien ne liste": ("erreurs",),
    "pages du partenaire invalides": ("pages",),
    "sa dernière ligne ne finit pas": ("fin_de_ligne",),
    "JSON illisible": ("format",),
    "XML illisible": ("format",),
    "colonnes absentes": ("jeune",),
}
# By what a value is that is read as none.
_REMEDIES: Mapping[str, str] = {
    "code_inconnu": 'codes = { "…" = "…" } où ce code se lit',
    "type_change": "une liste ? « chemin[0] » en lit la première valeur",
}
_OURS = {"contrats": "contrat", "formations": "formation", "representants": "representant", "autres_noms": "autre_nom"}
_NOUNS = {"contrat", "formation", "suivi", "collaboration"}


def place(file: Path, keys: Sequence[str]) -> str:
    """The file, and the line of a key there."""
    return f"{file.name}{line_of(file, keys)}"


def cause_of(file: Path, outcome: Replay) -> str:
    """The place of what an error blames: the field most often set aside, else the key that its message speaks of; "" of none."""
    blamed = blamed_path(outcome)
    if where := blamed and line_of(file, (), f"« {blamed} »"):
        return f"{file.name}{where}"
    keys = next((keys for words, keys in _KEYS.items() if words in outcome.error), None)
    return place(file, ("dialecte", *keys)) if keys else ""


def blamed_path(outcome: Replay) -> str:
    """Where what was first set aside stands in a row; "" when nothing was."""
    faults = outcome.quality.defauts if outcome.quality else ()
    champ = next((one.champ for one in faults if one.nature in LOSSES and one.champ), "")
    return champ.partition(" / ")[0]


def lost_values(file: Path, outcome: Replay) -> Iterator[str]:
    """What a reading set aside, a field a line: where it is told, and what mends it."""
    faults = outcome.quality.defauts if outcome.quality else ()
    kinds = {one.champ: one.genre for one in faults if one.genre in _REMEDIES}
    for one in (one for one in faults if one.nature in LOSSES):
        path = (one.champ or "").partition(" / ")[0]
        where = line_of(file, (), f"« {path} »") if path else ""
        whose = f"« {path} »" if path else "un dossier"
        remedy = _REMEDIES.get(kinds.get(one.champ, ""), "l'attendu l'admet : à relire")
        yield f"écarté : {whose}, {one.genre} × {one.nombre} ({file.name}{where}) ; {remedy}"


def keys_of(where: str) -> tuple[str, ...]:
    """The keys of a table that say a place of what a case becomes: `dossiers[0].jeune.contrats[0].numero`."""
    names = [_OURS.get(name, name) for name in re.sub(r"\[\d+\]", "", where).split(".")]
    own = names[1:] if names[0] == "dossiers" else names
    return ("dialecte", *(own[1:] if own[:1] == ["jeune"] and own[1:] and own[1] in _NOUNS else own))
