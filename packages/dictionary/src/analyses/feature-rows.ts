import { headFacts, type Subject, tokenFacts, type Vocabulary } from "@resolvent/analysis";
import type { Shaped } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import { comesBefore, featuresFed, featuresFeeding } from "../features/connections.ts";
import type { FeatureExample } from "../features/examples.ts";
import type { GatheredFeatures } from "../features/gather.ts";
import { headsFeeding } from "../features/heads.ts";
import { nearestFeatures } from "../features/nearest.ts";
import { promotedTokens, tokensRead } from "../features/promoted.ts";
import type { TopRow } from "../features/top-rows.ts";
import { siteText } from "../site.ts";
import type {
  ConnectedFeature,
  FeaturePassage,
  FeatureRow,
  TokenWeight,
} from "./features-result.ts";

/** What rows are made of. */
interface RowParts<T extends Shaped> {
  readonly gathered: GatheredFeatures;
  readonly dictionaries: readonly Dictionary<T>[];
  /** Which of them is described. */
  readonly which: number;
  readonly labels: ReadonlyMap<number, string>;
  /** Tokens and features of a kind. */
  readonly near: number;
}

/** Some features with all that is known of them. */
export async function featureRows<T extends Shaped>(
  { engine, model, vocabulary, signal }: Subject<T>,
  features: readonly number[],
  { gathered, dictionaries, which, labels, near }: RowParts<T>,
): Promise<FeatureRow[]> {
  const dictionary = dictionaries[which] as Dictionary<T>; // it was chosen among them
  const options = { features, top: near, signal };
  const writes = dictionary.output !== undefined;
  const promoted = writes ? await promotedTokens(engine, model, dictionary, options) : undefined;
  const read = await tokensRead(engine, model, dictionary, options);
  const heads = await headsFeeding(engine, model, dictionary, options);
  const nearest = await nearestFeatures(engine, dictionary, options);
  const fedBy: ConnectedFeature[][] = features.map(() => []);
  const feeds: ConnectedFeature[][] = features.map(() => []);
  for (const [i, other] of dictionaries.entries()) {
    if (i === which || other.input === undefined || other.output === undefined || !writes) continue;
    const join = (
      into: ConnectedFeature[][],
      found: readonly (readonly TopRow[])[],
      site: string,
    ): void => {
      for (const [row, own] of found.entries()) {
        into[row]?.push(
          ...own.map(({ index, value }) => ({
            site,
            dictionary: i,
            feature: index,
            weight: value,
          })),
        );
      }
    };
    if (comesBefore(model, other, dictionary)) {
      const found = await featuresFeeding(engine, model, other, dictionary, options);
      join(fedBy, found, siteText(other.output));
    } else if (comesBefore(model, dictionary, other)) {
      const found = await featuresFed(engine, model, dictionary, other, options);
      join(feeds, found, siteText(other.input));
    }
  }
  const strongest = (all: readonly ConnectedFeature[] = []): ConnectedFeature[] =>
    all.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, near);
  const named = (rows: readonly TopRow[] | undefined): TokenWeight[] | null =>
    rows?.map(({ index, value }) => ({ id: index, text: vocabulary.text(index), weight: value })) ??
    null;
  return features.map((feature, row) => {
    const { examples, ...statistics } = gathered.of(feature);
    return {
      feature,
      label: labels.get(feature) ?? null,
      active: statistics.active,
      density: statistics.density,
      first: statistics.first,
      negative: statistics.negative,
      mean: statistics.mean,
      max: statistics.max,
      histogram: statistics.histogram,
      examples: examples.map((example) => passageOf(example, vocabulary)),
      promoted: named(promoted?.[row]?.most),
      suppressed: named(promoted?.[row]?.least),
      reads: named(read?.[row]?.most),
      heads: heads?.[row]?.map(({ gain, ...place }) => ({ ...headFacts(place), gain })) ?? null,
      nearest: (nearest[row] ?? []).map(({ index, value }) => ({
        ...{ feature: index, label: labels.get(index) ?? null, cosine: value },
      })),
      fedBy: strongest(fedBy[row]),
      feeds: strongest(feeds[row]),
    };
  });
}

function passageOf(
  { text, position, activation, start, tokens, activations }: FeatureExample,
  vocabulary: Vocabulary,
): FeaturePassage {
  const facts = tokenFacts(tokens, vocabulary);
  return {
    ...{ text, position, activation, start },
    tokens: facts.map((token, i) => ({ ...token, activation: activations[i] ?? 0 })),
  };
}
