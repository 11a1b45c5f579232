/** What the golden files say about heads; the words of their `spec` define every field. */
export interface GoldenHeads {
  readonly attention_static: {
    readonly ov_copying_residual: Readonly<Record<"folded" | "raw", Table>>;
    readonly ov_copying_embedding: Readonly<
      Record<"folded" | "folded_vocab_centred" | "raw", Table>
    >;
    readonly eigs_last_layer_head0_folded_residual: {
      readonly re: readonly number[];
      readonly im: readonly number[];
    };
    readonly composition?: Readonly<
      Record<"folded" | "raw", Record<"Q" | "K" | "V", Record<string, Table>>>
    >;
  };
  readonly head_scores:
    | { readonly skipped: string }
    | {
        readonly rep_len: number;
        readonly bos: number | null;
        readonly seed: number;
        readonly sequences: readonly (readonly number[])[];
        readonly previous_token: Table;
        readonly duplicate_token: Table;
        readonly induction: Table;
      };
}

type Table = readonly (readonly number[])[];

export const goldenModels = [
  "stories260k",
  "nano-sort-gpt2",
  "neel-induction-2l",
  "neel-modadd113-1l",
] as const;
