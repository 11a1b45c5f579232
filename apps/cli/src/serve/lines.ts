/** A line without its end; undefined for one that was too long, and was not kept. */
type HearLine = (line: string | undefined) => void;

/**
 * Bytes as lines of UTF-8.
 *
 * @param most bytes of a line
 * @returns what takes the bytes as they come, and null at their end
 */
export function linesTo(hear: HearLine, most: number): (part: Uint8Array | null) => void {
  let parts: Uint8Array[] = [];
  let size = 0;
  const add = (part: Uint8Array): void => {
    size += part.length;
    if (size > most) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const finish = (): void => {
    const line = size > most ? undefined : Buffer.concat(parts).toString("utf8");
    [parts, size] = [[], 0];
    if (line === undefined || line.trim() !== "") hear(line);
  };
  return (part) => {
    if (part === null) return finish();
    let from = 0;
    for (let at = part.indexOf(10); at >= 0; at = part.indexOf(10, from)) {
      add(part.subarray(from, at));
      finish();
      from = at + 1;
    }
    add(part.subarray(from));
  };
}
