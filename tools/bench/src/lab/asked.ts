import type { Page } from "playwright";

/** Findings of an analysis, by the built app's own worker in a page of the app: as JSON. */
export async function askWorker(page: Page, worker: string, work: object): Promise<string> {
  return await page.evaluate(
    async ([address, asked]) =>
      await new Promise<string>((resolve, reject) => {
        const own = new Worker(new URL(address, location.href), { type: "module" });
        own.addEventListener("error", (event) => reject(new Error(event.message)));
        own.addEventListener("message", ({ data }) => {
          if (data.say !== "findings" && data.say !== "failure") return;
          own.terminate();
          if (data.say === "failure") reject(new Error(JSON.stringify(data)));
          else resolve(JSON.stringify(data.findings));
        });
        own.postMessage({ protocol: 1, id: 1, ask: "run", work: asked });
      }),
    [worker, work] as const,
  );
}
