"""A transmission as bytes in and bytes out: its items read one at a time, sealed for the store, echoed for the ERP.

Pure given the sealer and the instant: nothing is kept here. Knows no HTTP and no SQL.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.domain.days import paris_day
from gateway.domain.seal import Sealer
from gateway.errors import GatewayError
from gateway.reception import one_by_one
from gateway.reception.fields import NIR, echoed
from gateway.reception.items import Family, ItemOutcome, ReceivedItem, read_item
from gateway.reception.readers import written
from gateway.stores.dossier_seal import USAGE, sealed_dossier
from gateway.stores.reception_tables import ReceivedDossier, Transmission, TransmissionError

ITEMS_MAX = 2000
ID_LENGTH = 24  # hexadecimal digits of the ids that ERPs are given back
UNREADABLE = "Le corps n'est pas un document JSON valide."
ESCAPED = "backslashreplace"  # half a character is written as JSON escapes it


class InvalidTransmission(GatewayError):
    """A body that is no transmission. `details`: what the contract tells of it; none of a document that cannot be read."""

    def __init__(self, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True, slots=True)
class PreparedTransmission:
    """What is to be stored in one transaction, and the answer that may leave once it is."""

    transmission: Transmission
    dossiers: tuple[ReceivedDossier, ...]
    answer: bytes
    foreign: int  # items of establishments for which the key does not speak


@dataclass(slots=True)
class _Pile:
    """What the items make, as they are read."""

    dossiers: dict[str, ReceivedDossier] = field(default_factory=dict)
    errors: list[TransmissionError] = field(default_factory=list)
    echoes: list[bytes] = field(default_factory=list)
    counts: Counter[ItemOutcome] = field(default_factory=Counter)


def prepare(body: bytes, family: Family, sealer: Sealer, now: datetime) -> PreparedTransmission:
    """Read a transmission for the family of a key. Raises InvalidTransmission. Beside the loop: seconds for the longest."""
    try:
        pile = _piled(_items(body), family, sealer, now)
    except (msgspec.DecodeError, RecursionError) as error:
        if not body.lstrip().startswith(b"["):
            raise _not_a_list(body, error) from None
        pile = _piled(_items_one_by_one(body), family, sealer, now)
    transmission = Transmission(
        organisme=family.own,
        jour=paris_day(now).isoformat(),
        digest=sealer.mac(f"{USAGE}/corps", body).hex()[:32],
        acceptes=pile.counts[ItemOutcome.ACCEPTED],
        partiels=pile.counts[ItemOutcome.PARTIAL],
        rejetes=pile.counts[ItemOutcome.REJECTED] + pile.counts[ItemOutcome.FOREIGN],
        errors=tuple(pile.errors),
    )
    invalid = len(pile.echoes) > pile.counts[ItemOutcome.ACCEPTED]
    head = '{"status":"OK","message":"Queued",' + ('"detail":"Some data are invalid",' if invalid else "") + '"data":['
    answer = head.encode() + b",".join(pile.echoes) + b"]}"
    dossiers = tuple(sorted(pile.dossiers.values(), key=lambda one: one.key))
    return PreparedTransmission(transmission, dossiers, answer, pile.counts[ItemOutcome.FOREIGN])


def _piled(items: Iterable[Any], family: Family, sealer: Sealer, now: datetime) -> _Pile:
    pile = _Pile()
    for item in items:
        _add(pile, item if isinstance(item, dict) else {}, family, sealer, now)
    return pile


def _items(body: bytes) -> Iterator[Any]:
    """The items, decoded one at a time: two thousand of them as objects would weigh ten times the body."""
    parts = msgspec.json.decode(body or b"{}", type=list[msgspec.Raw])
    if len(parts) > ITEMS_MAX:
        raise _too_many()
    return map(msgspec.json.decode, parts)


def _items_one_by_one(body: bytes) -> Iterator[Any]:
    """The same of a body that the decoder refuses, or is too deep for. Raises InvalidTransmission for what is no JSON."""
    try:
        for rank, item in enumerate(one_by_one.items_of(body)):
            if rank == ITEMS_MAX:
                raise _too_many()
            yield item
    except ValueError:
        raise InvalidTransmission(UNREADABLE) from None


def _not_a_list(body: bytes, error: Exception) -> InvalidTransmission:
    """A document of another kind is told as such; a text, a number or what cannot be read is no body at all."""
    if isinstance(error, msgspec.ValidationError) and (not body or body.lstrip()[:1] == b"{"):
        return _wrong('"value" must be an array', "array.base")
    return InvalidTransmission(UNREADABLE)


def _too_many() -> InvalidTransmission:
    return _wrong(f'"value" must contain less than or equal to {ITEMS_MAX} items', "array.max", limit=ITEMS_MAX)


def _wrong(message: str, kind: str, **context: Any) -> InvalidTransmission:
    detail = {"message": message, "path": [], "type": kind, "context": {**context, "label": "value"}}
    return InvalidTransmission("Erreur de validation", [detail])


def _add(pile: _Pile, item: Mapping[str, Any], family: Family, sealer: Sealer, now: datetime) -> None:
    received = read_item(item, family)
    pile.counts[received.outcome] += 1
    identity = received.key or json.dumps(echoed(item), sort_keys=True)
    key = sealer.pseudonym(f"{USAGE}/dossier", identity)
    if received.record:
        uai = received.record["etablissement_formateur_uai"]
        pile.dossiers[key] = sealed_dossier(key, uai, received.record, sealer)
    pile.errors += _errors(item, received)
    pile.echoes.append(_echo(item, received, key, family, sealer, now))


def _errors(item: Mapping[str, Any], received: ReceivedItem) -> list[TransmissionError]:
    """The lines of an item, by what the ERP knows it by. A year that does not read may be anything, and is left out."""
    told = item.get("annee_scolaire")
    unread = any("annee_scolaire" in issue.path for issue in received.issues)
    id_erp, annee = written(item.get("id_erp_apprenant") or ""), "" if unread else written(told)
    id_erp = id_erp.encode(errors=ESCAPED).decode()
    return [TransmissionError(id_erp, annee, ",".join(issue.path), issue.message) for issue in received.issues]


def _echo(
    item: Mapping[str, Any], received: ReceivedItem, key: str, family: Family, sealer: Sealer, now: datetime
) -> bytes:
    """The item as it was sent, and what the contract adds."""
    instant = f"{now.astimezone(UTC).isoformat(timespec='milliseconds')[: -len('+00:00')]}Z"
    invalid = bool(received.issues)
    added = {
        "has_nir": bool(item.get(NIR)),
        "validation_errors": [{"message": issue.message, "path": list(issue.path)} for issue in received.issues],
        "updated_at": instant,
        "created_at": instant,
        **({"processed_at": instant} if invalid else {}),
        "source": "ERP",
        "source_organisme_id": sealer.pseudonym(f"{USAGE}/organisme", family.own)[:ID_LENGTH],
        "api_version": "v3",
        "has_error": invalid,
        "computed_day": paris_day(now).isoformat(),
        "_id": key[:ID_LENGTH],
    }
    return json.dumps({**echoed(item), **added}, ensure_ascii=False, separators=(",", ":")).encode(errors=ESCAPED)
