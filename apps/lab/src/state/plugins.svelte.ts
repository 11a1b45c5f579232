import { bytes } from "@resolvent/analysis";
import {
  type AnalysisSummary,
  type Asking,
  errorOf,
  type Failure,
  type Work,
} from "@resolvent/analysis/remote";
import { InputError } from "@resolvent/tensor";
import { type WorkerLike, workerConnection } from "../connection.ts";
import { startPlugin } from "../plugins/start-plugin.ts";
import type { Place } from "../worker/named-files.ts";
import type { Contributed } from "./contributed.ts";
import { type Fault, faultOf } from "./errand.svelte.ts";
import type { Lab } from "./lab.svelte.ts";

/** Bytes of a plug-in at most: bundles of analyses have some hundred thousand. */
const MOST_BYTES = 2 ** 23;

/** How long a plug-in may take until it has said what it is, in milliseconds. */
const LOADING = 10_000;

/** A plug-in that was read, and of which nothing has run. */
export interface Candidate {
  readonly name: string;
  readonly source: string;
  readonly bytes: number;
  /** By which two people see whether they have the same. */
  readonly sha256: string;
}

/** A plug-in that runs. */
export interface Loaded {
  readonly name: string;
  readonly analyses: readonly AnalysisSummary[];
  readonly end: () => void;
}

/** Plug-ins of the page: read, looked at by whoever opens them, and only then loaded. */
export class Plugins {
  candidate: Candidate | null = $state.raw(null);
  loaded: readonly Loaded[] = $state.raw([]);
  fault: Fault | null = $state.raw(null);
  loading: boolean = $state(false);

  readonly #lab: Lab;
  readonly #contributed: Contributed;

  constructor(lab: Lab, contributed: Contributed) {
    this.#lab = lab;
    this.#contributed = contributed;
  }

  /** Reads a file; nothing of it runs. */
  async consider(file: File): Promise<void> {
    await this.#attempt(async () => {
      if (file.size > MOST_BYTES) throw tooLarge(file.name, file.size);
      this.candidate = await candidateOf(file.name, await file.text());
    });
  }

  /** Reads a file of the place that the page is from. */
  async lookUp(typed: string): Promise<void> {
    await this.#attempt(async () => {
      const address = new URL(typed.trim(), document.baseURI);
      if (address.origin !== new URL(document.baseURI).origin) {
        throw new InputError({
          code: "lab/plugin-elsewhere",
          message: `${address.origin} is not where this page is from, and nothing else is asked.`,
          remedy: "Save the plug-in as a file, and drop it here.",
        });
      }
      const name = address.pathname.split("/").at(-1) || address.pathname;
      const response = await fetch(address, { credentials: "omit" });
      if (!response.ok) {
        throw new InputError({
          code: "lab/no-plugin",
          message: `There is no plug-in at ${address.pathname} (status ${response.status}).`,
        });
      }
      const size = Number(response.headers.get("content-length") ?? 0);
      if (size > MOST_BYTES) throw tooLarge(name, size);
      this.candidate = await candidateOf(name, await response.text());
    });
  }

  leave(): void {
    this.candidate = null;
    this.fault = null;
  }

  /** Loads what was read: now it runs. */
  async load(): Promise<void> {
    const { candidate } = this;
    if (candidate === null || this.loading) return;
    this.loading = true;
    await this.#attempt(async () => await this.#load(candidate));
    this.loading = false;
  }

  async #load(candidate: Candidate): Promise<void> {
    const { name } = candidate;
    const host = await (await fetch(new URL("plugins/worker.js", document.baseURI))).text();
    const own = running(host, candidate, this.#contributed);
    try {
      const { analyses } = await inTime(own.asking.describe(), name);
      const there = this.#lab.there.description?.analyses ?? [];
      const taken = analyses.find((one) => there.some((other) => other.name === one.name));
      if (taken !== undefined) {
        throw new InputError({
          code: "lab/plugin-name",
          message: `There is an analysis ${taken.name} already: that of ${name} is called so too.`,
          remedy: "Take the other plug-in away, or rename it.",
        });
      }
      const contributed = { analyses, asking: own.asking };
      this.#contributed.add(contributed);
      const end = (): void => {
        own.end();
        this.#contributed.remove(contributed);
        this.loaded = this.loaded.filter((one) => one.end !== end);
        void this.#lab.describe();
      };
      this.loaded = [...this.loaded, { name, analyses, end }];
      this.candidate = null;
      await this.#lab.describe();
    } catch (error) {
      own.end();
      throw error;
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    this.fault = null;
    try {
      await work();
    } catch (error) {
      this.fault = faultOf(error);
    }
  }
}

interface Running {
  readonly asking: Asking;
  readonly end: () => void;
}

/** A plug-in in its worker, which is handed each model that it is asked about. */
function running(host: string, { name, source }: Candidate, { files }: Contributed): Running {
  const places = new Map<string, Place>();
  let worker: WorkerLike | undefined;
  const connection = workerConnection(() => {
    worker = startPlugin(host, { name, source });
    for (const place of places.values()) worker.postMessage(place);
    return worker;
  });
  const handOver = async ({ model }: Work): Promise<void> => {
    if (places.has(model)) return;
    const place: Place = { place: model, at: await files(model) };
    places.set(model, place);
    worker?.postMessage(place);
  };
  return {
    asking: {
      ...connection,
      estimate: async (work, options) => {
        await handOver(work);
        return await connection.estimate(work, options);
      },
      run: async (work, options) => {
        await handOver(work);
        return await connection.run(work, options);
      },
    },
    end: () => connection.fail(errorOf(ENDED)),
  };
}

const ENDED: Failure = {
  ...({ kind: "cancelled", code: "lab/plugin-ended", remedy: null } as const),
  message: "The plug-in was taken away.",
};

/** What a plug-in says of itself, if it does in time: one may never come to it. */
async function inTime<V>(promise: Promise<V>, name: string): Promise<V> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new InputError({
      code: "lab/plugin-failed",
      message: `The plug-in ${name} has not said within ${LOADING / 1000} s what it is, and was ended.`,
      remedy: "That is a fault of the plug-in: tell its author.",
    });
    timer = setTimeout(() => reject(error), LOADING);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function candidateOf(name: string, source: string): Promise<Candidate> {
  const own = new TextEncoder().encode(source);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", own));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { name, source, bytes: own.length, sha256 };
}

function tooLarge(name: string, size: number): InputError {
  return new InputError({
    code: "lab/plugin-too-large",
    message: `${name} has ${bytes(size)}; a plug-in has at most ${bytes(MOST_BYTES)}.`,
  });
}

const made = new WeakMap<Lab, Plugins>();

/** Those of a lab, made when they are first wanted; undefined where it takes none. */
export function pluginsOf(lab: Lab): Plugins | undefined {
  if (lab.contributed === null) return undefined;
  const own = made.get(lab) ?? new Plugins(lab, lab.contributed);
  made.set(lab, own);
  return own;
}
