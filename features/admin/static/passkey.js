// Shows a passkey in place of a code: what it has signed is sent with the form.
const part = document.getElementById("passkey");
const form = part.closest("form");
const signed = part.querySelector("input");
const refused = part.querySelector("[role=alert]");

async function show() {
  refused.hidden = true;
  try {
    const options = JSON.parse(part.dataset.options);
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const shown = await navigator.credentials.get({ publicKey });
    signed.value = JSON.stringify(shown.toJSON());
    form.submit(); // no submit event comes of it
  } catch {
    refused.hidden = false;
  }
}

// Of an older browser nothing is seen of it.
if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  part.hidden = false;
  part.querySelector("button").addEventListener("click", show);
  // A code is sent without what a passkey has signed before.
  form.addEventListener("submit", () => {
    signed.value = "";
  });
}
