// The log of an execution: new lines come in the event stream itself, further ones as pages of the server.
//   #log[data-run][data-task][data-least][data-text]   which lines the page shows
//   li[data-edge=before|after] a                       the way to further lines: loaded when it comes into view
(() => {
const MOST_ROWS = 1500;
const RANKS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5 };
const log = document.querySelector("#log");
const followBox = document.querySelector("[data-follow]");
const number = (row) => Number(row.id.slice(1));
const rows = () => log.querySelectorAll("li[id^=L]");
const edge = (side) => log.querySelector(`li[data-edge=${side}]`);
const atEnd = () => window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 80;
let following = Boolean(followBox?.checked);

const wanted = (line) =>
  RANKS[line.level] >= Number(log.dataset.least) &&
  (!log.dataset.run || line.run === log.dataset.run) &&
  (!log.dataset.task || line.task === log.dataset.task) &&
  (!log.dataset.text || line.text.toLowerCase().includes(log.dataset.text.toLowerCase()));

function rowOf(line) {
  const row = document.querySelector("#log-line").content.firstElementChild.cloneNode(true);
  row.id = `L${line.n}`;
  row.dataset.level = line.level;
  row.querySelector("a").href = `${log.dataset.url}?${log.dataset.query}&at=${line.n}#L${line.n}`;
  row.querySelector("time").dateTime = line.t;
  row.querySelector(".lv").textContent = line.level;
  row.querySelector(".log-where").textContent = line.task;
  row.querySelector(".log-where").title = line.task;
  mark(row.querySelector(".msg"), line.text, log.dataset.text);
  return row;
}

function mark(node, text, sought) {
  const [lowered, wanted] = [text.toLowerCase(), sought.toLowerCase()];
  let place = 0;
  for (let hit = wanted ? lowered.indexOf(wanted) : -1; hit >= 0; hit = lowered.indexOf(wanted, place)) {
    const found = document.createElement("mark");
    found.textContent = text.slice(hit, hit + wanted.length);
    node.append(text.slice(place, hit), found);
    place = hit + wanted.length;
  }
  node.append(text.slice(place));
}

function place(row) {
  let after = log.lastElementChild;
  while (after && (after.dataset.edge === "after" || (after.id && number(after) > number(row)))) after = after.previousElementSibling;
  if (after) after.after(row);
  else log.prepend(row);
}

function edgeRow(side, from) {
  const row = document.createElement("li");
  row.className = "log-edge";
  row.dataset.edge = side;
  const link = document.createElement("a");
  link.href = `${log.dataset.url}?${log.dataset.query}&${side}=${from}`;
  link.textContent = side === "before" ? "Earlier lines" : "Later lines";
  row.append(link);
  return row;
}

// what is far from where one reads is taken away; the way back to it stays
function trim(side) {
  const shown = [...rows()];
  const tooMany = shown.length - MOST_ROWS;
  if (tooMany <= 0) return;
  const gone = side === "before" ? shown.slice(0, tooMany) : shown.slice(-tooMany);
  const height = document.documentElement.scrollHeight;
  edge(side)?.remove();
  for (const row of gone) row.remove();
  const left = rows();
  if (side === "before") log.prepend(edgeRow("before", number(left[0])));
  else log.append(edgeRow("after", number(left[left.length - 1])));
  if (side === "before") window.scrollBy(0, document.documentElement.scrollHeight - height);
  watchEdges();
}

document.addEventListener("live:lines", ({ detail }) => {
  if (edge("after")) return; // the end is not shown: its lines are loaded when somebody goes there
  let added = false;
  for (const line of detail.lines) {
    if (!wanted(line) || document.getElementById(`L${line.n}`)) continue;
    const shown = rows();
    // a late answer about lines that are trimmed away already
    if (edge("before") && shown.length && line.n < number(shown[0])) continue;
    place(rowOf(line));
    added = true;
  }
  if (!added) return;
  document.querySelector("#log-empty")?.remove();
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  if (following) {
    trim("before");
    window.scrollTo({ top: document.documentElement.scrollHeight });
  } else if (rows().length > 2 * MOST_ROWS) trim("after");
});

document.addEventListener("live:more", () => {
  const shown = rows();
  if (edge("after") || !shown.length) return;
  log.append(edgeRow("after", number(shown[shown.length - 1])));
  watchEdges();
});

async function load(row) {
  if (row.dataset.loading) return;
  row.dataset.loading = "1";
  const side = row.dataset.edge;
  const address = new URL(row.querySelector("a").href);
  address.searchParams.set("part", "lines");
  const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) {
    delete row.dataset.loading;
    return;
  }
  const held = document.createElement("template");
  held.innerHTML = await answer.text(); // our own server's lines, escaped there
  for (const one of held.content.querySelectorAll("li[id^=L]")) if (document.getElementById(one.id)) one.remove();
  const height = document.documentElement.scrollHeight;
  row.replaceWith(held.content);
  if (side === "before") window.scrollBy(0, document.documentElement.scrollHeight - height);
  trim(side === "before" ? "after" : "before");
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  watchEdges();
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) load(entry.target);
}, { rootMargin: "300px" });
function watchEdges() {
  seen.disconnect();
  for (const side of ["before", "after"]) if (edge(side)) seen.observe(edge(side));
}
log.addEventListener("click", (event) => {
  const row = event.target.closest("li[data-edge]");
  if (!row || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  load(row);
});

window.addEventListener("scroll", () => { if (followBox) following = followBox.checked && atEnd(); }, { passive: true });
followBox?.addEventListener("change", () => {
  following = followBox.checked;
  if (following) window.scrollTo({ top: document.documentElement.scrollHeight });
});
const target = /^#L\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
if (target) {
  target.classList.add("log-target");
  target.scrollIntoView({ block: "center" });
  following = false;
} else if (following) window.scrollTo({ top: document.documentElement.scrollHeight });
watchEdges();
})();
