import { type Piece, slicePiece } from "./piece.ts";

/** The scripts of Unicode that the original's table has. */
const SCRIPTS =
  "Common Latin Han Cyrillic Greek Arabic Hebrew Devanagari Hangul Thai Inherited Adlam Ahom Anatolian_Hieroglyphs Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Coptic Cuneiform Cypriot Deseret Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Gujarati Gurmukhi Hanunoo Hatran Imperial_Aramaic Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Kayah_Li Kharoshthi Khmer Khojki Khudawadi Lao Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam Mandaic Manichaean Marchen Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue Newa Nko Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi".split(
    " ",
  );

const known = new Map<string, string | undefined>();

/** The script of a character, the Japanese ones as one with Han; undefined for a space and for what has none. */
function scriptOf(char: string): string | undefined {
  if (!known.has(char)) known.set(char, look(char));
  return known.get(char);
}

function look(char: string): string | undefined {
  if (char === " ") return undefined;
  if (char === "ー" || /[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(char)) return "Han";
  return SCRIPTS.find((name) => new RegExp(`\\p{Script=${name}}`, "u").test(char));
}

/** Runs of one script; what comes before the first character with a script is left out, as the original does, and goes to `left`. */
export function scriptRuns(piece: Piece, left?: (text: string) => void): readonly Piece[] {
  const starts: number[] = [];
  let last: string | undefined;
  let at = 0;
  for (const char of piece.text) {
    const script = scriptOf(char);
    if (script !== undefined && script !== last) starts.push(at);
    last = script ?? last;
    at += char.length;
  }
  const [first = at] = starts;
  if (first > 0) left?.(piece.text.slice(0, first));
  return starts.map((start, index) => slicePiece(piece, start, starts[index + 1] ?? at));
}
