// Differences to another text, line by line, with buttons to take a piece of it back.
import { unifiedMergeView } from "@codemirror/merge";
import { Compartment, StateEffect, type Extension } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";

const compared = new Compartment();

/** Show what differs from `other` (the text as saved, or as somebody else saved it); null ends it. */
export function compareWith(view: EditorView, other: string | null): void {
  const shown: Extension = other === null ? [] : unifiedMergeView({ original: other, mergeControls: true, collapseUnchanged: { margin: 3, minSize: 6 } });
  const known = compared.get(view.state) !== undefined;
  view.dispatch({ effects: known ? compared.reconfigure(shown) : StateEffect.appendConfig.of(compared.of(shown)) });
}
