"""What the values of the enumerations of writes mean; beside `meanings`, which has the others. Knows no rule."""

WRITTEN: dict[str, dict[str, str]] = {
    "Acte": {
        "NOTER_SUIVI": "Noter le suivi d'un jeune.",
        "DEMANDER_ACCOMPAGNEMENT": "Demander un accompagnement conjoint à la Mission locale.",
        "REPONDRE_ACCOMPAGNEMENT": "Répondre à une demande d'accompagnement conjoint.",
        "DECLARER_RUPTURE": "Déclarer la rupture d'un contrat.",
    },
    "EtatEcriture": {
        "EN_ATTENTE": "Acceptée, à transmettre au système du partenaire.",
        "TRANSMISE": "Reçue par le système du partenaire.",
        "CONSERVEE": "Gardée par la passerelle : aucun système de partenaire ne la reçoit.",
        "REFUSEE": "Refusée par le système du partenaire, qui dit pourquoi.",
        "EN_ECHEC": "Pas transmise en un jour : à reprendre ou à abandonner.",
        "ABANDONNEE": "Retirée avant d'être transmise.",
    },
    "ReponseAccompagnement": {
        "ACCEPTEE": "La Mission locale accompagne le jeune avec le CFA.",
        "REFUSEE": "La Mission locale n'accompagne pas ce jeune.",
        "TERMINEE": "L'accompagnement conjoint est terminé.",
    },
    "ConnaissanceMl": {
        "DEJA_ACCOMPAGNE_ACTIVEMENT": "Déjà accompagné par la Mission locale.",
        "CONNU_NON_ACCOMPAGNE": "Connu d'elle, sans être accompagné.",
        "NON_CONNU": "Inconnu d'elle jusqu'ici.",
    },
    "CodeErreurEcriture": {
        "INVALIDE": "Une valeur ne convient pas : `champ` dit laquelle.",
        "INTROUVABLE": "Aucun objet de mon périmètre n'a cet identifiant.",
        "CONFLIT": "Ce qui est modifié a changé depuis la version donnée.",
        "MISSION_LOCALE_AMBIGUE": "L'adresse ne dit pas quelle Mission locale est compétente.",
        "NON_ELIGIBLE": "L'état du jeune, du contrat ou de l'écriture ne le permet pas.",
    },
}
