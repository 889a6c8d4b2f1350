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
const GO = { d: "home", f: "flows", e: "executions", s: "settings" };
let leader = 0;
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
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || document.body.dataset.shortcuts === "off") return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (performance.now() - leader < 1500 && GO[event.key]) {
    leader = 0;
    location.assign(`/ui/${location.pathname.split("/")[2]}/${GO[event.key] === "home" ? "" : GO[event.key]}`);
    return;
  }
  leader = event.key === "g" ? performance.now() : 0;
  const filter = event.key === "/" && one("[data-filter]");
  const target = filter || one(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (filter) target.focus();
  else target.click();
});

// ---- Object pages -----------------------------------------------------------------------------------------------------
document.addEventListener("htmx:after:swap", () => {
  const head = one("#head[data-title]");
  if (head && document.title !== head.dataset.title) document.title = head.dataset.title;
});

// Log lines: the end is followed until the reader scrolls up.
const log = one("#log");
if (log) {
  const follow = one("[data-follow]");
  const atEnd = () => window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 80;
  let following = Boolean(follow?.checked);
  window.addEventListener("scroll", () => { if (follow) following = follow.checked && atEnd(); }, { passive: true });
  follow?.addEventListener("change", () => { following = follow.checked; });
  new MutationObserver(() => {
    if (one("li[id^=L]", log)) one("#log-empty")?.remove();
    if (following && one("#log-next", log)) window.scrollTo({ top: document.documentElement.scrollHeight });
  }).observe(log, { childList: true });
  const target = location.hash.startsWith("#L") && document.getElementById(location.hash.slice(1));
  if (target) target.classList.add("log-target");
}
