"""Which source said what: the winners and the losers of a merge, as lines. Pure; computed only when asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from gateway.federation.join.merge import MergedPerson
from gateway.federation.join.precedence import CONTRAT, JEUNE, RUPTURE, FieldRule, Told, chosen, told_values
from gateway.federation.join.records import SourcedRecord
from gateway.schema.evidence import Provenance

Holders = Sequence[tuple[SourcedRecord, Any]]


def attach(merged: MergedPerson) -> None:
    """Write the provenance lines of a person, of the contracts and of the ruptures, on the merged nouns."""
    jeune = merged.jeune
    jeune.rows = _rows(
        JEUNE, [(who, who.jeune) for who in merged.cluster.sourced_records], {"adresse": merged.housed_by}
    )
    for contrat, folded in zip(merged.contrats, merged.folded_contrats, strict=True):
        contrat.rows = _rows(CONTRAT, folded.versions, {})
        if contrat.rupture:
            contrat.rupture.rows = _rows(RUPTURE, folded.ruptures, {})


def _rows(
    table: Mapping[str, FieldRule], holders: Holders, known_ones: Mapping[str, SourcedRecord | None]
) -> list[Provenance]:
    """One line for each field and source that tells it. `known_ones`: who was kept, where the merge alone can tell."""
    return [
        _line(champ, rule, told, told_ones, known_ones[champ] if champ in known_ones else _kept(rule, told_ones))
        for champ, rule in table.items()
        if (told_ones := told_values(holders, champ))
        for told in told_ones
    ]


def _kept(rule: FieldRule, told_ones: Sequence[Told]) -> SourcedRecord | None:
    kept = chosen(rule.order, told_ones)
    return kept[0] if kept else None


def _line(champ: str, rule: FieldRule, told: Told, told_ones: Sequence[Told], kept: SourcedRecord | None) -> Provenance:
    who, value = told
    return Provenance(
        champ=to_camel_case(champ),
        source=who.source,
        recue_le=who.received_at,
        retenue=who is kept,
        divergente=any(not rule.same(value, other) for _, other in told_ones),
    )
