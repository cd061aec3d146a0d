"""The keys of persons and of contracts, as pseudonyms: what the ledger of links knows of them. Pure.

A record is designated by what its source calls it. The registry calls nobody by any name: its contracts are the records.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from gateway.domain.links import RecordKey
from gateway.federation.ids.resolve import RecordKeys
from gateway.federation.join.contracts import FoldedContrat
from gateway.federation.join.link import Cluster
from gateway.federation.join.records import RANK, SourcedRecord
from gateway.schema.nouns import Contrat, Sexe
from gateway.schema.organisations import TypeSource

Pseudonym = Callable[[str], str]


def shared_identities(clusters: Iterable[Cluster], complete: bool) -> frozenset[str]:
    """The identities that designate nobody: the joining left them to several groups, or a source was not heard, which may
    know another bearer of any of them."""
    holders = Counter(identity for cluster in clusters for identity in {t.identity for t in cluster.sourced_records})
    return frozenset(identity for identity, count in holders.items() if count > (1 if complete else 0))


def person_keys(cluster: Cluster, shared: frozenset[str], pseudonym: Pseudonym) -> RecordKeys:
    """The records of a person; best first, by what does not change when a source writes again."""
    order = sorted(cluster.sourced_records, key=lambda t: (RANK[t.type], t.own_key))
    keys = tuple(key for sourced_record in order for key in _record_keys(sourced_record, pseudonym))
    own = {t.identity for t in order if t.identity != t.own_key}
    if own & shared:
        return RecordKeys(keys)
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
    """Records that disagree on the sex are never joined: it is part of what designates somebody."""
    return pseudonym(f"identite|{sexe.value if sexe else ''}|{identity}")


def contrat_text(sourced_record: SourcedRecord, contrat: Contrat) -> str:
    """What designates a contract in its source: the number (and birth date) in the registry, as the registry has it;
    elsewhere the record, and the number or the first day."""
    if sourced_record.type is TypeSource.REGISTRE_CONTRATS:
        return _registry_keys(sourced_record.source, contrat.numero, sourced_record.jeune.date_naissance)
    return f"{sourced_record.own_key}|{contrat.numero or contrat.date_debut}"


def _registry_keys(source: str, numero: str | None, naissance: date | None) -> str:
    return f"{source}|contrat|{(numero or '').casefold()}|{naissance}"


def contract_keys(folded_contrats: Sequence[FoldedContrat], pseudonym: Pseudonym) -> list[RecordKeys]:
    """The keys of each contract of a person, the registry's number first. A key of two contracts designates neither."""
    texts = [_texts(folded) for folded in folded_contrats]
    holders = Counter(text for own_ones in texts for text in own_ones)
    key_sets = []
    for rank, own_ones in enumerate(texts):
        own = [text for text in own_ones if holders[text] == 1] or [f"{own_ones[0]}|{rank}"]
        key_sets.append(RecordKeys(tuple(RecordKey(pseudonym(f"contrat|{text}")) for text in own)))
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
