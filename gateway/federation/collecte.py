"""Asks the sources what a plan states, within the deadline of the answer, and keeps what each said and how fresh it is.

Knows units and kinds of sources; no HTTP, no rule of merge or of access.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from gateway.connectors.base import Dossier
from gateway.errors import ErreurSource
from gateway.federation.annuaire import Annuaire
from gateway.federation.concernes import dans_l_ordre, residents_par_cfa
from gateway.federation.ecart import a_l_ecart
from gateway.federation.merge import residence
from gateway.federation.plan import Plan
from gateway.federation.rapprochement import rapprocher
from gateway.federation.recolte import Freshness, ReadingsCache, Recolte, Subject
from gateway.federation.registre import Cles, DuRegistre, Registre, lire_registre
from gateway.federation.temoignages import Temoignage
from gateway.schema.lieux import TypeSource
from gateway.sources.unites import Echec, EtatCache, Ressource, Resultat, Unite

# Of the answer's deadline. Partners first; the registry's store is ours and near; the rest is for merging and writing.
PART_DES_SOURCES = 0.8
PART_DU_REGISTRE = 0.95
VERIFICATION = 1.0  # seconds before a reading is looked at again: what an event changes shows within five


class Interrogeables(Protocol):
    """The sources asked at query time."""

    def partenaire_du_cfa(self, uai: str) -> str | None: ...
    def sources_de(self, type_source: TypeSource) -> tuple[str, ...]: ...
    def plafond(self, source: str) -> int: ...
    async def lire(
        self, unites: Sequence[Unite], delai: float, age_max: float | None, compte: Counter[str]
    ) -> list[Resultat | Echec]: ...
    async def tenues(self, unites: Sequence[Unite]) -> list[Resultat | None]: ...


@dataclass(frozen=True, slots=True)
class Collecteur:
    """The sources, and how long an answer may wait for them."""

    interrogeables: Interrogeables
    registre: Registre
    nom_registre: str
    delai: float
    horloge: Callable[[], float]
    sans_mission_locale: Callable[[str, int], None]  # counts, by source, the homes that nobody can place (ANSWERS 4)
    cache: ReadingsCache = field(default_factory=ReadingsCache)

    async def collecter(self, plan: Plan, annuaire: Annuaire, age_max: float | None = None) -> Recolte:
        """What the sources say; what was heard last for the same plan as long as each of them still says it, so that a
        warm query costs what its page costs, whatever the perimeter holds. `age_max`: in seconds, when the caller wants no
        older answer, where the partners allow it."""
        subject = plan, annuaire
        if age_max is None and (kept := await self._still_true(subject)):
            return kept
        # One reading for all who ask meanwhile: two hundred that join the same records would stop the process.
        return await self.cache.flights.run((subject, age_max), partial(self._lire, subject, age_max))

    async def _still_true(self, subject: Subject) -> Recolte | None:
        """The last reading while every unit is kept, young, at the version that was heard, and the registry brought nothing;
        its ages may be less than they were: a partner confirms what it said. Asks nobody."""
        kept, instant = self.cache.last(subject), self.horloge()
        if kept is None or instant < kept.verifiee + VERIFICATION:
            return kept
        if not kept.complete:
            return None
        again = kept.again(await self.interrogeables.tenues(tuple(kept.unites)), instant)
        if again is None or await self.registre.version() != kept.registre:
            return None
        self.cache.keep(subject, again)
        return again

    async def _lire(self, subject: Subject, age_max: float | None) -> Recolte:
        """Ask the units heard last time, all together; when they do not all say the same again, or the registry brought
        something, follow the plan."""
        debut = self.horloge()
        fin, limite = debut + self.delai * PART_DES_SOURCES, debut + self.delai * PART_DU_REGISTRE
        tour = _Tour(self.interrogeables, lambda: fin - self.horloge(), age_max)
        last, recolte = self.cache.last(subject), None
        if last and last.complete and last.registre == await self.registre.version():
            recolte = last.again(await tour.lire(tuple(last.unites)), self.horloge())
        recolte = recolte or await self._suivre(*subject, tour, limite)
        recolte.verifiee = self.horloge()
        if recolte.durable:
            self.cache.keep(subject, recolte)
        return recolte

    async def _suivre(self, plan: Plan, annuaire: Annuaire, tour: "_Tour", limite: float) -> Recolte:
        """Ask the units of the plan and the registry together, then the CFAs that the registry adds for residents, then
        the registry for whoever was found elsewhere. When a partner would be asked for too much, the registry comes first."""
        recolte = Recolte()

        async def demander(unites: Sequence[Unite]) -> None:
            self._noter(recolte, await tour.lire(unites), annuaire)

        par_cfa = () if plan.codes_postaux else annuaire.cles_des_cfas(plan.uais)
        premieres = [*self._structures(plan.structures), *self._cfas(plan.uais)]
        if self._trop(premieres):  # some will be left out: not those where the residents are
            premieres = []
        registre, _ = await asyncio.gather(
            self._du_registre(recolte, limite, (plan.codes_postaux, par_cfa, ())), demander(premieres)
        )
        dits = registre.dossiers if registre and plan.codes_postaux else ()  # a CFA's people are asked of that CFA
        cfas = dans_l_ordre(plan.uais, residents_par_cfa(dits, plan, annuaire))
        toutes = [*self._structures(plan.structures), *self._cfas(cfas)]
        await demander([unite for unite in toutes if unite not in premieres])
        await self._entendre_le_registre(recolte, limite, plan, annuaire)
        if plan.suivi:
            lus = recolte.temoignages
            structures = await a_l_ecart(len(lus), _structures_de_residence, lus, annuaire)
            await demander(self._structures(structures))
        return recolte

    def _trop(self, unites: Iterable[Unite]) -> bool:
        """Whether one query may not ask for all that."""
        return any(n > self.interrogeables.plafond(source) for source, n in Counter(u.source for u in unites).items())

    def _cfas(self, uais: Iterable[str]) -> list[Unite]:
        servis = [(uai, self.interrogeables.partenaire_du_cfa(uai)) for uai in uais]
        return [Unite(source, Ressource.CFA, uai) for uai, source in servis if source]

    def _structures(self, codes: Iterable[str]) -> list[Unite]:
        sources = self.interrogeables.sources_de(TypeSource.MISSION_LOCALE)
        return [Unite(source, Ressource.STRUCTURE, code) for source in sources for code in codes]

    async def _entendre_le_registre(self, recolte: Recolte, fin: float, plan: Plan, annuaire: Annuaire) -> None:
        """The contracts of whoever was found elsewhere and may be of the perimeter."""
        if self.nom_registre in recolte.erreurs:
            return
        lus = recolte.temoignages
        absents = await a_l_ecart(len(lus), _absents, lus, plan, annuaire, self.nom_registre)
        if absents:
            await self._du_registre(recolte, fin, ((), (), absents))

    async def _du_registre(self, recolte: Recolte, fin: float, cles: Cles) -> DuRegistre | None:
        """Read the store within the deadline, and note what it tells; None, and an error noted, when it tells nothing."""
        lue = await lire_registre(self.registre, self.nom_registre, fin - self.horloge(), cles)
        if isinstance(lue, ErreurSource):
            recolte.erreurs[self.nom_registre] = lue
            recolte.registre += "?"  # what it lacks makes it another reading
            return None
        reponse, as_of = lue
        changed = recolte.registre not in {"", reponse.version}
        recolte.registre = f"{recolte.registre}+{reponse.version}" if changed else reponse.version
        recolte.fraicheurs[self.nom_registre] = Freshness("moisson", self.horloge(), as_of)
        recolte.temoignages += [
            Temoignage(self.nom_registre, TypeSource.REGISTRE_CONTRATS, "", dossier, as_of)
            for dossier in reponse.dossiers
        ]
        return reponse

    def _temoignages(self, resultat: Resultat) -> list[Temoignage]:
        """The testimonies of an answer, made once: what they were read to mean is kept with them."""
        unite = resultat.unite
        connus = self.cache.records(unite, resultat.version)
        if connus is not None:
            return connus
        nature = TypeSource.MISSION_LOCALE if unite.ressource is Ressource.STRUCTURE else TypeSource.ERP_CFA
        dits = [Temoignage(unite.source, nature, unite.cle, d, resultat.recu_le) for d in resultat.dossiers]
        self.cache.keep_records(unite, resultat.version, dits)
        return dits

    def _noter(self, recolte: Recolte, rendus: Sequence[Resultat | Echec], annuaire: Annuaire) -> None:
        for rendu in rendus:
            source = rendu.unite.source
            resultat = rendu.secours if isinstance(rendu, Echec) else rendu
            if isinstance(rendu, Echec):
                (recolte.secourues if rendu.secours else recolte.erreurs).setdefault(source, rendu.erreur)
            if resultat:
                self._entendre(recolte, resultat)
            if resultat and resultat.cache is EtatCache.MANQUE:
                self.sans_mission_locale(source, _non_places(resultat.dossiers, annuaire))

    def _entendre(self, recolte: Recolte, resultat: Resultat) -> None:
        unite = resultat.unite
        if unite.ressource is Ressource.STRUCTURE:
            recolte.suivi_entendu |= {unite.cle}
        recolte.unites[unite] = resultat.version
        recolte.date([resultat], self.horloge())
        recolte.temoignages += self._temoignages(resultat)


@dataclass(frozen=True, slots=True)
class _Tour:
    """One reading under way: each unit is asked once, and so many of a partner. `reste`: the seconds left."""

    interrogeables: Interrogeables
    reste: Callable[[], float]
    age_max: float | None
    lus: dict[Unite, Resultat | Echec] = field(default_factory=dict)
    compte: Counter[str] = field(default_factory=Counter)

    async def lire(self, unites: Sequence[Unite]) -> list[Resultat | Echec]:
        """What each says, in order."""
        if nouvelles := [unite for unite in unites if unite not in self.lus]:
            lus = await self.interrogeables.lire(nouvelles, self.reste(), self.age_max, self.compte)
            self.lus.update(zip(nouvelles, lus, strict=True))
        return [self.lus[unite] for unite in unites]


def _non_places(dossiers: Iterable[Dossier], annuaire: Annuaire) -> int:
    adresses = (dossier.jeune.adresse for dossier in dossiers)
    return sum(annuaire.mission_locale_du_domicile(adresse) is None for adresse in adresses if adresse)


def _absents(temoignages: Sequence[Temoignage], plan: Plan, annuaire: Annuaire, registre: str) -> set[str]:
    """Who may be of the perimeter, and that the registry has not told of. Normalising thousands of names holds a loop."""
    concernes = {t.identite for t in temoignages if _peut_concerner(t, plan, annuaire)}
    return concernes - {t.identite for t in temoignages if t.source == registre}


def _peut_concerner(temoignage: Temoignage, plan: Plan, annuaire: Annuaire) -> bool:
    """Those who see by residence need the contracts of homes that are theirs, or that nobody can place yet."""
    if not plan.codes_postaux or temoignage.type is TypeSource.MISSION_LOCALE:
        return True
    code = annuaire.mission_locale_du_domicile(temoignage.jeune.adresse)
    return code is None or code in plan.missions_locales


def _structures_de_residence(temoignages: list[Temoignage], annuaire: Annuaire) -> list[str]:
    """The Missions locales of the homes of everybody found."""
    lieux = (residence(groupe, annuaire)[1] for groupe in rapprocher(temoignages))
    return sorted({lieu.mission_locale for lieu in lieux if lieu and lieu.mission_locale})
