import { existsSync } from "node:fs";

/** What a name of a model says. */
export interface ModelPlace {
  /** What is found without a revision: a bundled name, a path, an address, a name on the Hub. */
  readonly path: string;
  readonly revision?: string;
}

/** A name taken apart where it says a revision, `openai-community/gpt2@main`, unless a folder here is called so. */
export function placeOfModel(name: string): ModelPlace {
  const at = name.lastIndexOf("@");
  const said = at > 0 && at < name.length - 1 && !/^https?:/i.test(name) && !existsSync(name);
  return said ? { path: name.slice(0, at), revision: name.slice(at + 1) } : { path: name };
}
