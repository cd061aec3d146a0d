"""Says which source told what: the kept and the other values of a merge, as lines. Pure; computed only when asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.join.merge import MergedPerson
from gateway.federation.join.precedence import (
    CONTRAT,
    JEUNE,
    RUPTURE,
    FieldRule,
    FoldedContrat,
    Preference,
    chosen,
    said_values,
)
from gateway.schema.evidence import Provenance

Rules = Mapping[str, FieldRule]
Received = Mapping[tuple[str, str], datetime]
AS_FIRST_TOLD: Received = MappingProxyType({})
Holders = Sequence[tuple[SourcedRecord, Any]]


def attach(merged: MergedPerson, received: Received = AS_FIRST_TOLD) -> None:
    """Write the provenance lines of a person, of the contracts and of the ruptures, on the merged nouns.

    `received`: when the last answer of each installation came, if another came since a record first did.
    """
    records = (*merged.cluster.sourced_records, *(who for who, _ in merged.follow_ups))
    holders = [(who, who.jeune) for who in sorted(records, key=lambda who: who.rank)]
    merged.jeune.rows = _rows(JEUNE, holders, received, merged.housed_by)
    for contrat, folded in zip(merged.contrats, merged.folded_contrats, strict=True):
        contrat.rows = _rows(CONTRAT, folded.versions, received)
        if contrat.rupture:
            _mark_silence(contrat.rows, folded)
            contrat.rupture.rows = _rows(RUPTURE, folded.ruptures, received)


def _mark_silence(rows: Sequence[Provenance], folded: FoldedContrat) -> None:
    """Mark a rupture that a CFA tells by one of its two ways and not by the other: its own ERP then contradicts itself."""
    silent = {(who.tenant, who.stands_in) for who, version in folded.versions if version.rupture is None}
    denied = {who.source for who, _ in folded.ruptures if (who.tenant, not who.stands_in) in silent}
    for line in rows:
        if line.champ == "rupture" and line.source in denied:
            line.divergente = True


def _rows(
    table: Rules, holders: Holders, received: Received, housed_by: SourcedRecord | None = None
) -> list[Provenance]:
    """One line for each field and source that tells it."""
    lines = []
    for champ, rule in table.items():
        told = said_values(holders, champ)
        # The address is chosen by what the directory makes of it, which the table cannot tell.
        kept = (housed_by,) if rule.order is Preference.PLACED else chosen(rule.order, told)
        lines += [
            Provenance(
                champ=to_camel_case(champ),
                source=who.source,
                recue_le=received.get(who.origin, who.received_at),
                retenue=kept is not None and who is kept[0],
                divergente=any(not rule.same(value, other) for _, other in told),
            )
            for who, value in told
        ]
    return lines
