// Who asks: the page before anybody is known, and the banner once somebody is.
import { useState } from 'react';
import { fournisseur, partir } from './connexion.js';

const IMPRIMABLE = /^[\x21-\x7e]+$/;

function Champ({ nom, libelle, aide, donner, dire }) {
  const [valeur, setValeur] = useState('');
  const envoyer = (evenement) => {
    evenement.preventDefault();
    const propre = valeur.replace(/^\s*Bearer\s+/i, '').trim();
    if (IMPRIMABLE.test(propre)) donner({ [nom]: propre });
    else dire(propre ? `${libelle} : un caractère n’est pas permis, copiez à nouveau.` : `${libelle} : à remplir.`);
  };
  return (
    <form onSubmit={envoyer}>
      <label htmlFor={nom}>{libelle}</label>
      <p id={`${nom}-aide`}>{aide}</p>
      <input
        id={nom}
        name={nom}
        type="password"
        autoComplete="off"
        spellCheck={false}
        aria-describedby={`${nom}-aide`}
        value={valeur}
        onChange={(evenement) => setValeur(evenement.target.value)}
      />
      <button type="submit">Utiliser</button>
    </form>
  );
}

export function Accueil({ refus, donner, dire }) {
  const seConnecter = () => partir().catch(() => dire('La connexion demande une page ouverte en https.'));
  return (
    <main className="accueil">
      <h2>Interroger le graphe</h2>
      <p>Ce que la passerelle répond dépend de qui demande, et pour quoi faire. Dites d’abord qui vous êtes.</p>
      <p className={refus ? 'refus' : 'attente'} role="status">
        {refus || 'Personne n’est encore connecté.'}
      </p>
      {fournisseur && (
        <button type="button" className="connexion" onClick={seConnecter}>
          Se connecter
        </button>
      )}
      <Champ nom="jeton" libelle="Jeton d’accès" aide="Donné par votre fournisseur d’identité ; gardé par cet onglet seulement." {...{ donner, dire }} />
      <Champ nom="cle" libelle="Clé d’API" aide="Celle d’une machine inscrite au registre ; oubliée quand la page est rechargée." {...{ donner, dire }} />
    </main>
  );
}

export function Identite({ moi, finalite, setFinalite, fin, quitter }) {
  const heure = fin && new Date(fin).toLocaleTimeString('fr', { hour: '2-digit', minute: '2-digit' });
  return (
    <>
      <p>
        <strong>{moi.organisation ?? moi.profil}</strong> <span>({moi.profil})</span>
      </p>
      {moi.finalites.length > 1 ? (
        <label>
          Finalité
          <select name="finalite" value={finalite} onChange={(evenement) => setFinalite(evenement.target.value)}>
            <option value="">à choisir</option>
            {moi.finalites.map((une) => (
              <option key={une}>{une}</option>
            ))}
          </select>
        </label>
      ) : (
        <p>Finalité : {moi.finalites[0]}</p>
      )}
      {fin && <p className={Date.now() > fin ? 'refus' : 'valable'}>{Date.now() > fin ? `Jeton expiré à ${heure}` : `Jeton valable jusqu’à ${heure}`}</p>}
      <button type="button" onClick={quitter}>
        Changer d’accès
      </button>
    </>
  );
}

// What the last answer is worth. Said aloud as a whole: it is short.
export function CompteRendu({ rendu }) {
  return (
    <section className={`compte-rendu ${rendu?.ton ?? ''}`} aria-label="Compte rendu de la réponse">
      <div role="status" aria-live="polite">
        {rendu ? (
          <>
            <p className={rendu.ton}>
              <strong>{rendu.resume}</strong> {rendu.sources.join(' · ')}
            </p>
            {rendu.details.length > 0 && (
              <ul tabIndex={0} aria-label="Ce qui manque, et pourquoi">
                {rendu.details.map((detail) => (
                  <li key={detail}>{detail}</li>
                ))}
              </ul>
            )}
          </>
        ) : (
          <p className="attente">Ctrl + Entrée exécute la requête ; ce que vaut la réponse se lit ici.</p>
        )}
      </div>
    </section>
  );
}
