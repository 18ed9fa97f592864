// A provider with one client, whose accounts are whatever name is typed in; from the environment:
// PORT, CLIENT_ID, CLIENT_SECRET, CALLBACK, TTL (seconds that an ID token is good). Keys are new at
// each start.
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const { PORT, CLIENT_ID, CLIENT_SECRET, CALLBACK, TTL } = process.env;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      redirect_uris: [CALLBACK],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
  cookies: { keys: ["of no worth"] },
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  ttl: { IdToken: Number(TTL) },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: id.toUpperCase(),
      email: `${id}@example.org`,
      email_verified: true,
    }),
  }),
});

provider.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
