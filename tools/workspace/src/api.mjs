// Keeps a report of each public package's API beside it, `packages/x/x.api.md`: a change of the API shows
// in review. Without arguments, fails where a report is out of date; with --write, rewrites it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
} from "@microsoft/api-extractor";
import { isPublic, membersOf, repository } from "./members.mjs";

const write = process.argv.includes("--write");
const temp = join(repository, "temp", "api");

/** @type {{file: string, path: string, config: ExtractorConfig}[]} */
const reports = [];
for (const member of membersOf(repository).filter(isPublic)) {
  for (const [entry, types] of typedEntries(member.manifest)) {
    const file = `${member.id}${entry.slice(1).replaceAll("/", ".")}.api.md`;
    const path = join(member.folder, file);
    if (!existsSync(join(repository, member.folder, types))) {
      console.error(`${member.folder}: ${types} is not there: run "npm run build" first.`);
      process.exitCode = 1;
      continue;
    }
    reports.push({ file, path, config: configOf(join(repository, member.folder), types, file) });
  }
}

// All entries are analysed together: the language's own types, and what packages have of each other, are read once.
const [first] = reports;
const compilerState =
  first &&
  CompilerState.create(first.config, {
    additionalEntryPoints: reports.map(({ config }) => config.mainEntryPointFilePath),
  });

for (const { file, path, config } of reports) {
  const whole = join(repository, path);
  const made = report(config, file);
  if (existsSync(whole) && readFileSync(whole, "utf8") === made) continue;
  if (write) {
    writeFileSync(whole, made);
    console.log(`wrote ${path}`);
  } else {
    console.error(`${path} is out of date: run "npm run api", look, and commit it.`);
    process.exitCode = 1;
  }
}

/**
 * The entry points of a package that have types: `[".", "./dist/index.d.ts"]`.
 * @param {import("./members.mjs").Manifest} manifest
 * @returns {[entry: string, types: string][]}
 */
function typedEntries({ exports }) {
  if (typeof exports !== "object") return [];
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target !== "object" || target === null || !("types" in target)) return [];
    return [[entry, String(target.types)]];
  });
}

/**
 * How the report of one entry point is made from its built declarations.
 * @param {string} folder the package's folder
 * @param {string} types the declarations, from that folder
 * @param {string} file the report's name
 */
function configOf(folder, types, file) {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, types),
      // The declarations of other packages are read as consumers read them: built, not from source.
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "ES2023",
            lib: ["ES2023", "DOM"],
            module: "NodeNext",
            moduleResolution: "NodeNext",
            strict: true,
            skipLibCheck: true,
            types: [],
          },
          files: [join(folder, types)],
        },
      },
      newlineKind: "lf",
      apiReport: {
        enabled: true,
        reportFileName: file,
        reportFolder: temp,
        reportTempFolder: temp,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        // Release tags and complete TSDoc are not asked for; what the report shows is the API itself.
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
  });
}

/**
 * The API report of one entry point.
 * @param {ExtractorConfig} config
 * @param {string} file the report's name
 * @returns {string}
 */
function report(config, file) {
  rmSync(temp, { recursive: true, force: true });
  mkdirSync(temp, { recursive: true });
  const result = Extractor.invoke(config, {
    localBuild: true,
    ...(compilerState && { compilerState }),
    messageCallback(message) {
      // Its greeting, and its remark that it is built on an older TypeScript than ours.
      if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
    },
  });
  if (result.errorCount > 0) {
    throw new Error(
      `api-extractor found ${result.errorCount} errors in ${config.mainEntryPointFilePath}.`,
    );
  }
  return readFileSync(join(temp, file), "utf8");
}
