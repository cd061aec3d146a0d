"""What the field complains of, row by row of DOMAIN §7: one regression test each, through the whole merge."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from gateway.connectors import gestibase, registre, ypareo
from gateway.domain.statut import StatutApprenant
from gateway.domain.temps import PARIS
from gateway.federation.lists import filtrer_ruptures
from gateway.federation.rapprochement import rapprocher
from gateway.federation.temoignages import Temoignage
from gateway.schema.contexte import Page
from gateway.schema.filtres import FiltreRuptures, TriRuptures
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    EtapeSuivi,
    EtatTraitement,
    Jeune,
    MotifPriorite,
    SituationSuivi,
    Suivi,
)
from gateway.schema.scalaires import CodePostal
from tests.contract.connecteurs_outils import CFA, mener
from tests.contract.connecteurs_outils import JOUR as JOUR_ERP
from tests.contract.test_connecteur_gestibase import LIGNE, TOTAL
from tests.unit.federation_outils import JOUR, RECU, contexte, contrat, dit, fusion, provenance, session, statut

S = StatutApprenant
CREIL = Adresse(code_postal=CodePostal("60100"), ville="Creil")
BEAUVAIS = Adresse(code_postal=CodePostal("60000"), ville="BEAUVAIS CEDEX")
FLOU = Adresse(code_postal=CodePostal("60100"))
DEUX_ANS = session(date(2025, 9, 1), date(2027, 8, 31))


def le(jour: date, heure: int = 10) -> datetime:
    return datetime(jour.year, jour.month, jour.day, heure, tzinfo=PARIS)


# 1. Fake ruptures at the end of contracts.


@pytest.mark.parametrize("rompu", [None, date(2026, 8, 1), date(2026, 7, 31)])
@pytest.mark.parametrize("jour", [date(2026, 7, 31), date(2026, 8, 1), date(2026, 8, 31), date(2027, 1, 15)])
def test_besoin_01_fausse_rupture_du_1er_aout(jour: date, rompu: date | None) -> None:
    """Contract to 31 July, session to 31 August; some ERPs even write the end as a date of rupture."""
    fini = contrat(date(2024, 9, 1), date(2026, 7, 31), rompu, numero="1")
    cours = [session(date(2024, 9, 1), date(2026, 8, 31))]
    erp = dit("ypareo", formations=cours, contrats=[fini])
    deca = dit("registre", formations=cours, contrats=[contrat(date(2024, 9, 2), date(2026, 7, 31), numero="1")])
    for temoignages in ([erp, deca], [erp], [deca]):
        une = fusion(*temoignages, jour=jour)
        assert une.jeune.ruptures == []
        assert statut(une) is (S.APPRENTI if jour == date(2026, 7, 31) else S.FIN_DE_FORMATION)
        assert S.RUPTURANT not in {etape.valeur for etape in une.jeune.etapes or []}


# 2. The same young person twice.


def test_besoin_02_meme_jeune_dans_l_erp_et_au_registre() -> None:
    erp = dit("ypareo", formations=[DEUX_ANS], contrats=[contrat(date(2025, 9, 1))])
    deca = dit("registre", nom="LE GOFF", prenom="ANAIS", contrats=[contrat(date(2025, 9, 3), numero="1")])
    une = fusion(deca, erp)
    assert len(une.jeune.contrats or []) == 1
    assert statut(une) is S.APPRENTI


def test_besoin_02_meme_jeune_dans_deux_cfa_et_une_rupture() -> None:
    rompu = contrat(date(2025, 9, 1), rompu=date(2026, 6, 1), numero="1")
    avant = dit("ypareo", "7", "A", prenom="Anais", contrats=[rompu], formations=[DEUX_ANS])
    apres = dit("gestibase", "E7", "B", nom="LE-GOFF", formations=[session(date(2026, 9, 1), date(2028, 8, 31))])
    deca = dit("registre", contrats=[contrat(date(2025, 9, 1), rompu=date(2026, 5, 31), numero="1")])
    for ordre in permutations([avant, apres, deca]):
        une = fusion(*ordre)
        assert [rupture.date for rupture in une.jeune.ruptures or []] == [date(2026, 6, 1)]


def test_besoin_02_meme_jeune_sur_deux_annees_scolaires() -> None:
    suivante = {**LIGNE, "Modifié le": "202603010900"}
    _, lu = mener(
        gestibase.dossiers(CFA, JOUR_ERP),
        lambda requete: [[suivante if "2025" in str(requete.params) else LIGNE, TOTAL]],
    )
    (dossier,) = lu.dossiers
    assert len(dossier.jeune.contrats or []) == len(dossier.jeune.formations or []) == 1


@pytest.mark.parametrize(
    ("nom", "prenom", "naissance"),
    [
        ("LE GOF", "Anais", date(2006, 3, 7)),  # a slip
        ("Anaïs", "Le Goff", date(2006, 3, 7)),  # inverted
        ("Goff", "Anaïs Marie", date(2006, 3, 7)),  # a particle less, a second first name
        ("Le Goff", "Anaïs", date(2006, 7, 3)),  # day and month inverted
    ],
)
def test_besoin_02_meme_jeune_mal_ecrit(nom: str, prenom: str, naissance: date) -> None:
    """One contract number is evidence enough that the two spell one name."""
    rompu = date(2026, 9, 10)
    erp = dit(
        "ypareo", contrats=[contrat(date(2025, 9, 1), rompu=rompu, numero="060202509010001")], formations=[DEUX_ANS]
    )
    deposes = [contrat(date(2025, 9, 1), numero="060202509010001")]
    une = fusion(erp, dit("registre", nom=nom, prenom=prenom, date_naissance=naissance, contrats=deposes))
    assert [rupture.date for rupture in une.jeune.ruptures or []] == [rompu]
    assert (une.jeune.nom, une.jeune.date_naissance) == ("Le Goff", date(2006, 3, 7))


def test_besoin_02_des_jumelles_restent_deux() -> None:
    communs: dict[str, Any] = {"adresse": BEAUVAIS, "telephone": "0639980001", "courriel": "famille@jeune.invalid"}
    groupes = rapprocher([dit("ypareo", "1", "A", **communs), dit("registre", "2", prenom="Maëlle", **communs)])
    assert sorted(groupe.temoignages[0].dossier.cle for groupe in groupes) == ["1", "2"]


# 3. The young person who goes to and fro between two Missions locales.


def mission(*temoignages: Temoignage) -> str | None:
    trouvee = fusion(*temoignages).jeune.mission_locale
    return trouvee.code if trouvee else None


def test_besoin_03_aucun_va_et_vient_entre_deux_missions_locales() -> None:
    """Two CFAs disagree on the home, and each rewrites its records every night in turn: one answer, night after night."""
    ancienne, presente = session(date(2024, 9, 1), date(2026, 8, 31)), session(date(2026, 9, 1), date(2028, 8, 31))
    lues = Counter[str | None]()
    for nuit in range(6):
        minuit = datetime(2026, 10, nuit + 1, tzinfo=UTC)
        avant = dit("ypareo", "1", "A", minuit, adresse=CREIL, formations=[ancienne])
        apres = dit(
            "gestibase", "2", "B", minuit + (-1) ** nuit * timedelta(hours=1), adresse=BEAUVAIS, formations=[presente]
        )
        deca = dit("registre", adresse=FLOU)
        lues.update(mission(*ordre) for ordre in permutations([avant, apres, deca]))
    assert lues == {"60001": 36}


def test_besoin_03_la_mission_locale_change_quand_le_jeune_change_de_cfa() -> None:
    deca = dit("registre", adresse=CREIL)
    avant = dit("ypareo", "1", "A", adresse=CREIL, formations=[session(date(2024, 9, 1), date(2026, 8, 31))])
    apres = dit("gestibase", "2", "B", adresse=BEAUVAIS, formations=[session(date(2026, 9, 1), date(2028, 8, 31))])
    assert (mission(deca, avant), mission(deca, avant, apres)) == ("60002", "60001")


def test_besoin_03_l_adresse_ecartee_reste_dans_la_provenance() -> None:
    lignes = provenance(
        fusion(dit("ypareo", adresse=CREIL), dit("registre", adresse=BEAUVAIS), dit("imilo", adresse=FLOU))
    )
    assert lignes["adresse", "ypareo"] == (True, True)
    assert lignes["adresse", "registre"] == (False, True)
    assert lignes["adresse", "imilo"] == (False, True)


# 4. A status to come taken for the present one.


def test_besoin_04_statut_a_venir_jamais_pris_pour_le_statut_courant() -> None:
    prochaine = [session(date(2026, 11, 1), date(2028, 8, 31))]
    a_venir = dit("ypareo", formations=prochaine, contrats=[contrat(date(2026, 11, 10), date(2028, 8, 31))])
    assert statut(fusion(a_venir)) is S.INSCRIT
    annoncee = dit("ypareo", formations=[DEUX_ANS], contrats=[contrat(date(2025, 9, 1), rompu=date(2026, 10, 20))])
    assert statut(fusion(annoncee)) is S.APPRENTI
    assert fusion(annoncee).jeune.ruptures == []
    assert statut(fusion(annoncee, jour=date(2026, 10, 20))) is S.RUPTURANT


# 7. One code, two meanings.


@pytest.mark.parametrize("code", ["0", "2", "3", ""])
@pytest.mark.parametrize(("rupture", "attendu"), [("20260215", S.RUPTURANT), ("00000000", S.APPRENTI)])
def test_besoin_07_codes_de_statut_des_erp_jamais_crus(code: str, rupture: str, attendu: StatutApprenant) -> None:
    """Gestibase-like: 0 is "broken and gone", 2 is "broken and present"; the dates alone decide."""
    ligne = {**LIGNE, "Statut": code, "Contrat date rupture": rupture}
    _, lu = mener(gestibase.dossiers(CFA, JOUR_ERP), lambda requete: [[ligne, TOTAL]])
    une = fusion(Temoignage("gestibase", dit("gestibase").type, "A", lu.dossiers[0], RECU), jour=JOUR_ERP)
    assert statut(une) is attendu


def test_besoin_07_dernier_jour_travaille_et_date_d_effet_sont_une_rupture() -> None:
    """Whoever is believed first, the first day off is kept; two days apart are two words."""
    for erp, deca in ((11, 10), (10, 11)):
        une = fusion(
            dit("aimaira", contrats=[contrat(date(2025, 9, 1), rompu=date(2026, 9, erp), numero="1")]),
            dit("registre", contrats=[contrat(date(2025, 9, 1), rompu=date(2026, 9, deca), numero="1")]),
        )
        (rompu,) = une.jeune.ruptures or []
        assert (rompu.date, rompu.sources) == (date(2026, 9, 11), ["aimaira", "registre"])
        lignes = provenance(une)
        assert lignes["date", "aimaira"] == (erp == 11, False)
        assert lignes["date", "registre"] == (deca == 11, False)


# 14. Counters that differ from lists.


def test_besoin_14_compteurs_egaux_aux_listes() -> None:
    """`totalCount` is what the pages hold, and states and priorities share it out."""
    ecoute = contexte([temoin for rang in range(12) for temoin in _dossiers_d_un_jeune(rang)])

    def total(**criteres: Any) -> int:
        filtre, lues, apres = FiltreRuptures(**criteres), list[str](), None
        while True:
            page = ecoute.ruptures(filtre, TriRuptures.PRIORITE, Page(3, apres))
            assert page is not None
            lues += [arete.node.id for arete in page.edges]
            if not page.page_info.has_next_page:
                assert len(set(lues)) == len(lues) == page.total_count
                return page.total_count
            apres = page.page_info.end_cursor

    par_etat = {etat: total(etat=etat) for etat in EtatTraitement}
    assert par_etat == {EtatTraitement.A_TRAITER: 6, EtatTraitement.INJOIGNABLE: 3, EtatTraitement.TRAITE: 3}
    assert (total(), total(prioritaire=True), total(prioritaire=False)) == (12, 4, 8)


def _dossiers_d_un_jeune(rang: int) -> list[Temoignage]:
    prenom, rompu = "Anaïs" + "ABCDEFGHIJKL"[rang], date(2026, 9, 1 + rang)
    situation = [None, SituationSuivi.CONTACTE_SANS_RETOUR, SituationSuivi.RDV_PRIS, SituationSuivi.RDV_PRIS][rang % 4]
    note = le(rompu + timedelta(days=1 if rang % 4 < 3 else -1))
    suivi = Suivi(situation=situation, date=note, souhaite_rdv=rang % 3 == 0)
    rompus = [contrat(date(2025, 9, 1), rompu=rompu)]
    return [
        dit("ypareo", str(rang), "A", prenom=prenom, adresse=BEAUVAIS, formations=[DEUX_ANS], contrats=rompus),
        dit("imilo", str(rang), "60001", prenom=prenom, suivi=suivi),
    ]


# 16. Phones of overseas, and one phone in two formats.


@pytest.mark.parametrize(
    ("dans_l_erp", "au_registre", "garde"),
    [
        ("06 39 98 00 01", "+33639980001", "0639980001"),
        ("0639.98.00.01", "00262639980001", "0639980001"),  # Mayotte
        ("0692 00 00 00", "+262692000000", "0692000000"),  # La Réunion
        ("0690000000", "+590 690 00 00 00", "0690000000"),  # Guadeloupe
        ("0694-00-00-00", "+594694000000", "0694000000"),  # Guyane
        ("0696 00 00 00", "+596 (0)696 00 00 00", "0696000000"),  # Martinique
    ],
)
def test_besoin_16_un_telephone_n_a_qu_une_ecriture(dans_l_erp: str, au_registre: str, garde: str) -> None:
    eleve = {"codeApprenant": 1, "nomApprenant": "Le Goff", "prenomApprenant": "Anaïs", "dateNaissance": "07/03/2006"}
    reponses: dict[str, list[Any]] = {
        "periodes": [[{"codePeriode": "1"}]],
        "apprenants": [[{**eleve, "adresse": {"tel1": dans_l_erp}}]],
    }
    _, lu = mener(ypareo.dossiers(CFA, JOUR), lambda requete: reponses.get(requete.operation, [[]]))
    alternant = {"nom": "LE GOFF", "prenom": "Anais", "dateNaissance": "2006-03-07", "telephone": au_registre}
    plie = registre.contrat([{"alternant": alternant, "detailsContrat": {"noContrat": "1"}}])
    assert plie is not None
    erp = Temoignage("ypareo", dit("ypareo").type, "A", lu.dossiers[0], RECU)
    une = fusion(erp, dit("registre", telephone=plie[0].telephone))
    assert une.jeune.telephone == garde
    assert provenance(une)["telephone", "registre"] == (False, False)


# 17. Homes sent to the wrong Mission locale.


def test_besoin_17_un_code_postal_ambigu_donne_des_candidates_jamais_la_premiere_commune() -> None:
    flou = fusion(dit("ypareo", adresse=FLOU)).jeune
    assert (flou.mission_locale, flou.commune) == (None, None)
    assert [possible.code for possible in flou.missions_locales_possibles or []] == ["60001", "60002"]
    for sur in (CREIL, BEAUVAIS, Adresse(insee="60175"), Adresse(code_postal=CodePostal("60100"), insee="60176")):
        jeune = fusion(dit("ypareo", adresse=sur)).jeune
        assert jeune.mission_locale is not None
        assert jeune.missions_locales_possibles is None
    assert (
        fusion(dit("ypareo", adresse=Adresse(code_postal=CodePostal("99999")))).jeune.missions_locales_possibles is None
    )


@pytest.mark.parametrize("code", ["60001", "60002"])
def test_besoin_17_le_domicile_ambigu_n_est_d_aucune_mission_locale(code: str) -> None:
    rompus = [contrat(date(2025, 9, 1), rompu=date(2026, 9, 1))]
    temoin = dit("ypareo", adresse=FLOU, formations=[DEUX_ANS], contrats=rompus)
    assert contexte([temoin], code).vue.personnes == {}
    suivie = contexte([temoin, dit("imilo", locataire=code, suivi=Suivi())], code)
    assert len(suivie.vue.ruptures) == 1


# 18. A priority list that says what it means.


def _rompu_il_y_a(jours: int, **valeurs: Any) -> Jeune:
    longue = [session(date(2025, 3, 1), date(2027, 8, 31))]
    rompu = contrat(date(2025, 3, 1), rompu=JOUR - timedelta(days=jours))
    return fusion(dit("ypareo", formations=longue, contrats=[rompu], **valeurs)).jeune


@pytest.mark.parametrize(("jours", "listee"), [(0, 1), (179, 1), (180, 0), (181, 0)])
def test_besoin_18_plus_de_180_jours_hors_de_la_liste(jours: int, listee: int) -> None:
    """The 181st day without contract is an ABANDON: the window and the status say the same thing."""
    ruptures = _rompu_il_y_a(jours).ruptures or []
    assert len(filtrer_ruptures(ruptures, None, JOUR)) == listee
    assert len(filtrer_ruptures(ruptures, FiltreRuptures(statut=list(S)), JOUR)) == (jours <= 180)


def test_besoin_18_nouveau_contrat_signale_et_hors_de_la_liste() -> None:
    rompu = contrat(date(2025, 9, 1), rompu=date(2026, 7, 1), numero="1")
    suivant = contrat(date(2026, 9, 15), numero="2")
    erp = dit("ypareo", formations=[DEUX_ANS], contrats=[rompu])
    # The CFA's word holds until a later contract, whoever tells it.
    for temoins, nouveau in (([erp], False), ([erp, dit("registre", contrats=[suivant])], True)):
        une = fusion(*temoins).jeune
        (rupture,) = une.ruptures or []
        assert rupture.nouveau_contrat is nouveau
        assert len(filtrer_ruptures([rupture], None, JOUR)) == (not nouveau)
        assert len(filtrer_ruptures([rupture], FiltreRuptures(statut=[S.APPRENTI]), JOUR)) == nouveau


def test_besoin_18_de_deux_ruptures_la_premiere_dit_le_contrat_qui_l_a_suivie() -> None:
    contrats = [
        contrat(date(2025, 9, 1), rompu=date(2026, 7, 1), numero="1"),
        contrat(date(2026, 8, 1), rompu=date(2026, 10, 1), numero="2"),
    ]
    ruptures = fusion(dit("ypareo", formations=[DEUX_ANS], contrats=contrats)).jeune.ruptures or []
    assert [(str(r.date), r.nouveau_contrat) for r in ruptures] == [("2026-10-01", False), ("2026-07-01", True)]


def test_besoin_18_un_suivi_note_avant_la_rupture_ne_la_traite_pas() -> None:
    rompu = date(2026, 9, 10)

    def etat(situation: SituationSuivi, note: datetime | None, maj: datetime | None) -> EtatTraitement | None:
        historique = [EtapeSuivi(situation=situation, date=note)] if note else None
        suivi = Suivi(situation=situation, date=maj, historique=historique)
        erp = dit("ypareo", adresse=BEAUVAIS, formations=[DEUX_ANS], contrats=[contrat(date(2025, 9, 1), rompu=rompu)])
        ((_, rupture),) = contexte([erp, dit("imilo", locataire="60001", suivi=suivi)]).vue.ruptures.values()
        return rupture.etat

    veille, matin = le(rompu - timedelta(days=1)), le(rompu, 0)
    pris, appele = SituationSuivi.RDV_PRIS, SituationSuivi.CONTACTE_SANS_RETOUR
    assert etat(pris, None, veille) is EtatTraitement.A_TRAITER
    assert etat(pris, None, matin) is EtatTraitement.TRAITE
    assert etat(pris, None, matin.astimezone(UTC)) is EtatTraitement.TRAITE  # the eve, in UTC
    assert etat(appele, matin, matin) is EtatTraitement.INJOIGNABLE
    assert etat(pris, veille, le(JOUR)) is EtatTraitement.A_TRAITER  # only a comment was added since
    assert etat(pris, None, None) is EtatTraitement.TRAITE  # nothing says that it came before


@pytest.mark.parametrize(
    ("jours", "valeurs", "motifs"),
    [
        (10, {}, []),
        (10, {"rqth": True}, [MotifPriorite.RQTH]),
        (10, {"date_naissance": date(2009, 1, 1)}, [MotifPriorite.MINEUR]),
        (10, {"suivi": Suivi(souhaite_rdv=True)}, [MotifPriorite.SOUHAITE_RDV]),
        (10, {"collaboration": Collaboration(demandee_le=RECU)}, [MotifPriorite.ACCOMPAGNEMENT_CONJOINT]),
        (10, {"suivi": Suivi(souhaite_rdv=True), "rqth": True}, [MotifPriorite.SOUHAITE_RDV, MotifPriorite.RQTH]),
        (10, {"collaboration": Collaboration()}, []),
        (181, {"rqth": True}, []),
        (181, {"suivi": Suivi(souhaite_rdv=True)}, [MotifPriorite.SOUHAITE_RDV]),
    ],
)
def test_besoin_18_les_raisons_de_la_priorite(jours: int, valeurs: dict[str, Any], motifs: list[MotifPriorite]) -> None:
    longue = [session(date(2025, 3, 1), date(2027, 8, 31))]
    rompus = [contrat(date(2025, 3, 1), rompu=JOUR - timedelta(days=jours))]
    erp = dit("ypareo", adresse=BEAUVAIS, formations=longue, contrats=rompus, **valeurs)
    ((_, rupture),) = contexte([erp]).vue.ruptures.values()
    assert (rupture.motifs_priorite, rupture.prioritaire) == (motifs, bool(motifs))


def test_besoin_18_redevenu_apprenti_plus_de_priorite_d_office() -> None:
    contrats = [contrat(date(2025, 9, 1), rompu=date(2026, 7, 1), numero="1"), contrat(date(2026, 9, 15), numero="2")]
    communs: dict[str, Any] = {"adresse": BEAUVAIS, "formations": [DEUX_ANS], "contrats": contrats, "rqth": True}
    for suivi, motifs in ((None, []), (Suivi(souhaite_rdv=True), [MotifPriorite.SOUHAITE_RDV])):
        ((_, rupture),) = contexte([dit("ypareo", suivi=suivi, **communs)]).vue.ruptures.values()
        assert rupture.motifs_priorite == motifs
