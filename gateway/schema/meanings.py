"""What each value of an enumeration of the graph means, for introspection and the published text. Knows no rule.

In one table, beside no class: members of enumerations are plain values, of which several carry rules of their own.
"""

from graphql import GraphQLSchema, is_enum_type, is_introspection_type

from gateway.schema.written_meanings import WRITTEN

_BY_NAME = {"NOM_ASC": "Par nom, puis prénom.", "NOM_DESC": "Par nom, puis prénom, de Z à A."}
_BY_AGE = {"AGE_ASC": "Le plus jeune d'abord.", "AGE_DESC": "Le plus âgé d'abord."}
_BY_RUPTURE = {
    "RUPTURE_DESC": "La dernière rupture d'abord ; sans rupture, à la fin.",
    "RUPTURE_ASC": "La plus ancienne rupture d'abord ; sans rupture, à la fin.",
}
_BY_CHANGE = {
    "MODIFIE_DESC": "Le dernier modifié d'abord ; ce dont on ne sait pas quand compte comme tel.",
    "MODIFIE_ASC": "Le dernier modifié à la fin ; ce dont on ne sait pas quand compte comme tel.",
}
MEANINGS: dict[str, dict[str, str]] = {
    **WRITTEN,
    "CategorieDonnee": {
        "PUBLIQUE": "Référentiel, ouvert à tout appelant identifié.",
        "PARCOURS": "Formations et statuts d'un jeune.",
        "IDENTITE": "Nom, prénom, naissance, sexe.",
        "CONTACT": "Téléphone et courriel du jeune.",
        "ADRESSE": "Adresse et commune de résidence.",
        "SENSIBLE": "Handicap reconnu (RQTH).",
        "REPRESENTANT": "Représentants légaux d'un mineur et leurs coordonnées.",
        "IDENTIFIANT_NATIONAL": "Identifiant national (INE).",
        "CONTRAT": "Contrat d'apprentissage et employeur.",
        "RUPTURE": "Rupture d'un contrat.",
        "SUIVI": "Suivi du jeune par sa Mission locale.",
        "COLLABORATION": "Accompagnement conjoint demandé par un CFA.",
        "SANS_CONTRAT": "Attente d'un premier contrat, et son échéance.",
        "AGREGAT": "Nombre de personnes, sans aucune d'elles.",
        "TECHNIQUE": "État des systèmes partenaires, provenance des valeurs.",
    },
    "Profil": {
        "MISSION_LOCALE": "Mission locale.",
        "CFA": "Centre de formation d'apprentis.",
        "TETE_DE_RESEAU": "Tête d'un réseau de CFA.",
        "DREETS": "Direction régionale de l'économie, de l'emploi, du travail et des solidarités.",
        "DDETS": "Direction départementale de l'emploi, du travail et des solidarités.",
        "ACADEMIE": "Académie.",
        "FRANCE_TRAVAIL": "France Travail, dans une région.",
        "ARML": "Association régionale des Missions locales : ne lit personne.",
        "REGION": "Région : ne lit personne.",
        "OPCO": "Opérateur de compétences : ne lit personne.",
        "SI_PARTENAIRE": "Système qui agit pour un organisme, et ne lit jamais plus que lui.",
        "STATISTIQUES": "Service statistique : ne lit personne.",
        "ADMINISTRATEUR": "Exploitant de la passerelle : ne lit que l'état des sources.",
    },
    "Finalite": {
        "ACCOMPAGNEMENT": "Accompagner les jeunes en rupture ou sans contrat.",
        "GESTION_CFA": "Gérer les apprenants de son CFA.",
        "CONTROLE_OBLIGATION": "Contrôler l'obligation de formation et le placement des apprentis.",
        "PILOTAGE": "Piloter une politique ou un réseau.",
        "EXPLOITATION": "Exploiter la passerelle.",
    },
    "Dimension": {
        "REGION": "Région du CFA, ou de la résidence.",
        "DEPARTEMENT": "Département du CFA, ou de la résidence.",
        "ACADEMIE": "Académie du CFA.",
        "RESEAU": "Réseau du CFA, qui peut en avoir plusieurs.",
        "CFA": "CFA du contrat ou de l'inscription.",
        "MISSION_LOCALE": "Mission locale de la résidence.",
        "NIVEAU": "Niveau du diplôme préparé.",
        "SEXE": "Sexe.",
        "TRANCHE_AGE": "Âge au premier jour du contrat.",
        "SECTEUR": "Section de la NAF de l'employeur.",
        "STATUT": "Statut, dont `effectif` est le compte.",
        "MOIS": "Mois ; les statuts sont ceux de son dernier jour.",
        "ANNEE_SCOLAIRE": "Année scolaire, du 1er août au 31 juillet.",
    },
    "LieuDeReference": {
        "FORMATION": "Le lieu du CFA.",
        "RESIDENCE": "La Mission locale de la résidence, et les territoires qui la contiennent.",
    },
    "TrancheAge": {
        "MOINS_DE_18": "Moins de 18 ans.",
        "DE_18_A_20": "De 18 à 20 ans.",
        "DE_21_A_25": "De 21 à 25 ans.",
        "DE_26_ET_PLUS": "Âgé de 26 ans ou plus.",
    },
    "OrigineStatistique": {
        "EN_DIRECT": "Compté à l'instant dans la liste que je lis.",
        "RELEVE": "Compté la nuit, et publié.",
    },
    "TypeTerritoire": {
        "NATIONAL": "Tout le territoire.",
        "REGION": "Région, par son code Insee.",
        "DEPARTEMENT": "Département, par son code Insee.",
        "ACADEMIE": "Académie, par son code.",
        "MISSION_LOCALE": "Ressort d'une Mission locale, par le code de la structure.",
        "COMMUNE": "Commune, par son code Insee.",
        "CFA": "CFA, par son code UAI.",
        "RESEAU": "Réseau de CFA, par son nom.",
    },
    "TypeSource": {
        "ERP_CFA": "Logiciel de gestion de CFA.",
        "REGISTRE_CONTRATS": "Registre des contrats d'apprentissage (Deca).",
        "MISSION_LOCALE": "Système des Missions locales (i-milo).",
        "REFERENTIEL": "Référentiel des organismes, communes et Missions locales.",
    },
    "ModeSource": {
        "INTERROGATION": "Demandé au moment de la requête, ou peu avant.",
        "MOISSON": "Lu en entier la nuit, servi de la copie.",
        "RECEPTION": "Envoyé par le partenaire.",
    },
    "EtatSource": {
        "DISPONIBLE": "Répond.",
        "DEGRADEE": "Répond, avec des pertes ou des lenteurs.",
        "INDISPONIBLE": "Ne répond pas.",
        "FERMEE": "Hors de ses heures d'ouverture : ce n'est pas une panne.",
    },
    "NatureDefaut": {
        "REPAREE": "Lu quand même, à coup sûr.",
        "DOUTEUSE": "Gardé, mais peut-être faux.",
        "ECARTEE": "Une valeur ou un dossier qui ne se lit pas : non montré.",
        "ORPHELINE": "Ce dont le dossier parent n'est pas donné : non montré.",
        "DOUBLON": "Plusieurs dossiers ont la même clé.",
        "DERIVE": "Le format ou les codes de l'éditeur ont changé.",
    },
    "StatutApprenant": {
        "INSCRIT": "En formation sans contrat encore, depuis moins de 90 jours.",
        "APPRENTI": "Un contrat court.",
        "RUPTURANT": "Contrat rompu depuis moins de 180 jours, sans nouveau contrat.",
        "ABANDON": "Sans contrat au-delà de ces délais, ou exclu.",
        "FIN_DE_FORMATION": "La formation est arrivée à son terme.",
    },
    "Sexe": {"F": "Féminin.", "M": "Masculin."},
    "EtatTraitement": {
        "A_TRAITER": "Aucune situation n'est notée pour cette rupture.",
        "INJOIGNABLE": "Appelé, sans réponse.",
        "TRAITE": "Une situation est notée.",
    },
    "MotifPriorite": {
        "ACCOMPAGNEMENT_CONJOINT": "Le CFA demande un accompagnement conjoint.",
        "SOUHAITE_RDV": "Le jeune souhaite un rendez-vous.",
        "RQTH": "Handicap reconnu.",
        "MINEUR": "Moins de 18 ans.",
    },
    "SituationSuivi": {
        "RDV_PRIS": "Rendez-vous pris.",
        "NOUVEAU_PROJET": "Le jeune a un autre projet.",
        "DEJA_ACCOMPAGNE": "Déjà suivi, par la Mission locale ou par un partenaire.",
        "CONTACTE_SANS_RETOUR": "Appelé, sans réponse.",
        "COORDONNEES_INCORRECT": "Ses coordonnées ne sont pas les bonnes.",
        "INJOIGNABLE_APRES_RELANCES": "Plusieurs fois appelé, jamais joint.",
        "NOUVEAU_CONTRAT": "Le jeune a un nouveau contrat.",
        "NE_SOUHAITE_PAS_ETRE_RECONTACTE": "Ne souhaite pas être rappelé.",
        "CHERCHE_CONTRAT": "Cherche un contrat, sans aide voulue.",
        "REORIENTATION": "Change d'orientation, sans aide voulue.",
        "NE_VEUT_PAS_ACCOMPAGNEMENT": "Refuse l'accompagnement.",
        "AUTRE": "Autre, dite en clair dans `situationAutre`.",
    },
    "MotifAccompagnement": {
        "MOBILITE": "Se déplacer.",
        "LOGEMENT": "Se loger.",
        "SANTE": "Santé.",
        "FINANCE": "Argent.",
        "ADMINISTRATIF": "Démarches.",
        "SOCIAL_FAMILIAL": "Situation sociale ou familiale.",
        "REORIENTATION": "Changer d'orientation.",
        "RECHERCHE_EMPLOI": "Trouver un emploi ou un contrat.",
        "AUTRE": "Autre.",
    },
    "TypeEvenement": {
        "RUPTURE_NOUVELLE": "Une rupture que mon périmètre ne connaissait pas.",
        "RUPTURE_ANNULEE": "Une rupture annoncée que ses sources ne disent plus.",
        "NOUVEAU_CONTRAT": "Un contrat que mon périmètre ne connaissait pas.",
        "SANS_CONTRAT_NOUVEAU": "Un jeune se forme et n'a jamais eu de contrat.",
        "ECHEANCE_SANS_CONTRAT": "Il lui reste 30 jours, ou 7, pour en trouver un.",
        "SUIVI_MODIFIE": "La Mission locale a noté une situation.",
        "ACCOMPAGNEMENT_DEMANDE": "Le CFA demande un accompagnement conjoint.",
        "ACCOMPAGNEMENT_REPONDU": "La Mission locale a répondu à cette demande.",
        "ECRITURE_TRANSMISE": "Ce que j'ai écrit est chez le partenaire.",
        "ECRITURE_REFUSEE": "Le partenaire refuse ce que j'ai écrit.",
        "ECRITURE_EN_ECHEC": "Le partenaire n'a pas pu recevoir ce que j'ai écrit.",
        "SOURCE_AJOUTEE": "Une source entendue pour la première fois, ou après longtemps : rien n'est annoncé un à un.",
        "LACUNE": "Des événements n'ont pas été envoyés : recharger la liste.",
    },
    "NiveauRapprochement": {
        "CERTAIN": "Une même personne, sans doute.",
        "PROBABLE": "Une même personne très probablement : réunie, et signalée.",
        "A_CONFIRMER": "Peut-être une même personne : proposée, jamais réunie.",
    },
    "TriJeunes": {
        "STATUT_RECENT": "Le plus récent changement de statut d'abord.",
        "STATUT_ANCIEN": "Le plus ancien changement de statut d'abord.",
        **_BY_NAME,
        **_BY_AGE,
        **_BY_RUPTURE,
        **_BY_CHANGE,
    },
    "TriRuptures": {
        "DATE_DESC": "La plus récente d'abord.",
        "DATE_ASC": "La plus ancienne d'abord.",
        "PRIORITE": "Les prioritaires d'abord, puis la plus récente.",
        "SIGNALEE_DESC": "La dernière signalée d'abord.",
        "SIGNALEE_ASC": "La première signalée d'abord.",
        **_BY_NAME,
        **_BY_AGE,
        **_BY_CHANGE,
    },
    "TriSansContrat": {
        "ECHEANCE": "L'échéance la plus proche d'abord ; les échéances dépassées à la fin.",
    },
    "TriContrats": {
        "DEBUT_DESC": "Le dernier commencé d'abord.",
        "DEBUT_ASC": "Le premier commencé d'abord.",
        "FIN_DESC": "La fin prévue la plus lointaine d'abord.",
        "FIN_ASC": "La fin prévue la plus proche d'abord.",
        **_BY_RUPTURE,
        **_BY_NAME,
        **_BY_CHANGE,
    },
}


def describe(schema: GraphQLSchema) -> None:
    """Write beside each value what it means, and what Strawberry does not let `@policy` say of its argument. A value without a
    meaning, or a meaning without a value, raises KeyError."""
    for directive in schema.directives:
        if directive.name == "policy":
            directive.args["policies"].description = "Une des listes suffit, dont toutes les catégories sont demandées."
    for type_ in schema.type_map.values():
        if is_enum_type(type_) and not is_introspection_type(type_):
            meanings = dict(MEANINGS[type_.name])
            for name, value in type_.values.items():
                value.description = meanings.pop(name)
            if meanings:
                raise KeyError(*meanings)
