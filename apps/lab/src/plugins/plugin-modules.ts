import * as analysis from "@resolvent/analysis";
import * as analysisParameters from "@resolvent/analysis/parameters";
import * as attention from "@resolvent/attention";
import * as tensor from "@resolvent/tensor";
import { InputError } from "@resolvent/tensor";
import * as transformer from "@resolvent/transformer";
import { init, parse } from "es-module-lexer";

/** What a plug-in may import. */
const MODULES: Readonly<Record<string, object>> = {
  "@resolvent/analysis": analysis,
  "@resolvent/analysis/parameters": analysisParameters,
  "@resolvent/attention": attention,
  "@resolvent/tensor": tensor,
  "@resolvent/transformer": transformer,
};

/** Where modules that are made here find what they export. */
const PLACE = "resolvent:modules";

/** What the lexer says of an import that is no expression. */
const STATIC = -1;

/** The argument of one that is, where it is a text. */
const LITERAL = /^(["'])([^"'\\]*)\1$/;

const addresses = new Map<string, string>();

/** The address of a module that exports what is loaded already. */
function addressOf(name: string): string | undefined {
  const known = addresses.get(name);
  if (known !== undefined || !Object.hasOwn(MODULES, name)) return known;
  const from = `globalThis[Symbol.for("${PLACE}")]["${name}"]`;
  const lines = Object.keys(MODULES[name] ?? {}).map((key) => `export const ${key} = m.${key};`);
  const address = scriptAddress(`const m = ${from};\n${lines.join("\n")}\n`);
  addresses.set(name, address);
  return address;
}

function scriptAddress(text: string): string {
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}

/**
 * Loads a module from its text. What it imports by name is what this script has, so that errors and engines are of
 * one kind on both sides.
 *
 * @throws InputError `lab/plugin-import`; what the module throws
 */
export async function moduleOf(source: string): Promise<unknown> {
  Object.assign(globalThis, { [Symbol.for(PLACE)]: MODULES });
  await init;
  const [imports] = parse(source);
  let text = source;
  // Names are taken as they are written: the lexer would have them evaluated, which nothing is here.
  for (const { s: start, e: end, d: dynamic } of [...imports].reverse()) {
    const written = source.slice(start, end);
    const name = dynamic === STATIC ? written : LITERAL.exec(written)?.[2];
    if (name === undefined) continue; // import.meta, and what is known only when it runs: there is nothing to be had
    const address = addressOf(name);
    if (address === undefined) throw notHere(name);
    const word = dynamic === STATIC ? address : JSON.stringify(address);
    text = text.slice(0, start) + word + text.slice(end);
  }
  return await import(/* @vite-ignore */ scriptAddress(text));
}

function notHere(name: string): InputError {
  return new InputError({
    code: "lab/plugin-import",
    message: `It imports "${name}", which there is not here.`,
    remedy: `A plug-in of the page is one file, and has ${Object.keys(MODULES).join(", ")}: bundle the rest into it.`,
    details: { name },
  });
}
