import { InputError } from "@resolvent/tensor";

/** `weights/bad-zip`: the archive itself is damaged, or is none. */
export function badZip(name: string, says: string, details: object = {}): InputError {
  return new InputError({
    code: "weights/bad-zip",
    message: `${name}: the zip archive ${says}`,
    remedy: "The file is damaged or is not what its name says: fetch it again.",
    details: { name, ...details },
  });
}

/** `weights/unsupported-zip`: a sound archive of a kind that is not read. */
export function unsupportedZip(name: string, says: string, details: object = {}): InputError {
  return new InputError({
    code: "weights/unsupported-zip",
    message: `${name}: the zip archive ${says}`,
    remedy:
      "Save it again with torch.save or numpy.savez: entries are stored or deflated, in one file.",
    details: { name, ...details },
  });
}
