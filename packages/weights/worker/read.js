// The thread of `readOnThread`, in Node and in browsers: fills shared memory with bytes of addresses, Blobs and files
// of a browser's storage. Whether an answer is the right one, the source says that asked (src/source.ts, `Elsewhere`).
// Plain JavaScript, because it is loaded by its address as it is.
const port =
  typeof process === "object" && typeof process.getBuiltinModule === "function"
    ? process.getBuiltinModule("node:worker_threads").parentPort
    : globalThis;

// A request's memory: two 32-bit words, the answers as JSON, and from HEAD the bytes; the same as in src/thread.ts.
const DONE = 0;
const LENGTH = 1;
const TEXT = 8;
const HEAD = 65536;

/** Requests that are read at the same time. */
const AT_ONCE = 4;

/** Bytes of a Blob that are copied at a time. */
const STEP = 8 * 1024 * 1024;

const queue = [];
let running = 0;

function serve() {
  for (; running < AT_ONCE && queue.length > 0; running++) {
    answer(queue.shift()).finally(() => {
      running--;
      serve();
    });
  }
}

async function answer({ buffer, parts, pulse }) {
  /** Says that something has arrived: who waits waits on. */
  const beat = () => {
    Atomics.add(pulse, 0, 1);
    Atomics.notify(pulse, 0);
  };
  const answers = [];
  let at = HEAD;
  for (const part of parts) {
    const out = new Uint8Array(buffer, at, part.end - part.start);
    const read = part.url === undefined ? readBlob : fetchRange;
    const one = await read(part, out, beat).catch((error) => ({ got: 0, failure: told(error) }));
    answers.push(one);
    if (one.got < out.length) break;
    at += out.length;
  }
  let text = new TextEncoder().encode(JSON.stringify(answers));
  if (text.length > HEAD - TEXT) {
    text = new TextEncoder().encode('[{"got":0,"failure":"The answer\'s headers are too long."}]');
  }
  new Uint8Array(buffer, TEXT, text.length).set(text);
  const words = new Int32Array(buffer, 0, 2);
  words[LENGTH] = text.length;
  Atomics.store(words, DONE, 1);
  beat();
}

async function fetchRange({ url, headers, start, end }, out, beat) {
  const range = `bytes=${start}-${end - 1}`;
  const response = await fetch(url, { headers: { ...headers, range } });
  beat();
  const told = ["content-range", "etag"].filter((name) => response.headers.has(name));
  const answer = {
    got: 0,
    status: response.status,
    headers: told.map((name) => [name, response.headers.get(name)]),
  };
  if (response.status !== 206) {
    await response.body?.cancel();
    return answer;
  }
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    if (value.length > out.length - answer.got) {
      await reader.cancel().catch(() => {});
      return { ...answer, more: true };
    }
    out.set(value, answer.got);
    answer.got += value.length;
    beat();
  }
  return answer;
}

async function readBlob({ blob, folder, file, start, end }, out, beat) {
  const whole = blob ?? (await (await folder.getFileHandle(file)).getFile());
  let got = 0;
  for (let at = start; at < end && got === at - start; at += STEP) {
    const bytes = await whole.slice(at, Math.min(at + STEP, end)).arrayBuffer();
    out.set(new Uint8Array(bytes), got);
    got += bytes.byteLength;
    beat();
  }
  return { got };
}

function told(error) {
  const cause = error?.cause?.message ?? error?.cause?.code;
  return cause === undefined ? String(error) : `${error} (${cause})`;
}

function listen(message) {
  if (message === "serve") port.postMessage("ready");
  else {
    queue.push(message);
    serve();
  }
}

if (port === globalThis) port.onmessage = ({ data }) => listen(data);
else port.on("message", listen);
