// The page: who asks, then GraphiQL with the examples beside it and, above it, what the last answer is worth.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { StrictMode, useEffect, useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Accueil, CompteRendu, Identite } from './acces.jsx';
import { revenir } from './connexion.js';
import { exemplesPlugin, Ouverture, Session } from './exemples.jsx';
import { expiration, interrogateur, interroger, MOI } from './passerelle.js';
import { compteRendu } from './reponse.js';

const PLUGINS = [exemplesPlugin, HISTORY_PLUGIN];
const JETON = 'passerelle:jeton';
const retour = await revenir();
if (retour.jeton) sessionStorage.setItem(JETON, retour.jeton);

// A token, kept for this tab only, or a key, which is not kept; and who that makes the caller, as the gateway says it.
function useAcces() {
  const [acces, setAcces] = useState(() => ({ jeton: sessionStorage.getItem(JETON) ?? '', cle: '' }));
  const [finalite, setFinalite] = useState('');
  const [moi, setMoi] = useState(null);
  const [refus, setRefus] = useState(retour.refus ?? '');
  const donner = ({ jeton = '', cle = '' }) => {
    sessionStorage.setItem(JETON, jeton);
    setFinalite('');
    setAcces({ jeton, cle });
  };
  const quitter = (raison = '') => {
    donner({});
    setMoi(null);
    setRefus(raison);
  };
  useEffect(() => {
    if (!acces.jeton && !acces.cle) return undefined;
    let attendu = true;
    interroger({ ...acces, finalite }, { query: MOI }).then(({ rendu }) => {
      if (!attendu) return;
      if (rendu.data?.moi) setMoi(rendu.data.moi);
      else quitter(`Accès refusé : ${rendu.errors?.[0]?.message ?? 'demandez-en un nouveau.'}`);
    });
    return () => (attendu = false);
  }, [acces, finalite]);
  return { acces, finalite, setFinalite, moi, refus, setRefus, donner, quitter };
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

function Editeur({ acces, finalite, moi, rapporter }) {
  const session = useRef(null);
  const recherche = useRef(null);
  session.current = { ...acces, finalite };
  // A new one for each caller and purpose: GraphiQL then reads the schema again.
  const fetcher = useMemo(() => interrogateur(session, (...rendu) => rapporter(compteRendu(...rendu))), [acces, finalite]);
  useEffect(() => fetcher.arreter, [fetcher]);
  const contexte = useMemo(
    () => ({ moi, recherche, chercher: async (query) => (await interroger(session.current, { query })).rendu }),
    [moi],
  );
  return (
    <Session value={contexte}>
      <GraphiQL
        fetcher={fetcher}
        plugins={PLUGINS}
        visiblePlugin={exemplesPlugin}
        defaultQuery=""
        defaultEditorToolsVisibility="variables"
        inputValueDeprecation
        storage={sessionStorage}
        isHeadersEditorEnabled={false}
        shouldPersistHeaders={false}
        showPersistHeadersSettings={false}
      >
        <GraphiQL.Logo>
          <Ouverture />
        </GraphiQL.Logo>
      </GraphiQL>
    </Session>
  );
}

function Page() {
  const { acces, finalite, setFinalite, moi, refus, setRefus, donner, quitter } = useAcces();
  const [rendu, rapporter] = useState(null);
  const fin = useMemo(() => expiration(acces.jeton) || null, [acces]);
  useReveil(fin);
  const partir = () => {
    rapporter(null);
    quitter();
  };
  return (
    <>
      <header className="bandeau">
        <h1>Passerelle apprentissage</h1>
        {moi && <Identite {...{ moi, finalite, setFinalite, fin, quitter: partir }} />}
      </header>
      {moi ? (
        <main className="atelier">
          <CompteRendu rendu={rendu} />
          <Editeur key={moi.profil} {...{ acces, finalite, moi, rapporter }} />
        </main>
      ) : (
        <Accueil {...{ refus, donner, dire: setRefus }} />
      )}
    </>
  );
}

createRoot(document.getElementById('page')).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
