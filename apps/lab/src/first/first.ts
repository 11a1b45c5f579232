import { type Answering, answerRequests, askOver, type Findings } from "@resolvent/analysis/remote";
import { createCpu } from "@resolvent/cpu";
import { findFolder } from "resolvent";
import { FIRST, FIRST_VERIFIED, pathsWork } from "../state/question.ts";
import { catalogue } from "../worker/catalogue.ts";
import { keptModels } from "../worker/kept-models.ts";
import { workplaceOf } from "../worker/workplace.ts";

/** What the lab shows before anything runs, computed as its worker would; for the command that writes it, and its test. */
export async function firstFindings(): Promise<Findings> {
  const models = keptModels({ engine: createCpu, folder: findFolder, threads: 1 });
  const workplace = workplaceOf({ catalogue, models, engine: "cpu, 1 thread" });
  const sides: { answering?: Answering } = {};
  const asking = askOver((request) => sides.answering?.hear(request));
  sides.answering = answerRequests(workplace, (reply) => asking.hear(reply));
  try {
    return await asking.run(pathsWork(FIRST, { verify: FIRST_VERIFIED }));
  } finally {
    await models.close();
  }
}
