export {
  checkpointSha256,
  type DigestStore,
  type HashOptions,
  newSha256,
  type Sha256,
} from "./sha256.ts";
