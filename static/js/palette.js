// Ctrl-K: the search page's list as a dialog, moved through with the arrow keys.
const palette = document.querySelector("#palette");
if (palette) {
  const box = palette.querySelector("input");
  const form = box.form;
  const list = palette.querySelector("[role=listbox]");
  const told = palette.querySelector("[data-palette-status]");
  const WAIT = 120;
  let timer = 0;
  let asked = null;
  let shownFor = null;

  const options = () => [...list.querySelectorAll("[data-hit]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };

  const show = (html, words) => {
    list.innerHTML = html; // our own server's list, escaped there
    shownFor = words;
    for (const option of options()) {
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.tabIndex = -1;
      option.closest("form")?.setAttribute("role", "none");
    }
    choose(options()[0]);
    told.textContent = options().length ? `${options().length} found` : "Nothing found";
  };

  const ask = async () => {
    const words = box.value.trim();
    if (words === shownFor) return;
    asked?.abort();
    asked = new AbortController();
    const address = new URL(form.action);
    address.searchParams.set("q", words);
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, signal: asked.signal });
      if (answer.headers.get("HX-Redirect")) document.dispatchEvent(new CustomEvent("signed-out"));
      else if (answer.ok) show(await answer.text(), words);
      else told.textContent = "The search did not answer; press Enter for the search page.";
    } catch (error) {
      if (error.name !== "AbortError") told.textContent = "The server did not answer.";
    }
  };

  const open = () => {
    if (document.querySelector("dialog[open]")) return;
    palette.showModal();
    box.select();
    ask();
  };

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open();
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette || event.target.closest("a[data-hit]")) palette.close();
  });
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  form.addEventListener("submit", (event) => {
    if (chosen()) event.preventDefault();
  });
  box.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, PageDown: Math.min(at + 8, all.length - 1), PageUp: Math.max(at - 8, 0) };
    if (event.key in steps && all.length) {
      event.preventDefault();
      choose(all[steps[event.key] % all.length]);
    } else if (event.key === "Enter" && chosen() && box.value.trim() === shownFor) {
      event.preventDefault();
      if ((event.ctrlKey || event.metaKey) && chosen().href) window.open(chosen().href, "_blank", "noopener");
      else chosen().click();
    }
  });
}
