/** SentencePiece's `precompiled_charsmap` of some rules, base64: a double array as Darts builds it, and the texts. */
export function charsmapOf(rules: Readonly<Record<string, string>>): string {
  const encoder = new TextEncoder();
  let texts: number[] = [];
  const root: Node = { children: new Map(), value: undefined };
  for (const [key, value] of Object.entries(rules)) {
    let node = root;
    for (const byte of encoder.encode(key)) {
      const child = node.children.get(byte) ?? { children: new Map(), value: undefined };
      node.children.set(byte, child);
      node = child;
    }
    node.value = texts.length;
    texts = [...texts, ...encoder.encode(value), 0];
  }
  const units: number[] = [0];
  const taken = new Set<number>([0]);
  const place = (node: Node, at: number): void => {
    const labels = [...node.children.keys(), ...(node.value === undefined ? [] : [0])];
    // Offsets that are multiples of 256 keep XOR within a block of its own.
    let base = 256;
    while (labels.some((label) => taken.has(base ^ label)) || taken.has(-base)) base += 256;
    taken.add(-base);
    for (const label of labels) taken.add(base ^ label);
    const offset = at ^ base;
    units[at] =
      ((units[at] ?? 0) | (offset < 2 ** 21 ? offset << 10 : ((offset >> 8) << 10) | 512)) >>> 0;
    if (node.value !== undefined) {
      units[at] = ((units[at] ?? 0) | 256) >>> 0;
      units[base] = (node.value | 0x80000000) >>> 0;
    }
    for (const [label, child] of node.children) {
      units[base ^ label] = label;
      place(child, base ^ label);
    }
  };
  place(root, 0);
  const size = Math.max(...taken) + 256;
  const bytes = new Uint8Array(4 + 4 * size + texts.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 4 * size, true);
  for (let at = 0; at < size; at++) view.setUint32(4 + 4 * at, units[at] ?? 0, true);
  bytes.set(texts, 4 + 4 * size);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

interface Node {
  readonly children: Map<number, Node>;
  /** Where its text starts. */
  value: number | undefined;
}
