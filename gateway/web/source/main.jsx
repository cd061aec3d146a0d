// The page: a place for the token, GraphiQL, and the examples beside it.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { StrictMode, useEffect, useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { EXEMPLES, exemplesPlugin } from './exemples.jsx';
import { expiration, interrogateur } from './passerelle.js';

const FINALITES = ['ACCOMPAGNEMENT', 'GESTION_CFA', 'CONTROLE_OBLIGATION', 'PILOTAGE', 'EXPLOITATION'];
const PLUGINS = [exemplesPlugin, HISTORY_PLUGIN];

// Kept for this tab only: what is typed here may name people.
function useSession(cle) {
  const [valeur, setValeur] = useState(() => sessionStorage.getItem(cle) ?? '');
  useEffect(() => sessionStorage.setItem(cle, valeur), [cle, valeur]);
  return [valeur, setValeur];
}

// Shows the page again when the token ends.
function useReveil(echeance) {
  const [, reveiller] = useState(0);
  useEffect(() => {
    const reste = echeance - Date.now();
    if (!(reste > 0)) return undefined;
    const minuteur = setTimeout(() => reveiller(echeance), Math.min(reste + 500, 2 ** 31 - 1));
    return () => clearTimeout(minuteur);
  }, [echeance]);
}

function message(jeton, echeance, perime, refus) {
  if (!jeton) return ['attente', 'Collez un jeton d’accès : la réponse dépend de qui demande, et pour quoi faire.'];
  const heure = echeance && new Date(echeance).toLocaleTimeString('fr', { hour: '2-digit', minute: '2-digit' });
  if (perime) return ['refus', `Ce jeton a expiré à ${heure} : demandez-en un nouveau et collez-le ici.`];
  if (refus) return ['refus', `La passerelle refuse ce jeton : ${refus}`];
  return ['valable', heure ? `Jeton valable jusqu’à ${heure}.` : 'Jeton en place.'];
}

function Bandeau({ jeton, setJeton, finalite, setFinalite, etat: [ton, texte] }) {
  return (
    <header className="bandeau">
      <h1>Passerelle apprentissage</h1>
      <label>
        Jeton
        <input
          type="password"
          name="jeton"
          value={jeton}
          autoComplete="off"
          spellCheck={false}
          placeholder="eyJ…"
          onChange={(evenement) => setJeton(evenement.target.value.replace(/^\s*Bearer\s+/i, '').trim())}
        />
      </label>
      <label>
        Finalité
        <select name="finalite" value={finalite} onChange={(evenement) => setFinalite(evenement.target.value)}>
          <option value="">celle de mon compte</option>
          {FINALITES.map((une) => (
            <option key={une}>{une}</option>
          ))}
        </select>
      </label>
      <p className={ton} role="status">
        {texte}
      </p>
    </header>
  );
}

function Page() {
  const [jeton, setJeton] = useSession('passerelle:jeton');
  const [finalite, setFinalite] = useSession('passerelle:finalite');
  const [refus, setRefus] = useState('');
  const echeance = useMemo(() => expiration(jeton), [jeton]);
  const perime = Date.now() > echeance;
  useReveil(echeance);
  const session = useRef(null);
  session.current = { jeton, finalite };
  // A new one for each session: GraphiQL then reads the schema again.
  const fetcher = useMemo(() => interrogateur(session, setRefus), [jeton, finalite]);
  return (
    <>
      <Bandeau {...{ jeton, setJeton, finalite, setFinalite, etat: message(jeton, echeance, perime, refus) }} />
      <GraphiQL
        fetcher={fetcher}
        plugins={PLUGINS}
        visiblePlugin={exemplesPlugin}
        defaultQuery={EXEMPLES[0].requete}
        storage={sessionStorage}
        isHeadersEditorEnabled={false}
        shouldPersistHeaders={false}
        showPersistHeadersSettings={false}
      >
        <GraphiQL.Logo>GraphQL</GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

createRoot(document.getElementById('page')).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
