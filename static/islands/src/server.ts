// Posts a form to the server and answers its JSON; null when another question has overtaken it or it failed.
function token(): string {
  const inherited = document.body.getAttribute("hx-headers:inherited") ?? "{}";
  return (JSON.parse(inherited) as Record<string, string>)["X-CSRFToken"] ?? "";
}

export async function ask<Answer>(url: string, fields: Record<string, string>, signal?: AbortSignal): Promise<Answer | null> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token() },
      body: new URLSearchParams(fields),
      signal,
    });
    return answer.ok ? ((await answer.json()) as Answer) : null;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    if (error instanceof TypeError) return null; // no connection: the text is what matters, it stays
    throw error;
  }
}
