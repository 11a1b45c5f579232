import { createHash, randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { systemCode } from "./file.ts";

/**
 * Who owns a file, in its name: `<stem>.<machine>-<process>-<random>.<kind>`, or `<stem>.free-0-<random>.<kind>` where
 * whoever had it has let go of it. Node cannot lock files (`flock`); a name that nobody else makes, and the time at which
 * its owner has last touched it, do as well.
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

/** A new name for a file of this process, or of nobody. */
export function ownedName(stem: string, kind: string, owned: boolean): string {
  const owner = owned ? `${MACHINE}-${process.pid}` : `${FREE}-0`;
  return `${stem}.${owner}-${randomBytes(4).toString("hex")}.${kind}`;
}

/** What a name says of the owner of a file; undefined for names of other things. */
export function ownedBy(
  name: string,
): { readonly stem: string; readonly kind: string; readonly owner: Owner } | undefined {
  const [, stem, machine, process, kind] =
    /^(.+)\.(free|[0-9a-f]{8})-(\d{1,10})-[0-9a-f]{8}\.([a-z]+)$/.exec(name) ?? [];
  if (stem === undefined || machine === undefined || kind === undefined) return undefined;
  return { stem, kind, owner: { machine, process: Number(process) } };
}

/** Whether the owner is certainly gone, certainly there as a process, or somewhere that we cannot see. */
function lifeOf({ machine, process: id }: Owner): "gone" | "alive" | "unknown" {
  if (machine === FREE) return "gone";
  if (machine !== MACHINE) return "unknown";
  try {
    process.kill(id, 0);
    return "alive";
  } catch (error) {
    return systemCode(error) === "ESRCH" ? "gone" : "alive";
  }
}

/** How often an owner touches what it has, in milliseconds. */
export const HEARTBEAT_MS = 5000;

/** Time without a sign of life, in milliseconds, after which an owner on another machine counts as gone. */
export const SILENT_MS = 60_000;

/** The same for a process that this machine has, but that may be asleep, or another with a used number. */
const ASLEEP_MS = 600_000;

/**
 * Whether the owner of a file is gone, is silent for so long that it counts as gone and may yet wake up, or is at work;
 * undefined where the file is gone. A touch in the future is of a clock that was set since, and as old as it is far away.
 */
export async function presenceOf(
  path: string,
  owner: Owner,
  silentMs: number = SILENT_MS,
): Promise<"gone" | "silent" | "at work" | undefined> {
  let silent: number;
  try {
    silent = Math.abs(Date.now() - (await stat(path)).mtimeMs);
  } catch {
    return undefined;
  }
  const life = lifeOf(owner);
  if (life === "gone") return "gone";
  return silent < (life === "alive" ? Math.max(ASLEEP_MS, silentMs) : silentMs)
    ? "at work"
    : "silent";
}
