// What was typed and not saved, kept in this browser for this person and flow.
interface Kept {
  text: string;
  base: string;
  at: number;
}

const PAUSE = 800;
const KEPT_DAYS = 14;

export class Drafts {
  private timer = 0;
  private pending: string | null = null;
  private readonly key: string;

  constructor(work: HTMLElement, private readonly saved: string) {
    this.key = `draft:${location.pathname.split("/")[2]}:${work.dataset.user}:${work.dataset.draft}`;
    window.addEventListener("pagehide", () => this.keep());
  }

  note(text: string): void {
    window.clearTimeout(this.timer);
    this.pending = text;
    this.timer = window.setTimeout(() => this.keep(), PAUSE);
  }

  private keep(): void {
    const text = this.pending;
    this.pending = null;
    if (text === null) return;
    if (text === this.saved) this.drop();
    else this.put({ text, base: this.saved, at: Date.now() });
  }

  /** The text is on its way to the server. Should it be refused, the page brings it back itself. */
  forget(): void {
    window.clearTimeout(this.timer);
    this.pending = null;
    this.drop();
  }

  offer(take: (text: string) => void): void {
    const kept = this.get();
    const note = document.querySelector<HTMLElement>("[data-draft-note]");
    if (!note || !kept || kept.text === this.saved || Date.now() - kept.at > KEPT_DAYS * 86_400_000) return;
    const time = note.querySelector<HTMLTimeElement>("[data-draft-time]");
    if (time) time.textContent = new Date(kept.at).toLocaleString();
    note.hidden = false;
    note.querySelector("[data-draft-take]")?.addEventListener("click", () => {
      take(kept.text);
      note.hidden = true;
    });
    note.querySelector("[data-draft-drop]")?.addEventListener("click", () => {
      this.drop();
      note.hidden = true;
    });
  }

  private put(kept: Kept): void {
    try {
      localStorage.setItem(this.key, JSON.stringify(kept));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // storage that is full or closed only means no draft
    }
  }

  private get(): Kept | null {
    const text = localStorage.getItem(this.key);
    return text ? (JSON.parse(text) as Kept) : null;
  }

  private drop(): void {
    localStorage.removeItem(this.key);
  }
}
