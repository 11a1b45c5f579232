export {
  type ConnectionOptions,
  comesBefore,
  featuresFed,
  featuresFeeding,
} from "./connections.ts";
export type { FeatureExample } from "./examples.ts";
export { type GatheredFeatures, type GatherOptions, gatherFeatures } from "./gather.ts";
export { type FeedingHead, headsFeeding } from "./heads.ts";
export type { HistogramBin } from "./histogram.ts";
export { nearestFeatures } from "./nearest.ts";
export { type FeaturesOptions, promotedTokens, tokensRead } from "./promoted.ts";
export type { FeatureStatistics, FeatureSummary } from "./tally.ts";
export { largestOf, type TopEnds, type TopOptions, type TopRow } from "./top-rows.ts";
