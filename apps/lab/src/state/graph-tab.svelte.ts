import type { Table } from "@resolvent/analysis";
import type { Findings } from "@resolvent/analysis/remote";
import type { GraphResult } from "@resolvent/dictionary/presentations";
import { type Graphs, graphsOf } from "../graph/graphs.ts";
import type { Shares, ShownEdge, ShownGraph, ShownNode } from "../graph/kept-graph.ts";
import { type Fault, faultOf } from "./errand.svelte.ts";
import {
  EDGE_SHARE,
  featureWork,
  graphWork,
  isEdge,
  MOST_BYTES,
  VERIFIED,
} from "./feature-facts.ts";
import type { Lab } from "./lab.svelte.ts";
import { seenFindings } from "./seen-graph.ts";
import { turn } from "./turn.ts";
import { rememberWhole } from "./works.ts";

/** The share of the influence that nodes have until somebody moves the slider, as the analysis has it. */
const SHARE = 0.8;

/** The graph of the tab: made of the sentence once, or read from a file once, and pruned as often as one likes. */
export class GraphTab {
  shown: ShownGraph | null = $state.raw(null);
  /** The one whose picture is seen: it comes a turn after what is said of it, since each takes a while. */
  drawn: ShownGraph | null = $state.raw(null);
  node: ShownNode | null = $state.raw(null);
  edge: ShownEdge | null = $state.raw(null);
  /** The page of the feature that is selected. */
  page: Findings | null = $state.raw(null);
  /** What is seen as an analysis gives it where it is asked for that; null of a file. */
  seen: Findings | null = $state.raw(null);
  /** The file that the graph is of; null of the sentence's. */
  file: string | null = $state(null);
  /** Texts in which features are looked up: the sentence, until somebody changes it. */
  text: string = $state("");
  share: number = $state(SHARE);
  /** What went wrong with the graph that was asked for. */
  fault: Fault | null = $state.raw(null);
  /** Whether the worker of graphs is at work. */
  busy: boolean = $state(false);
  readonly #lab: Lab;
  /** What the whole graph was found as; null of a file. */
  #found: Findings | null = null;
  #graphs: Graphs | undefined;
  /** Counts what was asked to be shown: the last is. */
  #asked = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** The share that the address says; undefined where it asks for no graph. */
  get asked(): number | undefined {
    const { share } = this.#lab.place.values;
    return typeof share === "number" && share >= 0.05 && share <= 1 ? share : undefined;
  }

  get dictionaries(): readonly { readonly name: string; readonly model: string | null }[] {
    return this.#lab.there.dictionariesOf(this.#lab.answered.model);
  }

  /** Lets the graph go: another question has another. */
  clear(): void {
    this.text = this.#lab.paths.input.tokens.map((one) => one.text).join("");
    this.#letGo();
  }

  /** Lets the graph of a file go, for that of the sentence. */
  leaveFile(): void {
    if (this.file !== null) this.#letGo();
  }

  #letGo(): void {
    this.shown = null;
    this.drawn = null;
    this.node = null;
    this.edge = null;
    this.page = null;
    this.seen = null;
    this.#found = null;
    this.file = null;
    this.fault = null;
  }

  close(): void {
    this.#graphs?.close();
    this.#graphs = undefined;
  }

  /** Makes the graph of the sentence; `verify`: how many of its largest edges are checked. */
  async make({ verify = VERIFIED }: { readonly verify?: number } = {}): Promise<void> {
    const { answered, target } = this.#lab;
    const [set] = this.dictionaries;
    // A dictionary that is not known to be the model's is not taken unasked: it is named.
    const named = set?.model === null ? { dictionary: set.name } : {};
    const work = graphWork(answered, { target, verify, ...named });
    const found = await this.#lab.find("the graph", work, {
      onFault: (fault) => {
        this.fault = fault;
      },
    });
    if (found === undefined || answered !== this.#lab.answered || this.asked === undefined) return;
    this.file = null;
    this.#found = found;
    const result = found.result as GraphResult; // of the analysis `graph`
    await this.#heard(async (graphs) => {
      await graphs.ask({ ask: "take", result });
    });
  }

  /** Opens a file of circuit-tracer or Neuronpedia: JSON or `.pt`. */
  async open(file: File): Promise<void> {
    if (file.size > MOST_BYTES) {
      this.fault = {
        message: `${file.name} has ${file.size.toLocaleString("en")} bytes; a graph here has at most ${MOST_BYTES.toLocaleString("en")}.`,
        remedy: "Prune it first, or use the command line.",
      };
      return;
    }
    await this.#heard(async (graphs) => {
      const bytes = await file.arrayBuffer();
      await graphs.ask({ ask: "open", name: file.name, bytes }, [bytes]);
      this.file = file.name;
      this.#found = null;
    });
  }

  /** Prunes what is there; where it goes on to be moved, the last share is shown. */
  async prune(share: number): Promise<void> {
    this.share = share;
    if (this.shown !== null) await this.#heard(async () => {});
  }

  /** Shows as much as the address says, where Back has changed that; a graph that it asks for no longer is let go. */
  async follow(): Promise<void> {
    const { asked } = this;
    if (asked === undefined && this.file === null) this.#letGo();
    const share = asked ?? SHARE;
    if (share !== this.share) await this.prune(share);
  }

  /** Selects a node or an edge in all views, or nothing; the same again looks it up again. */
  async choose(picked: string | null): Promise<void> {
    const again = picked === this.#lab.place.picked.node;
    this.#lab.pick({ node: picked });
    if (again) await this.look();
  }

  /** Looks up what the address says is selected, with the page of a feature. */
  async look(): Promise<void> {
    try {
      await this.#look();
      const { node } = this;
      if (node !== null && this.page === null && this.file === null) await this.#openPage(node);
    } catch (error) {
      this.#lab.errand.failed(error);
    }
  }

  /** The file of the graph, as it is pruned. */
  async save(): Promise<void> {
    if (this.#graphs === undefined || this.shown === null) return;
    const text = await this.#graphs.ask({ ask: "text" });
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = `${(this.file ?? this.#lab.answered.model).replace(/\.(?:json|pt)$/, "").replace(/[^\w.-]+/g, "-")}-graph.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  /** Asks the worker of graphs, and shows what there is then. */
  async #heard(first: (graphs: Graphs) => Promise<void>): Promise<void> {
    this.#graphs ??= graphsOf(
      new Worker(new URL("../graph/graph-worker.ts", import.meta.url), { type: "module" }),
    );
    const asked = ++this.#asked;
    this.busy = true;
    try {
      await first(this.#graphs);
      if (asked !== this.#asked) return; // somebody has moved on
      const shares = { nodes: this.share, edges: this.share >= 1 ? 1 : EDGE_SHARE };
      const shown = await this.#graphs.ask({ ask: "show", shares });
      const drawn = shown.tables.find(({ kind }) => kind === "graph-edge");
      if (drawn !== undefined && drawn.rows.length < shown.edges)
        rememberWhole(drawn, async () => await this.#allEdges(drawn, shares));
      const seen = this.#found && (await seenFindings(this.#lab, this.#found, { shown, shares }));
      if (asked !== this.#asked) return;
      this.shown = shown;
      this.seen = seen;
      this.fault = null;
      await turn();
      if (asked !== this.#asked) return;
      this.drawn = shown;
    } catch (error) {
      if (asked === this.#asked) this.fault = faultOf(error);
    } finally {
      if (asked === this.#asked) this.busy = false;
    }
    void this.look(); // the page of a feature is work of its own
  }

  /** All edges of the graph that is shown, for a file of them. */
  async #allEdges(drawn: Table, shares: Shares): Promise<Table> {
    const all =
      this.shown?.tables.includes(drawn) === true
        ? await this.#graphs?.ask({ ask: "edges", shares })
        : undefined;
    if (all === undefined || all === null)
      throw new Error("This graph is no longer the one that is shown: nothing is saved.");
    return all;
  }

  /** Looks up what is selected; what is copied is what is looked at. */
  async #look(): Promise<void> {
    await this.#lookUp();
    this.#lab.show(this.page ?? this.seen ?? undefined);
  }

  async #lookUp(): Promise<void> {
    const { node: picked } = this.#lab.place.picked;
    if (this.#graphs === undefined || this.shown === null || picked === null) {
      this.node = null;
      this.edge = null;
      return;
    }
    const edge = isEdge(picked) ? await this.#graphs.ask({ ask: "edge", key: picked }) : null;
    const name = edge?.to ?? picked;
    const node = await this.#graphs.ask({ ask: "node", name });
    if (this.#lab.place.picked.node !== picked) return;
    if (node?.name !== this.node?.name) this.page = null;
    this.edge = edge;
    this.node = node;
  }

  /** The page of a feature, in the texts. */
  async #openPage({ name, kind, layer, feature }: ShownNode): Promise<void> {
    const [set] = this.dictionaries;
    if (kind !== "feature" || layer === null || feature === null || set === undefined) return;
    const asked = { dictionary: set.name, which: layer, feature, text: this.text };
    const wanted = (): boolean => this.node?.name === name;
    const found = await this.#lab.find(
      `the feature ${name}`,
      featureWork(this.#lab.answered, asked),
      { wanted },
    );
    if (found === undefined || !wanted()) return;
    this.page = found;
    this.#lab.show(found);
  }
}
