import type { Random } from "./random.ts";

const WORDS =
  "the a an and in on of to Mary John market gave drink When store Hello world is was not isn't don't you've we'll I'm it's can't DON'T I'M it'S naïve café résumé Zürich Straße don’t tokenization unbelievable antidisestablishmentarianism aaaaaaaaaaaaaaaaaaaaaaaaaaaa ababababababab foo_bar fooBar x1y2z3 http://a.b/c?d=e&f=g e.g. U.S.A. 3.14 1,000,000 1234567890 2024-01-31 0x1F".split(
    " ",
  );

/** Stretches that tokenizers go wrong on. */
const ODD: readonly string[] = [
  ..." |  |   |\t|\n|\r|\r\n|\n\n|\v|\f|\u001c|\u001d|\u001e|\u001f|\u0085|\u00a0|\u1680|\u2000|\u2003|\u2009|\u200a|\u2028|\u2029|\u202f|\u205f|\u3000|\ufeff|\u200b|\u200c|\u200d|\u2060|\u180e|\u00ad".split(
    "|",
  ),
  ..."0 9 ٣ ४ 𝟘 ½ ² ₃ Ⅷ ㉈ 一 〇 ① ৴ 𐄇 ௰".split(" "),
  ..."! ? . , ; : ' \" ` ~ @ # $ % ^ & * ( ) - _ = + [ ] { } \\ | / < > … — ‿ ⁀ « » ¿ ¡ § ¶ † € £ ¥ © ® ™ ° ± × ÷ ← ∑ ♥ ▁ ▁▁ Ġ Ċ ĠĠ „ “ ” ‘ ’ ′ 。 、 ！ ？ ・ ー".split(
    " ",
  ),
  ..."é é ñ ñ ü ç å Å Å Ω Ω ﬁ ﬀ ﬃ ß ẞ İ ı Σ ς ΑΣ ſ K ǆ ǅ Ǆ ŉ ΐ ᾳ ½ ㎏ ｆｕｌｌ ﾊﾝ ﾞ 각 각 가 ᄀ ᅡ ᆨ".split(
    " ",
  ),
  ..."\u0300 \u0301 \u0345 \u0323\u0301 \u0301\u0323 \u20dd \u093f \u0e33 \u0bcd".split(" "),
  ..."日本語 中文 漢字 ひらがな カタカナ 한국어 русский ελληνικά עברית العربية हिन्दी ไทย ქართული አማርኛ தமிழ் 𠀀 𪚥 豈 㐀".split(
    " ",
  ),
  ..."😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☃️ 🤖 𝓐 𐍈 🀄".split(" "),
  ..."\u0000 \u0001 \u0008 \u000b \u007f \u0080 \u009f \ufffd \ufffe \uffff \ue000 \u{f0000} \u{10ffff} \ud800 \udc00 \udc00\ud800".split(
    " ",
  ),
  ..."'s 'S 't 're 'RE 've 'm 'll 'LL 'd 'ſ ’s n't do not 've 're".split(" "),
  ..."<s> </s> <unk> <pad> <|endoftext|> <|end |endoftext|> [CLS] [SEP] [UNK] [MASK] TOK TOKs sTOK TOK_ TOK. ÉTOK tok <mask> <mask>x NORM norm ＮＯＲＭ Xyz xyz XYZs <0x41> <0xC3> <0xa9> <0x </w> ## ##a @@ a## ▁a $1 \\1".split(
    " ",
  ),
];

/** Ranges of assigned characters of many scripts, old enough for every library's tables. */
const RANGES: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0xa1, 0x17f],
  [0x250, 0x2ad],
  [0x391, 0x3a1],
  [0x400, 0x45f],
  [0x5d0, 0x5ea],
  [0x621, 0x63a],
  [0x905, 0x939],
  [0xe01, 0xe3a],
  [0x1100, 0x1112],
  [0x1e00, 0x1eff],
  [0x2010, 0x2027],
  [0x2070, 0x2071],
  [0x2100, 0x2138],
  [0x2150, 0x2188],
  [0x2190, 0x21ff],
  [0x2460, 0x24ff],
  [0x2500, 0x257f],
  [0x3041, 0x3096],
  [0x30a1, 0x30fe],
  [0x3400, 0x3410],
  [0x4e00, 0x4e40],
  [0xac00, 0xac60],
  [0xfb00, 0xfb06],
  [0xff01, 0xff5e],
  [0x10330, 0x1034a],
  [0x1d400, 0x1d454],
  [0x1f600, 0x1f64f],
  [0x20000, 0x20020],
  [0x2f800, 0x2f810],
];

function char(random: Random): string {
  const [from, to] = random.pick(RANGES);
  return String.fromCodePoint(from + random.below(to - from + 1));
}

/** Texts of words, odd stretches and characters of many scripts, some with spaces between them; the first is empty. */
export function texts(random: Random, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    if (index === 0) return "";
    let text = "";
    const parts = 1 + random.below(random.chance(0.1) ? 40 : 8);
    const space = random.chance(0.5) ? 0.8 : 0.2;
    const odd = random.chance(0.3) ? 0.1 : 0.6;
    for (let part = 0; part < parts; part++) {
      if (random.chance(odd)) text += random.chance(0.7) ? random.pick(ODD) : char(random);
      else text += random.pick(WORDS);
      if (random.chance(space)) text += " ";
    }
    return text;
  });
}

/** Words to learn merges and pieces from. */
export function trainingWords(random: Random): readonly string[] {
  const some = Array.from({ length: 400 }, () =>
    random.chance(0.8) ? random.pick(WORDS) : random.pick(ODD),
  );
  return some.map((word) => word.replace(/\p{Surrogate}/gu, ""));
}
