import { InputError } from "@resolvent/tensor";
import type { ReadOptions } from "../source.ts";
import type { UrlOptions } from "../url.ts";
import type { HubProgress } from "./rate.ts";
import type { HubWait } from "./retry.ts";

/** How a model is fetched from a hub. */
export interface HubOptions extends ReadOptions, Omit<UrlOptions, "onWhole"> {
  /** A branch, a tag, or a commit; default `main`. */
  readonly revision?: string;
  /**
   * A folder of the repository, `layer_12/width_16k`, whose files are fetched when they are opened, instead of a model's
   * files at once; `""` is the repository itself.
   */
  readonly folder?: string;
  /** Use the cache only; default false, in Node what `HF_HUB_OFFLINE` says. */
  readonly offline?: boolean;
  /** An access token for private and gated repositories. In Node by default that of `HF_TOKEN` or of the token file. */
  readonly token?: string | undefined;
  /** The hub's address; default `https://huggingface.co`, in Node what `HF_ENDPOINT` says. */
  readonly endpoint?: string;
  /** Called some ten times a second while files are fetched. */
  readonly onProgress?: (progress: HubProgress) => void;
  /**
   * Called where a request has failed and is tried again after a wait: of two minutes at most, where the hub asks for it.
   * Other parts of a file may arrive meanwhile.
   */
  readonly onWait?: (wait: HubWait) => void;
}

/** The Hugging Face Hub. */
export const HUB_ENDPOINT: string = "https://huggingface.co";

/** The address of a hub; throws `weights/bad-url`. What it says is not repeated: it may hold a password. */
export function checkEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const web = url?.protocol === "https:" || url?.protocol === "http:";
  if (url !== undefined && web && url.username === "" && url.password === "") {
    url.search = "";
    url.hash = "";
    return url;
  }
  throw new InputError({
    code: "weights/bad-url",
    message: "The endpoint of the hub is not a web address without user and password.",
    remedy: `Give an address such as ${HUB_ENDPOINT} (option \`endpoint\`, variable HF_ENDPOINT).`,
    details: { length: endpoint.length },
  });
}

/** The token without the white space around it, undefined where nothing is left; throws `weights/hub-bad-token`. */
export function checkToken(token: string | undefined): string | undefined {
  const bare = token?.trim() ?? "";
  if (bare === "") return undefined;
  if (/^[\x21-\x7e]{1,4096}$/.test(bare)) return bare;
  throw new InputError({
    code: "weights/hub-bad-token",
    message: "The access token has characters that no token has, or is too long.",
    remedy: "Copy it again; it is one word, such as hf_…",
    details: { length: bare.length },
  });
}
