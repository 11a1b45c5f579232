import { fetchModel } from "./hub-fetch.ts";

const [endpoint = "", cache = ""] = process.argv.slice(2);
process.stdout.write("started\n");
await fetchModel({ endpoint, cache, pieceBytes: 256 * 1024 });
process.stdout.write("done\n");
