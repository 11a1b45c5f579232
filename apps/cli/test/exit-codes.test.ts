import { once } from "node:events";
import { chmod, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { resolvent as resolventProcess } from "./command.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { resolvent } from "./program.ts";

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
});

/** A port of this machine that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // of a server that listens on a port
  server.close();
  await once(server, "close");
  return port;
}

/** In a process: a line on standard error for each connection of `fetch` that fails. */
const sayRefusals = `
  import { subscribe } from "node:diagnostics_channel";
  import { writeSync } from "node:fs";
  subscribe("undici:client:connectError", () => writeSync(2, "refused\\n"));`;

/** A command that has to fail: nothing on standard output, one message, no stack. */
async function fails(args: readonly string[], code: number, ...said: (string | RegExp)[]) {
  expectFailure(await resolvent(args), code, said);
}

/** The same, as a process: what a shell sees. */
async function processFails(args: readonly string[], code: number, ...said: (string | RegExp)[]) {
  expectFailure(await resolventProcess(args), code, said);
}

function expectFailure(
  result: { code: number | null; stdout: string; stderr: string },
  code: number,
  said: readonly (string | RegExp)[],
): void {
  expect(result.stdout).toBe("");
  for (const part of said) expect(result.stderr).toMatch(part);
  expect(result.stderr).not.toMatch(/^ +at |please report/m);
  expect(result.code).toBe(code);
}

describe.concurrent("2: a call that does not fit", () => {
  test.for<[string[], string | RegExp]>([
    [["expnd", "tales"], "Did you mean expand?"],
    [["expand", "M", "--promt", "a"], "Did you mean --prompt?"],
    [["run", "M", "--prompt", "a", "--tmperature", "1"], "Did you mean --temperature?"],
    [["--vrsion"], "Did you mean --version?"],
    [["expand"], "missing required argument 'model'"],
    [["expand", "M", "N", "--prompt", "a"], "too many arguments"],
    [["demo", "M"], "too many arguments"],
    [["expand", "M", "--prompt"], "argument missing"],
    [["expand", "M", "--prompt", "a", "--tokens", "1"], "two inputs. Give one of them."],
    [["expand", "M"], /There is no input\..*--prompt TEXT, --tokens 1,2,3/],
    [["run", "M", "--prompt", ""], "There is no input."],
    [["run", "M", "--prompt", "日本"], /no tokens/],
    [["expand", "M", "--tokens", ""], "takes whole numbers"],
    [["expand", "M", "--tokens", ","], "takes whole numbers"],
    [["expand", "M", "--tokens", "1,x"], 'got "x"'],
    [["expand", "M", "--tokens", "1,2.5"], 'got "2.5"'],
    [["expand", "M", "--tokens", "1,-2"], 'got "-2"'],
    [["expand", "M", "--tokens", "1,29"], /0 to 28, got 29/],
    [["expand", "M", "--tokens", "99999999999999999999"], "takes whole numbers"],
    [["run", "M", "--tokens", Array(25).fill("1").join()], /at most 24 tokens, got 25/],
    [
      ["expand", "M", "--prompt", "a", "--freeze", "patern"],
      /pattern,norm,activation; got "patern"/,
    ],
    [["expand", "M", "--prompt", "a", "--freeze", ""], 'got ""'],
    [["expand", "M", "--prompt", "a", "--freeze", "__proto__"], 'got "__proto__"'],
    [["expand", "M", "--prompt", "a", "--max-degree", "-1"], "whole number from 0"],
    [["expand", "M", "--prompt", "a", "--max-degree", "1e9"], "whole number from 0"],
    [["expand", "M", "--prompt", "a", "--max-degree", "many"], "whole number from 0"],
    [["expand", "M", "--prompt", "a", "--threads", "0"], "whole number from 1"],
    [["expand", "M", "--prompt", "a", "--threads", "257"], /from 1 to 256, got 257/],
    [["expand", "M", "--prompt", "a", "--precision", "f16"], "Allowed choices are f32, f64"],
    [["expand", "M", "--prompt", "a", "--format", "xml"], "Allowed choices are table, json"],
    [["expand", "M", "--prompt", "a", "--json", "--format", "csv"], "two formats"],
    [["inspect", "M", "--format", "csv", "--json"], "two formats"],
    [["run", "M", "--prompt", "a", "--json", "--format", "table"], "two formats"],
    [["expand", "M", "--prompt", "a", "--max-memory", "lots"], "a size such as 500MB or 2GiB"],
    [["expand", "M", "--prompt", "a", "--method", "sweep", "--freeze", "none"], "Freeze all gates"],
    [["expand", "M", "--prompt", "a", "--reference-prompt", "b"], "takes no prompt"],
    [["expand", "M", "--prompt", "a", "--reference", "run"], "takes one prompt, got 0"],
    [
      ["expand", "M", "--prompt", "a", "--reference", "run", "--reference-prompt", "b", "c"],
      "takes one prompt, got 2",
    ],
    [
      ["expand", "M", "--prompt", "a", "--reference", "run", "--reference-prompt", "bc"],
      /as many tokens as the input: 1, got 2/,
    ],
    [["run", "M", "--prompt", "a", "--top", "0"], "whole number from 1"],
    [["run", "M", "--prompt", "a", "--temperature", "-1"], "a number from 0"],
    [["run", "M", "--prompt", "a", "--temperature", "nan"], "a number from 0"],
    [["run", "M", "--prompt", "a", "--top-p", "0"], "above 0 and at most 1"],
    [["run", "M", "--prompt", "a", "--top-k", "0"], "whole number from 1"],
    [["run", "M", "--prompt", "a", "--seed", "x"], "whole number from 0"],
    [
      ["run", "M", "--prompt", "a", "--sites", "L9.*"],
      /no site "L9\.\*".*"\*" stands for all sites/,
    ],
  ])("%j", async ([args, said]) => {
    await fails(
      args.map((arg) => (arg === "M" ? model : arg)),
      2,
      said,
    );
  });

  test.for(["nowhere", "__proto__", "constructor", "", "a\u001b[2Jb", "x".repeat(5000)])(
    "a model that is neither bundled nor a folder: %j",
    async (name) => {
      await fails(["expand", name, "--prompt", "a"], 2, /neither a bundled model nor a folder/);
    },
  );

  test.for([
    [["expand", "tale", "--prompt", "a"], "tales"],
    [["features", "tales", "--dictionary", "tales-transcoder"], "tales-transcoders"],
    [["schema", "pahts"], "paths"],
  ] as const)("a name that is nearly right, with the one that is: %j", async ([args, near]) => {
    await fails(args, 2, `Did you mean "${near}"?`);
  });

  test("a name that can be looked for nowhere, at once, and what to do", async () => {
    const args = ["expand", "nobody/nothing", "--prompt", "a"];
    const port = await closedPort();
    const { code, stderr } = await resolventProcess(args, {
      env: {
        ...{ HF_HUB_OFFLINE: "0", HF_ENDPOINT: `http://127.0.0.1:${port}`, HF_HOME: model },
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(sayRefusals)}`,
      },
    });
    // Once again, and no back-off: six tries.
    expect(stderr.match(/^refused$/gm)).toHaveLength(2);
    expect(code).toBe(2);
    expect(stderr).toMatch(/"nobody\/nothing" is neither a bundled model nor a folder here/);
    expect(stderr).toMatch(/127\.0\.0\.1:\d+ could not be reached.*ECONNREFUSED/);
    expect(stderr).toMatch(/--offline/);
  });

  test("in a process: a word and a name", async () => {
    await processFails(["expnd", "tales"], 2, "Did you mean expand?");
    await processFails(["expand", "nowhere", "--prompt", "a"], 2, "neither a bundled model");
  });

  test("a model that is a file", async () => {
    await fails(["inspect", join(model, "config.json")], 2, "is a file; a model is a folder");
  });

  test("no command at all shows what there is, as an error", async () => {
    const { code, stdout, stderr } = await resolventProcess([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/Usage: resolvent.*expand.*inspect.*run.*demo/s);
  });
});

describe.concurrent("0: what is asked for is given on standard output", () => {
  test.for([
    ["--help", /^Usage: resolvent \[options\].*Exit codes: 0 done;.* 6 numbers are not finite/s],
    ["help", /^Usage: resolvent \[options\]/],
    ["help expand", /^Usage: resolvent expand.*Examples:/s],
    ["expand --help", /^Usage: resolvent expand.*Examples:/s],
    ["--version", /^\d+\.\d+\.\d+\n$/],
    ["-V", /^\d+\.\d+\.\d+\n$/],
  ] as const)("%s", async ([args, said]) => {
    // A process for one: `start.test.ts` has those of the version.
    const asked = args === "--help" ? resolventProcess : resolvent;
    const { code, stdout, stderr } = await asked(args.split(" "));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(said);
  });
});

describe("3: files at fault", () => {
  const broken = async (name: string, change: (path: string) => Promise<unknown>) => {
    const path = await writeModel(join(folder, name), "gpt2");
    await change(path);
    return path;
  };
  const everywhere = async (path: string, ...said: (string | RegExp)[]) => {
    await fails(["expand", path, "--tokens", "1"], 3, ...said);
    await fails(["run", path, "--tokens", "1"], 3, ...said);
    await fails(["inspect", path], 3, ...said);
  };

  test("an empty folder", async () => {
    await mkdir(join(folder, "empty"));
    await everywhere(join(folder, "empty"), "has no config.json", /\[transformer\/no-config\]/);
    await processFails(["inspect", join(folder, "empty")], 3, "has no config.json");
    // The fault of the folder comes first, whatever else is amiss.
    await fails(["expand", join(folder, "empty"), "--prompt", "a"], 3, "has no config.json");
  });

  test("no weights", async () => {
    await mkdir(join(folder, "bare"));
    await writeFile(
      join(folder, "bare", "config.json"),
      await readFile(join(model, "config.json")),
    );
    await everywhere(join(folder, "bare"), "neither model.safetensors nor");
  });

  test("weights cut short", async () => {
    const path = await broken("cut", (at) => truncate(join(at, "model.safetensors"), 20_000));
    await everywhere(path, /20000/, /\[weights\/truncated\]/);
  });

  test("weights that are a pointer or a page", async () => {
    const path = await broken("pointer", (at) =>
      writeFile(join(at, "model.safetensors"), "version https://git-lfs.github.com/spec/v1\n"),
    );
    await everywhere(path, /\[weights\/[\w-]+\]/);
  });

  test("a config that is no JSON, or no object", async () => {
    for (const [name, text] of [
      ["half", '{"model_type": "gpt2",'],
      ["list", "[]"],
      ["nothing", ""],
    ] as const) {
      const path = await broken(name, (at) => writeFile(join(at, "config.json"), text));
      await everywhere(path, /\[transformer\/bad-json\]/);
    }
  });

  test("a config with a wrong number", async () => {
    const path = await broken("odd", (at) =>
      writeFile(
        join(at, "config.json"),
        '{"model_type":"gpt2","n_embd":16,"n_head":2,"n_layer":"two"}',
      ),
    );
    await everywhere(path, /n_layer/, /\[transformer\/bad-config\]/);
  });

  test("weights that lack a tensor, or have other sizes", async () => {
    const path = await broken("deeper", async (at) => {
      const config = JSON.parse(await readFile(join(at, "config.json"), "utf8"));
      await writeFile(join(at, "config.json"), JSON.stringify({ ...config, n_layer: 3 }));
    });
    await fails(["run", path, "--tokens", "1"], 3, /h\.2\..*\[transformer\/missing-tensor\]/s);
    const other = await broken("wider", async (at) => {
      const config = JSON.parse(await readFile(join(at, "config.json"), "utf8"));
      await writeFile(join(at, "config.json"), JSON.stringify({ ...config, n_positions: 25 }));
    });
    await fails(["run", other, "--tokens", "1"], 3, /24.*25|25.*24/s, "transformer/wrong-size");
  });

  test("a tokenizer that cannot be used", async () => {
    const path = await broken("tokens", (at) =>
      writeFile(join(at, "tokenizer.json"), '{"model":{"type":"Sausage"}}'),
    );
    await fails(["run", path, "--prompt", "a"], 3, /\[transformer\/bad-tokenizer\]/);
  });

  test("a folder without permission", async (context) => {
    const closed = join(folder, "closed");
    const inside = await writeModel(join(closed, "inside"), "gpt2");
    await chmod(folder, 0o755);
    await chmod(closed, 0o000);
    // The superuser may read everything, so another user has to try.
    const user = process.getuid?.() === 0 ? { uid: 65534 } : {};
    try {
      const able = await resolventProcess(["--version"], user).catch(() => undefined);
      if (able?.code !== 0) context.skip("another user cannot run the command here");
      const { code, stdout, stderr } = await resolventProcess(["inspect", inside], user);
      expect([code, stdout]).toEqual([3, ""]);
      expect(stderr).toMatch(/cannot be read \(EACCES\).*permissions.*\[cli\/unreadable\]/);
      const outside = await resolventProcess(["inspect", closed], user);
      expect(outside.code).toBe(3);
      expect(outside.stderr).toMatch(/EACCES.*\[weights\/unreadable\]/);
    } finally {
      await chmod(closed, 0o755);
    }
  });
});

describe("4: a model that is not supported: the field and its value are named", () => {
  test.each([
    ["model_type", "mamba", { model_type: "mamba" }],
    ["activation_function", "tanh", { model_type: "gpt2", activation_function: "tanh" }],
  ])("%s %s", async (field, value, fields) => {
    const path = await writeModel(join(folder, value), "gpt2");
    const config = JSON.parse(await readFile(join(path, "config.json"), "utf8"));
    await writeFile(join(path, "config.json"), JSON.stringify({ ...config, ...fields }));
    for (const command of [
      ["expand", path, "--tokens", "1"],
      ["run", path, "--prompt", "a"],
      ["inspect", path],
    ]) {
      await fails(command, 4, field, value, /\[transformer\/unsupported-config\]/);
    }
    await processFails(["inspect", path], 4, field, value);
  });
});
