"""Detects what is new in a view beside what its perimeter knew (docs/evenements.md). Pure: reaches no store, sends nothing.

A fact is a kind, an object and a date. It is new once in a perimeter: told again by another source, it is not; of a young person
who moves in, it is. What a source says that is heard for the first time, or after long, is known from then on without a word, but
that the source was added. An incomplete view tells what appears, and never what disappears.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from gateway.domain.perimeter_events import About, Announced, Changes, EndedWrite, Fact, KnownPerimeter
from gateway.domain.seal import OpaqueIds
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.views.overlay import DEPOSIT
from gateway.federation.views.view import View, ViewPerson
from gateway.schema.events import TypeEvenement as T
from gateway.schema.nouns import Contrat, Jeune, Rupture

SILENCE = timedelta(days=7)  # after which a unit that is heard again is as one heard for the first time
HEARD_EVERY = timedelta(hours=1)  # how often it is written that a unit is heard
OLD = timedelta(days=180)  # of a rupture that is no news to anybody: the window of the list (docs/domaine.md, Rupture)
DEADLINES = (30, 7)  # days before the end of a wait at which it is told

Installation = tuple[str, str]  # of a partner: its name, and the key of a unit


@dataclass(frozen=True)
class PollResult:
    """What one poll of a perimeter found: what its sources said, the view made of it, when. `seconds`: the collector's clock;
    `ended`: the writes of its organisation whose end is told."""

    readings: SourceReadings
    view: View
    day: date
    now: datetime
    seconds: float
    ids: OpaqueIds
    ended: Sequence[EndedWrite] = ()

    @cached_property
    def answered_at(self) -> Mapping[str, datetime]:
        """When the oldest of what is used of each source was said."""
        heard = self.readings.freshness_by_source.items()
        answered = {
            name: told.as_of or self.now - timedelta(seconds=self.seconds - told.said_at) for name, told in heard
        }
        return {**answered, DEPOSIT: self.now}  # what the gateway keeps of its own is always heard

    @cached_property
    def installations(self) -> frozenset[Installation]:
        """The units heard; a registry, which is read in its copy, is one."""
        registries = {(name, "") for name, told in self.readings.freshness_by_source.items() if told.as_of}
        return frozenset({(unit.source, unit.key) for unit in self.readings.units} | registries)

    @cached_property
    def before(self) -> Mapping[str, list[str]]:
        """The ids that objects had before, by the present one; none but where persons were joined or told apart."""
        former: defaultdict[str, list[str]] = defaultdict(list)
        for old, new in self.view.former_ids.items():
            for nature in ("Jeune", "Contrat", "Rupture"):
                former[self.ids.seal(nature, new)].append(self.ids.seal(nature, old))
        return former

    def key(self, kind: T, object_: str, moment: object) -> str:
        """What stands for a fact."""
        return self.ids.stand_in(f"fait/{kind.value}/{object_}/{moment}")


def detect_changes(poll: PollResult, known: KnownPerimeter) -> Changes:
    """What a poll finds that the perimeter did not know."""
    heard, added = _units(poll, known)
    told: list[Fact] = []
    silent: list[Fact] = []
    here: set[str] = set()
    people: defaultdict[str, int] = defaultdict(int)
    for person in poll.view.persons.values():
        own = _added_to(person, added)
        for source in own:
            people[source] += 1
        for fact, is_news in _facts(person, poll):
            here.add(fact.key)
            if fact.key not in known.facts:
                (told if known.opened and is_news(known) and not _is_of(fact, own) else silent).append(fact)
    new = [fact for fact in _ends(poll) if fact.key not in known.facts]
    (told if known.opened else silent).extend(new)
    lasting = {key: one for key, one in known.facts.items() if one.lasting}
    found = _missing(poll, lasting, here) if poll.readings.complete else Changes()
    return replace(
        found,
        told=tuple(told),
        silent=tuple(silent),
        back=frozenset(key for key, one in lasting.items() if one.missing_since and key in here),
        heard=heard,
        added=tuple(_of_source(poll, name, people[name], added) for name in sorted(people)) if known.opened else (),
    )


IsNews = Callable[[KnownPerimeter], bool]


def _facts(person: ViewPerson, poll: PollResult) -> Iterator[tuple[Fact, IsNews]]:
    """All that may be told of a person, once each; and whether it is news where the perimeter does not know it."""
    jeune = person.jeune

    def fact(kind: T, object_: str, moment: object, recent: bool = True) -> tuple[Fact, IsNews]:
        def is_news(known: KnownPerimeter) -> bool:
            # Known under an id that its object had before, it is known.
            return recent and not any(
                poll.key(kind, old, moment) in known.facts for old in poll.before.get(object_, ())
            )

        return Fact(poll.key(kind, object_, moment), kind.value, About(jeune=jeune.id)), is_news

    for rupture in jeune.ruptures or []:
        recent = rupture.date is None or poll.day - rupture.date <= OLD
        told, is_news = fact(T.RUPTURE_NOUVELLE, rupture.id, rupture.date, recent)
        yield _of_rupture(told, rupture), is_news
    for contrat in jeune.contrats or []:
        yield fact(T.NOUVEAU_CONTRAT, contrat.id, contrat.date_debut, _runs(contrat, poll.day))
    if jeune.suivi and jeune.suivi.situation:
        yield fact(T.SUIVI_MODIFIE, jeune.id, f"{jeune.suivi.situation.value}/{_second(jeune.suivi.date)}")
    for kind, instant, recent in _joint_support(jeune, poll.now):
        yield fact(kind, jeune.id, instant, recent)
    for kind, moment in _waiting(jeune):
        yield fact(kind, jeune.id, moment)


def _joint_support(jeune: Jeune, now: datetime) -> Iterator[tuple[T, str, bool]]:
    """The request for joint support and its answer, and whether each is news."""
    told = jeune.collaboration
    if told and told.demandee_le:
        yield T.ACCOMPAGNEMENT_DEMANDE, _second(told.demandee_le), True
    if told and told.repondu_le:
        yield T.ACCOMPAGNEMENT_REPONDU, _second(told.repondu_le), now - told.repondu_le <= SILENCE


def _second(instant: datetime | None) -> str:
    """An instant to the second, in one zone: a partner that receives what was written tells it again, and may keep no more."""
    return str(instant and instant.astimezone(UTC).replace(microsecond=0))


def _ends(poll: PollResult) -> Iterator[Fact]:
    """The ends of writes, each told to the account that wrote."""
    for one in poll.ended:
        about = About(ecriture=one.ecriture, auteur=one.auteur)
        yield Fact(poll.key(T(one.kind), one.ecriture, one.moment), one.kind, about)


def _of_rupture(fact: Fact, rupture: Rupture) -> Fact:
    sources = rupture.sources or []
    about = replace(fact.about, rupture=rupture.id, source=sources[0] if len(sources) == 1 else None)
    return replace(fact, about=about, sources=frozenset(sources), lasting=True)


def _runs(contrat: Contrat, day: date) -> bool:
    """Whether a contract is under way or to come: a former one is no news, whoever tells it."""
    return contrat.rupture is None and (contrat.date_fin is None or contrat.date_fin >= day)


def _waiting(jeune: Jeune) -> Iterator[tuple[T, str]]:
    wait = jeune.sans_contrat
    if wait is None or wait.contrat_prevu is not None:
        return
    yield T.SANS_CONTRAT_NOUVEAU, str(wait.depuis)
    passed = [days for days in DEADLINES if not wait.depassee and wait.jours_restants <= days]
    if passed:  # the nearest alone: of who is first seen a week before the end, the month is no news
        yield T.ECHEANCE_SANS_CONTRAT, f"{wait.echeance}/{min(passed)}"


def _units(poll: PollResult, known: KnownPerimeter) -> tuple[frozenset[str], frozenset[Installation]]:
    """The stand-ins of the units heard now, where that is to be written; the units that were added."""
    heard, added = set(), set()
    for source, key in poll.installations:
        name = poll.ids.stand_in(f"unite/{source}/{key}")
        last = known.units.get(name)
        if last is None or poll.now - last > HEARD_EVERY:
            heard.add(name)
        if last is None or poll.now - last > SILENCE:
            added.add((source, key))
    return frozenset(heard), frozenset(added)


def _of_source(poll: PollResult, name: str, number: int, added: Set[Installation]) -> Fact:
    """That a source was added, once a day for the same units: two processes may find it."""
    units = "/".join(sorted(key for source, key in added if source == name))
    kind = T.SOURCE_AJOUTEE
    return Fact(poll.key(kind, name, f"{poll.day}/{units}"), kind.value, About(source=name, nombre=number))


def _added_to(person: ViewPerson, added: Set[Installation]) -> frozenset[str]:
    """The sources that were added, among those that know a person."""
    if not added:
        return frozenset()
    records = (*person.merged.cluster.sourced_records, *(who for who, _ in person.merged.follow_ups))
    return frozenset(who.source for who in records if (who.source, who.tenant) in added)


def _is_of(fact: Fact, added: Set[str]) -> bool:
    """Whether only sources that were added tell it; where it is not known who does, whether one of them knows the person."""
    return fact.sources <= added if fact.sources else bool(added)


def _missing(poll: PollResult, lasting: Mapping[str, Announced], here: Set[str]) -> Changes:
    """Of the lasting facts that are not there: those found so for the first time, and those that are over."""
    first, over, gone = set(), [], set()
    for key in lasting.keys() - here:
        fact, since = lasting[key].lasting, lasting[key].missing_since
        person = _person(poll, fact) if fact else None
        if fact is None or person is None:
            continue  # moved away, or out of sight: nothing is known of what became of it
        rupture = _now(poll, "Rupture", fact.about.rupture)
        if any(one.id == rupture for one in person.jeune.ruptures or []):
            gone.add(key)  # the same rupture at another date, or under another id: that one is known
        elif since is None and not fact.sources <= {DEPOSIT}:
            first.add(key)
        elif since is None or _answered_since(fact.sources, since, poll.answered_at):
            over.append(replace(fact, kind=T.RUPTURE_ANNULEE.value, about=About(jeune=person.jeune.id)))
    return Changes(missing=frozenset(first), ended=tuple(over), gone=frozenset(gone))


def _person(poll: PollResult, fact: Fact) -> ViewPerson | None:
    return poll.view.persons.get(_now(poll, "Jeune", fact.about.jeune) or "")


def _now(poll: PollResult, nature: str, identifier: str | None) -> str | None:
    """The id that a former one has become; the same for any other."""
    opened = poll.ids.open(identifier) if identifier and poll.view.former_ids else None
    if opened is None or opened[1] not in poll.view.former_ids:
        return identifier
    return poll.ids.seal(nature, poll.view.former_ids[opened[1]])


def _answered_since(sources: Iterable[str], instant: datetime, answered_at: Mapping[str, datetime]) -> bool:
    """Whether each source answered again since an instant."""
    return all(source in answered_at and answered_at[source] > instant for source in sources)
