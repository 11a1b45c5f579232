import { createHash, randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { systemCode } from "./file.ts";

/**
 * Who writes an unfinished file, in its name: `<etag>.<machine>-<process>-<random>.incomplete`, or
 * `<etag>.free-0-<random>.incomplete` where whoever wrote it has let go of it.
 */
export interface Owner {
  readonly machine: string;
  readonly process: number;
}

/** What makes process numbers comparable: the machine, and on Linux the namespace that they are counted in. */
function thisMachine(): string {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // no such thing on this system
  }
  return createHash("sha256").update(`${hostname()} ${namespace}`).digest("hex").slice(0, 8);
}

const MACHINE: string = thisMachine();
const FREE = "free";

/** A new name for an unfinished file of this process, or of nobody. */
export function partialName(etag: string, owned: boolean): string {
  const owner = owned ? `${MACHINE}-${process.pid}` : `${FREE}-0`;
  return `${etag}.${owner}-${randomBytes(4).toString("hex")}.incomplete`;
}

/** Who owns an unfinished file of this blob; undefined for names of other things. */
export function ownerOf(name: string, etag: string): Owner | undefined {
  if (!name.startsWith(`${etag}.`)) return undefined;
  const match = /^(free|[0-9a-f]{8})-(\d{1,10})-[0-9a-f]{8}\.incomplete$/.exec(
    name.slice(etag.length + 1),
  );
  const [, machine, process] = match ?? [];
  return machine === undefined ? undefined : { machine, process: Number(process) };
}

/** Whether the owner is certainly gone, certainly there as a process, or somewhere that we cannot see. */
export function lifeOf({ machine, process: id }: Owner): "gone" | "alive" | "unknown" {
  if (machine === FREE) return "gone";
  if (machine !== MACHINE) return "unknown";
  try {
    process.kill(id, 0);
    return "alive";
  } catch (error) {
    return systemCode(error) === "ESRCH" ? "gone" : "alive";
  }
}
