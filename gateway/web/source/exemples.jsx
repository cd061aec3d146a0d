// The examples in a panel of GraphiQL: a click puts one in the editor, in one tab used again, its variables filled from a real list.
import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { parse } from 'graphql';
import { createContext, useContext, useEffect, useMemo, useState } from 'react';
import { exemplesDe, variablesDans } from './exemples.js';

// { moi, chercher, recherche }: who asks, how a list is asked of the gateway, and the search under way, if any.
export const Session = createContext(null);
const ESSAIS = 5;
const etat = pick('tabs', 'activeTabIndex', 'queryEditor', 'variableEditor', 'responseEditor');

function useExemples() {
  const { moi } = useContext(Session);
  const schema = useGraphiQL(({ schema: lu }) => lu);
  return useMemo(() => (schema ? exemplesDe(moi.profil, schema) : []), [moi.profil, schema]);
}

// Puts a text in the tab of the examples: one that is empty, or still holds an example as it was.
function usePoser(exemples) {
  const { addTab, changeTab, setOperationName, updateActiveTabValues } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor, variableEditor, responseEditor } = useGraphiQL(etat);
  const intact = (query) => !query?.trim() || exemples.some(({ requete }) => requete === query);
  return (query, variables) => {
    const index = tabs.findIndex((tab, i) => intact(i === activeTabIndex ? queryEditor.getValue() : tab.query));
    if (index < 0) addTab();
    else if (index !== activeTabIndex) changeTab(index);
    const texte = variables ? JSON.stringify(variables, null, 2) : '';
    queryEditor.setValue(query);
    variableEditor?.setValue(texte);
    responseEditor?.setValue('');
    updateActiveTabValues({ query, variables: texte, response: '' });
    setOperationName(parse(query).definitions[0].name.value); // GraphiQL reads it half a second later: too late for the history
  };
}

// The values of an example's variables; asked again while sources are late, as they are when nobody has asked for a while.
async function trouver(exemple, chercher) {
  for (let essai = 0; essai < ESSAIS; essai += 1) {
    const { data, errors } = await chercher(exemple.cherche);
    const trouvees = variablesDans(exemple, data);
    if (trouvees || !errors?.some((une) => une.extensions?.source)) return trouvees;
  }
  return null;
}

function Exemple({ exemple, poser, dire }) {
  const { chercher, recherche } = useContext(Session);
  const editeur = useGraphiQL(({ queryEditor }) => queryEditor);
  const ouvrir = async () => {
    if (exemple.cherche) dire('Recherche de valeurs dans votre périmètre…');
    const trouvees = exemple.cherche && (await trouver(exemple, chercher));
    if (trouvees === null) return dire(`« ${exemple.titre} » : personne à montrer dans votre périmètre en ce moment.`);
    poser(exemple.requete, trouvees);
    dire(`« ${exemple.titre} » est dans l’éditeur : Ctrl + Entrée l’exécute.`);
    return editeur.focus(); // where Ctrl + Entrée runs it
  };
  return (
    <li>
      <button type="button" disabled={!editeur} onClick={() => (recherche.current = ouvrir())}>
        {exemple.titre}
      </button>
    </li>
  );
}

function Exemples() {
  const exemples = useExemples();
  const poser = usePoser(exemples);
  const [dit, dire] = useState('');
  return (
    <section className="exemples" aria-label="Exemples">
      <h2>Exemples</h2>
      <p>Ceux de votre profil. Un clic ouvre la requête, Ctrl + Entrée l’exécute.</p>
      <ul>
        {exemples.map((exemple) => (
          <Exemple key={exemple.titre} {...{ exemple, poser, dire }} />
        ))}
      </ul>
      <p role="status">{dit}</p>
    </section>
  );
}

// The first example in an editor that opens empty, and Ctrl + Entrée from anywhere in the page.
export function Ouverture() {
  const exemples = useExemples();
  const poser = usePoser(exemples);
  const { run } = useGraphiQLActions();
  const { recherche } = useContext(Session);
  const editeur = useGraphiQL(({ queryEditor, variableEditor }) => variableEditor && queryEditor);
  useEffect(() => {
    if (editeur && exemples.length && !editeur.getValue().trim()) poser(exemples.find(({ cherche }) => !cherche).requete);
  }, [editeur, exemples]);
  useEffect(() => {
    const executer = async (touche) => {
      if (touche.key !== 'Enter' || !(touche.ctrlKey || touche.metaKey) || touche.defaultPrevented) return;
      touche.preventDefault();
      await recherche.current; // an example that is still looking for its values is what is to be run
      run();
    };
    window.addEventListener('keydown', executer);
    return () => window.removeEventListener('keydown', executer);
  }, [run]);
  return null;
}

function Icone() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M4 5h16M4 10h10M4 15h16M4 20h10" />
    </svg>
  );
}

export const exemplesPlugin = { title: 'Exemples', icon: Icone, content: Exemples };
