// The flow editor: the text area of the page becomes CodeMirror; what it knows of flows it asks the server.
import { closeBrackets, closeBracketsKeymap, autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, nextDiagnostic, previousDiagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers, rectangularSelection,
} from "@codemirror/view";
import { Assistant } from "./assistant";
import { Drafts } from "./drafts";
import { compareWith } from "./compare";
import { expressions, look, marks } from "./look";
import { Side } from "./side";
import { Validation } from "./validation";

interface Parts {
  form: HTMLFormElement;
  area: HTMLTextAreaElement;
  box: HTMLElement;
  work: HTMLElement;
}

function find(): Parts | null {
  const form = document.querySelector<HTMLFormElement>("#editor-form");
  const area = form?.querySelector<HTMLTextAreaElement>("textarea[name=source]");
  const box = form?.querySelector<HTMLElement>("[data-editor]");
  const work = form?.querySelector<HTMLElement>("[data-work]");
  return form && area && box && work ? { form, area, box, work } : null;
}

function start({ form, area, box, work }: Parts): void {
  // The text area stays in the form and carries the text; htmx must not listen to it any more.
  for (const name of ["hx-post", "hx-trigger"]) area.removeAttribute(name);
  area.hidden = true;
  area.dispatchEvent(new CustomEvent("htmx:abort"));
  box.querySelector(".editor-paint")?.remove();
  const saved = area.defaultValue;
  const theirs = box.querySelector<HTMLTextAreaElement>("[data-theirs]")?.value ?? null;
  const readOnly = area.readOnly;
  const side = new Side(work);
  const assistant = new Assistant(work);
  const validation = new Validation(work, side);
  const drafts = new Drafts(work, saved);
  const dirtyMark = document.querySelector<HTMLElement>("[data-dirty]");
  const editable = new Compartment();
  let submitting = false;
  let cursorTimer = 0;

  function save(): boolean {
    if (!readOnly) form.requestSubmit(form.querySelector<HTMLButtonElement>("button.btn-primary") ?? document.querySelector<HTMLButtonElement>("button[form=editor-form]"));
    return true;
  }

  function execute(): boolean {
    document.querySelector<HTMLElement>('.editor-bar a[hx-get$="/execute"], a[data-key="E"]')?.click();
    return true;
  }

  function changed(view: EditorView): void {
    const text = view.state.doc.toString();
    area.value = text;
    if (dirtyMark) dirtyMark.hidden = text === saved;
    drafts.note(text);
    validation.ask(view);
  }

  const extensions: Extension[] = [
    EditorView.cspNonce.of(work.dataset.nonce ?? ""),
    lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), rectangularSelection(), indentOnInput(), bracketMatching(),
    closeBrackets(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(), search({ top: true }),
    indentUnit.of("  "), EditorState.tabSize.of(2), EditorState.allowMultipleSelections.of(true),
    yaml(), syntaxHighlighting(marks), expressions, look,
    autocompletion({ override: [(context) => assistant.complete(context)], icons: false, maxRenderedOptions: 200 }),
    hoverTooltip((view, at) => assistant.explain(view, at), { hoverTime: 400 }),
    editable.of([EditorState.readOnly.of(readOnly)]),
    EditorView.contentAttributes.of({ "aria-label": area.getAttribute("aria-label") ?? "Source", "aria-describedby": "problems", id: "source-text" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) changed(update.view);
      if (update.docChanged || update.selectionSet) {
        window.clearTimeout(cursorTimer);
        cursorTimer = window.setTimeout(() => side.follow(update.view), 150);
      }
    }),
    keymap.of([
      { key: "Mod-s", run: save, preventDefault: true },
      { key: "Mod-Enter", run: execute },
      { key: "F8", run: nextDiagnostic },
      { key: "Shift-F8", run: previousDiagnostic },
      { key: "Tab", run: indentMore, shift: indentLess },
      ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap,
    ]),
  ];
  const view = new EditorView({ state: EditorState.create({ doc: area.value, extensions }), parent: box });
  box.dataset.ready = "editor";
  work.dataset.side = "topology";
  area.value = view.state.doc.toString();
  if (theirs !== null) compareWith(view, theirs);
  const compare = document.querySelector<HTMLButtonElement>("[data-diff]");
  if (compare) {
    compare.hidden = false;
    compare.addEventListener("click", () => {
      const on = compare.getAttribute("aria-pressed") !== "true";
      compare.setAttribute("aria-pressed", String(on));
      compareWith(view, on ? saved : null);
    });
  }
  validation.ask(view, 0);
  side.follow(view);
  drafts.offer((text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }));

  document.getElementById("problems")?.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-jump]");
    if (!button) return;
    const line = view.state.doc.line(Math.min(Number(button.dataset.jump), view.state.doc.lines));
    const at = Math.min(line.to, line.from + Math.max(0, Number(button.dataset.column) - 1));
    view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    view.focus();
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s" && !event.defaultPrevented) {
      event.preventDefault();
      save();
    }
  });
  form.addEventListener("submit", () => {
    submitting = true;
    drafts.forget();
  });
  window.addEventListener("beforeunload", (event) => {
    if (!submitting && !readOnly && area.value !== saved) event.preventDefault();
  });
}

const parts = find();
if (parts) start(parts);
