// The filter bar: a combobox with chips before it. Without this script it is a form whose field holds the whole filter.
//   x-filter[data-path][data-suggest]    the bar; results are put into #results, chips come with them
//   a[data-filter-link]                  an address of the list, fetched in place; Alt-click takes data-exclude
//   [data-facets]                        links with counts, fetched when the results have changed
const results = () => document.querySelector("#results");

class FilterBar extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input[data-filter]");
    this.box = this.querySelector("[data-suggestions]");
    this.timer = 0;
    this.asked = 0;
    this.input.removeAttribute("name");
    this.input.value = this.input.dataset.words;
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", "filter-list"], ["aria-autocomplete", "list"]]) this.input.setAttribute(name, value);
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("focus", () => this.suggest());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.querySelector("form.filter").addEventListener("submit", (event) => { event.preventDefault(); this.apply(true); });
    this.querySelector("[data-filter-time]")?.addEventListener("change", (event) => this.setTime(event.target));
    this.addEventListener("click", (event) => this.click(event));
    this.addEventListener("focusout", (event) => { if (!this.contains(event.relatedTarget)) setTimeout(() => this.close(), 150); });
    this.addEventListener("keydown", (event) => this.chipKey(event));
    this.box.addEventListener("pointerdown", (event) => event.preventDefault());
    this.facets();
  }

  get chips() { return this.querySelector("#filter-chips"); }
  get standing() { return [...this.chips.querySelectorAll("[data-chip]:not([data-bad])")].map((chip) => chip.dataset.chip).join(" "); }

  address(text, extra = {}) {
    const address = new URL(this.chips.dataset.view, location.href);
    const kept = new URLSearchParams(["size", "sort"].filter((name) => address.searchParams.has(name)).map((name) => [name, address.searchParams.get(name)]));
    if (text.trim()) kept.set("query", text.trim());
    for (const [name, value] of Object.entries(extra)) kept.set(name, value);
    const query = kept.toString();
    return this.dataset.path + (query ? `?${query}` : "");
  }

  async load(url, { commit = true } = {}) {
    const typed = this.input.value;
    await window.htmx.ajax("GET", url, { target: "#results", swap: "innerMorph", push: url.includes("query=") ? "false" : "true" });
    // the chips that came with the answer say which words are left
    if (url.includes("query=") && this.chips.dataset.view !== location.pathname + location.search) history.pushState({ htmx: true }, "", this.chips.dataset.view);
    if (commit && this.input.value === typed) this.input.value = this.chips.dataset.words;
    this.follow();
  }

  apply(commit) {
    this.close();
    clearTimeout(this.timer);
    return this.load(this.address(`${this.standing} ${this.input.value}`), { commit });
  }

  typed() {
    clearTimeout(this.timer);
    this.suggest();
    // half a criterion is not applied; free words are, while one types
    if (/[:=<>~^$[]/.test(this.input.value) || /^(last|past|since|this|next|between|before|after)\b/.test(this.input.value)) return;
    this.timer = setTimeout(() => this.load(this.address(`${this.standing} ${this.input.value}`), { commit: false }), 250);
  }

  async suggest() {
    const number = ++this.asked;
    const part = this.input.value.slice(0, this.input.selectionStart ?? this.input.value.length);
    const address = new URL(this.dataset.suggest, location.href);
    address.search = new URLSearchParams({ query: this.standing, part, at: this.dataset.path });
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok || number !== this.asked || document.activeElement !== this.input) return;
    this.box.innerHTML = await answer.text(); // our own server's options, escaped there
    this.box.hidden = !this.options.length;
    this.input.setAttribute("aria-expanded", String(!this.box.hidden));
    this.input.removeAttribute("aria-activedescendant");
  }

  get options() { return [...this.box.querySelectorAll("[role=option]")]; }
  get active() { return this.box.querySelector("[aria-selected=true]"); }

  move(step) {
    const options = this.options;
    if (this.box.hidden || !options.length) return;
    const at = options.indexOf(this.active);
    this.active?.setAttribute("aria-selected", "false");
    const next = options[(at + step + options.length) % options.length] ?? options[0];
    next.setAttribute("aria-selected", "true");
    next.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", next.id);
  }

  accept(option) {
    if (option.dataset.href) { this.close(); this.load(option.dataset.href); return; }
    const at = this.input.selectionStart ?? this.input.value.length;
    const before = this.input.value.slice(0, at - Number(option.dataset.replaces));
    this.input.value = before + option.dataset.option + this.input.value.slice(at);
    const end = before.length + option.dataset.option.length;
    this.input.setSelectionRange(end, end);
    this.input.focus();
    if (option.dataset.done === undefined) this.suggest();
    else this.apply(true);
  }

  close() {
    this.asked += 1;
    this.box.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const open = !this.box.hidden;
    if (event.key === "ArrowDown") { event.preventDefault(); if (open) this.move(1); else this.suggest(); }
    else if (event.key === "ArrowUp" && open) { event.preventDefault(); this.move(-1); }
    else if (event.key === "Enter" && open && this.active) { event.preventDefault(); this.accept(this.active); }
    else if (event.key === "Tab" && open && !event.shiftKey && this.input.value && (this.active ?? this.options[0])) { event.preventDefault(); this.accept(this.active ?? this.options[0]); }
    else if (event.key === "Escape" && open) { event.preventDefault(); event.stopPropagation(); this.close(); }
    else if (["Backspace", "ArrowLeft"].includes(event.key) && this.input.selectionEnd === 0) this.lastChip()?.focus();
  }

  lastChip() { return [...this.chips.querySelectorAll("[data-chip] button[data-edit]:first-child")].at(-1); }

  chipKey(event) {
    const chip = event.target.closest("[data-chip]");
    if (!chip || event.target === this.input) return;
    const all = [...this.chips.querySelectorAll("[data-chip] > button:first-child")];
    const at = all.indexOf(chip.querySelector("button"));
    if (["Delete", "Backspace"].includes(event.key)) { event.preventDefault(); this.drop(chip); }
    else if (event.key === "ArrowLeft" && at > 0) { event.preventDefault(); all[at - 1].focus(); }
    else if (event.key === "ArrowRight") { event.preventDefault(); (all[at + 1] ?? this.input).focus(); }
  }

  drop(chip) {
    chip.remove();
    this.input.focus();
    this.apply(true);
  }

  edit(chip) {
    const text = chip.dataset.chip;
    chip.remove();
    this.input.value = `${this.input.value} ${text}`.trim();
    this.input.focus();
    const value = this.input.value.length - text.length + text.search(/(?<=[:=<>])[^:=<>]*$/);
    this.input.setSelectionRange(Math.max(value, 0), this.input.value.length);
    this.suggest();
  }

  click(event) {
    const option = event.target.closest("[role=option]");
    if (option) { this.accept(option); return; }
    const chip = event.target.closest("[data-chip]");
    if (chip && event.target.closest("[data-edit]")) this.edit(chip);
    else if (chip && event.target.closest("[data-drop]")) this.drop(chip);
  }

  fix(text, near) {
    for (const chip of this.chips.querySelectorAll("[data-bad]")) chip.remove();
    this.input.value = `${this.input.value} ${text}`.trim().replace(/^(-?)[A-Za-z]\w*/, `$1${near}`);
    this.apply(true);
  }

  setTime(select) {
    if (select.value === "…") {
      select.value = this.chips.dataset.time;
      this.input.value = `${this.input.value} time:`.trim();
      this.input.focus();
      this.suggest();
      return;
    }
    const rest = this.standing.replace(/(^|\s)time:\S+/g, " ");
    this.load(this.address(`${rest} ${this.input.value} ${select.value ? `time:${select.value}` : ""}`));
  }

  follow() {
    const select = this.querySelector("[data-filter-time]");
    const time = this.chips.dataset.time;
    if (select) {
      if (![...select.options].some((one) => one.value === time)) select.add(new Option(time, time), 1);
      select.value = time;
    }
    const view = new URL(this.chips.dataset.view, location.href);
    for (const link of this.querySelectorAll("[data-export]")) {
      link.search = new URLSearchParams([...view.searchParams, ["format", link.dataset.export]]);
    }
    const back = this.querySelector("[data-current-view]");
    if (back) back.value = this.chips.dataset.view;
    this.facets();
  }

  async facets() {
    const place = document.querySelector("[data-facets]");
    const view = this.chips.dataset.view;
    if (!place) return;
    const address = new URL(view, location.href);
    address.searchParams.set("part", "facets");
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (answer.ok && view === this.chips.dataset.view) place.innerHTML = await answer.text(); // escaped by our server
  }
}
customElements.define("x-filter", FilterBar);

document.addEventListener("click", (event) => {
  const bar = document.querySelector("x-filter");
  const link = event.target.closest("a[data-filter-link]");
  const fix = event.target.closest("[data-fix]");
  if (bar && fix) bar.fix(fix.dataset.fix, fix.dataset.near);
  if (!bar || !link || !results() || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  bar.load(event.altKey && link.dataset.exclude ? link.dataset.exclude : link.getAttribute("href"));
});
