import { readdirSync } from "node:fs";
import { isInputError } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { expect, test } from "vitest";
import { planned } from "./fixture-models.ts";

/** A configuration that is refused, and the code that the fixtures suggest. */
interface Refused {
  readonly file: string;
  readonly why: string;
  readonly code: string;
}

/** Our names for what the fixtures suggest: codes begin with the package, and checkpoints are those of weights. */
const CODES: Readonly<Record<string, string>> = {
  "checkpoint/shard-missing": "weights/missing-shard",
  "checkpoint/shard-path": "weights/shard-outside-folder",
  "checkpoint/tensor-missing": "weights/missing-in-shard",
  "checkpoint/not-found": "weights/no-checkpoint",
};

describeWithFixtures("plans", (fixtures) => {
  const json = <T>(name: string): T => fixtures.golden<T>(`../fixtures/merging/${name}`);
  const names = readdirSync(fixtures.path("fixtures/merging/configs")).map((file) =>
    file.replace(/\.yml$/, ""),
  );

  test("there are as many as the fixtures say", () => {
    expect(names).toHaveLength(36);
  });

  test.each(names)("%s", async (name) => {
    const { plan } = await planned(fixtures, `configs/${name}.yml`);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(json(`expected/${name}.plan`));
  });

  const refused = json<Refused[]>("invalid");

  test("there are as many to refuse as the fixtures say", () => {
    expect(refused).toHaveLength(43);
  });

  // What a number of a tensor is, no plan knows.
  test.each(refused.filter(({ code }) => code !== "merge/not-finite"))(
    "$file: $why",
    async ({ file, code }) => {
      const error = await planned(fixtures, `invalid/${file}`).catch((thrown: unknown) => thrown);
      expect(isInputError(error), String(error)).toBe(true);
      const expected = CODES[code] ?? code.replace("config/", "merge/config-");
      expect(error).toMatchObject({ code: expected });
    },
  );
});
