// Signs in and sets second factors up, by the API's own routes. The access token is kept in this
// page only; the refresh cookie, which no script reads, brings it back.
const api = new URL("..", location.href);
const TYPE = "urn:problem-type:";
const part = (id) => document.getElementById(id);
let token = "";
let ticket = "";
let waiting = null; // what is done once the user has confirmed it

class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? "That did not work.");
    this.problem = problem;
  }
}

async function call(method, path, body, form = false) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body && !form) headers["Content-Type"] = "application/json";
  const sent = form ? new URLSearchParams(body) : body && JSON.stringify(body);
  const answer = await fetch(new URL(path, api), { method, headers, body: sent });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(said);
  return said;
}

function show(...ids) {
  for (const id of ["sign-in", "code-form", "password-form", "manage"]) {
    part(id).hidden = !ids.includes(id);
  }
  const first = ids[0] !== "manage" && part(ids[0]).querySelector("input");
  if (first) first.focus();
}

function say(text) {
  part("said").textContent = text;
}

function tell(error) {
  part("problem").hidden = !error;
  if (error) {
    say("");
    // What a browser says of a passkey that was not used differs, and helps no one.
    const known = error instanceof Refused || error instanceof TypeError;
    part("problem").textContent = known ? error.message : "No passkey was used.";
  }
}

// Does one thing; what it needs first (a code, a password) is asked for, and then it is done again.
async function attempt(act) {
  tell(null);
  say("");
  try {
    await act();
  } catch (error) {
    const type = error.problem?.type ?? "";
    if (type === `${TYPE}step-up-required`) {
      waiting = act;
      const has = await call("GET", "second_factor");
      askFor(has.totp || has.passkeys.length ? "code" : "password", has.passkeys.length > 0);
    } else if (type === `${TYPE}further-step-required` && error.problem.ticket) {
      ticket = error.problem.ticket;
      askFor("code", error.problem.steps.includes("passkey"));
    } else {
      tell(error);
    }
  }
}

function askFor(what, hasPasskey) {
  for (const id of ["code", "again"]) part(id).value = "";
  part("code-passkey").hidden = !hasPasskey;
  show(`${what}-form`);
}

function passkeysWork() {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    throw new TypeError("This browser has no passkeys, or an older kind.");
  }
}

async function signedWith(options) {
  passkeysWork();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

async function arrive(answer) {
  token = answer.access_token;
  ticket = "";
  part("sign-in").reset();
  await refresh();
}

async function refresh() {
  const has = await call("GET", "second_factor");
  const number = has.recovery_codes_left;
  const hasAny = has.totp || has.passkeys.length > 0;
  const need = has.required ? " This account must have one." : "";
  part("state").textContent = hasAny
    ? `This account has a second factor, and ${number} recovery codes.`
    : `This account has no second factor.${need}`;
  part("begin-app").hidden = has.totp;
  part("remove-app").hidden = !has.totp;
  part("renew").hidden = !hasAny;
  if (!hasAny) part("codes").hidden = true;
  part("app-form").hidden = true;
  part("passkeys").replaceChildren(...has.passkeys.map(asItem));
  show("manage");
}

function asItem(passkey) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const button = document.createElement("button");
  name.textContent = passkey.name;
  button.textContent = "Remove";
  button.type = "button";
  button.className = "plain";
  button.setAttribute("aria-label", `Remove the passkey ${passkey.name}`);
  button.addEventListener("click", () =>
    attempt(async () => {
      await call("DELETE", `second_factor/passkey/${passkey.id}`);
      await refresh();
      say("The passkey is removed.");
    }),
  );
  item.append(name, button);
  return item;
}

// None come with what isn't the first factor: those that are shown stay.
function showCodes(codes) {
  if (!codes.length) return;
  part("codes").hidden = false;
  part("code-list").replaceChildren(
    ...codes.map((code) => {
      const item = document.createElement("li");
      item.textContent = code;
      return item;
    }),
  );
}

async function prove(proof) {
  if (ticket) {
    await arrive(await call("POST", "login/factor", { ticket, ...proof }));
    return;
  }
  await call("POST", "step-up/factor", proof);
  await goOn();
}

async function goOn() {
  const act = waiting;
  waiting = null;
  show("manage");
  if (act) await attempt(act);
}

const acts = {
  "passkey-login": async () => {
    const passkey = await signedWith(await call("POST", "login/passkey/options"));
    await arrive(await call("POST", "login/passkey", { passkey }));
  },
  "passkey-step": async () => {
    const options = ticket
      ? await call("POST", "login/factor/options", { ticket })
      : await call("POST", "step-up/factor/options");
    await prove({ passkey: await signedWith(options) });
  },
  leave: async () => {
    ticket = "";
    waiting = null;
    show(token ? "manage" : "sign-in");
  },
  "begin-app": async () => {
    const made = await call("POST", "second_factor/totp");
    const drawn = new DOMParser().parseFromString(made.qr_svg, "text/html").querySelector("svg");
    part("qr").replaceChildren(document.importNode(drawn, true));
    part("secret").textContent = made.secret;
    show("manage");
    part("app-form").hidden = false;
    part("app-code").value = "";
    part("app-code").focus();
  },
  "remove-app": async () => {
    await call("DELETE", "second_factor/totp");
    await refresh();
    say("The app is removed.");
  },
  renew: async () => {
    const made = await call("POST", "second_factor/recovery_codes");
    await refresh();
    showCodes(made.recovery_codes);
  },
  "sign-out": async () => {
    await call("POST", "logout");
    token = "";
    part("codes").hidden = true;
    part("code-list").replaceChildren();
    show("sign-in");
  },
};

const forms = {
  "sign-in": async () => {
    const form = { username: part("username").value, password: part("password").value };
    await arrive(await call("POST", "login", form, true));
  },
  "code-form": () => prove({ code: part("code").value }),
  "password-form": async () => {
    await call("POST", "step-up", { password: part("again").value });
    await goOn();
  },
  "app-form": async () => {
    const code = part("app-code").value.replaceAll(" ", "");
    const made = await call("POST", "second_factor/totp/confirm", { code });
    await refresh();
    showCodes(made.recovery_codes);
    say("The app is set up.");
  },
  "passkey-form": async () => {
    passkeysWork();
    const name = part("passkey-name").value;
    const options = await call("POST", "second_factor/passkey_options");
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey);
    const made = await navigator.credentials.create({ publicKey });
    const kept = await call("POST", "second_factor/passkey", { name, credential: made.toJSON() });
    part("passkey-form").reset();
    await refresh();
    showCodes(kept.recovery_codes);
    say("The passkey is added.");
  },
};

for (const [id, send] of Object.entries(forms)) {
  part(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(send);
  });
}
for (const button of document.querySelectorAll("[data-act]")) {
  button.addEventListener("click", () => attempt(acts[button.dataset.act]));
}

// A session that is there already; the answer is a 401 where there is none.
try {
  await arrive(await call("POST", "refresh"));
} catch {
  show("sign-in");
}
