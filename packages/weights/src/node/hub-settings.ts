import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { HUB_ENDPOINT } from "../hub/options.ts";

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says about the Hub, read as huggingface_hub reads it. */
export interface HubSettings {
  readonly endpoint: string;
  /** The folder of the cache. */
  readonly cache: string;
  /** The file that holds a token, where a login has left one. */
  readonly tokenFile: string;
  readonly token: string | undefined;
  readonly offline: boolean;
}

/** Longest token file that is read, in bytes; tokens are near 40. */
const MAX_TOKEN_BYTES = 4096;

function isOn(value: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes(value?.toUpperCase() ?? "");
}

/** A path with the home folder for `~`, then variables, as Python's os.path has them; unknown ones stay. */
export function expanded(path: string, environment: Environment): string {
  const from = path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
  return from.replace(/\$(?:(\w+)|\{([^}]*)\})/g, (found, bare?: string, braced?: string) => {
    const name = bare ?? braced ?? "";
    return (Object.hasOwn(environment, name) ? environment[name] : undefined) ?? found;
  });
}

/**
 * `HF_ENDPOINT`; the cache: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, or `hub` in `HF_HOME`, by default
 * `~/.cache/huggingface`; the token: `HF_TOKEN`, or the file `HF_TOKEN_PATH`, by default `token` in `HF_HOME`, unless
 * `HF_HUB_DISABLE_IMPLICIT_TOKEN`; `HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`. Empty variables count as missing.
 * Paths may begin with `~` and hold `$VARIABLES` and `${VARIABLES}`.
 */
export function hubSettings(environment: Environment): HubSettings {
  const value = (name: string): string | undefined => environment[name] || undefined;
  const path = (text: string): string => expanded(text, environment);
  const caches = value("XDG_CACHE_HOME") ?? join(homedir(), ".cache");
  const home = path(value("HF_HOME") ?? join(caches, "huggingface"));
  const cache = value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") ?? join(home, "hub");
  const silent = isOn(value("HF_HUB_DISABLE_IMPLICIT_TOKEN"));
  return {
    endpoint: value("HF_ENDPOINT") ?? HUB_ENDPOINT,
    cache: path(cache),
    tokenFile: silent ? "" : path(value("HF_TOKEN_PATH") ?? join(home, "token")),
    token: silent ? undefined : (value("HF_TOKEN") ?? value("HUGGING_FACE_HUB_TOKEN")),
    offline: isOn(value("HF_HUB_OFFLINE") ?? value("TRANSFORMERS_OFFLINE")),
  };
}

/** The token of the environment or of the token file, if there is any. */
export async function tokenOf(settings: HubSettings): Promise<string | undefined> {
  if (settings.token !== undefined || settings.tokenFile === "") return settings.token;
  try {
    const handle = await open(settings.tokenFile, "r");
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_TOKEN_BYTES), 0);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined; // no login, or a file that is not for us: public models need no token
  }
}
