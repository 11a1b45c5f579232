/** What a key does. */
export type Act =
  | "prompt"
  | "target"
  | "table"
  | "up"
  | "down"
  | "away"
  | "all"
  | "why"
  | "gates"
  | "less"
  | "more"
  | "help"
  | "leave"
  | { readonly degree: number };

/** The keys, as the sheet of keys lists them. */
export const KEYS: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ["/"], does: "edit the text" },
  { keys: ["t"], does: "choose the answer" },
  { keys: ["↑", "↓"], does: "the path before, the next path" },
  { keys: ["⏎"], does: "take the path away" },
  { keys: ["v"], does: "check all paths that are shown" },
  { keys: ["."], does: "all columns of the paths" },
  { keys: ["w"], does: "why its last head looks there" },
  { keys: ["f"], does: "hold all gates, or none, in the tree beside the bars" },
  { keys: ["0–9"], does: "paths up to this degree" },
  { keys: ["[", "]"], does: "one degree less, one more" },
  { keys: ["Esc"], does: "back" },
  { keys: ["?"], does: "this sheet" },
];

const ACTS: ReadonlyMap<string, Act> = new Map<string, Act>([
  ["/", "prompt"],
  ["t", "target"],
  [".", "table"],
  ["ArrowUp", "up"],
  ["ArrowDown", "down"],
  ["Enter", "away"],
  ["v", "all"],
  ["w", "why"],
  ["f", "gates"],
  ["[", "less"],
  ["]", "more"],
  ["?", "help"],
  ["Escape", "leave"],
]);

/** Where keys have a meaning of their own. */
const TAKES_KEYS = "input, textarea, select, [contenteditable]";
/** Where Enter has one. */
const TAKES_ENTER = "button, a, summary";

/** What a key event does; undefined where it is somebody else's. */
export function actOn(event: KeyboardEvent): Act | undefined {
  const { key, target, ctrlKey, metaKey, altKey, defaultPrevented } = event;
  if (ctrlKey || metaKey || altKey || defaultPrevented) return undefined;
  const at = target instanceof Element ? target : undefined;
  if (at?.closest(TAKES_KEYS)) return undefined;
  if (key === "Enter" && at?.closest(TAKES_ENTER)) return undefined;
  if (/^[0-9]$/.test(key)) return { degree: Number(key) };
  return ACTS.get(key);
}
