import { InputError } from "@resolvent/tensor";

/**
 * The JSON documents of a text, however they are broken into lines.
 *
 * @throws InputError `report/bad-reports`
 */
export function documentsIn(text: string): unknown[] {
  const found: unknown[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") {
      if (depth++ === 0) start = at;
    } else if ((char === "}" || char === "]") && --depth === 0) {
      found.push(parsed(text.slice(start, at + 1), found.length + 1));
    }
    if (depth < 0) throw badReports("it is no JSON");
  }
  if (depth !== 0 || quoted) throw badReports("its last document has no end");
  return found;
}

function parsed(text: string, place: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badReports(`its document ${place} is no JSON`);
  }
}

/** Why what was given cannot be compared. */
export function badReports(why: string): InputError {
  return new InputError({
    code: "report/bad-reports",
    message: `What --compare names cannot be compared: ${why}.`,
    remedy: "Give what resolvent report … --json has written, one after the other.",
  });
}
