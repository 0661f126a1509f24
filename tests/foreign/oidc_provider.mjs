// The certified OpenID provider of npm, with people who sign in by a form of ours.
// Usage: node oidc_provider.mjs FOLDER PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI
// Logins are `name` or `name+otp` (who showed a second factor); the number of `name` is `sub-name`,
// of `name=other` it is `sub-other`. Every password is right.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [folder, port, clientId, clientSecret, redirectUri] = process.argv.slice(2);
const library = pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`);
const { Provider } = await import(library);

const names = new Map();
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
  claims: { openid: ["sub", "amr"], profile: ["preferred_username"], email: ["email", "email_verified"] },
  cookies: { keys: ["only for tests"] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  renderError: (context, out) => { context.body = JSON.stringify(out); console.error(out); },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: names.get(id) }),
  }),
  loadExistingGrant: async ({ oidc }) => {
    const grant = new provider.Grant({ clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

async function fields(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return new URLSearchParams(text);
}

const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  if (request.method === "GET") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    return response.end(`<!doctype html><title>Provider</title><form method="post">
      <label>Account <input name="login"></label> <button>Go on</button></form>`);
  }
  const [login, factor] = (await fields(request)).get("login").split("+");
  const [name, number] = login.split("=");
  const accountId = `sub-${number ?? name}`;
  names.set(accountId, name);
  const amr = factor ? ["pwd", factor] : ["pwd"];
  await provider.interactionFinished(request, response, { login: { accountId, amr } });
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
