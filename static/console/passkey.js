// A passkey is made or asked for: what the page says goes to the browser, and the browser's answer into the form.

const form = document.querySelector("form[data-passkey]");
const told = form?.querySelector("[data-passkey-told]");

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function asked(options) {
  const keys = (list) => (list ?? []).map((key) => ({ ...key, id: bytes(key.id) }));
  const found = { ...options, challenge: bytes(options.challenge) };
  if (options.user) found.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) found.excludeCredentials = keys(options.excludeCredentials);
  if (options.allowCredentials) found.allowCredentials = keys(options.allowCredentials);
  return found;
}

function said(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const given = parts.filter((part) => response[part]).map((part) => [part, text(response[part])]);
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: Object.fromEntries(given),
    clientExtensionResults: {},
  });
}

if (form && window.PublicKeyCredential) {
  form.querySelector("[data-passkey-button]").hidden = false;
  form.addEventListener("submit", async (event) => {
    const typed = form.elements.code?.value.trim(); // the Enter key presses the first button, whichever is meant
    if (typed || event.submitter?.value !== "passkey" || form.elements.passkey.value) return;
    event.preventDefault();
    try {
      const publicKey = asked(JSON.parse(form.dataset.options));
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
      form.elements.passkey.value = said(credential);
      form.submit();
    } catch (error) {
      told.textContent =
        error.name === "InvalidStateError"
          ? "This device is there already."
          : "Your browser did not confirm. Try again, or use another way.";
    }
  });
} else if (told) {
  told.textContent = "This browser knows no passkeys here: open the console by its own address, with https.";
}
