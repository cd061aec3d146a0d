"""One item of a transmission, read whole before it is answered: what is kept of it, and every line of why (docs/reception.md).

Both stages of the service that the contract comes from are one here: the fields, then what they say of each other and of
organisations. A value that is refused is set aside where it may lack; the rest of the dossier is kept. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from gateway.domain.referentiel import Referentiel
from gateway.reception.fields import FIELDS, REQUIRED, SUFFIXES
from gateway.reception.readers import UNREADABLE, Refused, Unreadable

UNKNOWN = "organisme {role} non trouvé"
FOREIGN = "organisme formateur non rattaché à cette clé"
ENDS_BEFORE = "La formation finit avant de commencer : sa fin doit suivre l'entrée"
FORMATEUR = ("etablissement_formateur_uai", "etablissement_formateur_siret")
RESPONSABLE = ("etablissement_responsable_uai", "etablissement_responsable_siret")
KEY = (*FORMATEUR, "annee_scolaire", "id_erp_apprenant")  # what names a dossier


class ItemOutcome(Enum):
    """What became of an item."""

    ACCEPTED = "acceptes"
    PARTIAL = "partiels"  # kept without the values that were refused
    REJECTED = "rejetes"  # nothing of it is kept; what was kept before stays
    FOREIGN = "etrangers"  # of an establishment for which the key does not speak


@dataclass(frozen=True, slots=True)
class Issue:
    """One line of validation: a text of the contract and the fields it speaks of. Never a value."""

    message: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReceivedItem:
    """An item as it was read. `record` holds what is kept, by the names of the contract, empty when nothing is; `key` names the
    dossier, empty when that cannot be read."""

    outcome: ItemOutcome
    issues: tuple[Issue, ...]
    key: str
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """For whom a key may speak: its own establishment, those that answer for it and those that it answers for."""

    referentiel: Referentiel
    own: str

    def knows(self, uai: str, siret: str) -> bool:
        """Whether the referential has an establishment of both numbers."""
        organisme = self.referentiel.organismes.get(uai)
        return organisme is not None and organisme.siret == siret

    def holds(self, uai: str) -> bool:
        organisme = self.referentiel.organismes.get(self.own)
        tied = (*organisme.responsables, *organisme.formateurs) if organisme else ()
        return uai == self.own or uai in tied


def read_item(item: Mapping[str, Any], family: Family) -> ReceivedItem:
    """What an item says, judged by the contract and for the family of a key."""
    values, issues = _fields(item)
    issues += _between(values, family)
    dropped: set[str] = set()
    for suffix in SUFFIXES:
        issues += _contrat(item, values, suffix, dropped)
    outcome = _outcome(issues)
    key = "|".join(values[name] for name in KEY) if values.keys() >= set(KEY) else ""
    kept = outcome in (ItemOutcome.ACCEPTED, ItemOutcome.PARTIAL)
    record = {name: _plain(value) for name, value in values.items() if FIELDS[name].kept and name not in dropped}
    return ReceivedItem(outcome, tuple(issues), key, record if kept else {})


def _fields(item: Mapping[str, Any]) -> tuple[dict[str, Any], list[Issue]]:
    """First stage: each field by itself."""
    values: dict[str, Any] = {}
    issues: list[Issue] = []
    for name, rule in FIELDS.items():
        told = item.get(name)
        if told is None:
            issues += [Issue(rule.missing, (name,))] if rule.missing else []
            continue
        if isinstance(told, Unreadable):
            issues.append(Issue(UNREADABLE, (name,)))
            continue
        try:
            value = rule.read(told)
        except Refused as refusal:
            issues.append(Issue(str(refusal), (name,)))
        else:
            values |= {name: value} if value is not None else {}
    return values, issues


def _between(values: Mapping[str, Any], family: Family) -> list[Issue]:
    """Second stage: what days and organisations say together."""
    issues: list[Issue] = []
    entry, end = values.get("date_entree_formation"), values.get("date_fin_formation")
    if entry and end and end < entry:
        issues.append(Issue(ENDS_BEFORE, ("date_fin_formation",)))
    for role, names in (("formateur", FORMATEUR), ("responsable", RESPONSABLE)):
        if values.keys() >= set(names):
            uai, siret = (values[name] for name in names)
            if not family.knows(uai, siret):
                issues.append(Issue(UNKNOWN.format(role=role), names))
            elif names is FORMATEUR and not family.holds(uai):
                issues.append(Issue(FOREIGN, names))
    return issues


def _contrat(item: Mapping[str, Any], values: Mapping[str, Any], suffix: str, dropped: set[str]) -> list[Issue]:
    """A contract without its first day tells nothing: what was said of it is set aside."""
    debut = f"contrat_date_debut{suffix}"
    others = [f"contrat_date_fin{suffix}", f"cause_rupture_contrat{suffix}", f"contrat_date_rupture{suffix}"]
    if debut in values:
        return []
    dropped |= {*others, f"siret_employeur{suffix}"}
    told = tuple(name for name in others if item.get(name))
    if not told or item.get(debut) is not None:
        return []
    fin, cause, rupture = others
    return [
        Issue(f"Contrat sans début : ce champ est dit, et {debut} ne l'est pas", told),
        Issue(f"Contrat sans début : {fin}, {cause} ou {rupture} le suppose", (debut,)),
    ]


def _outcome(issues: list[Issue]) -> ItemOutcome:
    required = [issue for issue in issues if not set(issue.path).isdisjoint(REQUIRED)]
    if any(issue.message == FOREIGN for issue in required):
        return ItemOutcome.FOREIGN
    if required:
        return ItemOutcome.REJECTED
    return ItemOutcome.PARTIAL if issues else ItemOutcome.ACCEPTED


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
