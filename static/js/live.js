// Live pages: one event stream per visible tab; what changed is fetched again as the server shows it, in one go.
//   body[data-live="executions,exec:<id>"]     topics to follow, at body[data-live-url], from body[data-live-since] on
//   [data-live-refresh="<topic>"]               its data-live-src (the page itself when empty) is fetched again when the
//                                               topic changes, at most each data-live-gap ms
//   [data-live-rows]                            rows tr[data-row-id], fetched by data-live-src?ids=…; new ones are counted
//   live:lines, live:more                       events of the document: new lines of a log, and that there are more
const COALESCE = 400;
const HIDE_AFTER = 60_000;
const banners = () => document.querySelector("#banners");
const topics = [document.body.dataset.live, banners() && "announce"].filter(Boolean).join(",");
const liveUrl = document.body.dataset.liveUrl ?? banners()?.dataset.liveUrl;
const status = document.querySelector("[data-live-status]");
const pendingTopics = new Set();
const pendingRows = new Set();
const seenNew = new Set();
let timer = 0;
let source = null;
let lostAt = 0;
let hideTimer = 0;
let lastId = "";

const swap = (url, target, how) => window.htmx.ajax("GET", url, { target, swap: how, push: "false" });

const refreshed = new WeakMap();

function refresh(node) {
  const gap = Number(node.dataset.liveGap ?? 0);
  const wait = (refreshed.get(node) ?? -gap) + gap - performance.now();
  if (wait > 0) {
    setTimeout(() => { pendingTopics.add(node.dataset.liveRefresh); later(); }, wait);
    return;
  }
  refreshed.set(node, performance.now());
  swap(node.dataset.liveSrc || location.href, node, node.dataset.liveSwap ?? "outerMorph");
}

function flush() {
  timer = 0;
  for (const node of document.querySelectorAll("[data-live-refresh]")) {
    if (pendingTopics.has(node.dataset.liveRefresh)) refresh(node);
  }
  const list = document.querySelector("[data-live-rows]");
  if (list && pendingRows.size) refreshRows(list, [...pendingRows]);
  pendingTopics.clear();
  pendingRows.clear();
}

function later() {
  timer ||= setTimeout(flush, COALESCE);
}

async function refreshRows(list, ids) {
  const shown = ids.filter((id) => list.querySelector(`tr[data-row-id="${CSS.escape(id)}"]`));
  if (shown.length) {
    const address = new URL(list.dataset.liveSrc, location.href);
    address.searchParams.set("ids", shown.slice(0, 100).join(","));
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (answer.ok) replaceRows(list, await answer.text());
  }
  if (seenNew.size) showNew(list);
}

function replaceRows(list, text) {
  const body = document.createElement("tbody");
  const table = document.createElement("table");
  table.append(body);
  body.innerHTML = text; // our own server's rows, escaped there
  for (const row of body.querySelectorAll("tr[data-row-id]")) {
    const old = list.querySelector(`tr[data-row-id="${row.dataset.rowId}"]`);
    if (!old) continue;
    const changed = old.dataset.state !== row.dataset.state;
    if (old.querySelector("input[name=ids]")?.checked) row.querySelector("input[name=ids]").checked = true;
    old.replaceWith(row);
    window.htmx.process(row);
    if (changed) row.querySelector(".chip")?.classList.add("flash");
  }
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
}

function showNew(list) {
  const busy = list.querySelector("input:checked") || list.contains(document.activeElement) || window.scrollY > 40 || String(getSelection());
  const pill = document.querySelector("[data-live-pill]");
  if (list.dataset.liveFirst === "1" && !busy) {
    reload();
  } else if (pill) {
    pill.hidden = false;
    pill.querySelector("[data-count]").textContent = String(seenNew.size);
  }
}

function reload() {
  seenNew.clear();
  const results = document.querySelector("[data-live-results]");
  if (results) swap(location.href, results, "innerMorph");
}
document.addEventListener("click", (event) => event.target.closest("[data-live-pill]") && reload());

function onChange(message) {
  lastId = message.lastEventId || lastId;
  const { topic, kind, data } = JSON.parse(message.data);
  if (kind === "lines" || kind === "more") {
    document.dispatchEvent(new CustomEvent(`live:${kind}`, { detail: data }));
    return;
  }
  pendingTopics.add(topic);
  if (kind === "execution") {
    pendingTopics.add("executions");
    pendingRows.add(data.id);
    const list = document.querySelector("[data-live-rows]");
    if (data.old === null && list && !list.querySelector(`tr[data-row-id="${CSS.escape(data.id)}"]`)) seenNew.add(data.id);
  }
  later();
}

function everything() {
  for (const node of document.querySelectorAll("[data-live-refresh]")) pendingTopics.add(node.dataset.liveRefresh);
  for (const row of document.querySelectorAll("[data-live-rows] tr[data-row-id]")) pendingRows.add(row.dataset.rowId);
  later();
}

function tellStatus(lost) {
  if (!status) return;
  status.hidden = false;
  status.toggleAttribute("data-off", lost);
  status.textContent = lost ? "Reconnecting…" : "Live";
}

function open() {
  if (source || !topics) return;
  // a browser's own reconnect says how far it has come; the first time the page itself says from where
  const since = encodeURIComponent(lastId || document.body.dataset.liveSince || banners()?.dataset.liveSince || "");
  const lines = document.querySelectorAll("#log li[id^=L]");
  const line = lines.length ? lines[lines.length - 1].id.slice(1) : document.body.dataset.liveLine ?? "";
  source = new EventSource(`${liveUrl}?topics=${encodeURIComponent(topics)}&since=${since}&line=${line}`);
  source.addEventListener("open", () => {
    tellStatus(false);
    if (lostAt && performance.now() - lostAt > 5000) everything();
    lostAt = 0;
  });
  source.addEventListener("change", onChange);
  source.addEventListener("resync", everything);
  source.addEventListener("error", () => {
    lostAt ||= performance.now();
    setTimeout(() => lostAt && tellStatus(true), 3000); // the server ends a stream now and then: that is no fault
    if (source?.readyState === EventSource.CLOSED) {
      close();
      setTimeout(open, 5000);
    }
  });
}

function close() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hideTimer);
  if (document.hidden) {
    hideTimer = setTimeout(close, HIDE_AFTER); // a browser has few connections to give
  } else if (!source && topics) {
    open();
    everything();
  }
});
window.addEventListener("pagehide", close);
if (topics) open();

// ---- Announcements: the server says when what is shown changes next ---------------------------------------------------
const LONGEST_TIMER = 3_600_000;
let bannerTimer = 0;

function awaitBanners() {
  clearTimeout(bannerTimer);
  const stack = banners();
  if (!stack) return;
  const change = stack.dataset.changeAt ? Date.parse(stack.dataset.changeAt) - serverNow() + 100 : LONGEST_TIMER;
  bannerTimer = setTimeout(async () => {
    try {
      await swap(stack.dataset.liveSrc, stack, "outerMorph");
    } finally {
      awaitBanners();
    }
  }, Math.min(Math.max(change, 250), LONGEST_TIMER));
}
document.addEventListener("htmx:after:swap", awaitBanners);
awaitBanners();
