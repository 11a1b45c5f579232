// Keeps a report of each public package's API beside it, `packages/x/x.api.md`: a change of the API shows
// in review. Without arguments, fails where a report is out of date; with --write, rewrites it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { isPublic, membersOf, repository } from "./members.mjs";

const write = process.argv.includes("--write");
const temp = join(repository, "temp", "api");

for (const member of membersOf(repository).filter(isPublic)) {
  for (const [entry, types] of typedEntries(member.manifest)) {
    const file = `${member.id}${entry.slice(1).replaceAll("/", ".")}.api.md`;
    const path = join(repository, member.folder, file);
    if (!existsSync(join(repository, member.folder, types))) {
      console.error(`${member.folder}: ${types} is not there: run "npm run build" first.`);
      process.exitCode = 1;
      continue;
    }
    const made = report(join(repository, member.folder), types, file);
    if (existsSync(path) && readFileSync(path, "utf8") === made) continue;
    if (write) {
      writeFileSync(path, made);
      console.log(`wrote ${member.folder}/${file}`);
    } else {
      console.error(
        `${member.folder}/${file} is out of date: run "npm run api", look, and commit it.`,
      );
      process.exitCode = 1;
    }
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
 * The API report of one entry point, made from its built declarations.
 * @param {string} folder the package's folder
 * @param {string} types the declarations, from that folder
 * @param {string} file the report's name
 * @returns {string}
 */
function report(folder, types, file) {
  rmSync(temp, { recursive: true, force: true });
  mkdirSync(temp, { recursive: true });
  const config = ExtractorConfig.prepare({
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
  const result = Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      // Its greeting, and its remark that it is built on an older TypeScript than ours.
      if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
    },
  });
  if (result.errorCount > 0) {
    throw new Error(`api-extractor found ${result.errorCount} errors in ${join(folder, types)}.`);
  }
  return readFileSync(join(temp, file), "utf8");
}
