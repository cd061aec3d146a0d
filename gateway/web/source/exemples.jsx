// The examples, in a panel of GraphiQL: a click puts one in the editor, in a tab of its own.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import texte from './exemples.graphql?raw';

// exemples.graphql: a line "# == client, client · who · title" opens each example.
export const EXEMPLES = texte
  .split(/^# == /m)
  .slice(1)
  .map((morceau) => {
    const [tete, ...lignes] = morceau.split('\n');
    const [clients, qui, titre] = tete.split(' · ');
    return { clients, qui, titre, requete: `${lignes.join('\n').trim()}\n` };
  });
const PROFILS = [...new Set(EXEMPLES.map((exemple) => exemple.qui))];

function Exemple({ exemple }) {
  const { addTab, updateActiveTabValues } = useGraphiQLActions();
  const editeur = useGraphiQL((etat) => etat.queryEditor);
  const ouvrir = () => {
    if (editeur.getValue().trim()) addTab();
    editeur.setValue(exemple.requete);
    updateActiveTabValues({ query: exemple.requete });
  };
  return (
    <li>
      <button type="button" disabled={!editeur} onClick={ouvrir}>
        {exemple.titre}
      </button>
    </li>
  );
}

function Exemples() {
  return (
    <section className="exemples" aria-label="Exemples">
      <h2>Exemples</h2>
      <p>Un clic ouvre la requête dans un onglet ; Ctrl + Entrée l’exécute.</p>
      {PROFILS.map((qui) => (
        <div key={qui}>
          <h3>{qui}</h3>
          <ul>
            {EXEMPLES.filter((exemple) => exemple.qui === qui).map((exemple) => (
              <Exemple key={exemple.titre} exemple={exemple} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

function Icone() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M4 5h16M4 10h10M4 15h16M4 20h10" />
    </svg>
  );
}

export const exemplesPlugin = { title: 'Exemples', icon: Icone, content: Exemples };
