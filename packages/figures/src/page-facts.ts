import { certificatesOf, type Result, short } from "@resolvent/analysis";
import { escapeHtml } from "./escape.ts";

/** Every number of a result's certificates, what it may be at most, and whether it is. */
export function certificateHtml(result: Result): string {
  const { certificate, remainder } = Object(result); // not every result has them
  const all = certificatesOf(result).flatMap(({ at, errors }) =>
    errors.map((judged) => ({ ...judged, of: placeWords(at) })),
  );
  if (all.length === 0) {
    return Object(certificate).verdict === "undefined"
      ? "<p>What was taken apart is 0, so that no error can be relative to it.</p>"
      : "<p>This analysis measures; it claims no sum, so there is no certificate to check.</p>";
  }
  // Of many, as of each of several prompts, those that are not well are told.
  const told = all.filter(({ within }, i) => i < ENTRIES || !within);
  const left = all.length - told.length;
  const rows = told.map(({ of, name, error, tolerance, within }) => {
    const called = words(of === "" ? name : `${of}: ${name}`);
    return `<tr><th scope="row" class="words">${escapeHtml(called)}</th><td>${short(error)}</td><td>${short(tolerance)}</td><td>${within ? "✓ within" : "✗ above"}</td></tr>`;
  });
  const bad = all.some(({ within }) => !within);
  const difference = Object(remainder).from === "difference";
  return [
    `<p class="verdict">${bad ? "✗ The parts do not add up to what was taken apart." : "✓ The parts add up to what was taken apart."}</p>`,
    `<div class="scroll" tabindex="0" role="region" aria-label="Certificate"><table><thead><tr><th scope="col" class="words">certificate</th><th scope="col">error</th><th scope="col">tolerance</th><th scope="col">verdict</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`,
    difference
      ? `<p class="note">The rest is, by definition, what the terms leave, so this shows rounding only.</p>`
      : "",
    left === 0 ? "" : `<p class="note">${left} more are within their tolerances.</p>`,
  ].join("");
}

/** Where a certificate is in words: `each[0].certificate` as `prompt 1`. */
function placeWords(at: string): string {
  return at
    .replace(/\.?certificate$/, "")
    .replace(/^each\[(\d+)\]\.?/, (_, index: string) => `prompt ${Number(index) + 1} `)
    .trim();
}

/** `relativeErrorFloat64` in words: `relative error float64`. */
function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** What a result says about how it was made. */
export function factsHtml(result: Result, version: string): string {
  const { model, kind, schemaVersion, question } = result;
  const { engine, precision, freeze, reference, weightProcessing, method, level, input, settings } =
    Object(result); // where they are
  const { name: second, sha256: ofSecond } = Object(Object(result).other); // likewise
  const rows: [string, string][] = [
    ["model", `${model.name} (${model.architecture})`],
    ["SHA-256", model.sha256 ?? "not computed"],
    ...plainFacts({ question }),
    ...plainFacts({ "second model": second, "its SHA-256": ofSecond }),
    ...plainFacts({
      method,
      level,
      freeze,
      reference: referenceWords(reference),
      weightProcessing,
    }),
    ...plainFacts({ ...Object(input), tokens: undefined }),
    ...plainFacts(Object(settings)),
    ...plainFacts({ engine, precision }),
    ["made by", `resolvent ${version}; result ${kind}, schema ${schemaVersion}`],
  ];
  return `<dl>${rows.map(([name, fact]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(fact)}</dd>`).join("")}</dl>`;
}

/** A reference in words: of many prompts how many. */
function referenceWords(reference: unknown): unknown {
  const { kind, prompts } = Object(reference); // not every result has one
  if (typeof kind !== "string") return reference;
  const count = Array.isArray(prompts) ? prompts.length : 0;
  return count === 0 ? kind : `${kind} of ${count} ${count === 1 ? "prompt" : "prompts"}`;
}

/** Entries of a fact at most: what is longer is data. */
const ENTRIES = 12;

/** Properties that are words, numbers, or a few of these. */
function plainFacts(of: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(of).flatMap(([name, value]): [string, string][] => {
    const text = plain(value);
    return text === undefined ? [] : [[words(name), text]];
  });
}

function plain(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    if (value.length === 0) return "none";
    const parts = value.map(plain);
    return value.length > ENTRIES || parts.includes(undefined) ? undefined : parts.join(", ");
  }
  if (typeof value !== "object") return String(value);
  const entries = Object.entries(value);
  if (entries.length > ENTRIES || entries.some(([, one]) => typeof one === "object"))
    return undefined;
  return entries.map(([name, one]) => `${words(name)} ${one}`).join(", ");
}
