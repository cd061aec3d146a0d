"""Where figures are of: CFAs and Missions locales, and the territories that they add up to. Pure; made of the referential."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from gateway.domain.referentiel import OrganismeRow, Referentiel
from gateway.statistiques.grids import Place

Held = tuple[str, Mapping[str, frozenset[str]]]  # a place, and the codes of what holds it, by dimension


class Places:
    """The places of one version of the referential, each with the territory that holds it."""

    def __init__(self, referentiel: Referentiel) -> None:
        self._referentiel = referentiel
        self.cfas: Mapping[str, OrganismeRow] = referentiel.organismes
        self.missions_locales = referentiel.missions_locales
        self._codes: dict[str, frozenset[str]] = {}
        self._held: dict[tuple[Place, str], Mapping[str, frozenset[str]]] = {}
        self._every: dict[Place, Sequence[Held]] = {}

    @cached_property
    def departement_of_cfa(self) -> Mapping[str, str]:
        return {uai: row.departement for uai, row in self.cfas.items() if row.departement}

    @cached_property
    def region_of_cfa(self) -> Mapping[str, str]:
        return {uai: row.region for uai, row in self.cfas.items() if row.region}

    @cached_property
    def _homes(self) -> Mapping[str, tuple[str, str]]:
        """The département and the région of each Mission locale: those of most of its communes."""
        told: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for commune in self._referentiel.communes.values():
            if commune.mission_locale:
                told[commune.mission_locale][commune.departement, commune.region] += 1
        return {code: min(counts, key=lambda home: (-counts[home], home)) for code, counts in told.items()}

    @cached_property
    def _departements(self) -> Mapping[str, tuple[str, str]]:
        """The région and the académie of each département: those that most of its CFAs tell, else its communes."""
        told: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for row in self.cfas.values():
            if row.departement and row.region and row.academie:
                told[row.departement][row.region, row.academie] += 1
        # Where there are CFAs, cells of a département are theirs: what they say of it decides whose it is.
        of_cfas = {code: min(counts, key=lambda held: (-counts[held], held)) for code, counts in told.items()}
        communes = self._referentiel.communes.values()
        return {row.departement: (row.region, row.academie) for row in communes} | of_cfas

    def holders(self, place: Place, code: str) -> Mapping[str, frozenset[str]]:
        """By dimension, the codes of the territories that hold this place, itself included; none where it is not told.

        A CFA may be of several networks.
        """
        if (place, code) not in self._held:
            told = {**_EMPTY, place.value: code, **dict(self._territories(place, code))}
            self._held[place, code] = {name: _codes(value) for name, value in told.items()}
        return self._held[place, code]

    def _territories(self, place: Place, code: str) -> Iterable[tuple[str, str | tuple[str, ...] | None]]:
        if place is Place.CFA:
            row = self.cfas.get(code)
            if row:
                yield from (("DEPARTEMENT", row.departement), ("REGION", row.region))
                yield from (("ACADEMIE", row.academie), ("RESEAU", row.reseaux))
        elif place is Place.MISSION_LOCALE:
            yield from zip(("DEPARTEMENT", "REGION"), self._homes.get(code, ()), strict=False)
        elif place is Place.DEPARTEMENT:
            yield from zip(("REGION", "ACADEMIE"), self._departements.get(code, ()), strict=False)

    def codes(self, dimension: str) -> frozenset[str]:
        """All the codes of a dimension of places."""
        if dimension not in self._codes:
            self._codes[dimension] = frozenset(self._told(dimension))
        return self._codes[dimension]

    def _told(self, dimension: str) -> Iterable[str]:
        by_kind: Mapping[str, Iterable[str]] = {"CFA": self.cfas, "MISSION_LOCALE": self.missions_locales}
        if dimension in by_kind:
            return by_kind[dimension]
        held = [self.holders(Place.CFA, uai) for uai in self.cfas]
        held += [self.holders(Place.MISSION_LOCALE, code) for code in self.missions_locales]
        held += [self.holders(Place.DEPARTEMENT, code) for code in self._departements]
        return {code for holders in held for code in holders[dimension]}

    @cached_property
    def straddling(self) -> frozenset[str]:
        """The Missions locales that serve communes of several régions: their people are not all of the région they count in."""
        regions: dict[str, set[str]] = defaultdict(set)
        for commune in self._referentiel.communes.values():
            regions[commune.mission_locale or ""].add(commune.region)
        return frozenset(code for code, told in regions.items() if len(told) > 1)

    def every(self, place: Place) -> Sequence[Held]:
        """The places of that kind that cells may have, each with what holds it."""
        if place not in self._every:
            self._every[place] = [(code, self.holders(place, code)) for code in self._base(place)]
        return self._every[place]

    def _base(self, place: Place) -> Iterable[str]:
        if place is Place.CFA:
            return self.cfas
        if place is Place.MISSION_LOCALE:
            return self.missions_locales
        told = self.departement_of_cfa if place is Place.DEPARTEMENT else self.region_of_cfa
        return sorted(set(told.values()))

    def name(self, dimension: str, code: str) -> str | None:
        """What a place is called."""
        if dimension == "CFA":
            return row.nom if (row := self.cfas.get(code)) else None
        if dimension == "MISSION_LOCALE":
            return mission.nom if (mission := self.missions_locales.get(code)) else None
        return self._referentiel.noms.get((dimension, code))


_EMPTY: Mapping[str, None] = dict.fromkeys(("DEPARTEMENT", "REGION", "ACADEMIE", "RESEAU", "CFA", "MISSION_LOCALE"))


def _codes(value: str | tuple[str, ...] | None) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset({value} if isinstance(value, str) else value)
