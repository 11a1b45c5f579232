import type { Table, View } from "@resolvent/analysis";
import { bytes } from "@resolvent/analysis";
import type { Findings } from "@resolvent/analysis/remote";
import { commandOf } from "./copies.ts";
import { fragmentOf } from "./fragment.ts";
import type { Lab } from "./lab.svelte.ts";
import {
  MOST_OF_PIN,
  MOST_OF_REPORT,
  MOST_PINS,
  type Pin,
  readReport,
  reportText,
  shortResult,
} from "./pins.ts";
import { store, stored } from "./stored.ts";
import { REPORT } from "./tabs.ts";

/** Of what is stored in the browser. */
const NAME = "report";

/** A figure to be pinned: what it is of is known where that is one result. */
export interface Pinned {
  readonly view: View;
  readonly tables: readonly Table[];
  readonly of: Findings;
}

/** The report: what was pinned, in the order in which it is read. It is kept in this browser. */
export class Report {
  pins: readonly Pin[] = $state.raw([]);
  /** Characters that it takes. */
  readonly size: number = $derived(reportText(this.pins).length);
  readonly #lab: Lab;
  /** Whether what is here is stored: where it is not, this window alone has it. */
  #stores = true;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#load();
    // Another window of the same lab has changed it.
    window.addEventListener("storage", () => this.#load());
  }

  /** Pins a figure: it comes last. */
  async pin({ view, tables, of }: Pinned): Promise<void> {
    const table = tables.find(({ kind }) => kind === view.table);
    if (table === undefined) return;
    const { place } = this.#lab;
    const asked = await this.#lab.there.asked(of);
    const pin: Pin = {
      ...{ id: crypto.randomUUID(), title: view.title ?? table.title ?? view.table, note: "" },
      ...{ fragment: fragmentOf({ ...place, panel: null }), analysis: place.analysis },
      ...{
        answer: of.answer,
        command: asked === undefined ? null : commandOf(asked.work, asked.analysis),
      },
      ...{ result: shortResult(of.result), view, table },
    };
    const size = JSON.stringify(pin).length;
    if (size > MOST_OF_PIN) {
      this.#refuse(
        `“${pin.title}” has ${bytes(size)} of rows; a report keeps at most ${bytes(MOST_OF_PIN)} of one figure.`,
        "Save its result as a file.",
      );
      return;
    }
    this.#catchUp();
    if (!this.#change([...this.pins, pin], `Pinned: ${pin.title}.`)) return;
    const done = this.#lab.done;
    if (done !== null)
      this.#lab.done = {
        ...done,
        see: { words: "Open the report", go: () => this.#lab.visit(REPORT) },
      };
  }

  /** Takes a pin out. */
  remove(id: string): void {
    this.#catchUp();
    const pin = this.pins.find((one) => one.id === id);
    if (pin !== undefined)
      this.#change(
        this.pins.filter((one) => one !== pin),
        `Removed: ${pin.title}.`,
      );
  }

  /** Takes all pins out. */
  clear(): void {
    this.#change([], `Removed all ${this.pins.length}.`);
  }

  /** Moves a pin so many places down. */
  move(id: string, by: number): void {
    this.#catchUp();
    const at = this.pins.findIndex((pin) => pin.id === id);
    const to = Math.min(Math.max(at + by, 0), this.pins.length - 1);
    const own = this.pins[at];
    if (own === undefined || to === at) return;
    const others = this.pins.filter((pin) => pin !== own);
    this.#keep([...others.slice(0, to), own, ...others.slice(to)]);
  }

  /** Writes the note of a pin. */
  write(id: string, note: string): void {
    this.#catchUp();
    this.#keep(this.pins.map((pin) => (pin.id === id ? { ...pin, note } : pin)));
  }

  /** Opens a report that was saved, in place of this one. */
  open(text: string): void {
    try {
      const pins = readReport(text);
      this.#change(pins, `Opened a report of ${pins.length}.`);
    } catch (error) {
      this.#lab.errand.failed(error);
    }
  }

  /** Hears what another window has done that we were not told of yet: windows behind others are told late, if at all. */
  #catchUp(): void {
    if (this.#stores) this.#load();
  }

  #load(): void {
    const text = stored(NAME);
    if (text === null) {
      this.pins = [];
      return;
    }
    try {
      this.pins = readReport(text);
    } catch (error) {
      this.#lab.errand.failed(error);
    }
  }

  /** Changes it in a way that can be undone; false where there is no room for it. */
  #change(pins: readonly Pin[], says: string): boolean {
    const before = this.pins;
    if (!this.#keep(pins)) return false;
    this.#lab.done = { says, undo: () => void this.#keep(before) };
    return true;
  }

  #keep(pins: readonly Pin[]): boolean {
    if (pins.length > MOST_PINS) {
      this.#refuse(
        `A report has at most ${MOST_PINS} figures.`,
        "Remove one, or save this report and begin another.",
      );
      return false;
    }
    const text = reportText(pins);
    if (text.length > MOST_OF_REPORT) {
      this.#refuse(
        `The report would take ${bytes(text.length)}; a browser keeps at most ${bytes(MOST_OF_REPORT)}.`,
        "Remove a figure, or save this report and begin another.",
      );
      return false;
    }
    this.pins = pins;
    this.#stores = store(NAME, pins.length === 0 ? null : text);
    if (!this.#stores)
      this.#lab.note = "This browser does not store the report: save it before you leave.";
    return true;
  }

  #refuse(message: string, remedy: string): void {
    this.#lab.errand.fault = { message, remedy };
  }
}

let report: Report | undefined;

/** The report of a lab, read from the browser when it is first wanted. */
export function reportOf(lab: Lab): Report {
  report ??= new Report(lab);
  return report;
}
