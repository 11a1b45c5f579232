import type { Certificate, Gate, Table } from "@resolvent/analysis";
import type { Asking, Findings, Work } from "@resolvent/analysis/remote";
import type { PathExpansion } from "@resolvent/paths";
import { untrack } from "svelte";
import type { Place as OwnPlace } from "../worker/named-files.ts";
import { withAccuracy } from "./accuracy.ts";
import { Beside, type FindOptions } from "./beside.svelte.ts";
import type { Contributed } from "./contributed.ts";
import type { Engines } from "./engines.svelte.ts";
import { Errand } from "./errand.svelte.ts";
import { ALL_GATES, NOTHING, type Picked, type Place, placeOf, START } from "./fragment.ts";
import { KeptFindings } from "./kept-findings.ts";
import { compactName, lastMove, pathNames, shownTables } from "./path-facts.ts";
import {
  type Computing,
  checkedAtFirst,
  computingOf,
  FIRST,
  FIRST_VERIFIED,
  pathsWork,
  type Question,
  type Reading,
  type Score,
} from "./question.ts";
import { hasSentence, isTab } from "./tabs.ts";
import { There } from "./there.svelte.ts";
import { Where } from "./where.svelte.ts";
import { listed } from "./words.ts";
import { remember } from "./works.ts";

/** The fault that ends once a model is given or fetched. */
const NOT_HERE = "lab/model-not-here";

/** Something that was done, and how it is undone. */
export interface Done {
  /** In a sentence. */
  readonly says: string;
  readonly undo: () => void;
  /** Where to see what came of it. */
  readonly see?: { readonly words: string; readonly go: () => void };
}

/** Characters of a path that is none, where it is told: a link may say anything. */
const NAMED = 100;

/** Pieces of the first screen: the sentence and its four panels. */
export const PIECES = 5;

/** What a lab may be given beside whoever answers it. */
export interface LabOptions {
  /** Tells whoever runs analyses where a model of the user's own is; absent where it has files of its own. */
  readonly tell?: (place: OwnPlace) => void;
  /** Tells it what somebody is likely to ask first; absent where nobody finds that before. */
  readonly ahead?: (work: Work) => void;
}

/**
 * The lab: what is asked, what was found, what is being looked at. All views read it, and change it by its methods, so
 * that a selection is one thing in all of them.
 */
export class Lab {
  /** Of the question in `answered`. */
  findings: Findings;
  answered: Question = $state.raw(FIRST);
  /** What it was read as. */
  read: Reading = $state.raw(START);
  /** The path that is pointed at; null for none. */
  pointed: string | null = $state(null);
  /** The token that is pointed at. */
  pointedToken: number | null = $state(null);
  /** What is to be said and is no fault: parts of a link that were ignored. */
  note: string | null = $state(null);
  /** What was done last and is no step of the address: it can be undone. */
  done: Done | null = $state.raw(null);
  /** Whether the text is being edited. */
  editing: boolean = $state(false);
  /** Which of the two tokens is being chosen. */
  choosing: "answer" | "foil" | null = $state(null);
  /** Whether the list of paths has all its columns. */
  whole: boolean = $state(false);
  /** A text that was typed and left, where it is wanted again. */
  draft: string | null = null;
  /** Whether the panel of one's own models is open. */
  models: boolean = $state(false);
  /** What somebody has dropped on the page, until the panel takes it. */
  dropped: readonly (FileSystemEntry | File)[] | null = $state.raw(null);
  /** Pieces of the first screen that are there, in their order: while it is made, they come one after the other. */
  pieces: number = $state(PIECES);
  /** Whether its scripts run: before, the page is a picture. */
  live: boolean = $state(false);
  /** What computes, where it can be chosen. */
  engines: Engines | null = null;
  /** Analyses of plug-ins, where the page takes some. */
  contributed: Contributed | null = null;

  /** The names of the paths that were found. */
  readonly names: readonly string[];
  /** The tables with what is shown of them: up to a degree, of a token. */
  readonly tables: readonly Table[];
  /** The names of the paths that are listed. */
  readonly listed: readonly string[];
  /** Absent where models are not the page's to give. */
  readonly tell: LabOptions["tell"];
  /** What is being looked at. */
  readonly where: Where = new Where();
  /** What there is to ask. */
  readonly there: There;
  /** What goes on, and what went wrong. */
  readonly errand: Errand;
  /** What is found beside the paths. */
  readonly beside: Beside;
  readonly #places: ReadonlyMap<string, number>;
  readonly #kept = new KeptFindings();
  readonly #ahead: LabOptions["ahead"];
  /** What has given the findings. */
  #answeredWork: Work;
  /** What the tab, or the panel of an analysis, shows. */
  #found: Findings | undefined = $state.raw();

  constructor(opened: Findings, asking: Asking, { tell, ahead }: LabOptions = {}) {
    const first = withAccuracy(opened);
    this.findings = $state.raw(first);
    this.names = $derived(pathNames(this.findings));
    this.#places = $derived(new Map(this.names.map((name, i) => [name, i])));
    this.tables = $derived(
      shownTables(this.findings, { degree: this.place.degree, token: this.place.token }),
    );
    this.listed = $derived(pathNames({ tables: this.tables }));
    remember(first, pathsWork(FIRST, { verify: FIRST_VERIFIED }));
    this.there = new There(asking, () => this.place);
    this.#answeredWork = $state.raw(this.#pathsWork());
    this.#kept.keep(this.#answeredWork, first);
    this.tell = tell;
    this.#ahead = ahead;
    this.beside = new Beside(this);
    this.errand = new Errand(asking, (code) => {
      // A link of a model that its reader has to give, or to fetch.
      if (tell !== undefined && code === NOT_HERE) this.models = true;
    });
  }

  /** What the address says. */
  get place(): Place {
    return this.where.place;
  }

  /** The result of `findings`: of `paths`, whatever else is on the screen. */
  get paths(): PathExpansion {
    return this.findings.result as PathExpansion; // `pathsWork` asks for nothing else
  }

  /** The ids of the answer and its foil, also where the paths are of a head's score; none for the likeliest. */
  get target(): readonly number[] {
    const { a, b } = this.paths.target;
    if (a === null) return this.answered.target ?? [];
    return b === null ? [a.id] : [a.id, b.id];
  }

  /** Whether what is on the screen adds up; null where it claims no sum, or is not there yet. */
  get certificate(): Certificate | null {
    if (this.place.analysis === START.analysis) return this.paths.certificate;
    if (isTab(this.place.analysis)) return null;
    const { certificate } = Object(this.#found?.result);
    return certificate?.verdict === undefined ? null : (certificate as Certificate); // of the one vocabulary
  }

  /** Whether the paths that were found are those that the address asks for. */
  get isAnswered(): boolean {
    return JSON.stringify(this.#pathsWork()) === JSON.stringify(this.#answeredWork);
  }

  /** Whether the screen has what was found before, and not what the address asks. */
  get isOld(): boolean {
    return this.live && !this.isAnswered && hasSentence(this.place.analysis);
  }

  /** What the screen, the tab or the panel has found; undefined where it has nothing yet. */
  get shown(): Findings | undefined {
    return this.place.analysis === START.analysis ? this.findings : this.#found;
  }

  /** The path that one is being told about: the one selected, else the largest. */
  get path(): string | null {
    const { path } = this.place;
    return path !== null && this.#places.has(path)
      ? path
      : (this.listed[0] ?? this.names[0] ?? null);
  }

  /** Where a path stands among all that were found; −1 where it is none of them. */
  placeOf(path: string | null): number {
    return this.#places.get(path ?? "") ?? -1;
  }

  /** Follows the address of a window, and goes with it from now on; `looked`: where somebody looks up already what there is. */
  follow(window: Window, looked?: Promise<void>): void {
    this.live = true;
    const failed = (error: unknown): void => this.errand.failed(error);
    this.where.follow(window, (fragment) => this.#read(fragment), failed);
    void this.describe(looked);
  }

  /** The panel that is seen alone, by its name; null for all. */
  get alone(): string | null {
    return this.where.embedded ?? this.place.panel;
  }

  /** Gives a panel the whole screen; null puts it back among the others. */
  fill(panel: string | null): void {
    this.#go({ ...this.place, panel }, `panel ${panel}`);
  }

  select(path: string | null): void {
    this.#go({ ...this.place, path, why: false }, "path");
  }

  /** Shows why the last head of the path that one is told about looks where it looks. */
  askWhy(): void {
    if (lastMove(this.paths, this.placeOf(this.path)) === undefined) return;
    this.#go({ ...this.place, path: this.path, why: true }, "why");
    void this.beside.findWhy();
  }

  showDegree(degree: number | null): void {
    this.#go({ ...this.place, degree }, "degree");
    void this.beside.predict();
  }

  /** Shows only what touches a token, in all views, or all. */
  showToken(token: number | null): void {
    const picked = { ...this.place.picked, edge: null };
    this.#go({ ...this.place, picked, token: token === this.place.token ? null : token }, "token");
  }

  /** Lists so many paths. */
  async list(top: number): Promise<void> {
    this.#go({ ...this.place, top }, "top");
    await this.#answer();
  }

  /** Computes in another precision, or by another engine. */
  async compute(computing: Computing): Promise<void> {
    this.#go({ ...this.place, ...computing }, "computing");
    await this.#answerSentence();
  }

  /** Takes the score of a head apart in place of the answer, or the answer again. */
  async reroot(score: Score | null): Promise<void> {
    const letGo = { path: null, why: false, degree: null, token: null, frozen: null, checks: [] };
    this.#go({ ...this.place, ...letGo, score }, null);
    await this.#answer();
  }

  /** Goes so many paths down the list. */
  step(by: number): void {
    const at = this.listed.indexOf(this.path ?? "");
    const next = this.listed[Math.min(Math.max(at + by, 0), this.listed.length - 1)];
    if (next !== undefined) this.select(next);
  }

  /** Opens the choice of a token, or closes it. */
  choose(which: "answer" | "foil" | null): void {
    this.choosing = which;
    if (which !== null && this.beside.candidates === null) void this.beside.findCandidates();
  }

  /** Holds a gate in the tree beside the bars, or lets it go. */
  toggleGate(gate: Gate): void {
    const held = this.place.frozen ?? ALL_GATES;
    const next = held.includes(gate) ? held.filter((own) => own !== gate) : [...held, gate];
    this.#hold(ALL_GATES.filter((own) => next.includes(own)));
  }

  /** Holds all gates in the tree, or none. */
  toggleGates(): void {
    this.#hold(this.place.frozen === null ? [] : ALL_GATES);
  }

  /** Shows an analysis; `paths` is the screen. */
  open(analysis: string): void {
    if (analysis !== this.place.analysis) this.visit(analysis);
  }

  /** Goes to a tab, or to the screen, with something selected. */
  visit(analysis: string, picked: Partial<Picked> = {}, token = this.place.token): void {
    const stays = analysis === this.place.analysis;
    const own = stays ? {} : { analysis, values: {}, dictionaries: null, panel: null };
    const place = { ...this.place, ...own, token, picked: { ...this.place.picked, ...picked } };
    this.#go(place, stays ? "pick" : "analysis");
    if (!stays) void this.#catchUp();
  }

  /** Changes what is selected in all views. */
  pick(picked: Partial<Picked>): void {
    this.#go({ ...this.place, picked: { ...this.place.picked, ...picked } }, "pick");
  }

  /** Changes what a tab asks. */
  set(values: Readonly<Record<string, unknown>>): void {
    this.#go({ ...this.place, values: { ...this.place.values, ...values } }, "values");
  }

  /** Says what a view shows, where that is not what it last found. */
  show(findings: Findings | undefined): void {
    this.#found = findings;
  }

  /**
   * Finds something for a view once nothing else goes on; what was found before is kept. Undefined where it failed or
   * was ended. Effects that ask for it do not run again for what else the place says.
   */
  async find(what: string, given: Work, options: FindOptions = {}): Promise<Findings | undefined> {
    const work = { ...given, ...untrack(() => computingOf(this.place)) };
    const findings = await this.look(what, work, options);
    if (findings !== undefined && options.kept !== false) this.#found = findings;
    return findings;
  }

  /** The same, of whatever precision, and no view shows it. */
  async look(
    what: string,
    work: Work,
    {
      wanted = () => true,
      estimated = true,
      kept = true,
      anew = false,
      onPartial,
      onFault,
    }: FindOptions = {},
  ): Promise<Findings | undefined> {
    const known = (): Findings | undefined => (kept && !anew ? this.#kept.of(work) : undefined);
    // What is waited for may be the same.
    while (known() === undefined && this.errand.busy) await this.errand.idle();
    if (!wanted()) return undefined;
    onFault?.(null);
    const findings =
      known() ??
      (await untrack(() =>
        this.errand.run(what, work, {
          ...{ estimated, beside: true, onFault },
          ...(onPartial && { onPartial }),
        }),
      ));
    if (findings !== undefined && kept) this.#kept.keep(work, findings);
    return findings;
  }

  /** Asks something else; what is selected is let go. */
  async ask(question: Question): Promise<void> {
    const letGo = {
      ...{ checked: null, checks: [] },
      path: null,
      why: false,
      degree: null,
      token: null,
      score: null,
      picked: NOTHING,
    } as const;
    this.#go({ ...this.place, ...letGo, question }, null);
    this.choosing = null;
    this.beside.candidates = null;
    await this.#answerSentence();
  }

  /** Answers what the address asks, where that was ended or has failed. */
  async again(): Promise<void> {
    if (!this.isAnswered) await this.#answerSentence();
  }

  /** Asks what is asked of another model; of that of the address, which is here now, all that the address says. */
  async use(model: string): Promise<void> {
    if (model === this.place.question.model) await this.#answerSentence();
    else await this.ask({ ...this.place.question, model, target: null });
  }

  /** Checks a path by intervention. */
  async takeAway(path: string): Promise<void> {
    if (!this.#places.has(path)) return;
    if (this.place.path !== path) this.select(path);
    await this.#check([path]);
  }

  /** Checks all paths that are shown. */
  async checkAll(): Promise<void> {
    await this.#check(this.listed);
  }

  async #check(paths: readonly string[]): Promise<void> {
    const { shown } = this.paths;
    const open = paths.flatMap((path) => {
      const found = shown[this.placeOf(path)];
      return found === undefined || found.verified !== null ? [] : [compactName(found)];
    });
    if (open.length > 0) await this.#answer(open);
  }

  /** Asks what is on the screen with other values, and on dictionaries where some are named. */
  give(values: Readonly<Record<string, unknown>>, dictionaries: readonly string[] | null): void {
    this.#go({ ...this.place, values, dictionaries }, null);
  }

  #hold(frozen: readonly Gate[]): void {
    const all = frozen.length === ALL_GATES.length;
    this.#go({ ...this.place, frozen: all ? null : frozen }, "gates");
    void this.beside.growTree();
  }

  /** The work that gives what is asked for the screen. */
  #pathsWork(check: readonly string[] = this.place.checks): Work {
    const { question, score, precision, engine, top, checked } = this.place;
    const verify = checked ?? checkedAtFirst(question);
    return pathsWork(question, { verify, check, score, precision, engine, top });
  }

  /** One step back: what goes on is ended first. */
  leave(): void {
    if (this.errand.job !== null) this.errand.cancel();
    else this.where.back();
  }

  /** Undoes what was done last, or goes one step back. */
  undo(): void {
    const { done } = this;
    this.done = null;
    if (done === null) this.where.back();
    else done.undo();
  }

  /** Looks up what there is: analyses, models, and what computes. */
  async describe(looked: Promise<void> = this.there.look()): Promise<void> {
    try {
      await looked;
      // The page came with what it shows: whoever computes has found nothing of it yet.
      const opened = this.answered === FIRST && this.place.analysis === START.analysis;
      if (opened && this.isAnswered) this.#ahead?.(this.#answeredWork);
    } catch (error) {
      this.errand.failed(error);
    }
  }

  /** What the address says is done. */
  async #read(fragment: string): Promise<void> {
    const read = placeOf(fragment);
    if ("message" in read) {
      this.errand.fault = { message: read.message, remedy: undefined };
      return;
    }
    const { ignored } = read;
    this.errand.fault = null; // of what was asked before
    this.note =
      ignored.length === 0
        ? null
        : `Not understood in this link, and left out: ${listed(ignored)}.`;
    const place = this.where.in(read.place);
    this.#leaveFor(place);
    this.where.place = place;
    if (place !== read.place) this.where.mend(place);
    if (!this.isAnswered) await this.#answerSentence();
    else {
      if (JSON.stringify(place.frozen) !== JSON.stringify(this.beside.tree?.frozen ?? null))
        await this.beside.growTree();
      await this.beside.predict();
      await this.beside.findWhy();
    }
    this.#fit();
  }

  /** Leaves out what a link says of a sentence that has less of it. */
  #fit(): void {
    if (!this.isAnswered) return;
    const { place } = this;
    const { byDegree, input } = this.paths;
    const { degree, token, path } = place;
    const odd = {
      degree: (degree ?? 0) > (byDegree.at(-1)?.degree ?? 0),
      token: (token ?? 0) >= input.tokens.length,
      path: path !== null && this.placeOf(path) < 0,
    };
    const said = [
      ...(odd.degree ? [`degree ${degree}`] : []),
      ...(odd.token ? [`token ${token}`] : []),
      ...(odd.path ? [`path “${path?.slice(0, NAMED)}” among those listed`] : []),
    ];
    if (said.length === 0) return;
    this.leaveOut(said.join(", and no "), {
      degree: odd.degree ? null : degree,
      token: odd.token ? null : token,
      ...(odd.path && { path: null, why: false }),
    });
  }

  /** Takes out of the address what is not there, and says so. */
  leaveOut(said: string, rest: Partial<Place>): void {
    this.where.mend({ ...this.place, ...rest });
    this.note = `There is no ${said} here: that is left out.`;
  }

  /** Answers what the address asks where its sentence is seen; the panel of an analysis does not wait for all paths. */
  async #answerSentence(): Promise<void> {
    if (hasSentence(this.place.analysis)) await this.#answer();
  }

  /** Answers what was asked where no sentence was seen, once it is and nothing else goes on. */
  async #catchUp(): Promise<void> {
    while (this.errand.busy) await this.errand.idle();
    if (!this.isAnswered) await this.#answerSentence();
  }

  /** Answers what the address asks, unless that is on the screen; with more paths checked where some are named. */
  async #answer(more: readonly string[] = []): Promise<void> {
    const { question, score, precision, engine, top, checks: before } = this.place;
    const checks = [...before, ...more];
    const work = this.#pathsWork(checks);
    const what = more.length === 0 ? "all paths" : "taking paths away";
    const findings = this.#kept.of(work) ?? (await this.errand.run(what, work));
    if (findings === undefined) return;
    this.#kept.keep(work, findings);
    this.findings = findings;
    this.#answeredWork = work;
    if (more.length > 0) {
      this.where.mend({ ...this.place, checks });
      return;
    }
    // Another one each time: views find what they show of it anew, as it is computed now.
    this.answered = { ...question };
    this.read = { score, precision, engine, top };
    this.beside.clear();
    await this.beside.growTree();
    await this.beside.predict();
    await this.beside.findWhy();
  }

  /** Another view has found nothing yet. */
  #leaveFor({ analysis }: Place): void {
    if (analysis !== this.place.analysis) this.#found = undefined;
  }

  /** Goes to a place, which the address then has; Back undoes it, unless it goes on with the last step of its kind. */
  #go(place: Place, kind: string | null): void {
    this.#leaveFor(place);
    this.errand.fault = null; // of what was asked before
    this.where.go(place, kind);
  }
}
