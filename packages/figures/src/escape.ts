const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * A text from anywhere as HTML or XML, in an element or in a quoted attribute. Control characters, lone surrogates,
 * and characters that turn the writing direction are spelled out as JSON does: XML has no room for them.
 */
export function escapeHtml(text: string): string {
  return spelledOut(text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? ""));
}

/** A text from anywhere as a text of a page: what `escapeHtml` spells out, and nothing else. */
export function spelledOut(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
