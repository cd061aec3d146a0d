"""The keys of persons and of contracts, as pseudonyms: all that the ledger of links holds of them. Pure.

A record is designated by what its source calls it. The registry calls nobody by any name: its contracts are the records.
Every text given to a pseudonym is at rest in the ledger: a changed letter would lose the ids made from it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from gateway.domain.links import RecordKey
from gateway.federation.ids.resolve import RecordKeys
from gateway.federation.join.contracts import FoldedContrat
from gateway.federation.join.link import Cluster
from gateway.federation.join.records import RANK, SourcedRecord
from gateway.schema.nouns import Contrat, Sexe
from gateway.schema.organisations import TypeSource

Pseudonym = Callable[[str], str]


def shared_identities(clusters: Iterable[Cluster], complete: bool) -> frozenset[str]:
    """The identities that designate nobody: borne by several groups, or by one while a source was not heard."""
    holders = Counter(identity for cluster in clusters for identity in {t.identity for t in cluster.sourced_records})
    # A source that did not answer may know another bearer of any of them.
    return frozenset(identity for identity, count in holders.items() if count > (1 if complete else 0))


def person_keys(cluster: Cluster, shared: frozenset[str], pseudonym: Pseudonym) -> RecordKeys:
    """The records of a person, best first; without identities when one of them is `shared`."""
    # Not by date of writing: the first key makes the id, and must stay first when a source writes again.
    order = sorted(cluster.sourced_records, key=lambda t: (RANK[t.type], t.own_key))
    keys = tuple(key for sourced_record in order for key in _record_keys(sourced_record, pseudonym))
    own = {t.identity for t in order if t.identity != t.own_key}
    if own & shared:
        return RecordKeys(keys)
    # A record without sex is joined with either: it may be known again under both, and under none.
    sexes = {t.jeune.sexe for t in order if t.jeune.sexe} or set(Sexe)
    return RecordKeys(keys, frozenset(_identity(i, sexe, pseudonym) for i in own for sexe in (*sexes, None)))


def _record_keys(sourced_record: SourcedRecord, pseudonym: Pseudonym) -> list[RecordKey]:
    named = sourced_record.identity != sourced_record.own_key
    identity = _identity(sourced_record.identity, sourced_record.jeune.sexe, pseudonym) if named else ""
    if sourced_record.type is not TypeSource.REGISTRE_CONTRATS:
        origin = pseudonym("|".join(("origine", *sourced_record.origin)))
        return [RecordKey(pseudonym(f"dossier|{sourced_record.own_key}"), identity, origin)]
    contrats = sorted(
        sourced_record.jeune.contrats or [], key=lambda contrat: (str(contrat.date_debut), contrat.numero or "")
    )
    return [RecordKey(pseudonym(f"dossier|{contrat_text(sourced_record, contrat)}"), identity) for contrat in contrats]


def _identity(identity: str, sexe: Sexe | None, pseudonym: Pseudonym) -> str:
    # With the sex: records that disagree on it are never joined.
    return pseudonym(f"identite|{sexe.value if sexe else ''}|{identity}")


def contrat_text(sourced_record: SourcedRecord, contrat: Contrat) -> str:
    """The text that designates a contract in its source: its number and the birth date in the registry; elsewhere the
    record, and the number or the first day."""
    if sourced_record.type is TypeSource.REGISTRE_CONTRATS:
        numero = (contrat.numero or "").casefold()
        return f"{sourced_record.source}|contrat|{numero}|{sourced_record.jeune.date_naissance}"
    return f"{sourced_record.own_key}|{contrat.numero or contrat.date_debut}"


def contract_keys(folded_contrats: Sequence[FoldedContrat], pseudonym: Pseudonym) -> list[RecordKeys]:
    """The keys of each contract of a person, the registry's number first. A key of two contracts designates neither."""
    texts = [_texts(folded) for folded in folded_contrats]
    holders = Counter(text for own in texts for text in own)
    key_sets = []
    for rank, own in enumerate(texts):
        unique = [text for text in own if holders[text] == 1] or [f"{own[0]}|{rank}"]
        key_sets.append(RecordKeys(tuple(RecordKey(pseudonym(f"contrat|{text}")) for text in unique)))
    return key_sets


def _texts(folded: FoldedContrat) -> list[str]:
    """By number and by first day: either may be told late, or corrected."""
    versions = sorted(folded.versions, key=lambda version: version[0].type is not TypeSource.REGISTRE_CONTRATS)
    texts: dict[str, None] = {}
    for sourced_record, contrat in versions:
        texts[contrat_text(sourced_record, contrat)] = None
        if sourced_record.type is not TypeSource.REGISTRE_CONTRATS and contrat.date_debut:
            texts[f"{sourced_record.own_key}|{contrat.date_debut}"] = None
    return list(texts)
