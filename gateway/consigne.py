"""What one caller may take: charged before work, counted and written before the answer leaves. Knows no HTTP, no source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from gateway.alertes import Alertes
from gateway.auth.journal import Lecture, entree
from gateway.auth.quotas import PRIX_REQUETE, message, plafonds, secondes_jusqu_a_demain
from gateway.auth.rules import CategorieDonnee
from gateway.auth.viewer import Viewer
from gateway.domain.quotas import Comptage, Franchissement
from gateway.domain.temps import jour_paris
from gateway.errors import QuotaAtteint
from gateway.federation.contexte import ContexteOperation
from gateway.federation.identifiants import Identifiants
from gateway.federation.plan import montre_des_personnes
from gateway.stores.debits import Debit, Debits, Solde
from gateway.stores.journal import Journal
from gateway.stores.lot import Inscription


@dataclass(frozen=True, slots=True)
class Consigne:
    """The accounts of callers, and the journal."""

    lectures: Journal
    debits: Debits
    alertes: Alertes
    identifiants: Identifiants
    gouvernees: Mapping[str, CategorieDonnee]
    maintenant: Callable[[], datetime]

    async def entrer(self, viewer: Viewer) -> None:
        """Charge a request, before it is read. Raises QuotaAtteint."""
        await self.payer(viewer, PRIX_REQUETE)

    async def payer(self, viewer: Viewer, cout: int) -> None:
        """Charge the cost of an operation to its client, before any work. Raises QuotaAtteint."""
        depasse = await self.debits.depenser(_debit(viewer), viewer.client, cout)
        if depasse:
            raise QuotaAtteint(f"Débit dépassé : {depasse.limite} unités de coût par minute.", depasse.secondes)

    async def solde(self, viewer: Viewer) -> Solde:
        """What the client may still spend this minute."""
        return await self.debits.solde(_debit(viewer), viewer.client)

    async def retenir(self, contexte: ContexteOperation) -> None:
        """Stop an account that guesses: once it looked too often for what it may not see, it finds nothing more.

        Raises QuotaAtteint.
        """
        if not contexte.tally.lookups:
            return
        compte, permis = contexte.viewer.compte, contexte.viewer.quotas.introuvables
        depasse = await self.debits.depenser(Debit("introuvables", permis, 10), compte, contexte.tally.not_found)
        if depasse:
            self.alertes.devinettes(compte)
            raise QuotaAtteint("Trop de recherches sans résultat.", depasse.secondes)

    async def consigner(
        self, contexte: ContexteOperation, requete: str, document: str, sources: Mapping[str, str | None]
    ) -> None:
        """Write that these persons are read, and count them, before they are (SECURITY L03, A10).

        Raises QuotaAtteint, or JournalIndisponible: nothing may leave.
        """
        if not contexte.tally.shown or not montre_des_personnes(contexte.decision):
            return
        lecture = Lecture(
            quand=self.maintenant(),
            requete=requete,
            viewer=contexte.viewer,
            document=self.identifiants.pseudonyme(f"document/{document}"),
            decision=contexte.decision,
            personnes={self.identifiants.cle(lu): categories for lu, categories in contexte.tally.shown.items()},
            sources=sources,
        )
        franchis = await self.lectures.inscrire(
            Inscription(*entree(lecture, self.gouvernees), comptage=_comptage(contexte, jour_paris(lecture.quand)))
        )
        self._dire(franchis)

    def _dire(self, franchis: list[Franchissement]) -> None:
        for franchi in franchis:
            self.alertes.quota(franchi)
        arrets = [franchi for franchi in franchis if franchi.arret]
        if arrets:
            raise QuotaAtteint(message(arrets[0]), secondes_jusqu_a_demain(self.maintenant()))


def _debit(viewer: Viewer) -> Debit:
    return Debit("cout", viewer.quotas.cout_minute)


def _comptage(contexte: ContexteOperation, jour: date) -> Comptage:
    viewer, perimetre = contexte.viewer, contexte.droits.perimetre
    organisation = f"{perimetre.profil.value}/{perimetre.organisation}"
    siens = plafonds(viewer.quotas, perimetre.profil, viewer.compte, organisation, jour)
    return Comptage(siens, organisation, len(contexte.vue.personnes))
