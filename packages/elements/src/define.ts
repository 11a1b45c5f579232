import { InputError } from "@resolvent/tensor";
import { element } from "./dom.ts";
import type { FigureElement, SelectDetail, Selection } from "./figure-element.ts";
import { type FigureView, figureView } from "./figure-view.ts";
import type { Shows } from "./known.ts";
import { loadJson, parseJson } from "./load.ts";
import { readSelection } from "./mark.ts";
import { PADDING, SHEET } from "./sheet.ts";
import { type Shown, shownOf } from "./shown.ts";
import { tableDetails } from "./table.ts";

/** The event by which figures tell each other what is picked. */
const SELECT = "resolvent-select";

/** Pixels that a figure is drawn for at least: what is narrower scrolls. */
const LEAST = 240;

/** Defines an element, where there are elements and it is not defined yet. */
export function define(shows: Shows): void {
  if (typeof customElements === "undefined" || customElements.get(shows.name)) return;
  customElements.define(shows.name, elementOf(shows));
}

/** The class is made where it is defined: outside of pages there is no HTMLElement. */
function elementOf(shows: Shows): new () => FigureElement {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(SHEET);
  return class extends HTMLElement implements FigureElement {
    static readonly observedAttributes: readonly string[] = ["src", "view"];
    readonly #root = this.attachShadow({ mode: "open" });
    readonly #sizes = new ResizeObserver(() => this.#measure());
    readonly #inside = new MutationObserver(() => this.hasAttribute("src") || this.#read());
    #given: unknown = null;
    /** Whether what is given is a property, which comes before attributes and content. */
    #own = false;
    #shown: Shown | undefined;
    #views: readonly FigureView[] = [];
    #selection: Selection | null = null;
    #width = 0;
    #frame = 0;
    #loading = new AbortController();

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [sheet];
      this.#inside.observe(this, { childList: true, characterData: true, subtree: true });
    }

    connectedCallback(): void {
      // What was set before the element was defined hides its property.
      for (const name of ["result", "selection"] as const) {
        if (!Object.hasOwn(this, name)) continue;
        const given = { [name]: this[name] };
        Reflect.deleteProperty(this, name);
        Object.assign(this, given);
      }
      document.addEventListener(SELECT, this.#hear);
      this.#sizes.observe(this);
      this.#read();
    }

    disconnectedCallback(): void {
      document.removeEventListener(SELECT, this.#hear);
      this.#sizes.disconnect();
      this.#loading.abort();
      cancelAnimationFrame(this.#frame);
    }

    attributeChangedCallback(name: string): void {
      if (!this.isConnected) return;
      if (name === "src") this.#read();
      else this.#show();
    }

    get result(): unknown {
      return this.#given;
    }

    set result(result: unknown) {
      this.#own = result !== null && result !== undefined;
      if (this.#own) this.#give(result);
      else this.#read();
    }

    get selection(): Selection | null {
      return this.#selection;
    }

    set selection(selection: Selection | null) {
      this.#selection = readSelection(selection) ?? null;
      for (const view of this.#views) view.light(this.#selection);
    }

    /** Takes the result from its address, or from a script of JSON inside. */
    #read(): void {
      if (this.#own || !this.isConnected) return;
      this.#loading.abort();
      const src = this.getAttribute("src");
      if (src !== null) {
        this.#loading = new AbortController();
        const { signal } = this.#loading;
        this.#say("note", `Loading ${src} …`);
        this.setAttribute("aria-busy", "true");
        void loadJson(src, { base: this.baseURI, signal })
          .then((result) => signal.aborted || this.#give(result))
          .catch((error: unknown) => signal.aborted || this.#fail(error));
        return;
      }
      const text = this.querySelector('script[type="application/json"]')?.textContent ?? "";
      if (text.trim() === "") {
        this.#shown = undefined;
        this.#say("note", "No result yet.");
        return;
      }
      try {
        this.#give(parseJson(text, "What is in this element"));
      } catch (error) {
        this.#fail(error);
      }
    }

    #give(result: unknown): void {
      this.#loading.abort();
      this.#given = result;
      try {
        this.#shown = shownOf(result, shows);
      } catch (error) {
        this.#fail(error);
        return;
      }
      this.#show();
    }

    #show(): void {
      try {
        this.#draw();
      } catch (error) {
        this.#fail(error);
      }
    }

    #fail(error: unknown): void {
      this.#shown = undefined;
      // What is no fault of the result is one of this program, and is to be seen by whoever looks for it.
      if (!(error instanceof InputError)) console.error(error);
      this.#say(
        "fault",
        error instanceof InputError ? error.message : "This result cannot be shown.",
      );
    }

    #say(kind: "note" | "fault", text: string): void {
      this.removeAttribute("aria-busy");
      const said = element("p", kind, text);
      if (kind === "fault") said.setAttribute("role", "alert");
      this.#views = [];
      this.#root.replaceChildren(said);
    }

    #measure(): void {
      cancelAnimationFrame(this.#frame);
      this.#frame = requestAnimationFrame(() => {
        if (this.#room() !== this.#width) this.#show();
      });
    }

    /** Pixels that there are for a figure. */
    #room(): number {
      return Math.floor(this.clientWidth) - 2 * PADDING;
    }

    #draw(): void {
      const shown = this.#shown;
      this.#width = this.#room();
      // What is not displayed is drawn when it is.
      if (shown === undefined || this.#width <= 0) return;
      const views = chosen(shown, this.getAttribute("view"));
      if (views.length === 0) {
        const there = shown.views.map(
          ({ mark, title }, i) => `${i + 1}, ${mark}${title === undefined ? "" : `: ${title}`}`,
        );
        this.#say(
          "fault",
          `There is no figure "${this.getAttribute("view")}" here. There are: ${there.join("; ")}.`,
        );
        return;
      }
      this.removeAttribute("aria-busy");
      const width = Math.max(LEAST, this.#width);
      const pick = (selection: Selection | null): void => this.#pick(selection);
      const kinds = [...new Set(views.map(({ table }) => table))];
      const tables = kinds.flatMap((kind) =>
        shown.tables.filter((table) => table.kind === kind).map(tableDetails),
      );
      const made = views.map((view, i) =>
        figureView(view, shown.tables, { width, id: `v${i}`, pick }),
      );
      const warnings = shown.warnings.map((text) => element("li", "", text));
      const before = this.#views.map(({ place }) => place());
      const open = [...this.#root.querySelectorAll("details")].map((one) => one.open);
      this.#root.replaceChildren(
        ...(warnings.length === 0 ? [] : [element("aside", "", element("ul", "", ...warnings))]),
        ...made.map(({ figure }) => figure),
        ...tables,
      );
      this.#views = made;
      // What was open stays open, and what had the focus keeps it, where only the width is another.
      if (before.length === made.length)
        for (const [i, place] of before.entries()) made[i]?.resume(place);
      if (open.length === tables.length)
        for (const [i, one] of tables.entries()) one.open = open[i] === true;
      for (const view of this.#views) view.light(this.#selection);
    }

    #pick(selection: Selection | null): void {
      if (selection === null && this.#selection === null) return;
      this.selection = selection;
      const detail: SelectDetail = { group: this.#group, selection };
      this.dispatchEvent(new CustomEvent(SELECT, { detail, bubbles: true, composed: true }));
    }

    get #group(): string {
      return this.getAttribute("group") ?? "";
    }

    readonly #hear = (event: Event): void => {
      const { group, selection } = Object((event as CustomEvent<unknown>).detail); // or none at all
      const read = readSelection(selection);
      if (event.target === this || group !== this.#group || read === undefined) return;
      this.selection = read;
    };
  };
}

/** The views that an attribute asks for: by number from 1, by mark, or all. */
function chosen({ views }: Shown, asked: string | null): Shown["views"] {
  if (asked === null || asked === "") return views;
  return /^\d{1,6}$/.test(asked)
    ? views.slice(Number(asked) - 1, Number(asked))
    : views.filter(({ mark }) => mark === asked);
}
