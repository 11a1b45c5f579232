import { expect, test } from "vitest";
import { exponentOf } from "../src/growth/exponent.ts";
import { contest } from "../src/torch/contest.ts";
import { type Contestant, inProcess } from "../src/torch/contestant.ts";
import { report } from "../src/torch/report.ts";

/** A contender that writes a result, and then does what is said at its turns. */
const contestant = (name: string, turn: string, before = ""): Contestant =>
  inProcess({
    name,
    command: [
      process.execPath,
      "-e",
      `${before}
    const answer = (value) => process.stdout.write(JSON.stringify(value) + "\\n");
    answer({ is: "a program", blas: null, threads: 1 });
    require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const request = JSON.parse(line);
      if ("write" in request) {
        require("node:fs").writeFileSync(request.write, new Uint8Array(new Float32Array([1, 2]).buffer));
        answer({});
      } else if ("peak" in request) answer({ bytes: 2 ** 20 });
      else { ${turn} }
    });`,
    ],
    env: {},
  });

test("who cannot run is a line of the table and not the end of the contest", async () => {
  const able = `answer({ ms: 10, cpu: 10 });`;
  const ill = `process.kill(process.pid, "SIGILL");`;
  const result = await contest(
    [
      contestant("PyTorch, unable", able, `${ill} setInterval(() => {}, 1000);`),
      contestant("PyTorch, at its turn", "process.exit(3)"),
      contestant("PyTorch", able),
      inProcess({ name: "PyTorch, absent", command: ["/no/such/program"], env: {} }),
      contestant("Resolvent", `answer({ ms: 5, cpu: 5 });`),
    ],
    {},
    { patience: 0, budget: 1, warmUp: 20 },
  );
  expect(result.scores.map(({ contestant }) => contestant)).toEqual(["PyTorch", "Resolvent"]);
  expect(
    Object.fromEntries(result.dropouts.map(({ contestant, why }) => [contestant, why])),
  ).toEqual({
    "PyTorch, unable": "ended by SIGILL",
    "PyTorch, at its turn": "ended with 3",
    "PyTorch, absent": expect.stringContaining("ENOENT"),
  });
  const { results, ratios } = report([{ task: "forward, 128", pieces: 1, ...result }], [], "here");
  expect(results).toContain("ended by SIGILL");
  expect(ratios).toContain("| forward, 128 | 2.00 (2.00) |");
  expect(ratios).not.toContain("SIGILL"); // columns of others are no ratios
});

test("where nobody is to be compared with there is no ratio", async () => {
  const result = await contest(
    [contestant("Resolvent", `answer({ ms: 5, cpu: 5 });`)],
    {},
    {
      patience: 0,
      budget: 1,
    },
  );
  const { ratios } = report([{ task: "forward, 128", pieces: 1, ...result }], [], "here");
  expect(ratios).toContain("| forward, 128 | – |");
});

test("the exponent is that of a power, and leaves out what was not measured", () => {
  const sizes = [128, 256, 512, 1024];
  const power = sizes.map((size) => 3 * size ** 1.25);
  expect(exponentOf(sizes, power)).toBeCloseTo(1.25, 12);
  expect(exponentOf(sizes, [power[0] ?? 0, Number.NaN, power[2] ?? 0, power[3] ?? 0])).toBeCloseTo(
    1.25,
    12,
  );
  // Between two and three times for each doubling, by hand: (ln 2 + ln 3) / (2 ln 2).
  expect(exponentOf([1, 2, 4], [1, 2, 6])).toBeCloseTo(Math.log(6) / Math.log(4), 12);
});
