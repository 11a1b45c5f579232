import { expandByDegree } from "@resolvent/expansion";
import { layout, svgOf } from "@resolvent/figures";
import { openModel } from "resolvent";

const lm = await openModel("tales");
const ids = lm.tokens("Once upon a time there was a").map(({ id }) => id);
const { terms } = await expandByDegree(lm.engine, lm.model, ids);
const columns = [
  { name: "degree", kind: "count" },
  { name: "share of the logits", kind: "bar" },
] as const;
const rows = terms.map(({ degree, logitShare }) => [degree, logitShare]);
const view = { mark: "bars", table: "degrees", y: "degree", x: "share of the logits" } as const;
const drawing = layout(view, [{ kind: "degrees", columns, rows }], { width: 640 });
document.body.innerHTML = svgOf(drawing, { alone: true });
