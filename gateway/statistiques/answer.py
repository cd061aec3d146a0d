"""Answers the statistics of an operation: chooses where they come from, has them counted, and shows them as the graph does.

question → rights and place → own list, or snapshot → lines → page → figures
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.policy import AccessPolicy
from gateway.concurrency import offload
from gateway.domain.seal import OpaqueIds
from gateway.errors import BlocksUnavailable, CallerError, StatisticsUnavailable
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.figure_resolver import ShownFigure
from gateway.federation.views.operation_context import OperationContext
from gateway.schema.statistics import Statistiques
from gateway.schema.statistics_filter import LieuDeReference
from gateway.statistiques.answered_counts import AnsweredCounts, sets_of
from gateway.statistiques.counted_figures import Comparison, CountedFigures
from gateway.statistiques.figure_rights import FigureRights, Reader, figure_rights_of
from gateway.statistiques.grid_choice import lieu_of
from gateway.statistiques.indicators import indicators
from gateway.statistiques.live_counts import Counting, counts_of, looked_up
from gateway.statistiques.own_list import OwnList
from gateway.statistiques.places import Places
from gateway.statistiques.presentation import Cursors, LinePage, binding, page_of, present
from gateway.statistiques.published_figures import Published
from gateway.statistiques.questions import Question, check_codes
from gateway.statistiques.reading_state import Known

PEOPLE_PER_UNIT = 10  # persons counted for a unit of cost, as those that a list walks (docs/graphe.md, Coût)
FREE = frozenset({"STATUT", "MOIS"})  # dimensions that point at nobody
_UNAVAILABLE = "Aucun relevé n'est à montrer"
Questions = Mapping[str, Question | CallerError]  # by response key


@dataclass(frozen=True, slots=True)
class StatisticsParts:
    """What statistics are made with. `published` None: the key that protects them is missing."""

    policy: AccessPolicy
    published: Published | None
    opaque_ids: OpaqueIds
    registry: str
    has_erp: Callable[[str], bool]
    registry_as_of: Callable[[], datetime | None]
    now: Callable[[], datetime]
    seconds: Callable[[], float]


class Statistics:
    """The statistics of a gateway."""

    def __init__(self, parts: StatisticsParts) -> None:
        self._parts = parts
        self._places: tuple[Directory | None, Places | None] = None, None
        self._answered_counts = AnsweredCounts()

    def reads_list(self, questions: Questions, viewer: Viewer) -> bool:
        """Whether one of the questions is answered from the caller's own list."""
        asked = [question for question in questions.values() if isinstance(question, Question)]
        return any(self._is_direct(question, self._figure_rights(viewer)) for question in asked)

    async def answer_all(self, questions: Questions, context: OperationContext) -> None:
        """Have the context hold the figures of each question, or what kept them from being made."""
        for key, question in questions.items():
            try:
                if isinstance(question, CallerError):
                    raise question
                context.figures.by_key[key] = await self._answer(question, context)
            except BlocksUnavailable:
                error = StatisticsUnavailable(f"{_UNAVAILABLE} : la base des statistiques ne répond pas. Réessayer.")
                context.figures.by_key[key] = ShownFigure(error)
            except CallerError as error:
                context.figures.by_key[key] = ShownFigure(error)

    async def _answer(self, question: Question, context: OperationContext) -> ShownFigure:
        places, rights = self._places_of(context.directory), self._figure_rights(context.viewer)
        check_codes(question, places)
        if self._is_direct(question, rights):
            return await self._of_list(question, rights, context)
        told = await self._of_snapshot(question, rights, context.directory)
        shown, _ = await self._show(told, question, context)
        return ShownFigure(shown, published={"releve": told.number, "question": _written(question)})

    async def _of_snapshot(self, question: Question, rights: FigureRights, directory: Directory) -> CountedFigures:
        published = self._parts.published
        if published is None:
            raise StatisticsUnavailable(f"{_UNAVAILABLE} : l'exploitant n'a pas donné la clé qui les protège.")
        lieu = lieu_of(question, rights, direct=False)
        told = await published.told(question, rights, lieu, self.known(directory))
        if told is None:
            raise StatisticsUnavailable(f"{_UNAVAILABLE} : le premier relevé n'est pas publié ; il l'est la nuit.")
        return told

    async def _of_list(self, question: Question, rights: FigureRights, context: OperationContext) -> ShownFigure:
        """What the list of the caller counts; nothing when no source answered."""
        if context.readings.silent:
            return ShownFigure(None)
        lieu = lieu_of(question, rights, direct=True)
        parts, places = self._parts, self._places_of(context.directory)
        own = OwnList(context, places, parts.registry, parts.has_erp, parts.now(), parts.seconds())
        counting, is_new = await own.counted(question, lieu)
        context.figures.walked += is_new * len(context.view.persons) // PEOPLE_PER_UNIT
        told = replace(
            own.told(question, rights, counting), comparisons=await self._compared(question, rights, lieu, context)
        )
        shown, page = await self._show(told, question, context)
        return await self._with_lookups(ShownFigure(shown), question, rights, (counting, page, context))

    async def _compared(
        self, question: Question, rights: FigureRights, lieu: LieuDeReference, context: OperationContext
    ) -> tuple[Comparison, ...]:
        """What is around, where it is published: a list is counted without."""
        if self._parts.published is None:
            return ()
        try:
            return await self._parts.published.compared(question, rights, lieu, self.known(context.directory))
        except BlocksUnavailable:
            return ()

    async def _with_lookups(
        self,
        told: ShownFigure,
        question: Question,
        rights: FigureRights,
        counted: tuple[Counting, LinePage, OperationContext],
    ) -> ShownFigure:
        """The same, with those whom its counts tell of, by themselves or beside what its account was told that day; once for an
        account and a version of the view."""
        counting, page, context = counted
        own = {name for name, codes in question.kept.items() if codes >= rights.bounds.get(name, codes | {""})}
        viewer, coordinates = context.viewer, context.decision.coordinates
        mark = hash((viewer.client, viewer.account, question.key, tuple(page.codes)))
        if mark in context.view.told:
            return told
        names = {name for name in indicators() if f"LigneStatistique.{name}" in coordinates}
        account = viewer.client, viewer.account, context.rights.perimetre.organisation, context.day
        sets = sets_of(counting, page.codes, counts_of(names))
        beside = await offload(len(context.view.persons), self._answered_counts.compared, account, sets)
        beside &= context.view.persons.keys()  # who left the list is read no more
        if question.keys - FREE - own <= set():
            return told
        return replace(told, persons=looked_up(counting, page.codes, names) | beside, mark=mark)

    async def _show(
        self, told: CountedFigures, question: Question, context: OperationContext
    ) -> tuple[Statistiques, LinePage]:
        """The page asked, made into figures. Raises InvalidCursor."""
        cursors = self._cursors(question, context)
        page, places = page_of(told, question, cursors), self._places_of(context.directory)
        return await offload(len(page.codes), present, told, page, cursors, places), page

    def _cursors(self, question: Question, context: OperationContext) -> Cursors:
        perimetre, viewer = context.rights.perimetre, context.viewer
        finalite = viewer.finalite.value if viewer.finalite else ""
        reader = (viewer.profil.value, perimetre.profil.value, perimetre.organisation, finalite, str(context.day))
        bound_to = binding(question, reader)
        ids = self._parts.opaque_ids
        return Cursors(
            lambda position: ids.seal_cursor(position, bound_to), partial(ids.open_cursor, bound_to=bound_to)
        )

    def _figure_rights(self, viewer: Viewer) -> FigureRights:
        reader = Reader(viewer.profil, viewer.perimetre.profil, viewer.finalite)
        return figure_rights_of(reader, viewer.perimetre, self._parts.policy)

    def _is_direct(self, question: Question, rights: FigureRights) -> bool:
        """Whether a question is answered from the caller's own list: never by what it selects."""
        return rights.lists and not question.asks_history

    @property
    def published(self) -> Published | None:
        """What is read of snapshots; None without the key that protects them."""
        return self._parts.published

    def known(self, directory: Directory) -> Known:
        """What is known beside the counts."""
        parts = self._parts
        return Known(self._places_of(directory), parts.has_erp, parts.registry_as_of())

    def _places_of(self, directory: Directory) -> Places:
        """The places of the referential of the moment, made once."""
        holder, places = self._places
        if places is None or holder is not directory:
            places = Places(directory.referentiel)
            self._places = directory, places
        return places


def _written(question: Question) -> dict[str, object]:
    """The question as the journal keeps it: codes of places and traits, and dates."""
    kept = {name: sorted(codes) for name, codes in sorted(question.kept.items())}
    dates = {"depuis": question.depuis, "jusqua": question.jusqua}
    told = {name: day.isoformat() for name, day in dates.items() if day}
    lieu = {"lieu": question.lieu.value} if question.lieu else {}
    return {"dimensions": list(question.dimensions), "filtre": kept | told | lieu}
