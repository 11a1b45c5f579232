import type { Progress } from "@resolvent/analysis";
import type { Asking, Estimate, Findings, Work } from "@resolvent/analysis/remote";
import { withAccuracy } from "./accuracy.ts";
import { remember } from "./works.ts";

/** Something that goes on elsewhere. */
export interface Job {
  /** In a few words, as a line of status begins. */
  readonly what: string;
  readonly estimate: Estimate | undefined;
  readonly progress: Progress | undefined;
  /** Begins it, where it is so much that somebody has to want it. */
  readonly begin?: () => void;
}

/** What went wrong, in sentences. */
export interface Fault {
  readonly message: string;
  readonly remedy: string | undefined;
}

/** How browsers say that a part of the page, or of a worker, did not come. */
const NOT_LOADED = /dynamically imported module|importing a module script/i;

/** What an error says to people. */
export function faultOf(error: unknown): Fault {
  const { message = String(error), remedy } = Object(error);
  if (NOT_LOADED.test(message)) {
    return {
      message: "A part of this page could not be loaded: its server does not answer.",
      remedy: "Ask again once it does, or reload the page.",
    };
  }
  const own = typeof remedy === "string" ? remedy : undefined;
  return {
    message: own === undefined ? message : message.slice(0, -own.length).trimEnd(),
    remedy: own,
  };
}

/** How work is run. */
export interface ErrandOptions {
  readonly onPartial?: (findings: Findings) => void;
  /** Whether it is work on a model, whose cost is known first; default true. */
  readonly estimated?: boolean;
  /** Whether a view finds it beside others: what has gone wrong with them is still said; default false. */
  readonly beside?: boolean;
  /** Says beside what was asked what went wrong; default the line at the top of the page. */
  readonly onFault?: ((fault: Fault) => void) | undefined;
}

/** Operations above which work is not begun unasked: about half a minute of one core. */
export const MUCH = 1e12;

/** The one piece of work that goes on for the lab: how far it is, how it ends, and what went wrong. */
export class Errand {
  job: Job | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  readonly #asking: Asking;
  readonly #onFault: (code: unknown) => void;
  #going: Promise<unknown> | undefined;
  #stop: AbortController | undefined;
  /** What has failed, of the fault. */
  #failedAt: string | undefined;

  constructor(asking: Asking, onFault: (code: unknown) => void) {
    this.#asking = asking;
    this.#onFault = onFault;
  }

  /** Whether something goes on: who has waited until nothing did asks again, as another may have been faster. */
  get busy(): boolean {
    return this.#going !== undefined;
  }

  /** Waits until nothing goes on. */
  async idle(): Promise<void> {
    while (this.#going !== undefined) await this.#going;
  }

  /** Ends what goes on. */
  cancel(): void {
    this.#stop?.abort();
  }

  /** Runs work: its cost is known first, and it can be ended. Undefined where it failed or was ended. */
  async run(what: string, work: Work, options: ErrandOptions = {}): Promise<Findings | undefined> {
    const going = this.#run(what, work, options);
    this.#going = going;
    const findings = await going;
    if (this.#going === going) this.#going = undefined;
    return findings;
  }

  /** Tells of a fault, unless somebody has ended what has failed. */
  failed(error: unknown, onFault?: ErrandOptions["onFault"]): void {
    const { name, code } = Object(error);
    if (name === "AbortError") return;
    this.#onFault(code);
    const fault = faultOf(error);
    if (onFault === undefined) this.fault = fault;
    else onFault(fault);
  }

  async #run(
    what: string,
    work: Work,
    { onPartial, estimated = true, beside = false, onFault }: ErrandOptions,
  ): Promise<Findings | undefined> {
    this.#stop?.abort();
    const stop = new AbortController();
    this.#stop = stop;
    const { signal } = stop;
    const told = (job: Job): void => {
      if (this.#stop === stop) this.job = job;
    };
    if (!beside || this.#failedAt === what) this.fault = null;
    try {
      told({ what, estimate: undefined, progress: undefined });
      const estimate = estimated ? await this.#asking.estimate(work, { signal }) : undefined;
      told({ what, estimate, progress: undefined });
      if (estimate !== undefined && estimate.flops > MUCH) {
        await new Promise<void>((resolve, reject) => {
          told({ what, estimate, progress: undefined, begin: resolve });
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
        told({ what, estimate, progress: undefined });
      }
      const onProgress = (progress: Progress): void => told({ what, estimate, progress });
      const heardAs = (came: Findings): Findings => {
        const findings = withAccuracy(came);
        remember(findings, work);
        return findings;
      };
      const hear = (findings: Findings): void => onPartial?.(heardAs(findings));
      const heard = onPartial === undefined ? {} : { onPartial: hear };
      return heardAs(await this.#asking.run(work, { signal, onProgress, ...heard }));
    } catch (error) {
      if (this.#stop === stop) {
        this.failed(error, onFault);
        if (onFault === undefined) this.#failedAt = what;
      }
      return undefined;
    } finally {
      if (this.#stop === stop) {
        this.#stop = undefined;
        this.job = null;
      }
    }
  }
}
