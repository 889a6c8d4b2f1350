// Beside the text: the picture of the flow, and the documentation of the type around the cursor.
import type { EditorView } from "@codemirror/view";

export class Side {
  private type = "";
  private shownType = "";
  private readonly graph: HTMLElement | null;
  private readonly docs: HTMLElement | null;
  private readonly stale: HTMLElement | null;

  constructor(private readonly work: HTMLElement) {
    this.graph = work.querySelector("[data-graph]");
    this.docs = work.querySelector("[data-docs]");
    this.stale = work.querySelector("[data-stale-note]");
    for (const button of work.querySelectorAll<HTMLButtonElement>("[data-panel]")) {
      button.addEventListener("click", () => this.open(button.dataset.panel ?? ""));
    }
    document.addEventListener("keydown", (event) => {
      const panel = event.altKey && !event.ctrlKey ? { Digit1: "topology", Digit2: "docs" }[event.code] : undefined;
      if (!panel) return;
      event.preventDefault();
      this.open(panel);
    });
  }

  private open(panel: string): void {
    for (const button of this.work.querySelectorAll("[data-panel]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-panel") === panel));
    }
    for (const body of this.work.querySelectorAll<HTMLElement>("[data-panel-body]")) body.hidden = body.dataset.panelBody !== panel;
    if (panel === "docs") void this.load();
  }

  draw(html: string | null): void {
    if (!this.graph) return;
    const drawn = this.graph.querySelector("[data-topology]") !== null;
    if (this.stale) this.stale.hidden = html !== null || !drawn;
    this.graph.toggleAttribute("data-stale", html === null && drawn);
    if (html === null) return;
    this.graph.innerHTML = html; // the page's own template
    this.graph.dispatchEvent(new CustomEvent("topology", { bubbles: true }));
  }

  /** Called when the cursor rests: marks the task in the picture, tells the page which type is being written. */
  follow(view: EditorView): void {
    const { id, type } = around(view);
    for (const node of this.graph?.querySelectorAll("[data-task]") ?? []) node.toggleAttribute("data-cursor", node.getAttribute("data-task") === id);
    if (!type || type === this.type) return;
    this.type = type;
    document.dispatchEvent(new CustomEvent("doc-type", { detail: { type } }));
    if (this.docs && !this.docs.closest<HTMLElement>("[data-panel-body]")?.hidden) void this.load();
  }

  private async load(): Promise<void> {
    if (!this.docs || !this.type || this.type === this.shownType) return;
    const wanted = this.type;
    const answer = await fetch(`${this.work.dataset.typeUrl}?type=${encodeURIComponent(wanted)}`, { headers: { "HX-Request": "true" } });
    if (wanted !== this.type) return;
    this.shownType = wanted;
    if (answer.ok) this.docs.innerHTML = await answer.text(); // the page's own template
  }
}

/** Id and type of the innermost map around the cursor that has a type. */
function around(view: EditorView): { id: string; type: string } {
  const { doc, selection } = view.state;
  let number = doc.lineAt(selection.main.head).number;
  let column = Number.POSITIVE_INFINITY;
  for (; number > 0; number -= 1) {
    const text = doc.line(number).text;
    const match = /^(\s*(?:- +)*)[\w"'$-]/.exec(text);
    if (!match || text.trimStart().startsWith("#") || match[1].length > column) continue;
    column = match[1].length;
    const found = mapOf(doc, number, column);
    if (found.type) return found;
    column -= 1;
  }
  return { id: "", type: "" };
}

function mapOf(doc: EditorView["state"]["doc"], at: number, column: number): { id: string; type: string } {
  const found = { id: "", type: "" };
  const read = (text: string): void => {
    const match = /^(\s*(?:- +)*)(id|type)\s*:\s*["']?([^"'#]+?)["']?\s*(?:#.*)?$/.exec(text);
    if (match && match[1].length === column) found[match[2] as "id" | "type"] ||= match[3];
  };
  const outside = (text: string, dashed: boolean): boolean => {
    if (!text.trim()) return false;
    const lead = /^\s*(?:- +)*/.exec(text)?.[0] ?? "";
    return lead.length < column || (dashed && lead.includes("-") && lead.length === column);
  };
  for (let number = at; number > 0; number -= 1) {
    const text = doc.line(number).text;
    if (number !== at && outside(text, false)) break;
    read(text);
    if (/^\s*- /.test(text) && /^\s*(?:- +)*/.exec(text)?.[0].length === column) break;
  }
  for (let number = at + 1; number <= doc.lines; number += 1) {
    const text = doc.line(number).text;
    if (outside(text, true)) break;
    read(text);
  }
  return found;
}
