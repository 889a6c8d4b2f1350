// What every page of the console has: menus, dialogs, toasts, times that stay current, keyboard shortcuts.
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => root.querySelectorAll(selector);

// ---- Times ----------------------------------------------------------------------------------------------------------
// The server's clock counts: a reader's clock may be wrong.
const arrived = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
const offset = Date.parse(document.body.dataset.now) - arrived;
const serverNow = () => Date.now() + offset;
const locale = document.documentElement.lang;
// A zone that the person chose goes before the browser's own; then the server's text stands already.
const timeZone = document.body.dataset.zone || undefined;
const exactForm = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", timeZone });
const clockForm = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone });
const dayForm = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric", timeZone });

function duration(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

function ago(moment) {
  const seconds = (serverNow() - moment) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 10) return "just now";
  if (distance >= 30 * 86400) return dayForm.format(moment);
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([least]) => distance >= least);
  const text = `${Math.floor(distance / size)} ${unit}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function tick() {
  if (document.hidden) return;
  for (const node of all("time[data-ago]")) {
    const moment = Date.parse(node.dateTime);
    put(node, ago(moment));
    if (!node.dataset.local && !timeZone) node.title = exactForm.format(moment);
    node.dataset.local = "1";
  }
  for (const node of all("time[data-clock]")) {
    if (node.dataset.local) continue;
    node.dataset.local = "1";
    const moment = new Date(Date.parse(node.dateTime));
    node.title = exactForm.format(moment);
    put(node, `${clockForm.format(moment)}.${String(moment.getMilliseconds()).padStart(3, "0")}`);
  }
  for (const node of all("[data-since]")) put(node, duration(serverNow() - Date.parse(node.dataset.since)));
}
setInterval(tick, 1000);
document.addEventListener("htmx:after:swap", tick);
tick();

// ---- Toasts ---------------------------------------------------------------------------------------------------------
const toasts = one("#toasts");
const TOAST_SECONDS = 6;

function armToast(toast) {
  if (toast.getAttribute("role") === "alert") return;
  let timer;
  const start = () => { timer = setTimeout(() => toast.remove(), TOAST_SECONDS * 1000); };
  const hold = () => clearTimeout(timer);
  for (const kind of ["pointerenter", "focusin"]) toast.addEventListener(kind, hold);
  for (const kind of ["pointerleave", "focusout"]) toast.addEventListener(kind, start);
  start();
}

function showToast(message, level = "success") {
  const toast = one("#toast-template").content.cloneNode(true).firstElementChild;
  const tones = { success: ["success", "SUCCESS"], info: ["info", "info"], warning: ["warning", "WARNING"], error: ["danger", "FAILED"] };
  const [tone, icon] = tones[level] ?? tones.info;
  toast.dataset.tone = tone;
  toast.setAttribute("role", level === "error" ? "alert" : "status");
  const use = one("use", toast);
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#i-${icon}`));
  one("[data-toast-text]", toast).textContent = message;
  toasts.append(toast);
  while (toasts.children.length > 3) toasts.firstElementChild.remove();
  armToast(toast);
}
all(".toast", toasts).forEach(armToast);
document.addEventListener("toast", (event) => showToast(event.detail.message, event.detail.level));
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error?.name !== "AbortError") showToast("The server did not answer. What you typed is kept; try again.", "error");
});
document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx.response.status >= 500) showToast("The server could not do this. What you typed is kept; try again.", "error");
});

// ---- Dialogs --------------------------------------------------------------------------------------------------------
const dialog = one("#dialog");
document.addEventListener("htmx:after:swap", () => {
  if (dialog.childElementCount && !dialog.open) dialog.showModal();
});
dialog.addEventListener("close", () => dialog.replaceChildren());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) {
    event.preventDefault();
    dialog.close();
  }
});

// ---- Menus, copying, rows, busy buttons -----------------------------------------------------------------------------
document.addEventListener("click", async (event) => {
  for (const menu of all("details[data-menu][open]")) {
    if (!menu.contains(event.target) || event.target.closest("a, button")) menu.open = false;
  }
  event.target.closest("[data-dismiss]")?.closest(".toast, .alert")?.remove();
  const copied = event.target.closest("[data-copy]");
  if (copied) {
    try {
      await navigator.clipboard.writeText(copied.dataset.copy);
      showToast("Copied", "info");
    } catch {
      showToast("The browser does not allow copying here. Select the text and copy it.", "warning");
    }
  }
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, select, details, label, .pick") && !String(getSelection())) {
    if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
    else location.assign(row.dataset.href);
  }
});
document.addEventListener("submit", (event) => event.submitter?.matches(".btn") && event.submitter.setAttribute("aria-busy", "true"));
document.addEventListener("htmx:finally:request", () => all(".btn[aria-busy]").forEach((button) => button.removeAttribute("aria-busy")));
window.addEventListener("pageshow", () => all(".btn[aria-busy]").forEach((button) => button.removeAttribute("aria-busy")));
document.addEventListener("change", (event) => {
  event.target.closest("form[data-auto]")?.requestSubmit();
  const boxes = event.target.matches("[data-pick-all]") ? all("td.pick input", event.target.closest("table")) : [];
  for (const box of boxes) box.checked = event.target.checked;
});

// ---- Keyboard -------------------------------------------------------------------------------------------------------
// data-key: pressed alone, that element is clicked. data-go: pressed after g, that link of the menu is followed.
let leader = -Infinity;
const visible = (node) => node && node.checkVisibility();

function moveRow(step) {
  const rows = [...all("main tbody tr")].filter((row) => one("a", row));
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement.closest("tr"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  one("a", next).focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function pressed(key) {
  if (key === "/") return one("[data-filter]");
  if (key >= "1" && key <= "9") return all("main .tabs a, main [role=tablist] a")[Number(key) - 1] ?? one(`[data-key="${key}"]`);
  if (key === ".") return [...all("main details[data-menu] > summary")].find(visible);
  if (key === "x") return one(".pick input", document.activeElement.closest("tr") ?? document.createElement("tr"));
  return one(`[data-key="${CSS.escape(key)}"]`);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of all("details[data-menu][open]")) {
      menu.open = false;
      one("summary", menu).focus();
    }
    return;
  }
  if (event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    const switcher = one("details[data-shortcut=tenant]");
    switcher.open = !switcher.open;
    one("summary", switcher).focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]") || document.body.dataset.shortcuts === "off") return;
  if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
  const led = performance.now() - leader < 1500;
  leader = event.key === "g" ? performance.now() : -Infinity;
  if (led && event.key !== "g") {
    const target = event.key === "s" ? one("[data-settings]") : one(`[data-go="${CSS.escape(event.key)}"]`);
    if (target) {
      event.preventDefault();
      location.assign(target.href);
    }
    return;
  }
  if ((event.key === "j" || event.key === "k") && moveRow(event.key === "j" ? 1 : -1)) return event.preventDefault();
  const target = pressed(event.key);
  if (!target) {
    if (event.key === "r") location.reload();
    return;
  }
  event.preventDefault();
  if (target.matches("[data-filter], input:not([type=checkbox])")) target.focus();
  else target.click();
});

// ---- The list of a menu that is searched -----------------------------------------------------------------------------
document.addEventListener("input", (event) => {
  const words = event.target.matches("[data-narrow]") && event.target.value.toLowerCase().split(/\s+/);
  if (!words) return;
  for (const row of all("a.opt-row", event.target.closest(".menu"))) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
});
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const lines = [...all("a.opt-row, button.opt-row", menu)].filter(visible);
  const at = lines.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  lines[(at + lines.length) % lines.length]?.focus();
});

// ---- A session that is over ------------------------------------------------------------------------------------------
// Where typed text would be lost on the way to the sign-in, the person signs in in a second window and this page goes on.
const check = one("#session-check");
const gone = one("#signed-out");
const IDLE = 5 * 60_000;
let seen = Date.now();
let waiting = null;

function askToSignIn(form, submitter) {
  waiting = form ? { form, submitter } : null;
  if (!gone.open) gone.showModal();
}

async function renew() {
  const answer = await fetch(check.dataset.url, { headers: { "HX-Request": "true" }, cache: "no-store" });
  if (!answer.ok || answer.headers.get("HX-Redirect")) return false;
  const { token } = await answer.json();
  for (const field of all("input[name=csrfmiddlewaretoken]")) field.value = token;
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
  seen = Date.now();
  return true;
}

if (check) {
  document.addEventListener("signed-out", () => askToSignIn());
  document.addEventListener("htmx:before:swap", () => { seen = Date.now(); });
  document.addEventListener("htmx:before:response", (event) => {
    if (!event.detail.ctx.hx?.redirect?.startsWith("/ui/login")) return;
    event.preventDefault(); // what was typed stays on the page
    askToSignIn();
  });
  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    const plain = form.method === "post" && !form.closest("dialog") && ![...form.attributes].some((one) => one.name.startsWith("hx-post"));
    if (!plain || event.defaultPrevented || Date.now() - seen < IDLE) return;
    event.preventDefault();
    const held = await renew().catch(() => true);
    if (held) form.requestSubmit(submitter);
    else askToSignIn(form, submitter);
  });
  one("[data-stay]", gone).addEventListener("click", () => gone.close());
  gone.addEventListener("close", () => all("[aria-busy]").forEach((node) => node.removeAttribute("aria-busy")));
  new BroadcastChannel("session").addEventListener("message", async () => {
    if (!(await renew().catch(() => false))) return;
    gone.close();
    showToast("You are signed in again.");
    const again = waiting;
    waiting = null;
    again?.form.requestSubmit(again.submitter);
  });
}

// ---- Object pages -----------------------------------------------------------------------------------------------------
document.addEventListener("htmx:after:swap", () => {
  const head = one("#head[data-title]");
  if (head && document.title !== head.dataset.title) document.title = head.dataset.title;
});
