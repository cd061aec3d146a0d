"""Accepts a write, in order: key, person, checks, journal, commit. What is answered comes after all of it, and shows it.

    known key → what it did · unknown: found → checked → journal → commit (key, write, place in its order) → laid over → journal

Nothing is kept before its journal entry, nothing is acknowledged before its commit: whoever is not answered asks again with the
same key. Knows no HTTP, no field of what is answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import strawberry
from graphql import GraphQLSchema, VariableValues
from sqlalchemy import Connection

from gateway.audit.entries import Written, write_entry
from gateway.audit.quotas_and_journal import account_of
from gateway.auth.authentication.clients import Viewer, seconds_to_tomorrow
from gateway.auth.policy.acts import Acte
from gateway.auth.policy.policy import AccessPolicy, WriteRow
from gateway.correlation import RequestTrace
from gateway.documents.parse import Document
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.errors import KeyReused, QuotaReached, WritesUnavailable
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.overlay import ViewInputs
from gateway.federation.views.view import OF_NOBODY, Rights
from gateway.federation.views.write_resolver import WriteOutcome, WriteResolver
from gateway.schema.write_states import EtatEcriture
from gateway.schema.writes import CodeErreurEcriture, Ecriture, ErreurEcriture
from gateway.stores.journal import Journal
from gateway.stores.write_changes import resume, withdraw
from gateway.stores.write_store import ChangedSince, DailyLimits, KeptWrite, LimitReached, NewWrite, UsedKey, WriteStore
from gateway.writes.eligibility import WriteTarget, checked, error, not_found, target_of
from gateway.writes.mutation_input import AskedWrite, asked_write, is_mutation, told_fields
from gateway.writes.pending_writes import WRITE_NATURE, PendingWrites
from gateway.writes.sealed_body import (
    Destination,
    body_of,
    open_body,
    organisation_name,
    person_name,
    seal_body,
    subject_name,
)

LISTED = 1000  # writes of an organisation that its list may hold
About = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]  # keys of persons, and of their records


class Destinations(Protocol):
    """Which partners receive writes."""

    def destination(self, acte: Acte, target: WriteTarget) -> Destination:
        """Where a write goes."""
        ...


class NoDestination:
    """No partner receives anything: the gateway keeps what is written."""

    def destination(self, acte: Acte, target: WriteTarget) -> Destination:
        """Nowhere."""
        return Destination()


@dataclass(frozen=True)
class Writes:
    """The writes of one process."""

    store: WriteStore
    pending: PendingWrites
    journal: Journal
    sealer: Sealer
    opaque_ids: OpaqueIds
    policy: AccessPolicy
    destinations: Destinations
    now: Callable[[], datetime]

    def rights_of(self, viewer: Viewer) -> Rights:
        """Those by which the person of a write is found: the author's own; where it reads nobody for its purpose, and acts for a
        CFA, those of the CFA. Nothing more is shown for that."""
        profil, comme = viewer.profil, viewer.perimetre.profil
        reads = any(row.categories - OF_NOBODY for row in self.policy.rows(profil, viewer.finalite, comme))
        return Rights(self.policy, profil if reads else comme, viewer.finalite, viewer.perimetre)

    def over(self, context: OperationContext) -> OperationContext:
        """The context with what was written of the persons that it may show."""
        inputs = ViewInputs(context.rights, context.directory, context.day, context.readings)
        base = context.written.base or context.view
        return replace(context, view=self.pending.over(base, inputs), written=replace(context.written, base=base))

    async def serve(
        self,
        schema: GraphQLSchema,
        context: OperationContext,
        document: Document,
        variables: VariableValues,
        trace: RequestTrace,
    ) -> OperationContext:
        """The context once what the operation writes is kept, or with the writes that it lists. Raises as `write` does."""
        if not is_mutation(document):
            return await self.listed(context)
        asked = asked_write(schema, document, variables)
        with trace.stage("ecriture"):
            return await self.write(context, asked, trace) if asked else context

    async def listed(self, context: OperationContext) -> OperationContext:
        """The context with the writes of the caller's organisation. Raises WritesUnavailable."""
        kept = await self.store.of_organisation(self._organisation(context.viewer), LISTED)
        shown = tuple(shown_write(write, self.opaque_ids) for write in kept)
        return replace(context, written=replace(context.written, listed=shown))

    async def write(self, context: OperationContext, asked: AskedWrite, trace: RequestTrace) -> OperationContext:
        """The context once the write is kept, or is not for a reason that its author can correct.

        Raises KeyReused, QuotaReached, JournalUnavailable, WritesUnavailable: then nothing is written, or all of it was.
        """
        if not asked.has_valid_key:
            said = "La clé a de 16 à 64 lettres sans accent, chiffres ou tirets."
            return replace(context, written=_with(context, [error(CodeErreurEcriture.INVALIDE, said, "cle")]))
        key = self._key(context.viewer, asked)
        known = await self.store.used(key)
        if known is not None:
            return await self._again(context, key, known)
        if asked.change:
            return await self._change(context, asked, key, trace)
        return await self._accept(context, asked, key, trace)

    async def _again(self, context: OperationContext, key: UsedKey, known: tuple[str, KeptWrite]) -> OperationContext:
        """What the key did, in its present state."""
        if known[0] != key.empreinte:
            raise KeyReused
        return await self._done(context, known[1].id, rejouee=True)

    async def _accept(
        self, context: OperationContext, asked: AskedWrite, key: UsedKey, trace: RequestTrace
    ) -> OperationContext:
        saisie, viewer = asked.saisie, context.viewer
        assert saisie is not None and asked.acte is not None  # noqa: S101, PT018 - no change is accepted here
        if getattr(saisie, "version", None):
            context = self.over(context)  # judged on all that is heard of now, and kept on nothing else
        revision = self.pending.revision
        champ = "contrat" if hasattr(saisie, "contrat") else "jeune"
        found = target_of(asked, context.view, self._rows(viewer), viewer.perimetre)
        if found is None:
            if not context.readings.complete:
                # Nobody knows whether there is such a person: the same answer for all, and the author asks again.
                raise WritesUnavailable("des sources ne répondent pas")
            return replace(context, written=_with(context, [not_found(champ)]))
        target = checked(saisie, found, viewer.perimetre, context.day)
        jeune = found[0].jeune.id
        if not isinstance(target, WriteTarget):
            return replace(context, written=_with(context, target, jeune=jeune))
        about = self._about(context, jeune)
        await self._journal(context, trace, asked, "DEMANDEE", about)
        try:
            known = await self._commit(context, asked, key, target, revision)
        except ChangedSince:  # by another process: judged again, on what is there now
            await self.pending.follow()
            return await self._accept(self.over(context), asked, key, trace)
        if known is not None:
            return await self._again(context, key, known)
        await self._journal(context, trace, asked, "ACCEPTEE", about)
        return await self._done(context, self._identifier(key))

    async def _commit(
        self, context: OperationContext, asked: AskedWrite, key: UsedKey, target: WriteTarget, revision: int
    ) -> tuple[str, KeptWrite] | None:
        """Keep it; what its key did, where it served meanwhile."""
        acte, viewer = asked.acte, context.viewer
        assert asked.saisie is not None and acte is not None  # noqa: S101, PT018 - no change is accepted here
        destination = self.destinations.destination(acte, target)
        body = body_of(asked.saisie, target, viewer.perimetre.organisation, destination)
        identifier, person = self._identifier(key), self.person_name(body.jeune)
        write = NewWrite(
            id=identifier,
            acte=acte.value,
            personne=person,
            sujet=subject_name(self.sealer, person, destination),
            destination=destination.name,
            sealed=seal_body(self.sealer, identifier, body),
            since=revision if getattr(asked.saisie, "version", None) else None,
        )
        quotas = viewer.quotas
        try:
            limits = DailyLimits(quotas.writes_a_day, quotas.organisation_writes_a_day)
            return await self.store.accept(key, write, limits, self.now())
        except LimitReached as reached:
            said = f"Quota atteint : {reached.limit} écritures par jour et par {reached.whose}. Reprendre demain."
            raise QuotaReached(said, seconds_to_tomorrow(self.now())) from None

    async def _change(
        self, context: OperationContext, asked: AskedWrite, key: UsedKey, trace: RequestTrace
    ) -> OperationContext:
        """Take back, or send again, a write of one's organisation, by whoever may do what it does."""
        identifier = _key_of(asked.target, self.opaque_ids) or ""
        kept = await self.store.one(identifier)
        acts = {acte.value for row in self._rows(context.viewer) for acte in row.actes}
        if kept is None or kept.organisation != key.organisation or kept.acte not in acts:
            return replace(context, written=_with(context, [not_found("ecriture")]))
        await self._journal(context, trace, asked, "DEMANDEE", ((), ()))
        if not await self.store.change(key, identifier, _CHANGES[asked.change], self.now()):
            if known := await self.store.used(key):
                return await self._again(context, key, known)
            said = "L'état de cette écriture ne le permet pas, ou plus."
            refused = error(CodeErreurEcriture.NON_ELIGIBLE, said, "ecriture")
            return replace(context, written=_with(context, [refused], shown_write(kept, self.opaque_ids)))
        await self._journal(context, trace, asked, "ACCEPTEE", ((), ()))
        return await self._done(context, identifier)

    async def _done(self, context: OperationContext, identifier: str, rejouee: bool = False) -> OperationContext:
        """The context as it is after a write: whom it is about is read with what was written."""
        kept = await self.store.one(identifier)
        await self.pending.follow()
        body = open_body(self.sealer, kept) if kept else None
        after = self.over(context)
        shown = shown_write(kept, self.opaque_ids, rejouee) if kept else None
        told = WriteOutcome([], shown, body.jeune if body else None, body.contrat if body else None)
        return replace(after, written=replace(after.written, outcome=told))

    async def _journal(
        self, context: OperationContext, trace: RequestTrace, asked: AskedWrite, issue: str, about: About
    ) -> None:
        """Raises JournalUnavailable: nothing is written."""
        fields = told_fields(asked.saisie) if asked.saisie else ()
        written = Written(asked.field, tuple(fields), issue, *about)
        await self.journal.append(write_entry(self.now(), trace, context.viewer, written))

    def _about(self, context: OperationContext, jeune: str) -> About:
        """The keys by which the journal knows a person, and her records."""
        return (self.opaque_ids.key(jeune),), (context.view.records.get(jeune, ()),)

    def person_name(self, jeune: str) -> str:
        """What a person is called in the store."""
        return person_name(self.sealer, self.opaque_ids.key(jeune))

    def _rows(self, viewer: Viewer) -> tuple[WriteRow, ...]:
        return self.policy.writes(viewer.profil, viewer.finalite, viewer.perimetre.profil)

    def _key(self, viewer: Viewer, asked: AskedWrite) -> UsedKey:
        account = account_of(self.opaque_ids, viewer.client, viewer.account)
        return UsedKey(
            compte=account.code,
            cle=self.sealer.pseudonym("ecriture/cle", asked.key),
            organisation=self._organisation(viewer),
            empreinte=self.sealer.mac("ecriture/saisie", asked.content).hex()[:32],
        )

    def _identifier(self, key: UsedKey) -> str:
        """Of the write that a key makes: the same each time."""
        return self.sealer.pseudonym("ecriture/id", f"{key.compte}|{key.cle}")

    def _organisation(self, viewer: Viewer) -> str:
        return organisation_name(self.sealer, viewer.perimetre.profil, viewer.perimetre.organisation)


_CHANGES: Mapping[str, Callable[[Connection, KeptWrite], bool]] = {"reprise": resume, "abandon": withdraw}


def shown_write(write: KeptWrite, opaque_ids: OpaqueIds, rejouee: bool = False) -> Ecriture:
    """A write as the graph tells it."""
    return Ecriture(
        id=strawberry.ID(opaque_ids.seal(WRITE_NATURE, write.id)),
        acte=Acte(write.acte),
        etat=EtatEcriture(write.etat),
        acceptee_le=write.accepted_at,
        transmise_le=write.sent_at,
        essais=write.tries,
        motif=write.motif or None,
        rejouee=rejouee,
    )


def _key_of(identifier: str, opaque_ids: OpaqueIds) -> str | None:
    nature, key = opaque_ids.open(identifier) or ("", "")
    return key if nature == WRITE_NATURE else None


def _with(
    context: OperationContext, errors: list[ErreurEcriture], ecriture: Ecriture | None = None, jeune: str | None = None
) -> WriteResolver:
    return replace(context.written, outcome=WriteOutcome(errors, ecriture, jeune))
