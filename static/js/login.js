// Sign-in: shows the password on request and says when Caps Lock is on.
const password = document.getElementById("password");
const caps = document.getElementById("caps");
const reveal = document.querySelector("[data-show]");

reveal.hidden = false;
reveal.addEventListener("click", () => {
  const shown = password.type === "password";
  password.type = shown ? "text" : "password";
  reveal.setAttribute("aria-pressed", String(shown));
  reveal.setAttribute("aria-label", shown ? "Hide password" : "Show password");
  password.focus();
});

for (const kind of ["keydown", "keyup"]) {
  password.addEventListener(kind, (event) => {
    if (event.getModifierState) caps.hidden = !event.getModifierState("CapsLock");
  });
}

document.querySelector("form").addEventListener("submit", (event) => {
  event.submitter?.setAttribute("aria-busy", "true");
});
