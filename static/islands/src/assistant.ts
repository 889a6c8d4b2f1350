// Suggestions and explanations, from the server: one question when a word begins, filtered here while it grows.
import { type Completion, type CompletionContext, type CompletionResult, startCompletion } from "@codemirror/autocomplete";
import type { EditorView, Tooltip } from "@codemirror/view";
import { ask } from "./server";

interface Suggestion {
  label: string;
  kind: string;
  detail?: string;
  info?: string;
  insert?: string;
  deprecated?: boolean;
  boost?: number;
}

const KINDS: Record<string, string> = { property: "property", type: "class", value: "enum", function: "function", filter: "method", variable: "variable" };

export class Assistant {
  private readonly completeUrl: string;
  private readonly explainUrl: string;

  constructor(work: HTMLElement) {
    this.completeUrl = work.dataset.complete ?? "";
    this.explainUrl = work.dataset.explain ?? "";
  }

  async complete(context: CompletionContext): Promise<CompletionResult | null> {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    if (!context.explicit && !/[\w.|'"(:-]\s?$/.test(before)) return null;
    const stop = new AbortController();
    context.addEventListener("abort", () => stop.abort());
    const answer = await ask<{ start: number; options: Suggestion[] }>(
      this.completeUrl,
      { source: context.state.doc.toString(), line: String(line.number - 1), column: String(before.length) },
      stop.signal,
    );
    if (!answer || !answer.options.length || context.aborted) return null;
    return { from: line.from + answer.start, options: answer.options.map(shown), validFor: /^[\w.$-]*$/ };
  }

  async explain(view: EditorView, at: number): Promise<Tooltip | null> {
    const line = view.state.doc.lineAt(at);
    const answer = await ask<{ title: string; html: string }>(this.explainUrl, {
      source: view.state.doc.toString(), line: String(line.number - 1), column: String(at - line.from),
    });
    if (!answer?.title) return null;
    return {
      pos: at,
      above: true,
      create: () => {
        const dom = document.createElement("div");
        dom.className = "cm-explain";
        const title = document.createElement("b");
        title.textContent = answer.title;
        const body = document.createElement("div");
        body.innerHTML = answer.html; // filtered by the server
        dom.append(title, body);
        return { dom };
      },
    };
  }
}

function shown(one: Suggestion): Completion {
  const insert = one.insert ?? one.label;
  return {
    label: one.label,
    displayLabel: one.kind === "type" ? one.label.replace(/^io\.kestra\./, "") : undefined,
    type: KINDS[one.kind] ?? "text",
    detail: one.deprecated ? "deprecated" : one.detail,
    info: one.info,
    boost: (one.boost ?? 0) * 10 - (one.deprecated ? 50 : 0),
    apply: (view, _completion, from, to) => {
      // `key: ` over `key:` leaves one colon
      const after = view.state.sliceDoc(to, to + 1);
      const text = insert.endsWith(": ") && after === ":" ? insert.slice(0, -2) : insert;
      view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, userEvent: "input.complete" });
      if (text.endsWith(": ")) startCompletion(view);
    },
  };
}
