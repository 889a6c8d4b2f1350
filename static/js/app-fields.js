// The questions of an App's form, made easier where scripts run: one group at a time, lists that can be searched,
// files by dropping them, durations in days and hours, and a look at JSON and YAML while it is typed.
export function enhance(form) {
  asSteps(form);
  for (const select of form.querySelectorAll("select[data-search]")) searchable(select);
  for (const set of form.querySelectorAll("fieldset[data-narrow]")) narrowable(set);
  for (const drop of form.querySelectorAll(".drop")) allowDrop(drop);
  for (const field of form.querySelectorAll("[data-duration]")) inDays(field);
  for (const area of form.querySelectorAll("[data-code]")) checked(form, area);
  for (const input of form.querySelectorAll("[data-zone]")) inOwnTime(input);
  for (const button of form.querySelectorAll("[data-show]")) {
    const input = button.previousElementSibling;
    input.dataset.secret = "";
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
    });
  }
}

const make = (name, attributes = {}, text = "") => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return node;
};

// ---- Fields that depend on others: asked for again, what was typed and chosen stays --------------------------------
export async function askAgain(form) {
  const answer = await askFields(form);
  const place = form.querySelector("[data-fields]");
  if (!answer || !place) return;
  const focused = document.activeElement?.id;
  const files = [...place.querySelectorAll("input[type=file]")];
  const at = form.dataset.at;
  place.innerHTML = answer; // our own server's fields, escaped there
  for (const kept of files) place.querySelector(`input[type=file][name="${CSS.escape(kept.name)}"]`)?.replaceWith(kept);
  enhance(form);
  if (at) form.goTo?.(Number(at), false);
  if (focused) document.getElementById(focused)?.focus();
}

async function askFields(form) {
  const body = new FormData(form);
  for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
  const answer = await fetch(form.dataset.fieldsFrom, { method: "POST", body: new URLSearchParams(body), credentials: "same-origin" });
  return answer.ok ? answer.text() : "";
}

// ---- Steps ----------------------------------------------------------------------------------------------------------
function asSteps(form) {
  const place = form.querySelector("[data-fields]");
  const actions = form.querySelector(".app-card > .app-actions");
  form.querySelector(".steps")?.remove();
  actions?.querySelectorAll("[data-move]").forEach((button) => button.remove());
  const groups = [...(place?.querySelectorAll(":scope > .app-step[data-step]") ?? [])];
  if (groups.length < 2 || !actions) return;
  place.classList.add("app-stepped");
  const names = groups.map((group) => group.dataset.step || "More");
  const list = make("ol", { class: "steps", "aria-label": "Steps" });
  const items = names.map((name, number) => {
    const item = make("li");
    const button = make("button", { type: "button" }, `${number + 1} · ${name}`);
    button.addEventListener("click", () => goTo(number));
    item.append(button);
    list.append(item);
    return item;
  });
  place.before(list);
  const back = make("button", { type: "button", class: "btn btn-lg", "data-move": "" }, "Back");
  const next = make("button", { type: "button", class: "btn btn-primary btn-lg", "data-move": "" }, "Next");
  const own = [...actions.children];
  actions.append(next, back);
  let at = 0;
  function goTo(number, focus = true) {
    at = number;
    form.dataset.at = String(at);
    groups.forEach((group, place) => { group.hidden = place !== at; });
    items.forEach((item, place) => {
      item.toggleAttribute("data-done", place < at);
      item.toggleAttribute("data-wrong", groups[place].querySelector("[aria-invalid]") !== null);
      if (place === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    back.hidden = at === 0;
    next.hidden = at === groups.length - 1;
    for (const button of own) button.hidden = !next.hidden && button.value === "create";
    if (focus) groups[at].querySelector("input, select, textarea")?.focus();
  }
  form.goTo = goTo;
  back.addEventListener("click", () => goTo(at - 1));
  next.addEventListener("click", () => goTo(at + 1));
  // Enter in a field goes to the next step, as the button does that is seen
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || next.hidden || event.target.tagName !== "INPUT" || event.defaultPrevented) return;
    event.preventDefault();
    goTo(at + 1);
  });
  for (const link of form.parentElement.querySelectorAll(".alert a[href^='#']")) {
    link.addEventListener("click", () => {
      const number = groups.findIndex((group) => group.querySelector(`#${CSS.escape(link.hash.slice(1))}`));
      if (number >= 0) goTo(number, false);
      document.getElementById(link.hash.slice(1))?.focus();
    });
  }
  const wrong = groups.findIndex((group) => group.querySelector("[aria-invalid]"));
  goTo(Math.max(0, wrong), false);
}

// ---- A long list, searched by typing; the select behind it is what is sent -----------------------------------------
function searchable(select) {
  const box = make("div", { class: "app-combo" });
  const label = select.labels[0];
  const input = make("input", { class: "input", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": `${select.id}-list`, autocomplete: "off", id: `${select.id}-search`, placeholder: select.options[0].text });
  const list = make("ul", { class: "list", role: "listbox", id: `${select.id}-list`, "aria-label": label?.textContent.trim() ?? "" });
  for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) {
    if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  }
  if (label) label.htmlFor = input.id;
  input.value = select.value;
  list.hidden = true;
  select.hidden = true;
  select.after(box);
  box.append(input, list);
  let active = -1;
  const open = (words) => {
    const found = [...select.options].filter((one) => one.value && one.text.toLowerCase().includes(words.toLowerCase()));
    list.replaceChildren(...found.map((one, number) => {
      const item = make("li", { role: "option", id: `${select.id}-${number}`, "aria-selected": "false" }, one.text);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); pick(one.value); });
      return item;
    }));
    active = -1;
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    input.removeAttribute("aria-activedescendant");
  };
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); };
  const pick = (value) => {
    select.value = value;
    input.value = value;
    close();
    select.dispatchEvent(new Event("input", { bubbles: true }));
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const move = (step) => {
    if (list.hidden) open("");
    const items = [...list.children];
    if (!items.length) return;
    active = (active + step + items.length) % items.length;
    items.forEach((item, number) => item.setAttribute("aria-selected", String(number === active)));
    items[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[active].id);
  };
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => open(""));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
    else if (event.key === "Enter" && !list.hidden) { event.preventDefault(); pick((list.children[active] ?? list.children[0]).textContent); }
    else if (event.key === "Escape") close();
  });
  input.addEventListener("blur", () => {
    const same = [...select.options].find((one) => one.value.toLowerCase() === input.value.trim().toLowerCase());
    if (same && same.value !== select.value) pick(same.value);
    input.value = select.value;
    close();
  });
}

function narrowable(set) {
  const input = make("input", { class: "input", type: "search", placeholder: "Search the list", "aria-label": `Search ${set.dataset.narrow}` });
  set.querySelector("legend").after(input);
  input.addEventListener("input", (event) => {
    event.stopPropagation();
    for (const label of set.querySelectorAll(".check")) label.hidden = !label.textContent.toLowerCase().includes(input.value.toLowerCase());
  });
}

// ---- Files ----------------------------------------------------------------------------------------------------------
function allowDrop(drop) {
  const input = drop.querySelector("input[type=file]");
  if (!input) return;
  drop.querySelector("[data-drop-hint]")?.removeAttribute("hidden");
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.dataset.over = ""; });
  drop.addEventListener("dragleave", () => delete drop.dataset.over);
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    delete drop.dataset.over;
    if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; told(); }
  });
  const said = make("span", { class: "small", role: "status" });
  drop.append(said);
  const told = () => {
    const [file] = input.files;
    said.textContent = file ? `${file.name}, ${file.size < 1e6 ? `${Math.ceil(file.size / 1e3)} KB` : `${(file.size / 1e6).toFixed(1)} MB`}` : "";
  };
  input.addEventListener("change", told);
}

// ---- Durations and moments ------------------------------------------------------------------------------------------
function inDays(field) {
  const input = field.querySelector("input");
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/i.exec(input.value || "P0D");
  if (!found) return; // weeks, seconds: written as they are
  const row = make("div", { class: "app-length", role: "group", "aria-label": field.querySelector("label").textContent.trim() });
  const hours = Number(found[2] ?? 0); // PT336H is what the server writes for 14 days
  const days = Number(found[1] ?? 0) + Math.floor(hours / 24);
  const parts = [["days", String(days)], ["h", String(hours % 24)], ["min", found[3]]].map(([unit, value]) => {
    const group = make("div", { class: "input-group" });
    const part = make("input", { class: "input", type: "number", min: "0", inputmode: "numeric", "aria-label": { days: "Days", h: "Hours", min: "Minutes" }[unit] });
    part.value = input.value ? (value ?? "0") : "";
    group.append(part, make("span", {}, unit));
    row.append(group);
    return part;
  });
  input.hidden = true;
  field.querySelector("label").htmlFor = parts[0].id = `${input.id}-days`;
  for (const name of ["aria-describedby", "aria-invalid"]) if (input.hasAttribute(name)) parts[0].setAttribute(name, input.getAttribute(name));
  input.after(row);
  const help = field.querySelector(".help");
  if (help?.textContent.trim().startsWith("For example P14D")) help.hidden = true;
  row.addEventListener("input", () => {
    const [days, hours, minutes] = parts.map((part) => Number(part.value) || 0);
    const clock = `${hours ? `${hours}H` : ""}${minutes ? `${minutes}M` : ""}`;
    const given = parts.some((part) => part.value !== "");
    input.value = given ? `P${days}D${clock ? `T${clock}` : ""}` : "";
  });
  row.addEventListener("change", () => input.dispatchEvent(new Event("change", { bubbles: true })));
}

function inOwnTime(input) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (input.dataset.zone === own || input.dataset.zone !== "UTC") return;
  const said = make("p", { class: "help" });
  input.closest(".input-group").after(said);
  const tell = () => {
    const moment = input.value ? new Date(`${input.value}Z`) : null;
    said.textContent = moment ? `That is ${moment.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })} with you.` : "";
  };
  input.addEventListener("input", tell);
  tell();
}

// ---- JSON and YAML while typing: JSON here, YAML by the server that will read it -----------------------------------
function checked(form, area) {
  const said = area.parentElement.querySelector("[data-verdict]");
  let timer = 0;
  const tell = (text) => { said.hidden = !text; said.textContent = text; };
  const look = async () => {
    if (!area.value.trim()) return tell("");
    if (area.dataset.code !== "YAML") {
      try { JSON.parse(area.value); return tell("✓ Valid"); } catch (error) { return tell(`Not valid yet: ${error.message}`); }
    }
    const page = new DOMParser().parseFromString(await askFields(form), "text/html");
    const wrong = page.getElementById(area.id)?.parentElement.querySelector(".err");
    return tell(wrong ? wrong.textContent.trim() : "✓ Valid");
  };
  area.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 400); });
}
