// GraphiQL has no translation: its words are replaced in its files while the page is built. An exact table: a word that a new
// version changed or moved stops the build, so that no English comes back unseen. What is not here stays English, and
// docs/graphe.md says so: monaco's own menus and messages, and what graphql-js says of a mistake in a text.
const TABLE = {
  'graphiql/dist/GraphiQL.js': [
    ['newTab: "New tab"', 'newTab: "Nouvel onglet"'],
    ['"Show" : "Hide"} editor tools`', '"Afficher" : "Masquer"} les variables`'],
    ['"Editor Commands"', '"Commandes de l’éditeur"'],
    ['"Operation Editor"', '"Éditeur de requête"'],
    ['children: "Headers"', 'children: "En-têtes"'],
    ['? "Variables" : "Headers"', '? "Variables" : "En-têtes"'],
    ['"Select active operation"', '"Onglets de requête"'],
  ],
  'graphiql/dist/ui/toolbar.js': [
    ['`Prettify query (', '`Mettre en forme la requête ('],
    ['`Merge fragments into query (', '`Fondre les fragments dans la requête ('],
    ['`Copy query (', '`Copier la requête ('],
  ],
  'graphiql/dist/ui/sidebar.js': [
    ['`Re-fetch GraphQL schema (', '`Relire le schéma ('],
    ['"Open short keys dialog"', '"Raccourcis clavier"'],
    ['"Open settings dialog"', '"Réglages"'],
    ['"Hide" : "Show"', '"Masquer" : "Afficher"'],
    ['children: "Short Keys"', 'children: "Raccourcis clavier"'],
    ['This modal provides a list of available keyboard shortcuts and their functions.', 'Liste des raccourcis clavier et de ce qu’ils font.'],
    ['children: "Settings"', 'children: "Réglages"'],
    ['This modal lets you adjust header persistence, interface theme, and clear local storage.', 'Apparence de la page, et effacement de ce que cet onglet garde.'],
    ['children: "Theme"', 'children: "Apparence"'],
    ['Adjust how the interface appears.', 'Couleurs de la page.'],
    ['children: "System"', 'children: "Celle du système"'],
    ['children: "Light"', 'children: "Claire"'],
    ['children: "Dark"', 'children: "Sombre"'],
    ['children: "Clear storage"', 'children: "Effacer"'],
    ['Remove all locally stored data and start fresh.', 'Oublier les onglets, l’historique et les réglages.'],
    ['"Cleared data"', '"Effacé"'],
    ['error: "Failed"', 'error: "Échec"'],
    ['|| "Clear data"', '|| "Tout effacer"'],
  ],
  'graphiql/dist/ui/short-keys.js': [
    ['"Execute query"', '"Exécuter la requête"'],
    ['"Open the Command Palette (you must have focus in the editor)"', '"Ouvrir la palette de commandes (depuis l’éditeur)"'],
    ['"Prettify editors"', '"Mettre en forme"'],
    ['"Copy query"', '"Copier la requête"'],
    ['"Re-fetch schema using introspection"', '"Relire le schéma"'],
    ['"Search in documentation"', '"Chercher dans la documentation"'],
    ['"Search in editor"', '"Chercher dans l’éditeur"'],
    ['"Merge fragments definitions into operation definition"', '"Fondre les fragments dans la requête"'],
    ['children: "Short Key"', 'children: "Raccourci"'],
    ['children: "Function"', 'children: "Action"'],
    ['"This Graph"', '"Cet éditeur Graph"'],
    ['"QL editor uses"', '"QL suit les"'],
    ['"Monaco editor shortcuts"', '"raccourcis de Monaco"'],
    ['", with keybindings similar to VS Code. See the full list of shortcuts for"', '", proches de ceux de VS Code. Liste entière pour"'],
    ['"or",', '"ou",'],
  ],
  '@graphiql/react/dist/components/execute-button/index.js': [
    ['`${isRunning ? "Stop" : "Execute"} query (', '`${isRunning ? "Arrêter" : "Exécuter"} la requête ('],
    ['<Unnamed ', '<sans nom : '],
  ],
  '@graphiql/react/dist/components/tabs/index.js': [['"Close Tab"', '"Fermer l’onglet"']],
  '@graphiql/react/dist/components/dialog/index.js': [['"Close dialog"', '"Fermer"']],
  // The banner of the page tells the answer; a reader of screens would otherwise be read the whole JSON.
  '@graphiql/react/dist/components/response-editor.js': [
    ['"Result Window"', '"Réponse"'],
    ['"polite"', '"off"'],
  ],
  '@graphiql/react/dist/utility/tabs.js': [['"<untitled>"', '"sans titre"']],
  '@graphiql/react/dist/stores/execution.js': [
    ['"Automatically added leaf fields"', '"Champs ajoutés d’office"'],
    ['`Request not sent. ${editor === variableEditor ? "Variables" : "Request headers"} ', '`Requête non envoyée. ${editor === variableEditor ? "Variables" : "En-têtes"} : '],
  ],
  '@graphiql/react/dist/constants.js': [
    ['"Prettify Editors"', '"Mettre en forme"'],
    ['"Merge Fragments into Query"', '"Fondre les fragments dans la requête"'],
    ['"Run Operation"', '"Exécuter la requête"'],
    ['"Copy Query"', '"Copier la requête"'],
  ],
  '@graphiql/plugin-history/dist/index.js': [['title: "History"', 'title: "Historique"']],
  '@graphiql/plugin-history/dist/components.js': [
    ['const t2 = "History"', 'const t2 = "Historique"'],
    ['"History",\n', '"Historique",\n'],
    ['"Cleared"', '"Effacé"'],
    ['"Failed to Clear"', '"Échec"'],
    ['|| "Clear"', '|| "Effacer"'],
    ['"Type a label"', '"Nom à donner"'],
    ['children: "Save"', 'children: "Garder"'],
    ['label: "Set active", children', 'label: "Reprendre", children'],
    // The name of the query is then the name of the button, which says what it reopens.
    ['"aria-label": "Set active"', '"aria-label": `Reprendre ${displayName}`'],
    ['label: "Edit label", children', 'label: "Renommer", children'],
    ['"aria-label": "Edit label"', '"aria-label": `Renommer ${displayName}`'],
    ['label: props.item.favorite ? "Remove favorite" : "Add favorite", children', 'label: props.item.favorite ? "Ôter des favoris" : "Mettre en favori", children'],
    ['"aria-label": props.item.favorite ? "Remove favorite" : "Add favorite"', '"aria-label": props.item.favorite ? "Ôter des favoris" : "Mettre en favori"'],
    ['label: "Delete from history", children', 'label: "Ôter de l’historique", children'],
    ['"aria-label": "Delete from history"', '"aria-label": `Ôter ${displayName} de l’historique`'],
  ],
  '@graphiql/plugin-doc-explorer/dist/context.js': [
    ['title: "Documentation Explorer"', 'title: "Documentation"'],
    ['aria-label="Show Documentation Explorer"', 'aria-label="Afficher Documentation"'],
    ['name: "Docs"', 'name: "Documentation"'],
  ],
  '@graphiql/plugin-doc-explorer/dist/components/argument.js': [['children: "Deprecated"', 'children: "Déprécié"']],
  '@graphiql/plugin-doc-explorer/dist/components/deprecation-reason.js': [['children: "Deprecated"', 'children: "Déprécié"']],
  '@graphiql/plugin-doc-explorer/dist/components/doc-explorer.js': [
    ['"Error fetching schema"', '"Le schéma n’a pas pu être lu"'],
    ['"Schema is invalid: "', '"Schéma irrecevable : "'],
    ['"No GraphQL schema available"', '"Pas de schéma"'],
    ['`Go back to ${', '`Revenir à ${'],
    ['"Documentation Explorer"', '"Documentation"'],
  ],
  '@graphiql/plugin-doc-explorer/dist/components/field-documentation.js': [['"Show Deprecated Arguments"', '"Montrer les arguments dépréciés"']],
  '@graphiql/plugin-doc-explorer/dist/components/type-documentation.js': [
    ['"Show Deprecated Fields"', '"Montrer les champs dépréciés"'],
    ['"Show Deprecated Values"', '"Montrer les valeurs dépréciées"'],
  ],
  '@graphiql/plugin-doc-explorer/dist/components/schema-documentation.js': [
    ['A GraphQL schema provides a root type for each kind of operation.', 'Ce que votre inscription vous ouvre.'],
  ],
  '@graphiql/plugin-doc-explorer/dist/components/search.js': [
    ['`Search ${navItem.name}...`', '`Chercher dans ${navItem.name}`'],
    ['"No results found"', '"Rien de ce nom"'],
    ['"Other results"', '"Ailleurs"'],
  ],
  // The titles of sections choose their icons: they are translated where they are shown.
  '@graphiql/plugin-doc-explorer/dist/components/section.js': [
    ['      title\n    ] });', '      TITRES[title]\n    ] });'],
    ['const TYPE_TO_ICON', `const TITRES = ${JSON.stringify({
      Arguments: 'Arguments',
      'Deprecated Arguments': 'Arguments dépréciés',
      'Deprecated Enum Values': 'Valeurs dépréciées',
      'Deprecated Fields': 'Champs dépréciés',
      Directives: 'Directives',
      'Enum Values': 'Valeurs',
      Fields: 'Champs',
      Implements: 'Interfaces',
      Implementations: 'Types qui en sont',
      'Possible Types': 'Types possibles',
      'Root Types': 'Racines',
      Type: 'Type',
      'All Schema Types': 'Tous les types',
    })};\nconst TYPE_TO_ICON`],
  ],
};

export function francais() {
  const vus = new Set();
  return {
    name: 'francais',
    enforce: 'pre',
    transform(code, id) {
      const fichier = Object.keys(TABLE).find((nom) => id.split('?')[0].endsWith(`/${nom}`));
      if (!fichier) return null;
      vus.add(fichier);
      return { code: TABLE[fichier].reduce((texte, mot) => remplacer(texte, mot, fichier), code), map: null };
    },
    buildEnd(erreur) {
      const absents = Object.keys(TABLE).filter((nom) => !vus.has(nom));
      if (!erreur && absents.length) this.error(`francais.js : jamais lus : ${absents.join(', ')}`);
    },
  };
}

function remplacer(texte, [anglais, mot], fichier) {
  if (!texte.includes(anglais)) throw new Error(`francais.js : ${anglais} n’est plus dans ${fichier}`);
  return texte.replaceAll(anglais, mot);
}
