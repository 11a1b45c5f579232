/** What reads weights while a run waits: loaded where a model is too large to be held. */
export { readOnThread } from "@resolvent/weights";
