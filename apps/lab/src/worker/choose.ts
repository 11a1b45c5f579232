/** What looks at all engines: loaded where another than cpu may compute. */
export { chooseEngine, selectEngine } from "resolvent";
