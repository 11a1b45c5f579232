import { readReply } from "@resolvent/analysis/remote";
import type { Broken } from "./messages.ts";

/** Messages of a plug-in within a second, at most: it says how far it is some twenty times. */
const MOST = 1000;

// Between the page and a plug-in: whatever that sends, however much, is heard and looked at here, where nothing waits.
let port: MessagePort | undefined;

addEventListener("message", ({ data, ports: [given] }) => {
  if (given === undefined) return port?.postMessage(data);
  port = given;
  port.onmessage = hear;
});

let since = 0;
let count = 0;

function hear({ timeStamp, data }: MessageEvent): void {
  if (timeStamp - since > 1000) [since, count] = [timeStamp, 0];
  try {
    if (++count > MOST) throw new Error(`It has sent more than ${MOST} messages within a second.`);
    postMessage(readReply(data));
  } catch (error) {
    end(Object(error).message);
  }
}

function end(broken: string): void {
  port?.close();
  postMessage({ broken } satisfies Broken);
}
