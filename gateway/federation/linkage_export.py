"""Exports how the records of all sources were linked, without a person in it, for an evaluator who holds the truth.

Knows plans, records and joins; no viewer, no merge rule. A record is named as its source names it; the registry, which has no
record of a person, by the numbers of its contracts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.domain.matching import ScoredPair
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.join.join_records import Cluster, Key, SourcedRecord
from gateway.federation.organisation_directory import Directory
from gateway.schema.organisations import TypeSource

TIMEOUT = 1800.0  # seconds for one plan: an evaluator waits for whoever is slow, and never judges half of the answers
BATCH = 8  # CFAs or Missions locales of one plan: a partner has to answer them all within its delay


async def read_all_records(
    collector: Collector, directory: Directory, tell: Callable[[str], None]
) -> list[SourcedRecord]:
    """The records of every CFA and of every Mission locale of the referential, and all that the registry says of them.

    A record may come twice. Raises SourceError when a source fails: half of them would be judged as all.
    """
    # Whoever is late is an error of the reading, and one error ends the export.
    patient, sourced_records = replace(collector, timeout=TIMEOUT), list[SourcedRecord]()
    plans = _plans(directory)
    for rank, plan in enumerate(plans, 1):
        readings = await patient.collect(plan, directory)
        for error in readings.errors.values():
            raise error
        sourced_records += readings.sourced_records
        tell(f"[{rank}/{len(plans)}] {len(sourced_records)} enregistrements lus")
    return sourced_records


def _plans(directory: Directory) -> list[SourcePlan]:
    referentiel = directory.referentiel
    cfas = [SourcePlan(view=True, uais=batch) for batch in _batches(sorted(referentiel.organismes))]
    followed = [SourcePlan(view=True, structures=batch) for batch in _batches(sorted(referentiel.missions_locales))]
    return cfas + followed


def _batches(keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(keys[start : start + BATCH]) for start in range(0, len(keys), BATCH))


def describe_clusters(clusters: Sequence[Cluster]) -> Iterator[dict[str, Any]]:
    """One person a line: the ids of the records by source, the level of the join, the links that made it, and the doubtful
    ones. A link says how far each criterion agrees, never a value."""
    ids = {(t.origin, t.record.key): _ids(t) for cluster in clusters for t in cluster.sourced_records}
    for cluster in clusters:
        by_source: dict[str, list[str]] = defaultdict(list)
        for sourced_record in cluster.sourced_records:
            by_source[sourced_record.source] += _ids(sourced_record)
        yield {
            "enregistrements": by_source,
            "niveau": cluster.niveau.value,
            "liens": [_link(link, ids) for link in cluster.links],
            "douteux": [_link(link, ids) for link in cluster.doubtful],
        }


def _link(link: ScoredPair, ids: Mapping[Key, list[str]]) -> dict[str, Any]:
    return {
        "entre": [{trait.origin[0]: ids[trait.rank]} for trait in (link.left, link.right)],
        "score": round(link.score, 1),
        "accords": dict(link.similarity.agreements),
    }


def _ids(sourced_record: SourcedRecord) -> list[str]:
    """`<tenant>/<key>`; contract numbers for the registry."""
    if sourced_record.type is TypeSource.REGISTRE_CONTRATS:
        return [contrat.numero for contrat in sourced_record.jeune.contrats or [] if contrat.numero]
    return [f"{sourced_record.tenant}/{sourced_record.record.key}"]
