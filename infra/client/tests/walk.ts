/** What the drill does with the written client, against a running API. Its last line is "walked". */

import assert from "node:assert/strict";

import { ApiError, Session, items, unwrap, type Schemas } from "./client.js";

const baseUrl = process.argv[2] ?? "";
const PASSWORD = "correct horse battery";
const sent: string[] = [];
let seen = ""; // the last access token that was sent
let expired = ""; // one that the API no longer believes, as when its time is over

/** Node's fetch keeps no cookies, so this one does, as a browser would. */
function keepingCookies(): (request: Request) => Promise<Response> {
  const jar = new Map<string, string>();
  return async (request) => {
    sent.push(`${request.method} ${new URL(request.url).pathname}`);
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    if (cookies) request.headers.set("Cookie", cookies);
    seen = request.headers.get("Authorization") ?? seen;
    if (seen === expired) request.headers.set("Authorization", `${expired}x`);
    const response = await fetch(request);
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/);
      if (value && !/max-age=0/i.test(line)) jar.set(name, value);
      else jar.delete(name);
    }
    return response;
  };
}

const browser = keepingCookies();
let loggedOut = 0;
const session = new Session({ baseUrl, fetch: browser, onLoggedOut: () => (loggedOut += 1) });

async function register(username: string): Promise<Schemas["UserRead"]> {
  const body = { name: username, username, email: `${username}@example.com`, password: PASSWORD };
  return unwrap(await session.api.POST("/api/v1/user", { body }));
}

async function problemOf(work: Promise<unknown>): Promise<Schemas["Problem"]> {
  try {
    await work;
  } catch (error) {
    assert(error instanceof ApiError);
    return error.problem;
  }
  throw new Error("no problem");
}

// Create.
const ada = await register("ada");
for (let number = 0; number < 6; number += 1) await register(`user${number}`);
const taken = await problemOf(register("ada"));
assert.equal(taken.status, 422);
assert.equal(typeof ada.profile_image_url, "object");

// Login, and a wrong one.
assert.equal((await problemOf(session.login("ada", "wrong password"))).status, 401);
assert.equal(session.isLoggedIn, false);
await session.login("ada", PASSWORD);
assert.equal(session.isLoggedIn, true);

// Read and update.
const me = unwrap(await session.api.GET("/api/v1/user/me/"));
assert.equal(me.email, "ada@example.com");
const params = { path: { username: "ada" } };
unwrap(await session.api.PATCH("/api/v1/user/{username}", { params, body: { name: "Countess" } }));
assert.equal(unwrap(await session.api.GET("/api/v1/user/{username}", { params })).name, "Countess");
const wrong = await session.api.PATCH("/api/v1/user/{username}", { params, body: { name: "x" } });
assert.equal(wrong.error && "errors" in wrong.error ? wrong.error.errors?.[0]?.loc.join(".") : "", "body.name");

// Pages, by number and by cursor.
const query = { page: 2, items_per_page: 3 };
const page = unwrap(await session.api.GET("/api/v1/users", { params: { query } }));
assert("page" in page && page.page === 2 && page.data.length === 3 && page.total_count >= 7);
const names: string[] = [];
for await (const user of items((cursor) =>
  session.api.GET("/api/v1/users", { params: { query: { cursor, items_per_page: 2 } } }),
)) {
  names.push(user.username);
}
assert.equal(names.length, page.total_count);
assert.equal(new Set(names).size, names.length);

// Refresh: another visit of the same browser, then calls that find the token expired at once.
const later = new Session({ baseUrl, fetch: browser });
assert.equal(await later.restore(), true);
assert.equal(unwrap(await later.api.GET("/api/v1/user/me/")).id, ada.id);
expired = seen;
sent.length = 0;
const eight = await Promise.all(Array.from({ length: 8 }, () => later.api.GET("/api/v1/user/me/")));
assert(eight.every((answer) => unwrap(answer).username === "ada"));
assert.equal(sent.filter((line) => line === "POST /api/v1/refresh").length, 1);

// Delete, after which the session is over.
const other = new Session({ baseUrl, fetch: browser, onLoggedOut: () => (loggedOut += 1) });
await other.login("ada", PASSWORD);
unwrap(await other.api.DELETE("/api/v1/user/{username}", { params }));
assert.equal((await problemOf(other.api.GET("/api/v1/user/me/").then(unwrap))).status, 401);
assert.equal(loggedOut, 1);
assert.equal(other.isLoggedIn, false);

// Logout.
const last = new Session({ baseUrl, fetch: browser });
await last.login("user0", PASSWORD);
await last.logout();
assert.equal(await last.restore(), false);
console.log("walked");
