import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright";
import { DIST } from "./served.ts";

/** Files of a part of the app, min + gzip. */
export interface Part {
  readonly what: string;
  /** Scripts and styles; kernels and weights apart. */
  readonly bytes: number;
  readonly files: number;
  readonly goal: number | null;
}

/** Gathers scripts and styles that a page asks for, part by part. */
export function gathered(page: Page): {
  part(what: string, goal?: number): void;
  parts(): readonly Part[];
} {
  const seen = new Set<string>();
  const fresh = new Set<string>();
  const parts: Part[] = [];
  page.on("request", (request) => {
    const file = new URL(request.url()).pathname.slice(1);
    if (!/\.(?:js|css)$/.test(file) || seen.has(file)) return;
    seen.add(file);
    fresh.add(file);
  });
  return {
    part: (what, goal) => {
      const bytes = [...fresh].reduce((sum, file) => sum + sizeOf(file), 0);
      parts.push({ what, bytes, files: fresh.size, goal: goal ?? null });
      fresh.clear();
    },
    parts: () => parts,
  };
}

const sizeOf = (file: string): number => gzipSync(readFileSync(join(DIST, file))).length;

/** Scripts and styles that the page itself names, and what stands in it. */
export function firstViewPart(): Part {
  const page = readFileSync(join(DIST, "index.html"), "utf8");
  const files = [...page.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(
    ([, file = ""]) => file,
  );
  const [, before = ""] = /<script>([^<]+)<\/script>/.exec(page) ?? [];
  const bytes = files.reduce((sum, file) => sum + sizeOf(file), gzipSync(before).length);
  return { what: "first view", bytes, files: files.length, goal: 60_000 };
}

/** The page itself, its first screen and result in it. */
export function pageBytes(): number {
  return sizeOf("index.html");
}
