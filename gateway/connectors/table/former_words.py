"""What tables wrote until 0.2.0, said in the words of now, so that they still start (docs/decisions/0165). Knows nothing else."""

from collections.abc import Mapping
from typing import Any

LAST_DAY_WORKED = "dernier_jour_travaille"


def in_words_of_now(given: Any) -> Any:
    """A dialect as it is written now."""
    if not isinstance(given, dict):
        return given
    told = dict(given)
    if isinstance(told.get("erreurs"), list):
        told["erreurs"] = _by_path(told["erreurs"])
    if told.get("rupture") in (LAST_DAY_WORKED, "premier_jour_non_travaille"):
        told = _moved(told, told.pop("rupture") == LAST_DAY_WORKED)
    return told


def _by_path(errors: list[Any]) -> Any:
    """A list of errors, each with its path, its values and what it means, by path."""
    told: dict[str, Any] = {}
    for one in errors:
        if not isinstance(one, Mapping) or not {"chemin", "sens"} <= set(one):
            return errors
        own, values = told.setdefault(one["chemin"], {}), one.get("valeurs")
        if values:
            own[one["sens"]] = [*own.get(one["sens"], ()), *values]
        else:
            own["tout"] = one["sens"]
    return told


def _moved(told: dict[str, Any], is_last_day: bool) -> dict[str, Any]:
    """The day of a rupture, moved by one where the last day worked was told."""
    contrat = told.get("contrat")
    rupture = contrat.get("rupture") if isinstance(contrat, Mapping) else None
    if not is_last_day or not isinstance(contrat, Mapping) or not isinstance(rupture, Mapping) or "date" not in rupture:
        return told
    day = rupture["date"]
    day = dict(day) if isinstance(day, Mapping) else {"chemin": day}
    return {**told, "contrat": {**contrat, "rupture": {**rupture, "date": {**day, "jours": 1}}}}
