// Where the gateway is, and who gives tokens: said by whoever serves the page, at /configuration.json. Nothing of it is secret.
export type Configuration = {
  passerelle: string;
  connexion: { autorisation: string; jeton: string; client: string; portee: string };
};

export async function readConfiguration(): Promise<Configuration> {
  const answer = await fetch('/configuration.json');
  if (!answer.ok) throw new Error('configuration.json manque');
  return (await answer.json()) as Configuration;
}
