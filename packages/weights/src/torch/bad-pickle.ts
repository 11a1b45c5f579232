import { InputError } from "@resolvent/tensor";

/** `weights/bad-pickle`: the pickle itself is damaged, or says what no tensors need. */
export function badPickle(name: string, says: string, details: object = {}): InputError {
  return new InputError({
    code: "weights/bad-pickle",
    message: `${name}: the pickle ${says}`,
    remedy: "The file is damaged or was not written by torch.save: fetch it again.",
    details: { name, ...details },
  });
}

/** `weights/pickle-global`: it names something that is not part of a tensor. It is neither looked up nor run. */
export function pickleGlobal(name: string, global: string): InputError {
  return new InputError({
    code: "weights/pickle-global",
    message: `${name}: the pickle names ${JSON.stringify(global.slice(0, 200))}, which is no part of a tensor; nothing of it is looked up or run.`,
    remedy:
      "Load it where you trust it and save its tensors alone: torch.save(module.state_dict(), file), or safetensors.",
    details: { name, global },
  });
}
