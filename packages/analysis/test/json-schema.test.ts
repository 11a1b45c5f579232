import { expect, test } from "vitest";
import { schemaFault } from "../src/index.ts";

const schema = {
  type: "object",
  properties: {
    kind: { const: "norms" },
    level: { enum: ["block", "head"] },
    share: { anyOf: [{ type: "null" }, { type: "number", minimum: 0, maximum: 1 }] },
    rows: { type: "array", items: { $ref: "#/$defs/Row" }, minItems: 1, maxItems: 2 },
    pair: { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false },
    counts: { type: "object", additionalProperties: { type: "number" } },
    any: true,
  },
  required: ["kind", "rows"],
  $defs: {
    Row: {
      type: "object",
      properties: { name: { type: "string" }, inside: { $ref: "#/$defs/Row" } },
      required: ["name"],
      additionalProperties: false,
    },
  },
} as const;

const good = { kind: "norms", rows: [{ name: "a", inside: { name: "b" } }] };

test.each([
  [{}],
  [{ level: "head", share: null, pair: ["a", 1], counts: { a: 1.5 }, any: [1], more: "free" }],
  [{ share: 0.5, level: undefined }],
  [{ counts: { odd: Number.NaN } }],
])("fits: %o", (more) => {
  expect(schemaFault(schema, { ...good, ...more })).toBeUndefined();
});

test.each([
  [{ kind: "norm" }, 'kind is "norm", where "norms" belongs'],
  [{ kind: undefined }, "the result has no kind"],
  [{ level: "layer" }, 'level is "layer", which is none of "block", "head"'],
  [{ share: 2 }, "share is above 1"],
  [{ share: -1 }, "share is below 0"],
  [{ share: "half" }, "share is a text, where a number belongs"],
  [{ rows: {} }, "rows is an object, where a list belongs"],
  [{ rows: [] }, "rows has 0 entries, fewer than 1"],
  [{ rows: [1, 2, 3] }, "rows has 3 entries, more than 2"],
  [{ rows: [{ name: "a" }, null] }, "rows[1] is null, where an object belongs"],
  [
    { rows: [{ name: "a", inside: { name: 3 } }] },
    "rows[0].inside.name is a number, where a text belongs",
  ],
  [{ rows: [{ name: "a", odd: 1 }] }, "rows[0].odd does not belong there"],
  [{ pair: ["a", 1.5] }, "pair[1] is a number, where an integer belongs"],
  [{ pair: ["a", 1, 2] }, "pair[2] does not belong there"],
  [{ counts: { a: true } }, "counts.a is a boolean, where a number belongs"],
])("does not: %o", (more, said) => {
  expect(schemaFault(schema, { ...good, ...more })).toBe(said);
});

test("a schema that refers to nothing, or to itself without end, is a fault and no crash", () => {
  expect(schemaFault({ $ref: "#/$defs/Odd" }, 1)).toContain("which the schema does not have");
  expect(schemaFault({ $ref: "#/constructor/name" }, 1)).toContain("does not have");
  expect(schemaFault({ $ref: "#" }, 1)).toBe("the result goes too deep");
});
