// The builder of Apps: the preview follows the text; blocks are put in at the cursor; devices by their width.
{
  const area = document.getElementById("source");
  const form = document.getElementById("preview-form");
  const frame = document.querySelector(".builder-frame");
  const held = form.querySelector("[data-preview-source]");
  let timer = 0;
  let asked = 0;

  async function show() {
    held.value = area.value;
    const number = (asked += 1);
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (number !== asked) return; // a later text was sent meanwhile
    const top = frame.contentDocument?.documentElement.scrollTop ?? 0;
    frame.addEventListener("load", () => frame.contentDocument?.documentElement.scrollTo(0, top), { once: true });
    frame.srcdoc = await answer.text();
  }

  const later = () => { clearTimeout(timer); timer = setTimeout(show, 400); };
  area.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  form.querySelector("[data-width]").addEventListener("change", (event) => {
    frame.parentElement.style.setProperty("--w", event.target.value);
  });

  // ---- The palette: an item of the list that the cursor stands in ----------------------------------------------------
  for (const button of document.querySelectorAll("[data-insert]")) {
    button.disabled = false;
    button.addEventListener("click", () => insert(button.dataset.insert));
  }

  function insert(text) {
    const before = area.value.slice(0, area.selectionEnd).split("\n");
    let indent = "      ";
    for (const line of [...before].reverse()) {
      const item = /^(\s+)- type:/.exec(line);
      if (item) { indent = item[1]; break; }
      if (/^\s*blocks:/.test(line)) break;
    }
    // after the block that the cursor stands in: before the next line that is not indented more than its dash
    const lines = area.value.split("\n");
    let at = before.length;
    while (at < lines.length && lines[at].startsWith(`${indent} `)) at += 1;
    if (lines[before.length - 1]?.trim() === "" && at === before.length) at -= 1;
    const place = lines.slice(0, at).join("\n").length + (at ? 1 : 0);
    const needsBreak = place > area.value.length;
    area.focus();
    area.setSelectionRange(Math.min(place, area.value.length), Math.min(place, area.value.length));
    const block = text.trimEnd().split("\n").map((line) => indent + line).join("\n");
    const written = `${needsBreak ? "\n" : ""}${block}\n`;
    if (!document.execCommand("insertText", false, written)) {
      area.setRangeText(written, area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  show();
}
