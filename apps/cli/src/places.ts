// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal styles are control characters
const styles = /\u001b\[\d+m/g;

/** Characters that take no room of their own. */
const joined = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

/** What takes two places, by its first character: East Asian Wide and Fullwidth, and pictures. */
const wide =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const halfWidth = /^[\uff61-\uffdc]/;
/** A character that asks to be a picture: ❤️. */
const asPicture = /\ufe0f/;

const letters = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Places that a text takes in a terminal, styles left out: a letter with its marks one, Chinese and pictures two. */
export function places(text: string): number {
  const bare = text.replace(styles, "");
  if (/^[\x20-\x7e]*$/.test(bare)) return bare.length;
  let sum = 0;
  for (const { segment } of letters.segment(bare)) sum += placesOf(segment);
  return sum;
}

function placesOf(letter: string): number {
  if (joined.test(letter)) return 0;
  return (wide.test(letter) && !halfWidth.test(letter)) || asPicture.test(letter) ? 2 : 1;
}

/** Tokens in quotes, one after another: `" Mary" "\"" "id"`. */
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/**
 * A text without styles in so many places at most: what is cut from its middle is `…`; of a list of tokens in quotes,
 * whole ones from its end.
 */
export function shortened(text: string, most: number): string {
  if (places(text) <= most) return text;
  const tokens = text.match(QUOTED) ?? [];
  if (tokens.length > 1 && tokens.join(" ") === text) {
    for (let count = tokens.length - 1; count > 0; count--) {
      const some = `${tokens.slice(0, count).join(" ")} …`;
      if (places(some) <= most) return some;
    }
  }
  const all = [...letters.segment(text)].map(({ segment }) => segment);
  const room = Math.max(0, most - 1);
  const end = beginning(all.toReversed(), Math.floor(room / 3)).toReversed();
  const start = beginning(all, room - sum(end));
  return `${start.join("")}…${end.join("")}`;
}

/** The first letters that fit. */
function beginning(all: readonly string[], most: number): string[] {
  let taken = 0;
  const end = all.findIndex((letter) => {
    taken += placesOf(letter);
    return taken > most;
  });
  return end < 0 ? [...all] : all.slice(0, end);
}

function sum(all: readonly string[]): number {
  return all.reduce((total, letter) => total + placesOf(letter), 0);
}

/** Text in lines of so many places at most, broken at spaces, and within words that are longer; undefined: as it is. */
export function wrapped(text: string, most: number | undefined): string {
  if (most === undefined) return text;
  return text
    .split("\n")
    .map((line) => (places(line) <= most ? line : broken(line, most)))
    .join("\n");
}

/** A space where a line may break: not one that a token in quotes begins with, `" Mary"`. */
const BREAK = /(?<!(?:^|[\s(,])" *) /u;

function broken(line: string, most: number): string {
  const lines: string[] = [];
  let last: string | undefined;
  for (const word of line.split(BREAK)) {
    if (last !== undefined && places(last) + 1 + places(word) <= most) {
      last = `${last} ${word}`;
      continue;
    }
    if (last !== undefined) lines.push(last);
    let rest = [...letters.segment(word)].map(({ segment }) => segment);
    while (sum(rest) > most) {
      const part = beginning(rest, most);
      // A letter that takes more than there is stands alone.
      const taken = Math.max(1, part.length);
      lines.push(rest.slice(0, taken).join(""));
      rest = rest.slice(taken);
    }
    last = rest.join("");
  }
  if (last !== undefined) lines.push(last);
  return lines.join("\n");
}
