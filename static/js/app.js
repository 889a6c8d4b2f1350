// The page of an App. Without this script everything works: forms are sent, the page refreshes by itself.
//   #app-layout[data-events]       the execution's changes: the layout is fetched again, in place
//   form[data-app-form]            sent once; files with progress; a draft is kept on this device
//   form[data-depends]             fields are asked for again when a value changes
//   [data-redirect]                leads on after data-delay seconds, unless somebody stays
import { askAgain, enhance } from "./app-fields.js";

const layout = document.getElementById("app-layout");
const draftKey = `app-draft:${location.pathname}`;
let source = null;
let leaving = 0;

async function fetchLayout() {
  const address = new URL(layout.dataset.here, location.href);
  address.searchParams.set("part", "layout");
  const answer = await fetch(address, { credentials: "same-origin" });
  if (answer.ok) show(await answer.text());
}

function show(html) {
  const typing = layout.querySelector("form[data-app-form]");
  const next = document.createElement("template");
  next.innerHTML = html; // our own server's page, escaped there
  const old = layout.firstElementChild;
  const fresh = next.content.firstElementChild;
  // a form that somebody fills in is not taken away by news about the same moment
  if (typing && old?.dataset.event === fresh?.dataset.event && typing.contains(document.activeElement)) return;
  layout.replaceChildren(next.content);
  begin();
}

function follow() {
  if (!layout?.dataset.events) return;
  source = new EventSource(layout.dataset.events);
  source.addEventListener("change", fetchLayout);
  source.addEventListener("end", () => { source.close(); fetchLayout(); });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => { fetchLayout(); follow(); }, 5000);
  });
}

function begin() {
  for (const form of layout.querySelectorAll("form[data-app-form]")) prepare(form);
  for (const node of layout.querySelectorAll("[data-redirect]")) countDown(node);
  for (const node of layout.querySelectorAll("[data-refresh]")) {
    if (!source) setTimeout(() => node.isConnected && fetchLayout(), Number(node.dataset.refresh) * 1000);
  }
  layout.querySelector("[data-focus]")?.focus();
  tellFrame();
}

// ---- The form -------------------------------------------------------------------------------------------------------
function prepare(form) {
  restoreDraft(form);
  enhance(form);
  form.addEventListener("input", () => keepDraft(form));
  form.addEventListener("submit", (event) => send(form, event));
  if (form.dataset.depends !== undefined) {
    let timer = 0;
    form.addEventListener("change", (event) => {
      if (event.target.type === "file" || !event.target.name) return;
      clearTimeout(timer);
      timer = setTimeout(() => askAgain(form), 150);
    });
  }
}

function send(form, event) {
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (event.submitter?.dataset.sure !== undefined && !confirm(`${event.submitter.textContent.trim()}?`)) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  form.setAttribute("aria-busy", "true");
  const files = [...form.querySelectorAll("input[type=file]")].filter((input) => input.files.length);
  if (!files.length) return; // the browser sends it; a second click does nothing
  event.preventDefault();
  upload(form, event.submitter, files);
}

function upload(form, button, files) {
  const body = new FormData(form);
  if (button?.name) body.set(button.name, button.value);
  const bar = progressBar();
  files[0].closest(".field")?.append(bar);
  const request = new XMLHttpRequest();
  const free = () => { delete form.dataset.sent; form.removeAttribute("aria-busy"); bar.remove(); };
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    const percent = Math.round((100 * event.loaded) / event.total);
    bar.setAttribute("aria-valuenow", String(percent));
    bar.firstElementChild.style.setProperty("--v", `${percent}%`);
  });
  request.addEventListener("load", () => {
    free();
    if (request.status < 300 && request.responseURL && new URL(request.responseURL).search !== location.search) {
      forgetDraft();
      location.assign(request.responseURL);
      return;
    }
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const fresh = page.getElementById("app-layout");
    if (!fresh) { location.reload(); return; }
    const kept = new Map(files.map((input) => [input.name, input]));
    layout.replaceChildren(...fresh.childNodes);
    for (const [name, input] of kept) layout.querySelector(`input[type=file][name="${CSS.escape(name)}"]`)?.replaceWith(input);
    begin();
  });
  request.addEventListener("error", () => { free(); form.submit(); });
  request.open("POST", form.getAttribute("action"));
  request.send(body);
}

function progressBar() {
  const bar = document.createElement("div");
  bar.className = "progress";
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Upload");
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  bar.append(document.createElement("i"));
  return bar;
}

// ---- A draft, on this device alone; secrets and files are never kept ------------------------------------------------
function keepDraft(form) {
  const kept = {};
  for (const field of form.elements) {
    if (!field.name?.startsWith("inputs.") || ["password", "file"].includes(field.type)) continue;
    if (field.dataset.secret !== undefined) continue;
    if (["checkbox", "radio"].includes(field.type)) (kept[field.name] ??= []).push(...(field.checked ? [field.value] : []));
    else if (field.value) kept[field.name] = [field.value];
  }
  try { localStorage.setItem(draftKey, JSON.stringify(kept)); } catch { /* full or forbidden: there is no draft then */ }
}

function restoreDraft(form) {
  if (layout.dataset.events || form.querySelector("[aria-invalid]") || location.search.includes("inputs.")) return;
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(draftKey) ?? "{}"); } catch { return; }
  for (const field of form.elements) {
    const values = kept[field.name];
    if (!values || ["password", "file"].includes(field.type)) continue;
    if (["checkbox", "radio"].includes(field.type)) field.checked = values.includes(field.value);
    else field.value = values[0];
  }
}

function forgetDraft() {
  try { localStorage.removeItem(draftKey); } catch { /* there is none */ }
}

function countDown(node) {
  let left = Math.ceil(Number(node.dataset.delay));
  const stay = node.querySelector("[data-stay]");
  const said = node.querySelector("[data-countdown]");
  if (node.dataset.redirect === "#") return;
  stay.hidden = left < 1;
  stay.addEventListener("click", () => { clearInterval(leaving); said.textContent = ""; stay.hidden = true; });
  const step = () => {
    if (left <= 0) { clearInterval(leaving); location.assign(node.dataset.redirect); return; }
    said.textContent = `in ${left} s`;
    left -= 1;
  };
  clearInterval(leaving);
  leaving = setInterval(step, 1000);
  step();
}

// ---- In a frame: the page around it is told the height, and what happened -------------------------------------------
let told = "";
function tellFrame() {
  if (window.parent === window || !layout) return;
  const target = layout.dataset.parent; // the origin of the page around, where it may frame the App
  if (!target) return;
  const tell = (message) => window.parent.postMessage({ app: layout.dataset.app, ...message }, target);
  tell({ event: "height", height: Math.ceil(document.body.getBoundingClientRect().height) });
  const shown = layout.querySelector(".app-blocks");
  const now = shown?.dataset.event ?? "";
  if (now === told || now === "OPEN") { told = now; return; }
  if (told === "" || told === "OPEN") tell({ event: "submitted" });
  if (shown.dataset.final === "yes") tell({ event: "done", state: now });
  told = now;
}

if (layout) {
  if (layout.dataset.events) forgetDraft();
  begin();
  follow();
  if (window.parent !== window) new ResizeObserver(tellFrame).observe(document.body);
}
window.addEventListener("pagehide", () => source?.close());
