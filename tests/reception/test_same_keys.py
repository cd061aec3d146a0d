"""`meme_cles`: a CFA that is asked and transmits under one numbering. One number is one person, before any likeness of identity;
two of name, first name and birth that are others are two persons all the same, as under one number of one installation."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connectors.base import Record
from gateway.domain.matching import match
from gateway.domain.official_numbers import Traits
from gateway.domain.similarity import compare, weights
from gateway.errors import SourceTimedOut
from gateway.federation.join.components import NOTHING, regroup
from gateway.federation.join.join_records import SourcedRecord, link, told_by
from gateway.federation.join.record_pool import RecordPool
from gateway.schema.nouns import Jeune, Sexe
from gateway.sources.received import NAME, AskedAndReceived, ReceivedDossiers
from gateway.sources.units import CacheStatus, PushState, Resource, Unit, UnitFailure, UnitResult
from gateway.stores.receptions import ReceptionStore
from tests.reception.test_store import push
from tests.support.reception.facts import UAI, item
from tests.support.reception.world import NOW, SEALER
from tests.support.unit.identity import contrat, trait

CORRECTED = {"prenom": "Zoé", "telephone": "0639980002", "sexe": Sexe.M}  # nothing that likeness would join
Names = list[list[str]]


def result(source: str, *people: tuple[str, dict[str, Any]], same_keys: bool = True) -> UnitResult:
    """What a source says of the CFA: each by its number, and how it differs from Anaïs Le Goff, born on 7 March 2006."""
    told = {"nom": "Le Goff", "prenom": "Anaïs", "date_naissance": date(2006, 3, 7)}
    records = tuple(Record(key, Jeune(**{**told, **values})) for key, values in people)
    pushed = PushState(NOW, None) if source == NAME else None  # type: ignore[arg-type]
    unit = Unit(source, Resource.CFA, UAI)
    return UnitResult(unit, records, NOW, CacheStatus.MISSED, "1", pushed=pushed, same_keys=same_keys)


def joined(*results: UnitResult) -> Names:
    """The persons, each as its records, grouped at once and by change alike."""
    told = {(one.unit.source, one.unit.key): told_by(one, None) for one in results}
    at_once = _names(link([who for records in told.values() for who in records]))
    assert _names(regroup(RecordPool(), told, before=NOTHING).in_order) == at_once
    return at_once


def _names(clusters: Any) -> Names:
    def name(who: SourcedRecord) -> str:
        return f"{who.source} {who.record.key}"

    return sorted(sorted(map(name, one.sourced_records)) for one in clusters)


def test_one_number_is_one_person_though_likeness_would_keep_them_apart() -> None:
    asked, received = ("E-1", {"telephone": "0639980001", "sexe": Sexe.F}), ("E-1", CORRECTED)
    together = [["erp E-1", "transmissions E-1"]]
    assert joined(result("erp", asked), result(NAME, received)) == together
    apart = result("erp", asked, same_keys=False), result(NAME, received, same_keys=False)
    assert joined(*apart) == [["erp E-1"], ["transmissions E-1"]]


def test_two_homonyms_of_a_cfa_are_told_apart_by_their_numbers() -> None:
    """By identity each of the four is claimed as strongly by two, and none is joined."""
    two: list[tuple[str, dict[str, Any]]] = [("E-1", {}), ("E-2", {})]
    assert joined(result("erp", *two), result(NAME, *two)) == [
        ["erp E-1", "transmissions E-1"],
        ["erp E-2", "transmissions E-2"],
    ]
    apart = joined(result("erp", *two, same_keys=False), result(NAME, *two, same_keys=False))
    assert [len(one) for one in apart] == [1, 1, 1, 1]


def test_a_number_given_to_somebody_else_joins_nobody() -> None:
    other = {"nom": "Petit", "prenom": "Emma", "date_naissance": date(2004, 11, 20)}
    assert joined(result("erp", ("E-1", {})), result(NAME, ("E-1", other))) == [["erp E-1"], ["transmissions E-1"]]


def test_the_same_number_at_another_cfa_is_nothing_in_common() -> None:
    elsewhere = replace(result("erp", ("E-1", CORRECTED)), unit=Unit("erp", Resource.CFA, "0600009Z"))
    assert joined(elsewhere, result(NAME, ("E-1", {}))) == [["erp E-1"], ["transmissions E-1"]]


def test_what_has_no_such_number_is_joined_by_identity_as_before() -> None:
    assert joined(result("erp", ("E-1", {})), result(NAME, ("E-9", {}))) == [["erp E-1", "transmissions E-9"]]


VALUES = st.fixed_dictionaries(
    {
        "nom": st.sampled_from(["Le Goff", "LE GOF", "Petit"]),
        "prenom": st.sampled_from(["Anaïs", "Emma", "A", "INCONNU"]),
        "naissance": st.sampled_from([date(2006, 3, 7), date(2006, 7, 3), date(2004, 11, 20), date(1900, 1, 1)]),
        "sexe": st.sampled_from([None, "F", "M"]),
        "telephone": st.sampled_from([None, "0639980001", "0639980002"]),
        "courriel": st.sampled_from([None, "a@jeune.invalid", "b@jeune.invalid"]),
        "ine": st.sampled_from([None, "123456789AB", "987654321BA"]),
        "code_postal": st.sampled_from([None, "60000", "13001"]),
        "cfas": st.sampled_from([frozenset[str](), frozenset({UAI}), frozenset({"0600009Z"})]),
        "contrats": st.sampled_from([(), (contrat("060A"),), (contrat("060B", siren="356000000"),)]),
    }
)


@given(VALUES, VALUES, VALUES)
def test_no_likeness_of_a_third_record_weighs_as_much_as_a_number(
    asked: dict[str, Any], received: dict[str, Any], third: dict[str, Any]
) -> None:
    number = (UAI, "E-1")
    one, other = trait("erp", "E-1", dossier=number, **asked), trait(NAME, "E-1", dossier=number, **received)
    rival = trait("registre", "060A", **third)
    found = compare(one, other)
    if ("dossier", "numero") not in found.agreements:
        levels = dict(found.agreements)
        assert [levels[name] for name in ("nom", "prenom", "naissance")].count("autre") >= 2
        return
    assert found.score > compare(one, rival).score + weights().marge
    assert found.score > compare(other, rival).score + weights().marge
    assert _is_together(one, other, rival) or not one.full_words or not other.full_words


def _is_together(one: Traits, other: Traits, rival: Traits) -> bool:
    persons, _ = match([one, other, rival])
    (person,) = [person for person in persons if one in person.members]
    # Only a third record that contradicts one of them could be with the other, and it never comes first.
    return other in person.members or compare(one, rival).score < weights().contradiction


@pytest.mark.anyio
async def test_both_sources_of_a_cfa_say_so_and_nobody_else(store: ReceptionStore) -> None:
    process = ReceivedDossiers(store, SEALER, lambda: NOW, lambda: 0.0)
    await push(store, item())
    asked, failing = Unit("erp", Resource.CFA, UAI), Unit("lent", Resource.CFA, UAI)
    units = [asked, failing, Unit(NAME, Resource.CFA, UAI), Unit("erp", Resource.CFA, "0600009Z")]
    both = AskedAndReceived(Partners(), process)  # type: ignore[arg-type]
    told = await both.read(units, 5.0, None, Counter())
    assert [one.unit for one in told] == units
    kept = [one.fallback if isinstance(one, UnitFailure) else one for one in told]
    assert [one and one.same_keys for one in kept] == [True, True, True, False]


class Partners:
    """A partner that answers, one that does not, and had answered."""

    same_keys = frozenset({UAI})

    async def read(self, units: list[Unit], *_: object) -> list[UnitResult | UnitFailure]:
        at_last = {unit: UnitResult(unit, (), NOW, CacheStatus.STALE, "1") for unit in units}
        late = SourceTimedOut("lent", "en retard")
        return [UnitFailure(u, late, at_last[u]) if u.source == "lent" else at_last[u] for u in units]
