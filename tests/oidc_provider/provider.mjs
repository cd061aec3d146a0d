// A real OpenID provider on a loopback port: what it signs by, and for whom it encrypts, is in the environment.
import { Provider } from "oidc-provider";

const { PORT, JWKS, JWKS_URI } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const formats = { rs256: "RS256", ps256: "PS256", es256: "ES256", eddsa: "EdDSA", ed25519: "Ed25519" };

function resourceServer(ctx, resource) {
  const name = resource.split(":").pop();
  const server = { audience: "passerelle", scope: "lire" };
  if (name === "opaque") return { ...server, accessTokenFormat: "opaque" };
  return { ...server, accessTokenFormat: "jwt", jwt: { sign: { alg: formats[name] } } };
}

const answers = { client_secret: "demo", grant_types: [], redirect_uris: [], response_types: [] };
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "ml",
      client_secret: "demo",
      grant_types: ["authorization_code", "client_credentials", "refresh_token"],
      redirect_uris: ["https://outil.invalid/retour"],
      response_types: ["code"],
    },
    { ...answers, client_id: "sr-json" },
    { ...answers, client_id: "sr-post", token_endpoint_auth_method: "client_secret_post" },
    { ...answers, client_id: "sr-signee", introspection_signed_response_alg: "ES256" },
    {
      ...answers, // as ProConnect registers a resource server
      client_id: "passerelle-sr",
      token_endpoint_auth_method: "client_secret_post",
      introspection_signed_response_alg: "RS256",
      introspection_encrypted_response_alg: "ECDH-ES",
      introspection_encrypted_response_enc: "A256GCM",
      jwks_uri: JWKS_URI,
    },
    {
      ...answers,
      client_id: "sr-chiffree",
      introspection_signed_response_alg: "ES256",
      introspection_encrypted_response_alg: "ECDH-ES",
      introspection_encrypted_response_enc: "A256GCM",
      jwks_uri: JWKS_URI,
    },
  ],
  cookies: { keys: ["demo"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    encryption: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    jwtIntrospection: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  enabledJWA: {
    introspectionSigningAlgValues: ["RS256", "ES256"],
    introspectionEncryptionAlgValues: ["ECDH-ES"],
    introspectionEncryptionEncValues: ["A256GCM"],
  },
  fetch: (url, { dispatcher, ...options }) => fetch(url, options), // our key is on loopback, which it would rightly refuse
  jwks: JSON.parse(JWKS),
  pkce: { required: () => true },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed("refresh_token"),
  scopes: ["openid", "lire"],
});

provider.on("server_error", (ctx, error) => console.error(error));
provider.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
