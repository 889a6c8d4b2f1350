// Flow source: line numbers, colours, problems at their lines, Ctrl-S. The text area stays the one that is typed into.
const form = document.getElementById("editor-form");
const box = document.querySelector("[data-editor]");
const area = box.querySelector("textarea");
const paint = box.querySelector("pre");
const problems = document.getElementById("problems");
const dirtyMark = document.querySelector("[data-dirty]");
const saved = area.value;
let lines = [];
let submitting = false;

// ---- Colours: a line at a time, so that a keystroke in a long flow repaints one line ----------------------------------
const TOKEN = /(\{\{.*?\}\}|\{%.*?%\})|(#.*$)|("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|(\b-?\d+(?:\.\d+)?\b|\btrue\b|\bfalse\b|\bnull\b)/g;
const KEY = /^(\s*(?:- )*)([\w.$/-]+|"[^"]*")(\s*:)(?=\s|$)/;
const KINDS = ["", "x", "c", "s", "n"];

function span(kind, text) {
  const node = document.createElement("span");
  node.className = kind;
  node.textContent = text;
  return node;
}

// A quoted text: what is between double braces is an expression.
function paintQuoted(node, text) {
  for (const part of text.split(/(\{\{.*?\}\})/)) if (part) node.append(span(part.startsWith("{{") ? "x" : "s", part));
}

function paintValue(node, text) {
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const group = [1, 2, 3, 4].find((number) => match[number] !== undefined);
    if (group === 2 && match.index > 0 && !/\s/.test(text[match.index - 1])) continue;
    node.append(text.slice(at, match.index));
    if (group === 3) paintQuoted(node, match[0]);
    else node.append(span(KINDS[group], match[0]));
    at = match.index + match[0].length;
  }
  node.append(text.slice(at));
}

function paintLine(text) {
  const node = document.createElement("div");
  const key = KEY.exec(text);
  if (key && !text.trimStart().startsWith("#")) {
    node.append(key[1], span("k", key[2]), key[3]);
    paintValue(node, text.slice(key[0].length));
  } else {
    paintValue(node, text);
  }
  if (!text) node.append("\n");
  return node;
}

function repaint() {
  const next = area.value.split("\n");
  let head = 0;
  while (head < lines.length && head < next.length && lines[head] === next[head]) head += 1;
  let tail = 0;
  while (tail < lines.length - head && tail < next.length - head && lines.at(-1 - tail) === next.at(-1 - tail)) tail += 1;
  const before = paint.children[lines.length - tail] ?? null;
  for (let count = lines.length - tail - head; count > 0; count -= 1) paint.children[head].remove();
  const fresh = document.createDocumentFragment();
  for (const text of next.slice(head, next.length - tail)) fresh.append(paintLine(text));
  paint.insertBefore(fresh, before);
  lines = next;
  area.style.setProperty("--lines", String(lines.length));
  area.style.setProperty("--columns", String(Math.max(...lines.map((line) => line.length), 40)));
  if (dirtyMark) dirtyMark.hidden = area.value === saved;
}

// ---- Problems ---------------------------------------------------------------------------------------------------------
function markProblems() {
  for (const node of paint.querySelectorAll("[data-severity]")) {
    node.removeAttribute("data-severity");
    node.removeAttribute("title");
  }
  for (const item of [...problems.querySelectorAll("li[data-line]")].reverse()) {
    const node = paint.children[Number(item.dataset.line) - 1];
    if (!node) continue;
    node.dataset.severity = item.dataset.severity;
  }
}

function jump(line, column) {
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, column - 1);
  area.focus();
  area.setSelectionRange(start, start);
  const height = paint.firstElementChild?.offsetHeight ?? 20;
  box.scrollTop = Math.max(0, (line - 6) * height);
}

problems.addEventListener("click", (event) => {
  const button = event.target.closest("[data-jump]");
  if (button) jump(Number(button.dataset.jump), Number(button.dataset.column));
});
document.addEventListener("htmx:after:swap", markProblems);

let current = -1;
function nextProblem(step) {
  const all = [...problems.querySelectorAll("[data-jump]")];
  if (!all.length) return;
  current = (current + step + all.length) % all.length;
  jump(Number(all[current].dataset.jump), Number(all[current].dataset.column));
}

// ---- Keys -------------------------------------------------------------------------------------------------------------
let leaving = false;
area.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && !leaving && !area.readOnly) {
    event.preventDefault();
    indent(event.shiftKey);
  } else if (event.key === "Enter" && !area.readOnly && !event.ctrlKey && !event.metaKey) {
    const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
    const deeper = /:\s*$/.test(line) ? "  " : "";
    const bullet = /^\s*- /.test(line) && deeper ? "  " : "";
    event.preventDefault();
    insert(`\n${/^\s*/.exec(line)[0]}${bullet}${deeper}`);
  } else if (event.key === "F8") {
    event.preventDefault();
    nextProblem(event.shiftKey ? -1 : 1);
  }
  leaving = event.key === "Escape";
});

function insert(text) {
  // keeps the browser's undo, which setting the value would lose
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function indent(back) {
  const { selectionStart: start, selectionEnd: end, value } = area;
  if (start === end && !back) return insert("  ");
  const from = value.lastIndexOf("\n", start - 1) + 1;
  const chosen = value.slice(from, end);
  const changed = back ? chosen.replace(/^ {1,2}/gm, "") : chosen.replace(/^(?=.)/gm, "  ");
  if (changed === chosen) return undefined;
  area.setSelectionRange(from, end);
  insert(changed);
  area.setSelectionRange(from, from + changed.length);
  return undefined;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    if (!area.readOnly) form.requestSubmit(form.querySelector("button.btn-primary"));
  }
});
form.addEventListener("submit", () => { submitting = true; });
window.addEventListener("beforeunload", (event) => {
  if (!submitting && area.value !== saved && !area.readOnly) event.preventDefault();
});

area.addEventListener("input", repaint);
box.dataset.ready = "1";
repaint();
markProblems();
