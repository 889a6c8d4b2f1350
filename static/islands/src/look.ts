// Colours and measures, all from the page's own tokens; expressions are marked inside of any text.
import { HighlightStyle } from "@codemirror/language";
import { Decoration, type DecorationSet, EditorView, MatchDecorator, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export const marks = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--syn-key)" },
  { tag: [tags.string, tags.content, tags.special(tags.string)], color: "var(--syn-str)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--syn-num)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--muted)" },
]);

const finder = new MatchDecorator({ regexp: /\{\{.*?\}\}|\{%.*?%\}/g, decoration: Decoration.mark({ class: "cm-expression" }) });

export const expressions = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = finder.createDeco(view);
    }

    update(update: ViewUpdate): void {
      this.decorations = finder.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

export const look = EditorView.theme({
  "&": { height: "100%", fontSize: "inherit", color: "var(--text)", backgroundColor: "var(--bg)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.54" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--bg)", color: "var(--muted)", borderRight: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--tint) !important" },
  ".cm-selectionMatch": { backgroundColor: "var(--tint)" },
  ".cm-expression, .cm-expression *": { color: "var(--syn-expr) !important" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "var(--hair)", borderRadius: "var(--r)", boxShadow: "var(--shadow-2, var(--shadow-1))" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12.5px", maxHeight: "18em", minWidth: "280px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 8px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--tint)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", marginLeft: "1em" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-completionInfo": { fontFamily: "var(--font)", maxWidth: "320px", padding: "8px 10px", fontSize: "var(--t12)" },
  ".cm-explain": { fontFamily: "var(--font)", maxWidth: "420px", maxHeight: "260px", overflow: "auto", padding: "8px 12px", fontSize: "var(--t12)" },
  ".cm-explain p": { margin: "6px 0 0" },
  ".cm-panels": { backgroundColor: "var(--surface)", color: "var(--text)", borderColor: "var(--border)" },
  ".cm-textfield, .cm-button": { backgroundColor: "var(--bg)", backgroundImage: "none", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "var(--r)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--hover)", border: "0", color: "var(--muted)" },
  ".cm-searchMatch": { backgroundColor: "var(--hit)", color: "var(--on-hit)" },
  ".cm-changedLine": { backgroundColor: "color-mix(in srgb, var(--ok-solid, green) 12%, transparent) !important" },
  ".cm-deletedChunk": { backgroundColor: "color-mix(in srgb, var(--bad-solid) 12%, transparent)" },
  ".cm-diagnostic": { padding: "6px 10px" },
});
