// Puts an App into a page of another site:
//   <script src="https://kestra.example.com/static/embed.js" data-app="https://kestra.example.com/ui/main/apps/UID"></script>
// data-theme: light or dark · data-title: the name of the frame. The frame is as high as the App. The script's element
// sends the events app:submitted and app:done (detail.state), which bubble.
{
  const script = document.currentScript;
  const address = new URL(script.dataset.app, script.src);
  address.searchParams.set("embed", "1");
  address.searchParams.set("parent", location.origin);
  if (script.dataset.theme) address.searchParams.set("theme", script.dataset.theme);
  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = script.dataset.title || "App";
  frame.style.cssText = "display:block;width:100%;height:480px;border:0;color-scheme:normal";
  frame.loading = "lazy";
  script.after(frame);
  window.addEventListener("message", (event) => {
    // only the App in this frame is listened to
    if (event.origin !== address.origin || event.source !== frame.contentWindow || !event.data?.app) return;
    const { event: name, height, state } = event.data;
    if (name === "height" && height > 0) frame.style.height = `${Math.min(height, 20000)}px`;
    if (name === "submitted" || name === "done") {
      script.dispatchEvent(new CustomEvent(`app:${name}`, { bubbles: true, detail: { app: event.data.app, state } }));
    }
  });
}
