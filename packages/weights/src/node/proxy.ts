import { InputError } from "@resolvent/tensor";
import type { Environment } from "./hub-settings.ts";

/** The proxies of an environment. */
export interface Proxies {
  readonly http: string | undefined;
  readonly https: string | undefined;
  /** Hosts that are asked without one. */
  readonly except: string;
  /** How messages call them: their variables and addresses, without user and password. */
  readonly shown: string;
}

/**
 * `HTTP_PROXY`, `HTTPS_PROXY`, for both `ALL_PROXY`, and `NO_PROXY`; in small letters they come first. Undefined where
 * none is set.
 *
 * @throws InputError `weights/bad-proxy`
 */
export function proxiesOf(environment: Environment): Proxies | undefined {
  const found = (name: string): { name: string; address: string } | undefined =>
    [name.toLowerCase(), name]
      .map((one) => ({ name: one, address: environment[one]?.trim() ?? "" }))
      .find(({ address }) => address !== "");
  const all = found("ALL_PROXY");
  const http = found("HTTP_PROXY") ?? all;
  const https = found("HTTPS_PROXY") ?? all;
  const set = [http, https].filter((one) => one !== undefined);
  if (set.length === 0) return undefined;
  const shown = new Set(set.map(({ name, address }) => `${name}, ${originOf(name, address)}`));
  return {
    http: http && withScheme(http.address),
    https: https && withScheme(https.address),
    except: found("NO_PROXY")?.address ?? "",
    shown: [...shown].join("; "),
  };
}

/** Proxies are often named by host and port alone. */
function withScheme(address: string): string {
  return address.includes("://") ? address : `http://${address}`;
}

/** A proxy's address as messages show it; `weights/bad-proxy` for what is none, without a word of it. */
function originOf(name: string, address: string): string {
  const whole = withScheme(address);
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return `${url.protocol}//${url.host}`;
  throw new InputError({
    code: "weights/bad-proxy",
    message: `${name} is not the address of a proxy that speaks HTTP.`,
    remedy: "Give an address such as http://proxy.example.org:3128, or unset the variable.",
    details: { variable: name, length: address.length },
  });
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** `fetch` through proxies. Node's own uses none before version 24, so it is undici's, which Node's is made of. */
export async function fetchThrough({ http, https, except }: Proxies): Promise<Fetch> {
  const { EnvHttpProxyAgent, fetch } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent({
    // An empty address is no proxy: without it the agent would look into the environment itself.
    httpProxy: http ?? "",
    httpsProxy: https ?? "",
    noProxy: except,
    proxyTunnel: false, // plain HTTP is asked of a proxy as RFC 9112 says, not through a tunnel
  });
  const through: unknown = async (url: string, init: Parameters<typeof fetch>[1]) =>
    await fetch(url, { ...init, dispatcher });
  return through as Fetch; // one implementation of the standard, declared twice
}
