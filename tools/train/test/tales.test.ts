import { describe, expect, test } from "vitest";
import { seededRandom } from "../src/random.ts";
import { drawGiving } from "../src/tales/giving.ts";
import { isReserved, reservedShare } from "../src/tales/reserved.ts";
import { type TaleOptions, taleCorpus } from "../src/tales/tale.ts";
import { type Person, people, places } from "../src/tales/words.ts";

const take = (options: TaleOptions, count: number): string[] => {
  const corpus = taleCorpus(options);
  return Array.from({ length: count }, () => corpus.next().value as string); // it has no end
};
const tales = take({ seed: 11 }, 4000);
const all = tales.join("\n");
const isPlural = (word: string): boolean => /s$|^mice$|^children$/.test(word);

/** Every match of a pattern over all tales; fails where there are too few to mean anything. */
const matches = (pattern: RegExp): string[][] => {
  const found = [...all.matchAll(pattern)].map((match) => [...match]);
  expect(found.length).toBeGreaterThan(100);
  return found;
};

describe("taleCorpus", () => {
  test("depends on seed and split only", () => {
    expect(take({ seed: 11 }, 50)).toEqual(tales.slice(0, 50));
    expect(take({ seed: 11, split: "train" }, 50)).toEqual(tales.slice(0, 50));
    expect(take({ seed: 12 }, 50)).not.toEqual(tales.slice(0, 50));
  });

  test("held-out tales are not training tales", () => {
    const heldOut = take({ seed: 11, split: "held-out" }, 4000);
    const known = new Set(tales);
    expect(heldOut.filter((tale) => known.has(tale))).toEqual([]);
  });

  test("has at least 24 names and 250 to 360 words", () => {
    expect(new Set(people.map(({ name }) => name)).size).toBe(people.length);
    expect(people.length).toBeGreaterThanOrEqual(24);
    const words = new Set(all.toLowerCase().match(/[a-z]+/g));
    expect(words.size).toBeGreaterThan(250);
    expect(words.size).toBeLessThan(360);
    for (const { name } of people) expect(words.has(name.toLowerCase())).toBe(true);
  });

  test("is varied: hardly a tale comes twice", () => {
    expect(new Set(tales).size).toBeGreaterThan(0.999 * tales.length);
  });
});

describe("the English of the tales", () => {
  test("has no stray spaces, characters or punctuation", () => {
    for (const tale of tales) {
      expect(tale).toMatch(/^["A-Z][A-Za-z ,.:!?"]*[.!]"?$/);
      expect(tale).not.toMatch(/ {2}|^ | $| [,.:!?]|[,.:!?][A-Za-z]|[,.!?]{2}|undefined|[{}]/);
    }
  });

  test("opens and closes every quote", () => {
    for (const tale of tales) {
      const parts = tale.split('"');
      expect(parts.length % 2).toBe(1);
      parts.forEach((part, i) => {
        if (i % 2 === 1)
          expect(part).toMatch(/^[A-Za-z].*[,.!?]$/); // said
        else if (i > 0 && part !== "") expect(part).toMatch(/^ /); // after it
      });
    }
  });

  test("begins sentences with a capital", () => {
    for (const [, next] of matches(/\. "?(\w)/g)) expect(next).toMatch(/[A-Z]/);
  });

  test("says a and an rightly", () => {
    for (const [, article, next] of matches(/\b(an?) (\w+)/g)) {
      expect([article, next]).toEqual([/^[aeiou]/.test(next ?? "") ? "an" : "a", next]);
    }
  });

  test("agrees across the phrase in between", () => {
    const found = matches(
      /\b[Tt]he (\w+) (?:to|near|behind|by|above|about|from|with) the (\w+) (was|were|is|are)\b/g,
    );
    for (const [sentence, head = "", , verb = ""] of found) {
      expect([sentence, /were|are/.test(verb)]).toEqual([sentence, isPlural(head)]);
    }
    const attracted = found.filter(([, head = "", near = ""]) => isPlural(head) !== isPlural(near));
    expect(attracted.length).toBeGreaterThan(0.3 * found.length);
  });

  test("uses he and she by the name", () => {
    const heOf = new Map(people.map(({ name, he }) => [name, he]));
    for (const [sentence, name = "", he] of matches(/(\w+) was \w+, (?:so|but) (he|she)\b/g)) {
      expect([sentence, he]).toEqual([sentence, heOf.get(name)]);
    }
  });

  test("gives to the one who does not give", () => {
    const found = matches(
      /When (\w+) and (\w+) went to the \w+, (\w+) (?:gave|handed|showed) an? \w+ to (\w+)/g,
    );
    for (const [, a, b, giver, recipient] of found) {
      expect([a, b]).toContain(giver);
      expect(recipient).toBe(giver === a ? b : a);
    }
    const first = found.filter(([, a, , giver]) => a === giver).length; // BABA, the rest ABBA
    expect(Math.abs(first / found.length - 0.5)).toBeLessThan(0.2);
  });
});

describe("combinations kept for evaluation", () => {
  test("are one in eight", () => {
    let count = 0;
    for (let i = 0; i < 8000; i++) if (isReserved("x", i)) count++;
    expect(Math.abs(count - 8000 / reservedShare)).toBeLessThan(150); // 5 σ
  });

  test("do not come in tales", () => {
    const found = matches(
      /When (\w+) and (\w+) went to the \w+, (\w+) (\w+ (?:an?|good) (?:\w+ )?\w+ to) (\w+)/g,
    );
    for (const [sentence, , , giver = "", action = "", recipient = ""] of found) {
      const reserved = isReserved("giving", 0, giver, recipient, action); // 0: the first opening
      expect([sentence, reserved]).toEqual([sentence, false]);
    }
  });

  test("are all that is drawn for evaluation", () => {
    const random = seededRandom(1);
    let seen = 0;
    for (let i = 0; i < 500; i++) {
      const [a, b] = random.sample(people, 2) as [Person, Person]; // there are more than two
      const { prompt } = drawGiving(random, [a, b], () => random.pick(places), true);
      const action = prompt.match(/^When .* went to the \w+, \w+ (.*)$/)?.[1];
      if (action === undefined) continue;
      seen++;
      expect(isReserved("giving", 0, a.name, b.name, action)).toBe(true);
    }
    expect(seen).toBeGreaterThan(10);
  });
});
