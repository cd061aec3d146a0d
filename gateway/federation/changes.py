"""What is new in a view beside what its perimeter knew (docs/evenements.md). Pure: reaches no store, sends nothing.

A fact is a kind, an object and a date. It is new once in a perimeter: told again by another source, it is not; of a young person
who moves in, it is. What a source says that is heard for the first time, or after long, is known from then on without a word, but
that the source was added. An incomplete view tells what appears, and never what disappears.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from gateway.domain.announcements import About, Announced, Changes, Fact, KnownPerimeter
from gateway.domain.seal import OpaqueIds
from gateway.federation.collect.kept_readings import Readings
from gateway.federation.views.view import View, ViewPerson
from gateway.schema.events import TypeEvenement as T
from gateway.schema.nouns import Contrat, Jeune, Rupture

SILENCE = timedelta(days=7)  # after which a unit that is heard again is as one heard for the first time
HEARD_EVERY = timedelta(hours=1)  # how often it is written that a unit is heard
OLD = timedelta(days=180)  # of a rupture that is no news to anybody: the window of the list (docs/domaine.md, Rupture)
DEADLINES = (30, 7)  # days before the end of a wait at which it is told

Installation = tuple[str, str]  # of a partner: its name, and the key of a unit


@dataclass(frozen=True)
class Look:
    """One look at a perimeter: what its sources said, the view made of it, when. `seconds`: the collector's clock."""

    readings: Readings
    view: View
    day: date
    now: datetime
    seconds: float
    ids: OpaqueIds

    @cached_property
    def answered_at(self) -> Mapping[str, datetime]:
        """When the oldest of what is used of each source was said."""
        heard = self.readings.freshness_by_source.items()
        return {name: told.as_of or self.now - timedelta(seconds=self.seconds - told.said_at) for name, told in heard}

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


def changes(look: Look, known: KnownPerimeter) -> Changes:
    """What a look finds that the perimeter did not know."""
    heard, added = _units(look, known)
    told: list[Fact] = []
    silent: list[Fact] = []
    here: set[str] = set()
    people: defaultdict[str, int] = defaultdict(int)
    for person in look.view.persons.values():
        own = _added_to(person, added)
        for source in own:
            people[source] += 1
        for fact, is_news in _facts(person, look):
            here.add(fact.key)
            if fact.key not in known.facts:
                (told if known.opened and is_news(known) and not _is_of(fact, own) else silent).append(fact)
    lasting = {key: one for key, one in known.facts.items() if one.lasting}
    found = _missing(look, lasting, here) if look.readings.complete else Changes()
    return replace(
        found,
        told=tuple(told),
        silent=tuple(silent),
        back=frozenset(key for key, one in lasting.items() if one.missing_since and key in here),
        heard=heard,
        added=tuple(About(source=name, nombre=people[name]) for name in sorted(people)) if known.opened else (),
    )


IsNews = Callable[[KnownPerimeter], bool]


def _facts(person: ViewPerson, look: Look) -> Iterator[tuple[Fact, IsNews]]:
    """All that may be told of a person, once each; and whether it is news where the perimeter does not know it."""
    jeune = person.jeune

    def fact(kind: T, object_: str, moment: object, recent: bool = True) -> tuple[Fact, IsNews]:
        def is_news(known: KnownPerimeter) -> bool:
            # Known under an id that its object had before, it is known.
            return recent and not any(
                look.key(kind, old, moment) in known.facts for old in look.before.get(object_, ())
            )

        return Fact(look.key(kind, object_, moment), kind.value, About(jeune=jeune.id)), is_news

    for rupture in jeune.ruptures or []:
        recent = rupture.date is None or look.day - rupture.date <= OLD
        told, is_news = fact(T.RUPTURE_NOUVELLE, rupture.id, rupture.date, recent)
        yield _of_rupture(told, rupture), is_news
    for contrat in jeune.contrats or []:
        yield fact(T.NOUVEAU_CONTRAT, contrat.id, contrat.date_debut, _runs(contrat, look.day))
    if jeune.suivi and jeune.suivi.situation:
        yield fact(T.SUIVI_MODIFIE, jeune.id, f"{jeune.suivi.situation.value}/{jeune.suivi.date}")
    if jeune.collaboration and jeune.collaboration.demandee_le:
        yield fact(T.ACCOMPAGNEMENT_DEMANDE, jeune.id, jeune.collaboration.demandee_le)
    for kind, moment in _waiting(jeune):
        yield fact(kind, jeune.id, moment)


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


def _units(look: Look, known: KnownPerimeter) -> tuple[frozenset[str], frozenset[Installation]]:
    """The stand-ins of the units heard now, where that is to be written; the units that were added."""
    heard, added = set(), set()
    for source, key in look.installations:
        name = look.ids.stand_in(f"unite/{source}/{key}")
        last = known.units.get(name)
        if last is None or look.now - last > HEARD_EVERY:
            heard.add(name)
        if last is None or look.now - last > SILENCE:
            added.add((source, key))
    return frozenset(heard), frozenset(added)


def _added_to(person: ViewPerson, added: Set[Installation]) -> frozenset[str]:
    """The sources that were added, among those that know a person."""
    if not added:
        return frozenset()
    records = (*person.merged.cluster.sourced_records, *(who for who, _ in person.merged.follow_ups))
    return frozenset(who.source for who in records if (who.source, who.tenant) in added)


def _is_of(fact: Fact, added: Set[str]) -> bool:
    """Whether only sources that were added tell it; where it is not known who does, whether one of them knows the person."""
    return fact.sources <= added if fact.sources else bool(added)


def _missing(look: Look, lasting: Mapping[str, Announced], here: Set[str]) -> Changes:
    """Of the lasting facts that are not there: those found so for the first time, and those that are over."""
    first, over, gone = set(), [], set()
    for key in lasting.keys() - here:
        fact, since = lasting[key].lasting, lasting[key].missing_since
        person = _person(look, fact) if fact else None
        if fact is None or person is None:
            continue  # moved away, or out of sight: nothing is known of what became of it
        rupture = _now(look, "Rupture", fact.about.rupture)
        if any(one.id == rupture for one in person.jeune.ruptures or []):
            gone.add(key)  # the same rupture at another date, or under another id: that one is known
        elif since is None:
            first.add(key)
        elif _answered_since(fact.sources, since, look.answered_at):
            over.append(replace(fact, kind=T.RUPTURE_ANNULEE.value, about=About(jeune=person.jeune.id)))
    return Changes(missing=frozenset(first), ended=tuple(over), gone=frozenset(gone))


def _person(look: Look, fact: Fact) -> ViewPerson | None:
    return look.view.persons.get(_now(look, "Jeune", fact.about.jeune) or "")


def _now(look: Look, nature: str, identifier: str | None) -> str | None:
    """The id that a former one has become; the same for any other."""
    opened = look.ids.open(identifier) if identifier and look.view.former_ids else None
    if opened is None or opened[1] not in look.view.former_ids:
        return identifier
    return look.ids.seal(nature, look.view.former_ids[opened[1]])


def _answered_since(sources: Iterable[str], instant: datetime, answered_at: Mapping[str, datetime]) -> bool:
    """Whether each source answered again since an instant."""
    return all(source in answered_at and answered_at[source] > instant for source in sources)
