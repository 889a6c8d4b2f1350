// Pictures of flows: drag and wheel move and zoom, so do the arrow keys, plus, minus and 0. Without it they scroll.
const MOST = 3;
const LEAST = 0.15;

function start(holder) {
  if (holder.dataset.ready) return;
  holder.dataset.ready = "1";
  const canvas = holder.querySelector("[data-canvas]");
  const svg = canvas.querySelector("svg");
  const tools = holder.querySelector("[data-tools]");
  const whole = svg.viewBox.baseVal;
  let scale = 1;

  function zoom(next, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const wanted = Math.min(MOST, Math.max(LEAST, next));
    const left = (canvas.scrollLeft + x) / scale;
    const top = (canvas.scrollTop + y) / scale;
    scale = wanted;
    svg.setAttribute("width", String(whole.width * scale));
    svg.setAttribute("height", String(whole.height * scale));
    canvas.scrollLeft = left * scale - x;
    canvas.scrollTop = top * scale - y;
  }

  function fit() {
    zoom(Math.min(1, (canvas.clientWidth - 8) / whole.width, Math.max(120, canvas.clientHeight - 8) / whole.height));
  }

  if (tools) {
    tools.hidden = false;
    tools.addEventListener("click", (event) => {
      const way = event.target.closest("[data-zoom]")?.dataset.zoom;
      if (way === "fit") fit();
      else if (way) zoom(scale * (way === "in" ? 1.25 : 0.8));
    });
  }
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(scale * (event.deltaY < 0 ? 1.1 : 0.9), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") zoom(scale * 1.25);
    else if (event.key === "-") zoom(scale * 0.8);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch" || event.target.closest("a")) return;
    from = { x: event.clientX + canvas.scrollLeft, y: event.clientY + canvas.scrollTop };
    canvas.setPointerCapture(event.pointerId);
    canvas.dataset.drag = "1";
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    canvas.scrollLeft = from.x - event.clientX;
    canvas.scrollTop = from.y - event.clientY;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { from = null; delete canvas.dataset.drag; });
  // As wide as the page where that can still be read; else it begins at the left and is moved.
  if (whole.width > canvas.clientWidth) zoom(Math.max(0.75, (canvas.clientWidth - 8) / whole.width), 0, 0);
}

function startAll(root = document) {
  for (const holder of root.querySelectorAll("[data-topology]")) start(holder);
}

startAll();
document.addEventListener("htmx:after:swap", () => startAll());
document.addEventListener("topology", (event) => startAll(event.target));
