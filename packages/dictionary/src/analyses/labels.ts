import type { TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";

/** Bytes of a file of labels at most: some hundred thousand labels. */
const MAX_BYTES = 2 ** 26;
/** Characters of a label; what is longer is cut. */
const MAX_LABEL = 500;

/** What others say that features are of. */
export interface Labels {
  readonly of: ReadonlyMap<number, string>;
  readonly warnings: readonly Warning[];
}

/**
 * Labels of features from a file: `{"12": "past tense", …}`, or what Neuronpedia exports, a list or lines of
 * `{"index": "12", "description": "past tense", "layer": …}`.
 *
 * @param features how many there are
 * @throws InputError `dictionary/bad-labels`
 */
export async function readLabels(file: TextFile, features: number): Promise<Labels> {
  const refuse = (why: string): InputError =>
    new InputError({
      code: "dictionary/bad-labels",
      message: `${file.name}: ${why}.`,
      remedy:
        'Labels are one object, {"12": "past tense"}, or a list or lines as Neuronpedia exports them: {"index": "12", "description": "past tense"}.',
      details: { file: file.name },
    });
  const found = new Map<number, string>();
  const layers = new Set<string>();
  let [outside, again] = [0, 0];
  const add = (index: unknown, label: unknown): void => {
    const feature = typeof index === "string" && /^\d{1,9}$/.test(index) ? Number(index) : index;
    if (!Number.isInteger(feature) || Number(feature) < 0) {
      throw refuse(`a feature is a whole number, got ${shown(index)}`);
    }
    if (typeof label !== "string") {
      throw refuse(`the label of feature ${feature} is no text, but ${shown(label)}`);
    }
    const at = Number(feature);
    if (at >= features) outside++;
    else if (found.has(at)) again++;
    else found.set(at, plain(label));
  };
  for (const entry of entriesOf(await textOf(file, refuse), refuse)) {
    if ("index" in entry) {
      layers.add(String(entry.layer));
      add(entry.index, entry.description);
    } else for (const [index, label] of Object.entries(entry)) add(index, label);
  }
  if (layers.size > 1) {
    throw refuse(`it has labels of ${layers.size} layers, ${[...layers].slice(0, 4).join(", ")}`);
  }
  return {
    of: found,
    warnings: [
      ...said(
        outside,
        `labels are of features that are not among the ${features} of the dictionary`,
      ),
      ...said(again, "labels are further ones of a feature, of which the first is shown"),
    ],
  };
}

function said(count: number, what: string): Warning[] {
  return count === 0 ? [] : [{ code: "labels", message: `${count} ${what}.` }];
}

/** One line without what a terminal would act on. */
function plain(label: string): string {
  const line = label.replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
  return line.length > MAX_LABEL ? `${line.slice(0, MAX_LABEL - 1)}…` : line;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 60);
}

type Entry = Readonly<Record<string, unknown>>;

function entriesOf(text: string, refuse: (why: string) => InputError): Entry[] {
  const isEntry = (value: unknown): value is Entry =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const parsed = (part: string, where: string): unknown => {
    try {
      return JSON.parse(part);
    } catch {
      throw refuse(`${where} is no JSON`);
    }
  };
  const bare = text.replace(/^\uFEFF/, "").trim();
  const lines = bare.split("\n").filter((line) => line.trim() !== "");
  const eachLine = lines.length > 1 && lines.every((line) => /^\s*\{.*\}\s*$/.test(line));
  const whole = eachLine
    ? lines.map((line, i) => parsed(line, `line ${i + 1}`))
    : parsed(bare, "the file");
  const entries: readonly unknown[] = Array.isArray(whole) ? whole : [whole];
  const odd = entries.findIndex((entry) => !isEntry(entry));
  if (odd >= 0) throw refuse(`entry ${odd} is ${shown(entries[odd])}`);
  return entries.filter(isEntry);
}

async function textOf(file: TextFile, refuse: (why: string) => InputError): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let [text, bytes] = ["", 0];
  const decoded = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch {
      throw refuse("it is not UTF-8 text");
    }
  };
  for await (const piece of file.stream()) {
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw refuse(`it has more than ${MAX_BYTES} bytes`);
    text += decoded(piece);
  }
  return text + decoded();
}
