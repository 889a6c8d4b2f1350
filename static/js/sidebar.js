// The sidebar: its icons are links to pages; here each opens beside the page instead. What was open, and how wide, is
// kept with the person. An editor says which type is under the cursor with an event:
//   document.dispatchEvent(new CustomEvent("doc-type", { detail: { type: "io.kestra.plugin.core.log.Log" } }))
// or by an attribute data-doc-type on an element.
const rail = document.querySelector(".rail");
if (rail) {
  const panel = rail.querySelector("#rail-panel");
  const body = rail.querySelector("#rail-body");
  const title = rail.querySelector("#rail-title");
  const page = rail.querySelector("#rail-page");
  const grip = rail.querySelector(".rail-grip");
  const icons = [...rail.querySelectorAll("[data-panel]")];
  const [LEAST, MOST] = [Number(grip.ariaValueMin), Number(grip.ariaValueMax)];
  let current = icons.find((icon) => "open" in icon.dataset) ?? null;
  let shownType = "";

  const save = (values) => {
    const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
    fetch(rail.dataset.railSave, { method: "POST", body: new URLSearchParams(values), headers: { "X-CSRFToken": token, "HX-Request": "true" }, keepalive: true });
  };

  const load = async (address) => {
    const place = new URL(address, location.href);
    page.href = place.href;
    body.setAttribute("aria-busy", "true");
    await window.htmx.ajax("GET", place.pathname + place.search, { target: body, swap: "innerHTML", push: "false" });
    body.removeAttribute("aria-busy");
    title.textContent = body.querySelector("[data-panel-title]")?.dataset.panelTitle ?? current?.ariaLabel ?? "";
    const heading = place.hash && body.querySelector(`[id="${CSS.escape(place.hash.slice(1))}"]`);
    if (heading) heading.scrollIntoView();
    else body.scrollTop = 0;
  };

  const show = (icon) => {
    current = icon;
    shownType = "";
    panel.hidden = false;
    for (const one of icons) one.toggleAttribute("data-open", one === icon);
    title.textContent = icon.title;
    if (icon.dataset.panel === "news") icon.classList.remove("has-dot");
    return load(icon.href);
  };

  const hide = () => {
    panel.hidden = true;
    for (const one of icons) one.removeAttribute("data-open");
    current?.focus();
    current = null;
    body.replaceChildren();
    save({ sidebar: "" });
  };

  rail.addEventListener("click", (event) => {
    const icon = event.target.closest("[data-panel]");
    const link = event.target.closest("#rail-body a[href]");
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("#rail-close")) hide();
    else if (icon) {
      event.preventDefault();
      if (icon === current) return hide();
      show(icon);
      save({ sidebar: icon.dataset.panel });
    } else if (link && current?.dataset.panel === "docs") follow(event, link);
  });

  // links inside the documentation stay in the sidebar
  function follow(event, link) {
    const place = new URL(link.href);
    if (link.getAttribute("href").startsWith("#")) {
      event.preventDefault();
      body.querySelector(`[id="${CSS.escape(place.hash.slice(1))}"]`)?.scrollIntoView();
    } else if (/^\/ui\/[^/]+\/(docs|plugins)(\/|$)/.test(place.pathname)) {
      event.preventDefault();
      load(link.href);
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "." || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (current) hide();
    else {
      const icon = icons.find((one) => one.dataset.panel === "docs");
      show(icon).then(() => body.focus());
      save({ sidebar: "docs" });
    }
  });

  const showType = (type) => {
    if (!type || type === shownType || current?.dataset.panel !== "docs" || !/^[\w.$-]{3,255}$/.test(type)) return;
    shownType = type;
    load(`${rail.dataset.railPlugin}/${type}`);
  };
  document.addEventListener("doc-type", (event) => showType(event.detail?.type));
  document.addEventListener("focusin", (event) => showType(event.target.closest?.("[data-doc-type]")?.dataset.docType));
  new MutationObserver((changes) => showType(changes.at(-1).target.dataset.docType)).observe(document.body, { attributes: true, attributeFilter: ["data-doc-type"], subtree: true });

  // ---- Width: by pointer and by arrow keys ----
  const width = () => panel.getBoundingClientRect().width;
  const widen = (pixels) => {
    const kept = Math.round(Math.min(MOST, Math.max(LEAST, pixels)));
    rail.style.setProperty("--panel-w", `${kept}px`);
    grip.ariaValueNow = String(kept);
    return kept;
  };
  grip.addEventListener("pointerdown", (event) => {
    const [from, start] = [event.clientX, width()];
    grip.setPointerCapture(event.pointerId);
    const move = (moved) => widen(start + from - moved.clientX);
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", () => {
      grip.removeEventListener("pointermove", move);
      save({ sidebarWidth: grip.ariaValueNow });
    }, { once: true });
  });
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: 20, ArrowRight: -20 }[event.key];
    if (!step) return;
    event.preventDefault();
    save({ sidebarWidth: widen(width() + step) });
  });

  // ---- The menu, folded to icons ----
  document.querySelector("#nav-fold")?.addEventListener("click", (event) => {
    const narrow = document.documentElement.dataset.menu !== "narrow";
    if (narrow) document.documentElement.dataset.menu = "narrow";
    else delete document.documentElement.dataset.menu;
    event.currentTarget.setAttribute("aria-pressed", String(narrow));
    save({ menu: narrow ? "narrow" : "" });
  });

  // below this the panel lies over the page: it waits to be asked for
  if (current && window.matchMedia("(min-width: 1281px)").matches) show(current);
  else if (current) {
    panel.hidden = true;
    current.removeAttribute("data-open");
    current = null;
  }
}
