"""Whether a write may be accepted of the person that its author sees: the rules of docs/ecritures.md. Pure; reaches no store.

What the author can correct is an error as data. Somebody out of the perimeter and nobody are told in the same words.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.auth.policy.policy import Perimetre, WriteRow, is_followed_age, relations
from gateway.auth.policy.rules import Profil
from gateway.domain.official_numbers import normalise_courriel, normalise_telephone
from gateway.domain.statut import StatutApprenant
from gateway.federation.views.view import View, ViewPerson
from gateway.schema.nouns import Contrat, Jeune, SituationSuivi
from gateway.schema.write_states import version_of
from gateway.schema.writes import (
    CodeErreurEcriture,
    ErreurEcriture,
    SaisieAccompagnement,
    SaisieReponse,
    SaisieRupture,
    SaisieSuivi,
)
from gateway.writes.mutation_input import AskedWrite, Saisie

TEXT_MAX = 2000  # characters
ELIGIBLE_DAYS = 180  # since the rupture: docs/domaine.md, Rupture
DECLARED_DAYS = 365  # within which a rupture may be declared
BREAKS = "\n\r\t"  # control characters that a text of several lines holds
Code = CodeErreurEcriture
Found = tuple[ViewPerson, Contrat | None]


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """Whom an accepted write is about, and which Mission locale it concerns, where it is for one."""

    person: ViewPerson
    contrat: Contrat | None
    mission_locale: str


def error(code: CodeErreurEcriture, message: str, champ: str | None = None) -> ErreurEcriture:
    """An error that its author can correct."""
    return ErreurEcriture(code=code, message=message, champ=champ)


def not_found(champ: str) -> ErreurEcriture:
    """The same, whether it does not exist or is out of the perimeter."""
    return error(Code.INTROUVABLE, "Aucun objet de mon périmètre n'a cet identifiant.", champ)


def target_of(asked: AskedWrite, view: View, rows: tuple[WriteRow, ...], perimetre: Perimetre) -> Found | None:
    """The person, and the contract, that a write names, where a row of the policy lets its author write of them."""
    saisie = asked.saisie
    if isinstance(saisie, SaisieRupture):
        found = view.contrats.get(saisie.contrat)
        if found is None or not found[1].cfa or found[1].cfa.uai not in perimetre.uais:
            return None
        person, contrat = found[0], found[1]
    else:
        known = view.persons.get(saisie.jeune) if saisie else None
        if known is None:
            return None
        person, contrat = known, None
    ties = relations(perimetre, person.affiliation)
    if not any(asked.acte in row.actes and row.relations & ties for row in rows):
        return None
    return person, contrat


def checked(saisie: Saisie, found: Found, perimetre: Perimetre, day: date) -> WriteTarget | list[ErreurEcriture]:
    """Whom the write is about, or all that is wrong with it."""
    person, contrat = found
    errors = [*_texts(saisie), *_rules(saisie, person.jeune, contrat, day)]
    if not errors and (conflict := _conflict(saisie, person.jeune)):
        errors = [conflict]
    if errors:
        return errors
    if isinstance(saisie, SaisieAccompagnement):
        return _placed(saisie, person)
    own = perimetre.organisation if perimetre.profil is Profil.MISSION_LOCALE else ""
    return WriteTarget(person, contrat, own)


def _texts(saisie: Saisie) -> Iterator[ErreurEcriture]:
    """Texts are of a length, and hold nothing but what is read."""
    texts = [(name, value) for name, value in vars(saisie).items() if isinstance(value, str)]
    texts += [("precisions", one.texte) for one in getattr(saisie, "precisions", None) or ()]
    for name, value in texts:
        champ = _camel(name)
        if len(value) > TEXT_MAX:
            yield error(Code.INVALIDE, f"{TEXT_MAX} caractères au plus.", champ)
        if any(unicodedata.category(each) == "Cc" and each not in BREAKS for each in value):
            yield error(Code.INVALIDE, "Un caractère de commande n'est pas un texte.", champ)


def _rules(saisie: Saisie, jeune: Jeune, contrat: Contrat | None, day: date) -> Iterator[ErreurEcriture]:
    if isinstance(saisie, SaisieSuivi):
        yield from _of_note(saisie)
    elif isinstance(saisie, SaisieAccompagnement):
        yield from _of_request(saisie, jeune)
    elif isinstance(saisie, SaisieReponse):
        if jeune.collaboration is None or jeune.collaboration.demandee_le is None:
            yield error(Code.NON_ELIGIBLE, "Aucun CFA ne demande d'accompagnement conjoint pour ce jeune.", "jeune")
    elif contrat is not None:
        yield from _of_rupture(saisie, contrat, day)


def _of_note(saisie: SaisieSuivi) -> Iterator[ErreurEcriture]:
    if saisie.situation is None and not (saisie.commentaire or "").strip() and saisie.connaissance is None:
        yield error(Code.INVALIDE, "Dire une situation, un commentaire ou ce qui était connu du jeune.", "situation")
    if saisie.situation is SituationSuivi.AUTRE and not (saisie.situation_autre or "").strip():
        yield error(Code.INVALIDE, "La situation AUTRE demande une précision.", "situationAutre")
    if saisie.situation is not SituationSuivi.AUTRE and saisie.situation_autre is not None:
        yield error(Code.INVALIDE, "Cette précision ne vaut que pour la situation AUTRE.", "situationAutre")


def _of_request(saisie: SaisieAccompagnement, jeune: Jeune) -> Iterator[ErreurEcriture]:
    if not saisie.motifs:
        yield error(Code.INVALIDE, "Donner un motif au moins.", "motifs")
    told = [one.motif for one in saisie.precisions or ()]
    if len(set(told)) < len(told) or not set(told) <= set(saisie.motifs):
        yield error(Code.INVALIDE, "Une précision au plus par motif de la demande.", "precisions")
    if not saisie.referent.strip():
        yield error(Code.INVALIDE, "Dire qui contacter au CFA.", "referent")
    if normalise_telephone(saisie.telephone_verifie) is None:
        yield error(Code.INVALIDE, "Numéro de téléphone invalide.", "telephoneVerifie")
    if saisie.courriel_verifie is not None and normalise_courriel(saisie.courriel_verifie) is None:
        yield error(Code.INVALIDE, "Courriel invalide.", "courrielVerifie")
    yield from _of_eligible(jeune)


def _of_eligible(jeune: Jeune) -> Iterator[ErreurEcriture]:
    """Joint support is for whom a Mission locale follows, after a rupture that is not old."""
    if not is_followed_age(jeune.age, jeune.rqth):
        yield error(
            Code.NON_ELIGIBLE,
            "Une Mission locale suit les jeunes de 16 à 25 ans, ou au-delà si un handicap est reconnu.",
            "jeune",
        )
    statut = jeune.statut.valeur if jeune.statut else None
    recent = any((rupture.jours_depuis or 0) <= ELIGIBLE_DAYS for rupture in jeune.ruptures or ())
    if not recent or statut is StatutApprenant.FIN_DE_FORMATION:
        yield error(
            Code.NON_ELIGIBLE,
            f"La demande suppose une rupture de {ELIGIBLE_DAYS} jours au plus ; au besoin, la déclarer.",
            "jeune",
        )


def _of_rupture(saisie: SaisieRupture, contrat: Contrat, day: date) -> Iterator[ErreurEcriture]:
    if not day - timedelta(days=DECLARED_DAYS) <= saisie.date <= day:
        yield error(Code.INVALIDE, "La date va d'il y a un an à aujourd'hui.", "date")
    elif (contrat.date_debut and saisie.date < contrat.date_debut) or (
        contrat.date_fin and saisie.date >= contrat.date_fin
    ):
        yield error(Code.INVALIDE, "La date n'est pas pendant le contrat.", "date")
    if contrat.rupture is not None:
        yield error(Code.NON_ELIGIBLE, "La rupture de ce contrat est déjà connue.", "contrat")


def _conflict(saisie: Saisie, jeune: Jeune) -> ErreurEcriture | None:
    """Whether what is changed is no longer what its author read."""
    if isinstance(saisie, SaisieRupture) or saisie.version is None:
        return None
    told = jeune.suivi if isinstance(saisie, SaisieSuivi) else jeune.collaboration
    if told is not None and version_of(told) == saisie.version:
        return None
    return error(Code.CONFLIT, "Ce qui est modifié a changé depuis : relire le jeune.", "version")


def _placed(saisie: SaisieAccompagnement, person: ViewPerson) -> WriteTarget | list[ErreurEcriture]:
    """A request is for the Mission locale of the home; where the address does not tell it, for the one that its author tells."""
    jeune, told = person.jeune, saisie.mission_locale
    if jeune.mission_locale:
        code = jeune.mission_locale.code
        if told in (None, code):
            return WriteTarget(person, None, code)
        return [error(Code.INVALIDE, "L'adresse du jeune dépend d'une autre Mission locale.", "missionLocale")]
    possible = [each.code for each in jeune.missions_locales_possibles or ()]
    if told in possible:
        return WriteTarget(person, None, str(told))
    if possible:
        said = "L'adresse ne tranche pas : donner une des missionsLocalesPossibles du jeune."
        return [error(Code.MISSION_LOCALE_AMBIGUE, said, "missionLocale")]
    return [error(Code.NON_ELIGIBLE, "L'adresse connue ne mène à aucune Mission locale.", "jeune")]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
