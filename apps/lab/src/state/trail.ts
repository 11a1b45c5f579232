/** Changes of the same kind within so many milliseconds are one step back. */
const ONE_STEP = 1000;

/** The steps that Back undoes, in the history of a window. */
export class Trail {
  readonly #window: Pick<Window, "history" | "location">;
  #last = { kind: "", at: 0 };

  constructor(window: Pick<Window, "history" | "location">) {
    this.#window = window;
  }

  /** Gives the address a fragment: as a step of its own, unless it goes on with the last one. */
  go(fragment: string, kind: string): void {
    const now = Date.now();
    const goesOn = kind === this.#last.kind && now - this.#last.at < ONE_STEP;
    this.#last = { kind, at: now };
    const { history, location } = this.#window;
    const address = `${location.pathname}${location.search}`;
    const to = fragment === "" ? address : `${address}#${fragment}`;
    if (goesOn) history.replaceState(history.state, "", to);
    else history.pushState({ steps: this.#steps + 1 }, "", to);
  }

  /** Says the last step more exactly: Back undoes both at once. */
  mend(fragment: string): void {
    const { history, location } = this.#window;
    const address = `${location.pathname}${location.search}`;
    history.replaceState(history.state, "", fragment === "" ? address : `${address}#${fragment}`);
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
