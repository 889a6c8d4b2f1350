// [data-copy]: a button that copies its text, and says so.
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
document.addEventListener("htmx:after:swap", () => {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  let told = "Link copied.";
  try { await navigator.clipboard.writeText(button.dataset.copy); } catch { told = button.dataset.copy; }
  document.body.dispatchEvent(new CustomEvent("toast", { bubbles: true, detail: { level: "success", message: told } }));
});
