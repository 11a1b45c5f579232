import { toByteChars } from "./bytes.ts";
import {
  GPT2_WORDS,
  NUMERALS,
  PUNCTUATION,
  WHITE_SPACE,
  WHITE_SPACE_RUN,
  WORDS,
} from "./characters.ts";
import { prepending } from "./normalizer.ts";
import { badTokenizer, byType, type Part } from "./part.ts";
import { BEHAVIORS, literal, patternOf, split } from "./pattern.ts";
import { mapPiece, type Piece, type Report, slicePiece } from "./piece.ts";
import { scriptRuns } from "./scripts.ts";

/** Splits a text into the words that the model works on, each on its own. */
export type PreTokenizer = (pieces: readonly Piece[], report?: Report) => readonly Piece[];

export function preTokenizerOf(part: Part | undefined): PreTokenizer {
  return part === undefined ? (pieces) => pieces : byType(part, PRE_TOKENIZERS);
}

const PRE_TOKENIZERS: Readonly<Record<string, (part: Part) => PreTokenizer>> = {
  ByteLevel: (part) => {
    part.only("add_prefix_space", "trim_offsets", "use_regex");
    const prefix = part.flag("add_prefix_space");
    const words = part.flag("use_regex", true);
    const prepend = prepending(" ");
    return each((piece) => {
      const whole = prefix && !piece.text.startsWith(" ") ? prepend(piece) : piece;
      const pieces = words ? split(whole, GPT2_WORDS, "Isolated") : [whole];
      return pieces.map((one) => mapPiece(one, toByteChars));
    });
  },
  Metaspace: metaspace,
  Whitespace: (part) => {
    part.only();
    return each((piece) => split(piece, WORDS, "Removed", { invert: true }));
  },
  WhitespaceSplit: (part) => {
    part.only();
    return each((piece) => split(piece, WHITE_SPACE_RUN, "Removed"));
  },
  BertPreTokenizer: (part) => {
    part.only();
    return each((piece) =>
      split(piece, WHITE_SPACE_RUN, "Removed").flatMap((word) =>
        split(word, PUNCTUATION, "Isolated"),
      ),
    );
  },
  Digits: (part) => {
    part.only("individual_digits");
    const behavior = part.flag("individual_digits") ? "Isolated" : "Contiguous";
    return each((piece) => split(piece, NUMERALS, behavior));
  },
  Punctuation: (part) => {
    part.only("behavior");
    const behavior = part.choose("behavior", BEHAVIORS, "Isolated");
    return each((piece, report) => split(piece, PUNCTUATION, behavior, { removed: lost(report) }));
  },
  Split: (part) => {
    part.only("pattern", "behavior", "invert");
    const pattern = patternOf(part);
    const behavior = part.choose("behavior", BEHAVIORS);
    const invert = part.flag("invert", false);
    return each((piece, report) =>
      split(piece, pattern, behavior, { invert, removed: lost(report) }),
    );
  },
  CharDelimiterSplit: (part) => {
    part.only("delimiter");
    const pattern = literal(part.char("delimiter"));
    return each((piece, report) => split(piece, pattern, "Removed", { removed: lost(report) }));
  },
  UnicodeScripts: (part) => {
    part.only();
    return each((piece, report) => scriptRuns(piece, lost(report)));
  },
  FixedLength: (part) => {
    part.only("length");
    const length = part.count("length", 5);
    if (length === 0) throw badTokenizer(`${part.path}.length should be 1 or more, got 0`);
    return each((piece) => {
      const pieces: Piece[] = [];
      const chars = [...piece.text];
      for (let at = 0, start = 0; at < chars.length; at += length) {
        const end = start + chars.slice(at, at + length).join("").length;
        pieces.push(slicePiece(piece, start, end));
        start = end;
      }
      return pieces;
    });
  },
  Sequence: (part) => {
    part.only("pretokenizers");
    const steps = part.list("pretokenizers").map(preTokenizerOf);
    return (pieces, report) => steps.reduce((now, step) => step(now, report), pieces);
  },
};

/** A pre-tokenizer that works on each piece on its own; what becomes empty is gone. */
function each(step: (piece: Piece, report?: Report) => readonly Piece[]): PreTokenizer {
  return (pieces, report) =>
    pieces.flatMap((piece) => step(piece, report).filter(({ text }) => text !== ""));
}

function lost(report: Report | undefined): ((text: string) => void) | undefined {
  return report && ((text) => report({ kind: "vanished", text: text.replace(WHITE_SPACE, "") }));
}

function metaspace(part: Part): PreTokenizer {
  const { replacement, scheme, split: splits } = metaspaceFields(part);
  const prepend = prepending(replacement);
  const pattern = literal(replacement);
  return each((piece) => {
    // One character for another: what is the first stays so.
    const text = piece.text.replaceAll(" ", replacement);
    const marked = {
      text,
      first:
        replacement.length === 1
          ? piece.first
          : piece.text.slice(0, piece.first).replaceAll(" ", replacement).length,
    };
    const wants = scheme === "always" || (scheme === "first" && piece.first > 0);
    const whole = wants && !text.startsWith(replacement) ? prepend(marked) : marked;
    return splits ? split(whole, pattern, "MergedWithNext") : [whole];
  });
}

/** The fields of a Metaspace, as pre-tokenizer and as decoder; `add_prefix_space` is how older files say it. */
export function metaspaceFields(part: Part): {
  readonly replacement: string;
  readonly scheme: "first" | "never" | "always";
  readonly split: boolean;
} {
  part.only("replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split");
  const named = part.raw("prepend_scheme");
  const prefix = part.flag("add_prefix_space", true);
  let scheme = part.choose("prepend_scheme", ["first", "never", "always"], "always");
  if (!prefix) {
    if (named !== undefined && scheme !== "never") {
      throw badTokenizer(`${part.path}: add_prefix_space is false and prepend_scheme is ${scheme}`);
    }
    scheme = "never";
  }
  return { replacement: part.char("replacement"), scheme, split: part.flag("split", true) };
}
