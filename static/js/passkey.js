// Passkeys: asks the browser to make or to use one, and sends its answer with the form.
const forms = document.querySelectorAll("form[data-passkey]");
const supported = Boolean(window.PublicKeyCredential);
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function options(given) {
  const list = (items) => (items ?? []).map((item) => ({ ...item, id: bytes(item.id) }));
  const made = { ...given, challenge: bytes(given.challenge) };
  if (given.user) made.user = { ...given.user, id: bytes(given.user.id) };
  if (given.excludeCredentials) made.excludeCredentials = list(given.excludeCredentials);
  if (given.allowCredentials) made.allowCredentials = list(given.allowCredentials);
  return made;
}

function answer(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const sent = Object.fromEntries(parts.filter((part) => response[part]).map((part) => [part, text(response[part])]));
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: sent,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

for (const form of forms) {
  const start = form.querySelector("[data-start]");
  const failed = form.querySelector("[data-failed]");
  start.hidden = !supported;
  start.addEventListener("click", async () => {
    failed.hidden = true;
    start.setAttribute("aria-busy", "true");
    try {
      const publicKey = options(JSON.parse(form.dataset.passkey).publicKey);
      const credential = await navigator.credentials[form.dataset.ceremony]({ publicKey });
      form.elements.credential.value = JSON.stringify(answer(credential));
      form.submit();
    } catch (error) {
      console.info("passkey", error);
      failed.hidden = false;
      start.removeAttribute("aria-busy");
    }
  });
}
