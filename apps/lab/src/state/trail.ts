import { LONG } from "./fragment.ts";

/** Changes of the same kind within so many milliseconds are one step back. */
const ONE_STEP = 1000;

/** The steps that Back undoes, in the history of a window. */
export class Trail {
  readonly #window: Pick<Window, "history" | "location">;
  #last: { readonly kind: string | null; readonly at: number } = { kind: null, at: 0 };

  constructor(window: Pick<Window, "history" | "location">) {
    this.#window = window;
  }

  /** Gives the address a fragment: as a step of its own, unless it goes on with the last one; of no kind, it always is. */
  go(fragment: string, kind: string | null): void {
    const now = Date.now();
    const goesOn = kind !== null && kind === this.#last.kind && now - this.#last.at < ONE_STEP;
    this.#last = { kind, at: now };
    if (goesOn) this.mend(fragment);
    else {
      this.#window.history.pushState({ steps: this.#steps + 1 }, "", this.#with(fragment));
      void this.#shorten(fragment);
    }
  }

  /** Says the last step more exactly: Back undoes both at once. */
  mend(fragment: string): void {
    this.#replace(fragment);
    void this.#shorten(fragment);
  }

  #replace(fragment: string): void {
    const { history } = this.#window;
    history.replaceState(history.state, "", this.#with(fragment));
  }

  /** The address with a fragment. */
  #with(fragment: string): string {
    const { pathname, search } = this.#window.location;
    return `${pathname}${search}${fragment === "" ? "" : `#${fragment}`}`;
  }

  /** Deflates a long one, which takes a moment, unless somebody has gone on by then. */
  async #shorten(fragment: string): Promise<void> {
    if (fragment.length <= LONG) return;
    const { packed } = await import("./packed.ts");
    const short = await packed(fragment);
    if (this.#window.location.hash === `#${fragment}`) this.#replace(short);
  }

  /** One step back, where that is one of this page. */
  back(): void {
    if (this.#steps > 0) this.#window.history.back();
  }

  /** One step forward again. */
  forward(): void {
    this.#window.history.forward();
  }

  /** How many steps the address has behind it. */
  get #steps(): number {
    const { steps } = Object(this.#window.history.state);
    return Number.isInteger(steps) ? steps : 0;
  }
}
