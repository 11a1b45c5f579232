import {
  answerRequests,
  PROTOCOL,
  type Reply,
  type Work,
  type Workplace,
} from "@resolvent/analysis/remote";

/** What somebody is likely to ask first: a worker is told so once it has nothing to do. */
export interface Ahead {
  readonly ahead: Work;
}

/** Whether a message to a worker says so. */
export function isAhead(message: unknown): message is Ahead {
  return typeof Object(Object(message).ahead).analysis === "string";
}

/** Answers requests, and finds what is likely to be asked while there are none. */
export interface AnsweringAhead {
  hear(message: unknown): void;
  /** Finds something that nobody has asked: what is kept of it is there for whoever asks then. */
  find(work: Work): void;
}

/**
 * The same as `answerRequests`, with what is found ahead. That is ended as soon as other work is asked for; work on the
 * same question waits for it, since it takes it from there.
 */
export function answeringAhead(workplace: Workplace, send: (reply: Reply) => void): AnsweringAhead {
  const answering = answerRequests(workplace, send);
  const ahead = answerRequests(workplace, () => {}); // nobody has asked
  let going: Work | undefined;
  /** Counts what was asked to be run. */
  let asked = 0;
  let last: Promise<void> = Promise.resolve();
  const taken = async (message: unknown): Promise<void> => {
    const { ask, work } = Object(message);
    const runs = ask === "run" || ask === "estimate" || ask === "engines";
    if (runs) asked++;
    if (going !== undefined && runs) {
      const same = questionOf(Object(work)) === questionOf(going); // what is no work is refused below
      if (!same) ahead.end();
      // What it costs is known without a run.
      if (!same || ask === "run") await ahead.done();
    }
    answering.hear(message);
  };
  return {
    hear: (message) => {
      if (Object(message).ask === "cancel") ahead.end(); // what is cancelled may wait for it
      // In their order: what is cancelled was asked before.
      last = last.then(() => taken(message));
    },
    find: (work) => {
      const before = asked;
      void answering.done().then(async () => {
        if (asked > before) return; // somebody has gone on
        going = work;
        ahead.hear({ protocol: PROTOCOL, id: 0, ask: "run", work });
        await ahead.done();
        going = undefined;
      });
    },
  };
}

/** What work is about, whatever it lists or checks of that. */
function questionOf({ analysis, model, precision, engine, values }: Partial<Work>): string {
  const { prompt, target } = Object(values);
  return JSON.stringify([analysis, model, precision, engine, prompt, target]);
}
