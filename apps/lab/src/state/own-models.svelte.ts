import type { ModelDescription } from "@resolvent/analysis/remote";
import { InputError } from "@resolvent/tensor";
import { type Keeper, startKeeper } from "../storage/keeper.ts";
import type { ErrandOptions, ErrandProgress, Fetched, Stored, Waits } from "../storage/messages.ts";
import { leaveDeleted } from "./deleted.ts";
import {
  type ModelFiles,
  modelFiles,
  notRead,
  type PlacedFile,
  placedFiles,
  severalModels,
} from "./dropped.ts";
import { type Fault, faultOf } from "./errand.svelte.ts";
import type { Lab } from "./lab.svelte.ts";
import {
  filesName,
  type HubModel,
  hubModel,
  hubModelName,
  hubModelOf,
  isFilesName,
  shortModelName,
} from "./own-names.ts";

/** The Hub's address, or that of another one where the page says so: its policy has to allow requests to it. */
function hubEndpoint(): string {
  const named = document.querySelector<HTMLMetaElement>('meta[name="hub"]')?.content;
  return new URL(named ?? "https://huggingface.co", document.baseURI).href.replace(/\/$/, "");
}

/** A model whose headers were read, and which is not opened yet. */
export interface Candidate {
  readonly title: string;
  readonly from: { readonly files: ModelFiles } | { readonly hub: HubModel };
  readonly description: ModelDescription;
  /** Bytes of its files. */
  readonly bytes: number;
  /** The name of dropped files, once their hash is known and is not that of the link. */
  readonly other?: string;
}

/** Work on a model that goes on. */
export interface Task {
  readonly what: string;
  readonly progress: ErrandProgress | undefined;
  /** What it waits for at least in part, while it does. */
  readonly waits: Waits | undefined;
}

/** A model that is gone with the page. */
export interface Held {
  readonly name: string;
  readonly bytes: number;
  /** Why it is not stored. */
  readonly why: string;
}

/** What the Hub says of a model that is not there, or that it shows to nobody whom it does not know: the page is nobody. */
const HIDDEN: readonly unknown[] = [
  "transformer/no-config",
  "weights/hub-denied",
  "weights/hub-not-found",
];

/** That the Hub has no such model, where a fault in reading it is that: it answers the same about what is secret. */
function notOnHub({ repo, revision }: HubModel, error: unknown): InputError | undefined {
  const { code, message } = Object(error);
  const secret = code === "weights/http-status" && / got 40[13]\./.test(String(message));
  if (!HIDDEN.includes(code) && !secret) return undefined;
  return new InputError({
    code: "lab/not-on-hub",
    message: `The Hub shows no model at ${repo}@${revision}.`,
    remedy:
      "Look at its name. Fetch what is private or gated by the command or a browser, and drop its files.",
    details: { repo, revision },
  });
}

/** One's own models: those that were dropped, and those of the Hub that are stored. */
export class OwnModels {
  candidate: Candidate | null = $state.raw(null);
  stored: Stored | null = $state.raw(null);
  task: Task | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  /** Names of dropped models that were opened. */
  dropped: readonly string[] = $state.raw([]);
  /** Models of the Hub that are in memory, since the browser's storage has no room for them. */
  held: readonly Held[] = $state.raw([]);
  /** What the browser has answered when it was asked to keep what is stored; null before. */
  granted: boolean | null = $state(null);

  readonly #lab: Lab;
  readonly #keeper: Keeper = startKeeper();
  #stop: AbortController | undefined;
  #places = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Names of models that can be opened: dropped, then stored. */
  get names(): readonly string[] {
    const stored = (this.stored?.repos ?? []).flatMap(({ repo, commits }) =>
      commits
        .filter(({ whole }) => whole)
        .map(({ commit }) => hubModelName({ repo, revision: commit })),
    );
    return [...this.dropped, ...this.held.map(({ name }) => name), ...stored];
  }

  /** Reads the headers of what was dropped. */
  async takeEntries(entries: readonly (FileSystemEntry | File)[]): Promise<void> {
    await this.#task(
      "reading its files",
      async ({ signal }) => await this.#takeFiles(await placedFiles(entries), signal),
    );
  }

  /** Reads the headers of files that were picked. */
  async takePicked(picked: readonly PlacedFile[]): Promise<void> {
    await this.#task(
      "reading its files",
      async ({ signal }) => await this.#takeFiles(picked, signal),
    );
  }

  /** Reads the headers of a model on the Hub: the first request to it. */
  async lookUp(typed: string): Promise<void> {
    const hub = hubModelOf(typed);
    if (!/^[\w-][\w.-]*(?:\/[\w-][\w.-]*)?$/.test(hub.repo)) {
      this.fault = {
        message: `“${hub.repo}” is not the name of a model on the Hub.`,
        remedy: "Names are like openai-community/gpt2, or openai-community/gpt2@main.",
      };
      return;
    }
    await this.#task(`reading the headers of ${hub.repo}`, async ({ signal }) => {
      const path = [...hub.repo.split("/"), "resolve", hub.revision].map(encodeURIComponent);
      const address = `${hubEndpoint()}/${path.join("/")}/`;
      const description = await this.#describe(address).catch((error: unknown) => {
        throw notOnHub(hub, error) ?? error;
      });
      const bytes = await this.#keeper.size(address, { signal });
      signal.throwIfAborted();
      this.candidate = { title: `${hub.repo}@${hub.revision}`, from: { hub }, description, bytes };
    });
  }

  /** Opens the candidate: its files are hashed, or fetched and stored, first. */
  async open(): Promise<void> {
    const { candidate } = this;
    if (candidate === null) return;
    const { from, other } = candidate;
    if (other !== undefined && "files" in from) await this.#use(other, from.files);
    else if ("files" in from) await this.#openFiles(candidate, from.files);
    else await this.#fetch(from.hub);
  }

  /** Leaves the candidate. */
  leave(): void {
    this.cancel();
    this.candidate = null;
    this.fault = null;
  }

  /** What is stored now. */
  async list(): Promise<void> {
    try {
      this.stored = await this.#keeper.stored();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Asks the browser to keep what is stored, also where the disk is full. */
  async persist(): Promise<void> {
    this.granted = await navigator.storage.persist().catch(() => false);
    await this.list();
  }

  /** Deletes all that is stored of a repository; where a model of it is on the screen, the page goes to the bundled one. */
  async remove(repo: string): Promise<void> {
    await this.#task(`deleting ${repo}`, async () => {
      const names = (this.stored?.repos ?? []).flatMap((own) =>
        own.repo !== repo
          ? []
          : own.commits.map(({ commit }) => hubModelName({ repo, revision: commit })),
      );
      await this.#keeper.remove(repo);
      const held = new Set(this.held.map(({ name }) => name));
      for (const name of names) if (!held.has(name)) this.#lab.tell?.({ place: name, at: null });
      await this.list();
      await leaveDeleted(this.#lab, (model) => hubModel(model)?.repo === repo && !held.has(model));
    });
  }

  /** Fetches what is left of a download that has not ended. */
  async resume(repo: string, revision: string): Promise<void> {
    await this.#fetch({ repo, revision });
  }

  cancel(): void {
    this.#stop?.abort();
  }

  async #takeFiles(placed: readonly PlacedFile[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted(); // others were dropped while these were listed
    const files = modelFiles(placed);
    const fault = severalModels(placed) ?? notRead(files);
    if (fault !== undefined) throw fault;
    const description = await this.#describe(files.files);
    signal.throwIfAborted();
    this.candidate = { title: files.name, from: { files }, description, bytes: files.bytes };
  }

  async #describe(at: ModelFiles["files"] | string): Promise<ModelDescription> {
    this.candidate = null;
    const place = `own:${this.#places++}`;
    this.#lab.tell?.({ place, at });
    return await this.#lab.there.model(place);
  }

  async #openFiles(candidate: Candidate, files: ModelFiles): Promise<void> {
    await this.#task("computing its hash", async (heard) => {
      const name = filesName(await this.#keeper.hash(files.files, heard));
      const asked = this.#lab.place.question.model;
      const known = this.dropped.includes(asked);
      if (isFilesName(asked) && asked !== name && !known) {
        this.candidate = { ...candidate, other: name };
        this.fault = {
          message: `The weights of these files have the hash ${name.slice(4, 16)}…; the link is about those of ${asked.slice(4, 16)}….`,
          remedy: "Drop the files that it is about, or open these instead.",
        };
        return;
      }
      await this.#use(name, files);
    });
  }

  async #use(name: string, { files }: ModelFiles): Promise<void> {
    this.#lab.tell?.({ place: name, at: files });
    this.dropped = [...new Set([...this.dropped, name])];
    this.#opened(name);
  }

  async #fetch(hub: HubModel): Promise<void> {
    await this.#task(`fetching ${hub.repo}`, async (heard) => {
      try {
        const { commit, inMemory } = await this.#keeper
          .fetch(hub, hubEndpoint(), heard)
          .catch((error: unknown) => {
            throw notOnHub(hub, error) ?? error;
          });
        heard.signal.throwIfAborted(); // it came as somebody went on to something else
        const name = hubModelName({ repo: hub.repo, revision: commit });
        if (inMemory === undefined) this.#lab.tell?.({ place: name, at: null });
        else this.#hold(name, inMemory);
        this.#opened(name);
      } finally {
        await this.list();
      }
    });
  }

  #hold(name: string, { files, why }: NonNullable<Fetched["inMemory"]>): void {
    this.#lab.tell?.({ place: name, at: files });
    const bytes = files.reduce((sum, [, { size }]) => sum + size, 0);
    this.held = [...this.held.filter((one) => one.name !== name), { name, bytes, why }];
    this.#lab.note = `${shortModelName(name)} is in this page's memory and not stored: it is gone when the page is closed. ${why}`;
  }

  /** Opens it; where its panel was closed meanwhile, somebody looks at something else, and is told. */
  #opened(name: string): void {
    this.candidate = null;
    this.fault = null;
    if (!this.#lab.models) {
      const here = `${shortModelName(name)} is here: it is among the models above.`;
      this.#lab.note = [this.#lab.note, here].filter((one) => one !== null).join(" ");
      return;
    }
    this.#lab.models = false;
    void this.#lab.use(name);
  }

  async #task(
    what: string,
    work: (heard: Required<ErrandOptions>) => Promise<void>,
  ): Promise<void> {
    this.#stop?.abort();
    const stop = new AbortController();
    this.#stop = stop;
    this.fault = null;
    const told = (more: Partial<Task>): void => {
      if (this.#stop === stop)
        this.task = { what, progress: this.task?.progress, waits: this.task?.waits, ...more };
    };
    told({ progress: undefined, waits: undefined });
    const onProgress = (progress: ErrandProgress): void => told({ progress });
    const onWait = (waits: Waits): void => {
      told({ waits });
      // Other parts may go on meanwhile, and wait for longer.
      setTimeout(() => this.task?.waits === waits && told({ waits: undefined }), waits.ms);
    };
    try {
      await work({ signal: stop.signal, onProgress, onWait });
    } catch (error) {
      if (this.#stop === stop) this.#failed(error);
    } finally {
      if (this.#stop === stop) {
        this.#stop = undefined;
        this.task = null;
      }
    }
  }

  #failed(error: unknown): void {
    if (Object(error).name !== "AbortError") this.fault = faultOf(error);
  }
}

const made = new WeakMap<Lab, OwnModels>();

/** The one of a lab, made when it is first wanted. */
export function ownModels(lab: Lab): OwnModels {
  const own = made.get(lab) ?? new OwnModels(lab);
  made.set(lab, own);
  lab.there.own = own;
  return own;
}
