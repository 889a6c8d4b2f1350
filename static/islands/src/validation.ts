// What is wrong with the text, as the server sees it: asked when typing pauses; an answer that is overtaken is dropped.
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { ask } from "./server";
import type { Side } from "./side";

interface Found {
  severity: "error" | "warning" | "info";
  message: string;
  line: number;
  column: number;
}

const PAUSE = 300;

export class Validation {
  private timer = 0;
  private stop: AbortController | null = null;
  private readonly url: string;
  private readonly list = document.getElementById("problems");

  constructor(work: HTMLElement, private readonly side: Side) {
    this.url = work.dataset.validate ?? "";
  }

  ask(view: EditorView, wait = PAUSE): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.run(view), wait);
  }

  private async run(view: EditorView): Promise<void> {
    this.stop?.abort();
    this.stop = new AbortController();
    const asked = view.state.doc;
    const answer = await ask<{ diagnostics: Found[]; html: string; graph: string | null }>(
      this.url, { source: asked.toString() }, this.stop.signal,
    );
    if (!answer || view.state.doc !== asked) return;
    view.dispatch(setDiagnostics(view.state, answer.diagnostics.filter((one) => one.line > 0).map((one) => mark(view.state, one))));
    if (this.list) this.list.innerHTML = answer.html; // the page's own template
    this.side.draw(answer.graph);
  }
}

function mark(state: EditorState, one: Found): Diagnostic {
  const line = state.doc.line(Math.min(one.line, state.doc.lines));
  const from = Math.min(line.to, line.from + Math.max(0, one.column - 1));
  const word = /^["']?[\w.$-]+["']?/.exec(state.sliceDoc(from, line.to))?.[0].length ?? 0;
  return { from, to: Math.min(line.to, from + Math.max(1, word)), severity: one.severity, message: one.message };
}
