/** What a key does: something to the lab, or a press of the control that says so by `aria-keyshortcuts`. */
export type Act =
  | "up"
  | "down"
  | "away"
  | "all"
  | "why"
  | "gates"
  | "less"
  | "more"
  | "undo"
  | "redo"
  | "help"
  | "leave"
  | { readonly degree: number }
  | { readonly press: string };

/** A row of the sheet of keys. */
export interface Key {
  /** As events call them, with `Ctrl+` where that, or Cmd, is held. */
  readonly keys: readonly string[];
  /** As the sheet shows them; default as events call them. */
  readonly shown?: readonly string[];
  readonly does: string;
  readonly acts: readonly Act[];
  /** What it is about, where it does nothing without: the paths on the screen, or the sentence above them and the tabs. */
  readonly of?: "paths" | "sentence";
}

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** A key that presses a control. */
function press(key: string, does: string, more: Pick<Key, "of"> = {}): Key {
  return { keys: [key], does, acts: [{ press: key }], ...more };
}

/** All keys: what the sheet lists, and what is done, are read from here. Acts go with keys one by one. */
export const KEYS: readonly Key[] = [
  press("/", "edit the text", { of: "sentence" }),
  press("t", "choose the answer", { of: "sentence" }),
  {
    ...{ keys: ["ArrowDown", "ArrowUp"], shown: ["↓", "↑"] },
    ...{ does: "the next path, the path before", acts: ["down", "up"], of: "paths" },
  },
  { keys: ["Enter"], shown: ["⏎"], does: "take the path away", acts: ["away"], of: "paths" },
  { keys: ["v"], does: "check all paths that are shown", acts: ["all"], of: "paths" },
  {
    keys: ["w"],
    does: "why its last head looks there; among the heads, why one does",
    acts: ["why"],
    of: "paths",
  },
  { keys: ["["], does: "one degree less", acts: ["less"], of: "paths" },
  { keys: ["]"], does: "one degree more", acts: ["more"], of: "paths" },
  {
    ...{ keys: DIGITS, shown: ["0–9"], does: "paths up to this degree" },
    ...{ acts: DIGITS.map((digit) => ({ degree: Number(digit) })), of: "paths" },
  },
  {
    keys: ["f"],
    does: "hold all gates, or none, in the tree beside the bars",
    acts: ["gates"],
    of: "paths",
  },
  press("m", "the panel in use on the whole screen, and back"),
  press(".", "its table"),
  press("p", "pin it to the report"),
  press("c", "copy a link, a command, a program"),
  { keys: ["Ctrl+z"], shown: ["Ctrl Z"], does: "undo: a step back", acts: ["undo"] },
  {
    ...{ keys: ["Ctrl+Z", "Ctrl+y"], shown: ["Ctrl ⇧ Z", "Ctrl Y"] },
    ...{ does: "a step forward again", acts: ["redo", "redo"] },
  },
  {
    keys: ["Escape"],
    shown: ["Esc"],
    does: "close what is open, end what runs, back",
    acts: ["leave"],
  },
  { keys: ["?"], does: "this sheet", acts: ["help"] },
];

/** What each key does, and whether only among paths. */
const ACTS: ReadonlyMap<string, { readonly act: Act; readonly onPaths: boolean }> = new Map(
  KEYS.flatMap(({ keys, acts, of }) =>
    keys.flatMap((key, i) => {
      const act = acts[i];
      return act === undefined ? [] : [[key, { act, onPaths: of === "paths" }] as const];
    }),
  ),
);

/** Where keys have a meaning of their own. */
const TAKES_KEYS = "input, textarea, select, [contenteditable]";
/** Where Enter has one. */
const TAKES_ENTER = "button, a, summary, [role=separator]";

/** What a key event does; undefined where it is somebody else's. `onPaths`: whether paths are on the screen. */
export function actOn(
  event: KeyboardEvent,
  { onPaths }: { readonly onPaths: boolean },
): Act | undefined {
  const { key, target, ctrlKey, metaKey, altKey, defaultPrevented } = event;
  if (altKey || defaultPrevented) return undefined;
  const at = target instanceof Element ? target : undefined;
  // What is open is left from its fields too.
  if (key !== "Escape" && at?.closest(TAKES_KEYS)) return undefined;
  if (key === "Enter" && at?.closest(TAKES_ENTER)) return undefined;
  const found = ACTS.get(ctrlKey || metaKey ? `Ctrl+${key}` : key);
  return found?.onPaths === true && !onPaths ? undefined : found?.act;
}
