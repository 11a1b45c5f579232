import { InputError } from "@resolvent/tensor";
import type { Environment } from "./hub-settings.ts";

/** A proxy, as an environment names it. */
interface Proxy {
  readonly address: string;
  /** Its variable, and its address without user and password, for messages. */
  readonly shown: string;
}

/** The proxies of an environment, by the protocol of what is asked for. */
export interface Proxies {
  readonly http: Proxy | undefined;
  readonly https: Proxy | undefined;
  /** Hosts that are asked without one. */
  readonly except: string;
}

/**
 * `HTTP_PROXY`, `HTTPS_PROXY`, for both `ALL_PROXY`, and `NO_PROXY`; in small letters they come first. Undefined where
 * none is set.
 *
 * @throws InputError `weights/bad-proxy`
 */
export function proxiesOf(environment: Environment): Proxies | undefined {
  const found = (...names: string[]): { name: string; address: string } | undefined =>
    names
      .flatMap((name) => [name.toLowerCase(), name])
      .map((name) => ({ name, address: environment[name]?.trim() ?? "" }))
      .find(({ address }) => address !== "");
  const proxy = (...names: string[]): Proxy | undefined => {
    const one = found(...names);
    if (one === undefined) return undefined;
    const { name, address } = one;
    return { address: withScheme(address), shown: `${name}, ${originOf(name, address)}` };
  };
  const [http, https] = [proxy("HTTP_PROXY", "ALL_PROXY"), proxy("HTTPS_PROXY", "ALL_PROXY")];
  if (http === undefined && https === undefined) return undefined;
  return { http, https, except: found("NO_PROXY")?.address ?? "" };
}

/** The proxy that an address is asked of, unless its host is excepted. */
export function proxyFor({ http, https }: Proxies, url: URL): Proxy | undefined {
  return url.protocol === "https:" ? https : http;
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
export async function fetchThrough(proxies: Proxies): Promise<Fetch> {
  const { EnvHttpProxyAgent, fetch } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent({
    // An empty address is no proxy: without it the agent would look into the environment itself.
    httpProxy: proxies.http?.address ?? "",
    httpsProxy: proxies.https?.address ?? "",
    noProxy: proxies.except,
    proxyTunnel: false, // plain HTTP is asked of a proxy as RFC 9112 says, not through a tunnel
  });
  const through: unknown = async (url: string, init: Parameters<typeof fetch>[1]) =>
    // The agent would take the proxy for http where there is none for https.
    await fetch(url, proxyFor(proxies, new URL(url)) ? { ...init, dispatcher } : init);
  return through as Fetch; // one implementation of the standard, declared twice
}
