import { PROTOCOL } from "@resolvent/analysis/remote";
import { filesHostOf } from "../files-host.ts";
import { startAskServer } from "../machine/ask-server.ts";
import { anyPlaces, modelPlaces } from "../machine/model-places.ts";
import {
  ended,
  type MachineFlags,
  type MachineSetting,
  startMachine,
} from "../machine/start-machine.ts";
import { drawn } from "./drawn.ts";
import { answerOverStreams } from "./over-streams.ts";
import { withPlaces } from "./written.ts";

/**
 * Answers the protocol of analyses: over standard streams to the end of standard input, or, where a port is named, over
 * HTTP until somebody ends it.
 */
export async function serve(
  model: string | undefined,
  flags: MachineFlags,
  { terminal, signal, contributed }: MachineSetting,
): Promise<void> {
  const { folder = [], port } = flags;
  // Whoever has started the command may do what the command may; whoever reaches a port has to be told what to open.
  const alone = port === undefined;
  const places = alone ? anyPlaces(model, folder) : modelPlaces(model, folder, "serve");
  const machine = await startMachine(model, flags, {
    ...{ called: "resolvent serve", places, terminal },
    ...(contributed !== undefined && { contributed }),
    more: {
      draw: drawn,
      ...(alone && { values: withPlaces, files: filesHostOf(flags, terminal) }),
    },
  });
  const { workplace } = machine;
  if (alone) {
    await Promise.race([answerOverStreams(workplace, terminal), ended(signal)]);
  } else {
    const server = await startAskServer({ workplace, port });
    const { token } = server;
    const url = `http://127.0.0.1:${server.port}/ask`;
    terminal.out(`${JSON.stringify({ protocol: PROTOCOL, url, token })}\n`);
    terminal.note(`${machine.engine}. The token is for you alone; Ctrl-C ends it.`);
    await ended(signal);
    await server.close();
  }
  await machine.close();
}
