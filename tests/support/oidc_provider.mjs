// A certified OpenID provider (npm: oidc-provider) for the tests.
//
// node oidc_provider.mjs PACKAGE SETTINGS: listens on the port of SETTINGS, keeps its signing keys
// in SETTINGS.keys_file (so that it comes back with them), says "ready", and then takes one
// command per line on standard input: "rotate" signs with a new key and still publishes the old
// ones, "forget" publishes the newest only. Each is answered by the ids of the published keys.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [packageFolder, settingsFile] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(settingsFile, "utf8"));
console.info = console.warn = console.error; // standard output is for answers
const { Provider } = await import(pathToFileURL(`${packageFolder}/lib/index.js`));

const KINDS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
};

const PEOPLE = ["openid", "email", "profile"];

function generation() {
  return Object.entries(KINDS).map(([alg, [kind, options]]) => ({
    ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }),
    alg,
    use: "sig",
    kid: `${alg}-${randomUUID()}`,
  }));
}

// Newest first: the provider signs with the first key that fits.
let generations = existsSync(settings.keys_file)
  ? JSON.parse(readFileSync(settings.keys_file, "utf8"))
  : [generation()];
let answer;

function build() {
  writeFileSync(settings.keys_file, JSON.stringify(generations), { mode: 0o600 });
  const provider = new Provider(settings.issuer, {
    jwks: { keys: generations.flat() },
    clients: settings.clients.map((client) => ({
      client_id: client.id,
      client_secret: client.secret,
      grant_types: client.redirect_uri
        ? ["client_credentials", "authorization_code"]
        : ["client_credentials"],
      response_types: client.redirect_uri ? ["code"] : [],
      redirect_uris: client.redirect_uri ? [client.redirect_uri] : [],
      scope: [...client.scopes, ...(client.redirect_uri ? PEOPLE : [])].join(" "),
    })),
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    // whoever signs in with an address is that person; `unproved.` ones have not proved it
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: sub, email_verified: !sub.startsWith("unproved."), name: "" }),
    }),
    scopes: [...PEOPLE, ...new Set(settings.clients.flatMap((client) => client.scopes))],
    clientBasedCORS: () => false,
    extraTokenClaims: (_, token) =>
      settings.clients.find((client) => client.id === token.clientId)?.claims,
    features: {
      devInteractions: { enabled: settings.clients.some((client) => client.redirect_uri) },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, audience, client) => ({
          audience,
          scope: settings.clients.find(({ id }) => id === client.clientId).scopes.join(" "),
          accessTokenTTL: settings.token_seconds,
          ...(audience.endsWith("/opaque")
            ? { accessTokenFormat: "opaque" }
            : { accessTokenFormat: "jwt", jwt: { sign: { alg: settings.algorithm } } }),
        }),
      },
    },
  });
  answer = provider.callback();
}

function published() {
  return generations.flat().map((key) => key.kid);
}

build();
const server = createServer((request, response) => answer(request, response));
server.listen(settings.port, "127.0.0.1", () => console.log("ready"));

createInterface({ input: process.stdin })
  .on("line", (command) => {
    if (command === "rotate") generations = [generation(), ...generations];
    if (command === "forget") generations = generations.slice(0, 1);
    build();
    console.log(JSON.stringify(published()));
  })
  .on("close", () => process.exit(0)); // the test is gone
